"""Files written completely or not at all, locks, and file names that stay inside their folder.

Differences between file systems are handled here and nowhere else: Windows flushes only files opened for writing and
removes no open file; some network file systems support neither locks nor flushing.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from .text import writable

if TYPE_CHECKING:
    import filelock

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


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of a file when the block ends, or is removed when it fails.

    A link to the file stays a link.
    """
    path = link_target(path)
    unfinished = partial(path)
    unfinished.unlink(missing_ok=True)
    try:
        yield unfinished
        flush_file(unfinished)
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a UTF-8 text file completely or not at all; a link to it stays a link."""
    with written_whole(path) as unfinished, unfinished.open("xb") as file:
        file.write(text.encode("utf-8"))


def write_private(path: Path, text: str) -> None:
    """Write a UTF-8 text file that only its owner can read, completely or not at all."""
    with written_whole(path) as unfinished:
        with os.fdopen(open_private(unfinished, os.O_WRONLY | os.O_EXCL), "wb") as file:
            file.write(text.encode("utf-8"))


class Lock:
    """A lock that one program can hold, in a file that only serves as the lock and is removed with it.

    The system releases it when a program dies. On a file system without locks nothing is locked, and a warning logged.

    Args:
        path: the file.
        wait: seconds to wait for another program that holds it.

    Raises:
        InUseError: another program holds it.
        OSError: the file cannot be made, or is a symbolic link.
    """

    def __init__(self, path: Path, wait: float = 0) -> None:
        import filelock  # here, because reading needs none

        path.parent.stat()  # a folder that is not there is an error; filelock would make it
        self._path = path
        self._lock: filelock.BaseFileLock | None = filelock.FileLock(path, timeout=wait, mode=0o600, thread_local=False)
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise InUseError(errno.EAGAIN, "in use by another program", str(path)) from None
        except (NotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _LOCKS_UNSUPPORTED:
                raise
            _log.warning("%s is on a file system without locks: make sure that no second program uses it", path)
            self._lock = None

    def release(self) -> None:
        """Let another program have it."""
        lock, self._lock = self._lock, None
        removed = self._remove()  # while it is held, so that nobody else's is removed
        if lock is not None:
            lock.release()
        if not removed:
            self._remove()  # Windows removes no open file, and so none that somebody else holds by now

    def _remove(self) -> bool:
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return False
        return True


def open_private(path: Path, flags: int) -> int:
    """Open a file readable by its owner only, and return its descriptor. A symbolic link is an OSError."""
    return os.open(path, flags | os.O_CREAT | _DO_NOT_FOLLOW_LINKS | getattr(os, "O_BINARY", 0), 0o600)
