"""Rows of exported files, read back by column."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imednet_api.types import decode

from .._optional import _require_optional_dep


def read_csv(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a CSV file, every cell as text."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a JSON Lines file."""
    with path.open("rb") as file:
        for line in file:
            yield decode(line)


def read_json(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of the list in a JSON file."""
    yield from decode(path.read_bytes())


def read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file."""
    parquet = _require_optional_dep("pyarrow.parquet", "export")
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(4_000):
            yield from batch.to_pylist()
