"""Accepted batches: a job that starts, runs and ends, and what of it is stored in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..invent.design import Row
from ..invent.seeded import Dice
from ..study.study import Study
from .item_rules import Item
from .messages import not_found
from .switches import Switches


@dataclass
class Job:
    """One accepted batch."""

    study: Study
    items: list[Item]
    job_id: str
    batch_id: str
    made: str
    started_at: float
    seconds: float | None
    """How long it takes; None: for ever."""
    email: str = ""
    stored: bool = field(default=False)
    state: str = ""
    """The state it ended in, once somebody asked."""

    def to_store(self, outcome: str) -> list[Item]:
        """The items that are stored in the end."""
        return {"all": self.items, "none": [], "partial": self.items[::2]}[outcome]


_WORDS = {
    "lower": ("created", "running", "completed", "failed"),
    "upper": ("CREATED", "RUNNING", "COMPLETED", "FAILED"),
    "success": ("created", "running", "SUCCESS", "FAILED"),
    "unknown": ("queued", "in progress", "completed with errors", "stopped"),
    "empty": ("created", "", "", ""),
}


class Jobs:
    """All batches since the start."""

    def __init__(self, switches: Switches, clock: Callable[[], float]) -> None:
        self._switches = switches
        self._clock = clock
        self._jobs: list[Job] = []
        self._dice = Dice(201)

    def take(self, study: Study, items: list[Item], made: str, email: str) -> Job:
        """Accept a batch."""
        number = len(self._jobs)
        batch = self._dice.uuid("batch", number)
        if number % 10 == 9:
            batch = f"q{batch[1:]}"  # one in ten is no hexadecimal number, as in the vendor's sample
        seconds = self._switches["jobSeconds"]
        job = Job(
            study, items, self._dice.uuid("job", number), batch, made, self._clock(),
            None if seconds == "never" else float(seconds), email,
        )  # fmt: skip
        self._jobs.append(job)
        return job

    def receipt(self, job: Job) -> Any:
        """What the POST is answered with."""
        shape = self._switches["postBody"]
        if shape == "empty-list":
            return []
        if shape == "no-batch":
            return {"jobId": job.job_id, "batchId": None, "state": None}
        whole = {"jobId": job.job_id, "batchId": job.batch_id, "state": self._words[0]}
        return [whole] if shape == "list" else whole

    @property
    def _words(self) -> tuple[str, str, str, str]:
        return _WORDS[self._switches["jobStates"]]

    def _has_ended(self, job: Job, since: float = 0) -> bool:
        return job.seconds is not None and self._clock() - job.started_at >= job.seconds + since

    def _waits(self, job: Job) -> bool:
        return not job.stored and self._has_ended(job, float(self._switches["readableSeconds"]))

    def any_ended(self) -> bool:
        """Whether there is a job that has ended and whose items wait to be stored."""
        return any(self._waits(job) for job in list(self._jobs))

    def ended(self) -> Iterator[Job]:
        """Jobs that have ended and whose items wait to be stored; each is given once."""
        for job in self._jobs:
            if self._waits(job):
                job.stored = True
                yield job

    def show(self, study_key: str, batch_id: str) -> Row:
        """A job as the API gives it."""
        job = next((job for job in self._jobs if job.batch_id == batch_id and job.study.key == study_key), None)
        if job is None:
            raise not_found()
        created, running, *_ = self._words
        passed, over = self._clock() - job.started_at, self._has_ended(job)
        state = created if passed < min(1.0, (job.seconds or 3.0) / 3) and not over else running
        if over:
            job.state = state = job.state or self._words[3 if self._switches["jobOutcome"] == "none" else 2]
        return {
            "jobId": job.job_id,
            "batchId": job.batch_id,
            "state": state,
            "dateCreated": job.made,
            "dateStarted": None if state == created and not over else _later(job.made, 1),
            "dateFinished": _later(job.made, 1 + int(job.seconds or 0)) if over else None,
        }

    def seen(self) -> list[Row]:
        """All jobs, for whoever tests a client."""
        return [{"batchId": job.batch_id, "items": len(job.items), "email": job.email} for job in self._jobs]


def _later(moment: str, seconds: int) -> str:
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat(sep=" ")
