"""Files of one table: Parquet and CSV. A writer gets columns and batches of rows, and leaves one whole file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from ..errors import ExportError
from ._optional import _require_optional_dep
from .layout import BOOLEANS, CONTEXT, INTEGERS

Cells = list[Any]
"""One row in the order of the columns: integers, booleans and texts, `None` where a value is missing."""


class TableWriter(Protocol):
    """Writes one file a table."""

    ending: str

    def write(self, path: Path, columns: list[str], batches: Iterable[list[Cells]]) -> None:
        """Write all rows to a new file."""
        ...  # pragma: no cover


class CsvWriter:
    """CSV as RFC 4180 has it: UTF-8, CR LF between rows, quotes where needed; a missing value is an empty cell."""

    ending = "csv"

    def write(self, path: Path, columns: list[str], batches: Iterable[list[Cells]]) -> None:
        """Write all rows to a new file."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(columns)
            for batch in batches:
                writer.writerows(
                    [("true" if cell else "false") if isinstance(cell, bool) else cell for cell in row] for row in batch
                )


class ParquetWriter:
    """Parquet: identifiers are 64-bit integers, `deleted` is a boolean, everything else is text as it was sent."""

    ending = "parquet"

    def __init__(self) -> None:
        self._arrow = _require_optional_dep("pyarrow", "export")
        self._parquet = _require_optional_dep("pyarrow.parquet", "export")

    def write(self, path: Path, columns: list[str], batches: Iterable[list[Cells]]) -> None:
        """Write all rows to a new file."""
        arrow = self._arrow
        kinds = [
            arrow.int64() if name in INTEGERS else arrow.bool_() if name in BOOLEANS else arrow.string()
            for name in CONTEXT
        ]
        kinds += [arrow.string()] * (len(columns) - len(kinds))
        schema = arrow.schema(list(zip(columns, kinds, strict=True)))
        with self._parquet.ParquetWriter(path, schema) as writer:
            for batch in batches:
                arrays = []
                for name, kind, column in zip(columns, kinds, zip(*batch, strict=True), strict=True):
                    if name in INTEGERS and not all(type(cell) is int or cell is None for cell in column):
                        raise ExportError(f"column {name} holds a value that is no whole number; nothing was written")
                    try:
                        arrays.append(arrow.array(column, kind))
                    except (arrow.ArrowInvalid, arrow.ArrowTypeError, OverflowError):
                        raise ExportError(
                            f"column {name} holds a value that is no {kind}; nothing was written"
                        ) from None
                writer.write_batch(arrow.record_batch(arrays, schema=schema))


WRITERS: dict[str, type[CsvWriter] | type[ParquetWriter]] = {"csv": CsvWriter, "parquet": ParquetWriter}


_NESTED = (list, dict)


def context_cells(values: list[Any]) -> list[Any]:
    """Values of the record itself as cells: lists and objects as JSON text."""
    return [
        json.dumps(value, ensure_ascii=False, separators=(",", ":")) if type(value) in _NESTED else value
        for value in values
    ]
