"""The commits of a mirror: one row each in the table `snapshots`, chained by hashes, and what they add up to.

A commit names every file of every table, so a reader needs no other table's log: what no commit names is not there. A
run that dies leaves files that no commit names.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from imednet_api.types import utc

from ..errors import MirrorDamagedError, MirrorError
from ..integrations._optional import _require_optional_dep
from ..integrations.tables.arrow import pyarrow
from ..utils.disk import flush_folder
from .delta_folder import DataFile, DeltaFolder, library

FORMAT: Final = 1
"""Version of the layout of a mirror."""
_FOLDER: Final = "snapshots"
_MANY_COMMITS: Final = 16

Operation = Literal["sync", "reconcile", "compact"]


@dataclass(frozen=True, slots=True)
class TableState:
    """One table at a commit.

    Attributes:
        key: key of the table, as in an export.
        folder: its folder in the mirror.
        version: the last commit of its Delta log that counts.
        files: its files.
        versions: rows: every version of every row.
        current: rows that are not deleted.
        columns: name of a column in the design -> its name in the files, where a change of type made them differ.
        layout: source, part and type of each column by its name in the design; what changed is found by it.
        hidden: answers that the rows do not hold, in lower case.
        types: every column that the files ever had -> its type.
        names: every name of a column there ever was -> the columns of the files that held it.
        groups: `formId` and `formKey` of the records it ever held.
    """

    key: str
    folder: str
    version: int
    files: tuple[DataFile, ...] = ()
    versions: int = 0
    current: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[tuple[Any, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ListState:
    """One list of the study at a commit.

    Attributes:
        count: rows that are not deleted.
        total: rows the server counted at the head.
        head: digest of the answer with the latest changes; `None` where the server gives none that can be used.
        newest: the time up to which changes were seen: of the rows, and never later than the server's own.
        asked: server time of the head.
        highest: the highest number of a row ever seen.
        whole: server time of the last read of the whole list.
        status, rule, reason: proof of that read.
        read: server time of the last read.
        absent: whether the server has no such list.
        stepped: whether rows were read since then by dates and counts alone.
        lost: whether the server once had the list and has it no more; its rows stay as they were.
    """

    count: int = 0
    total: int = 0
    head: str | None = None
    newest: str | None = None
    asked: str | None = None
    highest: int | None = None
    whole: str | None = None
    status: str = "proven"
    rule: str = "one answer"
    reason: str | None = None
    read: str | None = None
    absent: bool = False
    stepped: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One commit.

    Attributes:
        number: number of the snapshot, from 1; a compaction, and a comparison that found nothing, have that of the
            snapshot before them.
        operation: `sync`, `reconcile` (all rows were compared) or `compact`.
        server_time: the latest time of the server among its answers; UTC.
        inserted, updated, deleted: rows, over all tables.
        undated: changes that a comparison found and that the server had not dated.
        hash: digest of the commit and of the one before it.
    """

    number: int
    operation: Operation
    server_time: datetime | None
    inserted: int
    updated: int
    deleted: int
    undated: int
    hash: str

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {
            "snapshot": self.number,
            "operation": self.operation,
            "serverTime": iso(self.server_time),
            "inserted": self.inserted,
            "updated": self.updated,
            "deleted": self.deleted,
            "undated": self.undated,
        }


