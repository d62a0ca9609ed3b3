"""Items that are written, what became of each, and how that is told from records that are read back. Pure rules."""

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
"""What became of an item.

`stored`: read back, every answer as it was sent. `different`: read back, some answers are not what was sent.
`missing`: not there, and nothing can bring it any more. `unknown`: cannot be told yet; `verify` settles it.
`refused`: the server said no to its batch. `conflict`: the record changed since it was looked at, so that nothing was
sent. `not sent`: an earlier batch ended the run.
"""
Identifier = int | str | Mapping[str, Any]
"""What names a form, site, subject, interval or record: a number, a key or name, or `{"recordOid": ...}`."""
WRITTEN: frozenset[State] = frozenset({"stored", "different"})
AGAIN: frozenset[State] = frozenset({"refused", "not sent"})
"""States of items that certainly were not carried out, so that they may be sent."""


@dataclass(frozen=True)
class PlannedItem:
    """One item with what it means.

    Attributes:
        number: its place among the items, from 0.
        body: the item exactly as it is sent.
        given: the item as it was given.
        action: what the server will do with it.
        form_key: its form.
        repeats: whether each writing makes a new record, as at an unscheduled visit.
        subject_key: its subject; `None` for a registration.
        interval_id: its interval, for scheduled records.
        site_id: its site, for registrations.
        record_id: the record that is there already; `None` where one will be made.
        old: what stands there now under the names that are written.
        date_modified: when the record that is there changed last.
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
    """An item that passed the check."""
    body = schema.prepared(item)
    form = schema.form(item.get("formKey"), item.get("formId"))
    action = action_of(item)
    assert form is not None
    assert action is not None
    interval = next(
        (
            one
            for one in schema.intervals
            if body.get("intervalId") == one.interval_id or body.get("intervalName") == one.interval_name
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
    form: Identifier,
    *,
    site: Identifier | None = None,
    subject: Identifier | None = None,
    interval: Identifier | None = None,
    record: Identifier | None = None,
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
        if is_true(row.deleted) or row.form_key != one.form_key or one.repeats:
            continue
        if one.action == "existing":
            fits = row.record_id == one.body.get("recordId") or (
                "recordOid" in one.body and row.record_oid == one.body["recordOid"]
            )
            fits = fits and one.subject_key in (None, row.subject_key)
        else:
            fits = (
                one.action == "scheduled" and row.subject_key == one.subject_key and row.interval_id == one.interval_id
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
    """What became of the items, by records that were read back.

    A new record goes to the item that it fits best: with the fewest answers that differ, then with the fewest that
    nobody sent. One that fits badly proves nothing before the batch is settled: it may be somebody else's.

    Args:
        items: the items of one batch.
        rows: the records they name, and all records that are newer than `high`.
        schema: the study's design.
        high: the highest number a record had before the batch was sent.
        batch_id: the job.
        taken: records of items of other batches.
        rivals: items of other batches of which it is not known what became of them, each with the highest number a
            record had before it was sent.
        failed: whether the job failed, so that a new record that is not exactly as sent is hardly its own.
        settled: whether nothing more can come.
    """
    by_id = {row.record_id: row for row in rows if row.record_id is not None}
    used = {*taken, *(one.record_id for one in items if one.record_id is not None)}
    found: dict[int, ItemOutcome] = {}
    for one in items:
        if one.record_id is None:
            continue
        row = by_id.get(one.record_id)
        wrong = _wrong(one, row, schema) if row is not None else ()
        if row is None or is_true(row.deleted) or (wrong and row.date_modified == one.date_modified):
            found[one.number] = _outcome(one, "missing", batch_id)
        elif wrong and not settled:
            found[one.number] = _outcome(one, "unknown", batch_id, "the record changed, and is not as it was sent yet")
        else:
            found[one.number] = _read_back(one, row, wrong, batch_id)
    made = [(one, high) for one in items if one.record_id is None]
    matches = _matched([*rivals, *made], [row for number, row in by_id.items() if number not in used], schema)
    whole = all(one.number in matches and not matches[one.number].wrong for one, _ in made)
    for one, _ in made:
        match = matches.get(one.number)
        if match is None:
            found[one.number] = _outcome(one, "missing", batch_id)
            continue
        doubt = _doubt(one, match, whole=whole, failed=failed, settled=settled)
        if doubt is None:
            found[one.number] = _read_back(one, match.row, match.wrong, batch_id)
        else:
            found[one.number] = _outcome(one, "unknown", batch_id, doubt)
    return [found[one.number] for one in items]


@dataclass(frozen=True)
class _Match:
    """A new record as the one that an item made.

    Attributes:
        row: the record.
        wrong: names of the answers that are not what was sent.
        extra: how many of its answers nobody sent.
    """

    row: Record
    wrong: tuple[str, ...]
    extra: int


def _matched(made: Sequence[tuple[PlannedItem, int]], rows: Sequence[Record], schema: StudySchema) -> dict[int, _Match]:
    """Number of an item -> the record that it made most likely; the best pairs first, each record once."""
    pairs: list[tuple[int, int, int, int, _Match]] = []
    for one, high in made:
        for row in rows:
            number = row.record_id or 0
            if number > high and not is_true(row.deleted) and _fits(one, row):
                match = _Match(row, _wrong(one, row, schema), _extra(one, row, schema))
                pairs.append((len(match.wrong), match.extra, one.number, number, match))
    pairs.sort(key=lambda pair: pair[:4])
    shared = {one.number for one, _ in made if one.action == "scheduled" and not one.repeats}
    found: dict[int, _Match] = {}
    used: set[int] = set()
    for *_, item, number, match in pairs:
        if item not in found and (item in shared or number not in used):  # several items may fill in one planned record
            found[item] = match
            used.add(number)
    return found


def _doubt(one: PlannedItem, match: _Match, *, whole: bool, failed: bool, settled: bool) -> str | None:
    """Why it cannot be told whether a record is the one that an item made; `None` where it can."""
    number, look = match.row.record_id, "Next: look at it before you run the item again"
    if not match.wrong:
        more = match.extra and not whole
        return (
            f"record {number} is new and holds what was sent and more, so it may be another's. {look}" if more else None
        )
    if one.action != "scheduled" and len(match.wrong) == len(one.body["data"]):
        return f"record {number} of this form is new, and holds none of the answers that were sent. {look}"
    if failed:
        return f"the job failed, and record {number} is new and like what was sent. {look}"
    return None if settled else f"record {number} is new, and is not as it was sent yet"


_OF_THE_SERVER = frozenset({"unvnum", "datecreated", "datemodified"})
"""Answers that the server adds to every record, in lower case."""


def _extra(one: PlannedItem, row: Record, schema: StudySchema) -> int:
    """How many answers of a record nobody sent; those that the server adds or calculates do not count."""
    if one.action == "scheduled":
        return 0
    form = schema.form(one.form_key)
    sent = {name.casefold() for name in one.body["data"]} | _OF_THE_SERVER
    answered = [name for name, value in (row.record_data or {}).items() if value not in (None, "")]
    variables = form.variables if form is not None else {}
    calculated = {name for name, one in variables.items() if letters_of(one.variable_type).startswith("calc")}
    return sum(name.casefold() not in sent and name not in calculated for name in answered)


def _read_back(one: PlannedItem, row: Record, wrong: tuple[str, ...], batch_id: str | None) -> ItemOutcome:
    return replace(
        _outcome(one, "different" if wrong else "stored", batch_id),
        record_id=row.record_id,
        subject_key=row.subject_key,
        fields=wrong,
        date_modified=row.date_modified,
    )


def _fits(one: PlannedItem, row: Record) -> bool:
    """Whether a new record can be what an item made."""
    if row.form_key != one.form_key:
        return False
    if one.action == "register":
        return one.site_id is None or row.site_id == one.site_id
    if row.subject_key != one.subject_key:
        return False
    return one.action != "scheduled" or row.interval_id == one.interval_id


def _wrong(one: PlannedItem, row: Record, schema: StudySchema) -> tuple[str, ...]:
    """Names of the answers that are not what was sent."""
    form = schema.form(one.form_key)
    assert form is not None
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
