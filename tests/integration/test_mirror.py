"""A study kept in step: job J4, check by check, and what the history of a mirror answers."""

from __future__ import annotations

import asyncio
import json
import pickle
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars
import pytest
from deltalake import DeltaTable

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import (
    ArgumentError,
    IncompleteReadError,
    MirrorDamagedError,
    MirrorError,
    NotFoundError,
    ServerError,
)
from imednet.integrations import CsvSink, ParquetSink, export_to_parquet, study_frames
from imednet.mirror import Mirror
from imednet.mirror.delta_folder import DeltaFolder
from imednet.resources import RESOURCES
from imednet.sandbox import Answer, Sandbox
from imednet.workflows.query_management import QueryManagementWorkflow
from imednet.workflows.record_mapper import RecordMapperWorkflow
from imednet.workflows.visits import VisitsWorkflow
from mirroring import Killed, killed_at
from support import LISTS, STUDY

Make = Callable[..., Sandbox]
ALL = ["studies", *LISTS]


@pytest.fixture(params=["documented", "live"])
def dialect(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def sdk_of(box: Sandbox, **options: Any) -> ImednetSDK:
    return ImednetSDK(**box.credentials, backoff_factor=0, **{"retries": 0, "cache": False, **options})


def rows(sdk: ImednetSDK, name: str) -> list[dict[str, Any]]:
    wide = RESOURCES[name].wide
    if name == "studies":
        return [row for row in sdk.studies.list(raw=True) if row["studyKey"] == STUDY]
    found: list[dict[str, Any]] = getattr(sdk, name).list(STUDY, raw=True, **wide)
    return found


def check_equal(mirror: Mirror, sdk: ImednetSDK) -> None:
    """Every list of the mirror is as the server has it, field by field."""
    with mirror.sdk() as local:
        for name in ALL:
            assert rows(local, name) == rows(sdk, name), name


def asked(box: Sandbox) -> dict[str, int]:
    counts: dict[str, int] = {}
    for request in box.requests:
        last = request.path.rpartition("/")[2]
        counts[last] = counts.get(last, 0) + 1
    return counts


def test_j4_1_first_run_is_full_and_the_second_asks_each_list_once(own_box: Make, dialect: str, mirror: Mirror) -> None:
    box = own_box(dialect=dialect)
    with sdk_of(box) as sdk:
        first = mirror.sync(sdk, STUDY)
        assert (first.snapshot, first.inserted["records"], first.updated) == (1, 2786, {})
        check_equal(mirror, sdk)
        box.reset_stats()
        again = mirror.sync(sdk, STUDY)
    assert (again.snapshot, again.changed, again.requests) == (None, False, len(ALL))
    assert set(asked(box).values()) == {1}
    assert len(mirror.snapshots) == 1


def test_j4_2_a_day_gives_the_ids_of_the_calendar_with_its_deletions(
    own_box: Make, dialect: str, mirror: Mirror
) -> None:
    box = own_box(dialect=dialect)
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        with mirror.sdk() as local:
            before = {row["recordId"] for row in rows(local, "records")}
        done = box.advance(1)
        mirror.sync(sdk, STUDY)
        check_equal(mirror, sdk)
    calendar = box.manifest(ledger=False)["study"][STUDY]["calendar"]
    wanted = calendar[max(calendar)]
    with mirror.connect() as database:
        keys = [key for key in mirror._load().tables if not key.startswith("_")]
        query = " union all ".join(f'select _key, _line from history."{key}" where _snapshot = 2' for key in keys)
        found = {int(key): json.loads(line) for key, line in database.execute(query).fetchall()}
    assert set(found) == {*wanted["changed"], *wanted["deleted"]}
    assert {key for key, row in found.items() if row["deleted"]} == set(wanted["deleted"])
    assert len(set(found) - before) == done["new"]


def test_j4_3_a_burst_of_one_second_loses_and_doubles_nothing(own_box: Make, dialect: str, mirror: Mirror) -> None:
    box = own_box(dialect=dialect)
    study = box.studies[STUDY]
    records = study.records
    with sdk_of(box) as sdk:
        moment = "2026-10-31 23:59:30"
        places = list(records.places())[:1400]
        for place in places[:700]:
            records.change(place, dateModified=moment, recordStatus="Record Reviewed")
        mirror.sync(sdk, STUDY)
        for place in places[350:]:  # half of them had that second before; the watermark lies within the burst
            records.change(place, dateModified=moment, recordStatus="Record Locked")
        report = mirror.sync(sdk, STUDY)
        assert (report.inserted, report.updated, report.warnings) == ({}, {"records": 1050}, [])
        check_equal(mirror, sdk)
        assert not mirror.sync(sdk, STUDY).changed
    versions = mirror.history(records.row(places[500])["recordId"])
    assert [version.operation for version in versions] == ["insert", "update"]


def test_j4_4_the_watermark_is_the_servers_and_the_filter_is_in_iso(
    own_box: Make, dialect: str, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = own_box(dialect=dialect)
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        table = box.studies[STUDY].records
        for place in list(table.places())[:600]:
            table.change(place, dateModified="2026-11-05 10:00:00", recordStatus="Record Reviewed")
        # a date in the future must not hide what is changed before it
        table.change(list(table.places())[900], dateModified="2099-01-01 00:00:00")
        box.advance(6)
        box.reset_stats()
        monkeypatch.setattr("time.time", lambda: 0.0)  # a local clock that is wrong by decades changes nothing
        report = mirror.sync(sdk, STUDY)
        monkeypatch.undo()
        check_equal(mirror, sdk)
        assert not report.warnings
        filters = [
            dict(request.query).get("filter", "") for request in box.requests if request.path.endswith("records")
        ]
        dated = {clause for text in filters for clause in text.split(";") if clause.startswith("dateModified")}
        assert len(dated) == 1
        (clause,) = dated
        assert clause.startswith("dateModified>=2026-10-31T")
        assert clause.endswith("Z")
        assert all(text.count("dateModified") <= 1 and text.count("recordId") <= 1 for text in filters)
        table.change(list(table.places())[901], dateModified="2026-11-07 00:00:00", recordStatus="Record Locked")
        assert mirror.sync(sdk, STUDY).updated == {"records": 1}


def test_j4_5_a_run_that_dies_leaves_the_last_snapshot(own_box: Make, dialect: str, mirror: Mirror) -> None:
    failing = {"on": False}

    def intercept(request: Any, answer: Any) -> Answer:
        if failing["on"] and request.path.endswith("/visits"):
            return Answer(500, b"{}")
        found: Answer = answer(request)
        return found

    box = own_box(dialect=dialect, intercept=intercept)
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        with mirror.sdk() as local:
            before = rows(local, "records")
        box.advance(1)
        failing["on"] = True
        with pytest.raises(ServerError):
            mirror.sync(sdk, STUDY)
        failing["on"] = False
        for step in (1, 2, 3, 7, 20, 45):
            with pytest.raises(Killed), killed_at(step):
                mirror.sync(sdk, STUDY)
            assert mirror.number() == 1
            with mirror.sdk() as local:
                assert rows(local, "records") == before
        assert mirror.sync(sdk, STUDY).snapshot == 2
        check_equal(mirror, sdk)
    assert mirror.verify() == []


@pytest.mark.parametrize("refuses", ["filter", "sort", "both"])
def test_j4_6_a_server_that_refuses_dates_leads_to_a_full_comparison(
    own_box: Make, dialect: str, mirror: Mirror, refuses: str
) -> None:
    on = {"on": False}
    body = json.dumps({"metadata": {"status": "BAD_REQUEST", "error": {"code": "1000", "description": "no"}}}).encode()

    def intercept(request: Any, answer: Any) -> Answer:
        query = dict(request.query)
        by_filter = refuses != "sort" and "dateModified" in query.get("filter", "")
        by_sort = refuses != "filter" and query.get("sort", "").startswith("dateModified")
        if on["on"] and request.path.endswith("/records") and (by_filter or by_sort):
            return Answer(400, body)
        found: Answer = answer(request)
        return found

    box = own_box(dialect=dialect, intercept=intercept)
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        table = box.studies[STUDY].records
        box.advance(1)
        for place in list(table.places())[:600]:  # more than one answer holds
            table.change(place, dateModified="2026-11-01 10:00:00", recordStatus="Record Reviewed")
        table.remove(list(table.places())[1500])
        on["on"] = True
        report = mirror.sync(sdk, STUDY)
        assert any(text.startswith("records: ") and "compared" in text for text in report.warnings)
        assert report.updated["records"] >= 590
        assert report.deleted == {"records": 1}
        check_equal(mirror, sdk)


# ---------------------------------------------------------------------------------------------- deletions


@pytest.mark.parametrize(("count", "most"), [(1, 20), (10, 90)])
def test_hard_deletes_are_found_by_counting(own_box: Make, mirror: Mirror, count: int, most: int) -> None:
    box = own_box()
    table = box.studies[STUDY].records
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        places = list(table.places())
        for nth in range(count):
            table.remove(places[200 + nth * 240])
        report = mirror.sync(sdk, STUDY)
        assert report.deleted == {"records": count}
        assert report.requests - len(ALL) <= most
        check_equal(mirror, sdk)


def test_rows_that_come_late_under_an_old_number_are_found(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    table = box.studies[STUDY].records
    late = list(table.places())[700]
    with sdk_of(box) as sdk:
        table._removed.add(late)
        table.version += 1
        mirror.sync(sdk, STUDY)
        table._removed.discard(late)  # its date is months old
        table.version += 1
        table._places_kept = ((0, 0), ())
        report = mirror.sync(sdk, STUDY)
        assert report.inserted == {"records": 1}
        check_equal(mirror, sdk)


def test_a_comparison_finds_what_has_no_date(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    table = box.studies[STUDY].records
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        place = min(table.places(), key=list(table.values("dateModified")).__getitem__)
        table.change(place, recordStatus="Changed in silence")
        assert not mirror.sync(sdk, STUDY).changed
        report = mirror.sync(sdk, STUDY, reconcile=True)
        assert (report.operation, report.updated, report.undated) == ("reconcile", {"records": 1}, {"records": 1})
        table.change(place, recordStatus="And again")
        box.advance(7)
        assert mirror.sync(sdk, STUDY, reconcile=False).undated == {}
        due = mirror.sync(sdk, STUDY)  # a week after the last one it is done unasked
        assert (due.operation, due.undated) == ("reconcile", {"records": 1})
        assert not mirror.sync(sdk, STUDY).changed
        check_equal(mirror, sdk)


@pytest.mark.parametrize("by", [1, 2])
def test_a_server_that_miscounts_is_an_error_and_nothing_is_written(own_box: Make, mirror: Mirror, by: int) -> None:
    lying = {"on": False}

    def intercept(request: Any, answer: Any) -> Answer:
        found: Answer = answer(request)
        query = dict(request.query)
        if lying["on"] and request.path.endswith("/records") and query["size"] == "1" and "filter" not in query:
            body = json.loads(found.body)
            body["pagination"]["totalElements"] += by
            body["pagination"]["totalPages"] += by
            return Answer(200, json.dumps(body).encode())
        return found

    box = own_box(intercept=intercept)
    table = box.studies[STUDY].records
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        table.remove(list(table.places())[3])
        lying["on"] = True
        with pytest.raises(IncompleteReadError):
            mirror.sync(sdk, STUDY)
        assert len(mirror.snapshots) == 1


# ---------------------------------------------------------------------------------------------- questions


def test_changes_are_those_of_the_day_cell_by_cell_with_who_and_why(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        before = {row["recordId"]: row for row in rows(sdk, "records")}
        box.advance(1)
        mirror.sync(sdk, STUDY)
        after = {row["recordId"]: row for row in rows(sdk, "records")}
        revisions = {(row["recordId"], row["dateCreated"]): row for row in rows(sdk, "record_revisions")}
    expected = {}
    for key, row in after.items():
        was = before.get(key)
        if was == row:
            continue
        revision = revisions[key, row["dateModified"]]
        for name, cell in _cells(row).items():
            old = _cells(was).get(name) if was else None
            if cell != old and (was or name not in row or name in ("recordStatus", "deleted")):
                expected[key, name] = (old, cell, revision["user"], revision["reasonForChange"])
    found = {
        (int(one.key), one.name): (one.before, one.after, one.user, one.reason)
        for one in mirror.changes(1)
    }  # fmt: skip
    assert found == expected
    assert all(one.explained for one in mirror.changes(1))


def _cells(row: dict[str, Any]) -> dict[str, str | None]:
    cells: dict[str, Any] = {**row, **(row["recordData"] or {})}
    cells.pop("recordData")
    cells.pop("dateModified")
    if "dateCreated" in (row["recordData"] or {}):
        cells["dateCreated"] = row["dateCreated"]
    texts: dict[str, str | None] = {}
    for name, cell in cells.items():
        if cell in (None, "", []) and not isinstance(cell, bool):
            texts[name] = None
        else:
            texts[name] = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, separators=(",", ":"))
    return texts


def test_a_change_that_no_revision_explains_is_told(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    table = box.studies[STUDY].records
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        table.change(5, dateModified="2026-11-01 00:00:00", recordStatus="Locked from behind")
        mirror.sync(sdk, STUDY)
    (change,) = mirror.changes(1)
    assert (change.name, change.after, change.explained, change.user) == (
        "recordStatus", "Locked from behind", False, None,
    )  # fmt: skip
    assert "Locked" not in repr(change)


def test_frames_and_exports_as_of_a_snapshot_are_those_of_that_day(
    own_box: Make, mirror: Mirror, tmp_path: Path
) -> None:
    box = own_box(dialect="live")
    kept = {}
    with sdk_of(box) as sdk:
        for day in (1, 2, 3):
            if day > 1:
                box.advance(1)
            mirror.sync(sdk, STUDY)
            kept[day] = study_frames(sdk, STUDY, entities=["all"], disabled=True)
        export_to_parquet(sdk, STUDY, tmp_path / "server")
    for day, wanted in kept.items():
        found = mirror.frames(day, entities=["all"], disabled=True)
        assert found.keys() == wanted.keys()
        for key, frame in wanted.items():
            assert frame.equals(found[key]), (day, key)
    assert mirror.number("2026-11-01") == mirror.number(date(2026, 11, 1)) == 1
    assert mirror.number("2026-11-02 12:00:00") == 2
    with pytest.raises(MirrorError, match="has no snapshot"):
        mirror.number("2026-10-01")
    report = mirror.export(ParquetSink(tmp_path / "local"), home=tmp_path / "local")
    assert report.complete
    for path in (tmp_path / "server").glob("*.parquet"):
        assert polars.read_parquet(path).equals(polars.read_parquet(tmp_path / "local" / path.name)), path.name


def test_workflows_take_a_mirror_in_the_place_of_an_sdk(own_box: Make, mirror: Mirror) -> None:
    box = own_box(dialect="live")
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        queries = QueryManagementWorkflow(sdk).get_open_queries(STUDY)
        windows = VisitsWorkflow(sdk).windows(STUDY)
        events = RecordMapperWorkflow(sdk).dataframe(STUDY, form_key="AE")
        subject = sdk.workflows.subject_data.get_all_subject_data(STUDY, "301-001")
        uncoded = sdk.workflows.coding_reconciliation.report(STUDY).to_rows()
        box.stop()  # nothing is asked of it from here on
        with mirror.sdk() as local:
            assert QueryManagementWorkflow(local).get_open_queries(STUDY) == queries
            assert VisitsWorkflow(local).windows(STUDY) == windows
            assert RecordMapperWorkflow(local).dataframe(STUDY, form_key="AE").equals(events)
            assert local.workflows.subject_data.get_all_subject_data(STUDY, "301-001") == subject
            assert local.workflows.coding_reconciliation.report(STUDY).to_rows() == uncoded
            with pytest.raises(MirrorError, match="read only"):
                local.records.create(STUDY, [{"formKey": "AE", "data": {"A": "1"}}])
            with pytest.raises(MirrorError, match="not of"):
                local.records.list("OTHER")
            with pytest.raises(MirrorError):
                local.jobs.get(STUDY, "x")

        with pickle.loads(pickle.dumps(mirror.sdk())) as elsewhere:
            assert len(elsewhere.subjects.list(STUDY)) == 48

    async def ask() -> Any:
        async with mirror.async_sdk() as local:
            return await local.workflows.query_management.get_open_queries(STUDY)

    assert asyncio.run(ask()) == queries


@pytest.mark.parametrize(
    "options",
    [
        {"form_key": "AE"}, {"form_key": ["AE", "VS"]}, {"subject_key": "301-001"}, {"site_id": 301, "form_key": "CM"},
        {"date_modified": (">=", "2026-10-31T00:00:00Z")}, {"filter": "formKey==AE,siteId==301"},
        {"filter": "formKey == AE and siteId != 301"}, {"record_data_filter": "AESER==Yes"},
        {"record_data_filter": "AETERM=~head"}, {"record_id": {">=": 5000100, "<": 5000900}}, {"form_key": "NONE"},
        {"sort": "dateModified,desc", "form_key": "VS"},
    ],
)  # fmt: skip
def test_filters_of_a_mirror_choose_the_rows_that_the_server_chooses(
    box: Sandbox, tmp_path_factory: pytest.TempPathFactory, options: dict[str, Any]
) -> None:
    mirror = Mirror(tmp_path_factory.getbasetemp() / "filtered")
    with sdk_of(box) as sdk:
        if not mirror.folder.exists():
            mirror.sync(sdk, STUDY)
        wanted = sdk.records.list(STUDY, raw=True, **options)
        with mirror.sdk() as local:
            found = local.records.list(STUDY, raw=True, **options)
            assert list(found) == list(wanted)
            assert found.proof.rule == "mirror"
            assert local.records.count(STUDY, **{k: v for k, v in options.items() if k != "sort"}) == len(wanted)


def test_the_proof_of_a_list_says_how_the_mirror_had_it(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        box.advance(1)
        mirror.sync(sdk, STUDY)
    with mirror.sdk(1) as first, mirror.sdk() as second:
        assert first.records.list(STUDY).proof.status == "proven"
        proof = second.records.list(STUDY).proof
    assert (proof.status, proof.rule) == ("unproven", "mirror")
    assert str(proof.reason).startswith("kept in step by dates and counts since all rows were read at 2026-11-01")


def test_sql_over_a_mirror(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        box.advance(3)
        mirror.sync(sdk, STUDY)
        now, events = len(rows(sdk, "records")), len([r for r in rows(sdk, "records") if r["formKey"] == "AE"])
    with mirror.connect() as database:
        forms = [key for key in mirror._load().tables if not key.startswith("_")]
        counted = sum(database.execute(f'select count(*) from "{key}"').fetchall()[0][0] for key in forms)
        assert counted == now
        assert database.execute("select count(*) from ae").fetchall() == [(events,)]
        assert database.execute("select count(*) from ae_as_of(1)").fetchall() == [(67,)]
        assert database.execute("select count(*) from as_of.ae(1)").fetchall() == [(67,)]
        versions = database.execute("select count(*), max(_snapshot) from ae_history").fetchall()[0]
        assert versions[0] > events
        assert versions[1] == 2
        assert database.execute("select count(*) from _subjects").fetchall() == [(48,)]
        assert database.execute("select max(snapshot) from _snapshots").fetchall() == [(2,)]
        assert database.execute("select typeof(aestdat_min) from ae limit 1").fetchall() == [("DATE",)]


# ---------------------------------------------------------------------------------------------- on disk


def test_every_table_is_delta_lake_that_readers_of_2024_accept(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        box.advance(2)
        mirror.sync(sdk, STUDY)
    for state in mirror._load().tables.values():
        folder = mirror.folder / state.folder
        table = DeltaTable(str(folder))
        protocol = table.protocol()
        features = set(protocol.reader_features or ())
        assert (protocol.min_reader_version, features) in ((1, set()), (3, {"timestampNtz"})), state.key
        assert {Path(uri).name for uri in table.file_uris()} == {file.name for file in state.files}
        log = "".join(path.read_text("utf-8") for path in (folder / "_delta_log").glob("*.json"))
        assert "delta.appendOnly" in log
        assert "columnMapping" not in log
        assert "minValues" not in log  # answers are in the files alone
        frame = polars.read_delta(str(folder))
        assert len(frame) == state.versions
        arrow = table.to_pyarrow_dataset()
        with duckdb.connect() as database:
            database.register("t", arrow)
            assert database.execute("select count(*) from t").fetchall() == [(state.versions,)]


def test_folders_and_files_are_for_their_owner_alone(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        for _ in range(9):  # compactions too
            box.advance(1)
            mirror.sync(sdk, STUDY)
    assert any(snapshot.operation == "compact" for snapshot in mirror.snapshots)
    for path in [mirror.folder, *mirror.folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert mirror.verify() == []


def test_a_mirror_made_blinded_never_holds_blinded_answers(own_box: Make, tmp_path: Path) -> None:
    box = own_box(switches={"blindedValues": "shown"})
    blinded, open_mirror = Mirror(tmp_path / "blinded"), Mirror(tmp_path / "open")
    with sdk_of(box) as sdk:
        hidden = {(v.form_key, v.variable_name) for v in sdk.variables.list(STUDY) if v.blinded}
        assert hidden
        for _ in range(2):
            blinded.sync(sdk, STUDY)
            open_mirror.sync(sdk, STUDY, unblind="interim analysis 3")
            box.advance(1)
        with pytest.raises(MirrorError, match="without blinded answers"):
            blinded.sync(sdk, STUDY, unblind="curious")
    assert _held(blinded) & hidden == set()
    assert _held(open_mirror) & hidden == hidden
    facts = json.dumps([row[0] for row in open_mirror._log._rows()])
    assert "interim analysis 3" in facts
    with pytest.raises(ArgumentError):
        open_mirror.sync(sdk, STUDY, unblind=" ")


def _held(mirror: Mirror) -> set[tuple[str, str]]:
    """Form and variable of every answer in any version."""
    found = set()
    with mirror.connect() as database:
        for key in mirror._load().tables:
            if not key.startswith("_"):
                for (line,) in database.execute(
                    f'select _line from history."{key}" where _line is not null'
                ).fetchall():
                    row = json.loads(line)
                    found |= {(row["formKey"], name) for name in row["recordData"] or {}}
    return found


def test_a_variable_that_is_blinded_later_goes_and_one_revealed_comes(own_box: Make, mirror: Mirror) -> None:
    box = own_box(switches={"blindedValues": "shown"})
    variables = box.studies[STUDY].table("variables")
    place = next(p for p in variables.places() if variables.row(p)["variableName"] == "AETERM")
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        variables.change(place, blinded=True, dateModified="2026-11-01 00:00:00")
        mirror.sync(sdk, STUDY)
        with mirror.sdk() as local:
            assert all("AETERM" not in (row["recordData"] or {}) for row in rows(local, "records"))
        assert not mirror.sync(sdk, STUDY).changed
        variables.change(place, blinded=False, dateModified="2026-11-01 00:00:00")
        mirror.sync(sdk, STUDY)
        check = [row for row in rows(sdk, "records") if row["formKey"] == "AE"]
        with mirror.sdk() as local:
            assert [row for row in rows(local, "records") if row["formKey"] == "AE"] == check
        assert not mirror.sync(sdk, STUDY).changed


def test_a_column_whose_type_changed_keeps_both(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    variables = box.studies[STUDY].table("variables")
    place = next(p for p in variables.places() if variables.row(p)["variableName"] == "SYSBP1")
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        variables.change(place, variableType="TEXT", dateModified="2026-11-01 00:00:00")
        mirror.sync(sdk, STUDY)
    with mirror.connect() as database, mirror.connect(1) as before:
        assert database.execute("select typeof(SYSBP1), count(SYSBP1) from vs group by 1").fetchall()[0][0] == "VARCHAR"
        assert database.execute("select count(SYSBP1) > 100 from vs").fetchall() == [(True,)]
        assert before.execute("select count(*) from vs").fetchall() == [(269,)]
    assert mirror.frames(1, forms=["VS"])["VS"]["SYSBP1"].dtype == "Float64"
    assert mirror.frames(2, forms=["VS"])["VS"]["SYSBP1"].dtype == "string"
    assert list(mirror.changes(1)) == []
    operations = {version.operation for version in mirror.history(mirror.frames(1, forms=["VS"])["VS"]["recordId"][0])}
    assert operations == {"insert", "retype"}


def test_it_may_be_moved_copied_and_read_while_it_is_written(own_box: Make, mirror: Mirror, tmp_path: Path) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        shutil.copytree(mirror.folder, tmp_path / "a copy [1] of 100%")
        moved = Mirror(tmp_path / "a copy [1] of 100%")
        box.advance(1)
        reader = mirror.sdk()
        database = mirror.connect()
        assert moved.sync(sdk, STUDY).snapshot == 2
        assert mirror.sync(sdk, STUDY).snapshot == 2
        assert len(reader.records.list(STUDY)) == 2786
        assert database.execute("select count(*) from ae").fetchall() == [(67,)]
        reader.close()
        database.close()
        check_equal(moved, sdk)
        assert moved.verify() == mirror.verify() == []


def test_two_runs_at_once_one_is_refused(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        with mirror._locked(), pytest.raises(MirrorError, match="being written by another program"):
            Mirror(mirror.folder).sync(sdk, STUDY)
        with pytest.raises(MirrorError, match="is a mirror of study"):
            mirror.sync(sdk, "TIDEWATER-201-DEV1")
        assert not mirror.sync(sdk, STUDY).changed


def test_what_was_tampered_with_is_told(own_box: Make, mirror: Mirror, tmp_path: Path) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        box.advance(1)
        mirror.sync(sdk, STUDY)
    copy = tmp_path / "copy"
    state = mirror._load()
    victim = state.tables["AE"]

    def tampered() -> Path:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(mirror.folder, copy)
        return copy

    file = tampered() / victim.folder / victim.files[0].name
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert "not as it was written" in Mirror(copy).verify()[0]
    (tampered() / victim.folder / victim.files[0].name).unlink()
    assert "is missing" in Mirror(copy).verify()[0]
    tampered()
    entries = sorted((copy / "snapshots" / "_delta_log").glob("*.json"))
    first = next(json.loads(line)["add"]["path"] for line in entries[0].read_text().splitlines() if '"add"' in line)
    shutil.copy(copy / "snapshots" / first, copy / "snapshots" / _last(entries[-1]))
    assert Mirror(copy).verify()
    with pytest.raises(MirrorDamagedError):
        Mirror(copy).number()


def _last(entry: Path) -> str:
    found: str = next(json.loads(line)["add"]["path"] for line in entry.read_text().splitlines() if '"add"' in line)
    return found


@pytest.mark.parametrize("content", [b"", b'{"commitInfo":{"ti'])
def test_a_commit_torn_by_a_power_cut_is_taken_back(own_box: Make, mirror: Mirror, content: bytes) -> None:
    box = own_box()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        for table in (mirror.folder / "snapshots", mirror.folder / "forms" / "AE"):
            (table / "_delta_log" / f"{DeltaFolder(table).version + 1:020}.json").write_bytes(content)  # type: ignore[operator]
        box.advance(1)
        assert mirror.sync(sdk, STUDY).snapshot == 2
        check_equal(mirror, sdk)
        assert mirror.verify() == []


def test_a_killed_program_leaves_nothing_half_done(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    program = (
        "import sys\nfrom imednet import ImednetSDK\nfrom imednet.mirror import Mirror\n"
        "from imednet.mirror.delta_folder import DeltaFolder\nimport os, signal\n"
        "count = 0\nwrite = DeltaFolder._finish\n"
        "def finish(self):\n    global count\n    count += 1\n    write(self)\n"
        "    if count == int(sys.argv[3]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "DeltaFolder._finish = finish\n"
        "with ImednetSDK('demo-api-key', 'demo-security-key', sys.argv[1], allow_http=True) as sdk:\n"
        "    Mirror(sys.argv[2]).sync(sdk, 'TIDEWATER-201')\n"
    )
    with sdk_of(box) as sdk:
        for step in (1, 12):
            run = subprocess.run([sys.executable, "-c", program, box.url, str(mirror.folder), str(step)], check=False)
            assert run.returncode == -9
            with pytest.raises(MirrorError, match="is no mirror"):
                mirror.number()
        assert mirror.sync(sdk, STUDY).snapshot == 1
        check_equal(mirror, sdk)
        assert not (mirror.folder / ".work").exists()
        files = {path.name for path in (mirror.folder / "forms" / "REG").glob("*.parquet")}
        assert files == {file.name for file in mirror._load().tables["REG"].files}


def test_an_asynchronous_sync_can_be_cancelled(own_box: Make, mirror: Mirror) -> None:
    box = own_box()

    async def work() -> None:
        async with AsyncImednetSDK(**box.credentials) as sdk:
            started = asyncio.Event()
            loop = asyncio.get_running_loop()

            def tell(*_: object) -> None:
                loop.call_soon_threadsafe(started.set)

            task = asyncio.ensure_future(mirror.sync_async(sdk, STUDY, progress=tell))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(MirrorError):
                mirror.number()
            report = await mirror.sync_async(sdk, STUDY)
            assert report.snapshot == 1

    asyncio.run(work())


def test_what_is_not_there_is_told(own_box: Make, mirror: Mirror, tmp_path: Path) -> None:
    box = own_box()
    with pytest.raises(MirrorError, match="is no mirror"):
        mirror.frames()
    assert not mirror.folder.exists()
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
    with pytest.raises(NotFoundError):
        mirror.history(1)
    with pytest.raises(ArgumentError, match="'recrods' is no list"):
        mirror.history(1, of="recrods")
    for words in (["updated"], "update", ["insert", "deleted"]):
        with pytest.raises(ArgumentError, match="insert, update, delete"):
            mirror.changes(0, operations=words)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="never had a subject"):
        mirror.changes(0, subject_key="999-001")
    with pytest.raises(MirrorError, match="no rows of 'XX'"):
        mirror.changes(0, forms=["XX"])
    with pytest.raises(ArgumentError, match="is no snapshot"):
        mirror.number("yesterday")
    sink = CsvSink(tmp_path / "out")
    assert mirror.export(sink, home=tmp_path / "out", as_of=1).complete


def test_a_list_that_the_server_lacks(own_box: Make, mirror: Mirror) -> None:
    box = own_box(switches={"codingsPage": "404"})
    with sdk_of(box) as sdk:
        mirror.sync(sdk, STUDY)
        assert not mirror.sync(sdk, STUDY).changed
        with mirror.sdk() as local, pytest.raises(NotFoundError):
            local.codings.list(STUDY)
        box.api.switches.set({"codingsPage": "present"})
        assert mirror.sync(sdk, STUDY).inserted == {"codings": 403}
