"""What tests of writing need: a clock that stands still until somebody waits, and items of every kind."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from imednet import ImednetSDK
from imednet.core.polling import Clock
from imednet.sandbox import Sandbox
from imednet.workflows.record_update import AsyncRecordUpdateWorkflow, RecordUpdateWorkflow
from imednet.workflows.writing.submit import WriteReport
from support import STUDY, Door, Ways

TWIN = f"{STUDY}-DEV"
REGISTRATION: dict[str, Any] = {
    "formKey": "REG",
    "siteName": "Lakeshore Heart Institute",
    "data": {"REGDAT": "2026-03-02", "REGINIT": "C-D", "REGYOB": 1958, "REGLANG": "French"},
}
EVENT: dict[str, Any] = {"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": 11, "AETERM": "Cough"}}


class StillClock(Clock):
    """Time passes only where somebody waits."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.passed

    def now(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.passed += seconds


def writer(door: Ways, box: Sandbox, clock: StillClock, **options: Any) -> Door:
    """An SDK whose attribute `writing` writes by this clock."""
    one = door(box, **options)
    cls = AsyncRecordUpdateWorkflow if one.kind == "async" else RecordUpdateWorkflow
    one.sdk.writing = cls(one.sdk, clock=clock)
    return one


def rows(box: Sandbox, name: str = "records") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = box.studies[TWIN].rows(name)
    return found


def posts(box: Sandbox) -> int:
    return sum(request.method == "POST" for request in box.requests)


FAULTS = (
    "drop-after-store POST records rate=0.12",
    "reset POST records rate=0.06",
    "status POST records rate=0.04 status=502",
    "cut POST records rate=0.03",
    "html POST records rate=0.02",
    "reset GET rate=0.02",
    "cut GET rate=0.01",
    "reset-inside GET rate=0.01",
    "status GET rate=0.01 status=503",
)
"""Connections cut at any moment: before a request is taken, after it was carried out, in the middle of an answer."""


class Simulated:
    """Counts of a simulation; `wrong` says what was not as reported."""

    def __init__(self) -> None:
        self.batches = self.items = self.requests = 0
        self.states: dict[str, int] = {}
        self.wrong: list[str] = []


def simulate(count: int, seed: int, into: Simulated) -> None:
    """Write so many batches of one to three items into a study over bad connections, and compare with the study."""
    draw, clock = random.Random(seed), StillClock()
    outcome, words = draw.choice(["all", "all", "all", "partial", "none"]), draw.choice(["lower", "upper", "unknown"])
    switches = {
        "jobOutcome": outcome, "jobStates": words, "jobSeconds": draw.choice(["0", "3", "95"]),
        "readableSeconds": draw.choice(["0", "10", "120"]),
    }  # fmt: skip
    with (
        Sandbox(job_clock=clock, faults=FAULTS, seed=seed, switches=switches) as box,
        tempfile.TemporaryDirectory() as folder,
    ):
        with ImednetSDK(**box.credentials, backoff_factor=0, retries=6) as sdk:
            write = RecordUpdateWorkflow(sdk, clock=clock)
            for number in range(count):
                items = [_item(draw, f"{seed} {number} {place}") for place in range(draw.randint(1, 3))]
                journal = Path(folder) / f"{number}.jsonl"
                report = write.submit(TWIN, items, journal=journal, timeout=draw.choice([0, 5, 60, 300]))
                report = _advised(draw, write, items, journal, report, clock)
                _settle(box, sdk, clock)
                _compare(box, items, report, into)
                into.batches += 1
                into.items += len(items)
        into.requests += len(box.requests)


def _advised(
    draw: random.Random,
    write: RecordUpdateWorkflow,
    items: list[dict[str, Any]],
    journal: Path,
    report: WriteReport,
    clock: StillClock,
) -> WriteReport:
    """Somebody who does what the outcomes say: verifies what is unknown, and may send again what is missing."""
    for _ in range(20):
        if report.counts.get("unknown"):
            clock.sleep(draw.choice([0, 30, 200]))
            report = write.verify(journal, timeout=draw.choice([0, 300]))
        elif report.counts.keys() & {"not sent", "refused"} or (report.counts.get("missing") and draw.random() < 0.3):
            report = write.submit(TWIN, items, journal=journal, resend_missing=draw.random() < 0.5)
        else:
            break
    return report


def _settle(box: Sandbox, sdk: ImednetSDK, clock: StillClock) -> None:
    """Let everything that may still come be there before the study is compared with the report."""
    clock.sleep(1000)
    sdk.records.count(TWIN)


def _item(draw: random.Random, mark: str) -> dict[str, Any]:
    """An item whose answers nobody else has."""
    if draw.random() < 0.3:
        return {**REGISTRATION, "data": {**REGISTRATION["data"], "REGINIT": mark}}
    return {**EVENT, "data": {"AENUM": draw.randint(1, 99), "AETERM": mark}}


def _compare(box: Sandbox, items: list[dict[str, Any]], report: WriteReport, into: Simulated) -> None:
    there: dict[str, list[dict[str, Any]]] = {}
    for row in rows(box)[-12:]:
        answers = row["recordData"] or {}
        there.setdefault(str(answers.get("AETERM") or answers.get("REGINIT")), []).append(row)
    for item, one in zip(items, report.outcomes, strict=True):
        into.states[one.state] = into.states.get(one.state, 0) + 1
        mark = item["data"].get("AETERM") or item["data"]["REGINIT"]
        found = there.get(mark, [])
        true = {
            "stored": [row["recordId"] for row in found] == [one.record_id],
            "missing": not found,
            "unknown": True,
        }.get(one.state, False)
        if len(found) > 1 or not true:
            into.wrong.append(f"{mark}: reported {one.state}, {len(found)} records")
