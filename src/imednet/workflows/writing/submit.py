"""Runs that write records: items are checked, sent in batches, waited for and read back.

A batch is sent only once. If its answer is lost, or its job says completed, the records are read back to find out what
became of each item; nothing is sent again.
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
from .earlier_runs import refuse_written as refuse_written_items
from .items import AGAIN, WRITTEN, ItemOutcome, PlannedItem, all_are, current, planned
from .journal import Journal, JournalError
from .plan import BATCH, AsyncPlanner, Planner, WritePlan, sound
from .readback import AsyncReadBack, OnError, Progress, ReadBack, RunSettings, unreadable

if TYPE_CHECKING:
    from ...resource_attributes import AsyncSDKProtocol, SDKProtocol

_log = logging.getLogger("imednet")
_NOT_CARRIED_OUT: Final = frozenset({400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429})
"""Statuses that mean the server did nothing, where its own body says so: what a proxy in between answers does not tell
whether it had passed the request on. After any other failure the records are read back.
"""
_CHANGED: Final = "the record changed since it was looked at. Next: look at it, then write the item in a run of its own"


class RunOptions(TypedDict, total=False):
    """Keywords of a run, except `interval`; see `AsyncRecordUpdateWorkflow.submit`."""

    email_notify: bool | str | None
    on_error: OnError
    batch_size: int
    journal: str | Path | None
    timeout: float
    choices: Choices | None
    on_progress: Progress | None
    resend_missing: bool
    refuse_written: bool


class SubmitOptions(RunOptions, total=False):
    """Keywords of `submit`; see `AsyncRecordUpdateWorkflow.submit`."""

    interval: float


@dataclass(frozen=True)
class WriteReport:
    """The outcomes of a run.

    Attributes:
        study_key: the study.
        outcomes: one for each item, in their order.
        journal: the path of the journal; `None` where none was kept.
    """

    study_key: str
    outcomes: tuple[ItemOutcome, ...]
    journal: Path | None = field(default=None)

    @property
    def counts(self) -> dict[str, int]:
        """How many items have each state."""
        return dict(Counter(outcome.state for outcome in self.outcomes))

    @property
    def complete(self) -> bool:
        """Whether every item is stored as it was sent."""
        return bool(self.outcomes) and all(outcome.state == "stored" for outcome in self.outcomes)

    @property
    def record_ids(self) -> list[int]:
        """Numbers of the records that hold items."""
        numbers = [outcome.record_id for outcome in self.outcomes if outcome.state in WRITTEN]
        return [number for number in numbers if number is not None]


_OPEN: Final = "it is not known yet what became of items that were sent before. Next: imednet records verify JOURNAL"


def _form_of(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return item.get("formKey"), item.get("formId")


def _form_name(item: Mapping[str, Any]) -> str:
    return str(item.get("formKey") or item.get("formId"))


def _open_of(
    went_out: Mapping[int, tuple[PlannedItem, int]], outcomes: Mapping[int, ItemOutcome]
) -> list[tuple[PlannedItem, int]]:
    """Items of earlier batches that may have made a record that is not matched yet, each with its `high`."""
    return [
        pair
        for number, pair in went_out.items()
        if pair[0].record_id is None and (number not in outcomes or outcomes[number].state == "unknown")
    ]


def _rivals(schema: StudySchema, journal: Journal, numbers: set[int]) -> list[tuple[PlannedItem, int]]:
    """The unsettled items of a journal, except those of these numbers."""
    state = journal.state
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
    """Whether an entry could be written to the journal. If not, a warning is logged: the batch is sent already."""
    try:
        write()
    except JournalError as error:
        _log.warning("%s", error)
        return False
    return True


def _before(item: PlannedItem) -> dict[str, Any]:
    """What a journal keeps of an item: its record as it was before the batch was sent."""
    names = ("record_id", "old", "date_modified", "subject_key", "site_id")
    return {name: getattr(item, name) for name in names}


def _taken(outcomes: Mapping[int, ItemOutcome]) -> frozenset[int]:
    numbers = [outcome.record_id for outcome in outcomes.values() if outcome.state in WRITTEN]
    return frozenset(number for number in numbers if number is not None)


def _report(
    study_key: str,
    outcomes: Mapping[int, ItemOutcome],
    given: Sequence[Mapping[str, Any]],
    journal: Journal | None,
    why: str = "it never went out. Next: run the items again, with the same journal",
) -> WriteReport:
    """The report of a run: one outcome for each item, in their order; `why` is the reason of those not sent."""
    left = {
        number: ItemOutcome(number, "not sent", action_of(item) or "new", _form_name(item), detail=why)
        for number, item in enumerate(given)
        if number not in outcomes
    }
    ordered = tuple(outcome for _, outcome in sorted({**left, **outcomes}.items()))
    return WriteReport(study_key, ordered, journal.path if journal is not None else None)


class AsyncWriter:
    """Sends items in batches and finds out what became of each; behind `AsyncRecordUpdateWorkflow`.

    Args:
        sdk: the SDK to write and read with.
        read_schema: reads the study's design as it is now.
        sleep: waits so many seconds.
        now: returns the time, in seconds since 1970.
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
        refuse_written: bool = False,
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
            given = [dict(item.given) for item in items.items]
        else:
            given = [dict(item) if isinstance(item, Mapping) else item for item in sound(items, batch_size)]
        given = quiet(given)
        settings = RunSettings(interval, timeout, email_notify, on_error, on_progress, self._now)
        schema = items.schema if isinstance(items, WritePlan) else await self._read_schema(study_key, choices)
        if journal is None:
            return await self._run(schema, items, given, batch_size, None, settings, resend=False)
        if not all(isinstance(item, Mapping) for item in given):
            raise ItemsRefusedError(schema.check(given), study_key)
        path, server = _path(journal), self._sdk.records.base_url
        claim = partial(refuse_written_items, path, study_key, given, server) if refuse_written else None
        with Journal(path, study_key, given, server=server, claim=claim) as opened:
            return await self._run(schema, items, given, batch_size, opened, settings, resend=resend_missing)

    async def _run(
        self,
        schema: StudySchema,
        items: Sequence[Mapping[str, Any]] | WritePlan,
        given: list[dict[str, Any]],
        batch_size: int,
        journal: Journal | None,
        settings: RunSettings,
        *,
        resend: bool,
    ) -> WriteReport:
        """Settle what an earlier run left open, then send what was never sent."""
        outcomes: dict[int, ItemOutcome] = {}
        left, first = list(range(len(given))), 0
        if journal is not None:
            for batch, numbers in journal.state.open.items():
                await self._settle_again(schema, journal, batch, numbers, settings)
            missed = journal.state.missing if resend else {}
            for batch, numbers in missed.items():
                await self._settle_again(schema, journal, batch, numbers, replace(settings, timeout=0))
            again = {number for numbers in missed.values() for number in numbers} if missed else set()
            again = {number for number in again if journal.state.outcomes[number].state == "missing"}
            left, first = sorted({*journal.state.left, *again}), max(journal.state.members, default=-1) + 1
            outcomes = {number: outcome for number, outcome in journal.state.outcomes.items() if number not in left}
            if settings.on_error == "stop" and journal.state.open:
                return _report(schema.study_key, outcomes, given, journal, _OPEN)
        if not left:
            return _report(schema.study_key, outcomes, given, journal)
        if isinstance(items, WritePlan):
            plan = items
        else:
            plan = await self._planner.plan(schema, quiet({number: given[number] for number in left}), batch_size)
        todo = [item for item in plan.items if item.number in left]
        why, sent = "an earlier batch ended the run. Next: run these items again", bool(outcomes)
        went_out: dict[int, tuple[PlannedItem, int]] = {}
        for batch, at in enumerate(range(0, len(todo), plan.batch_size), first):
            part = todo[at : at + plan.batch_size]
            begun: list[int] = []
            try:
                settled, fatal = await self._batch(schema, batch, part, journal, outcomes, settings, went_out, begun)
            except ImednetError as error:
                if not sent or begun:
                    raise
                why = f"{error} Nothing of this batch was sent"
                break
            sent = True
            outcomes.update({outcome.number: outcome for outcome in settled})
            settings.say(at + len(part), len(todo), f"batch {batch} is settled")
            if fatal or (settings.on_error == "stop" and any(outcome.state != "stored" for outcome in settled)):
                break
        return _report(schema.study_key, outcomes, given, journal, why)

    async def verify(self, journal: str | Path, *, timeout: float = 0) -> WriteReport:
        """Read back what a run wrote, by its journal. Sends nothing.

        Args:
            journal: the journal of the run.
            timeout: seconds to wait for items that are not there yet.
        """
        with Journal(_path(journal), server=self._sdk.records.base_url) as opened:
            schema = await self._read_schema(opened.state.study_key, None)
            settings = RunSettings(5, timeout, None, "stop", None, self._now)
            for batch, members in list(opened.state.members.items()):
                known = opened.state.outcomes
                final = {number for number, outcome in known.items() if outcome.state in (*AGAIN, "conflict")}
                numbers = [number for number in members if number not in final]
                await self._settle_again(schema, opened, batch, numbers, settings)
            return _report(opened.state.study_key, opened.state.outcomes, opened.state.items, opened)

    # ---- one batch

    async def _batch(
        self,
        schema: StudySchema,
        batch: int,
        items: list[PlannedItem],
        journal: Journal | None,
        outcomes: Mapping[int, ItemOutcome],
        settings: RunSettings,
        went_out: dict[int, tuple[PlannedItem, int]],
        begun: list[int],
    ) -> tuple[list[ItemOutcome], bool]:
        """Send one batch; returns the outcomes of its items, and whether the run must end here.

        Adds the items that were sent to `went_out`, and the batch to `begun` as soon as it may have been sent.
        """
        study_key = schema.study_key
        going, changed = await self._unchanged(study_key, items, outcomes)
        settled = all_are(changed, "conflict", _CHANGED)
        high = (await self._sdk.records.newest(study_key)) or 0
        bodies = [dict(item.body) for item in going]
        fatal, over = False, None
        if going:
            settings.say(0, len(going), f"batch {batch}: {len(going)} items go out")
            since = settings.now()
            if journal is not None:
                journal.planned(
                    batch, [item.number for item in going], high, {item.number: _before(item) for item in going}, since
                )
            job: Job | None = None
            rivals = _open_of(went_out, outcomes)
            begun.append(batch)
            went_out.update({item.number: (item, high) for item in going})
            try:
                job = await self._sdk.records.create(study_key, bodies, settings.email_notify)
            except ArgumentError:  # raised before a byte was sent
                begun.clear()
                if journal is not None:
                    journal.withdrawn(batch)
                raise
            except ApiError as error:
                fatal = isinstance(error, (AuthenticationError, AuthorizationError))
                if error.status_code in _NOT_CARRIED_OUT and told_by_the_api(error.response):
                    settled += all_are(going, "refused", str(error))
                    going = []
            except ImednetError:
                pass  # no usable answer: the batch may have been carried out
            batch_id = job.batch_id if job is not None else None
            if batch_id and journal is not None:
                fatal |= not _noted(partial(journal.sent, batch, batch_id))
            if going:
                taken = _taken(outcomes)
                if journal is not None:
                    rivals = _rivals(schema, journal, {item.number for item in going})
                back, over = await self._read_back.settled(
                    schema, going, high, batch_id, settings, since=since, taken=taken, rivals=rivals
                )
                settled += unreadable(going, batch_id) if back is None else back
        settled.sort(key=lambda outcome: outcome.number)
        if journal is not None:
            fatal |= not _noted(partial(journal.settled, batch, settled, over))
        return settled, fatal

    async def _unchanged(
        self, study_key: str, items: list[PlannedItem], outcomes: Mapping[int, ItemOutcome]
    ) -> tuple[list[PlannedItem], list[PlannedItem]]:
        """Items whose records are as they were planned, or as this run left them; and items whose records changed."""
        rows = await self._planner.standing(study_key, items)
        left = {outcome.record_id: outcome.date_modified for outcome in outcomes.values()}
        going, changed = [], []
        for item in items:
            now = current(replace(item, record_id=None, old=None, date_modified=None), rows)
            same = (now.record_id, now.date_modified) == (item.record_id, item.date_modified)
            ours = now.record_id is not None and left.get(now.record_id, ...) == now.date_modified
            if item.repeats or item.action in ("register", "new"):
                going.append(item)
            elif same or ours:
                going.append(now)
            else:
                changed.append(item)
        return going, changed

    async def _settle_again(
        self, schema: StudySchema, journal: Journal, batch: int, numbers: list[int], settings: RunSettings
    ) -> None:
        """Read back items of a batch that may have been sent, as the journal says."""
        items = []
        for number in numbers:
            if schema.form(*_form_of(journal.state.items[number])) is None:
                continue  # the study no longer has the form: keep what is known
            item = replace(planned(number, journal.state.items[number], schema), **journal.state.before[number])
            before = journal.state.outcomes.get(number)
            if before is not None and before.state == "stored":  # its record is known already
                item = replace(item, record_id=before.record_id, date_modified=None)
            items.append(item)
        others = {number: outcome for number, outcome in journal.state.outcomes.items() if number not in numbers}
        if items:
            back, over = await self._read_back.settled(
                schema, items, journal.state.high[batch], journal.state.batch_ids.get(batch), settings,
                since=journal.state.at[batch], over=journal.state.over.get(batch), taken=_taken(others),
                rivals=_rivals(schema, journal, set(numbers)),
            )  # fmt: skip
            if back is None:  # a check that could not read anything leaves earlier outcomes as they are
                unseen = [item for item in items if item.number not in journal.state.outcomes]
                back = unreadable(unseen, journal.state.batch_ids.get(batch))
            journal.settled(batch, back, over)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class Writer:
    """Sends items in batches and finds out what became of each; behind `RecordUpdateWorkflow`.

    Args:
        sdk: the SDK to write and read with.
        read_schema: reads the study's design as it is now.
        sleep: waits so many seconds.
        now: returns the time, in seconds since 1970.
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
        refuse_written: bool = False,
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
            given = [dict(item.given) for item in items.items]
        else:
            given = [dict(item) if isinstance(item, Mapping) else item for item in sound(items, batch_size)]
        given = quiet(given)
        settings = RunSettings(interval, timeout, email_notify, on_error, on_progress, self._now)
        schema = items.schema if isinstance(items, WritePlan) else self._read_schema(study_key, choices)
        if journal is None:
            return self._run(schema, items, given, batch_size, None, settings, resend=False)
        if not all(isinstance(item, Mapping) for item in given):
            raise ItemsRefusedError(schema.check(given), study_key)
        path, server = _path(journal), self._sdk.records.base_url
        claim = partial(refuse_written_items, path, study_key, given, server) if refuse_written else None
        with Journal(path, study_key, given, server=server, claim=claim) as opened:
            return self._run(schema, items, given, batch_size, opened, settings, resend=resend_missing)

    def _run(
        self,
        schema: StudySchema,
        items: Sequence[Mapping[str, Any]] | WritePlan,
        given: list[dict[str, Any]],
        batch_size: int,
        journal: Journal | None,
        settings: RunSettings,
        *,
        resend: bool,
    ) -> WriteReport:
        """Settle what an earlier run left open, then send what was never sent."""
        outcomes: dict[int, ItemOutcome] = {}
        left, first = list(range(len(given))), 0
        if journal is not None:
            for batch, numbers in journal.state.open.items():
                self._settle_again(schema, journal, batch, numbers, settings)
            missed = journal.state.missing if resend else {}
            for batch, numbers in missed.items():
                self._settle_again(schema, journal, batch, numbers, replace(settings, timeout=0))
            again = {number for numbers in missed.values() for number in numbers} if missed else set()
            again = {number for number in again if journal.state.outcomes[number].state == "missing"}
            left, first = sorted({*journal.state.left, *again}), max(journal.state.members, default=-1) + 1
            outcomes = {number: outcome for number, outcome in journal.state.outcomes.items() if number not in left}
            if settings.on_error == "stop" and journal.state.open:
                return _report(schema.study_key, outcomes, given, journal, _OPEN)
        if not left:
            return _report(schema.study_key, outcomes, given, journal)
        if isinstance(items, WritePlan):
            plan = items
        else:
            plan = self._planner.plan(schema, quiet({number: given[number] for number in left}), batch_size)
        todo = [item for item in plan.items if item.number in left]
        why, sent = "an earlier batch ended the run. Next: run these items again", bool(outcomes)
        went_out: dict[int, tuple[PlannedItem, int]] = {}
        for batch, at in enumerate(range(0, len(todo), plan.batch_size), first):
            part = todo[at : at + plan.batch_size]
            begun: list[int] = []
            try:
                settled, fatal = self._batch(schema, batch, part, journal, outcomes, settings, went_out, begun)
            except ImednetError as error:
                if not sent or begun:
                    raise
                why = f"{error} Nothing of this batch was sent"
                break
            sent = True
            outcomes.update({outcome.number: outcome for outcome in settled})
            settings.say(at + len(part), len(todo), f"batch {batch} is settled")
            if fatal or (settings.on_error == "stop" and any(outcome.state != "stored" for outcome in settled)):
                break
        return _report(schema.study_key, outcomes, given, journal, why)

    def verify(self, journal: str | Path, *, timeout: float = 0) -> WriteReport:
        """Read back what a run wrote, by its journal. Sends nothing.

        Args:
            journal: the journal of the run.
            timeout: seconds to wait for items that are not there yet.
        """
        with Journal(_path(journal), server=self._sdk.records.base_url) as opened:
            schema = self._read_schema(opened.state.study_key, None)
            settings = RunSettings(5, timeout, None, "stop", None, self._now)
            for batch, members in list(opened.state.members.items()):
                known = opened.state.outcomes
                final = {number for number, outcome in known.items() if outcome.state in (*AGAIN, "conflict")}
                numbers = [number for number in members if number not in final]
                self._settle_again(schema, opened, batch, numbers, settings)
            return _report(opened.state.study_key, opened.state.outcomes, opened.state.items, opened)

    # ---- one batch

    def _batch(
        self,
        schema: StudySchema,
        batch: int,
        items: list[PlannedItem],
        journal: Journal | None,
        outcomes: Mapping[int, ItemOutcome],
        settings: RunSettings,
        went_out: dict[int, tuple[PlannedItem, int]],
        begun: list[int],
    ) -> tuple[list[ItemOutcome], bool]:
        """Send one batch; returns the outcomes of its items, and whether the run must end here.

        Adds the items that were sent to `went_out`, and the batch to `begun` as soon as it may have been sent.
        """
        study_key = schema.study_key
        going, changed = self._unchanged(study_key, items, outcomes)
        settled = all_are(changed, "conflict", _CHANGED)
        high = (self._sdk.records.newest(study_key)) or 0
        bodies = [dict(item.body) for item in going]
        fatal, over = False, None
        if going:
            settings.say(0, len(going), f"batch {batch}: {len(going)} items go out")
            since = settings.now()
            if journal is not None:
                journal.planned(
                    batch, [item.number for item in going], high, {item.number: _before(item) for item in going}, since
                )
            job: Job | None = None
            rivals = _open_of(went_out, outcomes)
            begun.append(batch)
            went_out.update({item.number: (item, high) for item in going})
            try:
                job = self._sdk.records.create(study_key, bodies, settings.email_notify)
            except ArgumentError:  # raised before a byte was sent
                begun.clear()
                if journal is not None:
                    journal.withdrawn(batch)
                raise
            except ApiError as error:
                fatal = isinstance(error, (AuthenticationError, AuthorizationError))
                if error.status_code in _NOT_CARRIED_OUT and told_by_the_api(error.response):
                    settled += all_are(going, "refused", str(error))
                    going = []
            except ImednetError:
                pass  # no usable answer: the batch may have been carried out
            batch_id = job.batch_id if job is not None else None
            if batch_id and journal is not None:
                fatal |= not _noted(partial(journal.sent, batch, batch_id))
            if going:
                taken = _taken(outcomes)
                if journal is not None:
                    rivals = _rivals(schema, journal, {item.number for item in going})
                back, over = self._read_back.settled(
                    schema, going, high, batch_id, settings, since=since, taken=taken, rivals=rivals
                )
                settled += unreadable(going, batch_id) if back is None else back
        settled.sort(key=lambda outcome: outcome.number)
        if journal is not None:
            fatal |= not _noted(partial(journal.settled, batch, settled, over))
        return settled, fatal

    def _unchanged(
        self, study_key: str, items: list[PlannedItem], outcomes: Mapping[int, ItemOutcome]
    ) -> tuple[list[PlannedItem], list[PlannedItem]]:
        """Items whose records are as they were planned, or as this run left them; and items whose records changed."""
        rows = self._planner.standing(study_key, items)
        left = {outcome.record_id: outcome.date_modified for outcome in outcomes.values()}
        going, changed = [], []
        for item in items:
            now = current(replace(item, record_id=None, old=None, date_modified=None), rows)
            same = (now.record_id, now.date_modified) == (item.record_id, item.date_modified)
            ours = now.record_id is not None and left.get(now.record_id, ...) == now.date_modified
            if item.repeats or item.action in ("register", "new"):
                going.append(item)
            elif same or ours:
                going.append(now)
            else:
                changed.append(item)
        return going, changed

    def _settle_again(
        self, schema: StudySchema, journal: Journal, batch: int, numbers: list[int], settings: RunSettings
    ) -> None:
        """Read back items of a batch that may have been sent, as the journal says."""
        items = []
        for number in numbers:
            if schema.form(*_form_of(journal.state.items[number])) is None:
                continue  # the study no longer has the form: keep what is known
            item = replace(planned(number, journal.state.items[number], schema), **journal.state.before[number])
            before = journal.state.outcomes.get(number)
            if before is not None and before.state == "stored":  # its record is known already
                item = replace(item, record_id=before.record_id, date_modified=None)
            items.append(item)
        others = {number: outcome for number, outcome in journal.state.outcomes.items() if number not in numbers}
        if items:
            back, over = self._read_back.settled(
                schema, items, journal.state.high[batch], journal.state.batch_ids.get(batch), settings,
                since=journal.state.at[batch], over=journal.state.over.get(batch), taken=_taken(others),
                rivals=_rivals(schema, journal, set(numbers)),
            )  # fmt: skip
            if back is None:  # a check that could not read anything leaves earlier outcomes as they are
                unseen = [item for item in items if item.number not in journal.state.outcomes]
                back = unreadable(unseen, journal.state.batch_ids.get(batch))
            journal.settled(batch, back, over)
