"""What takes too long for the suite. Run by `nox -s soak`, which prints the figures that stand in docs/reads.md."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from habits import HABITS, HIDING, Schedule, Server
from imednet import ImednetSDK
from imednet.errors import ImednetError
from imednet.integrations import export_to_json
from imednet.sandbox import Answer, Request, Sandbox
from support import STUDY

SCHEDULES = 50_000
READS = 100
EXPORTS = 10
MINUTE = {"insert": 20, "edit": 50, "delete": 4}
"""What happens on a busy study in a minute."""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("imednet").setLevel(logging.ERROR)


def test_random_servers_and_schedules() -> None:
    """Servers with habits, lists that change: what is called proven lacks nothing; figures by habit."""
    kinds: dict[str, type[Server]] = {"honest": Server, **HABITS}
    print("\n| server | whole | refused | unproven | lossy, called proven |\n|---|---|---|---|---|")
    for name, kind in kinds.items():
        counts = Counter[str]()
        for seed in range(SCHEDULES // len(kinds)):
            schedule = Schedule(seed, kind)
            try:
                rows, read = schedule.read()
            except (ImednetError, httpx.DecodingError):
                counts["refused"] += 1
                continue
            assert read.proof is not None
            assert len(rows) == len(set(rows)), (name, seed)
            lost = not schedule.always <= set(rows)
            counts["lossy" if lost and read.proof.proven else "whole" if read.proof.proven else "unproven"] += 1
            assert not (lost and kind is Server), seed
        told = [counts[what] for what in ("whole", "refused", "unproven", "lossy")]
        print(f"| {name} | {' | '.join(map(str, told))} |")
        assert counts["lossy"] <= (sum(told) // 50 if name in HIDING else 0), name
        assert kind is not Server or counts["whole"] >= 0.99 * sum(told)


def test_an_honest_server_on_which_everybody_works() -> None:
    """Up to three changes before every request: most reads are whole, all others refused."""
    counts = Counter[str]()
    for seed in range(SCHEDULES // 25):
        schedule = Schedule(seed, most=3)
        try:
            rows, _ = schedule.read()
        except ImednetError:
            counts["refused"] += 1
            continue
        assert schedule.always <= set(rows), seed
        counts["whole"] += 1
    print(f"\nup to three changes before every request: {dict(counts)}")


class Busy:
    """A study on which people work: changes fall due with time, and happen between two requests."""

    def __init__(self) -> None:
        self.box: Sandbox | None = None
        self.dice = random.Random(11)
        self.due = dict.fromkeys(MINUTE, 0.0)
        self.done = dict.fromkeys(MINUTE, 0)
        self.lock = threading.Lock()

    def __call__(self, request: Request, answer: Callable[[Request], Answer]) -> Answer:
        if self.box is not None:
            with self.lock, self.box.api._write_lock:  # nobody is half way through a page
                for what, times in MINUTE.items():
                    if time.monotonic() >= self.due[what]:
                        self.due[what] = time.monotonic() + self.dice.expovariate(times / 60)
                        self.change(what)
        return answer(request)

    def there(self) -> set[int]:
        """The records there are at this moment."""
        assert self.box is not None
        with self.box.api._write_lock:
            records = self.box.studies[STUDY].records
            every = list(records.values("recordId"))  # removed ones too
            return {every[place] for place in records.places()}

    def change(self, what: str) -> None:
        assert self.box is not None
        records = self.box.studies[STUDY].records
        place = self.dice.choice(records.places())
        self.done[what] += 1
        if what == "delete":
            records.remove(place)
        elif what == "edit":
            records.change(place, dateModified="2026-11-01 00:00:00")
        else:
            last = records.row(records.places()[-1])
            records.add({**last, "recordId": last["recordId"] + 1})


def test_a_busy_medium() -> None:
    """100 full reads of 66,000 records, all proven, with hardly more requests than of a quiet study."""
    busy = Busy()
    with Sandbox(size="medium", intercept=busy) as box, ImednetSDK(**box.unblinded_credentials) as sdk:
        quiet = sdk.records.list(STUDY).proof.requests
        busy.box = box
        needed, rechecked, came, gone = [], 0, 0, 0
        for _ in range(READS):
            before = busy.there()
            rows = sdk.records.list(STUDY)
            after = busy.there()
            read = [row.record_id for row in rows]
            proof = rows.proof
            assert proof.proven
            assert before & after <= set(read)
            assert len(read) == len(set(read))
            needed.append(proof.requests)
            rechecked, came, gone = rechecked + proof.rechecked, came + proof.came, gone + proof.gone
        busy.box = None
    print(
        f"\n{READS} of {READS} reads proven; requests: quiet {quiet}, busy at most {max(needed)} "
        f"({max(needed) / quiet:.3f}), mean {sum(needed) / READS:.1f}; meanwhile {busy.done}; "
        f"read again {rechecked} times, {came} rows came, {gone} went"
    )
    assert sum(needed) <= 1.15 * READS * quiet
    assert rechecked > 0


def test_exports_of_a_busy_medium(tmp_path: Path) -> None:
    """Ten exports of a study on which people work: each ends in success, and holds what was there all the time."""
    busy = Busy()
    with Sandbox(size="medium", intercept=busy) as box, ImednetSDK(**box.unblinded_credentials) as sdk:
        busy.box = box
        rechecked = 0
        for number in range(EXPORTS):
            before = busy.there()
            report = export_to_json(sdk, STUDY, tmp_path / str(number), lines=True, raw=True, disabled=True)
            after = busy.there()
            files = [path.read_bytes() for path in (tmp_path / str(number)).glob("*.jsonl")]
            rows = [json.loads(line) for content in files for line in content.split(b"\n") if line]
            read = {row["recordId"] for row in rows if isinstance(row.get("recordId"), int)}
            assert {form.status for form in report.forms} == {"SUCCESS"}
            assert before & after <= read
            assert report.proof is not None
            rechecked += report.proof.rechecked
        busy.box = None
    print(f"\n{EXPORTS} of {EXPORTS} exports in success; meanwhile {busy.done}; read again {rechecked} times")
