"""The folder of an export: its manifest, its extraction log and, while a run is under way, a hidden spool.

An export to files has its files in the folder too; an export to a single file, to partitions or to a server has only a
folder of this kind beside it. A file appears only once it is complete: it is written under a hidden name, synced and
renamed. The files of an earlier export stay until new ones of the same tables take their place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ...constants import ENV_STATE_HOME
from ...errors import ExportConfigurationError, ExportError
from ...utils import disk
from ...utils.text import writable

MANIFEST: Final = "manifest.json"
LOG: Final = "extraction-log.jsonl"
HIDDEN: Final = ".imednet-spool"
ISSUES_FILE: Final = "issues.jsonl"
OURS: Final = tuple(name.partition(".")[0] for name in (MANIFEST, LOG, ISSUES_FILE))
"""Names, without extension, of the files that are not tables."""
_LOCK: Final = ".imednet-lock"
_WORKBOOK: Final = ".imednet-placed"
PARTITION: Final = "study="
"""How the first folder of a partition begins; no other file name has an equals sign."""


class ExportFolder:
    """The folder of one export, locked while it is used as a context manager.

    Args:
        path: the folder.
        data: the folder of the partitions `study=KEY/...`, if the export writes any; by default the same.

    Attributes:
        path, data: both folders.
        hidden: the hidden folder that holds the following three.
        spool: lines read from the server; kept for the next run if `keep_spool` is set.
        staging: files that are being written.
        before: files of the earlier export while new ones take their place.

    Raises:
        ExportConfigurationError: it holds files that no earlier export wrote, cannot be created, or is in use.
    """

    def __init__(self, path: str | os.PathLike[str], data: str | os.PathLike[str] | None = None) -> None:
        self.path = _followed(checked_path(path).absolute())
        self.data = self.path if data is None else _followed(checked_path(data).absolute())
        self.hidden = self.path / HIDDEN
        self.spool = self.hidden / "spool"
        self.staging = self.hidden / "out"
        self.before = self.hidden / "before"
        self.keep_spool = False
        self._created: list[Path] = []
        self._lock: disk.Lock | None = None
        self._needs_backup = False

    def __enter__(self) -> Self:
        try:
            self._check()
            for folder in reversed([path for path in (self.path, *self.path.parents) if not path.exists()]):
                with suppress(FileExistsError):  # another export makes it meanwhile
                    folder.mkdir()
                    self._created.append(folder)
            self._take_lock()
            self.hidden.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(self.staging, ignore_errors=True)
            self._recover()
            self.keep_spool = (self.spool / "journal.jsonl").exists()
        except BaseException as error:
            self._release_lock()
            self._remove_created()
            if not isinstance(error, OSError):
                raise
            raise ExportConfigurationError(
                f"{self.path} cannot be used ({error.strerror}). Next: choose a folder you may write to"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        if not self.keep_spool and not self._needs_backup:
            shutil.rmtree(self.hidden, ignore_errors=True)
        self._release_lock()
        if kind is not None:
            self._remove_created()

    # ---- what an earlier run left

    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the last run that ended, or `None`."""
        return read_object(self.path / MANIFEST)

    def files(self) -> dict[str, str]:
        """Table key -> file of an earlier run, without files that lead out of this folder or are named twice."""
        found: dict[str, str] = {}
        for entry in file_entries(self.manifest()):
            key, name = entry.get("form"), entry.get("file")
            if isinstance(key, str) and isinstance(name, str) and name not in found.values():
                with suppress(disk.OutsideError):
                    exported_file(self.path, {"partitions": str(self.data)}, name)
                    found[key] = name
        return found

    def earlier_file(self, key: str) -> Path | None:
        """The file that a table has before this run; `None` if there is none."""
        name = self.files().get(key)
        path = self._path_of(name) if name else None
        return path if path is not None and path.is_file() else None

    def workbook_digest(self) -> str:
        """The SHA-256 of a workbook whose run ended before its manifest was written; `"None"` if there was none."""
        return str((read_object(self.path / _WORKBOOK) or {}).get("sha256"))

    def note_workbook(self, digest: str) -> None:
        """Store the SHA-256 of a workbook before it is renamed, so that a run cut off there can replace it."""
        write_json(self.path / _WORKBOOK, {"sha256": digest})

    def _recover(self) -> None:
        """Undo a run that died while it was moving its files into place."""
        for name in (MANIFEST, _WORKBOOK):
            disk.partial(self.path / name).unlink(missing_ok=True)
        begun = read_object(self.hidden / MANIFEST)
        if begun is None:
            return
        current = read_object(self.path / MANIFEST)
        if current != begun:
            old = set(_file_names(current))
            for name in _file_names(begun):
                if (self.before / name).exists():
                    _move(self.before / name, self._path_of(name))
                elif name not in old:
                    self._path_of(name).unlink(missing_ok=True)
        shutil.rmtree(self.before, ignore_errors=True)
        (self.hidden / MANIFEST).unlink(missing_ok=True)

    def _path_of(self, name: str) -> Path:
        """The path of a file in this folder. Raises ExportConfigurationError for a name that leads out of it."""
        try:
            path = disk.inside(self.data if name.startswith(PARTITION) else self.path, name)
            if name.partition("/")[0] in (MANIFEST, LOG) or name.startswith(".imednet-"):
                raise disk.OutsideError(f"{name!r} is a file of the export itself")
            if path.is_dir():
                raise disk.OutsideError(f"{name!r} is a folder")
        except (disk.OutsideError, OSError) as error:
            raise ExportConfigurationError(
                f"a manifest in {self.path} names a file that no export wrote: {error}. Next: choose another folder"
            ) from None
        return path

    def _check(self) -> None:
        """Refuse a folder that holds files no export wrote, or links where an export's own files belong."""
        if not self.path.exists() and not self.path.is_symlink():
            return
        if not self.path.is_dir():
            raise ExportConfigurationError(f"{self.path} is not a folder. Next: choose another name")
        ours = [self.path / name for name in (MANIFEST, LOG, HIDDEN, _LOCK, _WORKBOOK)]
        inner = [self.staging, self.before, self.spool, self.hidden / MANIFEST, self.spool / "journal.jsonl"]
        for path in (*ours, *(disk.partial(self.path / name) for name in (MANIFEST, _WORKBOOK)), *inner):
            if path.is_symlink():
                raise ExportConfigurationError(
                    f"{path} is a link; nothing is written through it. Next: remove it, or choose another folder"
                )
        known = {path.name for path in ours} | {disk.partial(self.path / name).name for name in (MANIFEST, _WORKBOOK)}
        for manifest in (self.manifest(), read_object(self.hidden / MANIFEST)):
            for name in _file_names(manifest):
                self._path_of(name)
                known.add(name.partition("/")[0])
        if not {entry.name for entry in self.path.iterdir()} <= known:
            raise _foreign_files(self.path)

    def check_partition(self, name: str) -> None:
        """Refuse a partition that holds files no export into this folder wrote.

        Args:
            name: the partition's folder, such as `study=KEY`.
        """
        if (self.data / MANIFEST).exists() and self.data != self.path:
            raise ExportConfigurationError(
                f"{self.data} holds an export without partitions. Next: choose another folder"
            )
        partition = self.data / name
        known = {self._path_of(file) for file in _file_names(self.manifest())}
        if partition.is_symlink() or not {path for path in partition.rglob("*") if not path.is_dir()} <= known:
            raise _foreign_files(partition)

    # ---- publishing files

    def publish(self, names: Sequence[str], manifest: dict[str, Any], remove: Iterable[str] = ()) -> None:
        """Move staged files and the manifest into place, then remove files of earlier runs.

        Args:
            names: the staged files.
            manifest: the new manifest.
            remove: files to remove; any that are not of an earlier run or are among `names` stay.

        Raises:
            ExportError: a file could be neither replaced nor restored; the message says where it is kept.
        """
        old = set(_file_names(self.manifest()))
        for name in names:
            disk.flush_file(self.staging / name)
        if names:
            write_json(self.hidden / MANIFEST, manifest)  # from here on `_recover` can undo a run that dies
        moved: list[str] = []
        try:
            for name in names:
                moved.append(name)
                _move(self._path_of(name), self.before / name)
                _move(self.staging / name, self._path_of(name))
            write_json(self.path / MANIFEST, manifest)
        except BaseException as error:
            self._restore(moved, error)
            raise
        (self.hidden / MANIFEST).unlink(missing_ok=True)
        (self.path / _WORKBOOK).unlink(missing_ok=True)
        shutil.rmtree(self.before, ignore_errors=True)
        for name in sorted((old & set(remove)) - set(names)):
            path = self._path_of(name)
            path.unlink(missing_ok=True)
            for folder, _ in zip(path.parents, Path(name).parents[:-1], strict=False):
                with suppress(OSError):  # it holds other files
                    folder.rmdir()

    def _restore(self, moved: Sequence[str], error: BaseException) -> None:
        """Move the earlier files back to their places; raise ExportError that names those that cannot be restored."""
        stuck = []
        for name in reversed(moved):
            try:
                if (self.before / name).exists():
                    _move(self.before / name, self._path_of(name))
                elif not (self.staging / name).exists():  # the new file is in place and replaced nothing
                    self._path_of(name).unlink(missing_ok=True)
            except OSError:
                stuck.append(name)
        kept = [name for name in stuck if (self.before / name).exists()]
        if not stuck:
            (self.hidden / MANIFEST).unlink(missing_ok=True)
        else:
            self._needs_backup = True
        if kept and isinstance(error, Exception):
            raise ExportError(
                f"{len(kept)} files of the earlier export could not be restored ({', '.join(sorted(kept)[:5])}); they "
                f"are kept in {self.before}. Next: make the folder writable, then run the export again; it restores "
                "them"
            ) from error

    def _take_lock(self) -> None:
        try:
            self._lock = disk.Lock(self.path / _LOCK)
        except disk.InUseError:
            raise ExportConfigurationError(
                f"another export is using {self.path}. Next: wait for it to end, or choose another folder"
            ) from None

    def _release_lock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def _remove_created(self) -> None:
        for folder in reversed(self._created):
            with suppress(OSError):  # the folder holds a spool, or somebody else uses it by now
                folder.rmdir()


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path of a target. Raises ExportConfigurationError for a value that cannot be a path."""
    if not isinstance(path, (str, os.PathLike)) or not str(path) or "\0" in str(path):
        raise ExportConfigurationError("the target must be the path of a file or folder")
    return Path(path)


def _followed(path: Path) -> Path:
    """The folder a link points to; any other path as it is."""
    with suppress(OSError):  # a name that is too long is refused when the folder is checked
        if path.is_symlink() and path.is_dir():
            return path.resolve()
    return path


def _foreign_files(path: Path) -> ExportConfigurationError:
    return ExportConfigurationError(
        f"{path} holds files that no earlier export wrote. Next: choose another folder, or empty this one"
    )


def _move(source: Path, target: Path) -> None:
    """Rename a file if it exists, creating the folders of its new path."""
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    disk.write_whole(path, (text if writable(text) else json.dumps(value, indent=2)) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; `None` if there is no such file or it holds something else."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def file_entries(manifest: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Entries of a manifest's `files`; anything unexpected is skipped, because the manifest comes from a file."""
    files = (manifest or {}).get("files")
    return [entry for entry in files if isinstance(entry, dict)] if isinstance(files, list) else []


