"""What became of a batch that may have gone out: its job is waited for, its records are read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from imednet_api.models import Job, Record

from ..core.polling import is_over, waits
from ..endpoints.rows import Rows
from ..errors import ImednetError
from ..utils.truth import is_true
from ..validation.schema import StudySchema
from .items import ItemOutcome, PlannedItem, all_are, outcomes
from .planning import PlanningRules
from .steps import Sleep, Steps, call

OnError = Literal["stop", "continue"]
Progress = Callable[[int, int, str], None]
"""Called with items done, items in all, and what goes on."""

LONG_ENOUGH: Final = 300.0
"""Seconds after the end of a job, or after a request without an answer, before which nothing counts as missing.

A server may show records later than it says that their job is over.
"""
_LOOKS_FOR_DIFFERENCES: Final = 7.0
"""Seconds after which answers that are not as sent are taken to stay so."""
_SETTLE: Final = "Next: imednet records verify JOURNAL, or read the records back, before you send them again"
_AGAIN: Final = "Next: look at the item, then send it alone (the same command with --resend-missing does)"


@dataclass(frozen=True)
class How:
    """How a run goes.

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


class ReadBackRules(PlanningRules):
    """The rules of finding out what was stored."""

    def _settled(
        self,
        schema: StudySchema,
        items: list[PlannedItem],
        high: int,
        batch_id: str | None,
        how: How,
        *,
        since: float,
        over: float | None = None,
        taken: Iterable[int],
    ) -> Steps[tuple[list[ItemOutcome], float | None]]:
        """Wait for the job, if there is one to ask for, and read every item back.

        Args:
            schema: the study's design.
            items: the items of one batch.
            high: the highest number a record had before the batch was sent.
            batch_id: the job.
            how: how long to wait.
            since: when the batch was sent.
            over: when the job was first seen to be over, if an earlier look saw that.
            taken: records of items of other batches.

        Returns:
            What became of each item, and when the job was first seen to be over.
        """
        job = yield from self._waited(schema.study_key, batch_id, how)
        ended = job if job is not None and is_over(job) else None
        if ended is not None and over is None:
            over = how.now()
        failed = ended is not None and "fail" in str(ended.state).casefold()
        begun, absent = how.now(), False
        found: list[ItemOutcome] | None = None
        for seconds in (0.0,) if batch_id and ended is None else how.waits:
            if seconds:
                waiting = sum(one.state != "stored" for one in found or ()) or len(items)
                how.say(0, len(items), f"{waiting} items cannot be read back yet; the next look is in {seconds:g} s")
                yield Sleep(seconds, self._sleep)
            try:
                rows, newer = yield from self._read_back(schema.study_key, items, high)
            except ImednetError:
                continue
            found = outcomes(items, rows, schema, high, batch_id, taken=taken, failed=failed)
            states = {one.state for one in found}
            absent = ended is not None and moved_past(ended, newer, high)
            late = how.now() - begun >= _LOOKS_FOR_DIFFERENCES
            if states <= {"stored"} or ((late or failed or absent) and (absent or "missing" not in states)):
                break
        if found is None:
            return all_are(items, "unknown", f"the records could not be read back. {_SETTLE}", batch_id), over
        deleted = {row.record_id for row in rows if is_true(row.deleted)}
        sure = absent or (over is not None and how.now() - over >= LONG_ENOUGH)
        return [
            _explained(one, job, sure=sure or item.record_id in deleted, passed=how.now() - since)
            for one, item in zip(found, items, strict=True)
        ], over

    def _waited(self, study_key: str, batch_id: str | None, how: How) -> Steps[Job | None]:
        """The job as it was seen last: when it is over, or when the time is."""
        job: Job | None = None
        for seconds in how.waits if batch_id else ():
            if seconds:
                yield Sleep(seconds, self._sleep)
            try:
                job = yield call("jobs.get", study_key, batch_id)
            except ImednetError:
                continue
            if job is not None and is_over(job):
                break
        return job

    def _read_back(
        self, study_key: str, items: Sequence[PlannedItem], high: int
    ) -> Steps[tuple[list[Record], Rows[Record]]]:
        """The records that items name or may have made, and among them all that are newer than the batch."""
        ids = sorted({one.record_id for one in items if one.record_id is not None})
        named: list[Record] = yield from self._by_id(study_key, ids)
        newer: Rows[Record] = yield call("records.list", study_key, record_id=(">", high))
        return [*named, *newer], newer


def moved_past(job: Job, newer: Rows[Record], high: int) -> bool:
    """Whether what is read is later than the end of a job, so that what the job did must be among it.

    It is where the list of records above `high` is proven whole and holds one that was made after the job ended:
    numbers grow, so whatever the job made stands below it.
    """
    finished = str(job.date_finished or "")
    return bool(finished) and newer.proof.status == "proven" and any(
        (row.record_id or 0) > high and str(row.date_created or "") > finished for row in newer
    )  # fmt: skip


def _explained(one: ItemOutcome, job: Job | None, *, sure: bool, passed: float) -> ItemOutcome:
    """An outcome with what to do next; what is not there is missing only where nothing can bring it any more."""
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
