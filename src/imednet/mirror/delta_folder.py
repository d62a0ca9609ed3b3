"""One append-only Delta table in a folder: appended to, taken back, compacted, flushed to disk.

`deltalake` keeps the log. It flushes nothing: a power cut can leave a commit of half a line, with which the whole table
cannot be read. So each commit is flushed here before anything else counts on it, and a commit that nothing counts on
yet can be taken back. Files are written and joined by pyarrow, which takes a third of the memory.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import ceil
from pathlib import Path
from time import time
from typing import Any, Final
from uuid import uuid4

from ..errors import MirrorError
from ..integrations._optional import _require_optional_dep
from ..integrations.tables.arrow import pyarrow
from ..utils.disk import flush, flush_file, flush_folder

_LOG: Final = "_delta_log"
_GROUP_ROWS: Final = 4_000
_GROUP_BYTES: Final = 16_000_000
_PAGE_BYTES: Final = 4_000_000
_WRITTEN_LEVEL, _COMPACTED_LEVEL = 3, 9
SMALL_FILE: Final = 1_000_000
"""Bytes. Compaction joins files below this size, and leaves larger ones alone."""
_DATA_FILE: Final = re.compile(r"part-[0-9]+-[0-9a-f-]{36}-c[0-9]+\.[a-z]+\.parquet(?:#[0-9]+)?")
"""Names that `deltalake` gives to data files, finished or not."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of rows, as it was written.

    Attributes:
        name: its name in the folder of the table.
        size: bytes.
        rows: rows.
        sha256: digest of its bytes.
    """

    name: str
    size: int
    rows: int
    sha256: str


def library() -> Any:
    """The `deltalake` library; raises ExportConfigurationError that says what to install."""
    return _require_optional_dep("deltalake", "mirror")


class DeltaFolder:
    """A Delta table.

    Args:
        path: its folder.
        retention: how long replaced files stay for programs that are reading them.
    """

    def __init__(self, path: Path, retention: timedelta = timedelta(days=1)) -> None:
        self.path = path
        self._retention = retention

    @property
    def version(self) -> int | None:
        """The number of the last commit; `None` where there is no table."""
        return max(self._commits(), default=None)

    @cached_property
    def _table(self) -> Any:
        """The table as `deltalake` knows it. Opened once, since reading its log is most of what a commit costs."""
        return library().DeltaTable(str(self.path))

    def listed(self) -> list[DataFile]:
        """The files that the log lists; their digests are of what is there now."""
        found = []
        for uri in self._table.file_uris():
            name = Path(uri).name
            found.append(DataFile(name, (self.path / name).stat().st_size, 0, _sha256(self.path / name)))
        return found

    def append(self, schema: Any, batches: Iterable[Any], title: str) -> DataFile:
        """Append rows in a commit, which is on disk when this returns.

        Args:
            schema: a `pyarrow.Schema`; columns that are new to the table are added to it, those it lacks are empty.
            batches: the rows, as `pyarrow.RecordBatch` of this schema.
            title: a description for other readers of the table.

        Returns:
            The new file.
        """
        delta = library()
        actions = _require_optional_dep("deltalake.transaction", "mirror")
        for folder in (self.path.parent, self.path):
            folder.mkdir(mode=0o700, exist_ok=True)
        file = self._write(schema, batches, _WRITTEN_LEVEL)
        added = [self._added(actions, file, data_change=True)]
        columns = delta.Schema.from_arrow(schema)
        try:
            self._commit(actions, columns, added, title)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # the library raises bare exceptions too
            raise MirrorError(
                f"{self.path.name} could not be written ({type(error).__name__}); the mirror is as it was. "
                "Next: report this as a bug"
            ) from error
        self._finish()
        return file

    def _commit(self, actions: Any, columns: Any, added: list[Any], title: str) -> None:
        if self.version is None:
            actions.create_table_with_add_actions(
                str(self.path), columns, added, "error", [], description=title, configuration=self._configuration(),
                post_commithook_properties=self._no_hooks(),
            )  # fmt: skip
        else:
            known = {field.name for field in self._table.schema().fields}
            if new := [field for field in columns.fields if field.name not in known]:
                self._table.alter.add_columns(new, post_commithook_properties=self._no_hooks())
            self._table.create_write_transaction(
                added, "append", self._table.schema(), post_commithook_properties=self._no_hooks()
            )

    def compact(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Join small files in one commit, which is on disk when this returns.

        Args:
            files: the files of the table.

        Returns:
            The files it has then.
        """
        arrow, parquet = pyarrow(), _require_optional_dep("pyarrow.parquet", "mirror")
        actions = _require_optional_dep("deltalake.transaction", "mirror")
        small = [file for file in files if file.size < SMALL_FILE]
        schema = arrow.schema(self._table.schema().to_arrow())

        def batches() -> Iterator[Any]:
            for file in small:
                with parquet.ParquetFile(self.path / file.name) as source:
                    for batch in source.iter_batches(_GROUP_ROWS):
                        columns = [
                            batch.column(field.name) if field.name in batch.schema.names
                            else arrow.nulls(len(batch), field.type)
                            for field in schema
                        ]  # fmt: skip
                        yield arrow.record_batch(columns, schema=schema)

        joined = self._write(schema, batches(), _COMPACTED_LEVEL)
        removed = [
            actions.RemoveAction(path=file.name, data_change=False, deletion_timestamp=int(time() * 1000))
            for file in small
        ]
        self._table.create_write_transaction(
            [self._added(actions, joined, data_change=False), *removed], "append", self._table.schema(),
            post_commithook_properties=self._no_hooks(),
        )  # fmt: skip
        self._finish()
        return [*(file for file in files if file.size >= SMALL_FILE), joined]

    def sweep(self) -> None:
        """Write a checkpoint, then delete old entries of the log and files that were replaced, once they are old.

        Only what `deltalake` itself lists is deleted. History is in rows, so none is lost.
        """
        self._table.create_checkpoint()
        self._protect(self.path / _LOG)
        for written in (self.path / _LOG).glob("*checkpoint*"):
            flush_file(written)
        flush_folder(self.path / _LOG)
        hours = ceil(self._retention / timedelta(hours=1))
        for name in self._table.vacuum(retention_hours=hours, enforce_retention_duration=False, dry_run=True):
            (self.path / name).unlink(missing_ok=True)
        oldest = time() - self._retention.total_seconds()
        current = self.version
        for version, entry in self._commits().items():
            if current is not None and version < current and entry.stat().st_mtime <= oldest:
                entry.unlink()
        for checkpoint in (self.path / _LOG).glob("*.checkpoint.parquet"):
            if current is not None and int(checkpoint.name[:20]) < current:
                checkpoint.unlink()

    def repair(self) -> None:
        """Remove a last entry of the log that was not written to its end, as by a power cut; nothing counts on it."""
        entry = last_entry(self.path)
        if entry is not None and is_torn(entry):
            entry.unlink()

    def take_back(self, version: int | None, known: Iterable[str]) -> None:
        """Remove the commits after `version`, and every data file that is not `known`: what a dead run left.

        Args:
            version: the last commit that counts; `None` where none does.
            known: names of the files that count.
        """
        if not self.path.is_dir():
            return
        kept = set(known)
        removed = set()
        for number, entry in sorted(self._commits().items(), reverse=True):
            if version is None or number > version:
                removed |= set(_added(entry)) - kept
                entry.unlink()
        for leftover in self.path.iterdir():
            if leftover.name in removed or (
                _DATA_FILE.fullmatch(leftover.name) and leftover.name not in kept and not self._replaced(leftover.name)
            ):
                leftover.unlink(missing_ok=True)
        if version is None:
            with suppress(OSError):
                (self.path / _LOG).rmdir()
                self.path.rmdir()
        self.__dict__.pop("_table", None)

    def has(self, files: Iterable[DataFile], *, unfinished: bool = False) -> list[str]:
        """What is wrong with the files that should be here, in words; an empty list if nothing is.

        Args:
            files: the files that count.
            unfinished: whether a sync is at work, or died, so that the log may name files that do not count yet.
        """
        problems = []
        files = list(files)
        try:
            listed = {Path(uri).name for uri in self._table.file_uris()}
        except Exception as error:  # noqa: BLE001  (whatever the library raises, the log cannot be read)
            problems.append(f"the log of {self.path.name} cannot be read ({type(error).__name__})")
        else:
            names = {file.name for file in files}
            if listed != names and not (unfinished and names < listed):
                problems.append(f"the log of {self.path.name} names other files than the commits")
        for file in files:
            path = self.path / file.name
            if not path.is_file():
                problems.append(f"{self.path.name}/{file.name} is missing")
            elif path.stat().st_size != file.size or _sha256(path) != file.sha256:
                problems.append(f"{self.path.name}/{file.name} is not as it was written")
        return problems

    # ---- inside

    def _configuration(self) -> dict[str, str]:
        hours = f"interval {max(1, int(self._retention / timedelta(hours=1)))} hours"
        return {
            "delta.appendOnly": "true",
            "delta.logRetentionDuration": hours,
            "delta.deletedFileRetentionDuration": hours,
        }

    def _write(self, schema: Any, batches: Iterable[Any], level: int) -> DataFile:
        """Write rows to a file of their own, which is on disk when this returns; no commit names it yet."""
        arrow, parquet = pyarrow(), _require_optional_dep("pyarrow.parquet", "mirror")
        name = f"part-00000-{uuid4()}-c000.zstd.parquet"
        path = self.path / name
        rows = 0
        with path.open("xb") as file:
            path.chmod(0o600)
            with parquet.ParquetWriter(
                file, schema, compression="zstd", compression_level=level, data_page_size=_PAGE_BYTES,
                use_dictionary=[field.name for field in schema if field.name not in _ALL_DIFFERENT],
                write_statistics=["_key", "_snapshot"] if "_key" in schema.names else False,
                store_schema=False,
            ) as writer:  # fmt: skip
                for group in _groups(batches):
                    table = arrow.Table.from_batches(group, schema=schema)
                    rows += len(table)
                    writer.write_table(table, row_group_size=max(1, len(table)))
                    arrow.default_memory_pool().release_unused()
            file.flush()
            flush(file.fileno())
        return DataFile(name, path.stat().st_size, rows, _sha256(path))

    def _added(self, actions: Any, file: DataFile, *, data_change: bool) -> Any:
        stats = json.dumps({"numRecords": file.rows})  # and no values: the log would hold answers
        return actions.AddAction(file.name, file.size, {}, int(time() * 1000), data_change, stats)

    def _no_hooks(self) -> Any:
        return library().PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)

    def _finish(self) -> None:
        """Flush and protect what was committed since the table was opened."""
        self.__dict__.pop("_table", None)
        for entry in (self.path / _LOG).glob("*.json"):
            if entry.stat().st_mode & 0o077:
                entry.chmod(0o600)
                flush_file(entry)
        (self.path / _LOG).chmod(0o700)
        flush_folder(self.path / _LOG)
        flush_folder(self.path)

    def _protect(self, folder: Path) -> None:
        """Let only the owner read a folder and what is in it."""
        folder.chmod(0o700)
        for path in folder.iterdir():
            if path.is_file() and path.stat().st_mode & 0o077:
                path.chmod(0o600)

    def _commits(self) -> Mapping[int, Path]:
        """The entries of the log by their number."""
        try:
            return {
                int(path.stem): path
                for path in (self.path / _LOG).iterdir()
                if path.suffix == ".json" and path.stem.isdecimal()
            }
        except FileNotFoundError:
            return {}

    @cached_property
    def _tombstones(self) -> set[str]:
        """Names of files that a compaction replaced."""
        names: set[str] = set()
        for entry in self._commits().values():
            names |= {action["remove"]["path"] for action in _actions(entry) if "remove" in action}
        return names

    def _replaced(self, name: str) -> bool:
        return name in self._tombstones


