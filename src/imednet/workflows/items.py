"""Items that are written, what became of each, and how that is told from records that are read back. Pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..validation.fields import same_answer
from ..validation.schema import FORM, INTERVAL, RECORD, SITE, SUBJECT, Action, FormSchema, StudySchema, action_of

if TYPE_CHECKING:
    from imednet_api.models import Record

State = Literal["stored", "different", "missing", "unknown", "refused", "conflict", "not sent"]
"""What became of an item.

`stored`: read back, every answer as it was sent. `different`: read back, some answers are not what was sent.
`missing`: not there. `unknown`: cannot be told yet; `verify` settles it. `refused`: the server said no to its batch.
`conflict`: the record changed since it was looked at, so that nothing was sent. `not sent`: an earlier batch ended the
run.
"""
WRITTEN: frozenset[State] = frozenset({"stored", "different"})


@dataclass(frozen=True)
class PlannedItem:
    """One item with what it means.

    Attributes:
        number: its place among the items, from 0.
        body: the item exactly as it is sent.
        action: what the server will do with it.
        form_key: its form.
        subject_key: its subject; `None` for a registration.
        interval_id: its interval, for scheduled records.
        site_id: its site, for registrations.
        record_id: the record that is there already; `None` where one will be made.
        old: what stands there now under the names that are written.
        date_modified: when the record that is there changed last.
    """

    number: int
    body: Mapping[str, Any] = field(repr=False)
    action: Action
    form_key: str
    subject_key: str | None = None
    interval_id: int | None = None
    site_id: int | None = None
    record_id: int | None = None
    old: Mapping[str, Any] | None = field(default=None, repr=False)
    date_modified: str | None = None

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Name -> what stands there and what will."""
        before = self.old or {}
        return {name: (before.get(name), value) for name, value in self.body["data"].items()}


@dataclass(frozen=True)
class ItemOutcome:
    """What became of one item.

    Attributes:
        number: its place among the items, from 0.
        state: see `State`.
        action: what it meant.
        form_key: its form.
        subject_key: the subject; after a registration the one that was made.
        record_id: the record that holds it.
        batch_id: the job it went with.
        fields: names of the answers that are not what was sent.
        detail: what to do next where it is not stored.
    """

    number: int
    state: State
    action: Action
    form_key: str
    subject_key: str | None = None
    record_id: int | None = None
    batch_id: str | None = None
    fields: tuple[str, ...] = ()
    detail: str = ""


def planned(number: int, item: Mapping[str, Any], schema: StudySchema) -> PlannedItem:
    """An item that passed the check."""
    body = schema.prepared(item)
    form = schema.form(item.get("formKey"), item.get("formId"))
    action = action_of(item)
    assert form is not None
    assert action is not None
    interval = next(
        (
            one.interval_id
            for one in schema.intervals
            if body.get("intervalId") == one.interval_id or body.get("intervalName") == one.interval_name
        ),
        None,
    )
    return PlannedItem(
        number, body, action, str(form.form.form_key),
        subject_key=body.get("subjectKey"), interval_id=interval if action == "scheduled" else None,
    )  # fmt: skip


def identified(names: Sequence[str], value: Any) -> dict[str, Any]:
    """An identifier as a member of an item: numbers are ids, texts keys or names; a mapping says which it is.

    >>> identified(SUBJECT, "301-001"), identified(SUBJECT, 20001), identified(RECORD, {"recordOid": "REC-1"})
    ({'subjectKey': '301-001'}, {'subjectId': 20001}, {'recordOid': 'REC-1'})
    """
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, int):
        return {next(name for name in names if name.endswith("Id")): value}
    return {next(name for name in names if not name.endswith("Id")): value}


def item(
    data: Mapping[str, Any],
    form: Any,
    *,
    site: Any = None,
    subject: Any = None,
    interval: Any = None,
    record: Any = None,
) -> dict[str, Any]:
    """One item of identifiers and answers.

    >>> item({"AETERM": "Cough"}, "AE", subject="301-001")
    {'formKey': 'AE', 'subjectKey': '301-001', 'data': {'AETERM': 'Cough'}}
    """
    made: dict[str, Any] = identified(FORM, form)
    for names, value in ((SITE, site), (SUBJECT, subject), (INTERVAL, interval), (RECORD, record)):
        if value is not None:
            made |= identified(names, value)
    return {**made, "data": dict(data)}


