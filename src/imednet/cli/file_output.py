"""Output of the commands as a workbook or a Parquet file, on standard output.

A list of the API has the types of its description; rows of other commands have those of their values.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from ..utils.csv_text import cell_text
from ..utils.optional_library import optional_library
from ..utils.text import whole

if TYPE_CHECKING:
    from ..workflows.monitoring.table import Kind, MonitoringTable

ArrowTable = Any
"""A `pyarrow.Table`, which is there only where the extra `export` is."""

Rows = Sequence[Mapping[str, Any]]

_LARGEST = 2**63


def write_parquet(rows: Rows, typed: Callable[[], ArrowTable] | None = None) -> None:
    """Write rows as a Parquet file to standard output. Needs the extra `export`.

    Args:
        rows: the rows.
        typed: makes the same rows as an Arrow table with types that are known beforehand.
    """
    parquet: Any = optional_library("pyarrow.parquet", "export")
    made = io.BytesIO()
    parquet.write_table(_table_by_values(rows) if typed is None else typed(), made, compression="zstd")
    _send(made.getvalue(), "a Parquet file", "table.parquet")


def write_workbook(table: MonitoringTable) -> str | None:
    """Write a table as a workbook of one sheet to standard output. Needs the extra `report`.

    Returns:
        What a workbook could not hold; `None` where it holds everything.
    """
    from ..reports.workbook import LONGEST_CELL, write_table

    made = io.BytesIO()
    write_table(table, made)
    _send(made.getvalue(), "a workbook", "table.xlsx")
    long = sum(isinstance(cell, str) and len(cell) > LONGEST_CELL for row in table.rows for cell in row.values())
    if not long:
        return None
    return (
        f"{long} cells are longer than the {LONGEST_CELL:,} characters that a cell of Excel holds, and were cut. Next: "
        "--output csv, jsonl or parquet has them whole"
    )


def as_monitoring_table(rows: Rows) -> MonitoringTable:
    """Rows as a table for a workbook, lists and objects in them as JSON."""
    from ..workflows.monitoring.table import Column, MonitoringTable

    columns = []
    cells: list[dict[str, Any]] = [{} for _ in rows]
    for name in _names(rows):
        values = [row.get(name) for row in rows]
        kind = _kind(values)
        columns.append(Column(name, name, kind))
        for cell, value in zip(cells, values, strict=True):
            cell[name] = value if value is None or kind != "text" else cell_text(value)
    return MonitoringTable("rows", "Rows", f"{len(rows):,} rows", tuple(columns), cells)


def _table_by_values(rows: Rows) -> ArrowTable:
    """An Arrow table whose columns are true and false, whole numbers, numbers, or else text."""
    pyarrow: Any = optional_library("pyarrow", "export")
    columns = {}
    for name in _names(rows):
        values = [row.get(name) for row in rows]
        kind = _kind(values)
        if kind == "yes":
            columns[name] = pyarrow.array(values, pyarrow.bool_())
        elif kind == "number":
            whole_numbers = all(value is None or isinstance(value, int) for value in values)
            columns[name] = pyarrow.array(values, pyarrow.int64() if whole_numbers else pyarrow.float64())
        else:
            texts = [None if value is None else whole(cell_text(value)) for value in values]
            columns[name] = pyarrow.array(texts, pyarrow.string())
    return pyarrow.table(columns)


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _kind(values: Sequence[Any]) -> Kind:
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, bool) for value in given):
        return "yes"
    if given and all(isinstance(value, float) or (type(value) is int and abs(value) < _LARGEST) for value in given):
        return "number"
    return "text"


def _send(content: bytes, what: str, example: str) -> None:
    if sys.stdout.isatty():
        raise typer.BadParameter(f"{what} is no text. Next: redirect it, such as > {example}")
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