_ALL_DIFFERENT: Final = frozenset({"_key", "_hash", "_line", "facts"})


def _actions(entry: Path) -> Iterator[Mapping[str, Any]]:
    """The actions of one commit; those of a line that was cut off are left out."""
    for line in entry.read_bytes().splitlines():
        with suppress(ValueError):
            action = json.loads(line)
            if isinstance(action, dict):
                yield action


def _added(entry: Path) -> list[str]:
    """Names of the files that a commit added."""
    return [str(action["add"]["path"]) for action in _actions(entry) if "add" in action]


def _groups(batches: Iterable[Any]) -> Iterator[list[Any]]:
    """Batches in groups of so many rows and bytes as a row group should have."""
    held: list[Any] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + len(batch), size + batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield held
            held, rows, size = [], 0, 0
    if held:
        yield held


def is_torn(entry: Path) -> bool:
    """Whether an entry of a log was not written to its end, as after a power cut."""
    content = entry.read_bytes()
    try:
        return not content or any(not isinstance(json.loads(line), dict) for line in content.splitlines())
    except ValueError:
        return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def last_entry(path: Path) -> Path | None:
    """The last entry of the log of the table in a folder."""
    entries = sorted((path / _LOG).glob("[0-9]*.json"))
    return entries[-1] if entries else None
