"""The list of records: headers are computed from the plan, answers only for the records asked for.

`RecordSource` computes records, `Records` is the list with later changes. How answers come about is in
`invent.answers` and `invent.defects`.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import repeat
from typing import Any, Protocol

from ..invent.defects import DefectMaker, Note
from ..invent.design import Design, Row
from ..invent.people import Subject
from ..invent.plan import Plan, Shuffle
from ..invent.record_life import Life, Lives, written
from ..invent.seeded import Dice
from .tables import Table, number_with_gaps

FIELDS = (
    "studyKey", "intervalId", "formId", "formKey", "siteId", "recordId", "recordOid", "recordType", "recordStatus",
    "deleted", "dateCreated", "dateModified", "subjectId", "subjectOid", "subjectKey", "visitId", "parentRecordId",
    "keywords", "recordData",
)  # fmt: skip
STATUSES = (
    "Record Incomplete", "Record Complete", "Record Reviewed", "Record Locked", "Record Deleted",
)  # fmt: skip
KEYWORD = {
    "keywordName": "Data Entry Error",
    "keywordKey": "DEE",
    "keywordId": 15362,
    "dateAdded": "2025-09-14 12:00:41",
}
MISSING_PARENT = 4999999
"""`recordId` of a parent that is in no list (D41)."""


def keywords(u: int) -> list[Row] | None:
    """Keywords of a record, from 32 random bits: None for a fifth (D34), one keyword for a tenth of the rest."""
    share = u % 1000
    return None if share < 200 else [dict(KEYWORD)] if share < 280 else []


class StudyParts(Protocol):
    """The parts of a `Study` that its lists are made from."""

    key: str
    salt: int
    design: Design
    dice: Dice

    @property
    def plan(self) -> Plan: ...
    @property
    def lives(self) -> Lives: ...
    @property
    def defect_maker(self) -> DefectMaker: ...
    def visit_number(self, rank: int) -> int: ...
    def subject_oid(self, subject: Subject) -> str | None: ...


class LifeColumns:
    """What lists filter and sort by, for all records in planned order: four bytes for a time, one for a status."""

    def __init__(self, study: StudyParts) -> None:
        plan = study.plan
        self.created = array("I")
        self.modified = array("I")
        self.status = bytearray()
        self.revisions = bytearray()
        self.queried = array("l")
        rates = _query_rates(study.design)
        status_codes = {name: code for code, name in enumerate(STATUSES)}
        for rank in range(len(plan.form)):
            life = study.lives.of(rank)
            self.created.append(life.created)
            self.modified.append(life.modified)
            self.status.append(status_codes[life.status])
            self.revisions.append(life.revisions)
            if life.words[7] < rates[plan.form[rank]] and _may_be_queried(plan, rank, life):
                self.queried.append(rank)


def _query_rates(design: Design) -> list[float]:
    """The share of records that have a query, form by form, as a limit for 64 random bits."""
    rate = 0.0622 * (1 << 64)
    doubled = {design.form_index[key] for key in ("AE", "LAB")}
    return [rate * (2 if form in doubled else 1) for form in range(len(design.data["forms"]))]


def _may_be_queried(plan: Plan, rank: int, life: Life) -> bool:
    """Whether a record may have a drawn query: no record of a site, few deleted ones."""
    subject = plan.subject_of(plan.owner(rank)[0])
    if subject is None or subject.number in (20001, 20004):
        return False
    return not life.deleted or bool(subject.gone) or life.words[7] & 7 < 6


class RecordSource:
    """Computes records by place, in the order of `recordId`."""

    def __init__(self, study: StudyParts) -> None:
        self._study = study
        self._plan = study.plan
        self._forms = study.design.data["forms"]
        self.shuffle = Shuffle(len(self._plan.form))
        self.bodies = 0
        """How many times the answers of a record were made."""

    def __len__(self) -> int:
        return len(self._plan.form)

    @cached_property
    def columns(self) -> LifeColumns:
        """The columns of all records, made when a list first needs them."""
        return LifeColumns(self._study)

    def number(self, rank: int) -> int:
        """`recordId` of a planned record."""
        return self.number_at(self.shuffle.place(rank))

    def number_at(self, place: int) -> int:
        """`recordId` at a place of the list."""
        return number_with_gaps(5000001, place, self._study.salt)

    def row(self, place: int) -> Row:
        return self.header(self.shuffle.rank(place), place)

    def header(self, rank: int, place: int, life: Life | None = None) -> Row:
        """A record without its answers."""
        plan, study = self._plan, self._study
        life = life or study.lives.of(rank)
        owner, _ = plan.owner(rank)
        subject = plan.subject_of(owner)
        form = self._forms[plan.form[rank]]
        number = self.number_at(place)
        interval, visit = self._visit(rank, owner)
        oid = life.words[3] >> 32
        return {
            "studyKey": study.key,
            "intervalId": interval,
            "formId": form["formId"],
            "formKey": form["formKey"],
            "siteId": plan.sites[owner if subject is None else subject.site]["siteId"],
            "recordId": number,
            "recordOid": f"REC-{number}" if oid % 20 == 0 else "" if oid % 20 == 1 else None,
            "recordType": "SITE" if subject is None else "SUBJECT",
            "recordStatus": life.status,
            "deleted": life.deleted,
            "dateCreated": written(life.created),
            "dateModified": written(life.modified),
            "subjectId": subject.number if subject else None,
            "subjectOid": study.subject_oid(subject) if subject else None,
            "subjectKey": subject.key if subject else None,
            "visitId": visit,
            "parentRecordId": self.parent(rank, subject, life),
            "keywords": self._keywords(subject, life),
        }

    def _keywords(self, subject: Subject | None, life: Life) -> list[Row] | None:
        if subject is not None and subject.story.clean:
            return []
        if subject is not None and subject.number == 20003:
            return None
        return keywords(life.words[3] & 0xFFFFFFFF)

    def _visit(self, rank: int, owner: int) -> tuple[int | None, int | None]:
        plan = self._plan
        local = plan.visit[rank]
        if local < 0:
            return None, None
        interval = self._study.design.intervals[plan.interval[rank]]["intervalId"]
        return interval, self._study.visit_number(plan.first_visit[owner - len(plan.sites)] + local)

    def parent(self, rank: int, subject: Subject | None, life: Life) -> int | None:
        """`parentRecordId`: an action belongs to the adverse event before it, which may be missing (D41)."""
        plan = self._plan
        key = self._forms[plan.form[rank]]["formKey"]
        if subject is not None and subject.number == 20011:
            if key == "AE" and plan.nth[rank] == 1:
                return self.number(rank)  # its own parent
            return MISSING_PARENT if key == "AEACT" else None
        if key != "AEACT":
            return None
        return MISSING_PARENT if self.parent_lost(life, subject) else self.number(rank - 1)

    def parent_lost(self, life: Life, subject: Subject | None) -> bool:
        """Whether the parent of an action is missing (D41)."""
        if subject is None or subject.scripted:
            return subject is not None and subject.number == 20011
        return life.words[4] / (1 << 64) < self._study.design.rate("D41") / 0.6

    def data(self, place: int) -> Row | None:
        """The answers of the record at a place."""
        self.bodies += 1
        return self._study.defect_maker.data(self.shuffle.rank(place))

    def full_row(self, place: int, notes: list[Note] | None = None) -> Row:
        """A record with its answers; `notes` collects the defects in them."""
        self.bodies += 1
        rank = self.shuffle.rank(place)
        life = self._study.lives.of(rank)
        row = self.header(rank, place, life)
        row["recordData"] = self._study.defect_maker.data(rank, life, notes)
        return row

    # ---- columns

    def values(self, field: str) -> Iterable[Any]:
        total = len(self._plan.form)
        if field == "recordId":
            return (self.number_at(place) for place in range(total))
        if field == "studyKey":
            return repeat(self._study.key, total)
        by_rank = self._column_by_rank(field)
        if by_rank is None:
            return (self.row(place)[field] for place in range(total))
        return map(by_rank.__getitem__, map(self.shuffle.rank, range(total)))

    def _column_by_rank(self, field: str) -> list[Any] | None:
        plan, forms = self._plan, self._forms
        if field in ("formKey", "formId"):
            names = [form[field] for form in forms]
            return [names[form] for form in plan.form]
        if field in ("dateCreated", "dateModified"):
            seconds = self.columns.created if field == "dateCreated" else self.columns.modified
            return [written(moment) for moment in seconds]
        if field == "recordStatus":
            return [STATUSES[status] for status in self.columns.status]
        if field == "deleted":
            return [status == len(STATUSES) - 1 for status in self.columns.status]
        of_owners = self._column_of_owners(field)
        if of_owners is not None:
            return of_owners
        if field in ("intervalId", "visitId"):
            part = 0 if field == "intervalId" else 1
            return [self._visit(rank, plan.owner(rank)[0])[part] for rank in range(len(plan.form))]
        return None

    def _column_of_owners(self, field: str) -> list[Any] | None:
        plan = self._plan
        makers: dict[str, Any] = {
            "subjectId": lambda subject, site: subject.number if subject else None,
            "subjectKey": lambda subject, site: subject.key if subject else None,
            "subjectOid": lambda subject, site: self._study.subject_oid(subject) if subject else None,
            "siteId": lambda subject, site: site["siteId"],
            "recordType": lambda subject, site: "SUBJECT" if subject else "SITE",
        }
        if field not in makers:
            return None
        values: list[Any] = []
        for owner in range(len(plan.first) - 1):
            subject = plan.subject_of(owner)
            value = makers[field](subject, plan.sites[owner if subject is None else subject.site])
            values += [value] * (plan.first[owner + 1] - plan.first[owner])
        return values


def blind(data: Row, hidden: Collection[str], mask: str | None = None) -> Row:
    """Answers without the blinded ones, or with a mask instead of their values; the case of names does not matter."""
    blinded = [name for name in data if name.upper() in hidden]
    if not blinded:
        return data
    if mask is not None:
        return {**data, **dict.fromkeys(blinded, mask)}
    return {name: value for name, value in data.items() if name not in blinded}


class Records(Table):
    """The list of records with their answers."""

    def __init__(self, source: RecordSource, blinded: frozenset[str]) -> None:
        super().__init__("records", source, FIELDS)
        self._source = source
        self._blinded = blinded

    def is_changed(self, place: int) -> bool:
        """Whether a generated record was changed since."""
        return place in self._changed

    def data(self, place: int) -> Row | None:
        """The answers of a record, as an unblinded key sees them."""
        if place >= self._size or place in self._changed:
            row = self._added[place - self._size] if place >= self._size else self._changed[place]
            if "recordData" in row:
                answers: Row | None = row["recordData"]
                return answers
        return self._source.data(place)

    def full_row(self, place: int, *, unblinded: bool = True, notes: list[Note] | None = None) -> Row:
        """A record with its answers; `notes` collects the defects in them, if the record is still as generated."""
        if place < self._size and place not in self._changed:
            row = self._source.full_row(place, notes)
        else:
            row = {**self.row(place), "recordData": self.data(place)}
        if isinstance(row["recordData"], dict) and not unblinded:
            row["recordData"] = blind(row["recordData"], self._blinded)
        return row

    def rows(self, *, unblinded: bool = True) -> Iterator[Row]:
        return (self.full_row(place, unblinded=unblinded) for place in self.places())

    def place_of(self, number: int) -> int | None:
        """The place of a record by its `recordId`."""
        place = (number - self._source.number_at(0)) // 3
        # A number is up to 2 more than `first + 3 * place`, so the place reckoned from it may be one off.
        for candidate in (place, place + 1, place - 1):
            if 0 <= candidate < self._size and self._source.number_at(candidate) == number:
                return None if candidate in self._removed else candidate
        for place, row in enumerate(self._added, self._size):
            if row["recordId"] == number:
                return None if place in self._removed else place
        return None
