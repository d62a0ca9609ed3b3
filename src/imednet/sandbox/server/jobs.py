"""Jobs of accepted batches: their states over time, and which items are stored when one ends."""

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
    """An accepted batch; times are seconds of the job clock."""

    study: Study
    items: list[Item]
    job_id: str
    batch_id: str
    created_at: str
    started_at: float
    seconds: float | None
    """Duration; None: the job never ends."""
    email: str = ""
    stored: bool = field(default=False)
    state: str = ""
    """The final state, fixed when the ended job is first asked for."""

    def to_store(self, outcome: str) -> list[Item]:
        """The items to store, by the switch `jobOutcome`."""
        return {"all": self.items, "none": [], "partial": self.items[::2]}[outcome]


_STATE_WORDS = {
    "lower": ("created", "running", "completed", "failed"),
    "upper": ("CREATED", "RUNNING", "COMPLETED", "FAILED"),
    "success": ("created", "running", "SUCCESS", "FAILED"),
    "unknown": ("queued", "in progress", "completed with errors", "stopped"),
    "empty": ("created", "", "", ""),
}


class Jobs:
    """All jobs since the server was started."""

    def __init__(self, switches: Switches, clock: Callable[[], float]) -> None:
        self._switches = switches
        self._clock = clock
        self._jobs: list[Job] = []
        self._dice = Dice(201)

    def take(self, study: Study, items: list[Item], created_at: str, email: str) -> Job:
        """Accept a batch and start its job."""
        number = len(self._jobs)
        batch = self._dice.uuid("batch", number)
        if number % 10 == 9:
            batch = f"q{batch[1:]}"  # one in ten is not hexadecimal, as in the vendor's sample
        seconds = self._switches["jobSeconds"]
        job = Job(
            study, items, self._dice.uuid("job", number), batch, created_at, self._clock(),
            None if seconds == "never" else float(seconds), email,
        )  # fmt: skip
        self._jobs.append(job)
        return job

    def receipt(self, job: Job) -> Any:
        """The body that answers the POST."""
        shape = self._switches["postBody"]
        if shape == "empty-list":
            return []
        if shape == "no-batch":
            return {"jobId": job.job_id, "batchId": None, "state": None}
        receipt = {"jobId": job.job_id, "batchId": job.batch_id, "state": self._state_words[0]}
        return [receipt] if shape == "list" else receipt

    @property
    def _state_words(self) -> tuple[str, str, str, str]:
        return _STATE_WORDS[self._switches["jobStates"]]

    def _has_ended(self, job: Job, ago: float = 0) -> bool:
        """Whether a job ended at least this many seconds ago."""
        return job.seconds is not None and self._clock() - job.started_at >= job.seconds + ago

    def _awaits_storing(self, job: Job) -> bool:
        return not job.stored and self._has_ended(job, float(self._switches["readableSeconds"]))

    def any_ended(self) -> bool:
        """Whether the items of an ended job wait to be stored."""
        return any(self._awaits_storing(job) for job in list(self._jobs))

    def ended(self) -> Iterator[Job]:
        """Ended jobs whose items wait to be stored; each job is given once."""
        for job in self._jobs:
            if self._awaits_storing(job):
                job.stored = True
                yield job

    def show(self, study_key: str, batch_id: str) -> Row:
        """A job as the API shows it.

        Raises:
            Problem: 404 if the study has no such batch.
        """
        job = next((job for job in self._jobs if job.batch_id == batch_id and job.study.key == study_key), None)
        if job is None:
            raise not_found()
        created, running, *_ = self._state_words
        elapsed, ended = self._clock() - job.started_at, self._has_ended(job)
        state = created if elapsed < min(1.0, (job.seconds or 3.0) / 3) and not ended else running
        if ended:
            job.state = state = job.state or self._state_words[3 if self._switches["jobOutcome"] == "none" else 2]
        return {
            "jobId": job.job_id,
            "batchId": job.batch_id,
            "state": state,
            "dateCreated": job.created_at,
            "dateStarted": None if state == created and not ended else _later(job.created_at, 1),
            "dateFinished": _later(job.created_at, 1 + int(job.seconds or 0)) if ended else None,
        }

    def seen(self) -> list[Row]:
        """All jobs, for tests of clients: batch, number of items, and the address to notify."""
        return [{"batchId": job.batch_id, "items": len(job.items), "email": job.email} for job in self._jobs]


def _later(moment: str, seconds: int) -> str:
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat(sep=" ")
