"""What a right export must hold, written out from the rules alone, and each target read back with its own driver.

Nothing here uses the code under test but to call it: rows come from the sandbox's own dictionaries.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from calendar import monthrange
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

from imednet import ImednetSDK
from imednet.integrations import (
    CsvSink,
    DuckDbSink,
    ExcelSink,
    ExportOptions,
    ExportReport,
    ExportSink,
    JsonLinesSink,
    JsonSink,
    LongSink,
    ParquetSink,
    SavSink,
    SqlSink,
    XptSink,
    export_study,
)
from imednet.sandbox import Answer, Request, Sandbox
from support import STUDY

Row = dict[Any, Any]
BLINDED = {"RANDARM"}
INTEGERS = ("intervalId", "formId", "siteId", "recordId", "subjectId", "visitId", "parentRecordId")
SYSTEM = ("unvnum", "dateCreated", "dateModified")


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def text_of(value: Any) -> str | None:
    """An answer as text; empty, null and absent are one missing value."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else compact(value)


def typed(variable_type: str, text: str | None) -> Any:
    """The value of a text by its variable's type, `None` where it is not written as the type demands."""
    if text is None:
        return None
    try:
        if variable_type in ("NUMBER", "CALC"):
            if not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text, re.ASCII):
                return None
            return None if "." not in text and int(float(text)) != int(text) else float(text)
        if variable_type == "DATE":
            return datetime.strptime(text, "%Y-%m-%d").date() if len(text) == 10 else None
        if variable_type == "DATETIME":
            return datetime.strptime(text.replace("T", " "), "%Y-%m-%d %H:%M") if len(text) == 16 else None
        if variable_type == "TIME":
            return datetime.strptime(text, "%H:%M").time() if len(text) == 5 else None
        if variable_type == "PARTIALDATE":
            forms = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d"}
            datetime.strptime(text, forms[len(text)])
            return text
    except (ValueError, KeyError):
        return None
    return text


def moment(text: str | None) -> datetime | None:
    """A time of the server, which it writes in UTC."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def span(text: str) -> dict[str, Any]:
    """The first and the last day that a partial date can mean, and how exact it is."""
    year, month, day = (*map(int, text.split("-")), 0, 0)[:3]
    last = monthrange(year, month or 12)[1]
    return {
        "min": date(year, month or 1, day or 1),
        "max": date(year, month or 12, day or last),
        "precision": "day" if day else "month" if month else "year",
    }


def without_form(key: str) -> Callable[[Request, Any], Answer]:
    """Takes a form and its variables from the study's lists."""

    def intercept(request: Request, answer: Any) -> Answer:
        reply: Answer = answer(request)
        if not request.path.endswith(("/forms", "/variables")):
            return reply
        body = json.loads(reply.body)
        kept = [row for row in body["data"] if row["formKey"] != key]
        body["pagination"]["totalElements"] -= len(body["data"]) - len(kept)
        body["data"] = kept
        return Answer(reply.status, json.dumps(body).encode(), reply.headers)

    return intercept


def variables_of(box: Sandbox) -> dict[str, dict[str, str]]:
    """Form -> variable -> type, in form order, without blinded ones."""
    found: dict[str, dict[str, str]] = {}
    for row in sorted(box.studies[STUDY].rows("variables"), key=lambda one: (one["formId"], one["sequence"])):
        if row["variableName"] not in BLINDED:
            found.setdefault(row["formKey"], {})[row["variableName"]] = row["variableType"]
    return found


def forms_of(box: Sandbox) -> list[str]:
    return [row["formKey"] for row in box.studies[STUDY].rows("forms") if not row["disabled"]]


def of_form(box: Sandbox, key: str) -> set[str]:
    """The filters that ask for the records of a form, by its key and by its id."""
    forms = box.studies[STUDY].rows("forms")
    (number,) = {row["formId"] for row in forms if row["formKey"] == key}
    return {f"formKey=={key}", f"formId=={number}"}


