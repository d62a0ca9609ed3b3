"""Slips in calls of the command: each is told, and none ends in success with less than was asked for."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from commands import HOME, imednet, keys
from imednet import ImednetSDK
from imednet.cli.app import app
from imednet.cli.command_group import _Command, _Group
from imednet.errors import ExportConfigurationError, ExportError
from imednet.integrations import SqlSink, export_to_duckdb, export_to_excel
from imednet.integrations.on_disk.extraction_log import find_home, verify
from imednet.mirror import Mirror
from imednet.sandbox import Answer, Fault, Request, Sandbox
from support import PATIENCE, STUDY

Make = Callable[..., Sandbox]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("export", "csv", "out", "--study", STUDY, "--all-studies"), "--study or --all-studies"),
        (("mirror", "sync", "out", "--study", STUDY, "--all-studies"), "--study or --all-studies"),
        (("export", "csv", STUDY, ""), "TARGET is empty"),
        (("export", "sql", STUDY), "in memory"),
        (("export", "excel", STUDY, "."), "is a folder"),
        (("report", STUDY, "nowhere/x.html"), "in a folder that is there"),
        (
            ("records", "list", STUDY, "--form", "AE", "--form", "VS"),
            "--form takes one value and is given 2 times. Next",
        ),
        (
            ("monitor", "queries", STUDY, "--site", "001", "--site", "002"),
            "--site takes one value",
        ),
        (("--profile", "a", "--profile=b", "check"), "--profile takes one value and is given 2 times"),
        (
            ("sandbox", "serve", "--switch", "roleDates=string", "--switch", "roleDates=list"),
            "roleDates is given twice",
        ),
        (("sandbox", "serve", "--dialect", "live", "--like", "report.json"), "and so does --dialect"),
        (("sites", "list", STUDY, "-o", "csv", "--output", "json"), "--output takes one value and is given 2 times"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(
    box: Sandbox, words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = imednet(*words, **keys(box), IMEDNET_EXPORT_URI="sqlite://")
    assert done.returncode == 2
    assert says in " ".join(done.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_every_command_refuses_an_option_of_one_value_that_is_given_twice() -> None:
    def kinds(command: Any) -> Iterator[type]:
        yield type(command)
        for one in getattr(command, "commands", {}).values():
            yield from kinds(one)

    found = list(kinds(typer.main.get_command(app)))
    assert (len(found) > 60, set(found)) == (True, {_Command, _Group})


def test_a_subject_that_is_not_there_has_no_empty_audit_trail(box: Sandbox) -> None:
    done = imednet("workflows", "audit", STUDY, "--subject", "999-001", **keys(box))
    assert (done.returncode, done.stdout, "has no subject" in done.stderr) == (1, "", True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("records", STUDY, "--record", "formKey=ae"), "Did you mean 'AE'?"),
        (("records", STUDY, "--subject", "siteId=999"), "the study has no site '999'"),
        (("records", STUDY, "--subject", "siteId=abc"), "siteId is a whole number"),
        (("records", STUDY, "--visit", "intervalName=Nope"), "the study has no interval 'Nope'"),
        (("audit", STUDY, "--user", "nobody"), "the study has no user 'nobody'"),
        (("audit", STUDY, "--record", "99"), "the study has no record 99"),
    ],
)
def test_names_that_the_study_does_not_have_are_no_empty_result(box: Sandbox, words: Any, says: str) -> None:
    done = imednet("workflows", *words, **keys(box))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.replace("│", " ").split())


def test_waiting_for_a_job_that_failed_is_no_success(own_box: Make) -> None:
    def failed(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        given = answer(request)
        if "/jobs/" in request.target:
            given.body = json.dumps({**json.loads(given.body), "state": "failed"}).encode()
        return given

    box = own_box(intercept=failed)
    with ImednetSDK(**box.credentials) as sdk:
        job = sdk.records.create(f"{STUDY}-DEV", [{"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": 11}}])
    done = imednet("jobs", "wait", f"{STUDY}-DEV", str(job.batch_id), **keys(box))
    assert (done.returncode, str(job.batch_id) in done.stdout) == (1, True)
    assert "1 of 1 jobs did not complete" in done.stderr


def test_a_workbook_says_what_it_cut(box: Sandbox, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "imednet", "records", "list", STUDY, "--form", "AE", "-o", "xlsx"]
    with (tmp_path / "ae.xlsx").open("wb") as file:
        done = subprocess.run(
            words, stdout=file, stderr=subprocess.PIPE, text=True, check=True, timeout=PATIENCE,
            env={**HOME, **keys(box), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        )  # fmt: skip
    assert "1 cells are longer than the 32,767 characters" in done.stderr


def test_the_csv_of_no_rows_has_its_header(box: Sandbox) -> None:
    words = ("records", "list", STUDY, "--form", "AE", "-o", "csv", "--where")
    none = imednet(*words, "AESER==none", **keys(box))
    some = imednet(*words, "AESER==Yes", **keys(box))
    assert none.stdout.splitlines()[0].split(",")[:4] == some.stdout.splitlines()[0].split(",")[:4]
    assert "AESER" in next(csv.reader(io.StringIO(none.stdout)))


def test_a_limit_of_any_size(box: Sandbox) -> None:
    done = imednet("sites", "list", STUDY, "--limit", "9" * 20, **keys(box))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 6)


def test_a_text_without_a_query_is_told(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        Mirror(tmp_path / "m").sync(sdk, STUDY)
    for text in ("", ";", "/* nothing */"):
        done = imednet("mirror", "sql", str(tmp_path / "m"), text)
        assert (done.returncode, "holds no query" in done.stderr) == (2, True)


def test_a_login_with_a_closed_standard_input_says_what_it_needs(box: Sandbox, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m imednet login <&-', sys.executable], capture_output=True, text=True, check=False,
        timeout=PATIENCE,
        env={**HOME, "IMEDNET_CONFIG_HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_ctrl_c_says_how_to_go_on(own_box: Make, tmp_path: Path) -> None:
    box = own_box(faults=[Fault("latency", seconds=0.5, rate=1.0)])
    words = [sys.executable, "-m", "imednet", "export", "csv", STUDY, str(tmp_path / "out")]
    environment = {**HOME, **keys(box), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        until = time.monotonic() + PATIENCE
        while not box.requests and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "interrupted. Next: run the same command again" in told


@pytest.mark.parametrize("kind", ["excel", "duckdb"])
def test_the_log_knows_whether_the_file_is_there_and_as_it_was(box: Sandbox, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"study.{'xlsx' if kind == 'excel' else 'duckdb'}"
    with ImednetSDK(**box.credentials) as sdk:
        (export_to_excel if kind == "excel" else export_to_duckdb)(sdk, STUDY, target, forms=["DD"])
    home = find_home(target)
    sound = verify(home)
    assert (sound.problems, sound.files) == ([], kind == "excel")
    assert ("not looked at" in imednet("log", "verify", str(target)).stdout) is (kind == "duckdb")
    with target.open("ab") as file:
        file.write(b"junk")
    assert verify(home).problems == ([f"{target.name} was changed"] if kind == "excel" else [])
    target.unlink()
    assert verify(home).problems == [f"{target.name} is missing"]


def test_a_workbook_that_was_taken_away_is_in_nobodys_way(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        export_to_excel(sdk, STUDY, tmp_path / "x.xlsx", forms=["DD", "AE"])
        with pytest.raises(ExportError, match="would lose"):
            export_to_excel(sdk, STUDY, tmp_path / "x.xlsx", forms=["DD"])
        (tmp_path / "x.xlsx").unlink()
        assert export_to_excel(sdk, STUDY, tmp_path / "x.xlsx", forms=["DD"]).complete


def test_a_relative_database_is_known_by_its_place(box: Sandbox, tmp_path: Path) -> None:
    """Two folders, one name: each has a manifest of its own."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        words = (sys.executable, "-m", "imednet", "export", "sql", STUDY, "--form", "DD" if folder == "a" else "AE")
        done = subprocess.run(
            words, capture_output=True, text=True, cwd=tmp_path / folder, check=False, timeout=PATIENCE,
            env={**HOME, **keys(box), "IMEDNET_EXPORT_URI": "sqlite:///x.db",
                 "IMEDNET_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "stay as they are" not in done.stderr


def test_a_database_in_memory_would_be_gone() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ExportConfigurationError, match="Next: name a file"):
            SqlSink(url)
