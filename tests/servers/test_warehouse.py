"""Snowflake's protocol, with its connector against an emulator: PUT, COPY, MERGE, changes and failures.

The emulator has gaps: it knows no REMOVE of staged files, and cannot run two MERGE in one transaction. Those statements
are not sent to it but checked as text against the grammar that Snowflake documents.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"

import pytest
import snowflake.connector

from exporting import Row, Target, differences, without_form, without_zone
from imednet.errors import ExportBatchError, ExportConfigurationError, ExportError
from imednet.integrations import SnowflakeSink
from imednet.sandbox import Sandbox
from support import STUDY

Make = Callable[..., Sandbox]
TIMESTAMP_NTZ = 8


@pytest.fixture
def schema(snow: dict[str, Any], request: pytest.FixtureRequest) -> str:
    """A schema of its own for each test."""
    name = re.sub(r"\W", "_", request.node.name).upper()[:60]
    with snowflake.connector.connect(**snow) as db:
        db.cursor().execute("CREATE DATABASE IF NOT EXISTS D")
        db.cursor().execute(f"CREATE SCHEMA IF NOT EXISTS D.{name}")
    return name


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Statements that the emulator cannot run."""
    held: list[str] = []
    execute = SnowflakeSink._execute

    def sparing(self: SnowflakeSink, statement: str, **how: Any) -> list[Any]:
        if re.fullmatch(r"BEGIN|COMMIT|ROLLBACK|REMOVE .*", statement):
            held.append(statement)
            return []
        return execute(self, statement, **how)

    monkeypatch.setattr(SnowflakeSink, "_execute", sparing)
    return held


def ask(snow: dict[str, Any], statement: str) -> list[Row]:
    with snowflake.connector.connect(**snow) as db:
        cursor: Any = db.cursor().execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def target(snow: dict[str, Any], schema: str, home: Path) -> Target:
    def read(table: str) -> list[Row]:
        name = f'D.{schema}."{table.strip("_").upper()}"'
        with snowflake.connector.connect(**snow) as db:
            cursor: Any = db.cursor().execute(f"SELECT * FROM {name} LIMIT 0")
            facts = cursor.description
        moments = {one[0] for one in facts if one[1] == TIMESTAMP_NTZ}
        # The emulator gives a missing time stamp back as 1970, so it is asked for as text.
        wanted = ", ".join(
            f'"{one[0]}"::VARCHAR AS "{one[0]}"' if one[0] in moments else f'"{one[0]}"' for one in facts
        )
        rows = ask(snow, f"SELECT {wanted} FROM {name}")
        return [
            {k: datetime.fromisoformat(cell) if k in moments and cell else cell for k, cell in row.items()}
            for row in rows
        ]

    return Target(
        "snowflake", "both", lambda: SnowflakeSink(database="D", schema=schema, **snow), read, home, without_zone
    )  # fmt: skip


def raw_records(snow: dict[str, Any], schema: str) -> dict[int, Any]:
    rows = ask(snow, f"SELECT RECORD_ID, RECORD, LOADED_AT FROM D.{schema}.IMEDNET_RAW")
    assert all(row["LOADED_AT"] is not None for row in rows)
    return {row["RECORD_ID"]: json.loads(row["RECORD"]) for row in rows}


def served(box: Sandbox) -> dict[int, Any]:
    study = box.studies[STUDY]
    disabled = {row["formKey"] for row in study.rows("forms") if row["disabled"]}
    rows = study.rows("records", unblinded=False)
    return {row["recordId"]: row for row in rows if row["formKey"] not in disabled}


def test_tables_and_raw_layer_hold_the_study_and_follow_it(
    own_box: Make, snow: dict[str, Any], schema: str, tmp_path: Path
) -> None:
    box, one = own_box(), target(snow, schema, tmp_path / "home")
    for _ in range(2):
        report = one.export(box)
        assert differences(one, box, report) == []
        assert raw_records(snow, schema) == served(box)
    loaded = ask(snow, f"SELECT RECORD_ID, LOADED_AT FROM D.{schema}.IMEDNET_RAW ORDER BY RECORD_ID")
    box.advance(1)
    study = box.studies[STUDY]
    study.records.remove(study.records.places()[40])
    report = one.export(box)
    assert differences(one, box, report) == []
    assert raw_records(snow, schema) == served(box)
    later = {row["RECORD_ID"]: row["LOADED_AT"] for row in ask(
        snow, f"SELECT RECORD_ID, LOADED_AT FROM D.{schema}.IMEDNET_RAW"
    )}  # fmt: skip
    same = [row for row in loaded if later.get(row["RECORD_ID"]) == row["LOADED_AT"]]
    assert len(loaded) - 100 < len(same) < len(loaded)
    left = {row["name"] for row in ask(snow, f"SHOW TABLES IN SCHEMA D.{schema}")}
    assert not [name for name in left if "__NEW_" in name]


