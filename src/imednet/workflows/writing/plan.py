"""Plans of writes: items are checked, subjects and records looked up, bodies made. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from imednet_api.models import Record

from ...core.concurrency import async_gather, gather
from ...errors import ArgumentError
from ...utils.truth import is_true
from ...validation.schema import ItemsRefusedError, Problem, StudySchema
from .items import PlannedItem, current, planned

if TYPE_CHECKING:
    from ...resource_attributes import AsyncSDKProtocol, SDKProtocol

BATCH = 50
"""Items per request; the vendor names no limit."""
_FEW = 5
_AT_ONCE = 20


@dataclass(frozen=True)
class WritePlan:
    """What a run would do. Nothing has been sent.

    Attributes:
        study_key: the study.
        items: each item with its meaning, and the record it changes as it is now.
        schema: the study's design the plan was made with; writing the plan does not read it again.
        batch_size: items per request.
        notes: what could not be checked.
    """

    study_key: str
    items: tuple[PlannedItem, ...]
    schema: StudySchema = field(repr=False, compare=False)
    batch_size: int = BATCH
    notes: tuple[str, ...] = ()

    @property
    def bodies(self) -> list[list[dict[str, Any]]]:
        """The exact bodies of the requests, in their order."""
        plain = [dict(item.body) for item in self.items]
        return [plain[at : at + self.batch_size] for at in range(0, len(plain), self.batch_size)]


def sound(items: Any, batch_size: int) -> list[Any]:
    """The items as a list. Raises ArgumentError where there is nothing to write, or for a wrong batch size."""
    given = [] if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Iterable) else list(items)
    if not given:
        raise ArgumentError("items must be a list with at least one item, even for a single item")
    if type(batch_size) is not int or batch_size < 1:
        raise ArgumentError("batch_size must be a whole number, at least 1")
    return given


def _only(
    item: PlannedItem, rows: Sequence[Any], names: Mapping[str, str], problems: list[Problem], kind: str
) -> tuple[Any] | None:
    """The row that all identifiers of an item name, in a tuple; adds to `problems` where there is not exactly one."""
    given = {name: item.body[name] for name in names if name in item.body}
    fitting = [row for row in rows if all(getattr(row, names[name]) == value for name, value in given.items())]
    existing = [row for row in fitting if not is_true(getattr(row, "deleted", False))]
    first_name = next(iter(given))
    if len(existing) == 1:
        return (existing[0],)
    if not existing:
        problems.append(Problem(item.number, first_name, f"the {kind} is deleted" if fitting else f"no such {kind}"))
    else:
        problems.append(Problem(item.number, first_name, f"names {len(existing)} {kind}s. Next: name it by {kind}Id"))
    return None


class AsyncPlanner:
    """Makes plans: reads what a study holds before something is written into it."""

    def __init__(self, sdk: AsyncSDKProtocol) -> None:
        self._sdk = sdk

    async def plan(self, schema: StudySchema, items: Mapping[int, Mapping[str, Any]], batch_size: int) -> WritePlan:
        """Plan items, given by their numbers. Raises ItemsRefusedError for items that would not be accepted."""
        study_key = schema.study_key
        numbers = list(items)
        if problems := schema.check(items.values()):
            numbered = [replace(problem, item=numbers[problem.item]) for problem in problems]
            raise ItemsRefusedError(numbered, study_key)
        planned_items = [planned(number, item, schema) for number, item in items.items()]
        notes = await self._check_registrations(study_key, planned_items)
        planned_items = await self._resolved(study_key, planned_items)
        rows = await self.standing(study_key, planned_items)
        planned_items = [current(item, rows) for item in planned_items]
        if gone := [item for item in planned_items if item.action == "existing" and item.record_id is None]:
            reason = "the study has no such record of this form and subject, or it is deleted"
            raise ItemsRefusedError([Problem(item.number, "recordId", reason) for item in gone], study_key)
        return WritePlan(study_key, tuple(planned_items), schema, batch_size, notes)

    async def _check_registrations(self, study_key: str, items: Sequence[PlannedItem]) -> tuple[str, ...]:
        """Refuse to register with a form that other subjects do not have; returns notes on what was not checked."""
        forms = {item.form_key for item in items if item.action == "register"}
        if not forms:
            return ()
        subjects = await self._sdk.subjects.list(study_key, deleted=False)
        latest = sorted(subjects, key=lambda row: row.subject_id or 0)[-_FEW:]  # they have the fewest other records
        lists = await async_gather(
            *[partial(self._sdk.records.list, study_key, subject_key=subject.subject_key) for subject in latest]
        )
        common: set[Any] | None = None
        for rows in lists:
            own = {row.form_key for row in rows}  # deleted records count, too
            if own:
                common = own if common is None else common & own
        if not common:
            return ("no form is common to all subjects, so that the form of registration could not be checked",)
        near = " or ".join(sorted(map(str, common)))
        reason = f"is not a form that every subject of this study has, as registration is. Next: did you mean {near}?"
        wrong = [item for item in items if item.action == "register" and item.form_key not in common]
        if wrong:
            raise ItemsRefusedError([Problem(item.number, "formKey", reason) for item in wrong], study_key)
        return ()

    async def _resolved(self, study_key: str, items: Sequence[PlannedItem]) -> list[PlannedItem]:
        """Items with the key of their subject and the number of their site. Raises ItemsRefusedError if unknown."""
        names = {"subjectKey": "subject_key", "subjectId": "subject_id", "subjectOid": "subject_oid"}
        sites = {"siteName": "site_name", "siteId": "site_id"}
        resolved = list(items)
        problems: list[Problem] = []
        if any(item.action == "register" for item in items):
            listed = await self._sdk.sites.list(study_key, refresh=True)
            for position, item in enumerate(resolved):
                if item.action == "register":
                    (row,) = _only(item, listed, sites, problems, "site") or (None,)
                    resolved[position] = replace(item, site_id=row.site_id if row is not None else None)
        wanted = {(name, item.body[name]) for item in items for name in names if name in item.body}
        if wanted:
            rows = await self._subjects(study_key, wanted, names)
            for position, item in enumerate(resolved):
                if any(name in item.body for name in names):
                    (row,) = _only(item, rows, names, problems, "subject") or (None,)
                    resolved[position] = replace(item, subject_key=row.subject_key if row is not None else None)
        if problems:
            raise ItemsRefusedError(problems, study_key)
        return resolved

    async def _subjects(self, study_key: str, wanted: set[tuple[str, Any]], names: Mapping[str, str]) -> list[Any]:
        """Read the subjects that items name: one by one if they are few, else all of the study."""
        if len(wanted) <= _FEW and not any(name == "subjectOid" for name, _ in wanted):
            lists = await async_gather(
                *[
                    partial(self._sdk.subjects.list, study_key, **{names[name]: value})
                    for name, value in sorted(wanted, key=repr)
                ]
            )
            return [row for rows in lists for row in rows]
        return list(await self._sdk.subjects.list(study_key))

    async def standing(self, study_key: str, items: Sequence[PlannedItem]) -> list[Record]:
        """Read the records that items may change, as they are now."""
        known = {item.record_id or item.body.get("recordId") for item in items}
        ids = sorted(number for number in known if number is not None)
        forms: dict[str, set[str | None]] = {}
        for item in items:
            if item.action == "scheduled" and not item.repeats:
                forms.setdefault(item.form_key, set()).add(item.subject_key)
            elif item.record_id is None and "recordOid" in item.body and "recordId" not in item.body:
                forms.setdefault(item.form_key, set()).add(None)
        records = await async_records_by_id(self._sdk, study_key, ids)
        for form_key, subjects in sorted(forms.items()):
            if None in subjects or len(subjects) > _FEW:
                records += await self._sdk.records.list(study_key, form_key=form_key)
            else:
                lists = await async_gather(
                    *[
                        partial(self._sdk.records.list, study_key, form_key=form_key, subject_key=key)
                        for key in sorted(map(str, subjects))
                    ]
                )
                records += [row for rows in lists for row in rows]
        return records


async def async_records_by_id(sdk: AsyncSDKProtocol, study_key: str, ids: Sequence[int]) -> list[Record]:
    """Read records by number, some at a time."""
    records: list[Record] = []
    for start in range(0, len(ids), _AT_ONCE):
        records += await sdk.records.list(study_key, record_id=list(ids[start : start + _AT_ONCE]))
    return records


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class Planner:
    """Makes plans: reads what a study holds before something is written into it."""

    def __init__(self, sdk: SDKProtocol) -> None:
        self._sdk = sdk

    def plan(self, schema: StudySchema, items: Mapping[int, Mapping[str, Any]], batch_size: int) -> WritePlan:
        """Plan items, given by their numbers. Raises ItemsRefusedError for items that would not be accepted."""
        study_key = schema.study_key
        numbers = list(items)
        if problems := schema.check(items.values()):
            numbered = [replace(problem, item=numbers[problem.item]) for problem in problems]
            raise ItemsRefusedError(numbered, study_key)
        planned_items = [planned(number, item, schema) for number, item in items.items()]
        notes = self._check_registrations(study_key, planned_items)
        planned_items = self._resolved(study_key, planned_items)
        rows = self.standing(study_key, planned_items)
        planned_items = [current(item, rows) for item in planned_items]
        if gone := [item for item in planned_items if item.action == "existing" and item.record_id is None]:
            reason = "the study has no such record of this form and subject, or it is deleted"
            raise ItemsRefusedError([Problem(item.number, "recordId", reason) for item in gone], study_key)
        return WritePlan(study_key, tuple(planned_items), schema, batch_size, notes)

    def _check_registrations(self, study_key: str, items: Sequence[PlannedItem]) -> tuple[str, ...]:
        """Refuse to register with a form that other subjects do not have; returns notes on what was not checked."""
        forms = {item.form_key for item in items if item.action == "register"}
        if not forms:
            return ()
        subjects = self._sdk.subjects.list(study_key, deleted=False)
        latest = sorted(subjects, key=lambda row: row.subject_id or 0)[-_FEW:]  # they have the fewest other records
        lists = gather(
            *[partial(self._sdk.records.list, study_key, subject_key=subject.subject_key) for subject in latest]
        )
        common: set[Any] | None = None
        for rows in lists:
            own = {row.form_key for row in rows}  # deleted records count, too
            if own:
                common = own if common is None else common & own
        if not common:
            return ("no form is common to all subjects, so that the form of registration could not be checked",)
        near = " or ".join(sorted(map(str, common)))
        reason = f"is not a form that every subject of this study has, as registration is. Next: did you mean {near}?"
        wrong = [item for item in items if item.action == "register" and item.form_key not in common]
        if wrong:
            raise ItemsRefusedError([Problem(item.number, "formKey", reason) for item in wrong], study_key)
        return ()

    def _resolved(self, study_key: str, items: Sequence[PlannedItem]) -> list[PlannedItem]:
        """Items with the key of their subject and the number of their site. Raises ItemsRefusedError if unknown."""
        names = {"subjectKey": "subject_key", "subjectId": "subject_id", "subjectOid": "subject_oid"}
        sites = {"siteName": "site_name", "siteId": "site_id"}
        resolved = list(items)
        problems: list[Problem] = []
        if any(item.action == "register" for item in items):
            listed = self._sdk.sites.list(study_key, refresh=True)
            for position, item in enumerate(resolved):
                if item.action == "register":
                    (row,) = _only(item, listed, sites, problems, "site") or (None,)
                    resolved[position] = replace(item, site_id=row.site_id if row is not None else None)
        wanted = {(name, item.body[name]) for item in items for name in names if name in item.body}
        if wanted:
            rows = self._subjects(study_key, wanted, names)
            for position, item in enumerate(resolved):
                if any(name in item.body for name in names):
                    (row,) = _only(item, rows, names, problems, "subject") or (None,)
                    resolved[position] = replace(item, subject_key=row.subject_key if row is not None else None)
        if problems:
            raise ItemsRefusedError(problems, study_key)
        return resolved

    def _subjects(self, study_key: str, wanted: set[tuple[str, Any]], names: Mapping[str, str]) -> list[Any]:
        """Read the subjects that items name: one by one if they are few, else all of the study."""
        if len(wanted) <= _FEW and not any(name == "subjectOid" for name, _ in wanted):
            lists = gather(
                *[
                    partial(self._sdk.subjects.list, study_key, **{names[name]: value})
                    for name, value in sorted(wanted, key=repr)
                ]
            )
            return [row for rows in lists for row in rows]
        return list(self._sdk.subjects.list(study_key))

    def standing(self, study_key: str, items: Sequence[PlannedItem]) -> list[Record]:
        """Read the records that items may change, as they are now."""
        known = {item.record_id or item.body.get("recordId") for item in items}
        ids = sorted(number for number in known if number is not None)
        forms: dict[str, set[str | None]] = {}
        for item in items:
            if item.action == "scheduled" and not item.repeats:
                forms.setdefault(item.form_key, set()).add(item.subject_key)
            elif item.record_id is None and "recordOid" in item.body and "recordId" not in item.body:
                forms.setdefault(item.form_key, set()).add(None)
        records = records_by_id(self._sdk, study_key, ids)
        for form_key, subjects in sorted(forms.items()):
            if None in subjects or len(subjects) > _FEW:
                records += self._sdk.records.list(study_key, form_key=form_key)
            else:
                lists = gather(
                    *[
                        partial(self._sdk.records.list, study_key, form_key=form_key, subject_key=key)
                        for key in sorted(map(str, subjects))
                    ]
                )
                records += [row for rows in lists for row in rows]
        return records


def records_by_id(sdk: SDKProtocol, study_key: str, ids: Sequence[int]) -> list[Record]:
    """Read records by number, some at a time."""
    records: list[Record] = []
    for start in range(0, len(ids), _AT_ONCE):
        records += sdk.records.list(study_key, record_id=list(ids[start : start + _AT_ONCE]))
    return records
