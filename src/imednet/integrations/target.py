"""The folder of an export: it appears whole or not at all, and takes the place of an earlier export only when whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import ExportConfigurationError

MANIFEST = "manifest.json"


class TargetFolder:
    """Work in `path` (hidden, beside the target); `commit` puts it in the target's place, leaving otherwise removes it.

    Raises:
        ExportConfigurationError: the target holds files that no earlier export wrote, or cannot be made.
    """

    path: Path

    def __init__(self, target: str | os.PathLike[str]) -> None:
        if not isinstance(target, (str, os.PathLike)) or not str(target) or "\0" in str(target):
            raise ExportConfigurationError("the target must be the path of a folder")
        self.target = Path(target).absolute()
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        try:
            _check_replaceable(self.target)
            for parent in reversed([p for p in self.target.parents if not p.exists()]):
                parent.mkdir()
                self._made.append(parent)
            self.path = Path(tempfile.mkdtemp(prefix=f".{self.target.name}.partial-", dir=self.target.parent))
        except OSError as error:
            self._unmake_parents()
            raise ExportConfigurationError(
                f"{self.target} cannot be made ({error.strerror}). Next: choose a folder you may write to"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if not self.target.exists():
            self._unmake_parents()

    def commit(self) -> None:
        """Put the finished folder in the target's place."""
        _check_replaceable(self.target)
        self.path.chmod(0o777 & ~_umask())
        if self.target.exists():
            earlier = Path(tempfile.mkdtemp(prefix=f".{self.target.name}.earlier-", dir=self.target.parent))
            self.target.rename(earlier / "export")
            try:
                self.path.rename(self.target)
            except BaseException:
                (earlier / "export").rename(self.target)
                earlier.rmdir()
                raise
            shutil.rmtree(earlier, ignore_errors=True)
        else:
            self.path.rename(self.target)

    def _unmake_parents(self) -> None:
        for parent in reversed(self._made):
            with suppress(OSError):  # somebody else uses it by now
                parent.rmdir()
        self._made.clear()


def _check_replaceable(target: Path) -> None:
    """Refuse a target that holds anything an earlier export did not write, or whose place cannot be taken."""
    if not target.exists():
        return
    if target.is_mount() or target.samefile(Path.cwd()):
        raise ExportConfigurationError(f"{target} cannot be replaced as a whole. Next: choose a folder inside it")
    if not target.is_dir() or target.is_symlink():
        raise ExportConfigurationError(f"{target} is not a folder. Next: choose another name")
    present = {entry.name for entry in target.iterdir()}
    if not present:
        return
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
        written = {MANIFEST, *(entry["file"] for entry in manifest["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        written = set()
    if not present <= written:
        raise ExportConfigurationError(
            f"{target} holds files that no earlier export wrote. Next: choose another folder, or empty this one"
        )


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of an export."""
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
