"""Files of items: CSV, Excel and JSON files, templates to fill in, and the CSV file of outcomes."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Final

from ...errors import ArgumentError
from ...integrations._optional import _require_optional_dep
from ...utils import disk
from ...utils.csv_rows import read_csv_rows
from ...utils.interruptions import raised_from_outside
from ...validation.schema import FORM, INTERVAL, MEMBERS, RECORD, SITE, SUBJECT, ItemsRefusedError, StudySchema
from .items import ItemOutcome

_IDENTIFIERS: Final = (*FORM, *SITE, *SUBJECT, *INTERVAL, *RECORD)
_BY_ACTION: Final = {
    "register": ("formKey", "siteName"),
    "update": ("formKey", "recordId"),
    "scheduled": ("formKey", "subjectKey", "intervalName"),
    "create": ("formKey", "subjectKey"),
}
_COLUMNS: Final = (
    "item", "place", "state", "action", "formKey", "subjectKey", "recordId", "batchId", "fields", "detail",
)  # fmt: skip
CLEAR: Final = "<clear>"
"""The text of a cell that clears an answer, in any case; an empty cell leaves the answer as it is."""
_MOST_DIGITS: Final = 18
_MOST_SHOWN: Final = 100
"""The most faults of a file that one message shows."""
_EXCEL_ERRORS: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"})


@dataclass(frozen=True)
class ItemsFile:
    """The items of a file, and where in the file each one is.

    Attributes:
        items: as `records.create` takes them.
        places: the place of each item in words, such as `line 4`.
    """

    items: list[dict[str, Any]] = field(repr=False)
    places: list[str]

    def located(self, error: ItemsRefusedError) -> ItemsRefusedError:
        """The same error, which names places in the file instead of numbers of items."""
        return ItemsRefusedError(
            [replace(problem, place=self.places[problem.item]) for problem in error.problems],
            error.study_key,
            most=_MOST_SHOWN,
        )


def read_items(path: Path, form_key: str | None = None) -> ItemsFile:
    """Read the items of a file: JSON as `records.create` takes it, or a table with a column per identifier and answer.

    Nothing is guessed: a quote that is not closed, a row that is too short, two columns of one name, a formula without
    a value and a repeated name in a JSON object are refused, and all faults are listed at once.

    Args:
        path: a `.json`, `.csv` or `.xlsx` file. In a table an empty cell is not written and `<clear>` clears an answer;
            a column for an answer that is named like an identifier has `data.` before its name.
        form_key: the form of rows that name none.

    Raises:
        ArgumentError: the file cannot be read, holds no items, or some of its rows are not sound.
    """
    kind = path.suffix.casefold()
    try:
        if kind == ".json":
            file = _json(path)
        elif kind in (".xlsx", ".xlsm"):
            file = _table(path, *_excel(path), "row")
        else:
            table = read_csv_rows(path.read_bytes().decode("utf-8-sig"))
            file = _table(path, table.names, table.rows, table.faults, "line")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ArgumentError(f"{path} cannot be read ({reason}). Next: name a CSV, Excel or JSON file") from None
    if not file.items:
        raise ArgumentError(f"{path} holds no items. Next: imednet records template STUDY FORM")
    if form_key is not None:
        items = [item if any(item.get(name) for name in FORM) else {"formKey": form_key, **item} for item in file.items]
        return ItemsFile(items, file.places)
    return file


def _json(path: Path) -> ItemsFile:
    def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
            raise ArgumentError(f"{path}: an object has two members named {twice!r}. Next: keep one of them")
        return members

    def number(text: str) -> float:
        value = float(text)
        if not isfinite(value) or Decimal(text) != Decimal(repr(value)):
            raise ArgumentError(f"{path} holds a number with more digits than a number has. Next: write it as text")
        return value

    def constant(name: str) -> Any:
        raise ArgumentError(f"{path}: {name} is not a JSON value. Next: leave it out, or write a number")

    try:
        items = json.loads(
            path.read_bytes().decode("utf-8-sig"),
            object_pairs_hook=unique_members,
            parse_constant=constant,
            parse_float=number,
        )
    except (ArgumentError, UnicodeDecodeError):
        raise
    except (RecursionError, ValueError) as error:
        if not isinstance(error, json.JSONDecodeError):
            reason = "it is nested too deeply, or holds a number of thousands of digits"
            raise ArgumentError(f"{path} cannot be read: {reason}. Next: mend the file") from None
        raise ArgumentError(
            f"{path} is not JSON: {error.msg} in line {error.lineno}. Next: name a CSV, Excel or JSON file"
        ) from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ArgumentError(f"{path} must hold a JSON list of items, even for a single item")
    return ItemsFile(items, [f"item {number}" for number in range(len(items))])


def _table(
    path: Path,
    names: Sequence[str],
    rows: Iterable[tuple[int, Sequence[Any]]],
    faults: Iterable[tuple[int, str]],
    unit: str,
) -> ItemsFile:
    """Make items from the rows of a table. Raises ArgumentError, which lists all faults."""
    problems = [*faults, *((1, fault) for fault in _ambiguous(names))]
    items, places = [], []
    for number, cells in rows:
        item, faults_of_row = _item(dict(zip(names, cells, strict=True)))
        problems += [(number, fault) for fault in faults_of_row]
        items.append(item)
        places.append(f"{unit} {number}")
    if problems:
        problems.sort()
        shown = "; ".join(f"{unit} {number}: {fault}" for number, fault in problems[:_MOST_SHOWN])
        more = f"; and {len(problems) - _MOST_SHOWN} more" if len(problems) > _MOST_SHOWN else ""
        raise ArgumentError(f"{path}: nothing was sent; {shown}{more}. Next: mend the file, then run it again")
    return ItemsFile(items, places)


def _ambiguous(names: Iterable[str]) -> Iterator[str]:
    """Faults of columns that would write the same answer or identifier."""
    same: dict[tuple[bool, str], list[str]] = {}
    for name in names:
        if name:
            same.setdefault((name in _IDENTIFIERS, name.removeprefix("data.").casefold()), []).append(name)
    for columns in same.values():
        if len(columns) > 1:
            yield f"{len(columns)} columns write the same: {', '.join(columns)}; keep one of them"


def _item(row: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Make an item from one row of a table; returns also its faults."""
    item: dict[str, Any] = {}
    data: dict[str, Any] = {}
    faults: list[str] = []
    for name, cell in row.items():
        text = cell.strip() if isinstance(cell, str) else cell
        if text in (None, ""):
            continue
        if name in _IDENTIFIERS:
            item[name] = _identifier(name, text)
            if item[name] is None:
                faults.append(f"column {name} must be a whole number")
        else:
            clear = isinstance(text, str) and text.casefold() == CLEAR
            data[name.removeprefix("data.")] = "" if clear else _cell(cell)
    return {**item, "data": data}, faults


