"""Rows as text: a table for people, JSON, JSON Lines or CSV for programs."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from ..utils.text import whole

Row = dict[str, Any]

_FEW = 6


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


OutputOption = Annotated[
    Format | None, typer.Option("--output", "-o", help="Default: table on a terminal, jsonl in a pipe.")
]


def chosen(given: Format | None) -> Format:
    """The format asked for, else the one that fits where the output goes."""
    return given or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)


def show(rows: list[Row], output: Format | None) -> None:
    """Print rows on standard output."""
    match chosen(output):
        case Format.TABLE:
            _table(rows)
        case Format.JSON:
            typer.echo(as_json(rows, indent=2))
        case Format.JSONL:
            for row in rows:
                typer.echo(as_json(row))
        case Format.CSV:
            columns = list(dict.fromkeys(name for row in rows for name in row))
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(columns)
            shown = harmless if sys.stdout.isatty() else whole
            writer.writerows([shown(_cell(row.get(name))) for name in columns] for row in rows)


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON for standard output: signs it has no code for, and on a terminal those that steer it, are JSON escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return harmless(text) if sys.stdout.isatty() else text


def tell(text: str) -> None:
    """A line of text on standard output."""
    typer.echo(harmless(text) if sys.stdout.isatty() else text)


def harmless(text: str) -> str:
    r"""A text in which nothing can move the cursor, change colours or turn the direction of a terminal.

    >>> harmless("a\x1b[31m\u202e\nb")
    'a\\u001b[31m\\u202e\nb'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _table(rows: list[Row]) -> None:
    """A table as wide as the terminal; columns that do not fit are named below it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        typer.echo("no rows", err=True)
        return
    width = shutil.get_terminal_size((160, 24)).columns if sys.stdout.isatty() else 160
    columns = list(dict.fromkeys(name for row in rows for name in row))
    columns = [name for name in columns if not any(isinstance(row.get(name), (dict, list)) for row in rows)]
    if "studyKey" in columns and len(columns) > _FEW and len({row.get("studyKey") for row in rows}) == 1:
        columns.remove("studyKey")  # one and the same in all rows: the room is better used
    shown: list[str] = []
    used = 0
    for name in columns:
        need = 2 + min(32, max(len(name), *(len(_printable(row.get(name))) for row in rows)))
        if shown and used + need > width:
            continue
        shown.append(name)
        used += need
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in shown:
        numbers = all(isinstance(row.get(name), int) for row in rows)
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=32, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*[Text(_printable(row.get(name))) for name in shown])
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)
    hidden = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in shown]
    if hidden:
        typer.echo(f"not shown: {', '.join(hidden)}. All fields: --output json", err=True)


def _printable(value: Any) -> str:
    """Text for a terminal: nothing in it can move the cursor or change colours."""
    return "".join(sign if sign.isprintable() else "�" for sign in _cell(value))
