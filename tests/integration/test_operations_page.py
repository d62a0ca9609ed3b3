"""The page on operations: its commands run, its files say what their programs understand."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from commands import imednet, keys
from imednet.cli import exit_codes
from imednet.sandbox import Sandbox
from pages import PAGES, blocks, typed
from writing import EVENT, TWIN

PAGE = "operations.md"


def test_the_night_in_three_lines_runs(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "mirrors").mkdir()
    for line in "".join(blocks(PAGE, "sh")).splitlines():
        done = typed(line, tmp_path)
        assert done.returncode == 0, (line, done.stderr)
    assert (tmp_path / "exports" / "TIDEWATER-201" / "AE.parquet").exists()
    runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert [run["command"] for run in runs] == ["mirror sync", "export parquet", "mirror verify"]
    assert [run["exit"] for run in runs] == [0, 0, 0]
    assert (runs[0]["snapshot"], runs[1]["rows"], runs[1]["failed"]) == (1, 2785, 0), "one record is of a disabled form"
    example = json.loads(blocks(PAGE, "json")[0])
    assert set(example) == set(runs[0])
    if os.name == "posix":
        assert (tmp_path / "runs.jsonl").stat().st_mode & 0o077 == 0


def test_units_of_systemd_are_units(tmp_path: Path) -> None:
    kinds = {}
    for text in blocks(PAGE, "ini"):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]  # names of systemd have capitals
        parser.read_string(text)
        name = re.findall(r"system/(\S+)", text)[0]
        kinds[name] = set(parser.sections())
        (tmp_path / name).write_text(text)
    assert kinds == {
        "imednet-mirror@.service": {"Unit", "Service"}, "imednet-mirror@.timer": {"Unit", "Timer", "Install"},
    }  # fmt: skip
    if shutil.which("systemd-analyze"):
        unit = tmp_path / "imednet-mirror@.timer"
        done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
        assert "Unknown" not in done.stderr, done.stderr


def test_the_makefile_makes_what_it_says(tmp_path: Path) -> None:
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    (tmp_path / "Makefile").write_text(blocks(PAGE, "make")[0])
    stand_in = tmp_path / "bin" / "imednet"
    stand_in.parent.mkdir()
    stand_in.write_text(
        '#!/bin/sh\n[ "$7" != ABC-02 ] || exit 1\necho "$@" >> called\n'
        "mkdir -p mirrors/ABC-01 exports/ABC-01 && touch exports/ABC-01/manifest.json\n"
    )
    stand_in.chmod(0o700)
    path = os.pathsep.join([str(stand_in.parent), os.environ["PATH"]])
    done = subprocess.run(
        ["make", "-k", "nightly"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert done.returncode != 0, "one study failed"
    assert (tmp_path / "called").read_text().splitlines() == [
        "--profile nightly --run-log runs.jsonl mirror sync ABC-01 mirrors/ABC-01",
        "--mirror mirrors/ABC-01 export parquet exports/ABC-01",
    ]
    assert (tmp_path / "mirrors" / "ABC-01" / ".synced").exists()


def test_the_workflow_is_yaml_with_known_commands() -> None:
    (text,) = blocks(PAGE, "yaml")
    steps = yaml.safe_load(text)["jobs"]["mirror"]["steps"]
    assert all(step["run"].startswith("imednet ") for step in steps)


def test_every_command_of_the_page_exists() -> None:
    """Each `imednet ...` of the page is a command with the options it is given: `--help` knows them."""
    text = (PAGES / PAGE).read_text("utf-8")
    pattern = r"\bimednet ((?:--(?:profile|mirror|run-log) \S+ |--sandbox )*)([a-z-]+(?: [a-z]+)?)([^\n|&>`]*)"
    found = [
        (words, re.findall(r"(?<!\S)--[a-z-]+", f"{before} {rest}"))
        for before, words, rest in re.findall(pattern, text)
        if words.split()[0] in ("mirror", "export", "doctor", "login")
    ]
    assert {"mirror sync", "mirror verify", "export parquet"} <= {words for words, _ in found}
    everywhere = typed("imednet --help", Path()).stdout
    for words, options in found:
        done = typed(f"imednet {words} --help", Path())
        assert done.returncode == 0, words
        assert [one for one in options if one not in done.stdout + everywhere] == [], words


def test_the_table_of_alarms_has_every_exit_code() -> None:
    table = set(re.findall(r"^\| ([0-9, ]+) \|", (PAGES / PAGE).read_text("utf-8"), re.MULTILINE))
    codes = {int(number) for cell in table for number in cell.split(",")}
    known = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert codes == {*known, exit_codes.of_signal(15)}


def test_a_run_that_fails_has_its_line_too(tmp_path: Path) -> None:
    log = tmp_path / "runs.jsonl"
    planted = {
        "IMEDNET_API_KEY": "planted-key",
        "IMEDNET_SECURITY_KEY": "planted-key",
        "IMEDNET_BASE_URL": "http://127.0.0.1:9",
    }
    failed = imednet("--run-log", str(log), "subject-data", "ABC-01", "planted-subject", **planted)
    assert failed.returncode == 1
    wrong = imednet("--run-log", str(log), "mirror", "sync")
    assert wrong.returncode == 2
    first, second = [json.loads(line) for line in log.read_text().splitlines()]
    assert (first["command"], first["exit"], first["error"]) == ("subject-data", 1, "RequestError")
    assert (second["command"], second["exit"]) == ("mirror sync", 2)
    assert "planted" not in log.read_text()


def test_a_line_names_the_study_and_what_was_counted(own_box: Callable[..., Sandbox], tmp_path: Path) -> None:
    """`unknown` and `missing` are what somebody is woken for."""
    box = own_box(switches={"jobSeconds": "0", "jobOutcome": "partial"})
    (tmp_path / "x.json").write_text(json.dumps([EVENT, EVENT]))
    log = tmp_path / "runs.jsonl"
    words = ("records", "create", TWIN, str(tmp_path / "x.json"), "--yes", "--timeout", "1")
    assert imednet("--run-log", str(log), *words, **keys(box)).returncode == 1
    assert imednet("--run-log", str(log), "export", "csv", "--study", TWIN, str(tmp_path), **keys(box)).returncode == 0
    wrote, exported = [json.loads(line) for line in log.read_text().splitlines()]
    assert {name: wrote[name] for name in ("study", "items", "stored", "unknown")} == {
        "study": TWIN, "items": 2, "stored": 1, "unknown": 1,
    }  # fmt: skip
    assert (exported["study"], exported["rows"] > 0) == (TWIN, True)


def test_an_account_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    done = imednet("--run-log", str(tmp_path), "--sandbox", "sites", "list")
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)
    assert done.stdout.count("siteId") == 6, "the command itself did its work"