def current(one: PlannedItem, rows: Iterable[Record]) -> PlannedItem:
    """The item with the record that it will change, if there is one among these rows."""
    for row in rows:
        if one.action == "existing":
            fits = row.record_id == one.body.get("recordId") or (
                "recordOid" in one.body and row.record_oid == one.body["recordOid"]
            )
        else:
            fits = (
                one.action == "scheduled"
                and row.form_key == one.form_key
                and row.subject_key == one.subject_key
                and row.interval_id == one.interval_id
                and not row.deleted
            )
        if fits:
            answers = row.record_data or {}
            old = {name: answers.get(name) for name in one.body["data"]}
            return replace(
                one, record_id=row.record_id, old=old, date_modified=row.date_modified,
                subject_key=one.subject_key or row.subject_key,
            )  # fmt: skip
    return one


def outcomes(
    items: Sequence[PlannedItem], rows: Iterable[Record], schema: StudySchema, high: int, batch_id: str | None
) -> list[ItemOutcome]:
    """What became of the items, by records that were read back.

    Args:
        items: the items of one batch.
        rows: the records they name, and all records that are newer than `high`.
        schema: the study's design.
        high: the highest number a record had before the batch was sent.
        batch_id: the job.
    """
    by_id = {row.record_id: row for row in rows if row.record_id is not None}
    new = sorted(number for number in by_id if number > high and not by_id[number].deleted)
    found: dict[int, ItemOutcome] = {}
    taken: set[int] = set()

    def settle(one: PlannedItem, row: Record | None, wrong: tuple[str, ...] = ()) -> None:
        if row is None:
            found[one.number] = _outcome(one, "missing", batch_id)
            return
        assert row.record_id is not None
        taken.add(row.record_id)
        found[one.number] = replace(
            _outcome(one, "different" if wrong else "stored", batch_id),
            record_id=row.record_id,
            subject_key=row.subject_key,
            fields=wrong,
        )

    def is_free(one: PlannedItem, number: int) -> bool:
        return number not in taken or one.action == "scheduled"  # several items may fill in one scheduled record

    made = []
    for one in items:
        form = schema.form(one.form_key)
        assert form is not None
        if one.record_id is None:
            made.append((one, form))
            continue
        row = by_id.get(one.record_id)
        wrong = () if row is None else _wrong(one, row, form)
        untouched = row is not None and wrong and row.date_modified == one.date_modified
        settle(one, None if untouched else row, wrong)
    # Whole matches first, so that no item takes the record of another one that was stored whole.
    for one, form in made:
        row = next(
            (by_id[n] for n in new if is_free(one, n) and _fits(one, by_id[n]) and not _wrong(one, by_id[n], form)),
            None,
        )
        if row is not None:
            settle(one, row)
    for one, form in made:
        if one.number in found:
            continue
        near = [by_id[n] for n in new if is_free(one, n) and _fits(one, by_id[n])]
        half = len(one.body["data"]) / 2
        row = next((row for row in near if len(_wrong(one, row, form)) < half), None)
        settle(one, row, () if row is None else _wrong(one, row, form))
    return [found[one.number] for one in items]


def _fits(one: PlannedItem, row: Record) -> bool:
    """Whether a new record can be what an item made."""
    if row.form_key != one.form_key:
        return False
    if one.action == "register":
        return one.site_id is None or row.site_id == one.site_id
    if row.subject_key != one.subject_key:
        return False
    return one.action != "scheduled" or row.interval_id == one.interval_id


def _wrong(one: PlannedItem, row: Record, form: FormSchema) -> tuple[str, ...]:
    """Names of the answers that are not what was sent."""
    answers = row.record_data or {}
    folded = {name.casefold(): value for name, value in answers.items()}
    return tuple(
        name
        for name, sent in one.body["data"].items()
        if not same_answer(form.kind(name), sent, answers.get(name, folded.get(name.casefold())))
    )


def _outcome(one: PlannedItem, state: State, batch_id: str | None, detail: str = "") -> ItemOutcome:
    return ItemOutcome(
        one.number, state, one.action, one.form_key, one.subject_key, one.record_id, batch_id, (), detail
    )


def all_are(items: Iterable[PlannedItem], state: State, detail: str, batch_id: str | None = None) -> list[ItemOutcome]:
    """The same outcome for all items."""
    return [_outcome(one, state, batch_id, detail) for one in items]
