"""The writing half of a sync: rows that were spooled are compared with those of the last snapshot, and appended."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from imednet_api.types import decode, utc

from ..integrations.run.spool import Spool
from ..integrations.tables.arrow import pyarrow
from ..integrations.tables.batches import without_hidden
from .commits import TableChange, TableState
from .delta_folder import DeltaFolder
from .reading import unspooled
from .table_layout import Version, VersionTable, row_hash, same_row, tombstones, versions
from .versions import Versions, text

_BATCH_ROWS, _BATCH_BYTES = 1_000, 4_000_000


@dataclass
class Appended:
    """What was appended to a table.

    Attributes:
        inserted, updated, deleted: rows.
        undated: updates that the server had not dated.
        retyped: rows written again because the design changed.
        moved_in, moved_out: rows that came from another table of records, or went to one.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    undated: int = 0
    retyped: int = 0
    moved_in: int = 0
    moved_out: int = 0


@dataclass
class TableWork:
    """What is to be done to one table.

    Attributes:
        groups: keys of the spool that hold rows of it.
        all_rows: whether these are all rows of the table.
        gone: keys of rows that are gone.
        moved: key -> row as it was, of rows that go from one table of records to another.
        dated: field that says when a row was changed; `None` where nothing does.
        since: changes before this moment should have been seen earlier.
        seen: server time of the read.
        strip: removes from a row what the mirror must not hold, beside hidden answers.
    """

    groups: set[str] = field(default_factory=set)
    all_rows: bool = False
    gone: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    dated: str | None = None
    since: datetime | None = None
    seen: datetime | None = None
    strip: Callable[[bytes], bytes] | None = None


