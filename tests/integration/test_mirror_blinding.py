"""Answers that a mirror must hold or hide, whatever becomes of the design between two syncs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imednet.integrations import CsvSink
from imednet.integrations.tables.options import ExportOptions
from imednet.mirror import Mirror
from imednet.utils.truth import may_be_true
from mirroring import STUDY, StudyServer
from small_study import DAY, answer, coding, form, record, touch, variable

Step = Callable[..., Any]


def place(server: StudyServer, form_id: int, name: str) -> int:
    """The number of a variable."""
    rows = server.lists["variables"].items()
    return int(next(key for key, row in rows if (row["formId"], row["variableName"]) == (form_id, name)))


def many_records(server: StudyServer) -> None:
    """So many that a sync reads some of them."""
    for number in range(700):
        record(server, 3000 + number, 2, "VS", TERM="x")
    server.now += DAY


def hidden_by_design(server: StudyServer) -> Iterator[tuple[int, dict[str, Any]]]:
    """The answers of every record, without those that the design calls blinded."""
    variables = server.lists["variables"].values()
    blinded = {(row["formId"], row["variableName"]) for row in variables if may_be_true(row["blinded"])}
    for key, row in server.lists["records"].items():
        yield key, {name: value for name, value in row["recordData"].items() if (row["formId"], name) not in blinded}


def held(mirror: Mirror) -> Iterator[tuple[int, dict[str, Any]]]:
    with mirror.sdk() as local:
        for row in local.records.list(STUDY):
            yield int(row.record_id or 0), dict(row.record_data or {})


@pytest.mark.parametrize("many", [False, True], ids=["all rows are read", "some rows are read"])
@pytest.mark.parametrize("edited", [None, 100, 200], ids=["nothing else", "a record of it", "another record"])
def test_an_unblinded_variable_has_all_its_answers(
    server: StudyServer, mirror: Mirror, step: Step, many: bool, edited: int | None
) -> None:
    if many:
        many_records(server)
    step()
    touch(server, "variables", place(server, 1, "ARM"), blinded=False)
    if edited is not None:
        answer(server, edited, TERM="edited")
    server.now += DAY
    step()
    assert list(mirror.frames(forms=["AE"])["AE"]["ARM"]) == ["SECRET"] * 3
    assert sorted(held(mirror)) == sorted(hidden_by_design(server))
    assert mirror.verify() == []


def test_a_comparison_that_meets_an_unblinded_variable_has_all_its_answers(
    server: StudyServer, mirror: Mirror, step: Step
) -> None:
    many_records(server)
    step()
    touch(server, "variables", place(server, 1, "ARM"), blinded=False)
    server.now += 7 * DAY
    assert step().operation == "reconcile"
    assert list(mirror.frames(forms=["AE"])["AE"]["ARM"]) == ["SECRET"] * 3


@pytest.mark.parametrize("many", [False, True], ids=["all rows are read", "some rows are read"])
def test_a_new_form_has_the_answers_that_another_form_has_blinded(
    server: StudyServer, mirror: Mirror, step: Step, many: bool
) -> None:
    if many:
        many_records(server)
    step()
    form(server, 3, "LAB")
    variable(server, 3, "LAB", "ARM")
    for number in range(3):
        record(server, 9300 + number, 3, "LAB", ARM="left")
    server.now += DAY
    assert step().inserted["records"] == 3
    assert list(mirror.frames(forms=["LAB"])["LAB"]["ARM"]) == ["left"] * 3
    assert sorted(held(mirror)) == sorted(hidden_by_design(server))


def test_changes_do_not_tell_what_was_cleared_before_it_was_blinded(
    server: StudyServer, mirror: Mirror, step: Step
) -> None:
    step()
    for key in (200, 201, 202):
        answer(server, key, ARM="")
    server.now += DAY
    step()
    assert [one for one in mirror.changes(1) if one.name == "ARM"]
    touch(server, "variables", place(server, 2, "ARM"), blinded=True)
    server.now += DAY
    step()
    assert not [one for one in mirror.changes(0) if one.name == "ARM"]


def test_changes_do_not_tell_the_term_of_a_variable_that_is_blinded_now(
    server: StudyServer, mirror: Mirror, step: Step
) -> None:
    coding(server, 1, 2, "TERM", "HEADACHE")
    step()
    assert [one for one in mirror.changes(0, forms=[], lists=["codings"]) if one.name == "value"]
    touch(server, "variables", place(server, 2, "TERM"), blinded=True)
    server.now += DAY
    step()
    told = list(mirror.changes(0, forms=[], lists=["codings"]))
    assert told
    assert not [one for one in told if "HEADACHE" in (one.before, one.after)]


@pytest.mark.parametrize("gone", ["variable", "form"])
def test_an_unblinded_mirror_is_exported_without_answers_that_were_ever_blinded(
    server: StudyServer, mirror: Mirror, step: Step, tmp_path: Path, gone: str
) -> None:
    """The design has no word of them any more, and the reason for the mirror is no reason for every export."""
    step(unblind="a reason")
    if gone == "variable":
        del server.lists["variables"][place(server, 1, "ARM")]
    else:
        del server.lists["forms"][1]
    server.now += DAY
    step(unblind="a reason")
    mirror.export(CsvSink(tmp_path / "out"), home=tmp_path / "out")
    table = "AE" if gone == "variable" else "_unassigned"
    rows = list(csv.DictReader((tmp_path / "out" / f"{table}.csv").read_text().splitlines()))
    assert [row["recordId"] for row in rows] == ["100", "101", "102"]
    assert "SECRET" not in str(rows)
    mirror.export(CsvSink(tmp_path / "all"), home=tmp_path / "all", options=ExportOptions(unblind="a reason"))
    assert "SECRET" in "".join(path.read_text() for path in (tmp_path / "all").glob("*.csv"))
