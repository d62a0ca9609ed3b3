"""The spool: rows between server and sink, in one file of lines for each table, with a journal to resume from.

The journal decides what counts: after each page it gets one line with the size of every file that grew. A run that died
in the middle of a page leaves bytes that no line of the journal covers; they are cut off when the spool is resumed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

VERSION: Final = 2
"""Version of the spool's files; a spool of another version is not resumed."""

_MOST_OPEN_FILES = 64


class Spool:
    """Lines of each table on disk, returned in the order they came. Mode 0700, because they hold subjects' answers.

    Args:
        folder: the folder of the files; created if it does not exist.
        facts: values that can be written as JSON; a later run resumes only a spool with equal facts.

    Attributes:
        notes: what `note` stored, such as the token to continue from.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.folder = folder
        self._facts = json.loads(json.dumps({"version": VERSION, **facts}))
        self._numbers: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._files: dict[str, IO[bytes]] = {}
        self._grown: set[str] = set()
        self._journal: IO[bytes] | None = None
        self.notes: dict[str, Any] = {}

    def resume(self) -> bool:
        """Resume the spool of an earlier run; otherwise start an empty one and return `False`."""
        try:
            lines = (self.folder / "journal.jsonl").read_bytes().split(b"\n")
            entries = [json.loads(line) for line in lines[:-1]]
            usable = bool(entries) and entries[0] == self._facts
            for entry in entries[1:]:
                for key, (number, size, rows) in entry["files"].items():
                    self._numbers[key], self._sizes[key], self._rows[key] = number, size, rows
                self.notes.update(entry["notes"])
            for key, size in self._sizes.items():
                path = self._path(key)
                usable = usable and path.stat().st_size >= size
                if usable:
                    os.truncate(path, size)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            usable = False
        if not usable or len(entries) < 2:
            self.start()
            return False
        self._open_journal("ab", len(b"\n".join(lines[:-1])) + 1)
        return True

    def start(self) -> None:
        """Start an empty spool, deleting what is there."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        self._numbers.clear()
        self._sizes.clear()
        self._rows.clear()
        self.notes.clear()
        self._open_journal("wb", 0)
        self._write(self._facts)

    def append(self, key: str, lines: Iterable[Any]) -> None:
        """Add lines to one table; they count once `note` is called."""
        lines = list(lines)
        if not lines:
            return
        file = self._files.get(key)
        if file is None:
            if len(self._files) >= _MOST_OPEN_FILES:
                oldest = next(iter(self._files))
                self._files.pop(oldest).close()
            mode = "ab" if key in self._numbers else "wb"  # an earlier run may have left bytes not in the journal
            self._numbers.setdefault(key, len(self._numbers))
            file = self._files[key] = self._path(key).open(mode)
        text = b"\n".join(lines) + b"\n"
        file.write(text)
        self._sizes[key] = self._sizes.get(key, 0) + len(text)
        self._rows[key] = self._rows.get(key, 0) + len(lines)
        self._grown.add(key)

    def note(self, **notes: Any) -> None:
        """Record everything appended so far in the journal, with whatever else a later run needs."""
        for key in self._grown & self._files.keys():
            self._files[key].flush()
        files = {key: [self._numbers[key], self._sizes[key], self._rows[key]] for key in sorted(self._grown)}
        self._grown.clear()
        self.notes.update(notes)
        self._write({"files": files, "notes": notes})

    def drop(self, key: str) -> None:
        """Discard the lines of one table, so that they can be read again."""
        if key in self._files:
            self._files.pop(key).close()
        if key in self._numbers:
            self._path(key).unlink(missing_ok=True)
            self._path(key).touch(mode=0o600)
            self._sizes[key] = self._rows[key] = 0
            self._grown.add(key)

    def rows(self, key: str) -> int:
        """The number of lines of one table."""
        return self._rows.get(key, 0)

    @property
    def size(self) -> int:
        """Bytes of all tables together."""
        return sum(self._sizes.values())

    def batches(self, key: str, rows: int, size: int) -> Iterator[list[bytes]]:
        """All lines of one table, in lists of at most `rows` lines or about `size` bytes."""
        if key in self._files:
            self._files.pop(key).close()
        if not self._sizes.get(key):
            return
        batch: list[bytes] = []
        held = 0
        with self._path(key).open("rb") as file:
            for line in file:
                batch.append(line)
                held += len(line)
                if len(batch) >= rows or held >= size:
                    yield batch
                    batch, held = [], 0
        if batch:
            yield batch

    def close(self) -> None:
        """Close all files; the folder stays."""
        while self._files:
            self._files.popitem()[1].close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def remove(self) -> None:
        """Close all files and delete the folder."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _path(self, key: str) -> Path:
        return self.folder / f"{self._numbers[key]}.jsonl"

    def _open_journal(self, mode: str, length: int) -> None:
        path = self.folder / "journal.jsonl"
        if length:
            os.truncate(path, length)
        self._journal = path.open(mode, buffering=0)

    def _write(self, entry: dict[str, Any]) -> None:
        assert self._journal is not None
        self._journal.write(json.dumps(entry).encode() + b"\n")
