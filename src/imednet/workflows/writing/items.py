"""Items to be written, their outcomes, and the rules that find an outcome in records read back. Does no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ...discovery import plain_word
from ...utils.truth import is_true
from ...validation.fields import same_answer
from ...validation.kinds import letters_of
from ...validation.schema import FORM, INTERVAL, RECORD, SITE, SUBJECT, Action, StudySchema, action_of

if TYPE_CHECKING:
    from imednet_api.models import Record

State = Literal["stored", "different", "missing", "unknown", "refused", "conflict", "not sent"]
"""The outcome of an item.

`stored`: read back, every answer as it was sent. `different`: read back, some answers are not what was sent.
`missing`: not there, and can no longer appear. `unknown`: not known yet; `verify` finds out later.
`refused`: the server rejected its batch. `conflict`: the record changed since it was looked at, so the item was not
sent. `not sent`: an earlier batch ended the run.
"""
Identifier = int | str | Mapping[str, Any]
"""A form, site, subject, interval or record: by number, by key or name, or as `{"recordOid": ...}`."""
WRITTEN: frozenset[State] = frozenset({"stored", "different"})
AGAIN: frozenset[State] = frozenset({"refused", "not sent"})
"""States of items that were certainly not carried out, so that they may be sent again."""


@dataclass(frozen=True)
class PlannedItem:
    """An item, and what the server will do with it.

    Attributes:
        number: its position among the items, from 0.
        body: the item exactly as it is sent.
        given: the item as it was given.
        action: what the server will do with it.
        form_key: its form.
        repeats: whether each write makes a new record, as at an unscheduled visit.
        subject_key: its subject; `None` for a registration.
        interval_id: its interval, for scheduled records.
        site_id: its site, for registrations.
        record_id: the record that exists already; `None` where a new one will be made.
        old: its present answers under the names that are written.
        date_modified: when that record changed last.
    """

    number: int
    body: Mapping[str, Any] = field(repr=False)
    given: Mapping[str, Any] = field(repr=False)
    action: Action
    form_key: str
    repeats: bool = False
    subject_key: str | None = None
    interval_id: int | None = None
    site_id: int | None = None
    record_id: int | None = None
    old: Mapping[str, Any] | None = field(default=None, repr=False)
    date_modified: str | None = None

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Name -> the present answer and the new one."""
        before = self.old or {}
        return {name: (before.get(name), value) for name, value in self.body["data"].items()}


@dataclass(frozen=True)
class ItemOutcome:
    """The outcome of one item.

    Attributes:
        number: its position among the items, from 0.
        state: see `State`.
        action: what the server was to do with it.
        form_key: its form.
        subject_key: the subject; after a registration the one that was made.
        record_id: the record that holds it.
        batch_id: the job of its batch.
        fields: names of the answers that are not what was sent.
        detail: what happened and what to do next, unless it is stored.
        date_modified: when the record changed last, as it was read back.
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
    date_modified: str | None = None


def planned(number: int, item: Mapping[str, Any], schema: StudySchema) -> PlannedItem:
    """Make a planned item from an item that passed the check."""
    body = schema.prepared(item)
    form = schema.form(item.get("formKey"), item.get("formId"))
    action = action_of(item)
    assert form is not None
    assert action is not None
    interval = next(
        (
            candidate
            for candidate in schema.intervals
            if body.get("intervalId") == candidate.interval_id or body.get("intervalName") == candidate.interval_name
        ),
        None,
    )
    scheduled = interval if action == "scheduled" else None
    names = (scheduled.interval_name, scheduled.interval_group_name) if scheduled is not None else ()
    repeats = any(plain_word(str(name)) == "unscheduled" for name in names)
    return PlannedItem(
        number, body, item, action, str(form.form.form_key), repeats,
        subject_key=body.get("subjectKey"), interval_id=scheduled.interval_id if scheduled is not None else None,
    )  # fmt: skip


def identified(names: Sequence[str], value: Identifier) -> dict[str, Any]:
    """An identifier as a member of an item: numbers are ids, texts are keys or names; a mapping names its member.

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
    form: Identifier,
    *,
    site: Identifier | None = None,
    subject: Identifier | None = None,
    interval: Identifier | None = None,
    record: Identifier | None = None,
) -> dict[str, Any]:
    """Make an item from identifiers and answers.

    >>> item({"AETERM": "Cough"}, "AE", subject="301-001")
    {'formKey': 'AE', 'subjectKey': '301-001', 'data': {'AETERM': 'Cough'}}
    """
    identifiers: dict[str, Any] = identified(FORM, form)
    for names, value in ((SITE, site), (SUBJECT, subject), (INTERVAL, interval), (RECORD, record)):
        if value is not None:
            identifiers |= identified(names, value)
    return {**identifiers, "data": dict(data)}