@dataclass
class State:
    """What the commits of a mirror add up to.

    Attributes:
        study: key of the study.
        server: address of the server it is read from.
        unblinded: the reason for which it holds blinded answers; `None` for a blinded mirror.
        number: number of the last snapshot; 0 before the first.
        tables, lists: states by key of the table and by name of the list.
        names: column names by `formId.variableId`, so that every snapshot names columns alike.
        blinded: `formId` and name, in lower case, of every variable that was ever blinded.
        hash: digest of the last commit.
        snapshots: all commits.
        digests: `(table, snapshot)` -> rows appended and their digest.
    """

    study: str = ""
    server: str = ""
    unblinded: str | None = None
    number: int = 0
    tables: dict[str, TableState] = field(default_factory=dict)
    lists: dict[str, ListState] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    blinded: set[tuple[str, str]] = field(default_factory=set)
    hash: str = ""
    snapshots: list[Snapshot] = field(default_factory=list)
    digests: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    _lists: list[tuple[int, Mapping[str, ListState]]] = field(default_factory=list, repr=False)
    _tables: dict[str, list[tuple[int, TableState]]] = field(default_factory=dict, repr=False)

    def apply(self, facts: Mapping[str, Any], digest: str) -> None:
        """Add one commit."""
        if facts.get("format") != FORMAT:
            raise MirrorError(
                f"the mirror has format {facts.get('format')!r}, and this version of imednet reads format {FORMAT}. "
                "Next: use the version that wrote it, or make a new mirror"
            )
        self.study, self.server, self.unblinded = facts["study"], facts["server"], facts["unblinded"]
        self.number = facts["snapshot"]
        self.names |= facts["names"]
        self.blinded |= {(form, name) for form, name in facts["blinded"]}
        for key, table in facts["tables"].items():
            files = tuple(DataFile(*entry) for entry in table["files"])
            earlier = self.tables.get(key)
            if table["appended"] is not None and earlier is not None:
                files = (*earlier.files, *files)
            if table["appended"] is not None:
                self.digests[key, self.number] = (table["appended"], table["digest"])
            known = earlier if earlier is not None else TableState(key, table["folder"], 0)
            columns, layout, types, names = known.columns, known.layout, known.types, known.names
            if earlier is None or table["layout"] is not None or table["columns"] != columns:
                columns = table["columns"]
                if table["layout"] is not None:
                    layout = {name: tuple(parts) for name, parts in table["layout"].items()}
                types = {**types, **{columns.get(name, name): parts[2] for name, parts in layout.items()}}
                names = dict(names)
                for name in layout:
                    names[name] = tuple(dict.fromkeys((*names.get(name, ()), columns.get(name, name))))
            groups, told = known.groups, set(map(tuple, table["groups"]))
            if not told.issubset(groups):
                groups = tuple(sorted({*groups, *told}, key=str))
            self.tables[key] = TableState(
                key, table["folder"], table["version"], files, table["versions"], table["current"], columns, layout,
                tuple(table["hidden"]), types, names, groups,
            )  # fmt: skip
            self._tables.setdefault(key, []).append((self.number, self.tables[key]))
        lists = {name: ListState(**entry) for name, entry in facts["lists"].items()}
        self.lists |= lists
        self._lists.append((self.number, lists))
        self.hash = digest
        counts = facts["counts"]
        self.snapshots.append(
            Snapshot(
                facts["snapshot"],
                facts["operation"],
                utc(facts["serverTime"]),
                counts["inserted"],
                counts["updated"],
                counts["deleted"],
                counts["undated"],
                digest,
            )
        )

    def list_at(self, name: str, number: int) -> ListState:
        """The state of a list at a snapshot."""
        found = ListState(absent=True)
        for at, lists in self._lists:
            if at <= number:
                found = lists.get(name, found)
        return found

    def read_at(self, name: str, number: int, *, latest: bool) -> bool:
        """Whether rows of a list were read when the study was as a snapshot has it, and not its head alone.

        Args:
            name: the list.
            number, latest: as of `moment_of`.
        """
        syncs = [
            lists for (at, lists), one in zip(self._lists, self.snapshots, strict=True)
            if at == number and one.operation != "compact"
        ]  # fmt: skip
        return any(name in lists for lists in (syncs[-1:] if latest else syncs))

    def table_at(self, key: str, number: int) -> TableState | None:
        """The state of a table at a snapshot; `None` where it was not there yet."""
        states = self._tables.get(key, [])
        place = bisect_right(states, number, key=lambda entry: entry[0])
        return states[place - 1][1] if place else None

    def moment_of(self, number: int, *, latest: bool) -> datetime | None:
        """The time of the server at which the study was as a snapshot has it.

        Args:
            number: number of the snapshot.
            latest: the last time that a commit says so, rather than the first.
        """
        times = [one.server_time for one in self.snapshots if one.number == number and one.server_time is not None]
        return (times[-1] if latest else times[0]) if times else None

    def number_at(self, moment: datetime) -> int:
        """The number of the last snapshot whose answers are not later than a moment; 0 if there is none."""
        numbers = [one.number for one in self.snapshots if one.server_time is not None and one.server_time <= moment]
        return max(numbers, default=0)


@dataclass
class TableChange:
    """One table in a commit that is being made: its state after it, its new files, and the rows appended.

    `appended` is `None` where the files were only joined: then `files` are all it has.
    """

    state: TableState
    files: Sequence[DataFile]
    appended: int | None
    digest: str = ""
    new_layout: bool = True


