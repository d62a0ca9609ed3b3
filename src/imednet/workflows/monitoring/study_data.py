"""What monitoring reads of a study: lists, kept small, narrowed to a site or a subject, without what is deleted.

Records are kept as `RecordFacts`, a few fields each, so that 100,000 of them take some 40 MB. A list is read when a
table needs it, and one read serves any number of tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final, Literal

from imednet_api.models import (
    Coding,
    Form,
    Interval,
    Query,
    Record,
    RecordRevision,
    Site,
    Subject,
    User,
    Variable,
    Visit,
)

from ...core.reading.proof import Proof
from ...errors import ArgumentError
from ...utils.truth import is_true
from ..base import not_found, site_number
from ..visits import day_of

ListName = Literal[
    "sites", "subjects", "forms", "intervals", "variables", "visits", "records", "record_revisions", "queries",
    "codings", "users",
]  # fmt: skip

OF_SUBJECTS: Final = ("visits", "records", "record_revisions", "queries", "codings")
"""Lists whose rows belong to a subject."""


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What monitoring needs of a record, without its answers."""

    record_id: int
    form_key: str
    subject_id: int | None
    site_id: int | None
    visit_id: int | None
    interval_id: int | None
    status: str
    created: str
    deleted: bool
    points: int = 0
    """Answers that are given, of the variables that were asked for."""

    @classmethod
    def of(cls, record: Record, live: Mapping[str, frozenset[str]] | None = None) -> RecordFacts:
        """The facts of a record; with the names of live variables of each form, also how many have an answer."""
        names = (live or {}).get(str(record.form_key))
        points = 0
        if names is not None:
            given = [name.casefold() for name, value in (record.record_data or {}).items() if value not in (None, "")]
            points = sum(name in names for name in given)
        return cls(
            record.record_id or 0,
            str(record.form_key or ""),
            record.subject_id,
            record.site_id,
            record.visit_id,
            record.interval_id,
            str(record.record_status or ""),
            str(record.date_created or ""),
            is_true(record.deleted),
            points,
        )


