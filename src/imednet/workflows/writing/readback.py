"""Reading back of a batch that may have been sent: waits for its job, then looks for each item."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from imednet_api.models import Job, Record

from ...core.polling import is_over, waits
from ...errors import ImednetError
from ...utils.truth import is_true
from ...validation.schema import StudySchema
from .items import ItemOutcome, PlannedItem, all_are, outcomes
from .plan import async_records_by_id, records_by_id

if TYPE_CHECKING:
    from ...resource_attributes import AsyncSDKProtocol, SDKProtocol

OnError = Literal["stop", "continue"]
Progress = Callable[[int, int, str], None]
"""Called with items done, items in all, and a message."""

LONG_ENOUGH: Final = 300.0
"""Seconds after the end of a job, or after a request without an answer, before which no item counts as missing.

A server may show records some time after it says that their job has ended.
"""
_FAILED: Final = frozenset({"failed", "cancelled"})
_SETTLE: Final = "Next: imednet records verify JOURNAL, or read the records back, before you send them again"
_AGAIN: Final = "Next: look at the item, then send it alone (the same command with --resend-missing does)"


@dataclass(frozen=True)
class RunSettings:
    """Settings of one run.

    Attributes:
        interval, timeout: seconds between checks of a job, and seconds to wait for it in all.
        email_notify: an address to notify, or a boolean.
        on_error: `stop` or `continue` after a batch in which not every item is stored.
        on_progress: called with the progress of the run.
        now: returns the time, in seconds.
    """

    interval: float
    timeout: float
    email_notify: bool | str | None
    on_error: OnError
    on_progress: Progress | None
    now: Callable[[], float]

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds to wait before each check: the first at once, the next ones further and further apart."""
        return (0.0, *waits(self.interval, self.timeout))

    def say(self, done: int, total: int, message: str) -> None:
        """Report progress."""
        if self.on_progress is not None:
            self.on_progress(done, total, message)


def unreadable(items: Sequence[PlannedItem], batch_id: str | None) -> list[ItemOutcome]:
    """Outcomes of items whose records could not be read."""
    return all_are(items, "unknown", f"the records could not be read back. {_SETTLE}", batch_id)


def _explained(outcome: ItemOutcome, job: Job | None, *, sure: bool, passed: float) -> ItemOutcome:
    """An outcome with its next step; an absent record is `missing` only if it can no longer appear, else `unknown`."""
    if outcome.state == "unknown" and "Next:" not in outcome.detail:
        return replace(outcome, detail=f"{outcome.detail}. {_SETTLE}")
    if outcome.state != "missing":
        return outcome
    state = repr(job.state) if job is not None else None
    if job is not None and is_over(job):
        reason = f"job {outcome.batch_id} ended as {state} and the record is not there"
        if sure:
            return replace(outcome, detail=f"{reason}. {_AGAIN}")
        return replace(outcome, state="unknown", detail=f"{reason} yet. {_SETTLE}")
    if job is not None:
        return replace(outcome, state="unknown", detail=f"job {outcome.batch_id} is still {state}. {_SETTLE}")
    if outcome.batch_id is not None:
        return replace(outcome, state="unknown", detail=f"job {outcome.batch_id} could not be asked for. {_SETTLE}")
    reason = f"the request got no usable answer, and the record was not there {passed:.0f} seconds later"
    if sure or passed >= LONG_ENOUGH:
        return replace(outcome, detail=f"{reason}. {_AGAIN}")
    return replace(outcome, state="unknown", detail=f"{reason}. {_SETTLE}")


