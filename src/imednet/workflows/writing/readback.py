"""What became of a batch that may have gone out: its job is waited for, its records are read back."""

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
"""Called with items done, items in all, and what goes on."""

LONG_ENOUGH: Final = 300.0
"""Seconds after the end of a job, or after a request without an answer, before which nothing counts as missing.

A server may show records later than it says that their job is over.
"""
_FAILED: Final = frozenset({"failed", "cancelled"})
_SETTLE: Final = "Next: imednet records verify JOURNAL, or read the records back, before you send them again"
_AGAIN: Final = "Next: look at the item, then send it alone (the same command with --resend-missing does)"


@dataclass(frozen=True)
class RunSettings:
    """Settings of one run.

    Attributes:
        interval, timeout: how a job is waited for, in seconds.
        email_notify: what is sent along.
        on_error: what to do after a batch of which not every item is stored.
        on_progress: told what goes on.
        now: the time, in seconds.
    """

    interval: float
    timeout: float
    email_notify: bool | str | None
    on_error: OnError
    on_progress: Progress | None
    now: Callable[[], float]

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds before each look: at once, then further and further apart."""
        return (0.0, *waits(self.interval, self.timeout))

    def say(self, done: int, total: int, what: str) -> None:
        """Tell what goes on."""
        if self.on_progress is not None:
            self.on_progress(done, total, what)


def unreadable(items: Sequence[PlannedItem], batch_id: str | None) -> list[ItemOutcome]:
    """Outcomes of items that could not be looked for."""
    return all_are(items, "unknown", f"the records could not be read back. {_SETTLE}", batch_id)


def _explained(one: ItemOutcome, job: Job | None, *, sure: bool, passed: float) -> ItemOutcome:
    """An outcome with what to do next; what is not there is missing only where nothing can bring it any more."""
    if one.state == "unknown" and "Next:" not in one.detail:
        return replace(one, detail=f"{one.detail}. {_SETTLE}")
    if one.state != "missing":
        return one
    state = repr(job.state) if job is not None else None
    if job is not None and is_over(job):
        what = f"job {one.batch_id} ended as {state} and the record is not there"
        if sure:
            return replace(one, detail=f"{what}. {_AGAIN}")
        return replace(one, state="unknown", detail=f"{what} yet. {_SETTLE}")
    if job is not None:
        return replace(one, state="unknown", detail=f"job {one.batch_id} is still {state}. {_SETTLE}")
    if one.batch_id is not None:
        return replace(one, state="unknown", detail=f"job {one.batch_id} could not be asked for. {_SETTLE}")
    what = f"the request got no usable answer, and the record was not there {passed:.0f} seconds later"
    if sure or passed >= LONG_ENOUGH:
        return replace(one, detail=f"{what}. {_AGAIN}")
    return replace(one, state="unknown", detail=f"{what}. {_SETTLE}")


class AsyncReadBack:
    """Finds out what was stored.

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
            over: when the job was first seen to be over, if an earlier look saw that.
            taken: records of items of other batches.
            rivals: items of other batches that may have made what is found, each with its `high`.

        Returns:
            What became of each item, `None` where nothing could be read; and when the job was first seen to be over.
        """
        job = await self._waited(schema.study_key, batch_id, settings)
        ended = job if job is not None and is_over(job) else None
        if ended is not None and over is None:
            over = settings.now()
        failed = ended is not None and str(ended.state).strip().casefold() in _FAILED
        found: list[ItemOutcome] | None = None
        rows: list[Record] = []
        for seconds in (0.0,) if batch_id and ended is None else settings.waits:
            if seconds:
                waiting = sum(one.state != "stored" for one in found or ()) or len(items)
                settings.say(
                    0, len(items), f"{waiting} items cannot be read back yet; the next look is in {seconds:g} s"
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
            found = outcomes(
                items, rows, schema, high, batch_id, taken=taken, rivals=rivals, failed=failed, settled=sure
            )
            if sure or all(one.state == "stored" for one in found):
                break
        if found is None:
            return None, over
        deleted = {row.record_id for row in rows if is_true(row.deleted)}
        return [
            _explained(one, job, sure=sure or item.record_id in deleted, passed=settings.now() - since)
            for one, item in zip(found, items, strict=True)
        ], over

    async def _waited(self, study_key: str, batch_id: str | None, settings: RunSettings) -> Job | None:
        """The job as it was seen last: when it is over, or when the time is."""
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
        """The records that items name, and all that are newer than the batch."""
        ids = sorted({one.record_id for one in items if one.record_id is not None})
        found = await async_records_by_id(self._sdk, study_key, ids)
        if any(one.record_id is None for one in items):
            found += await self._sdk.records.list(study_key, record_id=(">", high))
        return found


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class ReadBack:
    """Finds out what was stored.

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
            over: when the job was first seen to be over, if an earlier look saw that.
            taken: records of items of other batches.
            rivals: items of other batches that may have made what is found, each with its `high`.

        Returns:
            What became of each item, `None` where nothing could be read; and when the job was first seen to be over.
        """
        job = self._waited(schema.study_key, batch_id, settings)
        ended = job if job is not None and is_over(job) else None
        if ended is not None and over is None:
            over = settings.now()
        failed = ended is not None and str(ended.state).strip().casefold() in _FAILED
        found: list[ItemOutcome] | None = None
        rows: list[Record] = []
        for seconds in (0.0,) if batch_id and ended is None else settings.waits:
            if seconds:
                waiting = sum(one.state != "stored" for one in found or ()) or len(items)
                settings.say(
                    0, len(items), f"{waiting} items cannot be read back yet; the next look is in {seconds:g} s"
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
            found = outcomes(
                items, rows, schema, high, batch_id, taken=taken, rivals=rivals, failed=failed, settled=sure
            )
            if sure or all(one.state == "stored" for one in found):
                break
        if found is None:
            return None, over
        deleted = {row.record_id for row in rows if is_true(row.deleted)}
        return [
            _explained(one, job, sure=sure or item.record_id in deleted, passed=settings.now() - since)
            for one, item in zip(found, items, strict=True)
        ], over

    def _waited(self, study_key: str, batch_id: str | None, settings: RunSettings) -> Job | None:
        """The job as it was seen last: when it is over, or when the time is."""
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
        """The records that items name, and all that are newer than the batch."""
        ids = sorted({one.record_id for one in items if one.record_id is not None})
        found = records_by_id(self._sdk, study_key, ids)
        if any(one.record_id is None for one in items):
            found += self._sdk.records.list(study_key, record_id=(">", high))
        return found
