"""What becomes of each kind of variable and of each odd text in each target, read back by its usual reader.

`python tests/formats.py` writes the two tables of docs/formats.md; a test compares them.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from imednet.integrations import (
    CsvSink,
    DuckDbSink,
    ExcelSink,
    ExportOptions,
    ExportSink,
    JsonLinesSink,
    ParquetSink,
    SavSink,
    SqlSink,
    XptSink,
)
from imednet.integrations.on_disk.folder import ExportFolder
from imednet.integrations.run.export import _Run
from imednet.integrations.run.outcomes import Extraction, Outcome
from imednet.integrations.run.spool import Spool
from imednet.integrations.tables.layout import study_tables
from imednet_api.models import Form, Variable

PAGE = Path(__file__).resolve().parent.parent / "docs" / "formats.md"
KINDS: dict[str, tuple[str, str, str]] = {
    "NUMBER": ("NUM", "12.50", "<5"),
    "DATE": ("DAT", "2024-02-29", "2024-02-30"),
    "DATETIME": ("DTM", "2024-02-29 14:30", "yesterday"),
    "TIME": ("TIM", "14:30", "25:00"),
    "PARTIALDATE": ("PAR", "2024-03", "2024-13"),
    "RADIO": ("RAD", "Yes", "Perhaps"),
    "CHECKBOX": ("CHK", "true", "Left, Right"),
    "TEXT": ("TXT", "Müller 東雲", ""),
}
"""Type of a variable -> its name, an answer that fits it, and one that does not or is odd."""
TEXTS: dict[str, str] = {
    "blanks before and behind": "  a  ",
    "line break": "a\nb",
    "carriage return and line break": "a\r\nb",
    "tab": "a\tb",
    "quotes and comma": 'a "b", c',
    "formula": "=1+1",
    "`NA`": "NA",
    "`NULL`": "NULL",
    "digits with a zero before": "007",
    "emoji": "😀",
    "NUL": "a\0b",
    "300 characters": "x" * 300,
    "40,000 characters": "x" * 40_000,
}
"""Odd text in words -> the text."""

Read = Callable[[Path, str], tuple[list[str], list[list[Any]]]]
"""Reads one table: names of columns, and rows."""


def _pandas_parquet(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
    import pandas as pd

    return _frame(pd.read_parquet(folder / "out" / f"{table}.parquet"))


def _polars_parquet(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
    import polars as pl

    frame = pl.read_parquet(folder / "out" / f"{table}.parquet")
    return frame.columns, [list(row) for row in frame.rows()]


def _csv(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
    with (folder / "out" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, [[cell or None for cell in row] for row in rows]


def _jsonl(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
    rows = [json.loads(line) for line in (folder / "out" / f"{table}.jsonl").read_text("utf-8").split("\n")[:-1]]
    return list(rows[0]), [list(row.values()) for row in rows]


def _duckdb(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
    import duckdb

    with duckdb.connect(str(folder / "out.duckdb"), read_only=True) as db:
        found = db.execute(f'SELECT * FROM "{table}"')
        return [one[0] for one in found.description or ()], [list(row) for row in found.fetchall()]


def _sqlite(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
    with closing(sqlite3.connect(folder / "out.db")) as db, db:
        found = db.execute(f'SELECT * FROM "{table}"')
        return [one[0] for one in found.description], [list(row) for row in found.fetchall()]


def _stats(ending: str) -> Read:
    def read(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
        import pyreadstat

        reader = pyreadstat.read_sav if ending == "sav" else pyreadstat.read_xport
        return _frame(reader(folder / "out" / f"{table}.{ending}")[0])

    return read


def _excel(folder: Path, table: str) -> tuple[list[str], list[list[Any]]]:
    import openpyxl
    from openpyxl.utils.escape import unescape

    book = openpyxl.load_workbook(folder / "out.xlsx", read_only=True)
    names, _, *rows = book[table].iter_rows(values_only=True)
    book.close()
    plain = [[unescape(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    return [str(name) for name in names], [[*row, *[None] * (len(names) - len(row))] for row in plain]


def _frame(frame: Any) -> tuple[list[str], list[list[Any]]]:
    rows = frame.astype(object).where(frame.notna(), None).values.tolist()
    return [str(name) for name in frame.columns], [[None if cell == "" else cell for cell in row] for row in rows]


TARGETS: dict[str, tuple[Callable[[Path], ExportSink], Read]] = {
    "Parquet, pandas": (lambda folder: ParquetSink(folder / "out"), _pandas_parquet),
    "Parquet, polars": (lambda folder: ParquetSink(folder / "out"), _polars_parquet),
    "CSV": (lambda folder: CsvSink(folder / "out"), _csv),
    "JSON Lines": (lambda folder: JsonLinesSink(folder / "out"), _jsonl),
    "DuckDB": (lambda folder: DuckDbSink(folder / "out.duckdb"), _duckdb),
    "SQLite": (lambda folder: SqlSink(f"sqlite:///{folder / 'out.db'}"), _sqlite),
    "Excel, openpyxl": (lambda folder: ExcelSink(folder / "out.xlsx"), _excel),
    "SAV, pyreadstat": (lambda folder: SavSink(folder / "out"), _stats("sav")),
    "XPT 5, pyreadstat": (lambda folder: XptSink(folder / "out"), _stats("xpt")),
    "XPT 8, pyreadstat": (lambda folder: XptSink(folder / "out", version=8), _stats("xpt")),
}


def exported(make: Callable[[Path], ExportSink], folder: Path, answers: list[dict[str, str]]) -> None:
    """Write one form with a variable of each type, one record for each of the answers."""
    form = Form.from_dict({"formId": 1, "formKey": "F", "formName": "Form"})
    variables = [
        Variable.from_dict({
            "formId": 1, "formKey": "F", "variableName": name, "variableId": number, "sequence": number,
            "label": kind.title(), "variableType": kind,
        })
        for number, (kind, (name, _, _)) in enumerate(KINDS.items(), 1)
    ]  # fmt: skip
    sink, options = make(folder), ExportOptions(backoff=0)
    with ExportFolder(folder / "home" if sink.kind in ("duckdb", "sql", "excel") else folder / "out") as home, sink:
        tables = study_tables("S", [form], variables, options, sink.shape)
        with Spool(home.spool, {}) as spool:
            spool.start()
            lines = [
                json.dumps({"recordId": number, "formId": 1, "formKey": "F", "dateCreated": "2024-02-29 10:00:00",
                            "deleted": False, "recordData": one}).encode()
                for number, one in enumerate(answers, 1)
            ]  # fmt: skip
            spool.append("F", lines)
            run = _Run(None, "S", sink, home, options, None, False)  # type: ignore[arg-type]
            sink.begin(tables, home)
            run._write_tables(tables, Extraction({one.key: Outcome("SUCCESS", 0) for one in tables.data}), spool)
            staged = [*sink.staged, *(["issues.jsonl"] if run.issues_file else [])]
            home.publish(staged, {"study": "S", "files": []})


def became(cell: Any, sent: str, listed: bool) -> str:
    """What a text became, in words."""
    note = ", listed" if listed else ""
    if cell is None:
        return f"missing{note}"
    if isinstance(cell, str):
        if cell == sent:
            return f"as sent{note}"
        if sent.startswith(cell) and len(cell) > 100:
            return f"cut to {len(cell):,}{note}"
        return f"`{cell.encode('unicode_escape').decode()[:24]}`{note}"
    shown = {bool: "boolean", int: "number", float: "number", datetime: "date and time", date: "date", time: "time"}
    kind = next(word for of, word in shown.items() if isinstance(cell, of))
    if isinstance(cell, datetime) and re.fullmatch(r"\d{4}-\d\d-\d\d", sent):
        kind = "date"
    return f"{kind} `{cell}`{note}"


def table(target: str) -> tuple[list[str], list[str]]:
    """The cells of one target: of each kind, fitting and not, and of each odd text."""
    make, read = TARGETS[target]
    answers = [{name: fits for name, fits, _ in KINDS.values()}, {name: odd for name, _, odd in KINDS.values()}]
    answers += [{"TXT": text} for text in TEXTS.values()]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        exported(make, folder, answers)
        names, rows = read(folder, "F")
        issue_names, issues = read(folder, "_issues")
    folded = [name.casefold() for name in names]
    places = [folded.index(name.casefold()) for name, _, _ in KINDS.values()]
    at, of = (next(i for i, name in enumerate(issue_names) if name.casefold().startswith(word))
              for word in ("recordid", "variable"))  # fmt: skip
    listed = {(int(row[at]), row[of]) for row in issues if row[at] is not None}
    record = folded.index("recordid")
    by_number = {int(row[record]): row for row in rows}
    kinds = []
    for number in (1, 2):
        for (name, *sent), column in zip(KINDS.values(), places, strict=True):
            kinds.append(became(by_number[number][column], sent[number - 1], (number, name) in listed))
    text = places[-1]
    texts = [
        became(by_number[number][text], sent, (number, "TXT") in listed)
        for number, sent in enumerate(TEXTS.values(), 3)
    ]
    return kinds, texts


def page() -> str:
    """Both tables as Markdown."""
    found = {target: table(target) for target in TARGETS}
    fitting = [f"{kind} `{fits}`" for kind, (_, fits, _) in KINDS.items()]
    odd = [f"{kind} `{text}`" if text else f"{kind}, empty" for kind, (_, _, text) in KINDS.items()]
    lines = []
    for rows, place, offset in (([*fitting, *odd], 0, 0), (list(TEXTS), 1, 0)):
        lines += ["| sent | " + " | ".join(TARGETS) + " |", "|---" * (len(TARGETS) + 1) + "|"]
        for number, name in enumerate(rows, offset):
            cells = [found[target][place][number].replace("|", "\\|") for target in TARGETS]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines).rstrip()


BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def written(text: str) -> str:
    """The page with the tables in place."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n\n{page()}\n\n{END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
    sys.exit(0)