class TableWriter:
    """Appends to one table.

    Args:
        root: the folder of the mirror.
        layout: the table as it is written from now on.
        state: its state at the last snapshot, without files if it is new.
        old: the rows of that snapshot.
        number: number of that snapshot; rows are appended for the next one.
        retention: how long replaced files stay.
    """

    def __init__(
        self, root: Path, layout: VersionTable, state: TableState, old: Versions, number: int, retention: timedelta
    ) -> None:
        self._folder = DeltaFolder(root / state.folder, retention)
        self._layout = layout
        self._schema = layout.schema
        self._reader = layout.reader()
        self._state = state
        self._old = old
        self._number = number
        self._done = Appended()
        self._batches = 0
        self._rows = 0
        self._digest = 0
        self._touched: set[str] = set()
        self._only_hidden: set[str] = set()

    def write(self, work: TableWork, spool: Spool) -> tuple[TableChange | None, Appended]:
        """Append the versions of what changed; `None` where nothing did."""
        batches = chain(self._changed(work, spool), self._retyped(work), self._gone(work))
        first = next(batches, None)
        if first is None:
            return None, self._done
        title = self._layout.table.title or self._layout.table.key
        file = self._folder.append(self._schema, chain([first], batches), title)
        version = self._folder.version
        assert version is not None
        done, state = self._done, self._state
        after = TableState(
            state.key, state.folder, version, (), state.versions + self._rows,
            state.current + done.inserted + done.moved_in - done.deleted - done.moved_out, self._layout.columns,
            self._layout.layout, self._layout.hidden, groups=state.groups,
        )  # fmt: skip
        new_layout = after.layout != state.layout
        return TableChange(after, [file], self._rows, str(self._digest), new_layout), done

    # ---- rows that were read

    def _changed(self, work: TableWork, spool: Spool) -> Iterator[Any]:
        """Versions of the rows that are new or differ. Sets `work.gone` where all rows were read."""
        groups = sorted(work.groups)
        if not groups and not work.all_rows:
            return
        if not self._state.files:
            changed: dict[int, bool] | None = None
        else:
            rows = self._digests(groups, spool, work.strip)
            changed, gone = self._old.different(self._state.key, rows, self._number, all_rows=work.all_rows)
            work.gone |= set(gone)
        position = 0
        for lines in self._lines(groups, spool, work.strip):
            chosen: list[tuple[str, bytes, bool]] = []
            for key, line in lines:
                if (changed is None or position in changed) and (key not in work.gone or work.all_rows):
                    chosen.append((key, line, changed is None or changed[position]))
                position += 1
            chosen = self._really_changed(chosen)
            if chosen:
                self._touched.update(key for key, _, _ in chosen) if changed is not None else None
                yield self._versions(work, chosen)

    def _digests(self, groups: Sequence[str], spool: Spool, strip: Callable[[bytes], bytes] | None) -> Any:
        """Position, key and hash of every row of the spool, as a `pyarrow.Table`."""
        arrow = pyarrow()
        schema = arrow.schema([("pos", arrow.int64()), ("_key", arrow.string()), ("_hash", arrow.int64())])
        batches, count = [], 0
        for lines in self._lines(groups, spool, strip):
            cells = [range(count, count + len(lines)), [key for key, _ in lines], [row_hash(line) for _, line in lines]]
            arrays = [arrow.array(column, field.type) for column, field in zip(cells, schema, strict=True)]
            batches.append(arrow.record_batch(arrays, schema=schema))
            count += len(lines)
        return arrow.Table.from_batches(batches, schema)

    def _lines(
        self, groups: Sequence[str], spool: Spool, strip: Callable[[bytes], bytes] | None
    ) -> Iterator[list[tuple[str, bytes]]]:
        """Keys and rows of the spool, without what the mirror must not hold; rows end in a line break."""
        hidden = bool(self._layout.table.hidden)
        for group in groups:
            for entries in spool.batches(group, _BATCH_ROWS, _BATCH_BYTES):
                lines = []
                for entry in entries:
                    key, line = unspooled(entry)
                    if strip is not None:
                        line = strip(line.rstrip(b"\n")) + b"\n"
                    if hidden:
                        line = without_hidden(line, self._layout.table) + b"\n"
                    lines.append((key, line))
                yield lines

    def _really_changed(self, rows: list[tuple[str, bytes, bool]]) -> list[tuple[str, bytes, bool]]:
        """Rows without those that differ from what is known in the order of their members alone."""
        known = [key for key, _, new in rows if not new]
        if not known:
            return rows
        lines = self._current_lines(known)
        changed = [
            (key, line, new)
            for key, line, new in rows
            if new or not same_row(line.decode("utf-8", "replace"), lines[key])
        ]
        hidden = {*self._state.hidden, *self._layout.hidden}
        if set(self._state.hidden) != set(self._layout.hidden):
            table = replace(self._layout.table, hidden=tuple(hidden))  # what was or is hidden is no change of data
            for key, line, new in changed:
                if not new and same_row(*(without_hidden(one, table).decode("utf-8", "replace")
                                          for one in (line, lines[key].encode()))):  # fmt: skip
                    self._only_hidden.add(key)
        return changed

    def _current_lines(self, keys: Collection[str], where: str = "true") -> dict[str, str]:
        lines: dict[str, str] = {}
        for batch in self._old.rows(self._state.key, ["_key", "_line"], self._number, keys=keys, where=where):
            lines.update(zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True))
        return lines

    def _versions(self, work: TableWork, rows: list[tuple[str, bytes, bool]]) -> Any:
        operations: list[Version] = []
        for key, line, new in rows:
            operation: Version = "insert" if new else "update"
            if key in work.moved:
                self._done.moved_in += 1
                operation = "retype" if same_row(line.decode("utf-8", "replace"), work.moved[key]) else "update"
                self._done.updated += operation == "update"
            elif new:
                self._done.inserted += 1
            elif key in self._only_hidden:
                operation = "retype"
                self._done.retyped += 1
            else:
                self._done.updated += 1
                self._done.undated += _is_undated(line, work)
            operations.append(operation)
        return self._batch([(key, line) for key, line, _ in rows], operations, work.seen)

    def _batch(self, rows: Sequence[tuple[str, bytes]], operations: Sequence[Version], seen: datetime | None) -> Any:
        hashes = [row_hash(line) for _, line in rows]
        batch = versions(
            self._layout, self._schema, self._reader, self._batches, [line for _, line in rows],
            [key for key, _ in rows], operations, hashes, self._number + 1, seen,
        )  # fmt: skip
        self._batches += 1
        self._rows += len(rows)
        self._digest += sum(hashes)
        return batch

    # ---- rows whose design changed

    def _retyped(self, work: TableWork) -> Iterator[Any]:
        """Versions of rows that did not change, where the design now gives them other cells."""
        condition = self._affected()
        if condition is None or not self._state.files:
            return
        rows: list[tuple[str, bytes]] = []
        for batch in self._old.rows(self._state.key, ["_key", "_line"], self._number, where=condition):
            for key, line in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                if key not in self._touched and key not in work.gone:
                    stripped = without_hidden(line.encode(), self._layout.table) + b"\n"
                    rows.append((key, stripped))
                if len(rows) >= _BATCH_ROWS:
                    yield self._retyped_batch(rows, work)
                    rows = []
        if rows:
            yield self._retyped_batch(rows, work)

    def _retyped_batch(self, rows: Sequence[tuple[str, bytes]], work: TableWork) -> Any:
        self._done.retyped += len(rows)
        return self._batch(rows, ["retype"] * len(rows), work.seen)

    def _affected(self) -> str | None:
        """The condition of rows whose cells a change of the design may alter; `None` where it alters none."""
        before, now = self._state.layout, self._layout.layout
        if not before:
            return None
        names = {
            parts[0]
            for one, other in ((before, now), (now, before))
            for name, parts in one.items()
            if tuple(other.get(name, ())) != tuple(parts)
            or self._state.columns.get(name, name) != self._layout.columns.get(name, name)
        }
        hidden = set(self._layout.hidden) - set(self._state.hidden)
        if not names and not hidden:
            return None
        wanted = {name.casefold() for name in names} | hidden
        if not all(name.isascii() for name in wanted):  # JSON may spell the name in several ways
            return "true"
        tests = [f"contains(lower(_line), {text(json.dumps(name))})" for name in sorted(wanted)]
        return " or ".join(tests)

    # ---- rows that are gone

    def _gone(self, work: TableWork) -> Iterator[Any]:
        if not work.gone or not self._state.files:
            return
        keys = sorted(work.gone)
        if not work.all_rows:
            current = self._old.current_keys([self._state.key], keys, self._number)
            keys = sorted(current.get(self._state.key, ()))
        for start in range(0, len(keys), _BATCH_ROWS):
            some = keys[start : start + _BATCH_ROWS]
            moved = sum(key in work.moved for key in some)
            self._done.moved_out += moved
            self._done.deleted += len(some) - moved
            self._rows += len(some)
            yield tombstones(self._schema, some, self._number + 1, work.seen)


def _is_undated(line: bytes, work: TableWork) -> bool:
    """Whether a change was not dated by the server, so that only a comparison found it."""
    if work.dated is None or work.since is None:
        return False
    date = utc(decode(line).get(work.dated))
    return date is None or date < work.since