def current(item: PlannedItem, rows: Iterable[Record]) -> PlannedItem:
    """The item with the record it will change, if that is among these rows."""
    for row in rows:
        if is_true(row.deleted) or row.form_key != item.form_key or item.repeats:
            continue
        if item.action == "existing":
            fits = row.record_id == item.body.get("recordId") or (
                "recordOid" in item.body and row.record_oid == item.body["recordOid"]
            )
            fits = fits and item.subject_key in (None, row.subject_key)
        else:
            fits = (
                item.action == "scheduled"
                and row.subject_key == item.subject_key
                and row.interval_id == item.interval_id
            )
        if fits:
            answers = row.record_data or {}
            old = {name: answers.get(name) for name in item.body["data"]}
            return replace(
                item, record_id=row.record_id, old=old, date_modified=row.date_modified,
                subject_key=item.subject_key or row.subject_key,
            )  # fmt: skip
    return item


def outcomes(
    items: Sequence[PlannedItem],
    rows: Iterable[Record],
    schema: StudySchema,
    high: int,
    batch_id: str | None,
    *,
    taken: Iterable[int] = (),
    rivals: Iterable[tuple[PlannedItem, int]] = (),
    failed: bool = False,
    settled: bool = True,
) -> list[ItemOutcome]:
    """Find the outcomes of items in records that were read back.

    A new record goes to the item it fits best: with the fewest answers that differ, then with the fewest that nobody
    sent. A record that fits badly proves nothing before the batch is settled, since somebody else may have made it.

    Args:
        items: the items of one batch.
        rows: the records that items name, and all records newer than `high`.
        schema: the study's design.
        high: the highest number a record had before the batch was sent.
        batch_id: the job.
        taken: records that belong to items of other batches.
        rivals: items of other batches whose outcome is unknown, each with the highest number a record had before it
            was sent.
        failed: whether the job failed, so that a new record counts as an item's only if it is exactly as sent.
        settled: whether no further record can appear.
    """
    by_id = {row.record_id: row for row in rows if row.record_id is not None}
    used = {*taken, *(item.record_id for item in items if item.record_id is not None)}
    by_number: dict[int, ItemOutcome] = {}
    for item in items:
        if item.record_id is None:
            continue
        row = by_id.get(item.record_id)
        wrong = _wrong(item, row, schema) if row is not None else ()
        if row is None or is_true(row.deleted) or (wrong and row.date_modified == item.date_modified):
            by_number[item.number] = _outcome(item, "missing", batch_id)
        elif wrong and not settled:
            by_number[item.number] = _outcome(
                item, "unknown", batch_id, "the record changed, and is not as it was sent yet"
            )
        else:
            by_number[item.number] = _read_back(item, row, wrong, batch_id)
    new_items = [(item, high) for item in items if item.record_id is None]
    matches = _matched([*rivals, *new_items], [row for number, row in by_id.items() if number not in used], schema)
    whole = all(item.number in matches and not matches[item.number].wrong for item, _ in new_items)
    for item, _ in new_items:
        match = matches.get(item.number)
        if match is None:
            by_number[item.number] = _outcome(item, "missing", batch_id)
            continue
        doubt = _doubt(item, match, whole=whole, failed=failed, settled=settled)
        if doubt is None:
            by_number[item.number] = _read_back(item, match.row, match.wrong, batch_id)
        else:
            by_number[item.number] = _outcome(item, "unknown", batch_id, doubt)
    return [by_number[item.number] for item in items]


@dataclass(frozen=True)
class _Match:
    """A new record as a candidate for the record that an item made.

    Attributes:
        row: the record.
        wrong: names of the answers that are not what was sent.
        extra: how many of its answers nobody sent.
    """

    row: Record
    wrong: tuple[str, ...]
    extra: int


