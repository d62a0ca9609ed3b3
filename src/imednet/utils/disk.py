"""Files that are there whole or not at all, locks, and names that stay inside their folder.

The one place that knows where file systems differ: Windows flushes only what is open for writing and removes no file
that is open; some network file systems know neither locks nor flushing.
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
_NO_LOCKS: Final = _UNSUPPORTED | {errno.ENOLCK}
_NO_LINKS: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.IGNORECASE)


class OutsideError(ValueError):
    """A name that would lead out of its folder."""


class InUseError(OSError):
    """A file that another program has locked."""


def reserved(name: str) -> bool:
    """Whether Windows keeps a file name, with any ending, for a device.

    >>> reserved("CON"), reserved("nul.csv"), reserved("console")
    (True, True, False)
    """
    return _RESERVED.fullmatch(name.rstrip(" .")) is not None


def inside(folder: Path, name: str) -> Path:
    """The path of a file in a folder, by a name that was read from a file and may be anything.

    Raises:
        OutsideError: the name is absolute or leads upwards, or a folder on the way to it is a link.

    >>> inside(Path("out"), "study=A/form=AE/part-0.parquet").as_posix()
    'out/study=A/form=AE/part-0.parquet'
    """
    parts = PurePosixPath(name).parts
    if not writable(name):
        raise OutsideError(f"{name!a} is no name of a file")
    if not parts or name.startswith("/") or ".." in parts or any(sign in name for sign in "\\\0") or name[1:2] == ":":
        raise OutsideError(f"{name!r} is no name of a file in its folder")
    path = folder
    for part in parts[:-1]:
        path = path / part
        if path.is_symlink():
            raise OutsideError(f"{name!r} leads through a link")
    return path / parts[-1]


def followed(path: Path) -> Path:
    """Where a file really is that is to be replaced, so that a link to it stays a link."""
    try:
        return Path(os.path.realpath(path)) if path.is_symlink() else path
    except OSError:
        return path  # a name that no file can have; opening it says so


def flush(handle: int) -> None:
    """Make sure that what was written is on disk, where the file system can."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def flush_file(path: Path) -> None:
    """Make sure that a file is on disk; it is opened for writing, since Windows flushes nothing else."""
    with path.open("r+b") as file:
        flush(file.fileno())


def flush_folder(path: Path) -> None:
    """Make sure that a name in a folder is on disk, where folders can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except PermissionError:
            return  # a folder that may be written to and not be listed
        try:
            flush(handle)
        finally:
            os.close(handle)


def partial(path: Path) -> Path:
    """The name under which a file is written until it is whole."""
    return path.with_name(f".{path.name}.partial")


def write_whole(path: Path, text: str) -> None:
    """Write a text file, UTF-8, so that it is there whole or not at all; a link to it stays a link."""
    path = followed(path)
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


def open_own(path: Path, flags: int) -> int:
    """Open a file of ours that is no link, for its owner alone, and lock it for this program.

    Where the file system knows no locks, a warning is logged and the file is used all the same.

    Raises:
        InUseError: another program has it.
        OSError: it cannot be opened, or is a link.
    """
    handle = os.open(path, flags | os.O_CREAT | _NO_LINKS, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            _log.warning("%s is on a file system without locks: see that no second program uses it", path)
            return handle
        os.close(handle)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            raise InUseError(error.errno, "in use by another program", str(path)) from None
        raise
    return handle


def close_own(handle: int, path: Path, *, remove: bool) -> None:
    """Close a file of `open_own`, and remove it: first, where that can be, so that nobody takes it over in between."""
    if remove and fcntl is not None:
        path.unlink(missing_ok=True)
    os.close(handle)
    if remove and fcntl is None:  # Windows removes no file that is open
        with suppress(OSError):
            path.unlink(missing_ok=True)
