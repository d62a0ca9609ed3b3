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
from typing import IO, Any, Final, Self

from ..errors import ExportConfigurationError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

MANIFEST: Final = "manifest.json"
LOG: Final = "extraction-log.jsonl"
HIDDEN: Final = ".imednet-spool"
_LOCK: Final = ".imednet-lock"
_PLACED: Final = ".imednet-placed"


class Home:
    """A folder, locked while a run works in it.

    Raises:
        ExportConfigurationError: it holds files that no earlier export wrote, cannot be made, or is in use.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = checked_path(path).absolute()
        self.hidden = self.path / HIDDEN
        self.spool = self.hidden / "spool"
        self.staging = self.hidden / "out"
        self.before = self.hidden / "before"
        self.keep_spool = False
        self._made: list[Path] = []
        self._lock: IO[bytes] | None = None

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
        except OSError as error:
            self._unmake()
            raise ExportConfigurationError(
                f"{self.path} cannot be used ({error.strerror}). Next: choose a folder you may write to"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        if not self.keep_spool:
            shutil.rmtree(self.hidden, ignore_errors=True)
        if self._lock is not None:
            (self.path / _LOCK).unlink(missing_ok=True)
            self._lock.close()
        if kind is not None:
            self._unmake()

    # ---- what an earlier run left

    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the last run that ended; `None` where there is none."""
        return _object(self.path / MANIFEST)

    def placed(self) -> str:
        """The SHA-256 of a target that stands beside this folder, if a run ended between it and its manifest."""
        return str((_object(self.path / _PLACED) or {}).get("sha256"))

    def note_placed(self, digest: str) -> None:
        """Say what is about to be put in place: a run that ends before its manifest is there is known by it."""
        write_json(self.path / _PLACED, {"sha256": digest})

    def _recover(self) -> None:
        """Undo what a run did that died while it put its files in place."""
        for name in (MANIFEST, _PLACED):
            (self.path / _partial(name)).unlink(missing_ok=True)
        begun = _object(self.hidden / MANIFEST)
        if begun is None:
            return
        there = _object(self.path / MANIFEST)
        if there != begun:
            old = {str(entry.get("file")) for entry in (there or {}).get("files", [])}
            for name in [str(entry["file"]) for entry in begun.get("files", []) if entry.get("file")]:
                if (self.before / name).exists():
                    _move(self.before / name, self.path / name)
                elif name not in old:
                    (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.before, ignore_errors=True)
        (self.hidden / MANIFEST).unlink(missing_ok=True)

    def _check(self) -> None:
        """Refuse a folder with anything in it that no export wrote."""
        if not self.path.exists():
            return
        if not self.path.is_dir() or self.path.is_symlink():
            raise ExportConfigurationError(f"{self.path} is not a folder. Next: choose another name")
        known = {MANIFEST, _partial(MANIFEST), LOG, HIDDEN, _LOCK, _PLACED, _partial(_PLACED)}
        for manifest in (self.manifest(), _object(self.hidden / MANIFEST)):
            if manifest is not None and isinstance(manifest.get("files"), list):
                known.update(Path(str(entry.get("file"))).parts[0] for entry in manifest["files"] if entry.get("file"))
        if not {entry.name for entry in self.path.iterdir()} <= known:
            raise ExportConfigurationError(
                f"{self.path} holds files that no earlier export wrote. Next: choose another folder, or empty this one"
            )

    # ---- putting in place

    def place(self, names: Sequence[str], manifest: dict[str, Any], stay: set[str]) -> None:
        """Put staged files and the manifest in place, and remove what an earlier run left, but for `stay`."""
        earlier = self.manifest() or {}
        old = {str(entry["file"]) for entry in earlier.get("files", []) if entry.get("file")}
        for name in names:
            sync(self.staging / name)
        if names:
            write_json(self.hidden / MANIFEST, manifest)  # a run that dies below is known by it
        before = self.before
        moved: list[str] = []
        try:
            for name in names:
                moved.append(name)
                _move(self.path / name, before / name)
                _move(self.staging / name, self.path / name)
            write_json(self.path / MANIFEST, manifest)
        except BaseException:
            for name in reversed(moved):
                (self.path / name).unlink(missing_ok=True)
                _move(before / name, self.path / name)
            raise
        (self.hidden / MANIFEST).unlink(missing_ok=True)
        (self.path / _PLACED).unlink(missing_ok=True)
        shutil.rmtree(before, ignore_errors=True)
        for name in sorted(old - set(names) - stay):
            (self.path / name).unlink(missing_ok=True)
            for folder in Path(name).parents[:-1]:
                with suppress(OSError):
                    (self.path / folder).rmdir()

    def _take_lock(self) -> None:
        self._lock = (self.path / _LOCK).open("ab")
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._lock.close()
                self._lock = None
                raise ExportConfigurationError(
                    f"another export works in {self.path}. Next: wait for it, or choose another folder"
                ) from None

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


def _partial(name: str) -> str:
    """The name under which a file is written until it is whole."""
    return f".{name}.partial"


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that it is there whole or not at all."""
    partial = path.with_name(_partial(path.name))
    partial.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    sync(partial)
    partial.replace(path)


def sync(path: Path) -> None:
    """Make sure that a file is on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _object(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def state_folder(*facts: str) -> Path:
    """The folder of manifest, log and spool for a target that is no file: one for each study and target.

    Below `IMEDNET_STATE_HOME`, else `XDG_STATE_HOME`, else `~/.local/state`. The name tells nothing of the target but
    its kind and the study.
    """
    root = os.environ.get("IMEDNET_STATE_HOME") or os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    kind, study = facts[0], "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in facts[1])
    digest = hashlib.sha256("\0".join(facts).encode()).hexdigest()[:12]
    return Path(root).expanduser() / "imednet" / f"{kind}-{study}-{digest}"
