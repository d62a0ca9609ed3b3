"""Exports at the shell: what a run says, several studies, snapshots, logs that are found, records as columns."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import HOME, imednet, keys
from imednet.cli import exit_codes
from imednet.sandbox import Answer, Request, Sandbox
from imednet.sandbox.invent.design import TWIN
from support import PATIENCE, STUDY

Make = Callable[..., Sandbox]


def run(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return imednet(*map(str, words), **(env or {}))


def no_vitals(request: Request, answer: Any) -> Answer:
    return Answer(500, b"{}") if "VS" in str(request.query) else answer(request)


def test_an_incomplete_run_claims_nothing_and_names_what_is_old(own_box: Make, box: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "out"
    words = ("export", "csv", STUDY, target, "--form", "AE", "--form", "VS", "--max-retries", "0")
    assert run(*words, env=keys(box)).returncode == 0
    again = run(*words, env=keys(own_box(intercept=no_vitals)))
    assert again.returncode == 4
    assert "on the server" not in again.stdout
    assert re.search(r"^all +67  without VS$", again.stdout, re.MULTILINE)
    assert re.search(r"VS was not read: what is there is still that of run 1, as of 20\d\d-", again.stderr)
    only = run("export", "csv", STUDY, target, "--form", "AE", env=keys(box))
    assert "1 tables of earlier runs stay as they are" in only.stderr


def test_a_failed_run_has_its_line_in_the_log(own_box: Make, box: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "study.duckdb"
    assert run("export", "duckdb", STUDY, target, "--form", "AE", env=keys(box)).returncode == 0
    failing = own_box(intercept=lambda request, answer: Answer(401, b"{}"))
    assert run("export", "duckdb", STUDY, target, "--form", "AE", env=keys(failing)).returncode == 1
    shown = run("log", "show", target, "--output", "json")
    entries = json.loads(shown.stdout)
    assert [(one["status"], one["error"]) for one in entries] == [("complete", None), ("failed", "UnauthorizedError")]
    assert run("log", "verify", target).stdout.startswith("2 entries, unbroken")
    missing = run("log", "show", tmp_path / "nothing")
    assert missing.returncode == 1
    assert "Next: name what was exported" in missing.stderr


def test_several_studies_each_into_its_place(box: Sandbox, tmp_path: Path) -> None:
    done = run("export", "csv", "--all-studies", tmp_path / "out", "--form", "AE", env=keys(box))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["study"]: row["status"] for row in rows} == {STUDY: "SUCCESS", TWIN: "SUCCESS"}
    assert (tmp_path / "out" / STUDY / "AE.csv").exists()
    assert (tmp_path / "out" / TWIN / "AE.csv").exists()
    some = run(
        "export", "excel", "--study", STUDY, "--study", "NOPE", tmp_path / "s.xlsx", "--form", "AE", env=keys(box)
    )
    assert some.returncode == 4
    assert (tmp_path / f"s-{STUDY}.xlsx").exists()
    assert "1 of 2 studies were not exported whole: NOPE" in some.stderr
    both = run("export", "csv", STUDY, tmp_path / "x", "--all-studies", env=keys(box))
    assert both.returncode == 2


def test_steps_as_json_lines(box: Sandbox, tmp_path: Path) -> None:
    done = run("export", "csv", STUDY, tmp_path / "out", "--form", "AE", "--json-log", env=keys(box))
    steps = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [step["step"] for step in steps] == ["begin", "read", "end"]
    assert (steps[1]["records"], steps[1]["total"], steps[-1]["status"]) == (67, 67, "SUCCESS")


def test_snapshots_stay_and_are_compared_without_a_server(own_box: Make, tmp_path: Path) -> None:
    box, folder = own_box(), tmp_path / "snapshots"
    words = ("export", "csv", STUDY, folder, "--form", "AE", "--snapshot")
    assert run(*words, env=keys(box)).returncode == 0
    (first,) = [path for path in folder.iterdir() if path.is_dir()]
    before = {path.name: path.read_bytes() for path in first.iterdir() if path.is_file()}
    first.rename(folder / "2020-01-01T000000Z")
    place = box.studies[STUDY].records.find("formKey", "AE") or 0
    row = box.studies[STUDY].records.row(place)
    answers = {**(box.studies[STUDY].records.data(place) or {}), "AETERM": "Something else"}
    box.studies[STUDY].records.change(place, recordData=answers)
    assert run(*words, env=keys(box)).returncode == 0
    listed = [json.loads(line) for line in run("snapshots", "list", folder).stdout.splitlines()]
    assert [(one["status"], one["rows"]) for one in listed] == [("complete", 67), ("complete", 67)]
    assert {
        path.name: path.read_bytes() for path in (folder / "2020-01-01T000000Z").iterdir() if path.is_file()
    } == before
    (change,) = [json.loads(line) for line in run("snapshots", "changes", folder).stdout.splitlines()]
    assert change["new"] == "Something else"
    assert (change["recordId"], change["subjectKey"]) == (row["recordId"], row["subjectKey"])
    assert (change["siteId"], change["formKey"]) == (str(row["siteId"]), "AE")
    paths = [folder / one["snapshot"] for one in listed]
    assert run("workflows", "changes", *paths).stdout == run("snapshots", "changes", folder).stdout
    assert run("snapshots", "verify", folder).stdout == "2 snapshots, unchanged\n"
    file = paths[0] / "AE.csv"
    file.chmod(0o600)
    file.write_text("changed")
    broken = run("snapshots", "verify", folder)
    assert broken.returncode == 1
    assert "2020-01-01T000000Z: AE.csv was changed" in broken.stderr


def test_records_have_a_column_for_each_variable(box: Sandbox) -> None:
    rows = {row["recordId"]: row for row in box.studies[STUDY].rows("records") if row["formKey"] == "AE"}
    lines = run("records", "list", STUDY, "--form", "ae", env=keys(box)).stdout.splitlines()
    assert len(lines) == len(rows)
    for line in map(json.loads, lines):
        for name, value in (rows[line["recordId"]]["recordData"] or {}).items():
            column = f"data.{name}" if name in rows[line["recordId"]] else name
            assert line[column] == value
    found = run(
        "records", "list", STUDY, "--form", "AE", "--output", "csv", "--select", "recordId,AETERM", env=keys(box)
    )
    table = list(csv.DictReader(io.StringIO(found.stdout)))
    assert set(table[0]) == {"recordId", "AETERM"}
    serious = run("records", "list", STUDY, "--form", "AE", "--where", "AESER==Yes", env=keys(box)).stdout.splitlines()
    assert {json.loads(line)["AESER"] for line in serious} == {"Yes"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--filter", "formKey=AE"), "Next: write formKey== for equal"),
        (("--filter", "formkey==AE"), "Did you mean 'formKey'?"),
        (("--form", "AEE"), "Did you mean 'AE'?"),
        (("--site", "no such place"), "the study has no site"),
        (("--subject", "302-00X"), "the study has no subject"),
        (("--form", "AE", "--where", "AESERR==Yes"), "Did you mean 'AESER'?"),
        (("--form", "AE", "--select", "AETRM"), "Did you mean 'AETERM'?"),
    ],
)
def test_slips_get_the_nearest_name(box: Sandbox, words: tuple[str, ...], message: str) -> None:
    done = run("records", "list", STUDY, *words, env=keys(box))
    assert done.returncode == 2
    assert message in done.stderr


def test_a_filter_on_a_field_nobody_knows_is_sent(box: Sandbox) -> None:
    done = run("sites", "list", STUDY, "--filter", "zzzz==1", env=keys(box))
    assert "is sent as it is" in done.stderr


def test_the_exit_codes_stand_in_the_help() -> None:
    assert "Exit status: 0 done" in " ".join(run("--help").stdout.split())


def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    """Every line of the first block of docs/cli.md, in one folder, as a person would type them."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text("utf-8")
    lines = page.partition("```sh\n")[2].partition("```")[0].splitlines()
    assert len(lines) > 8
    for line in lines:
        words = shlex.split(line)
        done = subprocess.run(
            [sys.executable, "-c", "from imednet.cli import main; main()", *words[1:]], cwd=tmp_path, check=False,
            capture_output=True, text=True, env={**HOME, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stderr)


def test_the_exit_codes_of_the_page_are_those_of_the_command() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text("utf-8")
    cells = re.findall(r"^\| ([0-9, ]+) \|", page, re.MULTILINE)
    listed = {int(number) for cell in cells for number in cell.split(",")}
    codes = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert listed == {*codes, exit_codes.of_signal(15)}
