"""What changed between two snapshots, cell by cell, with who and why from the record revisions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from imednet_api.types import decode, utc

from ..integrations.tables.blinded_terms import TERMS, BlindedTerms, tells_blinded
from ..integrations.tables.layout import CONTEXT, SYSTEM
from .commits import State, iso
from .table_layout import holds_records
from .versions import Versions, text

_BOOKKEEPING: Final = frozenset({"dateModified", "recordData"})
_CODINGS: Final = "_codings"
_REVISIONS: Final = "_record_revisions"


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell that changed. `repr` shows no answer.

    Attributes:
        snapshot: number of the snapshot that saw it first.
        seen: server time of that snapshot; UTC.
        operation: `insert`, `update` or `delete`, of the row.
        form: key of the form, or name of the list with a leading underscore.
        key: the row's identity, such as its `recordId`, as text.
        subject_key: the subject, if it is of one.
        name: the variable or the field.
        before, after: the cell; `None` where it is missing.
        changed: when the row was changed, by the server; UTC.
        user, reason: of the last revision that explains it; `None` where none does, or for other lists.
        revisions: `recordRevisionId` of all revisions that explain it.
        explained: whether any does; `None` for other lists, and where the server has no revisions.
    """

    snapshot: int
    seen: datetime | None
    operation: str
    form: str
    key: str
    subject_key: str | None
    name: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    changed: datetime | None
    user: str | None
    reason: str | None = field(repr=False)
    revisions: tuple[int, ...]
    explained: bool | None

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {
            "snapshot": self.snapshot, "operation": self.operation, "form": self.form, "key": self.key,
            "subjectKey": self.subject_key, "name": self.name, "before": self.before, "after": self.after,
            "changed": iso(self.changed), "user": self.user, "reason": self.reason,
            "revisions": list(self.revisions), "explained": self.explained, "seen": iso(self.seen),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowVersion:
    """One version of a row. `repr` shows no answer.

    Attributes:
        snapshot, seen: number and server time of the snapshot that saw it first.
        operation: `insert`, `update`, `delete`, or `retype` where only the design of its form changed.
        form: key of the table.
        key: the row's identity as text.
        row: the row as the server sent it; `None` where it was deleted.
    """

    snapshot: int
    seen: datetime | None
    operation: str
    form: str
    key: str
    row: Mapping[str, Any] | None = field(repr=False)

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {
            "snapshot": self.snapshot, "seen": iso(self.seen), "operation": self.operation, "form": self.form,
            "key": self.key, "row": self.row,
        }  # fmt: skip


RowOperation = Literal["insert", "update", "delete"]
"""What happened to a row between two snapshots."""


def record_tables(state: State) -> list[str]:
    """Keys of the tables of records."""
    return [key for key in state.tables if holds_records(key)]


def ever_had_subject(versions: Versions, subject_key: str) -> bool:
    """Whether any version of the list of subjects has this one; also where there is no such list to look into."""
    source = versions.source("_subjects")
    if source is None:
        return True
    lines = versions.query(f"select distinct _line from {source} where _line is not null")
    return any(decode(row["_line"]).get("subjectKey") == subject_key for batch in lines for row in batch.to_pylist())


def versions_of(versions: Versions, tables: Sequence[str], key: str) -> list[RowVersion]:
    """All versions of a row, in the order of the snapshots; a row that went to another table is there once."""
    found: dict[int, RowVersion] = {}
    for table in tables:
        source = versions.source(table)
        if source is None:
            continue
        sql = f"select _snapshot, _seen, _operation, _line from {source} where _key = {text(key)}"
        for batch in versions.query(sql):
            for row in batch.to_pylist():
                number = row["_snapshot"]
                line = row["_line"]
                if number in found and line is None:  # it went to another table
                    continue
                found[number] = RowVersion(
                    number, row["_seen"], row["_operation"], table, key, None if line is None else decode(line)
                )
    return [found[number] for number in sorted(found)]


def cell_changes(
    versions: Versions,
    tables: Sequence[str],
    after: int,
    upto: int,
    *,
    subject_key: str | None = None,
    operations: Collection[RowOperation] = get_args(RowOperation),
    hidden: Mapping[str, Collection[str]] = MappingProxyType({}),
    records: Sequence[str] = (),
    audited: bool = True,
    terms: Collection[BlindedTerms] = (),
) -> Iterator[CellChange]:
    """The cells that changed after one snapshot and up to another, table by table, in the order of the snapshots.

    Args:
        versions: the rows of the mirror.
        tables: keys of the tables to look at.
        after, upto: numbers of the snapshots.
        subject_key, operations: as of `Mirror.changes`.
        hidden: key of a table -> names of its answers that are not told, in lower case.
        records: keys of all tables of records, among which a row may move.
        audited: whether the mirror has record revisions.
        terms: of which variables codings are told without their terms.
    """
    revisions = _Revisions(versions, upto)
    moved = _moved(versions, records, after, upto)
    for table in tables:
        for pair in _pairs(versions, table, after, upto):
            if (pair.key, pair.snapshot) in moved:
                if pair.operation == "delete":
                    continue
                left = moved[pair.key, pair.snapshot]
                pair = replace(pair, operation="update", was=left.was, before=left.before, known=left.known)
            if pair.operation not in operations:
                continue
            subjects = [row.get("subjectKey") for row in (pair.now, pair.was) if row]
            subject = subjects[0] if subjects else None
            if subject_key is not None and subject_key not in subjects:
                continue
            cells = [
                cell
                for cell in _cells(pair.was or {}, pair.now or {})
                if _tells(cell[0], pair.operation) and cell[0].casefold() not in hidden.get(table, ())
            ]
            rows = [row for row in (pair.was, pair.now) if row] if table == _CODINGS else []
            if any(tells_blinded(row, one) for row in rows for one in terms):
                cells = [cell for cell in cells if cell[0] not in TERMS]
            if not cells:
                continue
            is_record = audited and holds_records(table)
            why = revisions.between(pair) if is_record else []
            last = why[-1] if why else {}
            for name, before, now in cells:
                yield CellChange(
                    pair.snapshot, pair.seen, pair.operation, table, pair.key, subject, name, before, now,
                    utc((pair.now or {}).get("dateModified")), last.get("user"), last.get("reasonForChange"),
                    tuple(one["recordRevisionId"] for one in why), bool(why) if is_record else None,
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Pair:
    """A version of a row and the one before it; `before` is the snapshot of that one, and `known` its server time."""

    key: str
    snapshot: int
    before: int
    known: datetime | None
    seen: datetime | None
    operation: str
    was: Mapping[str, Any] | None
    now: Mapping[str, Any] | None


def _pairs(versions: Versions, table: str, after: int, upto: int) -> Iterator[_Pair]:
    source = versions.source(table)
    if source is None:
        return
    touched = f"select _key from {source} where _snapshot > {after} and _snapshot <= {upto} and _operation <> 'retype'"
    sql = (
        "select * from (select _key, _snapshot, _seen, _operation, _line, "
        "lag(_line) over w as was, coalesce(lag(_snapshot) over w, 0) as earlier, lag(_seen) over w as known "
        f"from {source} where _snapshot <= {upto} and _key in ({touched}) "
        "window w as (partition by _key order by _snapshot)) "
        f"where _snapshot > {after} and _operation <> 'retype' order by _snapshot, length(_key), _key"
    )
    for batch in versions.query(sql):
        for row in batch.to_pylist():
            was, now = (None if line is None else decode(line) for line in (row["was"], row["_line"]))
            operation = row["_operation"] if was is not None else "insert"
            yield _Pair(row["_key"], row["_snapshot"], row["earlier"], row["known"], row["_seen"], operation, was, now)


def _moved(versions: Versions, tables: Sequence[str], after: int, upto: int) -> dict[tuple[str, int], _Pair]:
    """Rows that went from one table to another: how they left the first, by key and the snapshot in which they went."""
    gone, written = set[tuple[str, int]](), set[tuple[str, int]]()
    window = f"_snapshot > {after} and _snapshot <= {upto}"
    for table in tables:
        source = versions.source(table)
        if source is not None:
            keys = f"select _key, _snapshot from {source} where {window}"
            gone |= _pairs_of(versions, f"{keys} and _operation = 'delete'")
    for table in tables if gone else ():
        source = versions.source(table)
        if source is not None:
            snapshots = ", ".join(sorted({str(snapshot) for _, snapshot in gone}))
            keys = f"select _key, _snapshot from {source} where _snapshot in ({snapshots})"
            written |= gone & _pairs_of(versions, f"{keys} and _operation <> 'delete'")
    return {
        (pair.key, pair.snapshot): pair
        for table in (tables if written else ())
        for pair in _pairs(versions, table, after, upto)
        if pair.operation == "delete" and (pair.key, pair.snapshot) in written
    }


def _pairs_of(versions: Versions, sql: str) -> set[tuple[str, int]]:
    return {(row["_key"], row["_snapshot"]) for batch in versions.query(sql) for row in batch.to_pylist()}


class _Revisions:
    """The record revisions of a mirror, by record."""

    def __init__(self, versions: Versions, upto: int) -> None:
        self._versions = versions
        self._upto = upto
        self._found: dict[Any, list[tuple[int, Mapping[str, Any]]]] | None = None

    def between(self, pair: _Pair) -> list[Mapping[str, Any]]:
        """The revisions that a version of a record adds to the one before it.

        Those of the syncs after that one; and of its own sync those made after it was read, since revisions are read
        after the records.
        """
        end = utc((pair.now or {}).get("dateModified"))
        found = []
        for snapshot, revision in self._of(pair.key):
            created = utc(revision.get("dateCreated"))
            timed = created is not None and pair.known is not None and end is not None
            late = timed and snapshot == pair.before and pair.known <= created <= end  # type: ignore[operator]
            if pair.before < snapshot <= pair.snapshot or late:
                found.append(revision)
        return sorted(found, key=lambda one: (one.get("recordRevision") or 0, one.get("recordRevisionId") or 0))

    def _of(self, key: str) -> list[tuple[int, Mapping[str, Any]]]:
        if self._found is None:
            self._found = {}
            source = self._versions.source(_REVISIONS)
            if source is not None:
                sql = f"select _snapshot, _line from {source} where _snapshot <= {self._upto} and _operation = 'insert'"
                for batch in self._versions.query(sql):
                    for row in batch.to_pylist():
                        revision = decode(row["_line"])
                        entry = (row["_snapshot"], revision)
                        self._found.setdefault(str(revision.get("recordId")), []).append(entry)
        return self._found.get(key, [])


def _cells(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    """The cells in which two rows differ; empty, null and absent are all missing."""
    for name in dict.fromkeys((*was, *now)):
        if name not in _BOOKKEEPING:
            before, after = _text(was.get(name)), _text(now.get(name))
            if before != after:
                yield name, before, after
    answers_was, answers_now = (row.get("recordData") for row in (was, now))
    answers_was = answers_was if isinstance(answers_was, dict) else {}
    answers_now = answers_now if isinstance(answers_now, dict) else {}
    for name in dict.fromkeys((*answers_was, *answers_now)):
        before, after = _text(answers_was.get(name)), _text(answers_now.get(name))
        if before != after and not (name in SYSTEM and name == "dateModified"):
            yield name, before, after


def _tells(name: str, operation: str) -> bool:
    """Whether a cell tells more than where a row belongs, which goes without saying where the row came or went."""
    return operation == "update" or name not in CONTEXT or name in ("recordStatus", "deleted")


def _text(value: Any) -> str | None:
    if value is None or value in ("", []):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
