"""The folder an export lives in: its manifest, its extraction log, and while it runs a hidden spool.

For exports into files it is the target itself; for a single file or a server it stands beside. Files appear in it
whole: written under a hidden name, synced, renamed. What an earlier run left stays until its successor takes its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ...errors import ExportConfigurationError, ExportError
from ...utils import disk
from ...utils.text import writable

MANIFEST: Final = "manifest.json"
LOG: Final = "extraction-log.jsonl"
HIDDEN: Final = ".imednet-spool"
ISSUES_FILE: Final = "issues.jsonl"
OURS: Final = tuple(name.partition(".")[0] for name in (MANIFEST, LOG, ISSUES_FILE))
"""Names, without ending, of the files beside those of tables."""
_LOCK: Final = ".imednet-lock"
_PLACED: Final = ".imednet-placed"


class Home:
    """A folder, locked while a run works in it.

    Raises:
        ExportConfigurationError: it holds files that no earlier export wrote, cannot be made, or is in use.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = checked_path(path).absolute()
        with suppress(OSError):  # a name that is too long is refused below
            if self.path.is_symlink() and self.path.is_dir():
                self.path = self.path.resolve()
        self.hidden = self.path / HIDDEN
        self.spool = self.hidden / "spool"
        self.staging = self.hidden / "out"
        self.before = self.hidden / "before"
        self.keep_spool = False
        self._made: list[Path] = []
        self._lock: int | None = None
        self._stranded = False

    def __enter__(self) -> Self:
        try:
            self._check()
            for folder in reversed([one for one in (self.path, *self.path.parents) if not one.exists()]):
                folder.mkdir()
                self._made.append(folder)
            self._take_lock()
            self.hidden.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(self.staging, ignore_errors=True)
            self._recover()
            self.keep_spool = (self.spool / "journal.jsonl").exists()
        except BaseException as error:
            self._let_go()
            self._unmake()
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
        if not self.keep_spool and not self._stranded:
            shutil.rmtree(self.hidden, ignore_errors=True)
        self._let_go()
        if kind is not None:
            self._unmake()

    # ---- what an earlier run left

    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the last run that ended; `None` where there is none."""
        return read_object(self.path / MANIFEST)

    def placed(self) -> str:
        """The SHA-256 of a target that stands beside this folder, if a run ended between it and its manifest."""
        return str((read_object(self.path / _PLACED) or {}).get("sha256"))

    def note_placed(self, digest: str) -> None:
        """Say what is about to be put in place: a run that ends before its manifest is there is known by it."""
        write_json(self.path / _PLACED, {"sha256": digest})

    def _recover(self) -> None:
        """Undo what a run did that died while it put its files in place."""
        for name in (MANIFEST, _PLACED):
            disk.partial(self.path / name).unlink(missing_ok=True)
        begun = read_object(self.hidden / MANIFEST)
        if begun is None:
            return
        there = read_object(self.path / MANIFEST)
        if there != begun:
            old = set(_names(there))
            for name in _names(begun):
                if (self.before / name).exists():
                    _move(self.before / name, self._own(name))
                elif name not in old:
                    self._own(name).unlink(missing_ok=True)
        shutil.rmtree(self.before, ignore_errors=True)
        (self.hidden / MANIFEST).unlink(missing_ok=True)

    def _own(self, name: str) -> Path:
        """The path of a file of this folder. Raises ExportConfigurationError for a name that leads out of it."""
        try:
            path = disk.inside(self.path, name)
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
        """Refuse a folder with anything in it that no export wrote, and links in place of our own files."""
        if not self.path.exists() and not self.path.is_symlink():
            return
        if not self.path.is_dir():
            raise ExportConfigurationError(f"{self.path} is not a folder. Next: choose another name")
        ours = [self.path / name for name in (MANIFEST, LOG, HIDDEN, _LOCK, _PLACED)]
        inner = [self.staging, self.before, self.spool, self.hidden / MANIFEST, self.spool / "journal.jsonl"]
        for path in (*ours, *(disk.partial(self.path / name) for name in (MANIFEST, _PLACED)), *inner):
            if path.is_symlink():
                raise ExportConfigurationError(
                    f"{path} is a link; nothing is written through it. Next: remove it, or choose another folder"
                )
        known = {path.name for path in ours} | {disk.partial(self.path / name).name for name in (MANIFEST, _PLACED)}
        for manifest in (self.manifest(), read_object(self.hidden / MANIFEST)):
            for name in _names(manifest):
                self._own(name)
                known.add(name.partition("/")[0])
        if not {entry.name for entry in self.path.iterdir()} <= known:
            raise ExportConfigurationError(
                f"{self.path} holds files that no earlier export wrote. Next: choose another folder, or empty this one"
            )

    # ---- putting in place

    def place(self, names: Sequence[str], manifest: dict[str, Any], stay: set[str]) -> None:
        """Put staged files and the manifest in place, and remove what an earlier run left, but for `stay`.

        Raises:
            ExportError: a file could neither be replaced nor be put back; the message names where it is.
        """
        old = set(_names(self.manifest()))
        for name in names:
            disk.flush_file(self.staging / name)
        if names:
            write_json(self.hidden / MANIFEST, manifest)  # a run that dies below is known by it
        moved: list[str] = []
        try:
            for name in names:
                moved.append(name)
                _move(self._own(name), self.before / name)
                _move(self.staging / name, self._own(name))
            write_json(self.path / MANIFEST, manifest)
        except BaseException as error:
            self._put_back(moved, error)
            raise
        (self.hidden / MANIFEST).unlink(missing_ok=True)
        (self.path / _PLACED).unlink(missing_ok=True)
        shutil.rmtree(self.before, ignore_errors=True)
        for name in sorted(old - set(names) - stay):
            self._own(name).unlink(missing_ok=True)
            for folder in Path(name).parents[:-1]:
                with suppress(OSError):
                    (self.path / folder).rmdir()

    def _put_back(self, moved: Sequence[str], error: BaseException) -> None:
        """Give the earlier files their places again; those that cannot be put back are kept and named."""
        lost = []
        for name in reversed(moved):
            try:
                if (self.before / name).exists():
                    _move(self.before / name, self._own(name))
                elif not (self.staging / name).exists():  # it is in place, and nothing stood there before
                    self._own(name).unlink(missing_ok=True)
            except OSError:
                lost.append(name)
        kept = [name for name in lost if (self.before / name).exists()]
        if not lost:
            (self.hidden / MANIFEST).unlink(missing_ok=True)
        else:
            self._stranded = True
        if kept and isinstance(error, Exception):
            raise ExportError(
                f"{len(kept)} files of the earlier export could not be put back ({', '.join(sorted(kept)[:5])}); they "
                f"are kept in {self.before}. Next: make the folder writable, then run the export again; it puts them "
                "back"
            ) from error

    def _take_lock(self) -> None:
        try:
            self._lock = disk.open_locked(self.path / _LOCK, os.O_RDWR)
        except disk.InUseError:
            raise ExportConfigurationError(
                f"another export works in {self.path}. Next: wait for it, or choose another folder"
            ) from None

    def _let_go(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            disk.close_locked(lock, self.path / _LOCK, remove=True)

    def _unmake(self) -> None:
        for folder in reversed(self._made):
            with suppress(OSError):  # somebody else uses it by now, or a spool waits in it
                folder.rmdir()


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path of a target. Raises ExportConfigurationError for what can be none."""
    if not isinstance(path, (str, os.PathLike)) or not str(path) or "\0" in str(path):
        raise ExportConfigurationError("the target must be the path of a file or folder")
    return Path(path)


