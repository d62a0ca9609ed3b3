"""Output of the commands: rows as a table, JSON, JSON Lines, CSV or a file, and messages for people.

Data go to standard output, messages to standard error. Nothing printed here can steer a terminal.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import typer

from ..utils.csv_text import cell_text, write_csv
from ..utils.text import whole
from .file_output import ArrowTable, as_monitoring_table, write_parquet, write_workbook

if TYPE_CHECKING:
    from ..workflows.monitoring import MonitoringTable

Row = dict[str, Any]

_NARROW_TABLE_COLUMNS = 6
_PIPE_WIDTH = 160


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


def print_rows(
    rows: list[Row],
    output: Format | None,
    typed: Callable[[], ArrowTable] | None = None,
    columns: Sequence[str] = (),
) -> None:
    """Print rows on standard output; without a format, a table on a terminal and JSON Lines in a pipe.

    That there are none is said on standard error in every format: nothing at all looks like a command that failed.

    Args:
        rows: the rows.
        output: the format.
        typed: makes the same rows as an Arrow table, where their types are known beforehand.
        columns: the header of a CSV without rows, which is what a program reads first.
    """
    _write_rows(rows, output, typed, columns)
    if not rows:
        print_message("no rows")


def _write_rows(
    rows: list[Row],
    output: Format | None,
    typed: Callable[[], ArrowTable] | None = None,
    columns: Sequence[str] = (),
) -> None:
    match output or (Format.TABLE if sys.stdout.isatty() else Format.JSONL):
        case Format.TABLE:
            _print_table(rows)
        case Format.JSON:
            typer.echo(to_json(rows, indent=2))
        case Format.JSONL:
            for row in rows:
                typer.echo(to_json(row))
        case Format.CSV:
            _write_csv(list(dict.fromkeys(name for row in rows for name in row)) or list(columns), rows)
        case Format.XLSX:
            _write_workbook(as_monitoring_table(rows))
        case Format.PARQUET:
            write_parquet(rows, typed)


def _write_workbook(table: MonitoringTable) -> None:
    lost = write_workbook(table)
    if lost is not None:
        print_message(lost)


def _write_csv(columns: list[str], rows: list[Row]) -> None:
    write_csv(sys.stdout, columns, rows, escape_control if sys.stdout.isatty() else whole)


def print_line(text: str) -> None:
    """Print a line of text on standard output."""
    typer.echo(escape_control(text) if sys.stdout.isatty() else text)


def print_message(text: str) -> None:
    """Print a message for people on standard error."""
    with suppress(OSError, ValueError, AttributeError):  # standard error may be closed
        typer.echo(escape_control(text) if sys.stderr.isatty() else text, err=True)


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON for standard output, with escapes for what its encoding lacks and, on a terminal, for control characters."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return escape_control(text) if sys.stdout.isatty() else text


def escape_control(text: str) -> str:
    r"""Escape every character that could move a terminal's cursor, change its colours or its writing direction.

    >>> escape_control("a\x1b[31m\u202e\nb")
    'a\\u001b[31m\\u202e\nb'
    """
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1] for character in text
    )


def _print_table(rows: list[Row]) -> None:
    """Print a table as wide as the terminal; columns that do not fit are named below it."""
    from rich.cells import cell_len

    if not rows:
        return
    width = _width()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if not any(isinstance(row.get(name), (dict, list)) for row in rows)]
    wide = "studyKey" in columns and len(columns) > _NARROW_TABLE_COLUMNS
    if wide and len({row.get("studyKey") for row in rows}) == 1:
        columns.remove("studyKey")  # the same in every row; leaves room for another column
    shown: list[str] = []
    used = 0
    for name in columns:
        needed = 2 + min(32, max(cell_len(name), *(cell_len(_table_text(row.get(name))) for row in rows)))
        if shown and used + needed > width:
            continue
        shown.append(name)
        used += needed
    numbers = [name for name in shown if all(isinstance(row.get(name), int) for row in rows)]
    _draw({name: name for name in shown}, rows, None, numbers, width)
    hidden = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in shown]
    if hidden:
        typer.echo(f"not shown: {', '.join(hidden)}. All fields: --output json", err=True)


def print_monitoring(table: MonitoringTable, output: Format | None) -> None:
    """Print a monitoring table: its rows as data, and for people its title, its total and its notes beside.

    On a narrow terminal the minor columns go first; the urgent ones stay however narrow it is.
    """
    from rich.cells import cell_len

    from ..workflows.monitoring.table import display

    chosen = output or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)
    if chosen is Format.XLSX:
        _write_workbook(table)
    elif chosen is Format.CSV:  # by its columns, which are there without any row
        _write_csv([column.name for column in table.columns], list[Row](table.rows))
    elif chosen is not Format.TABLE:
        _write_rows(list[Row](table.rows), chosen)
    if chosen is not Format.TABLE:
        _tell(table)
        return
    print_message(f"{table.title}\n{table.caption}")
    _tell(table)
    if not table.rows:
        return
    width = _width()
    texts = [
        {column.name: display(row[column.name], column.kind) for column in table.columns}
        for row in [*table.rows, *([table.total] if table.total is not None else [])]
    ]
    needed = {
        column.name: 2 + min(32, max(cell_len(column.title), *(cell_len(row[column.name]) for row in texts)))
        for column in table.columns
    }
    shown = {column.name for column in table.columns if column.urgent}
    used = sum(needed[name] for name in shown)
    for column in sorted(table.columns, key=lambda column: column.minor):
        if column.name not in shown and used + needed[column.name] <= width:
            shown.add(column.name)
            used += needed[column.name]
    titles = {column.name: column.title for column in table.columns if column.name in shown}
    numbers = [column.name for column in table.columns if column.kind in ("count", "percent", "days", "number")]
    rows = list(texts)
    total = rows.pop() if table.total is not None else None
    _draw(titles, rows, total, numbers, width)
    if hidden := [column.name for column in table.columns if column.name not in shown]:
        typer.echo(f"not shown: {', '.join(hidden)}. All fields: --output csv", err=True)


def _tell(table: MonitoringTable) -> None:
    """Say on standard error what a reader of a table must know, whatever its format."""
    for note in table.notes:
        print_message(f"note: {note}")
    if not table.rows:
        print_message("no rows")


def _draw(
    titles: dict[str, str],
    rows: Sequence[Mapping[str, Any]],
    total: Mapping[str, Any] | None,
    numbers: Collection[str],
    width: int,
) -> None:
    """Draw rows below their titles; columns too wide for all to fit are cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for name, title in titles.items():
        align: Literal["left", "right"] = "right" if name in numbers else "left"
        drawn.add_column(Text(title), no_wrap=True, overflow="ellipsis", max_width=32, justify=align)
    for row in rows:
        drawn.add_row(*[Text(_table_text(row.get(name))) for name in titles])
    if total is not None:
        drawn.add_section()
        drawn.add_row(*[Text(_table_text(total.get(name))) for name in titles], style="bold")
    # with a height too, since rich takes every dumb terminal for 80 columns wide
    Console(width=width, height=24, markup=False, emoji=False, highlight=False).print(drawn)


def _width() -> int:
    return shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns if sys.stdout.isatty() else _PIPE_WIDTH


def _table_text(value: Any) -> str:
    """The text of a table cell, with a replacement character for each one that is not printable."""
    return "".join(character if character.isprintable() else "�" for character in cell_text(value))
