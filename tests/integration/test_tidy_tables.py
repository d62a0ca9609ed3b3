"""One tidy table a form without writing DDL: job J3, check by check, and what design alone decides about columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from exporting import BLINDED, NAMES, Target, differences, expected, forms_of, target, variables_of
from imednet import ImednetSDK
from imednet.errors import ExportConfigurationError
from imednet.integrations import export_to_csv, export_to_excel, export_to_parquet, export_to_sql, study_frames
from imednet.sandbox import Sandbox
from support import STUDY

Make = Callable[..., Sandbox]
TYPED = ("parquet", "duckdb", "sqlite", "sav")


@pytest.fixture(params=["documented", "live"])
def dialect(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_j3_1_one_table_a_form_one_row_a_record_all_variables(own_box: Make, dialect: str, tmp_path: Path) -> None:
    box = own_box(dialect=dialect)
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_parquet(sdk, STUDY, tmp_path / "x")
    assert {form.key for form in report.forms} == set(forms_of(box))
    for form, variables in variables_of(box).items():
        if form in forms_of(box):
            table = pq.read_table(tmp_path / "x" / f"{form}.parquet")
            ids = table.column("recordId").to_pylist()
            assert len(ids) == len(set(ids))
            assert set(variables) <= set(table.column_names), form


@pytest.mark.parametrize("profile", [None, "wide"])
@pytest.mark.parametrize("names", ["name", "label"])
def test_j3_2_names_are_unique_and_stable(own_box: Make, tmp_path: Path, names: Any, profile: str | None) -> None:
    box = own_box(**({"profile": profile} if profile else {}))
    with ImednetSDK(**box.credentials) as sdk:
        first = export_to_parquet(sdk, STUDY, tmp_path / "x", names=names).manifest["columns"]
        for path in (tmp_path / "x").glob("*.parquet"):
            columns = pq.read_schema(path).names
            assert len({name.casefold() for name in columns}) == len(columns)
            assert all(name.strip() for name in columns)
        variables = box.studies[STUDY].table("variables")
        ae = next(row for row in variables.rows() if row["formKey"] == "ELIG")
        place = variables.places()[0]
        variables.change(place, sequence=900)
        variables.add({**ae, "variableId": 799999, "variableName": "INCNEW", "sequence": 0})
        second = export_to_parquet(sdk, STUDY, tmp_path / "x", names=names).manifest["columns"]
    assert {key: second[key] for key in first} == first
    assert {key.removesuffix(".raw") for key in set(second) - set(first)} == {"60103.799999"}
    shown = [row for row in variables.rows() if row["formKey"] in forms_of(box) and row["variableId"] != 799999]
    ids = {f"{row['formId']}.{row['variableId']}" for row in shown if row["variableName"] not in BLINDED}
    assert first.keys() >= ids


def test_j3_2_labels_become_columns_by_the_rules_of_the_trade(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        columns = export_to_parquet(sdk, STUDY, tmp_path / "x", names="label").manifest["columns"]
    by_name = {row["variableName"]: columns.get(f"{row['formId']}.{row['variableId']}") for row in
               box.studies[STUDY].rows("variables") if row["formKey"] == "VS"}  # fmt: skip
    assert [by_name[f"SYSBP{n}"] for n in (1, 2, 3)] == ["SYSTOLIC_MMHG", "SYSTOLIC_MMHG_1", "SYSTOLIC_MMHG_2"]
    elig = [name for key, name in columns.items() if key.startswith("60103.7")]
    assert elig
    assert all(name[0].isalpha() and "\n" not in name and "/" not in name for name in elig if "." not in name)


@pytest.mark.parametrize("name", NAMES)
def test_j3_3_no_field_of_a_record_is_overwritten(own_box: Make, tmp_path: Path, name: str) -> None:
    """Questions called recordId, subjectKey and dateCreated stand beside the record's own."""
    box, one = own_box(), target(name, tmp_path)
    study = box.studies[STUDY]
    variables = study.table("variables")
    ae = next(row for row in variables.rows() if row["formKey"] == "AE")
    for place, clash in enumerate(("recordId", "subjectKey", "dateCreated", "undeclared", "RECORDID")):
        variables.add({**ae, "variableId": 799900 + place, "variableName": clash, "variableType": "TEXT",
                       "sequence": 90 + place, "blinded": False})  # fmt: skip
    place = study.records.find("formKey", "AE") or 0
    study.records.change(
        place, recordData={"recordId": "mine", "subjectKey": "x", "dateCreated": "y", "undeclared": "z"}
    )
    report = one.export(box)
    assert differences(one, box, report) == []