def _matched(
    new_items: Sequence[tuple[PlannedItem, int]], rows: Sequence[Record], schema: StudySchema
) -> dict[int, _Match]:
    """Number of an item -> the record it most likely made. The best pairs are matched first, each record once."""
    pairs: list[tuple[int, int, int, int, _Match]] = []
    for item, high in new_items:
        for row in rows:
            record_id = row.record_id or 0
            if record_id > high and not is_true(row.deleted) and _fits(item, row):
                match = _Match(row, _wrong(item, row, schema), _extra(item, row, schema))
                pairs.append((len(match.wrong), match.extra, item.number, record_id, match))
    pairs.sort(key=lambda pair: pair[:4])
    shared = {item.number for item, _ in new_items if item.action == "scheduled" and not item.repeats}
    matches: dict[int, _Match] = {}
    used: set[int] = set()
    for *_, item_number, record_id, match in pairs:
        free = item_number in shared or record_id not in used  # several items may fill in one planned record
        if item_number not in matches and free:
            matches[item_number] = match
            used.add(record_id)
    return matches


def _doubt(item: PlannedItem, match: _Match, *, whole: bool, failed: bool, settled: bool) -> str | None:
    """Why a record may not be the one that an item made; `None` where there is no doubt."""
    number, step = match.row.record_id, "Next: look at it before you run the item again"
    if not match.wrong:
        more = match.extra and not whole
        return (
            f"record {number} is new and holds what was sent and more, so it may be another's. {step}" if more else None
        )
    if item.action != "scheduled" and len(match.wrong) == len(item.body["data"]):
        return f"record {number} of this form is new, and holds none of the answers that were sent. {step}"
    if failed:
        return f"the job failed, and record {number} is new and like what was sent. {step}"
    return None if settled else f"record {number} is new, and is not as it was sent yet"


_SERVER_ANSWERS = frozenset({"unvnum", "datecreated", "datemodified"})
"""Answers that the server adds to every record, in lower case."""


def _extra(item: PlannedItem, row: Record, schema: StudySchema) -> int:
    """How many answers of a record nobody sent; those that the server adds or calculates do not count."""
    if item.action == "scheduled":
        return 0
    form = schema.form(item.form_key)
    sent = {name.casefold() for name in item.body["data"]} | _SERVER_ANSWERS
    answered = [name for name, value in (row.record_data or {}).items() if value not in (None, "")]
    variables = form.variables if form is not None else {}
    calculated = {name for name, variable in variables.items() if letters_of(variable.variable_type).startswith("calc")}
    return sum(name.casefold() not in sent and name not in calculated for name in answered)


def _read_back(item: PlannedItem, row: Record, wrong: tuple[str, ...], batch_id: str | None) -> ItemOutcome:
    return replace(
        _outcome(item, "different" if wrong else "stored", batch_id),
        record_id=row.record_id,
        subject_key=row.subject_key,
        fields=wrong,
        date_modified=row.date_modified,
    )


def _fits(item: PlannedItem, row: Record) -> bool:
    """Whether an item can have made a new record."""
    if row.form_key != item.form_key:
        return False
    if item.action == "register":
        return item.site_id is None or row.site_id == item.site_id
    if row.subject_key != item.subject_key:
        return False
    return item.action != "scheduled" or row.interval_id == item.interval_id


def _wrong(item: PlannedItem, row: Record, schema: StudySchema) -> tuple[str, ...]:
    """Names of the answers that are not what was sent."""
    form = schema.form(item.form_key)
    assert form is not None
    answers = row.record_data or {}
    folded = {name.casefold(): value for name, value in answers.items()}
    return tuple(
        name
        for name, sent in item.body["data"].items()
        if not same_answer(form.kind(name), sent, answers.get(name, folded.get(name.casefold())))
    )


def _outcome(item: PlannedItem, state: State, batch_id: str | None, detail: str = "") -> ItemOutcome:
    return ItemOutcome(
        item.number, state, item.action, item.form_key, item.subject_key, item.record_id, batch_id, (), detail
    )


def all_are(items: Iterable[PlannedItem], state: State, detail: str, batch_id: str | None = None) -> list[ItemOutcome]:
    """The same outcome for all items."""
    return [_outcome(item, state, batch_id, detail) for item in items]
