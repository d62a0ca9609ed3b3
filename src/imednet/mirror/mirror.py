"""`Mirror`: a local copy of a study, with its history."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args, overload
from urllib.parse import unquote, urlsplit

from imednet_api.types import utc

from ..errors import ArgumentError, ExportConfigurationError, MirrorDamagedError, MirrorError, NotFoundError
from ..integrations.dataframes import StudyFrames, study_frames
from ..integrations.run.export import export_study
from ..integrations.run.extract import Cancelled
from ..integrations.run.in_thread import in_thread
from ..integrations.run.report import ExportReport
from ..integrations.sink import ExportSink
from ..integrations.tables.frames import Backend
from ..integrations.tables.layout import StudyTables
from ..integrations.tables.options import ExportKeywords, ExportOptions
from ..sdk import ImednetSDK
from ..utils import disk
from ..utils.interruptions import raised_from_outside
from ..utils.url import check_path_part, is_loopback, normalise_base_url
from .changes import CellChange, RowOperation, RowVersion, cell_changes, ever_had_subject, record_tables, versions_of
from .commits import CommitLog, Snapshot, State
from .database import connect
from .latest_rows import LatestRows, latest_rows
from .recovery import recovered
from .snapshot_lists import SnapshotLists
from .snapshot_sdk import AsyncMirrorSDK, MirrorSDK
from .sync import LISTS, UNFINISHED, Progress, SyncReport, SyncRun
from .table_layout import ROOMS, VersionTable, holds_records, mirror_tables
from .verify import problems
from .versions import Versions

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from ..async_sdk import AsyncImednetSDK

_LOCK, _WORK = ".lock", ".imednet-sync"
_ROOMS = ("snapshots", *ROOMS)


AsOf = int | str | date | datetime | None
"""A snapshot: its number; the last one of a day (UTC), as a date or `2026-03-01`; the last one up to a time; or the
last of all.
"""


class Mirror:
    """A local copy of one study that is kept in step with the server, and remembers what it was.

    Its tables are Delta Lake tables of rows' versions, `forms/AE` and `lists/subjects` and the like; `snapshots` says
    which of them count. Any number of programs may read while one writes.

    Args:
        folder: where it is; made by the first sync. It may be moved and copied.
        retention: how long files that a compaction replaced stay, for programs that are reading them.

    >>> from imednet import ImednetSDK
    >>> from imednet.mirror import Mirror
    >>> from imednet.sandbox import Sandbox
    >>> import tempfile
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk, tempfile.TemporaryDirectory() as folder:
    ...     mirror = Mirror(f"{folder}/tidewater")
    ...     first = mirror.sync(sdk, "TIDEWATER-201")
    ...     again = mirror.sync(sdk, "TIDEWATER-201")
    ...     len(mirror.frames(forms=["VS"])["VS"])
    269
    >>> first.snapshot, first.inserted["records"], again.changed, again.requests
    (1, 2786, False, 12)
    """

    def __init__(self, folder: str | os.PathLike[str], *, retention: timedelta = timedelta(days=1)) -> None:
        self.folder = Path(folder)
        self._retention = retention
        self._log = CommitLog(self.folder, retention)

    def __repr__(self) -> str:
        return f"Mirror({str(self.folder)!r})"

    # ---- writing

    def sync(
        self,
        sdk: ImednetSDK,
        study_key: str,
        *,
        reconcile: bool | None = None,
        unblind: str | None = None,
        accept_deletions: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the mirror up to date.

        The first sync reads the whole study. Later ones ask each list for what was changed last and for its count:
        one request a list where nothing changed, and no snapshot. Rows that are gone are found by counting. Changes
        that the server does not date are found by a comparison of all rows, a week after the last one.

        Args:
            sdk: the SDK to read with.
            study_key: the study.
            reconcile: compare all rows (`True`) or do not, however long ago that was (`False`).
            unblind: the reason for holding blinded answers, which stands in every commit. Only a new mirror can be made
                so; without a reason it holds none, in any version.
            accept_deletions: believe it where most rows of a list are gone. Without it that is an error, since it is
                how keys look that may read less than they did.
            progress: called with a list, the rows read so far, and the rows there are.

        Raises:
            MirrorError: it is of another study or server, most of a list would be gone, another program writes it, or
                it cannot be written.
            ImednetError: the study could not be read whole; the mirror is as it was.
        """
        check_path_part("study_key", study_key)
        if unblind is not None and not unblind.strip():
            raise ArgumentError("unblinding needs a reason, which stands in every commit of the mirror")
        if isinstance(sdk, MirrorSDK):
            raise ArgumentError("a mirror is synced with a server, not with a mirror")
        if not isinstance(sdk, ImednetSDK):
            raise ArgumentError("sync needs the blocking ImednetSDK. Next: await mirror.sync_async(sdk, ...)")
        with self._locked() as home:
            state = recovered(self.folder, self._log, self._retention)
            self._settle(state, sdk, study_key, unblind)
            run = SyncRun(
                sdk, self.folder, state, self._log, home, reconcile=reconcile, accept_deletions=accept_deletions,
                retention=self._retention, progress=progress,
            )  # fmt: skip
            try:
                return run.run()
            except OSError as error:
                if raised_from_outside(error) is not None:
                    raise
                raise MirrorError(
                    f"{self.folder} could not be written ({error.strerror or type(error).__name__}); the mirror is as "
                    "it was. Next: make room, then run the sync again"
                ) from error

    async def sync_async(
        self,
        sdk: AsyncImednetSDK | ImednetSDK,
        study_key: str,
        *,
        reconcile: bool | None = None,
        unblind: str | None = None,
        accept_deletions: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Sync without holding up the event loop.

        Arguments and errors are those of `sync`. It runs in a thread, with a blocking client of the same keys and
        settings. A cancelled sync ends at its next list or page, or before it commits; the call returns once the thread
        has ended.

        Raises:
            ArgumentError: the SDK has an `http_client` of its own, which a thread cannot use.
        """

        def work(own: ImednetSDK, check: Callable[[], None]) -> SyncReport:
            def told(name: str, done: int, total: int) -> None:
                check()
                if progress is not None:
                    progress(name, done, total)

            try:
                return self.sync(
                    own, study_key, reconcile=reconcile, unblind=unblind, accept_deletions=accept_deletions,
                    progress=told,
                )  # fmt: skip
            except Cancelled:
                raise MirrorError("the sync was cancelled; the mirror is as it was. Next: run it again") from None

        return await in_thread(sdk, work)

    # ---- reading

    @property
    def snapshots(self) -> list[Snapshot]:
        """All commits, oldest first."""
        return self._load().snapshots

    @property
    def study_key(self) -> str:
        """Key of the study."""
        return self._load().study

    def number(self, as_of: AsOf = None) -> int:
        """The number of a snapshot. Raises MirrorError where the mirror has none of that time."""
        return self._number(self._load(), as_of)

    def sdk(self, as_of: AsOf = None) -> MirrorSDK:
        """The study as of a snapshot, for whatever takes an `ImednetSDK`: lists, workflows, exports.

        It uses no network and no keys. The proof of a list says how the mirror had the list.

        >>> from imednet import ImednetSDK
        >>> from imednet.sandbox import Sandbox
        >>> import tempfile
        >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk, tempfile.TemporaryDirectory() as folder:
        ...     mirror = Mirror(f"{folder}/tidewater")
        ...     _ = mirror.sync(sdk, "TIDEWATER-201")
        ...     with mirror.sdk() as local:
        ...         events = local.records.list("TIDEWATER-201", form_key="AE")
        >>> len(events), events.proof.status, events.proof.rule
        (67, 'proven', 'mirror')
        """
        state = self._load()
        return self._sdk_at(state, self._number(state, as_of), latest=as_of is None)

    def async_sdk(self, as_of: AsOf = None) -> AsyncMirrorSDK:
        """The study as of a snapshot, for whatever takes an `AsyncImednetSDK`."""
        state = self._load()
        return self._async_sdk_at(state, self._number(state, as_of), latest=as_of is None)

    @overload
    def frames(
        self, as_of: AsOf = None, *, backend: Literal["pandas"] = ..., **options: Unpack[ExportKeywords]
    ) -> StudyFrames[pd.DataFrame]: ...
    @overload
    def frames(
        self, as_of: AsOf = None, *, backend: Literal["polars"], **options: Unpack[ExportKeywords]
    ) -> StudyFrames[pl.DataFrame]: ...
    @overload
    def frames(
        self, as_of: AsOf = None, *, backend: Literal["arrow"], **options: Unpack[ExportKeywords]
    ) -> StudyFrames[pa.Table]: ...
    def frames(
        self, as_of: AsOf = None, *, backend: Backend = "pandas", **options: Unpack[ExportKeywords]
    ) -> StudyFrames[Any]:
        """The study as of a snapshot as frames, one for each form, typed by the design it had then.

        Args:
            as_of: the snapshot.
            backend: `pandas`, `polars` or `arrow`.
            **options: as in `ExportOptions`.
        """
        state = self._load()
        with self._sdk_at(state, self._number(state, as_of), latest=as_of is None) as local:
            return study_frames(local, state.study, backend=backend, **options)

    def export(
        self,
        sink: ExportSink,
        *,
        home: str | os.PathLike[str],
        as_of: AsOf = None,
        options: ExportOptions | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ExportReport:
        """Write the study as of a snapshot to a sink; `home` and the rest as of `imednet.integrations.export_study`."""
        with self.sdk(as_of) as local:
            return export_study(local, self.study_key, sink, home=home, options=options, progress=progress)

    def changes(
        self,
        since: AsOf = 0,
        until: AsOf = None,
        *,
        forms: Sequence[str] | None = None,
        lists: Sequence[str] = (),
        subject_key: str | None = None,
        operations: Collection[RowOperation] = get_args(RowOperation),
    ) -> Iterator[CellChange]:
        """The cells that changed after one snapshot and up to another: before, after, when, who and why.

        Args:
            since: changes after this snapshot; by default all since the mirror was empty.
            until: changes up to this snapshot.
            forms: keys of forms; by default all forms.
            lists: other lists too, such as `("subjects",)`.
            subject_key: only rows of this subject.
            operations: `insert`, `update`, `delete` of rows.

        Raises:
            MirrorError: there is no such snapshot, form or list.
            NotFoundError: the mirror never had such a subject.
            ArgumentError: an operation is none of the three.
        """
        known_operations = get_args(RowOperation)
        if isinstance(operations, str) or not set(operations) <= set(known_operations):
            raise ArgumentError(f"operations is a list of {', '.join(known_operations)}")
        state = self._load()
        after = self._number(state, since, earliest=0)
        upto = self._number(state, until)
        if after > upto:
            raise ArgumentError(f"since is snapshot {after} and until is {upto}: the earlier one comes first")
        known = record_tables(state)
        chosen = [*(known if forms is None else forms), *(f"_{name.lstrip('_')}" for name in lists)]
        folded = {key.casefold(): key for key in state.tables} | {key: key for key in state.tables}
        if missing := [key for key in chosen if key not in folded and key.casefold() not in folded]:
            raise MirrorError(
                f"{self.folder} has no rows of {missing[0].lstrip('_')!r}. Next: imednet mirror status {self.folder}"
            )
        tables = list(dict.fromkeys(folded.get(key) or folded[key.casefold()] for key in chosen))
        if forms is not None:
            self._refuse_former_forms(state, [key for key in tables if key in known], upto)
        designs = [] if state.unblinded is not None else [self._design(state, one) for one in {upto, state.number}]
        hidden = {key: set().union(*(_hidden(state, key, one) for one in designs)) for key in tables if designs}
        revisions = state.lists.get("record_revisions")
        audited = revisions is not None and not revisions.absent
        if subject_key is not None:
            with Versions(self.folder, state.tables) as versions:
                if not ever_had_subject(versions, subject_key):
                    raise NotFoundError(
                        None, message="the mirror never had a subject of this key", study_key=state.study
                    )

        def found() -> Iterator[CellChange]:
            with Versions(self.folder, state.tables) as versions:
                yield from cell_changes(
                    versions, tables, after, upto, subject_key=subject_key, operations=operations, hidden=hidden,
                    records=known, audited=audited, terms=[one.blinded_terms for one in designs],
                )  # fmt: skip

        return found()

    def history(self, key: int | str, *, of: str = "records") -> list[RowVersion]:
        """All versions of a row that a sync saw.

        Args:
            key: its identity, such as a `recordId`.
            of: the list it is of, such as `records` or `queries`.

        Raises:
            ArgumentError: there is no list of this name.
            NotFoundError: the mirror never had such a row.
        """
        if of not in LISTS:
            raise ArgumentError(f"{of!r} is no list. Next: one of {', '.join(sorted(LISTS))}")
        state = self._load()
        tables = record_tables(state) if of == "records" else [f"_{of}"]
        with Versions(self.folder, state.tables) as versions:
            found = versions_of(versions, tables, str(key))
        if not found:
            raise NotFoundError(None, message=f"the mirror never had a row {key!r} of {of}", study_key=state.study)
        return found

    def verify(self) -> list[str]:
        """What is not as it was written: commits, files, rows. An empty list where everything is."""
        try:
            state = self._load()
        except MirrorDamagedError as error:
            return [str(error)]
        found = problems(self.folder, state)
        later = self._log.load() if found else state  # a sync that ended meanwhile
        return problems(self.folder, later) if later.hash != state.hash else found

    def connect(self, as_of: AsOf = None) -> DuckDBPyConnection:
        """The mirror as a DuckDB in memory, as of a snapshot.

        For a form `AE` there is a view `ae` of its rows, `ae_history` of all versions up to the snapshot, and the
        macro `ae_as_of(n)`; for other lists `_subjects` and so on; `_snapshots` of all commits. Close it after use, and
        make a new one after a sync.

        >>> from imednet import ImednetSDK
        >>> from imednet.sandbox import Sandbox
        >>> import tempfile
        >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk, tempfile.TemporaryDirectory() as folder:
        ...     mirror = Mirror(f"{folder}/tidewater")
        ...     _ = mirror.sync(sdk, "TIDEWATER-201")
        ...     with mirror.connect() as database:
        ...         database.execute("select count(*), max(_snapshot) from ae_history").fetchall()
        [(67, 1)]
        """
        state = self._load()
        number = self._number(state, as_of)
        return connect(self.folder, state, number, self._layouts(state, number))

    def latest_rows(self, as_of: AsOf = None) -> list[LatestRows]:
        """All tables, with rows that changed since a snapshot.

        For whoever keeps a copy of a mirror in step: a database, a warehouse, a search index.

        Args:
            as_of: the snapshot whose rows are latest.

        Raises:
            MirrorError: there is no mirror, or it has no such snapshot.

        >>> from imednet import ImednetSDK
        >>> from imednet.sandbox import Sandbox
        >>> import tempfile
        >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk, tempfile.TemporaryDirectory() as folder:
        ...     mirror = Mirror(f"{folder}/tidewater")
        ...     _ = mirror.sync(sdk, "TIDEWATER-201")
        ...     sites = next(table for table in mirror.latest_rows() if table.key == "_sites")
        ...     sum(len(batch) for batch in sites.since(None)), sum(len(batch) for batch in sites.since(1))
        (6, 0)
        """
        state = self._load()
        number = self._number(state, as_of)
        return latest_rows(self.folder, state, number, self._layouts(state, number))

    def holds_blinded(self) -> bool:
        """Whether it holds blinded answers."""
        return self._log.load().unblinded is not None

    def digest(self, number: int) -> str | None:
        """The hash of a snapshot.

        It is of all snapshots before, too: equal digests mean equal histories up to that snapshot. `None` where there
        is none of this number. Raises MirrorError where there is no mirror.
        """
        return next((one.hash for one in self._load().snapshots if one.number == number), None)

    # ---- inside

    def _refuse_former_forms(self, state: State, keys: Sequence[str], number: int) -> None:
        """Raise MirrorError for a form that the design as of a snapshot does not have: its records are elsewhere."""
        layouts = self._layouts(state, number)
        for key in keys:
            if key in layouts:
                continue
            ids = _form_ids(state, key)
            now = [
                name for name in layouts
                if name in state.tables and holds_records(name) and ids & _form_ids(state, name)
            ]  # fmt: skip
            moved = f"; its records are among {', '.join(now)}" if now else ""
            raise MirrorError(
                f"the study has no form {key!r} as of snapshot {number}{moved}. Next: name a form that it has, or end "
                "with --until where it had this one"
            )

    def _layouts(self, state: State, number: int) -> dict[str, dict[str, tuple[str, ...]]]:
        """The layouts of the tables of the design as of a snapshot."""
        return {one.key: VersionTable.of(one, {}).layout for one in self._design(state, number).data}

    def _design(self, state: State, number: int) -> StudyTables:
        """The tables of the design as of a snapshot; hidden in them is what was ever blinded, as a sync has it."""
        with self._sdk_at(state, number) as local:
            forms, variables = local.forms.list(state.study), local.variables.list(state.study)
        return mirror_tables(state.study, forms, variables, state.names, state.unblinded, state.blinded)

    def _load(self) -> State:
        state = self._log.load()
        if not state.number:
            raise MirrorError(f"{self.folder} is no mirror. Next: imednet mirror sync STUDY {self.folder}")
        return state

    def _sdk_at(self, state: State, number: int, *, latest: bool = False) -> MirrorSDK:
        lists = SnapshotLists(Versions(self.folder, state.tables), state, number, latest=latest)
        return MirrorSDK(lists, state.server, partial(_sdk, str(self.folder.absolute()), number, latest))

    def _async_sdk_at(self, state: State, number: int, *, latest: bool) -> AsyncMirrorSDK:
        lists = SnapshotLists(Versions(self.folder, state.tables), state, number, latest=latest)
        place = str(self.folder.absolute()), number, latest
        return AsyncMirrorSDK(lists, state.server, partial(_async_sdk, *place), partial(_sdk, *place))

    def _number(self, state: State, as_of: AsOf, *, earliest: int = 1) -> int:
        if as_of is None:
            return state.number
        text = str(as_of).strip()
        if isinstance(as_of, bool) or not isinstance(as_of, (int, str, date)):
            raise ArgumentError("a snapshot is a number, a date or a time")
        if isinstance(as_of, int) or text.isdecimal():
            number = int(text)
        else:
            moment = as_of if isinstance(as_of, datetime) else utc(text)
            if moment is None:
                raise ArgumentError(f"{text!r} is no snapshot: give a number, a day as 2026-03-01, or a time in UTC")
            if moment.tzinfo is None:
                raise ArgumentError("a time needs a zone, as in datetime(2026, 3, 1, tzinfo=UTC)")
            if not isinstance(as_of, datetime) and len(text) <= len("2026-03-01"):
                moment += timedelta(days=1, microseconds=-1)
            number = state.number_at(moment)
        if not earliest <= number <= state.number:
            first, last = state.snapshots[0], state.snapshots[-1]
            raise MirrorError(
                f"{self.folder} has no snapshot for {text}: it has 1 to {state.number}, from "
                f"{first.server_time or 'an unknown time'} to {last.server_time or 'an unknown time'}"
            )
        return number

    def _settle(self, state: State, sdk: ImednetSDK, study_key: str, unblind: str | None) -> None:
        """Check that the mirror is of this study and server, or make it so where it is new."""
        server = str(sdk._client.base_url)
        if not state.number:
            state.study, state.server, state.unblinded = study_key, server, unblind
            return
        if (state.study, _home_of(state.server)) != (study_key, _home_of(server)):
            raise MirrorError(
                f"{self.folder} is a mirror of study {state.study} of {state.server}, not of {study_key} of {server}. "
                "Next: choose another folder"
            )
        if unblind is not None and state.unblinded not in (None, unblind):
            raise MirrorError(
                f"{self.folder} was unblinded for another reason, which stands in every commit: {state.unblinded}. "
                "Next: sync with that reason or with none"
            )
        if unblind is not None and state.unblinded is None:
            raise MirrorError(
                f"{self.folder} was made without blinded answers, and stays so. Next: make an unblinded mirror in "
                "another folder"
            )

    @contextmanager
    def _locked(self) -> Iterator[Path]:
        """The lock of the folder, and an empty folder for work. A folder that is no mirror has to be empty."""
        made, path = not self.folder.exists(), str(self.folder.absolute())
        if unquote(path) != path:
            raise ExportConfigurationError(
                f"{self.folder} has a % in its path that Delta Lake takes for another character. Next: choose another "
                "folder"
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = {path.name for path in self.folder.iterdir()} - {
                _LOCK, _WORK, UNFINISHED, disk.partial(Path(UNFINISHED)).name, *_ROOMS
            }  # fmt: skip
            if held and not (self.folder / _ROOMS[0] / "_delta_log").is_dir():
                raise MirrorError(f"{self.folder} is no mirror and is not empty. Next: choose another folder")
            lock = disk.Lock(self.folder / _LOCK)
        except disk.InUseError:
            raise MirrorError(f"{self.folder} is being written by another program. Next: wait until it ends") from None
        except OSError as error:
            raise ExportConfigurationError(
                f"{self.folder} cannot be used ({error.strerror}). Next: choose a folder you may write to"
            ) from None
        home = self.folder / _WORK
        try:
            self.folder.chmod(0o700)
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(mode=0o700)
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)
            lock.release()
            if made:
                with suppress(OSError):
                    self.folder.rmdir()


def _form_ids(state: State, key: str) -> set[str]:
    """Ids of the forms whose records a table ever held."""
    return {str(form_id) for form_id, _ in state.tables[key].groups if form_id is not None}


def _hidden(state: State, key: str, design: StudyTables) -> set[str]:
    """Answers of a table that a design hides, in lower case.

    Of a form that the design does not have: what its table hid last, and what was ever blinded in it and has no column.
    """
    for table in (*design.forms, design.unassigned):
        if table.key == key:
            return set(VersionTable.of(table, {}).hidden)
    if not holds_records(key):
        return set()
    last = state.tables[key]
    shown = {source.casefold() for source, *_ in last.layout.values()}
    ever = {name for form, name in state.blinded if form in _form_ids(state, key)}
    return {*last.hidden, *(ever - shown)}


def _home_of(server: str) -> str:
    """A server's address; the ports of this machine do not matter, since a sandbox has another one each time."""
    parts = urlsplit(server)
    if is_loopback(parts.hostname or ""):
        return str(parts.hostname)
    return normalise_base_url(server, allow_http=True)


def _sdk(folder: str, number: int, latest: bool) -> MirrorSDK:
    """A mirror's SDK, for a pickle of one."""
    mirror = Mirror(folder)
    return mirror._sdk_at(mirror._load(), number, latest=latest)


def _async_sdk(folder: str, number: int, latest: bool) -> AsyncMirrorSDK:
    """A mirror's asynchronous SDK, for a pickle of one."""
    mirror = Mirror(folder)
    return mirror._async_sdk_at(mirror._load(), number, latest=latest)
