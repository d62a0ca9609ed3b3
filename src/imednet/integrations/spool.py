"""Rows on their way from pages to files: one text file a form, one JSON list a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

try:
    import msgspec
except ImportError:  # the standard library writes the same
    _encode = None
    _decode = None
else:
    _encode = msgspec.json.Encoder().encode
    _decode = msgspec.json.Decoder().decode

Row = tuple[list[Any], list[str | None], dict[str, str | None]]
"""Context values, answers of the variables in form order, undeclared answers by name."""

_OPEN_FILES = 64


class Spool:
    """Appends rows by form (any number that tells forms apart) and gives them back in the order they came.

    Its folder is removed by its owner.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self._folder = folder
        self._numbers: dict[int, int] = {}
        self._files: dict[int, IO[bytes]] = {}

    def append(self, form: int, rows: list[Row]) -> None:
        """Add rows of one form."""
        file = self._files.get(form)
        if file is None:
            if len(self._files) >= _OPEN_FILES:
                self._files.pop(next(iter(self._files))).close()
            number = self._numbers.setdefault(form, len(self._numbers))
            file = self._files[form] = (self._folder / f"{number}.jsonl").open("ab")
        file.write(b"".join([_line(row) for row in rows]))

    def batches(self, form: int, size: int) -> Iterator[list[Row]]:
        """All rows of one form, `size` at a time."""
        self.close()
        if form not in self._numbers:
            return
        batch: list[Row] = []
        with (self._folder / f"{self._numbers[form]}.jsonl").open("rb") as file:
            for line in file:
                batch.append(_row(line))
                if len(batch) >= size:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def close(self) -> None:
        """Close all files."""
        while self._files:
            self._files.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _line(row: Row) -> bytes:
    if _encode is not None:
        return _encode(row) + b"\n"
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _row(line: bytes) -> Row:
    context, answers, further = _decode(line) if _decode is not None else json.loads(line)
    return context, answers, further
