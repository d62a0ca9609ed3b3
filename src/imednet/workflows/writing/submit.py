"""Writing records so that each item's outcome is known: checked before, sent once, waited for, read back.

A batch is sent once. What an answer that got lost, or a job that says completed, means for each item is told by reading
the records back, never by sending again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

from imednet_api.models import Job

from ...core.polling import waits
from ...core.retry import told_by_the_api
from ...endpoints.records import create_request
from ...errors import ApiError, ArgumentError, AuthenticationError, AuthorizationError, ImednetError
from ...utils.quiet import quiet
from ...validation.cache import Choices
from ...validation.schema import ItemsRefusedError, StudySchema, action_of
from .items import AGAIN, WRITTEN, ItemOutcome, PlannedItem, all_are, current, planned
from .journal import Journal, JournalError
from .plan import BATCH, AsyncPlanner, Planner, WritePlan, sound
from .readback import AsyncReadBack, OnError, Progress, ReadBack, RunSettings, unreadable

if TYPE_CHECKING:
    from ...resource_attributes import AsyncSDKProtocol, SDKProtocol

_log = logging.getLogger("imednet")
_NOT_CARRIED_OUT: Final = frozenset({400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429})
"""Statuses by which a server says that it did nothing; after any other failure the records are read back.

A 429 counts only where it is the API's own: what stands between may have passed the request on.
"""
_TOO_MANY: Final = 429
_MOVED: Final = "the record changed since it was looked at. Next: look at it, then run the item again"


class RunOptions(TypedDict, total=False):
    """Keywords of a run but its `interval`; see `AsyncRecordUpdateWorkflow.submit`."""

    email_notify: bool | str | None
    on_error: OnError
    batch_size: int
    journal: str | Path | None
    timeout: float
    choices: Choices | None
    on_progress: Progress | None
    resend_missing: bool


class SubmitOptions(RunOptions, total=False):
    """Keywords of `submit`; see `AsyncRecordUpdateWorkflow.submit`."""

    interval: float


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
        return bool(self.outcomes) and all(one.state == "stored" for one in self.outcomes)

    @property
    def record_ids(self) -> list[int]:
        """Numbers of the records that hold items."""
        return [one.record_id for one in self.outcomes if one.record_id is not None and one.state in WRITTEN]


_OPEN: Final = "it is not known yet what became of items that were sent before. Next: imednet records verify JOURNAL"


def _form_of(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return item.get("formKey"), item.get("formId")


def _open_of(
    went_out: Mapping[int, tuple[PlannedItem, int]], found: Mapping[int, ItemOutcome]
) -> list[tuple[PlannedItem, int]]:
    """Items of earlier batches that may still have made a record nobody knows of."""
    return [
        pair
        for number, pair in went_out.items()
        if pair[0].record_id is None and (number not in found or found[number].state == "unknown")
    ]


def _rivals(schema: StudySchema, kept: Journal, numbers: set[int]) -> list[tuple[PlannedItem, int]]:
    """The same of a journal, but for the items of these numbers."""
    state = kept.state
    went_out = {
        number: (replace(planned(number, state.items[number], schema), **state.before[number]), state.high[batch])
        for batch, members in state.members.items()
        for number in members
        if number not in numbers and schema.form(*_form_of(state.items[number])) is not None
    }
    return _open_of(went_out, state.outcomes)


def _path(journal: str | Path) -> Path:
    if not isinstance(journal, (str, Path)):
        raise ArgumentError("journal must be the path of a file")
    return Path(journal)


def _noted(write: Callable[[], None]) -> bool:
    """Whether it could be written down what became of a batch; where not, it must be told all the same."""
    try:
        write()
    except JournalError as error:
        _log.warning("%s", error)
        return False
    return True


def _before(one: PlannedItem) -> dict[str, Any]:
    """What a journal keeps of an item: how things stood before it went out."""
    names = ("record_id", "old", "date_modified", "subject_key", "site_id")
    return {name: getattr(one, name) for name in names}


def _taken(found: Mapping[int, ItemOutcome]) -> frozenset[int]:
    return frozenset(one.record_id for one in found.values() if one.record_id is not None and one.state in WRITTEN)


def _report(
    study_key: str,
    found: Mapping[int, ItemOutcome],
    given: Sequence[Mapping[str, Any]],
    kept: Journal | None,
    why: str = "it never went out. Next: run the items again, with the same journal",
) -> WriteReport:
    """One outcome for each item, in their order."""
    left = {
        number: ItemOutcome(number, "not sent", action_of(one) or "new", str(one.get("formKey") or one.get("formId")),
                            detail=why)
        for number, one in enumerate(given)
        if number not in found
    }  # fmt: skip
    ordered = tuple(one for _, one in sorted({**left, **found}.items()))
    return WriteReport(study_key, ordered, kept.path if kept is not None else None)


class AsyncWriter:
    """Sends items in batches and finds out what became of each; see `AsyncRecordUpdateWorkflow`.

    Args:
        sdk: the SDK to write and read with.
        read_schema: gives the study's design as it is now.
        sleep: waits so many seconds.
        now: gives the time, in seconds since 1970.
    """

    def __init__(
        self,
        sdk: AsyncSDKProtocol,
        read_schema: Callable[[str, Choices | None], Awaitable[StudySchema]],
        sleep: Callable[[float], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        self._sdk = sdk
        self._read_schema = read_schema
        self._now = now
        self._planner = AsyncPlanner(sdk)
        self._read_back = AsyncReadBack(sdk, sleep)

    async def submit(
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
        resend_missing: bool = False,
    ) -> WriteReport:
        """Write items and find out what became of each; see `AsyncRecordUpdateWorkflow.submit`."""
        items = quiet(items)
        if on_error not in ("stop", "continue"):
            raise ArgumentError("on_error must be 'stop' or 'continue'")
        if resend_missing and journal is None:
            raise ArgumentError("resend_missing needs the journal of the run that missed items. Next: name it")
        next(waits(interval, timeout), None)  # a wrong number is an error before anything is sent
        create_request(study_key, [{"data": {}}], email_notify)  # and so is an address that cannot be sent
        if isinstance(items, WritePlan):
            if items.study_key != study_key:
                raise ArgumentError(f"the plan is of study {items.study_key!r}, not of {study_key!r}")
            given = [dict(one.given) for one in items.items]
        else:
            given = [dict(one) if isinstance(one, Mapping) else one for one in sound(items, batch_size)]
        given = quiet(given)
        settings = RunSettings(interval, timeout, email_notify, on_error, on_progress, self._now)
        schema = items.schema if isinstance(items, WritePlan) else await self._read_schema(study_key, choices)
        if journal is None:
            return await self._run(schema, items, given, batch_size, None, settings, resend=False)
        if not all(isinstance(one, Mapping) for one in given):
            raise ItemsRefusedError(schema.check(given), study_key)
        with Journal(_path(journal), study_key, given) as kept:
            return await self._run(schema, items, given, batch_size, kept, settings, resend=resend_missing)

    async def _run(
        self,
        schema: StudySchema,
        items: Sequence[Mapping[str, Any]] | WritePlan,
        given: list[dict[str, Any]],
        batch_size: int,
        kept: Journal | None,
        settings: RunSettings,
        *,
        resend: bool,
    ) -> WriteReport:
        """Settle what an earlier run left open, then send what never went out."""
        found: dict[int, ItemOutcome] = {}
        left, first = list(range(len(given))), 0
        if kept is not None:
            for batch, numbers in kept.state.open.items():
                await self._settle_again(schema, kept, batch, numbers, settings)
            missed = kept.state.missing if resend else {}
            for batch, numbers in missed.items():
                await self._settle_again(schema, kept, batch, numbers, replace(settings, timeout=0))
            again = {number for numbers in missed.values() for number in numbers} if missed else set()
            again = {number for number in again if kept.state.outcomes[number].state == "missing"}
            left, first = sorted({*kept.state.left, *again}), max(kept.state.members, default=-1) + 1
            found = {number: one for number, one in kept.state.outcomes.items() if number not in left}
            if settings.on_error == "stop" and kept.state.open:
                return _report(schema.study_key, found, given, kept, _OPEN)
        if not left:
            return _report(schema.study_key, found, given, kept)
        if isinstance(items, WritePlan):
            plan = items
        else:
            plan = await self._planner.plan(schema, quiet({number: given[number] for number in left}), batch_size)
        todo = [one for one in plan.items if one.number in left]
        why, sent = "an earlier batch ended the run. Next: run these items again", bool(found)
        went_out: dict[int, tuple[PlannedItem, int]] = {}
        for batch, at in enumerate(range(0, len(todo), plan.batch_size), first):
            part = todo[at : at + plan.batch_size]
            begun: list[int] = []
            try:
                settled, fatal = await self._batch(schema, batch, part, kept, found, settings, went_out, begun)
            except ImednetError as error:
                if not sent or begun:
                    raise
                why = f"{error} Nothing of this batch was sent"
                break
            sent = True
            found.update({one.number: one for one in settled})
            settings.say(at + len(part), len(todo), f"batch {batch} is settled")
            if fatal or (settings.on_error == "stop" and any(one.state != "stored" for one in settled)):
                break
        return _report(schema.study_key, found, given, kept, why)

    async def verify(self, journal: str | Path, *, timeout: float = 0) -> WriteReport:
        """Read back what a run wrote, by its journal; sends nothing.

        Args:
            journal: the file the run was written down in.
            timeout: seconds to wait for items that are not there yet.
        """
        with Journal(_path(journal)) as kept:
            schema = await self._read_schema(kept.state.study_key, None)
            settings = RunSettings(5, timeout, None, "stop", None, self._now)
            for batch, members in list(kept.state.members.items()):
                known = kept.state.outcomes
                numbers = [n for n in members if n not in known or known[n].state not in (*AGAIN, "conflict")]
                await self._settle_again(schema, kept, batch, numbers, settings)
            return _report(kept.state.study_key, kept.state.outcomes, kept.state.items, kept)

    # ---- one batch

    async def _batch(
        self,
        schema: StudySchema,
        batch: int,
        items: list[PlannedItem],
        kept: Journal | None,
        found: Mapping[int, ItemOutcome],
        settings: RunSettings,
        went_out: dict[int, tuple[PlannedItem, int]],
        begun: list[int],
    ) -> tuple[list[ItemOutcome], bool]:
        """Send one batch and find out what became of it; also whether further batches make no sense.

        `went_out` gets the items that were sent, `begun` the batch as soon as it may have gone out.
        """
        study_key = schema.study_key
        going, moved = await self._unmoved(study_key, items, found)
        settled = all_are(moved, "conflict", _MOVED)
        high = (await self._sdk.records.newest(study_key)) or 0
        bodies = [dict(one.body) for one in going]
        fatal, over = False, None
        if going:
            settings.say(0, len(going), f"batch {batch}: {len(going)} items go out")
            since = settings.now()
            if kept is not None:
                kept.planned(
                    batch, [one.number for one in going], high, {one.number: _before(one) for one in going}, since
                )
            job: Job | None = None
            rivals = _open_of(went_out, found)
            begun.append(batch)
            went_out.update({one.number: (one, high) for one in going})
            try:
                job = await self._sdk.records.create(study_key, bodies, settings.email_notify)
            except ArgumentError:  # told before a byte was sent
                begun.clear()
                if kept is not None:
                    kept.withdrawn(batch)
                raise
            except ApiError as error:
                if error.status_code in _NOT_CARRIED_OUT and (
                    error.status_code != _TOO_MANY or told_by_the_api(error.response)
                ):
                    fatal = isinstance(error, (AuthenticationError, AuthorizationError))
                    settled += all_are(going, "refused", str(error))
                    going = []
            except ImednetError:
                pass  # no answer: it may have been carried out
            batch_id = job.batch_id if job is not None else None
            if batch_id and kept is not None:
                fatal |= not _noted(partial(kept.sent, batch, batch_id))
            if going:
                taken = _taken(found)
                if kept is not None:
                    rivals = _rivals(schema, kept, {one.number for one in going})
                back, over = await self._read_back.settled(
                    schema, going, high, batch_id, settings, since=since, taken=taken, rivals=rivals
                )
                settled += unreadable(going, batch_id) if back is None else back
        settled.sort(key=lambda one: one.number)
        if kept is not None:
            fatal |= not _noted(partial(kept.settled, batch, settled, over))
        return settled, fatal

    async def _unmoved(
        self, study_key: str, items: list[PlannedItem], found: Mapping[int, ItemOutcome]
    ) -> tuple[list[PlannedItem], list[PlannedItem]]:
        """Items whose records are as they were looked at, or as this run left them; and those whose are not."""
        rows = await self._planner.standing(study_key, items)
        own = {one.record_id: one.date_modified for one in found.values() if one.record_id is not None}
        going, moved = [], []
        for one in items:
            now = current(replace(one, record_id=None, old=None, date_modified=None), rows)
            same = (now.record_id, now.date_modified) == (one.record_id, one.date_modified)
            ours = now.record_id is not None and own.get(now.record_id, ...) == now.date_modified
            if one.repeats or one.action in ("register", "new"):
                going.append(one)
            elif same or ours:
                going.append(now)
            else:
                moved.append(one)
        return going, moved

    async def _settle_again(
        self, schema: StudySchema, kept: Journal, batch: int, numbers: list[int], settings: RunSettings
    ) -> None:
        """Read back items of a batch that may have gone out, as the journal says."""
        items = []
        for number in numbers:
            if schema.form(*_form_of(kept.state.items[number])) is None:
                continue  # the study has its form no longer: what is known stays
            one = replace(planned(number, kept.state.items[number], schema), **kept.state.before[number])
            before = kept.state.outcomes.get(number)
            if before is not None and before.state == "stored":  # which record it is was told already
                one = replace(one, record_id=before.record_id, date_modified=None)
            items.append(one)
        others = {n: one for n, one in kept.state.outcomes.items() if n not in numbers}
        if items:
            back, over = await self._read_back.settled(
                schema, items, kept.state.high[batch], kept.state.batch_ids.get(batch), settings,
                since=kept.state.at[batch], over=kept.state.over.get(batch), taken=_taken(others),
                rivals=_rivals(schema, kept, set(numbers)),
            )  # fmt: skip
            if back is None:  # what an earlier look found is not made worse by one that saw nothing
                unseen = [one for one in items if one.number not in kept.state.outcomes]
                back = unreadable(unseen, kept.state.batch_ids.get(batch))
            kept.settled(batch, back, over)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class Writer:
    """Sends items in batches and finds out what became of each; see `RecordUpdateWorkflow`.

    Args:
        sdk: the SDK to write and read with.
        read_schema: gives the study's design as it is now.
        sleep: waits so many seconds.
        now: gives the time, in seconds since 1970.
    """

    def __init__(
        self,
        sdk: SDKProtocol,
        read_schema: Callable[[str, Choices | None], StudySchema],
        sleep: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self._sdk = sdk
        self._read_schema = read_schema
        self._now = now
        self._planner = Planner(sdk)
        self._read_back = ReadBack(sdk, sleep)

    def submit(
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
        resend_missing: bool = False,
    ) -> WriteReport:
        """Write items and find out what became of each; see `RecordUpdateWorkflow.submit`."""
        items = quiet(items)
        if on_error not in ("stop", "continue"):
            raise ArgumentError("on_error must be 'stop' or 'continue'")
        if resend_missing and journal is None:
            raise ArgumentError("resend_missing needs the journal of the run that missed items. Next: name it")
        next(waits(interval, timeout), None)  # a wrong number is an error before anything is sent
        create_request(study_key, [{"data": {}}], email_notify)  # and so is an address that cannot be sent
        if isinstance(items, WritePlan):
            if items.study_key != study_key:
                raise ArgumentError(f"the plan is of study {items.study_key!r}, not of {study_key!r}")
            given = [dict(one.given) for one in items.items]
        else:
            given = [dict(one) if isinstance(one, Mapping) else one for one in sound(items, batch_size)]
        given = quiet(given)
        settings = RunSettings(interval, timeout, email_notify, on_error, on_progress, self._now)
        schema = items.schema if isinstance(items, WritePlan) else self._read_schema(study_key, choices)
        if journal is None:
            return self._run(schema, items, given, batch_size, None, settings, resend=False)
        if not all(isinstance(one, Mapping) for one in given):
            raise ItemsRefusedError(schema.check(given), study_key)
        with Journal(_path(journal), study_key, given) as kept:
            return self._run(schema, items, given, batch_size, kept, settings, resend=resend_missing)

    def _run(
        self,
        schema: StudySchema,
        items: Sequence[Mapping[str, Any]] | WritePlan,
        given: list[dict[str, Any]],
        batch_size: int,
        kept: Journal | None,
        settings: RunSettings,
        *,
        resend: bool,
    ) -> WriteReport:
        """Settle what an earlier run left open, then send what never went out."""
        found: dict[int, ItemOutcome] = {}
        left, first = list(range(len(given))), 0
        if kept is not None:
            for batch, numbers in kept.state.open.items():
                self._settle_again(schema, kept, batch, numbers, settings)
            missed = kept.state.missing if resend else {}
            for batch, numbers in missed.items():
                self._settle_again(schema, kept, batch, numbers, replace(settings, timeout=0))
            again = {number for numbers in missed.values() for number in numbers} if missed else set()
            again = {number for number in again if kept.state.outcomes[number].state == "missing"}
            left, first = sorted({*kept.state.left, *again}), max(kept.state.members, default=-1) + 1
            found = {number: one for number, one in kept.state.outcomes.items() if number not in left}
            if settings.on_error == "stop" and kept.state.open:
                return _report(schema.study_key, found, given, kept, _OPEN)
        if not left:
            return _report(schema.study_key, found, given, kept)
        if isinstance(items, WritePlan):
            plan = items
        else:
            plan = self._planner.plan(schema, quiet({number: given[number] for number in left}), batch_size)
        todo = [one for one in plan.items if one.number in left]
        why, sent = "an earlier batch ended the run. Next: run these items again", bool(found)
        went_out: dict[int, tuple[PlannedItem, int]] = {}
        for batch, at in enumerate(range(0, len(todo), plan.batch_size), first):
            part = todo[at : at + plan.batch_size]
            begun: list[int] = []
            try:
                settled, fatal = self._batch(schema, batch, part, kept, found, settings, went_out, begun)
            except ImednetError as error:
                if not sent or begun:
                    raise
                why = f"{error} Nothing of this batch was sent"
                break
            sent = True
            found.update({one.number: one for one in settled})
            settings.say(at + len(part), len(todo), f"batch {batch} is settled")
            if fatal or (settings.on_error == "stop" and any(one.state != "stored" for one in settled)):
                break
        return _report(schema.study_key, found, given, kept, why)

    def verify(self, journal: str | Path, *, timeout: float = 0) -> WriteReport:
        """Read back what a run wrote, by its journal; sends nothing.

        Args:
            journal: the file the run was written down in.
            timeout: seconds to wait for items that are not there yet.
        """
        with Journal(_path(journal)) as kept:
            schema = self._read_schema(kept.state.study_key, None)
            settings = RunSettings(5, timeout, None, "stop", None, self._now)
            for batch, members in list(kept.state.members.items()):
                known = kept.state.outcomes
                numbers = [n for n in members if n not in known or known[n].state not in (*AGAIN, "conflict")]
                self._settle_again(schema, kept, batch, numbers, settings)
            return _report(kept.state.study_key, kept.state.outcomes, kept.state.items, kept)

    # ---- one batch

    def _batch(
        self,
        schema: StudySchema,
        batch: int,
        items: list[PlannedItem],
        kept: Journal | None,
        found: Mapping[int, ItemOutcome],
        settings: RunSettings,
        went_out: dict[int, tuple[PlannedItem, int]],
        begun: list[int],
    ) -> tuple[list[ItemOutcome], bool]:
        """Send one batch and find out what became of it; also whether further batches make no sense.

        `went_out` gets the items that were sent, `begun` the batch as soon as it may have gone out.
        """
        study_key = schema.study_key
        going, moved = self._unmoved(study_key, items, found)
        settled = all_are(moved, "conflict", _MOVED)
        high = (self._sdk.records.newest(study_key)) or 0
        bodies = [dict(one.body) for one in going]
        fatal, over = False, None
        if going:
            settings.say(0, len(going), f"batch {batch}: {len(going)} items go out")
            since = settings.now()
            if kept is not None:
                kept.planned(
                    batch, [one.number for one in going], high, {one.number: _before(one) for one in going}, since
                )
            job: Job | None = None
            rivals = _open_of(went_out, found)
            begun.append(batch)
            went_out.update({one.number: (one, high) for one in going})
            try:
                job = self._sdk.records.create(study_key, bodies, settings.email_notify)
            except ArgumentError:  # told before a byte was sent
                begun.clear()
                if kept is not None:
                    kept.withdrawn(batch)
                raise
            except ApiError as error:
                if error.status_code in _NOT_CARRIED_OUT and (
                    error.status_code != _TOO_MANY or told_by_the_api(error.response)
                ):
                    fatal = isinstance(error, (AuthenticationError, AuthorizationError))
                    settled += all_are(going, "refused", str(error))
                    going = []
            except ImednetError:
                pass  # no answer: it may have been carried out
            batch_id = job.batch_id if job is not None else None
            if batch_id and kept is not None:
                fatal |= not _noted(partial(kept.sent, batch, batch_id))
            if going:
                taken = _taken(found)
                if kept is not None:
                    rivals = _rivals(schema, kept, {one.number for one in going})
                back, over = self._read_back.settled(
                    schema, going, high, batch_id, settings, since=since, taken=taken, rivals=rivals
                )
                settled += unreadable(going, batch_id) if back is None else back
        settled.sort(key=lambda one: one.number)
        if kept is not None:
            fatal |= not _noted(partial(kept.settled, batch, settled, over))
        return settled, fatal

    def _unmoved(
        self, study_key: str, items: list[PlannedItem], found: Mapping[int, ItemOutcome]
    ) -> tuple[list[PlannedItem], list[PlannedItem]]:
        """Items whose records are as they were looked at, or as this run left them; and those whose are not."""
        rows = self._planner.standing(study_key, items)
        own = {one.record_id: one.date_modified for one in found.values() if one.record_id is not None}
        going, moved = [], []
        for one in items:
            now = current(replace(one, record_id=None, old=None, date_modified=None), rows)
            same = (now.record_id, now.date_modified) == (one.record_id, one.date_modified)
            ours = now.record_id is not None and own.get(now.record_id, ...) == now.date_modified
            if one.repeats or one.action in ("register", "new"):
                going.append(one)
            elif same or ours:
                going.append(now)
            else:
                moved.append(one)
        return going, moved

    def _settle_again(
        self, schema: StudySchema, kept: Journal, batch: int, numbers: list[int], settings: RunSettings
    ) -> None:
        """Read back items of a batch that may have gone out, as the journal says."""
        items = []
        for number in numbers:
            if schema.form(*_form_of(kept.state.items[number])) is None:
                continue  # the study has its form no longer: what is known stays
            one = replace(planned(number, kept.state.items[number], schema), **kept.state.before[number])
            before = kept.state.outcomes.get(number)
            if before is not None and before.state == "stored":  # which record it is was told already
                one = replace(one, record_id=before.record_id, date_modified=None)
            items.append(one)
        others = {n: one for n, one in kept.state.outcomes.items() if n not in numbers}
        if items:
            back, over = self._read_back.settled(
                schema, items, kept.state.high[batch], kept.state.batch_ids.get(batch), settings,
                since=kept.state.at[batch], over=kept.state.over.get(batch), taken=_taken(others),
                rivals=_rivals(schema, kept, set(numbers)),
            )  # fmt: skip
            if back is None:  # what an earlier look found is not made worse by one that saw nothing
                unseen = [one for one in items if one.number not in kept.state.outcomes]
                back = unreadable(unseen, kept.state.batch_ids.get(batch))
            kept.settled(batch, back, over)
