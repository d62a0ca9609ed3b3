"""What takes too long for the suite. Run by `nox -s soak`, which prints the figures that stand in docs/reads.md."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

import pytest

from changing import Schedule
from imednet import ImednetSDK
from imednet.core.reading.intervals import Consistency
from imednet.errors import IncompleteReadError
from imednet.sandbox import Answer, Request, Sandbox
from support import STUDY

SCHEDULES = 10_000
READS = 100
MINUTE = {"insert": 20, "edit": 50, "delete": 4}
"""What happens on a busy study in a minute."""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("imednet").setLevel(logging.ERROR)


@pytest.mark.parametrize("consistency", ["repair", "strict"])
def test_random_schedules(consistency: Consistency) -> None:
    """Inserts, deletes (balanced ones too) and updates between pages: nothing lost, nothing doubled."""
    completed = 0
    for seed in range(SCHEDULES):
        schedule = Schedule(seed, consistency=consistency)
        try:
            rows, read = schedule.read()
        except IncompleteReadError:
            continue
        assert read.proof is not None
        assert read.proof.proven
        assert schedule.always <= set(rows), seed
        assert len(rows) == len(set(rows)), seed
        assert consistency == "repair" or read.proof.drifts == 0, seed
        completed += 1
    print(f"\n{SCHEDULES} schedules, {consistency}: {completed} completed, {SCHEDULES - completed} refused")
    assert consistency == "strict" or completed >= 0.99 * SCHEDULES


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
            with self.lock, self.box.api._writing:  # nobody is half way through a page
                for what, times in MINUTE.items():
                    if time.monotonic() >= self.due[what]:
                        self.due[what] = time.monotonic() + self.dice.expovariate(times / 60)
                        self.change(what)
        return answer(request)

    def there(self) -> set[int]:
        """The records there are at this moment."""
        assert self.box is not None
        with self.box.api._writing:
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
        needed, drifts, growth, vanished = [], 0, 0, 0
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
            drifts, growth, vanished = drifts + proof.drifts, growth + proof.growth, vanished + proof.vanished
        busy.box = None
    print(
        f"\n{READS} of {READS} reads proven; requests: quiet {quiet}, busy at most {max(needed)} "
        f"({max(needed) / quiet:.3f}), mean {sum(needed) / READS:.1f}; meanwhile {busy.done}; "
        f"drifts {drifts}, growth {growth}, vanished {vanished}"
    )
    assert max(needed) <= 1.15 * quiet
    assert drifts > 0
    assert growth > 0
