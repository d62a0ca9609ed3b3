"""One run of a mirror: read what changed, append it to the tables, commit.

All reading comes first, with the study's design last, so that the design is at least as new as the records; then every
table is appended to; then one row in the table of commits makes all of it count. A run that dies before that leaves
nothing that anyone sees.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from imednet_api.models import Form, Variable
from imednet_api.types import decode, utc

from ..core.filtering.grammar import clause
from ..errors import IncompleteReadError
from ..integrations.run.spool import Spool
from ..integrations.tables.batches import without_hidden
from ..integrations.tables.blinded_terms import blinded_variables, without_blinded_terms
from ..integrations.tables.form_assignment import FormAssignment
from ..integrations.tables.layout import UNASSIGNED, StudyTables, Table
from ..resources import RESOURCES
from ..sdk import ImednetSDK
from ..utils.disk import flush_folder, write_private
from ..utils.interruptions import raised_from_outside
from .appending import TableWork, TableWriter
from .commits import Commit, CommitLog, ListState, State, TableChange, TableState
from .delta_folder import SMALL_FILE, DeltaFolder
from .list_source import FORM_FIELDS, OVERLAP, ListSource, ReadRow, form_of, number_of
from .reading import ChangeReader, ListChange, unspooled
from .shrinking import answers_any, bare_rows, refuse_shrunk_lists, refuse_shrunk_table, refuse_unseen_answers
from .table_layout import (
    VersionTable,
    folders,
    holds_records,
    mirror_tables,
)
from .versions import Versions

DESIGN: Final = ("variables", "forms")
LISTS: Final = (
    "records",
    *(name for name, resource in RESOURCES.items() if resource.listed and name not in ("records", *DESIGN)),
    *DESIGN,
)
"""All lists, in the order in which they are read: records before their revisions, the design last."""
UNFINISHED: Final = ".unfinished"
"""File that is there while tables are appended to: their folders, one a line."""
MANY_FILES: Final = 8
"""Small files that a table may have before they are joined."""

Progress = Callable[[str, int, int], None]
"""Called with a list, the rows read so far, and the rows there are."""


@dataclass
class SyncReport:
    """What one sync did.

    Attributes:
        study: key of the study.
        snapshot: number of the new snapshot; `None` where nothing had changed.
        operation: `sync`, or `reconcile` where all rows were compared.
        inserted, updated, deleted: rows by list.
        undated: changes that the server had not dated and a comparison found, by list.
        requests: requests sent.
        warnings: what a reader of the log should know.
        server_time: the latest time of the server; UTC.
    """

    study: str
    snapshot: int | None = None
    operation: str = "sync"
    inserted: dict[str, int] = field(default_factory=dict)
    updated: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    undated: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    warnings: list[str] = field(default_factory=list)
    server_time: datetime | None = None

    @property
    def changed(self) -> bool:
        """Whether the study had changed."""
        return any(map(bool, (self.inserted, self.updated, self.deleted)))

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each list that changed."""
        names = [name for name in LISTS if name in {**self.inserted, **self.updated, **self.deleted, **self.undated}]
        return [
            {
                "list": name,
                "inserted": self.inserted.get(name, 0),
                "updated": self.updated.get(name, 0),
                "deleted": self.deleted.get(name, 0),
                "undated": self.undated.get(name, 0),
            }
            for name in names
        ]


