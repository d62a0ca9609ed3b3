"""Fifty exports of *medium* killed at random moments, over all kinds of local targets, each one gone on with."""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporting import NAMES, target
from imednet.sandbox import Sandbox
from killing import content, killed_and_resumed, leftovers, whole

KILLS = 50
FILES = {"parquet": "parquet", "csv": "csv", "json": "json", "jsonl": "jsonl"}


@pytest.fixture(scope="module")
def medium() -> Iterator[Sandbox]:
    with Sandbox(size="medium") as box:
        yield box


def held(name: str, folder: Path, box: Sandbox) -> Any:
    """What a target holds: the bytes of its files where these tell all, else its rows."""
    if name in FILES:
        own = ("manifest.json", "extraction-log.jsonl")  # they tell how often was asked, and when
        paths = [path for path in (folder / name).glob(f"*.{FILES[name]}") if path.name not in own]
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    if name == "excel":
        with zipfile.ZipFile(folder / "study.xlsx") as book:
            return {one: hashlib.sha256(book.read(one)).hexdigest() for one in book.namelist()}
    rows = content(target(name, folder), box)
    return {table: hashlib.sha256(repr(found).encode()).hexdigest() for table, found in rows.items()}


def test_fifty_killed_exports_hold_what_undisturbed_ones_do(medium: Sandbox, tmp_path: Path) -> None:
    """No half file, no row twice, nothing left over; with the seed below the moments are the same again."""
    draw = random.Random(20261125)
    calm: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    for name in NAMES:
        folder = tmp_path / f"calm-{name}"
        folder.mkdir()
        whole(medium, name, folder)  # so that pages come from memory below
        seconds[name] = whole(medium, name, folder)
        calm[name] = held(name, folder, medium)
    killed = resumed = used = 0
    for number in range(KILLS):
        name = NAMES[number % len(NAMES)]
        folder = tmp_path / f"{number}-{name}"
        folder.mkdir()
        was, rows = killed_and_resumed(medium, name, folder, draw.uniform(0.3, seconds[name]))
        killed, resumed, used = killed + was, resumed + bool(rows), used + rows
        assert held(name, folder, medium) == calm[name], (number, name)
        assert leftovers(target(name, folder)) == [], (number, name)
    print(f"\n{KILLS} exports, {killed} killed at work, {resumed} gone on with, {used:,} rows used again; all equal")
    assert killed > KILLS * 0.8
    assert resumed > KILLS // 5
