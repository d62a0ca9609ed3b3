"""The pages on monitoring, typed and run line by line, and the command on narrow and wide terminals."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import HOME, imednet
from imednet import ImednetSDK
from imednet.sandbox import Sandbox
from pages import blocks, typed
from support import PATIENCE, STUDY


def test_the_commands_of_the_pages_run(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(blocks("configuration.md", "yaml")[0], "utf-8")
    (tmp_path / "kri.yaml").write_text(blocks("kri.md", "yaml")[0], "utf-8")
    for line in "".join(blocks("monitoring.md", "sh") + blocks("kri.md", "sh")).splitlines():
        done = typed(line, tmp_path)
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout or "--flagged" in line, line


def test_the_programs_of_the_page_run() -> None:
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        names: dict[str, Any] = {"sdk": sdk, "study": STUDY}
        for block in blocks("monitoring.md", "python"):
            exec(block, names)


def test_formats_hold_the_same_figures() -> None:
    words = ("--sandbox", "monitor", "queries", "--output")
    lines = [json.loads(line) for line in imednet(*words, "jsonl").stdout.splitlines()]
    assert json.loads(imednet(*words, "json").stdout) == lines
    table = list(csv.DictReader(io.StringIO(imednet(*words, "csv").stdout)))
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in lines] == table
    shown = imednet(*words, "table")
    assert "Queries by site" in shown.stderr
    assert f"all sites {sum(row['open'] for row in lines)}" in " ".join(shown.stdout.splitlines()[-1].split())


def test_a_table_of_nothing_still_has_its_columns_as_csv() -> None:
    done = imednet("--sandbox", "monitor", "missing", "--subject", "301-003", "--exit", "EOS.EXDAT", "-o", "csv")
    assert done.stdout.startswith("subjectKey,siteId,")


@pytest.mark.parametrize("width", [40, 80, 260])
def test_what_is_urgent_is_seen_however_narrow_the_terminal(width: int) -> None:
    shown = on_terminal(width, "--sandbox", "monitor", "queries")
    assert "Oldest" in shown
    assert "791" in shown
    assert ("All fields: --output csv" in shown) == (width < 260)
    for line in shown.splitlines():
        if line.startswith((" 30", "301")):
            assert len(line.rstrip()) <= width


def on_terminal(width: int, *words: str) -> str:
    """What a command writes to a terminal of a width."""
    master, slave = pty.openpty()
    env = {**HOME, "COLUMNS": str(width), "TERM": "dumb", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    with subprocess.Popen(
        [sys.executable, "-c", "from imednet.cli import main; main()", *words], stdout=slave, stderr=slave,
        stdin=subprocess.DEVNULL, env=env,
    ) as process:  # fmt: skip
        os.close(slave)
        parts = []
        while True:
            try:
                part = os.read(master, 65_536)
            except OSError:
                break
            if not part:
                break
            parts.append(part)
        assert process.wait(PATIENCE) == 0
    os.close(master)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("queries", "--by", "country"), "there are site, form, variable, opener, kind"),
        (("queries", "--sort", "-opne"), "no column 'opne'"),
        (("missing", "--site", "999"), "imednet sites list"),
        (("missing", "--exit", "EOS"), "FORM.VARIABLE"),
        (("events", "--config", "none.yaml"), "cannot read none.yaml"),
        (("kri", "--config", "none.yaml"), "cannot read none.yaml"),
        (("enrolment", "--target-date", "2026-12-31"), "needs a target"),
    ],
)
def test_what_the_command_refuses(words: tuple[str, ...], says: str) -> None:
    done = imednet("--sandbox", "monitor", *words)
    assert done.returncode in (1, 2)
    assert says in " ".join(done.stderr.split())
    assert not done.stdout


def test_a_run_of_indicators_is_kept_and_the_next_one_tells_what_is_new(tmp_path: Path) -> None:
    (tmp_path / "kri.yaml").write_text(blocks("kri.md", "yaml")[0], "utf-8")
    words = (
        "--sandbox",
        "monitor",
        "kri",
        "--config",
        str(tmp_path / "kri.yaml"),
        "--history",
        str(tmp_path / "k.csv"),
    )
    first = imednet(*words, "-o", "jsonl")
    assert first.returncode == 0, first.stderr
    kept = (tmp_path / "k.csv").read_text("utf-8")
    assert len(kept.splitlines()) == len(first.stdout.splitlines()) + 1
    (tmp_path / "k.csv").write_text(kept.replace("2026-11-01", "2026-10-01"), "utf-8")
    second = imednet(*words, "-o", "jsonl")
    assert {json.loads(line)["change"] for line in second.stdout.splitlines()} == {"same"}
    assert {json.loads(line)["previousDay"] for line in second.stdout.splitlines()} == {"2026-10-01"}
