"""What became of a batch that may have gone out: its job is waited for, its records are read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from imednet_api.models import Job, Record

from ..core.polling import is_over, waits
from ..errors import ImednetError
from ..validation.schema import StudySchema
from .items import ItemOutcome, PlannedItem, all_are, outcomes
from .planning import PlanningRules
from .steps import Sleep, Steps, call

OnError = Literal["stop", "continue"]
Progress = Callable[[int, int, str], None]
"""Called with items done, items in all, and what goes on."""

LONG_ENOUGH: Final = 300.0
"""Seconds after which an item of which no job tells counts as missing; before that it is unknown."""
_LOOKS: Final = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each look for items of a job that is over."""
_SETTLE: Final = "Next: imednet records verify JOURNAL, or read the records back, before you send them again"


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
        taken: Iterable[int],
    ) -> Steps[list[ItemOutcome]]:
        """Wait for the job, if there is one to ask for, and read every item back."""
        job = yield from self._waited(schema.study_key, batch_id, how)
        over = job is not None and is_over(job)
        failed = over and "fail" in str(job.state if job else "").casefold()
        looks = (0.0,) if failed or (batch_id and not over) else _LOOKS if over else how.waits
        found: list[ItemOutcome] | None = None
        for seconds in looks:
            if seconds:
                yield Sleep(seconds, self._sleep)
            try:
                rows = yield from self._read_back(schema.study_key, items, high)
            except ImednetError:
                continue
            found = outcomes(items, rows, schema, high, batch_id, taken=taken, failed=failed)
            if all(one.state == "stored" for one in found):
                return found
        if found is None:
            return all_are(items, "unknown", f"the records could not be read back. {_SETTLE}", batch_id)
        return [self._explained(one, job, over=over, passed=how.now() - since) for one in found]

    def _explained(self, one: ItemOutcome, job: Job | None, *, over: bool, passed: float) -> ItemOutcome:
        """An outcome with what to do next; what is not there is missing only where nothing can bring it any more."""
        if one.state != "missing":
            return one
        state = repr(job.state) if job is not None else None
        if over:
            what = f"job {one.batch_id} ended as {state} and the record is not there"
            return replace(one, detail=f"{what}. Next: look at the item, then run it again")
        if job is not None:
            return replace(one, state="unknown", detail=f"job {one.batch_id} is still {state}. {_SETTLE}")
        what = f"the request got no usable answer, and the record was not there {passed:.0f} seconds later"
        if passed < LONG_ENOUGH:
            return replace(one, state="unknown", detail=f"{what}. {_SETTLE}")
        return replace(one, detail=f"{what}. Next: imednet records verify JOURNAL once more, then run the item again")

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

    def _read_back(self, study_key: str, items: Sequence[PlannedItem], high: int) -> Steps[list[Record]]:
        """The records that items name, and all that are newer than the batch."""
        ids = sorted({one.record_id for one in items if one.record_id is not None})
        found: list[Record] = yield from self._by_id(study_key, ids)
        if any(one.record_id is None for one in items):
            found += yield call("records.list", study_key, record_id=(">", high))
        return found