def data_folder(home: Path, manifest: dict[str, Any] | None) -> Path:
    """The folder of an export's partitions, as its manifest names it; `home` where there are none."""
    named = (manifest or {}).get("partitions")
    return Path(os.path.normpath(home / named)) if isinstance(named, str) and named else home


def exported_file(home: Path, manifest: dict[str, Any] | None, name: str) -> Path:
    """The path of a file that a manifest names. Raises `disk.OutsideError` for a name that leads out of its folder."""
    return disk.inside(data_folder(home, manifest) if name.startswith(PARTITION) else home, name)


def beside(path: str | os.PathLike[str], part: str = "") -> Path:
    """The folder of manifest and log for an export to a single file, or to partitions.

    Args:
        path: the file, or the folder of the partitions.
        part: what else tells this export from others into the same target, such as a schema.

    >>> beside("out/study.duckdb").name, beside("out/lake", "study=A").parts[-2:]
    ('study.duckdb.export', ('lake.export', 'study=A'))
    """
    target = checked_path(path).absolute()
    folder = target.with_name(f"{target.name}.export")
    return folder / part if part else folder


def _file_names(manifest: dict[str, Any] | None) -> list[str]:
    """Names of the files that an export wrote according to its manifest."""
    return [str(entry["file"]) for entry in file_entries(manifest) if entry.get("file")]


def state_folder(*facts: str, profile_home: str | None = None) -> Path:
    """The folder of manifest, log and spool for a target that is not a file: one for each study and target.

    It is below `IMEDNET_STATE_HOME`, else the folder that the profile names, else `XDG_STATE_HOME`, else
    `~/.local/state`. Its name shows the kind of target and the study, and of the address only a hash.

    Raises:
        ExportConfigurationError: this user has no home folder.
    """
    root = os.environ.get(ENV_STATE_HOME) or profile_home or os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    kind, study = facts[0], "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in facts[1])
    digest = hashlib.sha256("\0".join(facts).encode()).hexdigest()[:12]
    try:
        home = Path(root).expanduser()
    except RuntimeError:
        raise ExportConfigurationError(
            "this user has no home folder to keep manifest and log in. Next: set IMEDNET_STATE_HOME to a folder"
        ) from None
    return home / "imednet" / f"{kind}-{study}-{digest}"