def _identifier(name: str, value: Any) -> Any:
    """An identifier as it is sent; `None` where one that must be a whole number is not."""
    if not name.endswith("Id"):
        return str(value)
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _cell(value: Any) -> Any:
    """The value of a spreadsheet cell as it is sent: a moment at midnight is a day, 5.0 is 5."""
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _excel(path: Path) -> tuple[list[str], list[tuple[int, list[Any]]], list[tuple[int, str]]]:
    """Read the first sheet: names of its columns, number and cells of each row, and faults."""
    openpyxl = _require_optional_dep("openpyxl", "export")

    def sheet(*, values: bool) -> list[list[Any]]:
        try:
            with closing(openpyxl.load_workbook(path, read_only=True, data_only=values)) as book:
                first = next(iter(book.worksheets), None)
                if first is None:
                    return []  # only charts
                if first.sheet_state != "visible":
                    raise ArgumentError(
                        f"{path}: the first sheet, {first.title!r}, is hidden, and items are read from the first one. "
                        "Next: move the sheet of the items before it"
                    )
                first.reset_dimensions()  # some programs write a size that is too small
                return [list(row) for row in first.iter_rows(values_only=True)]
        except Exception as error:
            if isinstance(error, (MemoryError, OSError, ArgumentError)) or raised_from_outside(error) is not None:
                raise
            raise ArgumentError(f"{path} is not an Excel file. Next: name a CSV, Excel or JSON file") from None

    rows = sheet(values=True)
    if not rows:
        return [], [], []
    names = [str(name).strip() if name is not None else "" for name in rows[0]]
    filled, faults = [], []
    for number, (row, source) in enumerate(zip(rows[1:], sheet(values=False)[1:], strict=True), 2):
        cells = [*row, *[None] * (len(names) - len(row))]
        for index, (cell, formula) in enumerate(zip(row, source, strict=True)):
            where = f"column {names[index] if index < len(names) and names[index] else index + 1}"
            if cell is None and formula is not None:
                faults.append((number, f"{where} holds a formula whose value was never calculated"))
            elif isinstance(cell, str) and cell in _EXCEL_ERRORS:
                faults.append((number, f"{where} holds {cell}, the error of a formula"))
            elif cell is not None and (index >= len(names) or not names[index]):
                faults.append((number, f"{where} is filled in, and the header has no name for it"))
        if any(cell not in (None, "") for cell in cells):
            filled.append((number, cells[: len(names)]))
    return names, filled, [*faults, *_merged(path, {number for number, _ in filled})]


