"""Any study through any target and back: tables written by the export's own code, counted and read in the target.

The study is made of names that people, spreadsheets and databases are known to use, and of any text beside them.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from imednet.integrations import (
    CsvSink,
    DuckDbSink,
    ExcelSink,
    ExportOptions,
    ExportSink,
    JsonLinesSink,
    JsonSink,
    ParquetSink,
    SavSink,
    SqlSink,
    XptSink,
)
from imednet.integrations.on_disk.folder import ExportFolder
from imednet.integrations.run.export import _Run
from imednet.integrations.run.outcomes import Extraction, Outcome
from imednet.integrations.run.spool import Spool
from imednet.integrations.tables.layout import StudyTables, study_tables
from imednet_api.models import Form, Variable

LONG = "x" * 300
NAMES = st.sampled_from([
    "AE", "ae", "AE_2", "AE__2", "AE__new", "_dictionary", "_issues", "_visits", "_unassigned", "dictionary",
    "extraction-log", "manifest", "issues", "contents", "history", "answers", "read", "CON", "nul", "sqlite_x",
    "SQLITE_STAT", "_imednet_tables", "_imednet_0", "imednet_tables", "IMEDNET_RAW", "_batch", "recordId", "RECORDID",
    "data.recordId", "recordData", "undeclared", "unvnum", "A_raw", "A", "É", "E", "ß", "ss", "Größe ", "血圧", "😀",
    'Pain "worst" level', "a\\b", "a\nb", "a\tb", "a b", "a.b", "a:b", "%s", "%(x)s", "a(b)", "[x]", "`x`", "'", ";",
    "легко", "--", "ALL", "NOT", "select", "_N_", "a/b", "..", "\0", "\u2028", "\ud800", LONG, LONG + "y", "1", "=1+1",
])  # fmt: skip
KEYS = NAMES | st.text(max_size=12)
TEXTS = st.sampled_from(
    ["Cough", "-9", "1.5", "Größenänderung", "легко", "血圧が高い", 'say "x"', "a,b", "x\ny", "\u2028", "😀"]
)
CHOICES = st.lists(st.tuples(TEXTS | st.text(max_size=8), st.none() | st.sampled_from(["1", "-9", "2.5", "血", "x"])),
                   max_size=3)  # fmt: skip


@dataclass
class Drawn:
    """A study: form key -> variable name -> label and choices, and so many records of each form with these answers."""

    forms: list[tuple[str, dict[str, tuple[str, list[tuple[str, str | None]]]], list[dict[str, str]]]]

    def tables(self, sink: ExportSink) -> StudyTables:
        """The tables of an export of it, answers as text."""
        forms = [
            Form.from_dict({"formId": number, "formKey": key, "formName": key, "subjectRecordReport": True})
            for number, (key, _, _) in enumerate(self.forms, 1)
        ]
        variables = [
            Variable.from_dict({
                "formId": number, "formKey": key, "variableName": name, "variableId": 100 * number + place,
                "sequence": place, "label": label, "variableType": "TEXT",
            })
            for number, (key, names, _) in enumerate(self.forms, 1)
            for place, (name, (label, _)) in enumerate(names.items())
        ]  # fmt: skip
        choices = {(key, name): tuple(found) for key, names, _ in self.forms for name, (_, found) in names.items()}
        options = ExportOptions(values="text", choices=choices, names="name")
        return study_tables("S", forms, variables, options, sink.shape)


@st.composite
def studies(draw: st.DrawFn) -> Drawn:
    """Up to four forms of up to four variables and three records."""
    made = []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4)):
        names = draw(st.lists(KEYS.filter(bool), min_size=1, max_size=4, unique=True))
        described = {name: (draw(TEXTS | st.text(max_size=6)), draw(CHOICES)) for name in names}
        rows = draw(st.lists(st.dictionaries(st.sampled_from(names), TEXTS, max_size=4), max_size=3))
        made.append((key or "F", described, rows))
    return Drawn(made)


def write(sink: ExportSink, drawn: Drawn, home: Path) -> dict[str, list[dict[str, str]]]:
    """Write a study; gives what each table must hold: the answers of each record by the names of their columns."""
    with ExportFolder(home) as folder, Spool(folder.spool, {}) as spool, sink:
        tables, number = drawn.tables(sink), 0
        spool.start()
        outcomes = {table.key: Outcome("SUCCESS", 0) for table in tables.data}
        wanted: dict[str, list[dict[str, str]]] = {}
        for table, (_, _, rows) in zip(tables.forms, drawn.forms, strict=True):
            lines = []
            for answers in rows:
                number += 1
                facts = {"recordId": number, "formId": table.form_id, "formKey": table.form_key or table.key}
                try:
                    line = json.dumps({**facts, "recordData": answers}, ensure_ascii=False).encode()
                except UnicodeEncodeError:
                    line = json.dumps({**facts, "recordData": answers}).encode()
                lines.append(line)
            spool.append(table.key, lines)
            columns = {one.source: one.name for one in table.columns if one.part == "answer"}
            wanted[table.key] = [{columns[name]: text for name, text in one.items()} for one in rows]
        run = _Run(None, "S", sink, folder, ExportOptions(values="text", backoff=0), None, False)  # type: ignore[arg-type]
        sink.begin(tables, folder)
        found = Extraction(outcomes)
        run._write_tables(tables, found, spool)
        assert found.failed == {}
        folder.publish(list(sink.staged), {"study": "S", "files": []}, set())
        return wanted


Rows = list[dict[str, Any]]
Outputs = dict[str, dict[str, Any]]


def each(read: Callable[[Path], Rows]) -> Callable[[Path, Outputs], dict[str, Rows]]:
    """Reads a target that has a file a form."""
    return lambda home, outputs: {key: read(home / one["file"]) for key, one in outputs.items()}


def read_csv(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_json(path: Path) -> Rows:
    text = path.read_text("utf-8")
    return list(json.loads(text)) if path.suffix == ".json" else [json.loads(one) for one in text.split("\n")[:-1]]


def read_parquet(path: Path) -> Rows:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        return list(file.read().to_pylist())


def read_sav(path: Path) -> Rows:
    import pyreadstat

    return [{str(name): cell for name, cell in row.items()} for row in pyreadstat.read_sav(path)[0].to_dict("records")]


def read_xpt(path: Path) -> Rows:
    import pyreadstat

    return [
        {str(name): cell for name, cell in row.items()} for row in pyreadstat.read_xport(path)[0].to_dict("records")
    ]


def read_excel(home: Path, outputs: Outputs) -> dict[str, Rows]:
    import openpyxl

    book = openpyxl.load_workbook(home.with_name("book.xlsx"), read_only=True)
    try:
        sheets = {key: list(book[one["sheet"]].iter_rows(values_only=True)) for key, one in outputs.items()}
    finally:
        book.close()
    return {key: [dict(zip(rows[0], row, strict=False)) for row in rows[2:]] for key, rows in sheets.items()}


def from_database(path: Path, connect: Callable[[str], Any], tables: dict[str, str]) -> dict[str, Rows]:
    """Whole tables of a database: key -> name of the table."""
    database = connect(str(path))
    found = {}
    for key, table in tables.items():
        quoted = table.replace('"', '""')
        cursor = database.execute(f'SELECT * FROM "{quoted}"')
        names = [one[0] for one in cursor.description]
        found[key] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    database.close()
    return found


def read_duckdb(home: Path, outputs: Outputs) -> dict[str, Rows]:
    import duckdb

    return from_database(
        home.with_name("x.duckdb"), duckdb.connect, {key: one["table"] for key, one in outputs.items()}
    )


def read_sqlite(home: Path, outputs: Outputs) -> dict[str, Rows]:
    return from_database(
        home.with_name("x.db"), sqlite3.connect, {key: one["tables"][0] for key, one in outputs.items()}
    )


Reading = Callable[[Path, Outputs], dict[str, Rows]]
TARGETS: dict[str, tuple[Callable[[Path], ExportSink], Reading]] = {
    "csv": (CsvSink, each(read_csv)),
    "json": (JsonSink, each(read_json)),
    "jsonl": (JsonLinesSink, each(read_json)),
    "parquet": (ParquetSink, each(read_parquet)),
    "hive": (lambda home: ParquetSink(home, hive=True), each(read_parquet)),
    "excel": (lambda home: ExcelSink(home.with_name("book.xlsx")), read_excel),
    "sav": (SavSink, each(read_sav)),
    "xpt": (XptSink, each(read_xpt)),
    "duckdb": (lambda home: DuckDbSink(home.with_name("x.duckdb")), read_duckdb),
    "sqlite": (lambda home: SqlSink(f"sqlite:///{home.with_name('x.db')}"), read_sqlite),
}
LOSSY = {"xpt", "excel", "sav"}
"""Targets that do not hold every text; counts and names must be right all the same."""


def through(target: str, drawn: Drawn) -> None:
    """Write a study into a target and compare what stands there, counted and read by the target's own driver."""
    make, read = TARGETS[target]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        sink = make(home)
        wanted = write(sink, drawn, home)
        places = [json.dumps(sink.outputs[key], sort_keys=True).casefold() for key in sink.outputs]
        assert len(set(places)) == len(places)
        there = read(home, {key: sink.outputs[key] for key in wanted})
        for key, rows in wanted.items():
            assert len(there[key]) == len(rows), key
            if target in LOSSY:
                continue
            for row, answers in zip(there[key], rows, strict=True):
                assert {name: row[name] for name in answers} == answers