@dataclass
class _Design:
    """Forms, variables and the tables they make."""

    forms: Sequence[Form]
    tables: StudyTables
    assignment: FormAssignment
    blinded: set[tuple[str, str]]
    hides: bool

    @classmethod
    def of(cls, state: State, forms: Sequence[Form], variables: Sequence[Variable]) -> _Design:
        blinded = state.blinded | blinded_variables(variables)
        tables = mirror_tables(state.study, forms, variables, state.names, state.unblinded, blinded)
        return cls(forms, tables, FormAssignment(tables), blinded, bool(blinded) and state.unblinded is None)

    @cached_property
    def _hiding(self) -> dict[str, Table]:
        tables = (*self.tables.forms, self.tables.unassigned)
        return {table.key: table for table in tables if table.hidden}

    def hidden(self, group: tuple[Any, ...]) -> set[str]:
        """Names, in lower case, of the answers that records of a form must not hold, by what they say of their form."""
        table = self._hiding.get(self.assignment.key(*group))
        return set() if table is None or not self.hides else {name.casefold() for name in table.hidden}

    def stripped(self, name: str, group: tuple[Any, ...], line: bytes) -> bytes:
        """A row of a list without blinded answers, where the mirror must hold none."""
        if not self.hides:
            return line
        if name == "codings":
            return without_blinded_terms(line, self.tables.blinded_terms)
        table = self._hiding.get(self.assignment.key(*group)) if group else None
        return line if table is None else without_hidden(line, table)

    @property
    def keys(self) -> dict[str, str | None]:
        """The key of each form by its id."""
        return {str(form.form_id): form.form_key for form in self.forms}


