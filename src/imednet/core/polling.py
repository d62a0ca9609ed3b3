"""Waiting for a job: how long, whether it is over, and the pollers that wait."""

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
"""Called after each look with the job and the seconds waited so far."""


class Clock:
    """What time it is and how one waits; a test puts another one in its place."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return time.time()


def is_over(job: Job) -> bool:
    """Whether nothing will change any more.

    A state is compared without regard to case. One that is not known is over when the job says when it finished: the
    vendor publishes no list of states.
    """
    state = job.state if isinstance(job.state, str) else ""
    return state.strip().upper() in TERMINAL_JOB_STATES or bool(job.date_finished)


def waits(interval: float, timeout: float) -> Iterator[float]:
    """Seconds to wait before each further look, `timeout` in all.

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
    """The error for a job that is not over in time."""
    return JobTimeoutError(
        f"job {batch_id!r} of study {study_key!r} is still {job.state!r} after {timeout:g} seconds. It goes on. "
        "Next: look again with jobs.get, or poll with a larger timeout; do not send the records again",
        job=job,
    )


class _Poller:
    """What both pollers share."""

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

    def _seen(self, job: Job, plan: _Plan) -> float | None:
        """Seconds to wait before the next look at this job; `None` when it is over."""
        if self._on_progress is not None:
            self._on_progress(job, plan.waited)
        if is_over(job):
            return None
        seconds = next(plan.waits, None)
        if seconds is None:
            raise too_long(job, plan.study_key, plan.batch_id, plan.timeout)
        plan.waited += seconds
        return seconds


class _Plan:
    """The waits of one job."""

    def __init__(self, study_key: str | None, batch_id: str, interval: float, timeout: float) -> None:
        self.study_key, self.batch_id, self.timeout = study_key, batch_id, timeout
        self.waits = waits(interval, timeout)
        self.waited = 0.0


class AsyncJobPoller(_Poller):
    """Looks at jobs until they are over.

    Args:
        get_job: such as `sdk.jobs.get`.
        on_progress: called after each look with the job and the seconds waited so far.
        clock: waits in place of the real clock, for tests.
    """

    async def run(self, study_key: str | None, batch_id: str, interval: float = 5, timeout: float = 300) -> Job:
        """The job when it is over, whatever its state.

        Raises:
            JobTimeoutError: it is not over in time; also a `TimeoutError`.
        """
        plan = _Plan(study_key, batch_id, interval, timeout)
        while True:
            job: Job = await self._get_job(study_key, batch_id)
            seconds = self._seen(job, plan)
            if seconds is None:
                return job
            if self._clock is not None:
                self._clock.sleep(seconds)
            else:
                await async_sleep(seconds)

    async def run_many(
        self, study_key: str | None, batch_ids: Iterable[str], interval: float = 5, timeout: float = 300
    ) -> dict[str, Job | JobTimeoutError]:
        """Several jobs side by side: batch id -> the job when it is over, or the error of one that is not in time."""
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
    """Looks at jobs until they are over.

    Args:
        get_job: such as `sdk.jobs.get`.
        on_progress: called after each look with the job and the seconds waited so far.
        clock: waits in place of the real clock, for tests.
    """

    def run(self, study_key: str | None, batch_id: str, interval: float = 5, timeout: float = 300) -> Job:
        """The job when it is over, whatever its state.

        Raises:
            JobTimeoutError: it is not over in time; also a `TimeoutError`.
        """
        plan = _Plan(study_key, batch_id, interval, timeout)
        while True:
            job: Job = self._get_job(study_key, batch_id)
            seconds = self._seen(job, plan)
            if seconds is None:
                return job
            if self._clock is not None:
                self._clock.sleep(seconds)
            else:
                sleep(seconds)

    def run_many(
        self, study_key: str | None, batch_ids: Iterable[str], interval: float = 5, timeout: float = 300
    ) -> dict[str, Job | JobTimeoutError]:
        """Several jobs side by side: batch id -> the job when it is over, or the error of one that is not in time."""
        ids = list(dict.fromkeys(batch_ids))

        def run_one(batch_id: str) -> Job | JobTimeoutError:
            try:
                return self.run(study_key, batch_id, interval, timeout)
            except JobTimeoutError as error:
                return error

        jobs = gather(*[partial(run_one, batch_id) for batch_id in ids])
        return dict(zip(ids, jobs, strict=True))
