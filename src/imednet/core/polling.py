"""Waiting for a job. The pure part says how long and whether it is over; two shells wait."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from ..constants import TERMINAL_JOB_STATES
from ..errors import ArgumentError, JobTimeoutError
from .options import is_number

if TYPE_CHECKING:
    from imednet_api.models import Job

_FIRST_WAIT = 1.0


def is_over(job: Job) -> bool:
    """Whether nothing will change any more.

    A state is compared without regard to case. One that is not known is over when the job says when it finished: the
    vendor publishes no list of states.
    """
    state = job.state if isinstance(job.state, str) else ""
    return state.strip().upper() in TERMINAL_JOB_STATES or bool(job.date_finished)


def waits(interval: float, timeout: float) -> Iterator[float]:
    """Seconds to wait before each further look: short at first, then `interval`, `timeout` in all.

    >>> list(waits(interval=5, timeout=15))
    [1.0, 2.0, 4.0, 5.0, 3.0]
    """
    if not is_number(interval) or interval <= 0 or not is_number(timeout) or timeout < 0:
        raise ArgumentError("interval must be a number of seconds above 0, timeout one of 0 or more")
    interval, left = float(interval), float(timeout)
    wait = min(_FIRST_WAIT, interval)
    while left > 0:
        yield min(wait, left)
        left -= wait
        wait = min(wait * 2, interval)


def too_long(job: Job, study_key: str | None, batch_id: str, timeout: float) -> JobTimeoutError:
    """The error for a job that is not over in time."""
    return JobTimeoutError(
        f"job {batch_id!r} of study {study_key!r} is still {job.state!r} after {timeout:g} seconds. It goes on. "
        "Next: look again with jobs.get, or poll with a larger timeout; do not send the records again",
        job=job,
    )


class JobPoller:
    """Looks at a job until it is over.

    Args:
        get_job: such as `sdk.jobs.get`.
    """

    def __init__(self, get_job: Callable[[str | None, str], Job]) -> None:
        self._get_job = get_job

    def run(self, study_key: str | None, batch_id: str, interval: float = 5, timeout: float = 300) -> Job:
        """The job when it is over, whatever its state.

        Raises:
            JobTimeoutError: it is not over in time; also a `TimeoutError`.
        """
        plan = waits(interval, timeout)
        while not is_over(job := self._get_job(study_key, batch_id)):
            seconds = next(plan, None)
            if seconds is None:
                raise too_long(job, study_key, batch_id, timeout)
            time.sleep(seconds)
        return job


class AsyncJobPoller:
    """Looks at a job until it is over; see `JobPoller`."""

    def __init__(self, get_job: Callable[[str | None, str], Awaitable[Job]]) -> None:
        self._get_job = get_job

    async def run(self, study_key: str | None, batch_id: str, interval: float = 5, timeout: float = 300) -> Job:
        """The job when it is over; see `JobPoller.run`."""
        from asyncio import sleep

        plan = waits(interval, timeout)
        while not is_over(job := await self._get_job(study_key, batch_id)):
            seconds = next(plan, None)
            if seconds is None:
                raise too_long(job, study_key, batch_id, timeout)
            await sleep(seconds)
        return job