def expected(box: Sandbox, values: str, forms: set[str] | None = None) -> dict[str, list[Row]]:
    """Form -> rows, by `(part, source)`: fields of the record, answers, their texts, and what is undeclared."""
    study, declared = box.studies[STUDY], variables_of(box)
    found: dict[str, list[Row]] = {form: [] for form in forms_of(box) if forms is None or form in forms}
    table = study.records
    if forms is None:
        records = study.rows("records", unblinded=False)
    else:
        keys = list(table.values("formKey"))
        records = [
            {**table.row(place), "recordData": table.data(place)} for place in table.places() if keys[place] in found
        ]
    for record in records:
        form = record["formKey"]
        if form not in found:
            continue
        row: Row = {("field", name): record[name] for name in record if name != "recordData"}
        for part, name in list(row):
            if name not in (*INTEGERS, "deleted") and row[part, name] == "":
                row[part, name] = None
        if values != "text":
            for name in ("dateCreated", "dateModified"):
                row["field", name] = moment(row["field", name])
        row["field", "keywords"] = None if record["keywords"] is None else compact(record["keywords"])
        data, other = record["recordData"], dict[str, Any]()
        answers = data if isinstance(data, dict) else {}
        if data is not None and not isinstance(data, dict):
            other["recordData"] = compact(data)
        variables = declared.get(form, {})
        texts: dict[str, str | None] = {}
        for name, value in answers.items():
            same = [one for one in variables if one.lower() == name.lower() and one not in answers]
            if name in variables or (name in SYSTEM and name not in variables):
                texts[name] = text_of(value)
            elif same:
                texts[same[0]] = text_of(value)
            elif name not in BLINDED:
                other[name] = value if value is None or isinstance(value, str) else compact(value)
        for name, kind in variables.items():
            text = texts.get(name)
            row["answer", name] = text if values == "text" else typed(kind, text)
            if values == "both" and kind in ("NUMBER", "CALC", "DATE", "DATETIME", "TIME", "PARTIALDATE"):
                row["raw", name] = text
            if values != "text" and kind == "PARTIALDATE":
                found_span = span(row["answer", name]) if row["answer", name] else {}
                for part in ("min", "max", "precision"):
                    row[part, name] = found_span.get(part)
        for name in SYSTEM:
            if name not in variables:
                dated = values != "text" and name.startswith("date")
                row["answer", name] = moment(texts.get(name)) if dated else texts.get(name)
        row["other", "undeclared"] = compact(other) if other else None
        found[form].append(row)
    return found


