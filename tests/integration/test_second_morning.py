"""The second morning: whatever is exported next into a target, only what was asked for changes there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exporting import NAMES, Row, Target, targets, without_form
from imednet import ImednetSDK
from imednet.errors import ArgumentError, ExportConfigurationError, ExportError, ImednetError
from imednet.integrations import (
    CsvSink,
    ExportOptions,
    LongSink,
    ParquetSink,
    export_study,
    export_to_csv,
    export_to_duckdb,
    export_to_excel,
    export_to_hive_parquet,
    export_to_sql,
)
from imednet.integrations.on_disk.extraction_log import verify
from imednet.integrations.on_disk.snapshots import Snapshot, new_dated_folder, value_changes
from imednet.sandbox import Answer, Request, Sandbox
from imednet.sandbox.invent.design import TWIN
from support import STUDY

Make = Callable[..., Sandbox]
WHOLE = {"excel"}
"""Targets that are one file, replaced as a whole: they refuse what would take a table from them."""
FEW = ["AE", "VS"]


def partitioned(folder: Path) -> Target:
    from exporting import parquet_rows

    home = ParquetSink.home(folder / "lake", STUDY)

    def read(table: str) -> list[Row]:
        if table.startswith("_"):
            return parquet_rows(home / f"{table}.parquet")
        return parquet_rows(folder / "lake" / f"study={STUDY}" / f"form={table}" / "part-0.parquet")

    return Target("partitioned", "both", lambda: ParquetSink(folder / "lake", hive=True), read, home)


@pytest.fixture(params=[*NAMES, "partitioned"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    found = {one.name: one for one in (*targets(tmp_path), partitioned(tmp_path))}
    return found[request.param]


def with_form(key: str) -> Callable[[Request, Any], Answer]:
    """Adds a form without records to the study's list of forms."""

    def intercept(request: Request, answer: Any) -> Answer:
        reply: Answer = answer(request)
        if not request.path.endswith("/forms"):
            return reply
        body = json.loads(reply.body)
        last = body["data"][-1]
        body["data"].append({**last, "formId": 9_999, "formKey": key, "formName": key})
        body["pagination"]["totalElements"] += 1
        return Answer(reply.status, json.dumps(body).encode(), reply.headers)

    return intercept


def failing(request: Request, answer: Any) -> Answer:
    """Records cannot be read."""
    return Answer(500, b"{}") if request.path.endswith("/records") else answer(request)


def content(one: Target, tables: list[str]) -> dict[str, list[Row]]:
    return {table: one.read(table) for table in tables}


def about(rows: list[Row], tables: set[str]) -> list[Row]:
    """Rows of the dictionary or of the issues about some tables; each names its table in its first column."""
    return sorted((row for row in rows if next(iter(row.values())) in tables), key=repr)


def test_a_run_of_one_form_leaves_the_other_tables(box: Sandbox, target: Target) -> None:
    target.export(box, forms=FEW, entities=("subjects",))
    before = content(target, ["AE", "VS", "_subjects", "_dictionary", "_issues"])
    if target.name in WHOLE:
        with pytest.raises(ExportConfigurationError, match=r"would lose 2 tables \(VS, _subjects\).*Next"):
            target.export(box, forms=["AE"])
        assert content(target, list(before)) == before
        return
    report = target.export(box, forms=["AE"])
    after = content(target, list(before))
    assert (after["VS"], after["_subjects"]) == (before["VS"], before["_subjects"])
    for table in ("_dictionary", "_issues"):
        assert about(after[table], {"AE", "VS", "_subjects"}) == about(before[table], {"AE", "VS", "_subjects"})
        assert len(after[table]) == len(before[table])
    entries = {entry["form"]: entry for entry in report.manifest["files"]}
    assert entries["VS"]["stale"] is True
    assert entries["VS"]["run"] == 1
    assert "stale" not in entries["AE"]
    assert [form.key for form in report.forms] == ["AE"]
    assert verify(target.home).problems == []


def test_another_study_is_refused_by_name(box: Sandbox, target: Target) -> None:
    target.export(box, forms=FEW)
    before = content(target, FEW)
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match=f"{STUDY}.*{TWIN}.*Next"):
        export_study(sdk, TWIN, target.make(), home=target.home, options=ExportOptions(forms=FEW))
    assert content(target, FEW) == before