class SyncRun:
    """One sync of one mirror, under its lock.

    Args:
        sdk: the SDK to read with.
        root: the folder of the mirror.
        state: its state, which is brought up to date.
        log: its commits.
        home: an empty folder for what is spooled.
        reconcile: compare all rows; by default when a list was last compared a week ago.
        accept_deletions: believe that most rows of a list are gone.
        retention: how long replaced files stay.
        progress: called while lists are read.
    """

    def __init__(
        self,
        sdk: ImednetSDK,
        root: Path,
        state: State,
        log: CommitLog,
        home: Path,
        *,
        reconcile: bool | None = None,
        accept_deletions: bool = False,
        retention: timedelta = timedelta(days=1),
        progress: Progress | None = None,
    ) -> None:
        self._sdk = sdk
        self._root = root
        self._state = state
        self._log = log
        self._home = home
        self._reconcile = reconcile
        self._accept_deletions = accept_deletions
        self._retention = retention
        self._progress = progress
        self._report = SyncReport(state.study)
        self._changes: dict[str, ListChange] = {}
        self._sources: dict[str, ListSource] = {}
        self._server_time: str | None = None

    def run(self) -> SyncReport:
        """Read, append and commit; join files where a table has many small ones."""
        with (
            Versions(self._root, self._state.tables, self._home) as old,
            Spool(self._home / "spool", {"study": self._state.study}) as spool,
        ):
            spool.start()
            self._old, self._spool = old, spool
            self._read()
            commit = self._write()
        if commit is not None:
            self._log.append(self._state, commit)
            self._report.snapshot = commit.number if commit.tables else None
        try:
            self._compact()
            (self._root / UNFINISHED).unlink(missing_ok=True)
        except OSError as error:  # the commit counts, and the next run joins files
            if raised_from_outside(error) is not None:
                raise
            self._report.warnings.append(f"small files could not be joined ({error.strerror or type(error).__name__})")
        return self._report

    # ---- reading

    def _read(self) -> None:
        """Read what changed in every list into the spool."""
        state, report = self._state, self._report

        def strip(name: str, group: tuple[Any, ...], line: bytes) -> bytes:
            return self._known_design.stripped(name, group, line)

        self._reader = ChangeReader(self._spool, self._old, state.number, strip, self._progress)
        for name in LISTS:
            source = self._sources[name] = ListSource(self._sdk, state.study, name)
            change = self._reader.read(source, state.lists.get(name), self._tables_of(name), self._reconcile)
            self._changes[name] = change
            time = utc(change.server_time)
            if time is not None and (report.server_time is None or time > report.server_time):
                report.server_time, self._server_time = time, change.server_time
        report.warnings += self._reader.warnings
        if any(change.compared for change in self._changes.values()):
            report.operation = "reconcile"

    @cached_property
    def _known_design(self) -> _Design:
        """The design of the last snapshot; before the first, as the server has it now."""
        if self._state.number:
            forms = [Form.from_dict(decode(line)) for line in self._current_lines("_forms").values()]
            variables = [Variable.from_dict(decode(line)) for line in self._current_lines("_variables").values()]
        else:
            forms = list(self._sdk.forms.list(self._state.study, refresh=True))
            variables = list(self._sdk.variables.list(self._state.study, refresh=True))
            self._report.requests += 2
        return _Design.of(self._state, forms, variables)

    def _tables_of(self, name: str) -> list[str]:
        """Keys of the tables that hold the rows of a list."""
        if name != "records":
            return [f"_{name}"]
        return [key for key in self._state.tables if holds_records(key)]

    def _current_lines(self, key: str) -> dict[str, bytes]:
        """The rows of a table as of the last snapshot, by key."""
        return dict(self._lines(key))

    def _new_lines(self, name: str) -> list[bytes]:
        """The rows of a list of the design, with what was read."""
        change = self._changes[name]
        lines = {} if change.mode == "all" else self._current_lines(f"_{name}")
        for group in change.groups:
            for batch in self._spool.batches(group, 10_000, 2**24):
                for entry in batch:
                    key, line = unspooled(entry)
                    lines[key] = line
        return [line for key, line in lines.items() if key not in change.gone]

    # ---- writing

    def _write(self) -> Commit | None:
        """Append what changed to every table; the commit that makes it count, if there is anything to commit."""
        state, report = self._state, self._report
        first = not state.number
        touched = any(change.groups or change.gone or change.mode == "all" for change in self._changes.values())
        commit = Commit(state.number + 1, "reconcile" if report.operation == "reconcile" else "sync", self._server_time)
        if touched or first:
            design = self._design()
            if not self._accept_deletions:
                self._check_shrinking(design)
            commit.blinded = design.blinded - state.blinded
            commit.names = {key: name for key, name in design.tables.mapping.items() if state.names.get(key) != name}
            work = self._work(design)
            places = {key: table.folder for key, table in state.tables.items()}
            places |= folders(work, places)
            self._begin(places[key] for key in work)
            tables = {table.key: table for table in design.tables.data}
            for key, todo in work.items():
                self._append(commit, key, tables.get(key), places[key], todo)
        report.requests += sum(source.requests for source in self._sources.values())
        changed = bool(commit.tables)
        if not changed:
            commit.number, commit.names = state.number, {}
        for name, change in self._changes.items():
            if change.mode != "unchanged":
                commit.lists[name] = self._list_state(name, change, commit)
        lost = any(name in state.lists and entry.lost != state.lists[name].lost for name, entry in commit.lists.items())
        if self._progress is not None:
            self._progress("snapshots", 0, 1)
        if first or changed or lost or report.operation == "reconcile":
            commit.number = max(commit.number, 1)
            return commit
        return None

    def _begin(self, places: Iterable[str]) -> None:
        """Leave a mark that tables are being appended to, so that the next run looks for what a dead one left.

        Args:
            places: folders of these tables.
        """
        write_private(self._root / UNFINISHED, "".join(f"{place}\n" for place in places))
        flush_folder(self._root)

    def _check_shrinking(self, design: _Design) -> None:
        """Refuse answers by which most of a list, or all blinded answers, would be gone."""
        state = self._state
        refuse_shrunk_lists(self._changes, state.lists)
        if state.unblinded is None or not design.blinded:
            return
        bare = bare_rows(self._records_read(), design.blinded)
        old = (rows for table in self._tables_of("records") if bare for rows in self._lines(table, bare))
        refuse_unseen_answers(sum(answers_any(line, design.blinded) for _, line in old))

    def _records_read(self) -> Iterator[tuple[str, bytes]]:
        for group in self._changes["records"].groups:
            for batch in self._spool.batches(group, 10_000, 2**24):
                yield from map(unspooled, batch)

    def _design(self) -> _Design:
        forms = [Form.from_dict(decode(line)) for line in self._new_lines("forms")]
        variables = [Variable.from_dict(decode(line)) for line in self._new_lines("variables")]
        return _Design.of(self._state, forms, variables)

    def _work(self, design: _Design) -> dict[str, TableWork]:
        """What is to be done to each table."""
        work: dict[str, TableWork] = {}
        terms, records = design.tables.blinded_terms, self._changes["records"]
        if self._state.number and terms != self._known_design.tables.blinded_terms:
            self._reader.read_again(self._sources["codings"], self._changes["codings"])
        for name, change in self._changes.items():
            if name == "records" or change.mode == "unchanged":
                continue
            todo = work[f"_{name}"] = self._todo(name)
            todo.groups, todo.gone, todo.all_rows = set(change.groups), set(change.gone), change.mode == "all"
            if name == "codings" and design.hides:
                todo.strip = lambda line: without_blinded_terms(line, terms)
        keys = [*(table.key for table in design.tables.forms), UNASSIGNED]
        gone_forms = [key for key in self._tables_of("records") if key not in keys]
        reassigned = bool(self._state.number) and design.keys != self._known_design.keys
        for key in (*keys, *gone_forms):
            work[key] = self._todo("records")
            work[key].gone, work[key].all_rows = set(records.gone), records.mode == "all"
        for table in self._revealed(design):
            self._read_form(design, table, work[table.key])
        moved = self._moved(design) if reassigned and records.mode != "all" else set()
        for group in records.groups:
            _, *form = json.loads(group)
            work[design.assignment.key(*form)].groups.add(group)
        if records.mode != "all":
            self._leave_behind(design, work, moved)
        elif reassigned:
            self._leave_behind(design, work, None)
        return work

    def _todo(self, name: str) -> TableWork:
        entry, source = self._state.lists.get(name), self._sources[name]
        newest = utc(entry.newest) if entry is not None else None
        return TableWork(
            dated=source.date, since=None if newest is None else newest - OVERLAP,
            seen=utc(self._changes[name].server_time) or self._report.server_time,
        )  # fmt: skip

    def _revealed(self, design: _Design) -> list[Table]:
        """Forms whose records have to be read again.

        One of whose rows answers were removed while they were read, by the design before, that the new one does not
        hide; one with a variable that was blinded and is not; one with a new key; and one whose records were
        unassigned, as which a blinded mirror holds them without any answer that was ever blinded in any form.
        """
        records = self._changes["records"]
        stripped = {
            design.assignment.key(*group) for group in map(_form_of_group, records.groups)
            if self._known_design.hidden(group) - design.hidden(group)
        }  # fmt: skip
        if records.mode == "all" or not self._state.number:
            return [table for table in design.tables.forms if table.key in stripped]
        known, stray = self._known_design.keys, self._state.tables.get(UNASSIGNED)
        returned = {design.assignment.key(*group) for group in stray.groups} if stray and stray.hidden else set()
        found = []
        for table in design.tables.forms:
            state = self._state.tables.get(table.key)
            hidden = {name.casefold() for name in table.hidden}
            earlier = known.get(str(table.form_id), design.keys.get(str(table.form_id)))
            came_back = table.key in returned and str(table.form_id) not in known
            revealed = state is not None and bool(set(state.hidden) - hidden)
            if table.key in stripped or came_back or revealed or earlier != design.keys.get(str(table.form_id)):
                found.append(table)
        return found

    def _read_form(self, design: _Design, table: Table, todo: TableWork) -> None:
        """Read all records of one form again, in place of those of it that were read.

        A record that was made since then is left to the next sync; one that was deleted since then stays as it was.
        """
        records = self._changes["records"]
        again = dict[str, ReadRow]()
        for wanted in (("formId", table.form_id), ("formKey", table.form_key)):  # a record may have only one of them
            stream = self._sources["records"].filtered(clause(*wanted)) if wanted[1] is not None else ()
            again |= {
                row.key: row._replace(line=design.stripped("records", row.group, row.line)) for row in stream
                if row.key not in records.gone and design.assignment.key(*row.group) == table.key
            }  # fmt: skip
        read = dict[str, ReadRow]()
        for group in [one for one in records.groups if design.assignment.key(*_form_of_group(one)) == table.key]:
            for batch in self._spool.batches(group, 10_000, 2**24):
                for key, line in map(unspooled, batch):
                    read[key] = ReadRow(key, line.rstrip(b"\n"), _form_of_group(group))
            self._spool.drop(group)
            records.groups.discard(group)
        held = self._old.current_keys(self._tables_of("records"), again, self._state.number)
        known = records.keys.union(read, *held.values())
        self._reader.take_more(records, {**read, **{key: row for key, row in again.items() if key in known}}.values())
        todo.since = None

    def _moved(self, design: _Design) -> set[str]:
        """Spool the rows that belong to another table now, because the forms of the design are others."""
        records = self._changes["records"]
        moved: set[str] = set()
        for key in self._tables_of("records"):
            rows = []
            for row_key, line in self._lines(key):
                row = decode(line)
                group = form_of(row.get(name) for name in FORM_FIELDS)
                if design.assignment.key(*group) != key and row_key not in records.gone:
                    moved.add(row_key)
                    if row_key not in records.keys:
                        rows.append(ReadRow(row_key, line, group))
            self._reader.take_more(records, rows)
        return moved

    def _lines(self, key: str, keys: Collection[str] | None = None) -> Iterator[tuple[str, bytes]]:
        """Key and line of every row of a table as of the last snapshot, or of those of some keys."""
        for batch in self._old.rows(key, ["_key", "_line"], self._state.number, keys=keys):
            for row_key, line in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                yield row_key, line.encode()

    def _leave_behind(self, design: _Design, work: dict[str, TableWork], moved: Collection[str] | None) -> None:
        """Note in every table the rows that are in another one now.

        Args:
            design: the design.
            work: what is to be done to each table.
            moved: rows known to be in another table; `None` to look at all rows. Only rows with an old number can be.
        """
        records, known = self._changes["records"], self._state.lists.get("records")
        highest = known.highest if known is not None else None
        target = {}
        for group in records.groups:
            _, *form = json.loads(group)
            key = design.assignment.key(*form)
            for batch in self._spool.batches(group, 10_000, 2**24):
                target.update({unspooled(entry)[0]: key for entry in batch})
        candidates = set(target) if moved is None else {
            key for key in records.keys if highest is not None and (number_of(key) or 0) <= highest
        } | set(moved)  # fmt: skip
        if not candidates:
            return
        held = self._old.current_keys(self._tables_of("records"), candidates, self._state.number)
        for table, keys in held.items():
            left = {key for key in keys if target.get(key, table) != table}
            work[table].gone |= left
            for batch in self._old.rows(table, ["_key", "_line"], self._state.number, keys=left) if left else ():
                for key, line in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                    work[table].moved[key] = work[target[key]].moved[key] = line

    def _append(self, commit: Commit, key: str, table: Table | None, folder: str, todo: TableWork) -> None:
        state = self._state.tables.get(key)
        former = table is None  # of a form that the design no longer has
        if table is None:
            if state is None or not (todo.gone or todo.all_rows):
                return
            table = self._former_table(key)
        name = "records" if table.is_form else key[1:]
        fresh = TableState(key, folder, -1)
        layout = VersionTable.of(table, state.types if state is not None else {})
        writer = TableWriter(self._root, layout, state or fresh, self._old, self._state.number, self._retention)
        change, done = writer.write(todo, self._spool)
        if table.is_form and done.deleted and state is not None and not self._accept_deletions:
            refuse_shrunk_table(key, state.current - done.deleted, state.current)
        if change is not None:
            groups = {*change.state.groups, *(_form_of_group(group) for group in todo.groups if table.is_form)}
            change = replace(change, state=replace(change.state, groups=tuple(sorted(groups, key=str))))
            if former and state is not None:
                kept = replace(change.state, columns=state.columns, layout=state.layout, hidden=state.hidden)
                change = replace(change, state=kept, new_layout=False)
            commit.tables[key] = change
        for counts, count in (
            (self._report.inserted, done.inserted),
            (self._report.updated, done.updated),
            (self._report.deleted, done.deleted),
            (self._report.undated, done.undated),
        ):
            if count:
                counts[name] = counts.get(name, 0) + count
        commit.counts["inserted"] += done.inserted
        commit.counts["updated"] += done.updated
        commit.counts["deleted"] += done.deleted
        commit.counts["undated"] += done.undated

    def _former_table(self, key: str) -> Table:
        """A table of records of a form that is gone, as far as tombstones need it."""
        forms = [Form(form_id=0, form_key=key)]
        (table,) = mirror_tables(self._state.study, forms, [], {}, "nothing is written").forms
        return replace(table, key=key)

    def _list_state(self, name: str, change: ListChange, commit: Commit) -> ListState:
        """The state of a list after this sync. Raises IncompleteReadError where its rows are not as many as counted."""
        before = self._state.lists.get(name)
        if change.mode == "absent":
            return ListState(absent=True)
        if change.mode == "lost":
            assert before is not None
            return replace(before, lost=True)
        states = {**self._state.tables, **{key: table.state for key, table in commit.tables.items()}}
        tables = {*self._tables_of(name), *(key for key in commit.tables if name == "records" and holds_records(key))}
        count = sum(states[key].current for key in tables if key in states)
        head, proof = change.head, change.proof
        if change.rows != count:
            raise IncompleteReadError(
                f"{name}: the server has {change.rows} rows and the mirror would have {count}. Nothing was written. "
                "Next: run the sync again with --reconcile; if that does not help, report this as a bug"
            )
        highest = max([one for one in (change.highest, before.highest if before else None) if one is not None],
                      default=None)  # fmt: skip
        newest = head.newest if head is not None else None
        entry = before or ListState()
        entry = replace(
            entry, count=count, total=head.total if head is not None else count,
            head=head.digest if head is not None else None,
            newest=newest.strftime("%Y-%m-%d %H:%M:%S") if newest is not None else None,
            asked=head.server_time if head is not None else None, highest=highest, read=change.server_time,
            absent=False, stepped=change.mode == "some", lost=False,
        )  # fmt: skip
        if change.mode == "all":
            assert proof is not None
            entry = replace(
                entry, whole=proof.server_from or change.server_time, status=proof.status, rule=proof.rule,
                reason=proof.reason,
            )  # fmt: skip
        return entry

    # ---- compaction

    def _compact(self) -> None:
        """Join the files of tables that have many small ones, in a commit of its own; then remove what is replaced."""
        state = self._state
        commit = Commit(state.number, "compact", self._server_time)
        folders: list[DeltaFolder] = []
        many = {key: table for key, table in state.tables.items() if _many(table)}
        if not many:
            return
        self._begin(table.folder for table in many.values())
        for key, table in many.items():
            folder = DeltaFolder(self._root / table.folder, self._retention)
            files = folder.compact(table.files)
            folders.append(folder)
            version = folder.version
            assert version is not None
            commit.tables[key] = TableChange(replace(table, version=version), files, None, new_layout=False)
        self._log.append(state, commit)
        for folder in folders:
            folder.sweep()
        self._log.compact()


def _form_of_group(group: str) -> tuple[Any, Any]:
    _, form_id, form_key = json.loads(group)
    return form_id, form_key


def _many(table: TableState) -> bool:
    """Whether a table has so many small files that they should be joined."""
    return sum(file.size < SMALL_FILE for file in table.files) >= MANY_FILES
