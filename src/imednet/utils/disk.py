"""Files written completely or not at all, locks, and file names that stay inside their folder.

Differences between file systems are handled here and nowhere else: Windows flushes only files opened for writing and
removes no open file; some network file systems support neither locks nor flushing.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from .text import writable

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

_log = logging.getLogger("imednet")
_UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EOPNOTSUPP})
_LOCKS_UNSUPPORTED: Final = _UNSUPPORTED | {errno.ENOLCK}
_DO_NOT_FOLLOW_LINKS: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_DEVICE_NAME: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.IGNORECASE)


class OutsideError(ValueError):
    """A file name that leads out of its folder."""


class InUseError(OSError):
    """Another program has locked the file."""


def reserved(name: str) -> bool:
    """Whether Windows reserves a file name, with any extension, for a device.

    >>> reserved("CON"), reserved("nul.csv"), reserved("console")
    (True, True, False)
    """
    return _DEVICE_NAME.fullmatch(name.rstrip(" .")) is not None


def inside(folder: Path, name: str) -> Path:
    """The path of a file in a folder, for a name that comes from a file and cannot be trusted.

    Raises:
        OutsideError: the name is absolute, leads upwards, or passes through a symbolic link.

    >>> inside(Path("out"), "study=A/form=AE/part-0.parquet").as_posix()
    'out/study=A/form=AE/part-0.parquet'
    """
    parts = PurePosixPath(name).parts
    if not writable(name):
        raise OutsideError(f"{name!a} is not a file name")
    leads_out = name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or name[1:2] == ":"
    if not parts or leads_out:
        raise OutsideError(f"{name!r} is not the name of a file in its folder")
    path = folder
    for part in parts[:-1]:
        path = path / part
        if path.is_symlink():
            raise OutsideError(f"{name!r} leads through a symbolic link")
    return path / parts[-1]


def link_target(path: Path) -> Path:
    """The file a link points to, so that replacing the file keeps the link; other paths as they are."""
    try:
        return Path(os.path.realpath(path)) if path.is_symlink() else path
    except OSError:
        return path  # no file can have this name; opening it will say so


def flush(handle: int) -> None:
    """Wait until what was written is on disk, where the file system supports that."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def flush_file(path: Path) -> None:
    """Wait until a file is on disk; it is opened for writing, since Windows flushes nothing else."""
    with path.open("r+b") as file:
        flush(file.fileno())


def flush_folder(path: Path) -> None:
    """Wait until the names in a folder are on disk, where folders can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except PermissionError:
            return  # a folder may be writable and not readable
        try:
            flush(handle)
        finally:
            os.close(handle)


def partial(path: Path) -> Path:
    """The name of a file while it is being written."""
    return path.with_name(f".{path.name}.partial")


def write_whole(path: Path, text: str) -> None:
    """Write a UTF-8 text file completely or not at all; a link to it stays a link."""
    path = link_target(path)
    unfinished = partial(path)
    unfinished.unlink(missing_ok=True)
    try:
        with unfinished.open("xb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            flush(file.fileno())
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def open_locked(path: Path, flags: int) -> int:
    """Open a file of our own, readable by its owner only, and lock it; returns the file descriptor.

    Where the file system does not support locks, a warning is logged and the file is used without one.

    Raises:
        InUseError: another program has locked it.
        OSError: it cannot be opened, or is a symbolic link.
    """
    handle = os.open(path, flags | os.O_CREAT | _DO_NOT_FOLLOW_LINKS, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _LOCKS_UNSUPPORTED:
            _log.warning("%s is on a file system without locks: make sure that no second program uses it", path)
            return handle
        os.close(handle)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            raise InUseError(error.errno, "in use by another program", str(path)) from None
        raise
    return handle


def close_locked(handle: int, path: Path, *, remove: bool) -> None:
    """Close a file opened with `open_locked`, and remove it on request."""
    # Removed while the lock is held, so that no other program can open the file in between.
    if remove and fcntl is not None:
        path.unlink(missing_ok=True)
    os.close(handle)
    if remove and fcntl is None:  # Windows cannot remove an open file
        with suppress(OSError):
            path.unlink(missing_ok=True)