def test_another_format_is_refused_by_name(box: Sandbox, target: Target) -> None:
    target.export(box, forms=FEW)
    before = content(target, FEW)
    other: Any = ParquetSink if target.name == "csv" else CsvSink
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match=r"as .* as .*Next"):
        export_study(sdk, STUDY, other(target.home), home=target.home, options=ExportOptions(forms=FEW))
    assert content(target, FEW) == before


def test_a_run_that_reads_nothing_leaves_everything(box: Sandbox, own_box: Make, target: Target) -> None:
    target.export(box, forms=FEW)
    before = content(target, [*FEW, "_dictionary", "_issues"])
    bad = own_box(intercept=failing)
    with ImednetSDK(**bad.credentials, retries=0) as sdk, pytest.raises(ImednetError):
        export_study(sdk, STUDY, target.make(), home=target.home, options=ExportOptions(forms=FEW))
    assert content(target, list(before)) == before
    assert verify(target.home).problems == []


def test_a_form_that_is_gone_stays_until_it_is_asked_to_go(own_box: Make, box: Sandbox, target: Target) -> None:
    target.export(own_box(intercept=with_form("OLD")), forms=[*FEW, "OLD"])
    if target.name in WHOLE:
        with pytest.raises(ExportConfigurationError, match=r"would lose table OLD.*--prune"):
            target.export(box, forms=FEW)
    else:
        target.export(box, forms=FEW)
    assert target.read("OLD") == []
    assert about(target.read("_dictionary"), {"OLD"})
    report = target.export(box, forms=FEW, prune=True)
    assert report.pruned == ["OLD"]
    assert "OLD" not in {entry["form"] for entry in report.manifest["files"]}
    with pytest.raises(Exception, match=r"(?i)OLD|exist|No such"):
        target.read("OLD")
    assert about(target.read("_dictionary"), {"OLD"}) == []
    assert target.read("AE")
    assert verify(target.home).problems == []


def test_a_workbook_stays_whole_where_a_form_cannot_be_read(box: Sandbox, own_box: Make, tmp_path: Path) -> None:
    def no_vitals(request: Request, answer: Any) -> Answer:
        return Answer(500, b"{}") if "VS" in str(request.query) else answer(request)

    path = tmp_path / "study.xlsx"
    with ImednetSDK(**box.credentials) as sdk:
        export_to_excel(sdk, STUDY, path, forms=FEW)
    before = path.read_bytes()
    with (
        ImednetSDK(**own_box(intercept=no_vitals).credentials, retries=0) as sdk,
        pytest.raises(ExportError, match=r"table VS could not be read.*is as it was.*Next"),
    ):
        export_to_excel(sdk, STUDY, path, forms=FEW)
    assert path.read_bytes() == before


def test_partitions_of_many_studies_stand_side_by_side(box: Sandbox, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with ImednetSDK(**box.credentials) as sdk:
        export_to_hive_parquet(sdk, STUDY, lake, forms=FEW)
        export_to_hive_parquet(sdk, TWIN, lake, forms=["AE"])
        export_to_hive_parquet(sdk, STUDY, lake, forms=["AE"])
        with pytest.raises(ExportConfigurationError, match="as parquet-partitioned"):
            export_to_csv(sdk, STUDY, ParquetSink.home(lake, STUDY))
    assert {path.relative_to(lake).as_posix() for path in lake.rglob("*.*")} == {
        f"study={STUDY}/form=AE/part-0.parquet",
        f"study={STUDY}/form=VS/part-0.parquet",
        f"study={TWIN}/form=AE/part-0.parquet",
    }
    for study in (STUDY, TWIN):
        assert verify(ParquetSink.home(lake, study)).problems == []
    (lake / f"study={TWIN}" / "mine.parquet").write_text("mine")
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError, match="no earlier export wrote"):
        export_to_hive_parquet(sdk, TWIN, lake, forms=["AE"])


