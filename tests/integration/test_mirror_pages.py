"""The pages on mirrors, typed and run line by line, and the command."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from commands import imednet
from imednet import ImednetSDK
from imednet.mirror import Mirror
from imednet.sandbox import Sandbox
from pages import blocks, typed
from support import STUDY


def test_the_commands_of_the_pages_run(tmp_path: Path) -> None:
    for page in ("mirror.md", "as-of.md"):
        for line in "".join(blocks(page, "sh")).splitlines():
            done = typed(line, tmp_path)
            assert done.returncode == 0, (line, done.stderr)


def test_the_programs_of_the_page_for_engineers_run(tmp_path: Path) -> None:
    names: dict[str, Any] = {"study": STUDY, "folder": tmp_path / "mirror"}
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        for block in blocks("mirror.md", "python"):
            exec(block, {**names, "sdk": sdk}, names)


def test_the_programs_of_the_page_for_statisticians_run(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror")
    names: dict[str, Any] = {"study": STUDY, "folder": tmp_path, "mirror": mirror}
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        mirror.sync(sdk, STUDY)
        box.advance(1)
        mirror.sync(sdk, STUDY)
    for block in blocks("as-of.md", "python"):
        exec(block, names)
    assert len(names["new"]) > 0
    assert names["changes"]


def test_many_studies_each_have_their_mirror(box: Sandbox, tmp_path: Path) -> None:
    keys = {"IMEDNET_API_KEY": "demo-api-key", "IMEDNET_SECURITY_KEY": "demo-security-key", "IMEDNET_BASE_URL": box.url}
    done = imednet("mirror", "sync", str(tmp_path / "all"), "--all-studies", "-o", "jsonl", **keys)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"SUCCESS"') == 2
    assert stat.S_IMODE((tmp_path / "all").stat().st_mode) == 0o700
    again = imednet("mirror", "sync", str(tmp_path / "all"), "--study", STUDY, "-o", "jsonl", **keys)
    assert '"snapshot": null' in again.stdout
    assert '"requests": 12' in again.stdout
    other = imednet("mirror", "sync", "TIDEWATER-201-DEV", str(tmp_path / "all" / STUDY), **keys)
    assert other.returncode == 1
    assert "is a mirror of study TIDEWATER-201" in other.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mirror", "status", "nothing"), "is no mirror"),
        (("mirror", "verify", "nothing"), "is no mirror"),
        (("--mirror", "nothing", "subjects", "list", STUDY), "is no mirror"),
        (("--as-of", "1", "subjects", "list"), "--as-of is for --mirror"),
        (("--sandbox", "mirror", "sync", "a", "b", "c"), "too many arguments"),
        (("--sandbox", "mirror", "sync", "x", "--reason", "y"), "--reason needs --unblind"),
    ],
)
def test_what_is_wrong_is_told(words: tuple[str, ...], told: str) -> None:
    done = imednet(*words)
    assert done.returncode != 0
    assert told in " ".join(done.stderr.split())


def test_sql_that_is_wrong_shows_one_line_and_verify_says_what_is_wrong(tmp_path: Path) -> None:
    folder = str(tmp_path / "m")
    assert imednet("--sandbox", "mirror", "sync", folder).returncode == 0
    done = imednet("mirror", "sql", folder, "select nothing from ae")
    assert done.returncode == 2
    assert "DuckDB cannot run this" in done.stderr
    assert "Traceback" not in done.stderr
    assert imednet("mirror", "sql", folder, "select max(_seen) m, 1.5 d from ae_history").stdout.startswith('{"m": "20')
    next((tmp_path / "m" / "forms" / "AE").glob("*.parquet")).unlink()
    done = imednet("mirror", "verify", folder)
    assert done.returncode == 1
    assert "is missing" in done.stderr