def _merged(path: Path, filled: set[int]) -> list[tuple[int, str]]:
    """Cells of rows with items that are merged: only one of them holds the value that all show."""
    with zipfile.ZipFile(path) as package:
        sheets = [name for name in package.namelist() if name.startswith("xl/worksheets/")]
        if not any(_holds(package, name, b"mergeCell ") for name in sheets):
            return []
    openpyxl = _require_optional_dep("openpyxl", "export")
    with closing(openpyxl.load_workbook(path)) as book:
        merged = [one for one in book.worksheets[0].merged_cells.ranges if not filled.isdisjoint(_rows_of(one))]
    return [
        (max(one.min_row, 2), f"cells {one.coord} are merged, and only the first of them can hold a value: write it "
        "into each") for one in merged
    ]  # fmt: skip


def _rows_of(merged: Any) -> range:
    return range(merged.min_row, merged.max_row + 1)


def _holds(package: zipfile.ZipFile, name: str, word: bytes) -> bool:
    """Whether a file of a package holds a word; it is read in pieces."""
    before = b""
    with package.open(name) as opened:
        while piece := opened.read(2**20):
            if word in before + piece:
                return True
            before = piece[-len(word) :]
    return False


def template(schema: StudySchema, form_key: str, action: str) -> list[str]:
    """Columns of a table to fill in, to write records of a form.

    Raises:
        ArgumentError: the study has no such form, or its records cannot be written.
    """
    form = schema.form(form_key)
    problems = schema.check([{"formKey": form_key, "subjectKey": "x", "data": {}}])
    if form is None or not form.accepts_records:
        raise ArgumentError(next(str(problem) for problem in problems if problem.where == "formKey"))
    names = [f"data.{name}" if name in MEMBERS else name for name in form.variables]
    return [*_BY_ACTION[action], *names]


def outcomes_of(file: Path) -> Path:
    """The file beside a file of items that says what became of each."""
    return file.with_name(f"{file.name}.outcome.csv")


def write_outcomes(path: Path, outcomes: Iterable[ItemOutcome], places: Sequence[str] = ()) -> None:
    """Write the outcome of each item as CSV, without answers.

    Args:
        path: the file.
        outcomes: one for each item.
        places: where in its file each item is, as in `ItemsFile.places`.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(outcome_row(outcome, places).values() for outcome in outcomes)
    disk.write_whole(path, text.getvalue())


def outcome_row(outcome: ItemOutcome, places: Sequence[str] = ()) -> dict[str, Any]:
    """The outcome of one item as plain values."""
    return {
        "item": outcome.number,
        "place": places[outcome.number] if outcome.number < len(places) else None,
        "state": outcome.state,
        "action": outcome.action,
        "formKey": outcome.form_key,
        "subjectKey": outcome.subject_key,
        "recordId": outcome.record_id,
        "batchId": outcome.batch_id,
        "fields": " ".join(outcome.fields),
        "detail": outcome.detail,
    }
