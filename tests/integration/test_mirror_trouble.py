"""What a hostile reader found in mirrors, each of its kind: designs that change, answers that lie, folders, privacy."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imednet import ImednetSDK
from imednet.errors import (
    ArgumentError,
    ExportConfigurationError,
    MirrorDamagedError,
    MirrorError,
    NotFoundError,
)
from imednet.mirror import Mirror
from imednet.mirror.delta_folder import DeltaFolder
from imednet.mirror.list_source import ListSource
from imednet.sandbox import Answer, Sandbox
from mirroring import STUDY, Killed, StudyServer, killed_at, mirrored, rows_of
from small_study import DAY, form, record, touch, variable
from support import STUDY as SANDBOX_STUDY

Make = Callable[..., Sandbox]


def lines_of(mirror: Mirror) -> str:
    """Every line of every version of every table."""
    texts = []
    with mirror.connect() as database:
        for key in mirror._load().tables:
            rows = database.execute(f'select _line from history."{key}" where _line is not null').fetchall()
            texts += [line for (line,) in rows]
    return "\n".join(texts)


# ---------------------------------------------------------------------------------------------- designs that change


def test_a_form_that_goes_and_comes_back_has_its_records_again(server: StudyServer, mirror: Mirror) -> None:
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        gone = server.lists["forms"].pop(1)
        server.now += DAY
        mirror.sync(sdk, STUDY)
        server.lists["forms"][1] = gone
        server.now += DAY
        report = mirror.sync(sdk, STUDY)
        assert (report.inserted, report.deleted) == ({"forms": 1}, {})
    with mirror.connect() as database:
        assert database.execute("select count(*) from ae").fetchall() == [(3,)]
        assert database.execute("select count(*) from _unassigned").fetchall() == [(0,)]
    assert list(mirror.changes(1)) == []


def test_a_form_with_a_new_key_is_found_under_it(server: StudyServer, mirror: Mirror) -> None:
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        server.now += DAY
        touch(server, "forms", 1, formKey="AE2")
        for row in server.lists["records"].values():  # without a date
            row["formKey"] = "AE2" if row["formId"] == 1 else row["formKey"]
        mirror.sync(sdk, STUDY)
        with mirror.sdk() as local:
            assert len(local.records.list(STUDY, form_key="AE2")) == 3
            assert len(local.records.list(STUDY, form_key="AE")) == 0
        assert mirrored(mirror, ["records"])["records"].keys() == rows_of(server, "records").keys()
        moved = {(one.operation, one.name) for one in mirror.changes(1, forms=["AE2"])}
        assert moved == {("update", "formKey")}
        with pytest.raises(MirrorError, match="its records are among AE2"):
            mirror.changes(1, forms=["AE"])


def test_keys_that_differ_by_case_are_two_forms(server: StudyServer, mirror: Mirror) -> None:
    form(server, 3, "ae")
    variable(server, 3, "ae", "TERM")
    record(server, 300, 3, "ae", TERM="x")
    server.now += DAY
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        server.now += DAY
        touch(server, "records", 100, recordStatus="closed")
        mirror.sync(sdk, STUDY)
    assert [(one.form, one.name) for one in mirror.changes(1)] == [("AE", "recordStatus")]
    assert len(list(mirror.changes(1, forms=["AE"]))) == 1
    assert list(mirror.changes(1, forms=["ae"])) == []
    with mirror.connect() as database:
        assert database.execute('select count(*) from "AE"').fetchall() == [(3,)]
        assert database.execute('select count(*) from "ae_2"').fetchall() == [(1,)]


def test_sql_shows_each_snapshot_under_its_own_design(server: StudyServer, mirror: Mirror) -> None:
    variable(server, 2, "VS", "AGE", "NUMBER")
    variable(server, 2, "VS", "N")
    for number in (200, 201, 202):
        server.lists["records"][number]["recordData"] |= {"AGE": str(number), "N": "n"}
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        server.now += DAY
        age = next(key for key, row in server.lists["variables"].items() if row["variableName"] == "AGE")
        touch(server, "variables", age, variableType="TEXT")
        mirror.sync(sdk, STUDY)
        server.now += DAY
        del server.lists["variables"][age]
        form(server, 4, "EMPTY")
        variable(server, 4, "EMPTY", "X", "NUMBER")
        mirror.sync(sdk, STUDY)
    with mirror.connect(1) as first, mirror.connect(2) as second, mirror.connect() as last:
        assert first.execute("select AGE from vs order by 1").fetchall() == [(200.0,), (201.0,), (202.0,)]
        assert second.execute("select AGE from vs order by 1").fetchall() == [("200",), ("201",), ("202",)]
        assert [one[0] for one in last.execute("describe vs").fetchall()].count("AGE") == 0
        assert last.execute("select count(AGE), count(N), max(N) from vs_as_of(1)").fetchall() == [(3, 3, "n")]
        assert last.execute("select count(*) from empty_history").fetchall() == [(0,)]
        assert last.execute("select typeof(X) from empty").fetchall() == []


def test_a_variable_spelled_in_another_case_after_its_form_was_made_anew(server: StudyServer, mirror: Mirror) -> None:
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        for name in ("forms", "variables", "records"):
            rows = server.lists[name]
            for key in [key for key, row in rows.items() if row["formKey"] == "VS"]:
                del rows[key]
        server.now += DAY
        mirror.sync(sdk, STUDY)
        form(server, 9, "VS")
        variable(server, 9, "VS", "term")
        record(server, 900, 9, "VS", term="again")
        mirror.sync(sdk, STUDY)
    assert mirror.frames(forms=["VS"])["VS"]["term"].tolist() == ["again"]
    with mirror.connect() as database:
        assert database.execute("select term from vs").fetchall() == [("again",)]


# ---------------------------------------------------------------------------------------------- servers


@pytest.mark.parametrize("name", ["variables", "records", "forms"])
def test_a_404_for_what_every_study_has_is_an_error(own_box: Make, mirror: Mirror, name: str) -> None:
    def intercept(request: Any, answer: Any) -> Answer:
        found: Answer = Answer(404, b"{}") if request.path.endswith(f"/{name}") else answer(request)
        return found

    box = own_box(intercept=intercept)
    with ImednetSDK(**box.credentials, cache=False) as sdk, pytest.raises(NotFoundError):
        mirror.sync(sdk, SANDBOX_STUDY)
    assert not (mirror.folder / "snapshots").exists()


def test_a_list_that_is_lost_keeps_its_rows_and_no_proof(own_box: Make, mirror: Mirror) -> None:
    lost = {"on": False}

    def intercept(request: Any, answer: Any) -> Answer:
        gone = lost["on"] and request.path.endswith("/codings")
        found: Answer = Answer(404, b"{}") if gone else answer(request)
        return found

    box = own_box(intercept=intercept)
    with ImednetSDK(**box.credentials, cache=False) as sdk:
        mirror.sync(sdk, SANDBOX_STUDY)
        lost["on"] = True
        assert "no longer has this list" in mirror.sync(sdk, SANDBOX_STUDY).warnings[0]
        with mirror.sdk() as local:
            codings = local.codings.list(SANDBOX_STUDY)
        assert (len(codings), codings.proof.status) == (403, "unproven")
        commits = len(mirror.snapshots)
        mirror.sync(sdk, SANDBOX_STUDY)
        assert len(mirror.snapshots) == commits
        lost["on"] = False
        mirror.sync(sdk, SANDBOX_STUDY)
        with mirror.sdk() as local:
            assert local.codings.list(SANDBOX_STUDY).proof.status == "proven"


def test_answers_that_would_empty_a_list_are_refused(own_box: Make, mirror: Mirror) -> None:
    box = own_box()
    table = box.studies[SANDBOX_STUDY].records
    with ImednetSDK(**box.credentials, cache=False) as sdk:
        mirror.sync(sdk, SANDBOX_STUDY)
        for place in list(table.places())[10:]:
            table.remove(place)
        with pytest.raises(MirrorError, match="has 10 rows where the mirror has 2786"):
            mirror.sync(sdk, SANDBOX_STUDY)
        assert mirror.number() == 1
        assert mirror.sync(sdk, SANDBOX_STUDY, accept_deletions=True).deleted == {"records": 2776}


def test_rows_with_ids_of_text_are_compared_in_full(server: StudyServer, mirror: Mirror) -> None:
    server.page = 4
    server.lists["records"] = {
        f"r{number}": {**row, "recordId": f"r{number}"} for number, row in server.lists["records"].items()
    }
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        del server.lists["records"]["r101"]
        server.now += DAY
        report = mirror.sync(sdk, STUDY)
    assert report.deleted == {"records": 1}
    assert any("compared" in text for text in report.warnings)


def test_a_late_change_within_the_first_answer_is_taken(
    server: StudyServer, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.page = 5
    monkeypatch.setattr(ListSource, "head_rows", 5)
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        server.now += DAY
        record(server, 500, 1, "AE", TERM="new")
        late = server.lists["records"][202]
        late |= {"recordStatus": "late", "dateModified": (server.now - DAY / 2).strftime("%Y-%m-%d %H:%M:%S")}
        mirror.sync(sdk, STUDY)
    held = mirrored(mirror, ["records"])["records"]
    assert held.keys() == rows_of(server, "records").keys()
    assert json.loads(held["202"])["recordStatus"] == "late"


# ---------------------------------------------------------------------------------------------- privacy


def test_what_was_ever_blinded_stays_away_whatever_becomes_of_the_design(server: StudyServer, mirror: Mirror) -> None:
    for number in (200, 201, 202):
        server.lists["records"][number]["recordData"].pop("ARM")
    record(server, 400, None, "ae", ARM="SECRET")
    record(server, 401, "1", "AE", ARM="SECRET")
    record(server, 402, 1, "OLDKEY", ARM="SECRET")
    record(server, 403, 77, "GONE", arm="SECRET")
    server.lists["codings"][1, 1] = {
        "codingId": 1, "revision": 1, "formId": 1, "variable": "ARM", "value": "SECRET", "code": "SECRET",
        "dateCoded": server.text,
    }  # fmt: skip
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        arm = next(key for key, row in server.lists["variables"].items() if row["blinded"])
        server.now += DAY
        kept = server.lists["variables"].pop(arm)  # no longer in the design
        touch(server, "records", 100, recordStatus="closed")
        mirror.sync(sdk, STUDY, reconcile=True)
        server.now += DAY
        server.lists["variables"][arm] = {**kept, "formId": "1"}
        del server.lists["forms"][1]
        touch(server, "records", 101, recordStatus="closed")
        mirror.sync(sdk, STUDY, reconcile=True)
        assert "SECRET" not in lines_of(mirror)
        for path in mirror.folder.rglob("*"):
            assert not path.is_file() or b"SECRET" not in path.read_bytes()
        with pytest.raises(ExportConfigurationError, match="without blinded answers"):
            mirror.frames(unblind="because")


def test_blinding_and_revealing_are_no_changes_of_data(server: StudyServer, mirror: Mirror) -> None:
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        arm = next(key for key, row in server.lists["variables"].items() if row["blinded"])
        server.now += DAY
        touch(server, "variables", arm, blinded=False)
        revealed = mirror.sync(sdk, STUDY)
        assert revealed.updated == {"variables": 1}
        with mirror.sdk() as local:
            assert (local.records.list(STUDY, form_key="AE")[0].record_data or {})["ARM"] == "SECRET"
        server.now += DAY
        touch(server, "variables", arm, blinded=True)
        touch(server, "records", 100, recordStatus="closed")
        mirror.sync(sdk, STUDY)
        with mirror.sdk() as local:
            assert all("ARM" not in (row.record_data or {}) for row in local.records.list(STUDY, form_key="AE"))
    assert [(one.key, one.name) for one in mirror.changes(1)] == [("100", "recordStatus")]


def test_a_form_with_an_odd_key_is_read_again_too(server: StudyServer, mirror: Mirror) -> None:
    form(server, 5, "A E;recordId>100")
    variable(server, 5, "A E;recordId>100", "X", blinded=True)
    record(server, 600, 5, "A E;recordId>100", X="shown later")
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        server.now += DAY
        hidden = next(key for key, row in server.lists["variables"].items() if row["variableName"] == "X")
        touch(server, "variables", hidden, blinded=False)
        mirror.sync(sdk, STUDY)
        assert json.loads(mirrored(mirror, ["records"])["records"]["600"])["recordData"] == {"X": "shown later"}


def test_changes_where_the_server_has_no_revisions_are_not_called_unexplained(own_box: Make, mirror: Mirror) -> None:
    def intercept(request: Any, answer: Any) -> Answer:
        found: Answer = Answer(404, b"{}") if request.path.endswith("/recordRevisions") else answer(request)
        return found

    box = own_box(intercept=intercept)
    with ImednetSDK(**box.credentials, cache=False) as sdk:
        mirror.sync(sdk, SANDBOX_STUDY)
        box.advance(1)
        mirror.sync(sdk, SANDBOX_STUDY)
    assert {one.explained for one in mirror.changes(1)} == {None}
    with pytest.raises(ArgumentError, match="earlier one comes first"):
        mirror.changes(2, 1)


# ---------------------------------------------------------------------------------------------- folders


def test_tables_without_their_commits_are_refused_and_kept(server: StudyServer, mirror: Mirror) -> None:
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        server.now += DAY
        touch(server, "records", 100, recordStatus="closed")
        mirror.sync(sdk, STUDY)
        shutil.move(mirror.folder / "snapshots", mirror.folder.parent / "kept")
        before = sorted(path for path in mirror.folder.rglob("*.parquet"))
        with pytest.raises(MirrorError, match="restore the folder as a whole"):
            mirror.sync(sdk, STUDY)
        assert sorted(path for path in mirror.folder.rglob("*.parquet")) == before
        shutil.move(mirror.folder.parent / "kept", mirror.folder / "snapshots")
        assert not mirror.sync(sdk, STUDY).changed
    assert len(mirror.history(100)) == 2


def test_a_folder_that_is_no_mirror_is_left_alone(server: StudyServer, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / ".work").mkdir(parents=True)
    (folder / ".work" / "mine.txt").write_text("mine")
    folder.chmod(0o775)
    with server.sdk() as sdk, pytest.raises(MirrorError, match="is no mirror and is not empty"):
        Mirror(folder).sync(sdk, STUDY)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o775
    assert (folder / ".work" / "mine.txt").read_text() == "mine"


def test_a_killed_sync_leaves_no_file_behind_once_the_next_one_ran(server: StudyServer, mirror: Mirror) -> None:
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        for step in (1, 2, 3, 4):
            server.now += DAY
            touch(server, "records", 100, recordStatus=f"step {step}")
            with pytest.raises(Killed), killed_at(step):
                mirror.sync(sdk, STUDY)
            assert mirror.verify() == [], step  # what counts is whole, whatever lies beside it
            mirror.sync(sdk, STUDY)
            for table in mirror._load().tables.values():
                found = {path.name for path in (mirror.folder / table.folder).glob("*.parquet")}
                assert found == {file.name for file in table.files}, (step, table.key)
        assert not (mirror.folder / ".unfinished").exists()


def test_damage_is_called_damage(server: StudyServer, mirror: Mirror) -> None:
    with server.sdk() as sdk:
        mirror.sync(sdk, STUDY)
        with mirror.sdk() as local, pytest.raises(ArgumentError, match="not with a mirror"):
            mirror.sync(local, STUDY)
    folder = mirror.folder / "forms" / "AE"
    entry = folder / "_delta_log" / f"{DeltaFolder(folder).version:020}.json"
    content = entry.read_bytes()
    entry.write_bytes(b"")
    assert any("the log of AE" in text for text in mirror.verify())
    entry.write_bytes(content)
    assert mirror.verify() == []
    next(folder.glob("*.parquet")).unlink()
    for ask in (lambda: mirror.frames(forms=["AE"]), lambda: mirror.history(100), mirror.connect,
                lambda: list(mirror.changes())):  # fmt: skip
        with pytest.raises(MirrorDamagedError):
            ask()


def test_filters_of_a_mirror_at_their_edges(box: Sandbox, tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "m")
    with ImednetSDK(**box.credentials, cache=False) as sdk:
        mirror.sync(sdk, SANDBOX_STUDY)
        ids = [row.record_id for row in sdk.records.list(SANDBOX_STUDY)]
        with mirror.sdk() as local:
            for options in (
                {"record_id": ("<", ids[900]), "record_data_filter": "AESER==Yes"},
                {"record_data_filter": "AESER!=Yes"}, {"record_data_filter": "SYSBP1<90,SYSBP1>150"},
                {"record_id": ("<=", ids[0])}, {"filter": f"recordId>{ids[-3]}"},
            ):  # fmt: skip
                wanted = sdk.records.list(SANDBOX_STUDY, raw=True, **options)
                assert list(local.records.list(SANDBOX_STUDY, raw=True, **options)) == list(wanted), options