def _move(source: Path, target: Path) -> None:
    """Rename a file where there is one, making the folders above its new place."""
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that it is there whole or not at all."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    disk.write_whole(path, (text if writable(text) else json.dumps(value, indent=2)) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; `None` where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def file_entries(manifest: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What a manifest says of files and tables; it was read from a file, so that it may hold anything."""
    files = (manifest or {}).get("files")
    return [one for one in files if isinstance(one, dict)] if isinstance(files, list) else []


def _names(manifest: dict[str, Any] | None) -> list[str]:
    """Files that a manifest says an export wrote."""
    return [str(one["file"]) for one in file_entries(manifest) if one.get("file")]


def state_folder(*facts: str) -> Path:
    """The folder of manifest, log and spool for a target that is no file: one for each study and target.

    Below `IMEDNET_STATE_HOME`, else `XDG_STATE_HOME`, else `~/.local/state`. The name tells nothing of the target but
    its kind and the study.

    Raises:
        ExportConfigurationError: this user has no home folder.
    """
    root = os.environ.get("IMEDNET_STATE_HOME") or os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    kind, study = facts[0], "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in facts[1])
    digest = hashlib.sha256("\0".join(facts).encode()).hexdigest()[:12]
    try:
        home = Path(root).expanduser()
    except RuntimeError:
        raise ExportConfigurationError(
            "this user has no home folder to keep manifest and log in. Next: set IMEDNET_STATE_HOME to a folder"
        ) from None
    return home / "imednet" / f"{kind}-{study}-{digest}"
