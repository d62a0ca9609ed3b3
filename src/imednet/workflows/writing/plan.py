"""What a write would do, before anything is sent: items checked, subjects and records looked up, bodies made."""

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
"""Items a request; the vendor names no limit."""
_FEW = 5
_AT_ONCE = 20


@dataclass(frozen=True)
class WritePlan:
    """What a run would do: nothing was sent.

    Attributes:
        study_key: the study.
        items: each item with what it means, and what stands there now.
        schema: the study's design it was made with; writing the plan asks for it no second time.
        batch_size: items a request.
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
        plain = [dict(one.body) for one in self.items]
        return [plain[at : at + self.batch_size] for at in range(0, len(plain), self.batch_size)]


def sound(items: Any, batch_size: int) -> list[Any]:
    """The items as a list. Raises ArgumentError where there is nothing that could be written."""
    given = [] if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Iterable) else list(items)
    if not given:
        raise ArgumentError("items must be a list with at least one item, also for one item")
    if type(batch_size) is not int or batch_size < 1:
        raise ArgumentError("batch_size must be a whole number, at least 1")
    return given


def _only(
    one: PlannedItem, rows: Sequence[Any], names: Mapping[str, str], problems: list[Problem], what: str
) -> tuple[Any] | None:
    """The row that all identifiers of an item name; else a problem."""
    given = {name: one.body[name] for name in names if name in one.body}
    fitting = [row for row in rows if all(getattr(row, names[name]) == value for name, value in given.items())]
    there = [row for row in fitting if not is_true(getattr(row, "deleted", False))]
    where = next(iter(given))
    if len(there) == 1:
        return (there[0],)
    if not there:
        problems.append(Problem(one.number, where, f"the {what} is deleted" if fitting else f"no such {what}"))
    else:
        problems.append(Problem(one.number, where, f"names {len(there)} {what}s. Next: name it by {what}Id"))
    return None


class AsyncPlanner:
    """Looks at a study before something is written into it."""

    def __init__(self, sdk: AsyncSDKProtocol) -> None:
        self._sdk = sdk

    async def plan(self, schema: StudySchema, items: Mapping[int, Mapping[str, Any]], batch_size: int) -> WritePlan:
        """The plan of some items, by their numbers."""
        study_key = schema.study_key
        numbers = list(items)
        if problems := schema.check(items.values()):
            found = [replace(one, item=numbers[one.item]) for one in problems]
            raise ItemsRefusedError(found, study_key)
        made = [planned(number, one, schema) for number, one in items.items()]
        notes = await self._registrations(study_key, made)
        made = await self._resolved(study_key, made)
        rows = await self.standing(study_key, made)
        made = [current(one, rows) for one in made]
        if gone := [one for one in made if one.action == "existing" and one.record_id is None]:
            what = "the study has no such record of this form and subject, or it is deleted"
            raise ItemsRefusedError([Problem(one.number, "recordId", what) for one in gone], study_key)
        return WritePlan(study_key, tuple(made), schema, batch_size, notes)

    async def _registrations(self, study_key: str, items: Sequence[PlannedItem]) -> tuple[str, ...]:
        """Refuse to register with a form that is not the one subjects of this study began with."""
        forms = {one.form_key for one in items if one.action == "register"}
        if not forms:
            return ()
        subjects = await self._sdk.subjects.list(study_key, deleted=False)
        latest = sorted(subjects, key=lambda one: one.subject_id or 0)[-_FEW:]  # those with the fewest further records
        lists = await async_gather(
            *[partial(self._sdk.records.list, study_key, subject_key=one.subject_key) for one in latest]
        )
        common: set[Any] | None = None
        for rows in lists:
            own = {row.form_key for row in rows}  # a deleted record still says what there was
            if own:
                common = own if common is None else common & own
        if not common:
            return ("no form is common to all subjects, so that the form of registration could not be checked",)
        near = " or ".join(sorted(map(str, common)))
        what = f"is not a form that every subject of this study has, as registration is. Next: did you mean {near}?"
        wrong = [one for one in items if one.action == "register" and one.form_key not in common]
        if wrong:
            raise ItemsRefusedError([Problem(one.number, "formKey", what) for one in wrong], study_key)
        return ()

    async def _resolved(self, study_key: str, items: Sequence[PlannedItem]) -> list[PlannedItem]:
        """Items with the key of their subject and the number of their site; refuses those that do not exist."""
        names = {"subjectKey": "subject_key", "subjectId": "subject_id", "subjectOid": "subject_oid"}
        sites = {"siteName": "site_name", "siteId": "site_id"}
        made = list(items)
        problems: list[Problem] = []
        if any(one.action == "register" for one in items):
            listed = await self._sdk.sites.list(study_key, refresh=True)
            for place, one in enumerate(made):
                if one.action == "register":
                    (row,) = _only(one, listed, sites, problems, "site") or (None,)
                    made[place] = replace(one, site_id=row.site_id if row is not None else None)
        wanted = {(name, one.body[name]) for one in items for name in names if name in one.body}
        if wanted:
            rows = await self._subjects(study_key, wanted, names)
            for place, one in enumerate(made):
                if any(name in one.body for name in names):
                    (row,) = _only(one, rows, names, problems, "subject") or (None,)
                    made[place] = replace(one, subject_key=row.subject_key if row is not None else None)
        if problems:
            raise ItemsRefusedError(problems, study_key)
        return made

    async def _subjects(self, study_key: str, wanted: set[tuple[str, Any]], names: Mapping[str, str]) -> list[Any]:
        """The subjects that items name: one by one where they are few."""
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
        """The records that items may change, as they are now."""
        known = {one.record_id or one.body.get("recordId") for one in items}
        ids = sorted(number for number in known if number is not None)
        forms: dict[str, set[str | None]] = {}
        for one in items:
            if one.action == "scheduled" and not one.repeats:
                forms.setdefault(one.form_key, set()).add(one.subject_key)
            elif one.record_id is None and "recordOid" in one.body and "recordId" not in one.body:
                forms.setdefault(one.form_key, set()).add(None)
        found = await async_records_by_id(self._sdk, study_key, ids)
        for form_key, subjects in sorted(forms.items()):
            if None in subjects or len(subjects) > _FEW:
                found += await self._sdk.records.list(study_key, form_key=form_key)
            else:
                lists = await async_gather(
                    *[
                        partial(self._sdk.records.list, study_key, form_key=form_key, subject_key=key)
                        for key in sorted(map(str, subjects))
                    ]
                )
                found += [row for rows in lists for row in rows]
        return found


async def async_records_by_id(sdk: AsyncSDKProtocol, study_key: str, ids: Sequence[int]) -> list[Record]:
    """Records by number, some at a time."""
    found: list[Record] = []
    for at in range(0, len(ids), _AT_ONCE):
        found += await sdk.records.list(study_key, record_id=list(ids[at : at + _AT_ONCE]))
    return found


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class Planner:
    """Looks at a study before something is written into it."""

    def __init__(self, sdk: SDKProtocol) -> None:
        self._sdk = sdk

    def plan(self, schema: StudySchema, items: Mapping[int, Mapping[str, Any]], batch_size: int) -> WritePlan:
        """The plan of some items, by their numbers."""
        study_key = schema.study_key
        numbers = list(items)
        if problems := schema.check(items.values()):
            found = [replace(one, item=numbers[one.item]) for one in problems]
            raise ItemsRefusedError(found, study_key)
        made = [planned(number, one, schema) for number, one in items.items()]
        notes = self._registrations(study_key, made)
        made = self._resolved(study_key, made)
        rows = self.standing(study_key, made)
        made = [current(one, rows) for one in made]
        if gone := [one for one in made if one.action == "existing" and one.record_id is None]:
            what = "the study has no such record of this form and subject, or it is deleted"
            raise ItemsRefusedError([Problem(one.number, "recordId", what) for one in gone], study_key)
        return WritePlan(study_key, tuple(made), schema, batch_size, notes)

    def _registrations(self, study_key: str, items: Sequence[PlannedItem]) -> tuple[str, ...]:
        """Refuse to register with a form that is not the one subjects of this study began with."""
        forms = {one.form_key for one in items if one.action == "register"}
        if not forms:
            return ()
        subjects = self._sdk.subjects.list(study_key, deleted=False)
        latest = sorted(subjects, key=lambda one: one.subject_id or 0)[-_FEW:]  # those with the fewest further records
        lists = gather(*[partial(self._sdk.records.list, study_key, subject_key=one.subject_key) for one in latest])
        common: set[Any] | None = None
        for rows in lists:
            own = {row.form_key for row in rows}  # a deleted record still says what there was
            if own:
                common = own if common is None else common & own
        if not common:
            return ("no form is common to all subjects, so that the form of registration could not be checked",)
        near = " or ".join(sorted(map(str, common)))
        what = f"is not a form that every subject of this study has, as registration is. Next: did you mean {near}?"
        wrong = [one for one in items if one.action == "register" and one.form_key not in common]
        if wrong:
            raise ItemsRefusedError([Problem(one.number, "formKey", what) for one in wrong], study_key)
        return ()

    def _resolved(self, study_key: str, items: Sequence[PlannedItem]) -> list[PlannedItem]:
        """Items with the key of their subject and the number of their site; refuses those that do not exist."""
        names = {"subjectKey": "subject_key", "subjectId": "subject_id", "subjectOid": "subject_oid"}
        sites = {"siteName": "site_name", "siteId": "site_id"}
        made = list(items)
        problems: list[Problem] = []
        if any(one.action == "register" for one in items):
            listed = self._sdk.sites.list(study_key, refresh=True)
            for place, one in enumerate(made):
                if one.action == "register":
                    (row,) = _only(one, listed, sites, problems, "site") or (None,)
                    made[place] = replace(one, site_id=row.site_id if row is not None else None)
        wanted = {(name, one.body[name]) for one in items for name in names if name in one.body}
        if wanted:
            rows = self._subjects(study_key, wanted, names)
            for place, one in enumerate(made):
                if any(name in one.body for name in names):
                    (row,) = _only(one, rows, names, problems, "subject") or (None,)
                    made[place] = replace(one, subject_key=row.subject_key if row is not None else None)
        if problems:
            raise ItemsRefusedError(problems, study_key)
        return made

    def _subjects(self, study_key: str, wanted: set[tuple[str, Any]], names: Mapping[str, str]) -> list[Any]:
        """The subjects that items name: one by one where they are few."""
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
        """The records that items may change, as they are now."""
        known = {one.record_id or one.body.get("recordId") for one in items}
        ids = sorted(number for number in known if number is not None)
        forms: dict[str, set[str | None]] = {}
        for one in items:
            if one.action == "scheduled" and not one.repeats:
                forms.setdefault(one.form_key, set()).add(one.subject_key)
            elif one.record_id is None and "recordOid" in one.body and "recordId" not in one.body:
                forms.setdefault(one.form_key, set()).add(None)
        found = records_by_id(self._sdk, study_key, ids)
        for form_key, subjects in sorted(forms.items()):
            if None in subjects or len(subjects) > _FEW:
                found += self._sdk.records.list(study_key, form_key=form_key)
            else:
                lists = gather(
                    *[
                        partial(self._sdk.records.list, study_key, form_key=form_key, subject_key=key)
                        for key in sorted(map(str, subjects))
                    ]
                )
                found += [row for rows in lists for row in rows]
        return found


def records_by_id(sdk: SDKProtocol, study_key: str, ids: Sequence[int]) -> list[Record]:
    """Records by number, some at a time."""
    found: list[Record] = []
    for at in range(0, len(ids), _AT_ONCE):
        found += sdk.records.list(study_key, record_id=list(ids[at : at + _AT_ONCE]))
    return found
