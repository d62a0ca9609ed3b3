"""Excel: one workbook with a sheet for each form, a table of contents, the dictionary and the issues.

The first row of a sheet holds the column names, the second row their labels, with filters. Numbers, dates and times are
cells of their type; an answer that does not fit its variable's type stays as the text it is, and so does a date that
Excel does not know, before 1900. No text becomes a formula. A table too large for a sheet is refused before anything is
written; a text longer than 32,767 characters is cut and listed as an issue.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any, Final

from ..errors import ExportConfigurationError
from ..utils import disk
from ._optional import _require_optional_dep
from .files import as_text
from .on_disk.folder import ExportFolder, checked_path, sha256
from .sink import ExportSink
from .tables.batches import Batch
from .tables.layout import Shape, StudyTables, Table

_LONGEST_CELL: Final = 32_767
_LONGEST_SHEET: Final = 31
_FORBIDDEN: Final = frozenset("[]:*?/\\'")
_HEADER_ROWS = 2
_ROWS_FOR_WIDTH, _NARROWEST, _WIDEST = 200, 8, 48
_FIRST_YEAR: Final = 1900
_SHOWN: Final = {datetime: "yyyy-mm-dd hh:mm:ss", date: "yyyy-mm-dd", time: "hh:mm"}
"""Type of a cell -> how Excel shows it."""
_CREATED: Final = datetime(2000, 1, 1)
"""A fixed creation date, so that the same data give the same file."""


class ExcelSink(ExportSink):
    """An Excel workbook.

    Args:
        path: the file, such as `study.xlsx`; it appears only once it is complete.
    """

    kind = "excel"
    cuts = True
    files = True
    whole = True
    shape = Shape(values="typed", lenient=True, most_columns=16_384, most_rows=1_048_576 - _HEADER_ROWS)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._xlsx = _require_optional_dep("xlsxwriter", "export")
        self.path = disk.link_target(checked_path(path).absolute())
        self.file = self.path
        if self.path.is_dir():
            raise ExportConfigurationError(f"{self.path} is a folder. Next: name a file, such as study.xlsx")
        self._book: Any = None
        self._sheet: Any = None
        self._taken = {"contents", "history"}
        self._contents: list[tuple[str, str, str | None, int]] = []
        self._row = 0

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Choose the hidden file to write to; refuse to replace a workbook that is not as an export wrote it."""
        assert home is not None
        manifest = home.manifest()
        target = (manifest or {}).get("target")
        written = {home.workbook_digest(), target.get("sha256") if isinstance(target, dict) else None}
        if self.path.exists() and sha256(self.path) not in written:
            what = "exists and no export wrote it" if manifest is None else "was changed since the last export"
            raise ExportConfigurationError(
                f"{self.path} {what}, so it is not replaced. Next: move it away, or choose another name"
            )
        self._partial = home.staging / "out.xlsx"
        home.staging.mkdir(exist_ok=True)
        self._home = home

    def write_batch(self, batch: Batch) -> None:
        """Add rows to the sheet of the table."""
        if self._book is None:
            options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
            self._book = self._xlsx.Workbook(str(self._partial), {**options, "tmpdir": str(self._home.hidden)})
            self._book.set_properties({"created": _CREATED})
            self._bold = self._book.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1})
            self._label = self._book.add_format({"italic": True, "font_color": "#555555", "bottom": 1})
            self._formats = {
                kind: self._book.add_format({"num_format": shown, "align": "left"}) for kind, shown in _SHOWN.items()
            }
            self._cover = self._book.add_worksheet("Contents")
        if batch.number == 0:
            self._begin_sheet(batch.table)
        for row in batch.rows:
            for column, cell in enumerate(row):
                if cell is not None:
                    self._write(batch.table, row, column, cell)
            self._row += 1
        if batch.number == 0:
            self._set_widths(batch)
        key, sheet, title, rows = self._contents[-1]
        self._contents[-1] = (key, sheet, title, rows + len(batch))

    def flush(self) -> None:
        """Write the contents and put the file in place."""
        for column, (name, width) in enumerate((("Form", 18), ("Sheet", 18), ("Name", 48), ("Rows", 10))):
            self._cover.write_string(0, column, name, self._bold)
            self._cover.set_column(column, column, width)
        self._cover.freeze_panes(1, 0)
        for row, (key, sheet, title, rows) in enumerate(self._contents, 1):
            self._cover.write_string(row, 0, key)
            quoted = sheet.replace("'", "''")
            self._cover.write_url(row, 1, f"internal:'{quoted}'!A1", string=sheet)
            self._cover.write_string(row, 2, title or "")
            self._cover.write_number(row, 3, rows)
        book, self._book = self._book, None
        book.close()
        disk.flush_file(self._partial)
        self._home.note_workbook(sha256(self._partial))
        self._partial.replace(self.path)

    def close(self) -> None:
        """Discard an unfinished workbook; closing it closes the files that its sheets are kept in."""
        book, self._book = self._book, None
        if book is not None:
            with suppress(Exception):
                book.close()

    def end_table(self, table: Table) -> None:
        """Put filters over the columns."""
        if self._sheet is not None and table.columns:
            last = max(self._row - 1, _HEADER_ROWS - 1)
            self._sheet.autofilter(_HEADER_ROWS - 1, 0, last, len(table.columns) - 1)

    def _set_widths(self, batch: Batch) -> None:
        """Make columns as wide as their names and the first rows, within limits."""
        for index, (column, cells) in enumerate(zip(batch.table.columns, batch.columns, strict=True)):
            texts = [_as_shown(cell) for cell in cells[:_ROWS_FOR_WIDTH] if cell is not None]
            widest = max(map(len, [column.name, *texts]))
            self._sheet.set_column(index, index, min(max(widest + 2, _NARROWEST), _WIDEST))

    def _begin_sheet(self, table: Table) -> None:
        name = self._sheet_name(table.key)
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(_HEADER_ROWS, 0)
        for index, column in enumerate(table.columns):
            self._sheet.write_string(0, index, column.name, self._bold)
        for index, column in enumerate(table.columns):
            self._sheet.write_string(1, index, (column.label or "")[:_LONGEST_CELL], self._label)
        self._row = _HEADER_ROWS
        self._contents.append((table.key, name, table.title, 0))
        self.outputs[table.key] = {"sheet": name}

    def _write(self, table: Table, row: tuple[Any, ...], column: int, cell: Any) -> None:
        if isinstance(cell, bool):
            self._sheet.write_boolean(self._row, column, cell)
        elif isinstance(cell, (int, float)) and abs(cell) < 10**15:
            self._sheet.write_number(self._row, column, cell)
        elif (moment := _known_to_excel(cell)) is not None:
            self._sheet.write_datetime(self._row, column, moment, self._formats[type(moment)])
        else:
            text = cell if isinstance(cell, str) else str(cell) if isinstance(cell, (int, float)) else as_text(cell)
            if _utf16_length(text) > _LONGEST_CELL:
                row_id = row[table.names.index(table.identity[0])] if table.identity else None
                self.lost(table, row_id, table.columns[column].source, text, "cut to 32,767 characters")
                text = _cut(text)
            self._sheet.write_string(self._row, column, text)

    def _sheet_name(self, key: str) -> str:
        valid = ("_" if letter in _FORBIDDEN or not letter.isprintable() else letter for letter in key)
        base = "".join(valid)[:_LONGEST_SHEET]
        name, count = base or "form", 1
        while name.casefold() in self._taken:
            count += 1
            name = f"{base[: _LONGEST_SHEET - len(str(count)) - 1]}_{count}"
        self._taken.add(name.casefold())
        return name


def _known_to_excel(cell: Any) -> date | datetime | time | None:
    """A date or time as Excel keeps it, without a zone; `None` for anything else, and for days before 1900."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None) if cell.year >= _FIRST_YEAR else None
    if isinstance(cell, date):
        return cell if cell.year >= _FIRST_YEAR else None
    return cell if isinstance(cell, time) else None


def _as_shown(cell: Any) -> str:
    """About the text that a cell shows."""
    return str(cell)[:19] if isinstance(cell, (date, time)) else str(cell)


def _utf16_length(text: str) -> int:
    """Length in UTF-16 code units, as Excel counts it."""
    return len(text) if text.isascii() or len(text) > _LONGEST_CELL else len(text.encode("utf-16-le")) // 2


def _cut(text: str) -> str:
    return text.encode("utf-16-le")[: 2 * _LONGEST_CELL].decode("utf-16-le", "ignore")