@dataclass
class Commit:
    """A commit that is being made."""

    number: int
    operation: Operation
    server_time: str | None = None
    tables: dict[str, TableChange] = field(default_factory=dict)
    lists: dict[str, ListState] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    blinded: set[tuple[str, str]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=lambda: {"inserted": 0, "updated": 0, "deleted": 0, "undated": 0})

    def facts(self, state: State) -> dict[str, Any]:
        """The commit as JSON values."""
        return {
            "format": FORMAT,
            "study": state.study,
            "server": state.server,
            "unblinded": state.unblinded,
            "snapshot": self.number,
            "operation": self.operation,
            "serverTime": self.server_time,
            "names": self.names,
            "blinded": sorted(map(list, self.blinded)),
            "counts": self.counts,
            "tables": {
                key: {
                    "folder": change.state.folder,
                    "version": change.state.version,
                    "files": [[file.name, file.size, file.rows, file.sha256] for file in change.files],
                    "appended": change.appended,
                    "digest": change.digest,
                    "versions": change.state.versions,
                    "current": change.state.current,
                    "columns": dict(change.state.columns),
                    "layout": {name: list(parts) for name, parts in change.state.layout.items()}
                    if change.new_layout else None,
                    "hidden": list(change.state.hidden),
                    "groups": [list(group) for group in change.state.groups],
                }
                for key, change in self.tables.items()
            },
            "lists": {name: asdict(entry) for name, entry in self.lists.items()},
        }  # fmt: skip


class CommitLog:
    """The table of commits in the folder of a mirror."""

    def __init__(self, root: Path, retention: timedelta) -> None:
        self._root = root
        self._folder = DeltaFolder(root / _FOLDER, retention)

    def load(self) -> State:
        """The state at the last commit. Raises MirrorDamagedError where the chain of commits is broken."""
        state = State()
        rows = self._rows()
        for place, (facts, previous, digest) in enumerate(rows):
            if previous != state.hash or digest != chained(previous, facts):
                raise MirrorDamagedError(
                    f"commit {place + 1} of {self._root} is not as it was written. Next: imednet mirror verify, then "
                    "restore the folder from a copy"
                )
            state.apply(json.loads(facts), digest)
        return state

    def _rows(self) -> list[tuple[str, str, str]]:
        if self._folder.version is None:
            return []
        delta = library()
        try:
            table = delta.DeltaTable(str(self._folder.path))
            parquet = _require_optional_dep("pyarrow.parquet", "mirror")
            names = [Path(uri).name for uri in table.file_uris()]
            rows: list[Any] = []
            for name in names:
                rows += parquet.ParquetFile(self._folder.path / name).read().to_pylist()
        except (delta.exceptions.DeltaError, pyarrow().ArrowException, OSError, KeyError) as error:
            raise MirrorDamagedError(
                f"the commits of {self._root} cannot be read ({type(error).__name__}). Next: imednet mirror sync, "
                "which takes back what an interrupted run left; if that does not help, restore the folder from a copy"
            ) from None
        rows.sort(key=lambda row: row["commit"])
        return [(row["facts"], row["previous"], row["hash"]) for row in rows]

    def repair(self) -> None:
        """Remove a last entry of the log that was not written to its end."""
        self._folder.repair()

    def append(self, state: State, commit: Commit) -> None:
        """Make a commit, and add it to the state."""
        arrow = pyarrow()
        facts = json.dumps(commit.facts(state), ensure_ascii=True, separators=(",", ":"), sort_keys=True)
        digest = chained(state.hash, facts)
        moment = utc(commit.server_time)
        schema = arrow.schema(
            [
                ("commit", arrow.int64()), ("snapshot", arrow.int64()), ("operation", arrow.string()),
                ("server_time", arrow.timestamp("us", "UTC")), ("inserted", arrow.int64()),
                ("updated", arrow.int64()), ("deleted", arrow.int64()), ("undated", arrow.int64()),
                ("previous", arrow.string()), ("hash", arrow.string()), ("facts", arrow.string()),
            ]
        )  # fmt: skip
        counts = commit.counts
        cells = [
            len(state.snapshots) + 1, commit.number, commit.operation, moment, counts["inserted"], counts["updated"],
            counts["deleted"], counts["undated"], state.hash, digest, facts,
        ]  # fmt: skip
        batch = arrow.record_batch([arrow.array([cell], kind.type) for cell, kind in zip(cells, schema, strict=True)],
                                   schema=schema)  # fmt: skip
        self._folder.append(schema, [batch], "Commits of an iMednet mirror")
        flush_folder(self._root)
        state.apply(json.loads(facts), digest)

    def compact(self) -> None:
        """Join the files of the commits, once they are many; no commit is made for it."""
        files = self._folder.listed()
        if len(files) >= _MANY_COMMITS:
            self._folder.compact(files)
            self._folder.sweep()


def iso(moment: datetime | None) -> str | None:
    """A time in UTC as text.

    >>> iso(utc("2026-11-01 00:00:00"))
    '2026-11-01T00:00:00Z'
    """
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def chained(previous: str, facts: str) -> str:
    """The digest of a commit: of the digest before it, and its facts."""
    return hashlib.sha256(f"{previous}\n{facts}".encode()).hexdigest()