class AsyncReadBack:
    """Finds out which items of a batch were stored.

    Args:
        sdk: the SDK to read with.
        sleep: waits so many seconds.
    """

    def __init__(self, sdk: AsyncSDKProtocol, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sdk = sdk
        self._sleep = sleep

    async def settled(
        self,
        schema: StudySchema,
        items: list[PlannedItem],
        high: int,
        batch_id: str | None,
        settings: RunSettings,
        *,
        since: float,
        over: float | None = None,
        taken: Iterable[int],
        rivals: Sequence[tuple[PlannedItem, int]],
    ) -> tuple[list[ItemOutcome] | None, float | None]:
        """Wait for the job, if there is one to ask for, and read every item back.

        Args:
            schema: the study's design.
            items: the items of one batch.
            high: the highest number a record had before the batch was sent.
            batch_id: the job.
            settings: how long to wait.
            since: when the batch was sent.
            over: when the job was first seen to have ended, if an earlier check saw that.
            taken: records that belong to items of other batches.
            rivals: items of other batches that may have made the records found, each with its `high`.

        Returns:
            The outcome of each item, or `None` where nothing could be read; and when the job was first seen to have
            ended.
        """
        job = await self._waited(schema.study_key, batch_id, settings)
        ended = job if job is not None and is_over(job) else None
        if ended is not None and over is None:
            over = settings.now()
        failed = ended is not None and str(ended.state).strip().casefold() in _FAILED
        latest: list[ItemOutcome] | None = None
        rows: list[Record] = []
        for seconds in (0.0,) if batch_id and ended is None else settings.waits:
            if seconds:
                waiting = sum(outcome.state != "stored" for outcome in latest or ()) or len(items)
                settings.say(
                    0, len(items), f"{waiting} items cannot be read back yet; the next check is in {seconds:g} s"
                )
                await self._sleep(seconds)
            try:
                rows = await self._read_back(schema.study_key, items, high)
            except ImednetError:
                continue
            sure = (
                settings.now() - (over if over is not None else since) >= LONG_ENOUGH
                if ended or not batch_id
                else False
            )
            latest = outcomes(
                items, rows, schema, high, batch_id, taken=taken, rivals=rivals, failed=failed, settled=sure
            )
            if sure or all(outcome.state == "stored" for outcome in latest):
                break
        if latest is None:
            return None, over
        deleted = {row.record_id for row in rows if is_true(row.deleted)}
        return [
            _explained(outcome, job, sure=sure or item.record_id in deleted, passed=settings.now() - since)
            for outcome, item in zip(latest, items, strict=True)
        ], over

    async def _waited(self, study_key: str, batch_id: str | None, settings: RunSettings) -> Job | None:
        """Wait for the job; returns its last state, when it has ended or the time is up."""
        job: Job | None = None
        if batch_id is None:
            return None
        for seconds in settings.waits:
            if seconds:
                await self._sleep(seconds)
            try:
                job = await self._sdk.jobs.get(study_key, batch_id)
            except ImednetError:
                continue
            if job is not None and is_over(job):
                break
        return job

    async def _read_back(self, study_key: str, items: Sequence[PlannedItem], high: int) -> list[Record]:
        """Read the records that items name, and all that are newer than the batch."""
        ids = sorted({item.record_id for item in items if item.record_id is not None})
        records = await async_records_by_id(self._sdk, study_key, ids)
        if any(item.record_id is None for item in items):
            records += await self._sdk.records.list(study_key, record_id=(">", high))
        return records


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class ReadBack:
    """Finds out which items of a batch were stored.

    Args:
        sdk: the SDK to read with.
        sleep: waits so many seconds.
    """

    def __init__(self, sdk: SDKProtocol, sleep: Callable[[float], None]) -> None:
        self._sdk = sdk
        self._sleep = sleep

    def settled(
        self,
        schema: StudySchema,
        items: list[PlannedItem],
        high: int,
        batch_id: str | None,
        settings: RunSettings,
        *,
        since: float,
        over: float | None = None,
        taken: Iterable[int],
        rivals: Sequence[tuple[PlannedItem, int]],
    ) -> tuple[list[ItemOutcome] | None, float | None]:
        """Wait for the job, if there is one to ask for, and read every item back.

        Args:
            schema: the study's design.
            items: the items of one batch.
            high: the highest number a record had before the batch was sent.
            batch_id: the job.
            settings: how long to wait.
            since: when the batch was sent.
            over: when the job was first seen to have ended, if an earlier check saw that.
            taken: records that belong to items of other batches.
            rivals: items of other batches that may have made the records found, each with its `high`.

        Returns:
            The outcome of each item, or `None` where nothing could be read; and when the job was first seen to have
            ended.
        """
        job = self._waited(schema.study_key, batch_id, settings)
        ended = job if job is not None and is_over(job) else None
        if ended is not None and over is None:
            over = settings.now()
        failed = ended is not None and str(ended.state).strip().casefold() in _FAILED
        latest: list[ItemOutcome] | None = None
        rows: list[Record] = []
        for seconds in (0.0,) if batch_id and ended is None else settings.waits:
            if seconds:
                waiting = sum(outcome.state != "stored" for outcome in latest or ()) or len(items)
                settings.say(
                    0, len(items), f"{waiting} items cannot be read back yet; the next check is in {seconds:g} s"
                )
                self._sleep(seconds)
            try:
                rows = self._read_back(schema.study_key, items, high)
            except ImednetError:
                continue
            sure = (
                settings.now() - (over if over is not None else since) >= LONG_ENOUGH
                if ended or not batch_id
                else False
            )
            latest = outcomes(
                items, rows, schema, high, batch_id, taken=taken, rivals=rivals, failed=failed, settled=sure
            )
            if sure or all(outcome.state == "stored" for outcome in latest):
                break
        if latest is None:
            return None, over
        deleted = {row.record_id for row in rows if is_true(row.deleted)}
        return [
            _explained(outcome, job, sure=sure or item.record_id in deleted, passed=settings.now() - since)
            for outcome, item in zip(latest, items, strict=True)
        ], over

    def _waited(self, study_key: str, batch_id: str | None, settings: RunSettings) -> Job | None:
        """Wait for the job; returns its last state, when it has ended or the time is up."""
        job: Job | None = None
        if batch_id is None:
            return None
        for seconds in settings.waits:
            if seconds:
                self._sleep(seconds)
            try:
                job = self._sdk.jobs.get(study_key, batch_id)
            except ImednetError:
                continue
            if job is not None and is_over(job):
                break
        return job

    def _read_back(self, study_key: str, items: Sequence[PlannedItem], high: int) -> list[Record]:
        """Read the records that items name, and all that are newer than the batch."""
        ids = sorted({item.record_id for item in items if item.record_id is not None})
        records = records_by_id(self._sdk, study_key, ids)
        if any(item.record_id is None for item in items):
            records += self._sdk.records.list(study_key, record_id=(">", high))
        return records
