"""Writing records so that each item's outcome is known: checked before, sent once, waited for, read back.

A batch is sent once. What an answer that got lost, or a job that says completed, means for each item is told by reading
the records back, never by sending again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from imednet_api.models import Job, Record

from ..core.polling import is_over, waits
from ..errors import ApiError, ArgumentError, AuthenticationError, AuthorizationError, ImednetError, ServerError
from ..validation.cache import Choices
from ..validation.schema import ItemsRefusedError, StudySchema
from .items import WRITTEN, ItemOutcome, PlannedItem, all_are, outcomes, planned
from .journal import Journal, read_journal
from .planning import BATCH, PlanningRules, WritePlan, sound
from .steps import Sleep, Steps, call

OnError = Literal["stop", "continue"]
Progress = Callable[[int, int, str], None]
"""Called with items done, items in all, and what goes on."""

_LOOKS = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each look for items of a job that is over."""


@dataclass(frozen=True)
class WriteReport:
    """What became of all items.

    Attributes:
        study_key: the study.
        outcomes: one an item, in their order.
        journal: where the journal is; `None` where none was kept.
    """

    study_key: str
    outcomes: tuple[ItemOutcome, ...]
    journal: Path | None = field(default=None)

    @property
    def counts(self) -> dict[str, int]:
        """How many items have each state."""
        return dict(Counter(one.state for one in self.outcomes))

    @property
    def complete(self) -> bool:
        """Whether every item is stored as it was sent."""
        return all(one.state == "stored" for one in self.outcomes)

    @property
    def record_ids(self) -> list[int]:
        """Numbers of the records that hold items."""
        return [one.record_id for one in self.outcomes if one.record_id is not None and one.state in WRITTEN]


@dataclass(frozen=True)
class _How:
    """How a run goes."""

    interval: float
    timeout: float
    email_notify: bool | str | None
    on_progress: Progress | None