def test_a_lake_is_read_as_it_stands(box: Sandbox, tmp_path: Path) -> None:
    """Readers that are given the folder alone meet records, and nothing of the export's own."""
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow.dataset as ds

    lake = tmp_path / "lake"
    with ImednetSDK(**box.credentials) as sdk:
        rows = sum(export_to_hive_parquet(sdk, study, lake, entities=("subjects",)).rows for study in (STUDY, TWIN))
    assert len(pd.read_parquet(lake, columns=["recordId", "study", "form"])) == rows
    assert ds.dataset(lake, partitioning="hive").count_rows() == rows
    scanned = pl.scan_parquet(lake, hive_partitioning=True, missing_columns="insert", extra_columns="ignore")
    assert scanned.select(pl.len()).collect().item() == rows
    for query in (f"SELECT count(*) FROM '{lake}/**/*.parquet'",
                  f"SELECT count(*) FROM read_parquet('{lake}/**/*.parquet', union_by_name = true)"):  # fmt: skip
        with duckdb.connect() as db:
            assert db.execute(query).fetchone() == (rows,)


def test_the_long_table_keeps_the_answers_of_other_forms(box: Sandbox, tmp_path: Path) -> None:
    home = tmp_path / "long"

    def export(forms: list[str]) -> list[Row]:
        with ImednetSDK(**box.credentials) as sdk:
            sink = LongSink(CsvSink(home, readers=False))
            export_study(sdk, STUDY, sink, home=home, options=ExportOptions(forms=forms))
        from exporting import csv_rows

        return csv_rows(home / "answers.csv")

    both = export(FEW)
    assert {row["form"] for row in both} == {"AE", "VS"}
    again = export(["AE"])
    assert sorted(map(repr, again)) == sorted(map(repr, both))


