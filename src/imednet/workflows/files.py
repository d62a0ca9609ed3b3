"""Items in files: CSV, Excel and JSON, a template to fill in, and the file of outcomes."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ..errors import ArgumentError
from ..integrations._optional import _require_optional_dep
from ..validation.schema import FORM, INTERVAL, MEMBERS, RECORD, SITE, SUBJECT, StudySchema
from .items import ItemOutcome

_IDENTIFIERS: Final = (*FORM, *SITE, *SUBJECT, *INTERVAL, *RECORD)
_BY_ACTION: Final = {
    "register": ("formKey", "siteName"),
    "update": ("formKey", "recordId"),
    "scheduled": ("formKey", "subjectKey", "intervalName"),
    "create": ("formKey", "subjectKey"),
}
_COLUMNS: Final = ("item", "state", "action", "formKey", "subjectKey", "recordId", "batchId", "fields", "detail")
CLEAR: Final = "<clear>"
"""What a cell says to clear an answer; an empty cell leaves it as it is."""


def read_items(path: Path, form_key: str | None = None) -> list[dict[str, Any]]:
    """Items of a file: JSON as `records.create` takes them, or a table with a column for each identifier and answer.

    Args:
        path: a `.json`, `.csv` or `.xlsx` file. In a table an empty cell is not written; `<clear>` clears an answer; a
            column named like an identifier that is an answer has `data.` before its name.
        form_key: the form of rows that name none.

    Raises:
        ArgumentError: the file cannot be read or holds no items.
    """
    try:
        if path.suffix.casefold() == ".json":
            items = json.loads(path.read_text("utf-8-sig"))
            if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
                raise ArgumentError(f"{path} must hold a JSON list of items, also for one item")
        elif path.suffix.casefold() in (".xlsx", ".xlsm"):
            items = [_item(row, number) for number, row in enumerate(_excel(path), 2)]
        else:
            text = path.read_text("utf-8-sig")
            reader = csv.DictReader(io.StringIO(text, newline=""))
            _unique(path, reader.fieldnames or ())
            items = [_item(row, number) for number, row in enumerate(reader, 2) if any(row.values())]
    except csv.Error as error:
        raise ArgumentError(
            f"{path} is no CSV that can be read ({error}). Next: name a CSV, Excel or JSON file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ArgumentError(f"{path} cannot be read ({said}). Next: name a CSV, Excel or JSON file") from None
    except ValueError as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError(f"{path} is not what its name says. Next: name a CSV, Excel or JSON file") from None
    if not items:
        raise ArgumentError(f"{path} holds no items. Next: imednet records template STUDY FORM")
    if form_key is not None:
        items = [one if any(one.get(name) for name in FORM) else {"formKey": form_key, **one} for one in items]
    return items


def _unique(path: Path, names: Iterable[Any]) -> None:
    """Raises ArgumentError where two columns have one name."""
    for name, count in Counter(names).items():
        if name and count > 1:
            raise ArgumentError(f"{path} has {count} columns named {name}. Next: keep one of them")


def _item(row: Mapping[Any, Any], number: int) -> dict[str, Any]:
    """One row of a table as an item."""
    if None in row:
        raise ArgumentError(f"row {number} has more cells than there are columns")
    item: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, cell in row.items():
        value = cell.strip() if isinstance(cell, str) and name in _IDENTIFIERS else cell
        if value in (None, ""):
            continue
        if name in _IDENTIFIERS:
            item[name] = _identifier(name, value, number)
        else:
            data[name.removeprefix("data.")] = "" if value == CLEAR else _cell(value)
    return {**item, "data": data}


def _identifier(name: str, value: Any, number: int) -> Any:
    if not name.endswith("Id"):
        return str(value)
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if not text.isascii() or not text.isdecimal():
        raise ArgumentError(f"row {number}, column {name}: must be a whole number")
    return int(text)


def _cell(value: Any) -> Any:
    """What a spreadsheet holds, as it is written: days without a time are days."""
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _excel(path: Path) -> list[dict[Any, Any]]:
    openpyxl = _require_optional_dep("openpyxl", "export")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception:  # noqa: BLE001  (a damaged file raises many kinds)
        raise ArgumentError(f"{path} is no Excel file") from None
    rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    book.close()
    if not rows:
        return []
    names = [str(name).strip() if name is not None else "" for name in rows[0]]
    _unique(path, names)
    tables = (dict(zip(names, row, strict=False)) for row in rows[1:])
    return [
        {name: value for name, value in row.items() if name}
        for row in tables
        if any(value not in (None, "") for value in row.values())
    ]


def template(schema: StudySchema, form_key: str, action: str) -> list[str]:
    """Columns of a table that is filled in to write records of a form.

    Raises:
        ArgumentError: there is no such form, or no records of it can be written.
    """
    form = schema.form(form_key)
    problems = schema.check([{"formKey": form_key, "subjectKey": "x", "data": {}}])
    if form is None or not form.accepts_records:
        raise ArgumentError(next(str(one) for one in problems if one.where == "formKey"))
    names = [f"data.{name}" if name in MEMBERS else name for name in form.variables]
    return [*_BY_ACTION[action], *names]


def write_outcomes(path: Path, outcomes: Iterable[ItemOutcome]) -> None:
    """What became of each item, as CSV; holds no answers."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(outcome_row(one).values() for one in outcomes)
    part.replace(path)


def outcome_row(one: ItemOutcome) -> dict[str, Any]:
    """What became of one item, as plain values."""
    return {
        "item": one.number,
        "state": one.state,
        "action": one.action,
        "formKey": one.form_key,
        "subjectKey": one.subject_key,
        "recordId": one.record_id,
        "batchId": one.batch_id,
        "fields": " ".join(one.fields),
        "detail": one.detail,
    }