@dataclass
class Target:
    """One kind of target in one folder.

    Attributes:
        values: how its columns are typed.
        make: makes the sink.
        read: rows of one table, by the names of its columns.
        home: where manifest and log are.
        exact: turns an expected cell into what the target must give back.
    """

    name: str
    values: str
    make: Callable[[], ExportSink]
    read: Callable[[str], list[Row]]
    home: Path
    exact: Callable[[Any], Any] = lambda cell: cell

    def export(self, box: Sandbox, **options: Any) -> ExportReport:
        with ImednetSDK(**box.credentials, backoff_factor=0) as sdk:
            return export_study(sdk, STUDY, self.make(), home=self.home, options=ExportOptions(**options))

    def columns(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Table -> column -> part and source, as the export's own dictionary says."""
        found: dict[str, dict[str, tuple[str, str]]] = {}
        lines = [{name.casefold(): cell for name, cell in one.items()} for one in self.read("_dictionary")]
        for line in sorted(lines, key=lambda one: float(one["position"])):
            names = [str(line.get(key) or line.get(key[:8])) for key in ("table", "column", "variablename")]
            table, column, source = names
            taken = [part for part, name in found.setdefault(table, {}).values() if name == source]
            context = source in (*INTEGERS, "studyKey", "formKey", "recordOid", "recordType", "recordStatus", "deleted",
                                 "dateCreated", "dateModified", "subjectOid", "subjectKey", "keywords")  # fmt: skip
            number = next((line[k] for k in ("variableid", "variab_1") if k in line), None)
            declared = number not in (None, "")
            part = "field" if context and not taken and len(found[table]) < 18 else "answer"
            part = "raw" if part == "answer" and "answer" in taken else part
            if part == "raw" and line["kind"] == "date" and "answer" in taken and self._is_partial(lines, source):
                part = "max" if "min" in taken else "min"
            elif part == "raw" and "max" in taken:
                part = "precision"
            part = "other" if source == "undeclared" and not declared else part
            found[table][column] = (part, source)
        return found

    @staticmethod
    def _is_partial(lines: list[Row], source: str) -> bool:
        named = [one for one in lines if source in (one.get("variablename"), one.get("variable"))]
        return any(one["kind"] == "partial date" for one in named)

    def issues(self) -> set[tuple[Any, str]]:
        """Record and variable of every cell that was listed."""
        rows = [{name.casefold(): cell for name, cell in row.items()} for row in self.read("_issues")]
        found = set()
        for row in rows:
            number = row["recordid"]
            found.add((int(number) if number not in (None, "") else None, row["variable"]))
        return found


def differences(target: Target, box: Sandbox, report: ExportReport) -> list[Any]:
    """Cells that are not what they must be, and stand in no list of losses; rows too few or too many."""
    wrong: list[Any] = []
    columns, listed = target.columns(), target.issues()
    exported = {form.key for form in report.forms}
    few = exported if len(exported) < 5 else None
    for form, rows in expected(box, target.values, few).items():
        found = {}
        for row in target.read(form):
            cells = {columns[form][name]: cell for name, cell in row.items() if name in columns[form]}
            found[cells["field", "recordId"] and int(cells["field", "recordId"])] = cells
        if len(found) != len(rows):
            wrong.append((form, len(found), len(rows)))
        for row in rows:
            number = row["field", "recordId"]
            cells = found.get(number, {})
            for key, value in row.items():
                if key not in cells or not alike(key, cells[key], target.exact(value)):
                    if key[0] != "raw" and (number, key[1]) in listed and key in cells:
                        continue
                    wrong.append((form, number, key, target.exact(value), cells.get(key, "no column")))
    return wrong


def alike(key: tuple[str, str], found: Any, wanted: Any) -> bool:
    """Whether two cells are equal; of undeclared answers, which are one JSON object, the order does not matter."""
    if key[0] == "other" and found and wanted:
        try:
            return bool(json.loads(found) == json.loads(wanted))
        except ValueError:  # cut: it must be listed
            return False
    return bool(found == wanted)


# ---------------------------------------------------------------------------------------------- reading back


def as_csv(cell: Any) -> str:
    if cell is None:
        return ""
    return ("true" if cell else "false") if isinstance(cell, bool) else str(cell)


def csv_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parquet_rows(path: Path) -> list[Row]:
    import pyarrow.parquet as pq

    found: list[Row] = pq.ParquetFile(path).read().to_pylist()
    return found


@lru_cache(maxsize=1)
def excel_book(path: Path, written: int) -> dict[str, list[tuple[Any, ...]]]:
    """The lines of all sheets of a workbook, as it was at a time; opening one of 133 sheets takes a while."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    lines = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    book.close()
    return lines


def excel_rows(path: Path, sheet: str) -> list[Row]:
    from openpyxl.utils.escape import unescape

    lines = excel_book(path, path.stat().st_mtime_ns)[sheet]
    names = [str(name) for name in lines[0]]
    plain = [[unescape(cell) if isinstance(cell, str) else cell for cell in line] for line in lines[2:]]
    return [dict(zip(names, [*line, *[None] * (len(names) - len(line))], strict=True)) for line in plain]


def stat_rows(path: Path) -> list[Row]:
    import pandas as pd
    import pyreadstat

    reader = pyreadstat.read_sav if path.suffix == ".sav" else pyreadstat.read_xport
    frame, _ = reader(str(path), disable_datetime_conversion=False)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [
        {
            str(k): v.to_pydatetime() if isinstance(v, pd.Timestamp) else v or (v if v == 0 else None)
            for k, v in row.items()
        }
        for row in rows
    ]


def sqlite_rows(path: Path, table: str) -> list[Row]:
    with closing(sqlite3.connect(path)) as db, db:
        db.row_factory = sqlite3.Row
        parts = [name for (name,) in db.execute("select name from sqlite_master where type='table'").fetchall()]
        mine = [table, *sorted((p for p in parts if re.fullmatch(re.escape(table) + r"__\d+", p)), key=len)]
        joined: dict[Any, Row] = {}
        for number, part in enumerate(mine):
            for place, row in enumerate(db.execute(f'select * from "{part}"').fetchall()):
                cells = dict(row)
                key = cells["recordId"] if len(mine) > 1 else place
                joined.setdefault(key, {}).update(cells) if number == 0 else joined[key].update(cells)
    return list(joined.values())


@lru_cache(maxsize=1)
def duck_tables(path: Path, written: int) -> dict[str, Any]:
    """All tables of a database, as it was at a time."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as db:
        names = [name for (name,) in db.execute("select table_name from duckdb_tables()").fetchall()]
        return {name: db.sql(f'select * from "{name}"').to_arrow_table() for name in names}


def duck_rows(path: Path, table: str) -> list[Row]:
    found: list[Row] = duck_tables(path, path.stat().st_mtime_ns)[table].to_pylist()
    return found


def without_zone(cell: Any) -> Any:
    return cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell


def in_sqlite(cell: Any) -> Any:
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(cell, date):
        return cell.isoformat()
    return cell.strftime("%H:%M:%S.%f") if isinstance(cell, time) else cell


def in_stats(cell: Any) -> Any:
    if isinstance(cell, bool):
        return float(cell)
    if isinstance(cell, time):
        return cell.isoformat()
    if isinstance(cell, int):
        return float(cell)
    return without_zone(cell)


def in_json(cell: Any) -> Any:
    return cell


def in_excel(cell: Any) -> Any:
    if isinstance(cell, date) and cell.year < 1900:
        return cell.isoformat()
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime(cell.year, cell.month, cell.day)
    return without_zone(cell)


def targets(folder: Path) -> Iterator[Target]:
    """All targets that need no server."""

    def file(ending: str, rows: Callable[[Path], list[Row]]) -> Callable[[str], list[Row]]:
        return lambda table: rows(folder / ending / f"{table}.{ending}")

    yield Target(
        "parquet", "both", lambda: ParquetSink(folder / "parquet"), file("parquet", parquet_rows), folder / "parquet"
    )
    yield Target("csv", "text", lambda: CsvSink(folder / "csv"), file("csv", csv_rows), folder / "csv", as_csv)
    yield Target(
        "json", "text", lambda: JsonSink(folder / "json"),
        file("json", lambda path: json.loads(path.read_text("utf-8"))), folder / "json",
    )  # fmt: skip
    yield Target(
        "jsonl", "text", lambda: JsonLinesSink(folder / "jsonl"),
        file("jsonl", lambda path: [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]),
        folder / "jsonl",
    )  # fmt: skip
    yield Target(
        "excel", "typed", lambda: ExcelSink(folder / "study.xlsx"),
        lambda table: excel_rows(folder / "study.xlsx", table), folder / "study.xlsx.export", in_excel,
    )  # fmt: skip
    yield Target(
        "duckdb", "both", lambda: DuckDbSink(folder / "study.duckdb"),
        lambda table: duck_rows(folder / "study.duckdb", table), folder / "study.duckdb.export", without_zone,
    )  # fmt: skip
    yield Target(
        "sqlite", "both", lambda: SqlSink(f"sqlite:///{folder / 'study.db'}"),
        lambda table: sqlite_rows(folder / "study.db", table), folder / "sqlite.export", in_sqlite,
    )  # fmt: skip
    yield Target("sav", "typed", lambda: SavSink(folder / "sav"), file("sav", stat_rows), folder / "sav", in_stats)
    yield Target("xpt", "typed", lambda: XptSink(folder / "xpt"), file("xpt", stat_rows), folder / "xpt", in_stats)


NAMES = [target.name for target in targets(Path())]


def target(name: str, folder: Path) -> Target:
    return next(one for one in targets(folder) if one.name == name)


def long_rows(box: Sandbox) -> set[tuple[Any, ...]]:
    """Record, form, variable and value of every answer."""
    found = set()
    for form, rows in expected(box, "text").items():
        for row in rows:
            for (part, name), value in row.items():
                if part in ("answer", "other") and value is not None:
                    found.add((row["field", "recordId"], form, name, value))
    return found


def long_target(folder: Path) -> Target:
    return Target(
        "long", "text", lambda: LongSink(SqlSink(f"sqlite:///{folder / 'long.db'}")),
        lambda table: sqlite_rows(folder / "long.db", table), folder / "long.export",
    )  # fmt: skip