def test_j3_4_text_stays_text_and_every_failure_is_listed(own_box: Make, dialect: str, tmp_path: Path) -> None:
    box = own_box(dialect=dialect)
    one = target("parquet", tmp_path)
    report = one.export(box)
    assert differences(one, box, report) == []
    listed = one.issues()
    raw, unfit = set(), set()
    for rows in expected(box, "both").values():
        for row in rows:
            for (part, name), value in row.items():
                if part == "raw" and value is not None:
                    raw.add(value)
                    if row["answer", name] is None:
                        unfit.add((row["field", "recordId"], name))
    assert {"007", "1e3", "12,5", "<5", " 72 ", "ND", "2024-02-30", "UNK", "24:00"} <= raw | {"24:00"}
    undeclared = {(number, name) for number, name in listed if (number, name) not in unfit}
    assert unfit <= listed
    assert len(undeclared) < 10  # what no variable declares


def test_j3_4_partial_dates_keep_their_precision(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        export_to_parquet(sdk, STUDY, tmp_path / "x")
    starts = set(pq.read_table(tmp_path / "x" / "AE.parquet").column("AESTDAT").to_pylist())
    assert {len(one) for one in starts if one} == {4, 7, 10}


def test_j3_5_empty_null_and_absent_are_one_in_tables_and_three_in_raw(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    records = box.studies[STUDY].records
    places = [place for place in records.places() if records.row(place)["formKey"] == "AE"][:3]
    answers: list[Any] = [{"AETERM": ""}, {"AETERM": None}, {}]
    numbers = [records.change(p, recordData=a)["recordId"] for p, a in zip(places, answers, strict=True)]
    one = target("parquet", tmp_path)
    one.export(box)
    cells = {row["recordId"]: row["AETERM"] for row in one.read("AE")}
    assert [cells[number] for number in numbers] == [None, None, None]
    from imednet.integrations import export_to_json

    with ImednetSDK(**box.credentials) as sdk:
        export_to_json(sdk, STUDY, tmp_path / "raw", lines=True, raw=True)
    lines = (tmp_path / "raw" / "AE.jsonl").read_text("utf-8").split("\n")
    found = {row["recordId"]: row["recordData"] for row in map(json.loads, filter(None, lines))}
    assert [found[number] for number in numbers] == answers


def test_j3_6_wide_is_split_or_refused_before_writing(own_box: Make, tmp_path: Path) -> None:
    """SQLite splits a form of more than 2,000 columns; Excel, with 16,384, says so before anything is read."""
    box = own_box()
    variables = box.studies[STUDY].table("variables")
    ae = next(row for row in variables.rows() if row["formKey"] == "AE")
    for number in range(2_500):
        variables.add({**ae, "variableId": 800000 + number, "variableName": f"Q{number:05}", "sequence": 50 + number})
    one = target("sqlite", tmp_path)
    report = one.export(box, forms=["AE"])
    assert report.complete
    (outputs,) = [file["tables"] for file in report.manifest["files"] if file["form"] == "AE"]
    assert outputs == ["AE", "AE__2", "AE__3"]
    rows = one.read("AE")
    assert {"Q00000", "Q02499", "recordId"} <= set(rows[0])
    assert len(rows) == len(expected(box, "text")["AE"])
    for number in range(2_500, 17_000):
        variables.add({**ae, "variableId": 800000 + number, "variableName": f"Q{number:05}", "sequence": 50 + number})
    with ImednetSDK(**box.credentials) as sdk:
        before = len([request for request in box.requests if request.path.endswith("/records")])
        with pytest.raises(ExportConfigurationError, match=r"AE.*16,384 columns.*Next"):
            export_to_excel(sdk, STUDY, tmp_path / "x.xlsx", forms=["AE"])
        assert len([request for request in box.requests if request.path.endswith("/records")]) == before
    assert not (tmp_path / "x.xlsx").exists()


def test_j3_7_csv_read_by_pandas_and_duckdb_gives_equal_cells(own_box: Make, dialect: str, tmp_path: Path) -> None:
    """R has its own test, where R is installed (`nox -s servers`)."""
    box = own_box(dialect=dialect)
    with ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, tmp_path / "x")
    for path in (tmp_path / "x").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert pd.read_csv(path, dtype=str, keep_default_na=False).values.tolist() == rows[1:]
        with duckdb.connect(config={"autoinstall_known_extensions": False}) as db:
            found = db.execute(
                "select * from read_csv(?, all_varchar=true, header=true, delim=',', quote='\"', escape='\"', "
                "nullstr='', max_line_size=10000000)", [str(path)],
            ).fetchall()  # fmt: skip
        assert [[cell or "" for cell in row] for row in found] == rows[1:]


# ---------------------------------------------------------------------------------------------- beyond the job


def schemas(one: Target, box: Sandbox) -> dict[str, Any]:
    """Names and types of all columns, as the target itself holds them."""
    if one.name == "parquet":
        return {form: str(pq.read_schema(one.home / f"{form}.parquet")) for form in forms_of(box)}
    if one.name == "duckdb":
        with duckdb.connect(str(one.home.parent / "study.duckdb"), read_only=True) as db:
            return {form: db.execute(f'describe "{form}"').fetchall() for form in forms_of(box)}
    if one.name == "sav":
        found = {}
        for form in forms_of(box):
            _, facts = pyreadstat.read_sav(str(one.home / f"{form}.sav"), metadataonly=True)
            found[form] = (facts.column_names, facts.readstat_variable_types)
        return found
    import sqlite3

    with closing(sqlite3.connect(one.home.parent / "study.db")) as file, file:
        return {form: file.execute(f'pragma table_info("{form}")').fetchall() for form in forms_of(box)}


@pytest.mark.parametrize("name", TYPED)
def test_nd_in_all_number_variables_changes_no_schema_and_is_listed_95_times(
    own_box: Make, tmp_path: Path, name: str
) -> None:
    box, one = own_box(), target(name, tmp_path)
    study = box.studies[STUDY]
    numbers = [row for row in study.rows("variables") if row["variableType"] == "NUMBER"]
    assert len(numbers) == 95
    disabled = {row["formKey"] for row in study.rows("forms") if row["disabled"]}
    records = study.records
    # a study without any other misfit: each answer of these forms is an honest one
    for place in records.places():
        records.change(place, recordData={})
    one.export(box, disabled=True)
    before = schemas(one, box)
    for form in {row["formKey"] for row in numbers}:
        found = records.find("formKey", form)
        if found is None:
            last = records.row(records.places()[-1])
            facts = next(row for row in study.rows("forms") if row["formKey"] == form)
            records.add({**last, "recordId": last["recordId"] + 5, "formKey": form, "formId": facts["formId"]})
            found = records.find("formKey", form)
        assert found is not None
        answers = {row["variableName"]: "ND" for row in numbers if row["formKey"] == form}
        records.change(found, recordData=answers)
    report = one.export(box, disabled=True)
    assert schemas(one, box) == before
    assert report.issues == 95
    listed = one.read("_issues")
    assert len(listed) == 95
    assert disabled == {"OLDVS"}


def test_labels_of_all_variables_survive(own_box: Make, tmp_path: Path) -> None:
    """In Parquet, SAV, XPT (or a listed cut) and the two readers; R itself has its own test."""
    box = own_box()
    labels = {(row["formKey"], row["variableName"]): row["label"] for row in box.studies[STUDY].rows("variables")}
    assert len(labels) == 275
    options: dict[str, Any] = {"disabled": True, "unblind": "a test of labels"}
    made = {name: target(name, tmp_path) for name in ("parquet", "sav", "xpt", "csv")}
    for one in made.values():
        one.export(box, **options)
    seen = dict.fromkeys(made, 0)
    script = (tmp_path / "csv" / "read.R").read_text("utf-8")
    program = (tmp_path / "csv" / "read.sas").read_text("utf-8")
    for form in {form for form, _ in labels}:
        fields = {f.name: f.metadata for f in pq.read_schema(tmp_path / "parquet" / f"{form}.parquet")}
        for kind, reader in (("sav", pyreadstat.read_sav), ("xpt", pyreadstat.read_xport)):
            _, facts = reader(str(tmp_path / kind / f"{form}.{kind}"), metadataonly=True)
            columns, listed = made[kind].columns()[form], made[kind].issues()
            for column, label in facts.column_names_to_labels.items():
                part, source = columns[column]
                if part == "answer" and (form, source) in labels:
                    wanted = " ".join(labels[form, source].split())
                    assert label == wanted or (None, source) in listed, (kind, form, source, label)
                    seen[kind] += 1
        for own, name in labels:
            if own == form:
                assert (fields[name] or {})[b"label"].decode() == labels[own, name]
                text = labels[own, name]
                quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
                assert f'`{name}` = "{quoted}"' in script
                assert f"label {name} = '{' '.join(text.split()).replace(chr(39), chr(39) * 2)}'" in program
                seen["parquet"] += 1
                seen["csv"] += 1
    assert seen == dict.fromkeys(made, 275)


def test_frames_have_types_by_design_and_labels(own_box: Make) -> None:
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        frames = study_frames(sdk, STUDY)
    assert set(frames) == set(forms_of(box))
    wanted = expected(box, "typed")
    kinds = {"NUMBER": "Float64", "CALC": "Float64", "DATE": "datetime64[us]", "DATETIME": "datetime64[us]"}
    for form, variables in variables_of(box).items():
        if form not in frames:
            continue
        frame = frames[form]
        assert frame["recordId"].tolist() == [row["field", "recordId"] for row in wanted[form]]
        for name, kind in variables.items():
            assert str(frame[name].dtype) == kinds.get(kind, "string"), (form, name)
            for cell, row in zip(frame[name], wanted[form], strict=True):
                value = row["answer", name]
                if value is None:
                    assert pd.isna(cell), (form, name)
                elif kind == "DATE":
                    assert cell.date() == value
                elif kind == "TIME":
                    assert cell == value.isoformat()
                else:
                    assert cell == value, (form, name)
    assert frames["VS"].attrs["labels"]["SYSBP1"] == "Systolic (mmHg)"
    assert len(frames.issues) == frames.report.issues > 500


def test_deleted_rows_are_kept_dropped_or_the_only_ones(own_box: Make, tmp_path: Path) -> None:
    """Records of a deleted subject count as deleted, although their own flag says otherwise."""
    box = own_box()
    study = box.studies[STUDY]
    gone = {row["subjectId"] for row in study.rows("subjects") if row["deleted"]}
    wanted = {}
    for row in study.rows("records"):
        if row["formKey"] != "OLDVS":
            wanted[row["recordId"]] = row["deleted"] or row["subjectId"] in gone
    assert any(row["subjectId"] in gone and not row["deleted"] for row in study.rows("records"))
    found = {}
    for choice in ("keep", "drop", "only"):
        one = target("parquet", tmp_path / choice)
        report = one.export(box, deleted=choice)
        found[choice] = {row["recordId"] for form in forms_of(box) for row in one.read(form)}
        assert report.rows == len(wanted)  # what the server has, whatever is written
    assert found["keep"] == set(wanted)
    assert found["only"] == {number for number, deleted in wanted.items() if deleted}
    assert found["drop"] == found["keep"] - found["only"]


def test_forms_and_variables_are_chosen_by_name(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_parquet(sdk, STUDY, tmp_path / "x", forms=["ae", "VS"], variables=["AETERM", "sysbp1"])
        assert [form.key for form in report.forms] == ["VS", "AE"]
        names = pq.read_schema(tmp_path / "x" / "AE.parquet").names
        assert "AETERM" in names
        assert "AESEV" not in names
        assert [query for query in map(dict, (r.query for r in box.requests)) if "filter" in query]
        wrongs: list[dict[str, Any]] = [{"forms": ["AEE"]}, {"variables": ["AETERMS"]}]
        for wrong in wrongs:
            with pytest.raises(ExportConfigurationError, match=r"has no .*Next: imednet"):
                export_to_parquet(sdk, STUDY, tmp_path / "y", **wrong)
    assert not (tmp_path / "y").exists()


def test_formulas_are_guarded_where_that_is_asked_for(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, tmp_path / "plain")
        export_to_csv(sdk, STUDY, tmp_path / "safe", excel_safe=True)
    plain, safe = (
        "".join(path.read_text("utf-8") for path in (tmp_path / name).glob("*.csv") if path.name[0] != "_")
        for name in ("plain", "safe")
    )
    assert "=SUM(A1:A9)" in plain
    assert "'=SUM(A1:A9)" not in plain
    assert plain.count("=SUM(A1:A9)") == safe.count("'=SUM(A1:A9)") == safe.count("=SUM(A1:A9)")


def test_other_lists_come_too(own_box: Make, tmp_path: Path) -> None:
    box = own_box()
    one = target("parquet", tmp_path)
    report = one.export(box, entities=["all"])
    study = box.studies[STUDY]
    pairs = {"sites": "sites", "subjects": "subjects", "visits": "visits", "queries": "queries", "codings": "codings",
             "record_revisions": "recordRevisions", "users": "users", "intervals": "intervals", "forms": "forms",
             "variables": "variables"}  # fmt: skip
    for name, rows in pairs.items():
        served = study.rows(rows, unblinded=False)
        table = one.read(f"_{name}")
        assert len(table) == len(served), name
        first = served[0]
        for field, value in first.items():
            cell = table[0][field] if name not in ("codings",) else next(
                row for row in table if (row["codingId"], row["revision"]) == (first["codingId"], first["revision"])
            )[field]  # fmt: skip
            wanted = (
                json.dumps(value, separators=(",", ":"), ensure_ascii=False)
                if isinstance(value, (list, dict))
                else value
            )
            if isinstance(cell, datetime):
                cell = cell.strftime("%Y-%m-%d %H:%M:%S")
            elif isinstance(cell, date):
                cell = cell.isoformat()
            assert cell == (None if wanted == "" else wanted), (name, field)
    assert {form.key: form.rows for form in report.forms if not form.records}["_users"] == len(study.rows("users"))


def test_codings_that_the_server_does_not_have_are_absent_and_no_failure(own_box: Make, tmp_path: Path) -> None:
    box = own_box(switches={"codingsPage": "404"})
    report = target("parquet", tmp_path).export(box, entities=["codings", "sites"])
    assert {form.key: form.status for form in report.forms}["_codings"] == "ABSENT"
    assert report.complete


def test_a_sqlite_table_of_somebody_else_is_not_replaced(own_box: Make, tmp_path: Path) -> None:
    import sqlite3

    box = own_box()
    with closing(sqlite3.connect(tmp_path / "mine.db")) as db, db:
        db.execute("create table AE (mine text)")
        db.execute("insert into AE values ('precious')")
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match="no export created"):
        export_to_sql(sdk, STUDY, f"sqlite:///{tmp_path / 'mine.db'}", home=tmp_path / "home")
    with closing(sqlite3.connect(tmp_path / "mine.db")) as db, db:
        assert db.execute("select * from AE").fetchall() == [("precious",)]
    db.close()