@dataclass(frozen=True)
class StudyData:
    """Lists of one study as they were read.

    A list that was not read is `None`; a table asks for the lists it needs by name before it is made.

    Attributes:
        study_key: the study.
        moment: the server's time when the last of the lists had been read (UTC).
        proofs: why each read is whole.
        answers: form key -> its records with their answers, for the forms that were asked for.
        coded: form key -> the variables that have codings, in the whole study.
        dropped_at: what was left out because its subject is deleted: site -> list -> number of rows.
        exits: number of a subject -> the day it left, as `YYYY-MM-DD`; `None` where no exit date was named.
        site, subject_key: what the lists were narrowed to.
    """

    study_key: str
    moment: datetime
    proofs: Mapping[str, Proof] = field(default_factory=dict, repr=False)
    sites: list[Site] | None = field(default=None, repr=False)
    subjects: list[Subject] | None = field(default=None, repr=False)
    forms: list[Form] | None = field(default=None, repr=False)
    intervals: list[Interval] | None = field(default=None, repr=False)
    variables: list[Variable] | None = field(default=None, repr=False)
    visits: list[Visit] | None = field(default=None, repr=False)
    records: list[RecordFacts] | None = field(default=None, repr=False)
    record_revisions: list[RecordRevision] | None = field(default=None, repr=False)
    queries: list[Query] | None = field(default=None, repr=False)
    codings: list[Coding] | None = field(default=None, repr=False)
    users: list[User] | None = field(default=None, repr=False)
    answers: Mapping[str, list[Record]] = field(default_factory=dict, repr=False)
    coded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dropped_at: Mapping[int | None, Mapping[str, int]] = field(default_factory=dict)
    exits: Mapping[int, str] | None = field(default=None, repr=False)
    site: int | str | None = None
    subject_key: str | None = None

    @property
    def today(self) -> date:
        """The server's day (UTC)."""
        return self.moment.date()

    @cached_property
    def subject_by_id(self) -> dict[int | None, Subject]:
        """The subjects by their number."""
        return {subject.subject_id: subject for subject in self.subjects or ()}

    @cached_property
    def site_by_id(self) -> dict[int | None, Site]:
        """The sites by their number."""
        return {site.site_id: site for site in self.sites or ()}

    @cached_property
    def form_by_key(self) -> dict[str | None, Form]:
        """The forms by their key."""
        return {form.form_key: form for form in self.forms or ()}

    @cached_property
    def record_by_id(self) -> dict[int | None, RecordFacts]:
        """The records by their number."""
        return {record.record_id: record for record in self.records or ()}

    def site_of(self, subject_id: int | None) -> int | None:
        """The site of a subject, as it is today; queries and visits name no site."""
        subject = self.subject_by_id.get(subject_id)
        return subject.site_id if subject is not None else None

    def site_name(self, site_id: int | None) -> str | None:
        """The name of a site; names can repeat, numbers cannot."""
        site = self.site_by_id.get(site_id)
        return site.site_name if site is not None else None

    def form_name(self, form_key: str | None) -> str | None:
        """The name of a form."""
        form = self.form_by_key.get(form_key)
        return form.form_name if form is not None else None

    @property
    def dropped(self) -> dict[str, int]:
        """What was left out because its subject is deleted: list -> number of rows."""
        counts: Counter[str] = Counter()
        for part in self.dropped_at.values():
            counts.update(part)
        return dict(counts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out and what is not proven, as sentences."""
        told = [
            f"the list of {name.replace('_', ' ')} is not proven whole: {proof.reason or 'nothing was compared'}"
            for name, proof in sorted(self.proofs.items())
            if not proof.proven
        ]
        dropped = self.dropped
        if any(dropped.values()):
            names = [name for name in OF_SUBJECTS if dropped.get(name)]
            rest = ", ".join(f"{dropped[name]:,} {name.replace('_', ' ')}" for name in names)
            people = f"{dropped.get('subjects', 0):,} deleted subjects are left out"
            told.append(f"{people}, with their {rest}" if rest else people)
        return tuple(told)

    @property
    def visit_notes(self) -> tuple[str, ...]:
        """Notes of a table about visits."""
        if self.exits is not None:
            return self.notes
        return (*self.notes, "visits of subjects who left count as missed, since no exit date was named")

    def without_deleted_subjects(self) -> StudyData:
        """The data without deleted subjects and all rows that belong to them, whether those are deleted or not.

        A server may keep the records of a deleted subject as they were, so their own flags do not decide.
        """
        gone = {subject.subject_id: subject.site_id for subject in self.subjects or () if is_true(subject.deleted)}
        if not gone:
            return self
        dropped: dict[int | None, Counter[str]] = {}
        for name in ("subjects", *OF_SUBJECTS):
            for row in getattr(self, name) or ():
                if row.subject_id in gone:
                    dropped.setdefault(gone[row.subject_id], Counter())[name] += 1
        return replace(self._keeping(lambda number: number not in gone), dropped_at=dropped)

    def of_site(self, site: int | str) -> StudyData:
        """The data of one site, by its number or name, and of its subjects.

        A text is the name of a site, or else its number in digits.

        Raises:
            NotFoundError: the study has no such site.
            ArgumentError: several sites have this name, or it is the name of one and the number of another.
        """
        wanted = {site_number(self.sites or (), site, self.study_key)}
        people = {subject.subject_id for subject in self.subjects or () if subject.site_id in wanted}
        narrowed = self._keeping(lambda number: number in people, sites=wanted)
        dropped = {number: counts for number, counts in self.dropped_at.items() if number in wanted}
        return replace(narrowed, site=site, dropped_at=dropped)

    def of_subject(self, subject_key: str) -> StudyData:
        """The data of one subject.

        Raises:
            NotFoundError: the study (or the site it was narrowed to) has no such subject, or it is deleted and was left
                out.
        """
        people = {one.subject_id for one in self.subjects or () if one.subject_key == subject_key}
        if not people:
            raise not_found("subject", self.study_key)
        sites = {one.site_id for one in self.subjects or () if one.subject_id in people}
        narrowed = self._keeping(lambda number: number in people, sites=sites, site_forms=False)
        return replace(narrowed, subject_key=subject_key, dropped_at={})

    def _keeping(self, keep: Any, *, sites: set[int | None] | None = None, site_forms: bool = True) -> StudyData:
        """The data with the subjects that `keep` keeps; records of site forms stay with their site."""

        def kept(rows: Iterable[Any] | None) -> list[Any] | None:
            if rows is None:
                return None
            return [
                row
                for row in rows
                if (keep(row.subject_id) if row.subject_id is not None else site_forms and _at(row, sites))
            ]

        changes: dict[str, Any] = {name: kept(getattr(self, name)) for name in ("subjects", *OF_SUBJECTS)}
        changes["answers"] = {form: kept(rows) or [] for form, rows in self.answers.items()}
        if sites is not None and self.sites is not None:
            changes["sites"] = [site for site in self.sites if site.site_id in sites]
        return replace(self, **changes)

    def need(self, *names: ListName) -> None:
        """Raise ArgumentError unless these lists were read."""
        missing = [name for name in names if getattr(self, name) is None]
        if missing:
            raise ArgumentError(f"this table needs lists that were not read: {', '.join(missing)}")


def live_variables(variables: Iterable[Variable]) -> dict[str, frozenset[str]]:
    """Form key -> names, in small letters, of the variables whose answers are data points.

    Disabled and deleted variables and those that are calculated are none.
    """
    found: dict[str, set[str]] = {}
    for variable in variables:
        calculated = str(variable.variable_type or "").casefold().startswith("calc")
        if not (is_true(variable.disabled) or is_true(variable.deleted) or calculated):
            found.setdefault(str(variable.form_key), set()).add(str(variable.variable_name).casefold())
    return {form: frozenset(names) for form, names in found.items()}


def _at(row: Any, sites: set[int | None] | None) -> bool:
    return sites is None or getattr(row, "site_id", None) in sites


def days_between(first: str | None, second: date | str | None) -> int | None:
    """Whole days from one day to another; `None` where one is missing or no date.

    >>> days_between("2026-01-30", "2026-02-02 10:00:00"), days_between("UNK", "2026-02-02")
    (3, None)
    """
    start, end = day_of(first), day_of(second)
    return (end - start).days if start is not None and end is not None else None
