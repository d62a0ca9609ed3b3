"""Pollers that wait for a job, when a job is over, and how long to wait between two checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ..constants import TERMINAL_JOB_STATES
from ..errors import ArgumentError, JobTimeoutError
from .concurrency import async_gather, async_sleep, gather, sleep
from .options import is_number

if TYPE_CHECKING:
    from imednet_api.models import Job

_FIRST_WAIT = 1.0
_GROWTH = 1.5
_LONGEST_WAIT = 15.0

Progress = Callable[["Job", float], None]
"""Called after each check with the job and the seconds waited so far."""


class Clock:
    """The system's clock; tests replace it."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return time.time()


def is_over(job: Job) -> bool:
    """Whether a job has ended.

    States are compared without regard to case. A job in an unknown state has ended when it says when it finished: the
    vendor publishes no list of states.
    """
    state = job.state if isinstance(job.state, str) else ""
    return state.strip().upper() in TERMINAL_JOB_STATES or bool(job.date_finished)


def waits(interval: float, timeout: float) -> Iterator[float]:
    """Seconds to wait before each further check, `timeout` in all.

    1, 2 and 4 at first, then `interval`, growing to 15 or `interval`, whichever is more.

    >>> list(waits(interval=5, timeout=40))
    [1.0, 2.0, 4.0, 5.0, 7.5, 11.25, 9.25]
    """
    if not is_number(interval) or interval <= 0 or not is_number(timeout) or timeout < 0:
        raise ArgumentError("interval must be a number of seconds above 0, timeout one of 0 or more")
    interval, left = float(interval), float(timeout)
    wait, most = min(_FIRST_WAIT, interval), max(_LONGEST_WAIT, interval)
    while left > 0:
        yield min(wait, left)
        left -= wait
        wait = min(wait * 2, interval) if wait < interval else min(wait * _GROWTH, most)


def too_long(job: Job, study_key: str | None, batch_id: str, timeout: float) -> JobTimeoutError:
    """The error for a job that has not ended in time."""
    return JobTimeoutError(
        f"job {batch_id!r} of study {study_key!r} is still {job.state!r} after {timeout:g} seconds. It keeps running. "
        "Next: check again with jobs.get, or poll with a larger timeout; do not send the records again",
        job=job,
    )


class _Poller:
    """Base of both pollers."""

    def __init__(
        self,
        get_job: Callable[[str | None, str], Any],
        *,
        on_progress: Progress | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._get_job = get_job
        self._on_progress = on_progress
        self._clock = clock

    def _next_wait(self, job: Job, polling: _Polling) -> float | None:
        """Report progress; seconds to wait before the next check, `None` when the job has ended."""
        if self._on_progress is not None:
            self._on_progress(job, polling.waited)
        if is_over(job):
            return None
        seconds = next(polling.waits, None)
        if seconds is None:
            raise too_long(job, polling.study_key, polling.batch_id, polling.timeout)
        polling.waited += seconds
        return seconds


class _Polling:
    """The job that is polled, its waits, and the seconds waited so far."""

    def __init__(self, study_key: str | None, batch_id: str, interval: float, timeout: float) -> None:
        self.study_key, self.batch_id, self.timeout = study_key, batch_id, timeout
        self.waits = waits(interval, timeout)
        self.waited = 0.0


class AsyncJobPoller(_Poller):
    """Checks jobs until they have ended.

    Args:
        get_job: such as `sdk.jobs.get`.
        on_progress: called after each check with the job and the seconds waited so far.
        clock: waits in place of the real clock, for tests.
    """

    async def run(self, study_key: str | None, batch_id: str, interval: float = 5, timeout: float = 300) -> Job:
        """Wait for a job to end and return it, whatever its state.

        Raises:
            JobTimeoutError: the job has not ended in time; also a `TimeoutError`.
        """
        polling = _Polling(study_key, batch_id, interval, timeout)
        while True:
            job: Job = await self._get_job(study_key, batch_id)
            seconds = self._next_wait(job, polling)
            if seconds is None:
                return job
            if self._clock is not None:
                self._clock.sleep(seconds)
            else:
                await async_sleep(seconds)

    async def run_many(
        self, study_key: str | None, batch_ids: Iterable[str], interval: float = 5, timeout: float = 300
    ) -> dict[str, Job | JobTimeoutError]:
        """Poll several jobs at once: batch id -> the job that ended, or the error of one that did not end in time."""
        ids = list(dict.fromkeys(batch_ids))

        async def run_one(batch_id: str) -> Job | JobTimeoutError:
            try:
                return await self.run(study_key, batch_id, interval, timeout)
            except JobTimeoutError as error:
                return error

        jobs = await async_gather(*[partial(run_one, batch_id) for batch_id in ids])
        return dict(zip(ids, jobs, strict=True))


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class JobPoller(_Poller):
    """Checks jobs until they have ended.

    Args:
        get_job: such as `sdk.jobs.get`.
        on_progress: called after each check with the job and the seconds waited so far.
        clock: waits in place of the real clock, for tests.
    """

    def run(self, study_key: str | None, batch_id: str, interval: float = 5, timeout: float = 300) -> Job:
        """Wait for a job to end and return it, whatever its state.

        Raises:
            JobTimeoutError: the job has not ended in time; also a `TimeoutError`.
        """
        polling = _Polling(study_key, batch_id, interval, timeout)
        while True:
            job: Job = self._get_job(study_key, batch_id)
            seconds = self._next_wait(job, polling)
            if seconds is None:
                return job
            if self._clock is not None:
                self._clock.sleep(seconds)
            else:
                sleep(seconds)

    def run_many(
        self, study_key: str | None, batch_ids: Iterable[str], interval: float = 5, timeout: float = 300
    ) -> dict[str, Job | JobTimeoutError]:
        """Poll several jobs at once: batch id -> the job that ended, or the error of one that did not end in time."""
        ids = list(dict.fromkeys(batch_ids))

        def run_one(batch_id: str) -> Job | JobTimeoutError:
            try:
                return self.run(study_key, batch_id, interval, timeout)
            except JobTimeoutError as error:
                return error

        jobs = gather(*[partial(run_one, batch_id) for batch_id in ids])
        return dict(zip(ids, jobs, strict=True))