class WritingRules(PlanningRules):
    """The rules of writing; see `RecordUpdateWorkflow`."""

    def _submit(
        self,
        study_key: str,
        items: Sequence[Mapping[str, Any]] | WritePlan,
        *,
        email_notify: bool | str | None = None,
        on_error: OnError = "stop",
        batch_size: int = BATCH,
        journal: str | Path | None = None,
        interval: float = 5,
        timeout: float = 300,
        choices: Choices | None = None,
        on_progress: Progress | None = None,
    ) -> Steps[WriteReport]:
        """Write items: checked, sent in batches one after the other, each job waited for and each item read back.

        Args:
            study_key: the study.
            items: as `sdk.records.create` takes them, or a `WritePlan`; records of a plan that changed since are not
                written (`conflict`).
            email_notify: an address the server writes to, or a boolean.
            on_error: what to do after a batch of which not every item is stored.
            batch_size: items a request.
            journal: a file in which the run is written down, so that it can be gone on with after a crash; with the
                same items and journal, batches that may have gone out are read back, never sent again.
            interval: seconds between two looks at a job, at first.
            timeout: seconds to wait for a job, and for items whose request got no answer.
            choices: choices of variables, such as those of a data dictionary.
            on_progress: called with items done, items in all, and what goes on.

        Returns:
            What became of each item; see `imednet.workflows.items.State`.

        Raises:
            ItemsRefusedError: an item would not be accepted; nothing was sent.
        """
        if on_error not in ("stop", "continue"):
            raise ArgumentError("on_error must be 'stop' or 'continue'")
        next(waits(interval, timeout), None)  # a wrong number is an error before anything is sent
        if not isinstance(items, WritePlan):
            sound(items, batch_size)
        how = _How(interval, timeout, email_notify, on_progress)
        schema = yield from self._schema(study_key, choices)
        if isinstance(items, WritePlan):
            given = [dict(one.body) for one in items.items]
        else:
            if problems := schema.check(items):
                raise ItemsRefusedError(problems, study_key)
            given = [schema.prepared(one) for one in items]
        kept = Journal(Path(journal), study_key, given) if journal is not None else None
        found: dict[int, ItemOutcome] = {}
        if kept is not None:
            yield from self._settle_open(schema, kept, how)
            found = dict(kept.state.outcomes)
        begun = {number for numbers in kept.state.members.values() for number in numbers} if kept else set()
        if isinstance(items, WritePlan):
            plan = items
        elif all(number in begun for number in range(len(given))):
            return self._report(study_key, found, kept)
        else:
            plan = yield from self._plan(study_key, given, batch_size=batch_size, choices=choices)
        left = [one for one in plan.items if one.number not in begun]
        first = max(kept.state.members, default=-1) + 1 if kept else 0
        stopped = on_error == "stop" and any(one.state != "stored" for one in found.values())
        for batch, at in enumerate(range(0, len(left), plan.batch_size), first):
            part = left[at : at + plan.batch_size]
            if stopped:
                settled = all_are(part, "not sent", "an earlier batch ended the run. Next: run these items again")
            else:
                settled, fatal = yield from self._batch(schema, batch, part, kept, how)
                stopped = fatal or (on_error == "stop" and any(one.state != "stored" for one in settled))
                self._say(how, at + len(part), len(left), f"batch {batch} is settled")
            found.update({one.number: one for one in settled})
        return self._report(study_key, found, kept)

    def _verify(self, journal: str | Path, *, timeout: float = 0) -> Steps[WriteReport]:
        """Read back what a run wrote, by its journal; sends nothing.

        Args:
            journal: the file the run was written down in.
            timeout: seconds to wait for items that are not there yet.
        """
        state = read_journal(Path(journal))
        kept = Journal(Path(journal), state.study_key, state.items)
        schema = yield from self._schema(state.study_key)
        for batch in state.members:
            kept.state.outcomes = {
                number: one
                for number, one in kept.state.outcomes.items()
                if number not in state.members[batch] or one.state in ("refused", "conflict")
            }
        yield from self._settle_open(schema, kept, _How(5, timeout, None, None))
        return self._report(state.study_key, kept.state.outcomes, kept)

    # ---- one batch

    def _batch(
        self, schema: StudySchema, batch: int, items: list[PlannedItem], kept: Journal | None, how: _How
    ) -> Steps[tuple[list[ItemOutcome], bool]]:
        """Send one batch and find out what became of it; also whether further batches make no sense."""
        study_key = schema.study_key
        fresh = {row.record_id: row for row in (yield from self._by_id(study_key, _existing(items)))}
        moved = [
            one
            for one in items
            if one.record_id is not None
            and (one.record_id not in fresh or fresh[one.record_id].date_modified != one.date_modified)
        ]
        why = "the record changed since it was looked at. Next: look at it, then run the item again"
        settled = all_are(moved, "conflict", why)
        items = [one for one in items if one not in moved]
        high = (yield call("records.newest", study_key)) or 0
        if kept is not None:
            before = {
                one.number: {
                    "record_id": one.record_id, "old": one.old, "date_modified": one.date_modified,
                    "subject_key": one.subject_key, "site_id": one.site_id,
                }
                for one in items
            }  # fmt: skip
            kept.planned(batch, [one.number for one in (*items, *moved)], high, before)
        fatal = False
        if items:
            self._say(how, 0, len(items), f"batch {batch}: {len(items)} items go out")
            job: Job | None = None
            try:
                job = yield call("records.create", study_key, [dict(one.body) for one in items], how.email_notify)
            except ServerError:
                pass  # it may have been carried out
            except ApiError as error:
                fatal = isinstance(error, (AuthenticationError, AuthorizationError))
                settled += all_are(items, "refused", str(error))
                items = []
            except ImednetError:
                pass  # no answer: it may have been carried out
            if job is not None and job.batch_id and kept is not None:
                kept.sent(batch, job.batch_id)
            if items:
                settled += yield from self._settled(schema, items, high, job.batch_id if job else None, how)
        settled.sort(key=lambda one: one.number)
        if kept is not None:
            kept.settled(batch, settled)
        return settled, fatal

    def _settle_open(self, schema: StudySchema, kept: Journal, how: _How) -> Steps[None]:
        """Read back batches that may have gone out and of which no outcome is written down."""
        for batch in kept.state.open:
            members = [n for n in kept.state.members[batch] if n not in kept.state.outcomes]
            items = [
                replace(planned(number, kept.state.items[number], schema), **kept.state.before[number])
                for number in members
                if number in kept.state.before
            ]
            high, batch_id = kept.state.high[batch], kept.state.batch_ids.get(batch)
            settled = yield from self._settled(schema, items, high, batch_id, how)
            why = "the record changed since it was looked at. Next: look at it, then run the item again"
            lost = [planned(n, kept.state.items[n], schema) for n in members if n not in kept.state.before]
            kept.settled(batch, [*settled, *all_are(lost, "conflict", why)])

    def _settled(
        self, schema: StudySchema, items: list[PlannedItem], high: int, batch_id: str | None, how: _How
    ) -> Steps[list[ItemOutcome]]:
        """Wait for the job, if there is one to ask for, and read every item back."""
        job = yield from self._waited(schema.study_key, batch_id, how)
        over = job is not None and is_over(job)
        failed = over and "fail" in str(job.state if job else "").casefold()
        pending = job is not None and not over
        looks = (0.0,) if failed or pending else _LOOKS if over else (0.0, *_waits(how))
        found: list[ItemOutcome] | None = None
        for seconds in looks:
            if seconds:
                yield Sleep(seconds, self._sleep)
            try:
                rows = yield from self._read_back(schema.study_key, items, high)
            except ImednetError:
                continue
            found = outcomes(items, rows, schema, high, batch_id)
            if all(one.state in WRITTEN for one in found):
                return found
        settle = "Next: imednet records verify JOURNAL, or read the records back, before you send them again"
        if found is None:
            return all_are(items, "unknown", f"the records could not be read back. {settle}", batch_id)
        state = job.state if job is not None else None
        return [
            one
            if one.state in WRITTEN
            else replace(one, state="unknown", detail=f"job {batch_id} is still {state!r}. {settle}")
            if pending
            else replace(one, detail=_missing(batch_id, state, how.timeout))
            for one in found
        ]

    def _waited(self, study_key: str, batch_id: str | None, how: _How) -> Steps[Job | None]:
        """The job as it was seen last: when it is over, or when the time is."""
        if not batch_id:
            return None
        job: Job | None = None
        for seconds in [0.0, *_waits(how)]:
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
        found: list[Record] = yield from self._by_id(study_key, _existing(items))
        if any(one.record_id is None for one in items):
            found += yield call("records.list", study_key, record_id=(">", high))
        return found

    # ---- after

    def _report(self, study_key: str, found: Mapping[int, ItemOutcome], kept: Journal | None) -> WriteReport:
        ordered = tuple(found[number] for number in sorted(found))
        return WriteReport(study_key, ordered, kept.path if kept is not None else None)

    def _say(self, how: _How, done: int, total: int, what: str) -> None:
        if how.on_progress is not None:
            how.on_progress(done, total, what)


def _waits(how: _How) -> list[float]:
    return list(waits(how.interval, how.timeout))


def _existing(items: Sequence[PlannedItem]) -> list[int]:
    return sorted({one.record_id for one in items if one.record_id is not None})


def _missing(batch_id: str | None, state: str | None, timeout: float) -> str:
    if batch_id and state is not None:
        return (
            f"job {batch_id} ended as {state!r} and the record is not there. Next: look at the item, then run it again"
        )
    return (
        f"the request got no usable answer, and the record was not there {timeout:g} seconds later. "
        "Next: imednet records verify JOURNAL once more, then run the item again"
    )