def test_an_added_variable_becomes_a_column(own_box: Make, snow: dict[str, Any], schema: str, tmp_path: Path) -> None:
    box, one = own_box(), target(snow, schema, tmp_path / "home")
    one.export(box)
    variables = box.studies[STUDY].table("variables")
    last = variables.row(variables.places()[-1])
    ae = next(row for row in variables.rows() if row["formKey"] == "AE")
    variables.add({**last, **{k: ae[k] for k in ("formId", "formKey", "formName")}, "variableId": 799999,
                   "variableName": "AENEW", "variableType": "NUMBER", "sequence": 99})  # fmt: skip
    assert differences(one, box, one.export(box)) == []
    assert "AENEW" in one.read("AE")[0]


def test_rows_are_reconciled_with_what_copy_reports(
    own_box: Make, snow: dict[str, Any], schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, one = own_box(), target(snow, schema, tmp_path / "home")
    one.export(box)
    before = one.read("AE")
    execute = SnowflakeSink._execute

    def short(self: SnowflakeSink, statement: str, **how: Any) -> list[Any]:
        found = execute(self, statement, **how)
        if statement.startswith("COPY") and "/CM_" in statement:
            return [(row[0], row[1], row[2], int(row[3]) - 1, *row[4:]) for row in found]
        return found

    box.advance(1)
    monkeypatch.setattr(SnowflakeSink, "_execute", short)
    with pytest.raises(ExportError, match=r"copied \d+ of \d+ rows.*nothing was merged.*Next"):
        one.export(box)
    monkeypatch.setattr(SnowflakeSink, "_execute", execute)
    assert one.read("AE") == before
    assert differences(one, box, one.export(box)) == []


def test_a_failing_statement_is_an_error_with_its_query_and_without_values(
    own_box: Make, snow: dict[str, Any], schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, one = own_box(), target(snow, schema, tmp_path / "home")
    monkeypatch.setattr("imednet.integrations.warehouse._merge_statement", lambda *_: "MERGE NONSENSE 'secret answer'")
    with pytest.raises(ExportBatchError, match=r"ProgrammingError.*Next") as caught:
        one.export(box, backoff=0.01)
    assert "secret answer" not in str(caught.value)


def test_statements_are_those_of_the_documented_grammar(
    own_box: Make, snow: dict[str, Any], schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snowflake's own forms of PUT, COPY INTO, MERGE and REMOVE; a file's name is new in each run."""
    said: list[str] = []
    execute = SnowflakeSink._execute

    def listening(self: SnowflakeSink, statement: str, **how: Any) -> list[Any]:
        said.append(statement)
        return execute(self, statement, **how)

    monkeypatch.setattr(SnowflakeSink, "_execute", listening)
    box, one = own_box(), target(snow, schema, tmp_path / "home")
    one.export(box, forms=["AE"])
    one.export(box, forms=["AE"])
    stage, name = rf'@"D"\."{schema}"\."IMEDNET_STAGE"', r"[A-Z_]+_[0-9A-F]{12}\.parquet"
    grammar = {
        "PUT": rf"PUT 'file:///\S+/{name}' {stage} AUTO_COMPRESS=FALSE OVERWRITE=TRUE",
        "COPY": rf"COPY INTO \S+ FROM {stage}/{name} FILE_FORMAT=\(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE\) "
                r"MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT",
        "REMOVE": rf"REMOVE {stage}/{name}",
        "BEGIN": "BEGIN",
        "COMMIT": "COMMIT",
        "MERGE": r"MERGE INTO \S+ t USING (\S+|\(SELECT .+\)) s ON .+ WHEN MATCHED AND .+ THEN UPDATE SET .+ "
                 r"WHEN NOT MATCHED THEN INSERT \(.+\) VALUES \(.+\)",
    }  # fmt: skip
    for word, form in grammar.items():
        mine = [statement for statement in said if statement.startswith(word)]
        assert mine, word
        for statement in mine:
            assert re.fullmatch(form, statement), statement
    puts = [statement for statement in said if statement.startswith("PUT")]
    assert len(puts) == len(set(puts))
    assert not any("PASSWORD" in statement.upper() for statement in said)


def test_a_refused_connection_is_named(snow: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ExportConfigurationError, match=r"refuses the connection.*private key"):
        SnowflakeSink(**{**snow, "port": 9, "login_timeout": 1})


def test_tables_of_other_forms_stay_until_their_form_is_asked_to_go(
    own_box: Make, snow: dict[str, Any], schema: str, tmp_path: Path
) -> None:
    box, one = own_box(), target(snow, schema, tmp_path / "home")
    one.export(box, forms=["AE", "VS"])
    before = {table: one.read(table) for table in ("VS", "_dictionary", "_issues")}
    one.export(box, forms=["AE"])
    assert one.read("VS") == before["VS"]
    for table in ("_dictionary", "_issues"):
        assert sorted(map(repr, one.read(table))) == sorted(map(repr, before[table]))
    report = one.export(own_box(intercept=without_form("VS")), forms=["AE"], prune=True)
    assert report.pruned == ["VS"]
    with pytest.raises(snowflake.connector.Error):
        one.read("VS")