def test_the_reading_scripts_know_the_tables_that_stay(box: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    scripts = []
    with ImednetSDK(**box.credentials) as sdk:
        for forms in (FEW, ["AE"]):
            export_to_csv(sdk, STUDY, folder, forms=forms)
            scripts.append([sorted((folder / name).read_text("utf-8").splitlines()) for name in ("read.R", "read.sas")])
    assert scripts[0][0] == scripts[1][0]
    assert {"data VS;", "data AE;"} <= set(scripts[1][1])


def test_columns_have_their_names_again_when_one_form_is_exported(box: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, folder, forms=FEW, names="label")
        first = json.loads((folder / "manifest.json").read_text())["columns"]
        export_to_csv(sdk, STUDY, folder, forms=["VS"], names="label")
        assert json.loads((folder / "manifest.json").read_text())["columns"] == first


class TestSqlTables:
    """Tables of a database that is used by others meanwhile."""

    def test_views_and_indexes_survive_ten_loads(self, box: Sandbox, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_sql(sdk, STUDY, f"sqlite:///{path}", home=tmp_path / "home", forms=FEW)
            with closing(sqlite3.connect(path)) as db, db:
                db.execute('CREATE VIEW mine AS SELECT count(*) AS n FROM "VS"')
                db.execute('CREATE INDEX mine_too ON "VS" ("siteId")')
                rows = db.execute("SELECT n FROM mine").fetchone()
            for _ in range(10):
                export_to_sql(sdk, STUDY, f"sqlite:///{path}", home=tmp_path / "home", forms=["VS"])
        with closing(sqlite3.connect(path)) as db, db:
            assert db.execute("SELECT n FROM mine").fetchone() == rows
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")]
            keys = [row[1] for row in db.execute('PRAGMA table_info("VS")') if row[5]]
            assert not [name for (name,) in db.execute("SELECT name FROM sqlite_master") if "_imednet_" in name
                        and name not in ("_imednet_tables", "sqlite_autoindex__imednet_tables_1")]  # fmt: skip
        assert "mine_too" in names
        assert [name for name in names if name.startswith("imednet_subject_")]
        assert keys == ["recordId"]

    def test_a_new_column_is_added_and_an_incompatible_one_is_told(
        self, box: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path, home = tmp_path / "x.db", tmp_path / "home"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_sql(sdk, STUDY, f"sqlite:///{path}", home=home, forms=FEW, values="typed")
            export_to_sql(sdk, STUDY, f"sqlite:///{path}", home=home, forms=["VS"], values="both")
            assert "made anew" not in caplog.text
            with closing(sqlite3.connect(path)) as db, db:
                names = [row[1] for row in db.execute('PRAGMA table_info("VS")')]
                assert names[-1].endswith("_raw")
                assert db.execute('SELECT count(*) FROM "VS" WHERE "SYSBP1_raw" IS NOT NULL').fetchone() != (0,)
            other = f"sqlite:///{tmp_path / 'y.db'}"
            export_to_sql(sdk, STUDY, other, home=tmp_path / "other", forms=["VS"], values="text")
            export_to_sql(sdk, STUDY, other, home=tmp_path / "other", forms=["VS"], values="both")
        assert "table VS" in caplog.text
        assert "'VSDAT' is text, and now date" in caplog.text

    def test_fewer_variables_never_empty_columns(self, box: Sandbox, tmp_path: Path) -> None:
        path, home = tmp_path / "x.db", tmp_path / "home"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_sql(sdk, STUDY, f"sqlite:///{path}", home=home, forms=["VS"])
            with pytest.raises(ExportConfigurationError, match=r"'VS' has columns that this run does not write.*Next"):
                export_to_sql(sdk, STUDY, f"sqlite:///{path}", home=home, forms=["VS"], variables=["SYSBP1"])

    def test_names_in_lower_case(self, box: Sandbox, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_sql(sdk, STUDY, f"sqlite:///{path}", home=tmp_path / "home", forms=["VS"], lowercase=True)
        with closing(sqlite3.connect(path)) as db, db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            columns = [row[1] for row in db.execute('PRAGMA table_info("vs")')]
        assert {"vs", "_dictionary", "_issues"} <= tables
        assert columns == [name.lower() for name in columns]

    def test_a_duckdb_keeps_views_indexes_and_other_schemas(self, box: Sandbox, tmp_path: Path) -> None:
        import duckdb

        path = tmp_path / "x.duckdb"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_duckdb(sdk, STUDY, path, forms=FEW)
            with duckdb.connect(str(path)) as db:
                db.execute('CREATE VIEW mine AS SELECT count(*) AS n FROM "VS"; CREATE INDEX i ON "VS" ("recordId")')
                rows = db.execute("SELECT n FROM mine").fetchone()
            for _ in range(3):
                export_to_duckdb(sdk, STUDY, path, forms=["VS"])
            export_to_duckdb(sdk, TWIN, path, schema="twin", forms=["AE"])
        with duckdb.connect(str(path)) as db:
            assert db.execute("SELECT n FROM mine").fetchone() == rows
            assert db.execute("SELECT index_name, table_name FROM duckdb_indexes()").fetchall() == [("i", "VS")]
            assert db.execute('SELECT count(*) FROM twin."AE"').fetchone() != (0,)


class TestTrouble:
    """Runs that go wrong over a target that is whole."""

    def test_records_of_unlisted_forms_stay_where_a_form_could_not_be_read(self, own_box: Make, tmp_path: Path) -> None:
        def unlisted(request: Request, answer: Any) -> Answer:
            return without_form("VS")(request, answer)

        def no_pass(request: Request, answer: Any) -> Answer:
            """Neither the pass over all records nor form AE can be read; each form can be counted."""
            query = str(request.query)
            whole = request.path.endswith("/records") and "formKey" not in query and "'1'" not in query
            return Answer(500, b"{}") if whole or ("AE" in query and "'1'" not in query) else unlisted(request, answer)

        folder = tmp_path / "out"
        with ImednetSDK(**own_box(intercept=unlisted).credentials) as sdk:
            export_to_csv(sdk, STUDY, folder)
        before = (folder / "_unassigned.csv").read_bytes()
        with ImednetSDK(**own_box(intercept=no_pass).credentials, retries=0) as sdk, pytest.raises(ImednetError):
            export_to_csv(sdk, STUDY, folder)
        assert (folder / "_unassigned.csv").read_bytes() == before

    def test_a_list_that_is_gone_takes_no_sheet(self, box: Sandbox, own_box: Make, tmp_path: Path) -> None:
        path = tmp_path / "study.xlsx"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_excel(sdk, STUDY, path, forms=["AE"], entities=("codings",))
        before = path.read_bytes()
        absent = own_box(intercept=lambda one, answer: Answer(404, b"{}") if "codings" in one.path else answer(one))
        with ImednetSDK(**absent.credentials, retries=0) as sdk, pytest.raises(ExportError, match="_codings"):
            export_to_excel(sdk, STUDY, path, forms=["AE"], entities=("codings",))
        assert path.read_bytes() == before

    def test_a_form_with_another_key_can_be_pruned(self, own_box: Make, box: Sandbox, tmp_path: Path) -> None:
        def renamed(request: Request, answer: Any) -> Answer:
            reply: Answer = answer(request)
            if request.path.endswith(("/forms", "/variables")):
                return Answer(200, reply.body.replace(b'"formKey":"VS"', b'"formKey":"VITALS"'), reply.headers)
            return reply

        folder = tmp_path / "out"
        with ImednetSDK(**own_box(intercept=renamed).credentials) as sdk:
            export_to_csv(sdk, STUDY, folder, forms=["VITALS"])
        with ImednetSDK(**box.credentials) as sdk:
            report = export_to_csv(sdk, STUDY, folder, forms=["VS"], prune=True)
        assert report.pruned == ["VITALS"]
        assert not (folder / "VITALS.csv").exists()
        assert (folder / "VS.csv").exists()

    def test_a_table_that_stayed_is_not_taken_for_a_new_one(self, box: Sandbox, tmp_path: Path) -> None:
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, tmp_path / "a", forms=FEW)
            export_to_csv(sdk, STUDY, tmp_path / "b", forms=FEW)
            export_to_csv(sdk, STUDY, tmp_path / "b", forms=["AE"])
        with pytest.raises(ArgumentError, match="form VS is in"):
            list(value_changes(Snapshot(tmp_path / "a"), Snapshot(tmp_path / "b")))

    def test_long_answers_that_somebody_removed_are_missed(self, box: Sandbox, tmp_path: Path) -> None:
        home = tmp_path / "long"
        with ImednetSDK(**box.credentials) as sdk:

            def export(forms: list[str]) -> None:
                sink = LongSink(CsvSink(home, readers=False))
                export_study(sdk, STUDY, sink, home=home, options=ExportOptions(forms=forms))

            export(FEW)
            (home / "answers.csv").unlink()
            with pytest.raises(ExportError, match=r"not there any more.*VS.*Next"):
                export(["AE"])

    def test_a_dictionary_that_was_saved_by_a_spreadsheet_stops_nothing(self, box: Sandbox, tmp_path: Path) -> None:
        folder = tmp_path / "out"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, folder, forms=FEW)
            for name in ("_dictionary.csv", "_issues.csv"):
                (folder / name).write_text((folder / name).read_text("utf-8").replace(",", ";"), "utf-8")
            assert export_to_csv(sdk, STUDY, folder, forms=["AE"]).complete
        assert "data VS;" not in (folder / "read.sas").read_text()

    def test_names_of_a_form_that_failed_stay_its_own(self, box: Sandbox, own_box: Make, tmp_path: Path) -> None:
        folder = tmp_path / "out"
        with ImednetSDK(**box.credentials) as sdk:
            first = export_to_csv(sdk, STUDY, folder, forms=FEW).manifest["columns"]
        bad = own_box(intercept=lambda one, answer: Answer(500, b"{}") if "VS" in str(one.query) else answer(one))
        with ImednetSDK(**bad.credentials, retries=0) as sdk, pytest.raises(ExportError):
            export_to_csv(sdk, STUDY, folder, forms=FEW, names="label")
        with ImednetSDK(**box.credentials) as sdk:
            last = export_to_csv(sdk, STUDY, folder, forms=FEW).manifest["columns"]
        assert last == first

    def test_two_snapshots_in_one_second_have_a_folder_each(self, tmp_path: Path) -> None:
        found = []
        for _ in range(3):
            found.append(new_dated_folder(tmp_path, STUDY, "csv"))
            found[-1].mkdir()
            (found[-1] / "manifest.json").write_text(
                json.dumps({"study": STUDY, "format": "csv", "status": "complete"})
            )
        assert len(set(found)) == 3

    def test_an_unfinished_dated_folder_of_another_format_is_left(self, tmp_path: Path) -> None:
        old = tmp_path / "2026-01-01T000000Z"
        old.mkdir()
        facts = {"study": STUDY, "format": "csv", "status": "incomplete"}
        (old / "manifest.json").write_text(json.dumps(facts))
        assert new_dated_folder(tmp_path, STUDY, "csv") == old
        assert new_dated_folder(tmp_path, STUDY, "parquet") != old
        (old / "manifest.json").write_text("damaged")
        assert new_dated_folder(tmp_path, STUDY, "csv") != old
