"""What would look like a mirror in step, a proven list or an explained change, and is none."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from commands import imednet
from imednet.errors import ArgumentError, MirrorError
from imednet.integrations import CsvSink
from imednet.integrations.run.export import export_study
from imednet.integrations.tables.options import ExportOptions
from imednet.mirror import Mirror
from mirroring import STUDY, StudyServer
from small_study import DAY, answer, coding, form, record, revision, subject, touch, variable


def told(mirror: Mirror, since: int, **choice: Any) -> list[tuple[Any, ...]]:
    return [(one.name, one.before, one.after, one.user, one.explained) for one in mirror.changes(since, **choice)]


def files(mirror: Mirror) -> set[str]:
    return {path.relative_to(mirror.folder).as_posix() for path in mirror.folder.rglob("*") if path.is_file()}


# ---- less than was there


def test_a_form_that_comes_back_has_the_answers_that_another_form_has_blinded(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any]
) -> None:
    """Among records of no form a blinded mirror hides by name alone, for all forms."""
    step()
    gone = server.lists["forms"].pop(2)
    step()
    server.lists["forms"][2] = gone
    step()
    assert list(mirror.frames(forms=["VS"])["VS"]["ARM"]) == ["SECRET"] * 3


@pytest.mark.parametrize("name", ["forms", "variables", "subjects", "records"])
def test_a_list_of_any_length_that_is_suddenly_empty_is_refused(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], name: str
) -> None:
    subject(server, 1, "1")
    step()
    before, server.lists[name] = server.lists[name], {}
    with pytest.raises(MirrorError, match=rf"{name}: the server has 0 rows .* --accept-deletions"):
        step()
    server.lists[name] = before
    assert not step().changed
    assert mirror.verify() == []


def test_a_form_that_loses_most_of_many_records_is_refused(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any]
) -> None:
    for number in range(120):
        record(server, 1000 + number, 1, "AE", TERM="x")
        record(server, 2000 + number, 2, "VS", TERM="x")
    step()
    for number in range(100):
        del server.lists["records"][1000 + number]
    with pytest.raises(MirrorError, match="records of AE: the server has 23 rows where the mirror has 123"):
        step()
    assert mirror.number() == 1
    assert step(accept_deletions=True).deleted == {"records": 100}


@pytest.mark.parametrize("reconcile", [None, True])
def test_keys_that_see_no_blinded_answers_do_not_empty_them(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], reconcile: bool | None
) -> None:
    step(unblind="DSMB meeting 4")
    touch(server, "records", 100, recordData={"TERM": "typo"})
    for number in (101, 102):
        server.lists["records"][number]["recordData"].pop("ARM")
    with pytest.raises(MirrorError, match="these keys do not see them"):
        step(reconcile=reconcile)
    assert mirror.number() == 1
    assert step(accept_deletions=True, reconcile=reconcile).updated


def test_an_unblinded_mirror_has_one_reason(server: StudyServer, step: Callable[..., Any]) -> None:
    step(unblind="DSMB meeting 4")
    step(unblind="DSMB meeting 4")
    with pytest.raises(MirrorError, match="unblinded for another reason"):
        step(unblind="curiosity")


# ---- two cuts in one export


def test_an_export_goes_on_with_the_snapshot_that_it_began_with(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], tmp_path: Path
) -> None:
    for number in range(1200):
        record(server, 1000 + number, 1, "AE", TERM="old")
    server.now += DAY
    step()
    for number in range(1200):
        answer(server, 1000 + number, TERM="new")
    step()

    def stop(done: int, _: int) -> None:
        if done >= 500:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        mirror.export(CsvSink(out), home=out, as_of=2, progress=stop)
    report = mirror.export(CsvSink(out), home=out, as_of=1)
    with (out / "AE.csv").open() as opened:
        assert {row["TERM"] for row in csv.DictReader(opened)} == {"old", "t0", "t1", "t2"}
    assert report.resumed == 0


# ---- times


def test_every_list_of_a_snapshot_is_of_its_time(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], tmp_path: Path
) -> None:
    """A list without changes was asked, too; else a visit that is missed looks as if it were not due."""
    step()
    for day in range(20):
        touch(server, "records", 100, recordStatus=f"day {day}")
        step(reconcile=False)
    last = mirror.snapshots[-1].server_time
    with mirror.sdk() as local:
        assert {local.visits.list(STUDY).proof.server_to, local.records.list(STUDY).proof.server_to} == {
            f"{last:%Y-%m-%d %H:%M:%S}"
        }
    out = tmp_path / "out"
    report = mirror.export(CsvSink(out), home=out, as_of=3, options=ExportOptions(entities=("sites",)))
    assert report.manifest["serverTime"]["to"] == f"{mirror.snapshots[2].server_time:%Y-%m-%d %H:%M:%S}"


def test_a_comparison_that_finds_nothing_does_not_move_the_past(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any]
) -> None:
    step()
    first = mirror.snapshots[0].server_time
    server.now += 20 * DAY
    step(reconcile=True)
    assert len(mirror.snapshots) == 2
    with mirror.sdk(f"{first:%Y-%m-%d}") as past, mirror.sdk() as latest:
        assert past.records.list(STUDY).proof.server_to == f"{first:%Y-%m-%d %H:%M:%S}"
        assert latest.records.list(STUDY).proof.server_to == f"{mirror.snapshots[1].server_time:%Y-%m-%d %H:%M:%S}"


# ---- changes


def test_changes_hide_what_the_form_hides_and_no_more(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any]
) -> None:
    step()
    answer(server, 200, ARM="A")  # VS.ARM was never blinded
    answer(server, 100, ARM="B")
    step()
    assert told(mirror, 1) == [("ARM", "SECRET", "A", None, False)]
    touch(server, "variables", 2, blinded=False)
    step()
    answer(server, 100, ARM="C")
    number = step().snapshot
    assert told(mirror, number - 1) == [("ARM", "B", "C", None, False)]


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("late", [0, 1])
def test_a_change_without_a_revision_of_its_own_is_unexplained(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], renamed: bool, late: int
) -> None:
    """Whether its form got another key, and also where the first revision was dated a second after the record."""
    server.now += timedelta(seconds=late) - DAY
    revision(server, 1, 200, 1)
    server.now += DAY
    step()
    if renamed:
        touch(server, "forms", 2, formKey="VS2")
        for number in (200, 201, 202):
            server.lists["records"][number]["formKey"] = "VS2"
    answer(server, 200, TERM="silent")
    step()
    found = [one for one in told(mirror, 1) if one[0] == "TERM"]
    assert found == [("TERM", "t0", "silent", None, False)]


def test_changes_of_a_subject_are_found_by_the_key_it_had(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any]
) -> None:
    subject(server, 1, "1")
    step()
    touch(server, "subjects", 1, subjectKey="301-1")
    touch(server, "records", 200, subjectKey="301-1")
    step()
    assert told(mirror, 1, subject_key="1") == told(mirror, 1, subject_key="301-1") != []


def test_a_form_that_got_another_key_is_no_form_without_changes(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any]
) -> None:
    step()
    touch(server, "forms", 2, formKey="VS2")
    for number in (200, 201, 202):
        server.lists["records"][number]["formKey"] = "VS2"
    step()
    answer(server, 200, TERM="new")
    step()
    with pytest.raises(MirrorError, match=r"no form 'VS' as of snapshot 3; its records are among VS2"):
        mirror.changes(2, forms=["VS"])
    assert [one[2] for one in told(mirror, 2, forms=["VS2"])] == ["new"]
    assert told(mirror, 0, until=1, forms=["VS"]) != []
    with mirror.connect() as database:
        views = {
            name
            for (name,) in database.execute(
                "select view_name from duckdb_views() where schema_name = 'main'"
            ).fetchall()
        }
        assert database.execute("select count(*) from vs_as_of(1)").fetchall() == [(3,)]
    assert "VS2" in views
    assert "VS" not in views
    with mirror.connect(1) as database:
        assert database.execute("select count(*) from vs").fetchall() == [(3,)]


# ---- folders


@pytest.mark.parametrize("new_form", [False, True])
def test_commits_of_another_time_than_the_tables_delete_nothing(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], tmp_path: Path, new_form: bool
) -> None:
    """As after a restore of half the folder."""
    step()
    shutil.copytree(mirror.folder / "snapshots", tmp_path / "older")
    answer(server, 200, TERM="new")
    if new_form:
        form(server, 3, "ZZ")
        variable(server, 3, "ZZ", "TERM")
        record(server, 300, 3, "ZZ", TERM="x")
    step()
    (mirror.folder / "snapshots").rename(tmp_path / "newer")
    shutil.copytree(tmp_path / "older", mirror.folder / "snapshots")
    before = files(mirror)
    with pytest.raises(MirrorError, match="Nothing was changed"):
        step()
    assert files(mirror) == before
    shutil.rmtree(mirror.folder / "snapshots")
    shutil.copytree(tmp_path / "newer", mirror.folder / "snapshots")
    assert mirror.verify() == []
    assert [one.row["recordData"]["TERM"] for one in mirror.history(200) if one.row] == ["t0", "new"]


def test_a_folder_with_snapshots_of_something_else_is_no_mirror(server: StudyServer, mirror: Mirror) -> None:
    (mirror.folder / "snapshots").mkdir(parents=True)
    (mirror.folder / "mydata.txt").touch()
    with server.sdk() as sdk, pytest.raises(MirrorError, match="is no mirror and is not empty"):
        mirror.sync(sdk, STUDY)
    assert files(mirror) == {"mydata.txt"}


# ---- blinded terms


def test_codings_of_blinded_answers_follow_the_design(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any]
) -> None:
    for number, (form_id, name) in enumerate([(1, "ARM"), (None, "ARM"), (7, "ARM"), ("1", "arm"), (2, "ARM")]):
        coding(server, number, form_id, name, f"term {number}")
    step()
    with mirror.sdk() as local:
        assert [one.value for one in local.codings.list(STUDY)] == [None, None, None, None, "term 4"]
    touch(server, "variables", 2, blinded=False)
    touch(server, "variables", 4, blinded=True)
    step()
    with mirror.sdk() as local:
        assert [one.code for one in local.codings.list(STUDY)] == ["term 0", None, None, "term 3", None]


@pytest.mark.parametrize("unblind", [None, "DSMB meeting 4"])
def test_an_export_tells_the_terms_of_blinded_answers_only_with_a_reason(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], tmp_path: Path, unblind: str | None
) -> None:
    coding(server, 1, 1, "ARM", "SECRETTERM")
    step(unblind="DSMB meeting 4")
    options = ExportOptions(entities=("codings",), unblind=unblind)
    with server.sdk() as sdk:
        export_study(sdk, STUDY, CsvSink(tmp_path / "server"), home=tmp_path / "server", options=options)
    mirror.export(CsvSink(tmp_path / "mirrored"), home=tmp_path / "mirrored", options=options)
    for folder in ("server", "mirrored"):
        text = (tmp_path / folder / "_codings.csv").read_text()
        assert ("SECRETTERM" in text, "ARM" in text) == (unblind is not None, True)


# ---- one form and all forms


@pytest.mark.parametrize("form_key", ["AE", "VS", "VS2"])
def test_a_form_alone_has_the_records_it_has_among_all(server: StudyServer, tmp_path: Path, form_key: str) -> None:
    """Though records name another form by their key than by their id, as after a form got a new key."""
    form(server, 3, "VS2")
    variable(server, 3, "VS2", "TERM")
    record(server, 900, 3, "VS3", TERM="a form's old key")
    record(server, 901, 1, "VS", TERM="mixed", ARM="SECRETX")
    record(server, 902, 99, "VS", TERM="an id of no form")
    rows = {}
    for choice in (None, [form_key]):
        out = tmp_path / str(choice)
        with server.sdk() as sdk:
            assert export_study(sdk, STUDY, CsvSink(out), home=out, options=ExportOptions(forms=choice)).complete
        rows[str(choice)] = sorted((out / f"{form_key}.csv").read_text().splitlines())
        assert "SECRETX" not in "".join(path.read_text() for path in out.glob("*.csv"))
    assert rows["None"] == rows[str([form_key])]
    assert len(rows["None"]) == {"AE": 5, "VS": 5, "VS2": 2}[form_key]


# ---- slips on the command line


def test_slips_in_questions_to_a_mirror_are_told(
    server: StudyServer, mirror: Mirror, step: Callable[..., Any], tmp_path: Path
) -> None:
    step()
    answer(server, 200, TERM="new")
    step()
    folder = str(mirror.folder)
    day = f"{mirror.snapshots[1].server_time:%Y-%m-%d}"
    assert (mirror.number(day), mirror.number(f" {day} ")) == (2, 2)
    twice = imednet("mirror", "sql", folder, "select a.TERM, b.TERM from vs a join vs_as_of(1) b using (recordId)")
    assert (twice.returncode, "two columns have the name 'TERM'" in twice.stderr) == (2, True)
    beyond = imednet("mirror", "sql", folder, "select * from vs_as_of(20260102)")
    assert (beyond.returncode, "has no snapshot of this number" in beyond.stderr) == (2, True)
    beyond = imednet("mirror", "sql", folder, "select * from vs_as_of(2)", "--as-of", "1")
    assert (beyond.returncode, "as of snapshot 1 (" in beyond.stderr) == (2, True)
    for words in (("export", folder, "csv", str(tmp_path / "x")), ("sql", folder, "select 1"), ("status", folder)):
        outside = imednet("--mirror", folder, "--as-of", "1", "mirror", *words)
        assert (outside.returncode, "come after the command" in outside.stderr) == (2, True)
    future = imednet("mirror", "changes", folder, "--since", "2099-01-01")
    assert f"after snapshot 2 ({day}" in future.stderr
    nested = imednet("--sandbox", "mirror", "sync", folder, "--study", "TIDEWATER-201")
    assert (nested.returncode, "is the mirror of one study" in nested.stderr) == (2, True)


def test_a_number_is_a_number(mirror: Mirror, step: Callable[..., Any]) -> None:
    step()
    with pytest.raises(ArgumentError):
        mirror.number("  ")
