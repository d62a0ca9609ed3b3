"""A report as a workbook: a contents sheet, one sheet a table with filters, formats and all rows.

No text of a study becomes a formula or a link.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..errors import ExportConfigurationError
from ..utils import disk
from ..utils.optional_library import optional_library
from ..utils.text import whole
from ..workflows.monitoring.table import Cell, Kind, MonitoringTable, display
from .report import Report

_MOST_ROWS: Final = 1_048_000
LONGEST_CELL: Final = 32_767
"""Characters of a cell of Excel; longer texts are cut."""
_EXACT: Final = 2**53
"""Beyond this a number of Excel is not exact, so it is written as text; so are infinity and what is no number."""
_FORBIDDEN: Final = frozenset("[]:*?/\\'")
_OPTIONS: Final = {
    "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "constant_memory": False,
}  # fmt: skip
_FORMATS: Final[dict[Kind, str]] = {"count": "#,##0", "percent": '0.0" %"', "days": "0.0", "date": "yyyy-mm-dd"}


def write_workbook(report: Report, path: str | Path) -> None:
    """Write a report as a workbook, whole or not at all. Needs the extra `report`.

    Raises:
        ExportConfigurationError: a table has more rows than a sheet.
    """
    with disk.written_whole(Path(path)) as unfinished, unfinished.open("xb") as file:
        _write(file, report.tables(), report)


def write_table(table: MonitoringTable, file: BinaryIO) -> None:
    """Write one table as a workbook of one sheet to an open file."""
    _write(file, [(None, table)], None)


def _write(file: BinaryIO, tables: Any, report: Report | None) -> None:
    xlsxwriter: Any = optional_library("xlsxwriter", "report")
    listed = list(tables)
    for _, table in listed:
        if len(table) > _MOST_ROWS:
            raise ExportConfigurationError(f"{table.title} has {len(table):,} rows, more than a sheet holds")
    with xlsxwriter.Workbook(file, {**_OPTIONS, "in_memory": True}) as book:
        sheets = _Sheets(book)
        if report is not None:
            sheets.contents(report, listed)
        for _, table in listed:
            sheets.table(table, back=report is not None)


class _Sheets:
    """The sheets of a workbook, and the formats they share."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._names: dict[int, str] = {}
        self._bold = book.add_format({"bold": True})
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._soft = book.add_format({"font_color": "#56677a"})
        self._head = book.add_format(
            {"bold": True, "bg_color": "#e8eef3", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        self._link = book.add_format({"font_color": "#0b6e99", "underline": 1})
        self._formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        self._totals = {
            kind: book.add_format({"num_format": text, "bold": True, "top": 1}) for kind, text in _FORMATS.items()
        }
        self._total = book.add_format({"bold": True, "top": 1})

    def contents(self, report: Report, tables: list[Any]) -> None:
        """The first sheet: what the report is, how it was read, and where its tables are."""
        sheet = self._book.add_worksheet("Contents")
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 46)
        sheet.set_column(2, 4, 22)
        self._put(sheet, 0, 0, f"{report.study_name} ({report.study_key})", self._title)
        facts = [
            ("Server time (UTC)", report.server_time),
            ("Filters", "; ".join(report.filters)),
            ("Reads", "every list is proven whole" if report.proven else "not every list is proven whole"),
            ("Made by", report.made_by),
            *(("Note", note) for note in report.notes),
        ]
        row = 2
        for name, text in facts:
            self._put(sheet, row, 0, name, self._soft)
            self._put(sheet, row, 1, text)
            row += 1
        row += 1
        for column, title in enumerate(("Section", "Table", "Rows", "Sheet")):
            self._put(sheet, row, column, title, self._head)
        for section, table in tables:
            row += 1
            name = self._name(table)
            self._put(sheet, row, 0, section.title)
            self._put(sheet, row, 1, table.title)
            sheet.write_number(row, 2, len(table), self._formats["count"])
            sheet.write_url(row, 3, f"internal:'{name}'!A1", self._link, name)
        row += 2
        for column, title in enumerate(("List", "Read", "Rule", "Rows", "Server time")):
            self._put(sheet, row, column, title, self._head)
        for read in report.reads:
            row += 1
            for column, text in enumerate((read.name, read.status, read.rule)):
                self._put(sheet, row, column, text)
            sheet.write_number(row, 3, read.rows, self._formats["count"])
            self._put(sheet, row, 4, read.server_time)

    def table(self, table: MonitoringTable, *, back: bool) -> None:
        """A sheet with a table: title, caption, notes, headings with filters, rows, total."""
        sheet = self._book.add_worksheet(self._name(table))
        self._put(sheet, 0, 0, table.title, self._title)
        self._put(sheet, 1, 0, table.caption, self._soft)
        for place, note in enumerate(table.notes):
            self._put(sheet, 2 + place, 0, note, self._soft)
        if back:
            sheet.write_url(0, 8, "internal:'Contents'!A1", self._link, "Contents")
        top = 3 + len(table.notes)
        for column, heading in enumerate(table.columns):
            self._put(sheet, top, column, heading.title, self._head)
            texts = [display(row[heading.name], heading.kind) for row in table.rows[:200]]
            sheet.set_column(
                column, column, min(48, max(9, len(heading.title) + 2, *(len(text) + 2 for text in texts)))
            )
        for place, row in enumerate(table.rows, top + 1):
            for column, heading in enumerate(table.columns):
                self._cell(sheet, place, column, row[heading.name], heading.kind, self._formats.get(heading.kind))
        last = top + len(table.rows)
        if table.rows:
            sheet.autofilter(top, 0, last, len(table.columns) - 1)
        sheet.freeze_panes(top + 1, 1)
        if table.total is not None and table.rows:
            for column, heading in enumerate(table.columns):
                style = self._totals.get(heading.kind, self._total)
                self._cell(sheet, last + 1, column, table.total[heading.name], heading.kind, style)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(top)

    def _cell(self, sheet: Any, row: int, column: int, value: Cell, kind: Kind, style: Any) -> None:
        if value is None:
            sheet.write_blank(row, column, None, style)
        elif isinstance(value, bool):
            self._put(sheet, row, column, display(value, kind), style)
        elif isinstance(value, (int, float)) and abs(value) < _EXACT:
            sheet.write_number(row, column, value, style)
        elif kind == "date" and isinstance(value, str) and (day := _day(value)) is not None:
            sheet.write_datetime(row, column, day, style)
        else:
            self._put(sheet, row, column, str(value), style)

    @staticmethod
    def _put(sheet: Any, row: int, column: int, text: str, style: Any = None) -> None:
        sheet.write_string(row, column, whole(text)[:LONGEST_CELL], style)

    def _name(self, table: MonitoringTable) -> str:
        """A name of a sheet that Excel takes and no other table has."""
        if id(table) not in self._names:
            base = "".join(sign for sign in whole(table.name) if sign not in _FORBIDDEN and sign.isprintable())
            base = (base.strip() or "table")[:28].capitalize()
            taken = {name.casefold() for name in (*self._names.values(), "Contents", "History")}
            name, place = base, 2
            while name.casefold() in taken:
                name, place = f"{base[:27]} {place}", place + 1
            self._names[id(table)] = name
        return self._names[id(table)]


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year >= 1900 else None
