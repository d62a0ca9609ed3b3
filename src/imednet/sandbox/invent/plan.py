"""`Plan`: which records and visits a study has, without times and answers.

Each of up to a million records is a few numbers in arrays: form, day, visit, number within its form. A record's rank is
its index in these arrays. Records are planned owner by owner, first the sites, then the subjects; the order of
`recordId` is a permutation of the ranks (`Shuffle`), so that neighbours on a page belong to different subjects, as in a
real study. Times and statuses are in `record_life`, answers in `answers`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from math import gcd
from typing import NamedTuple

from .design import Design, Row
from .people import (
    BASELINE,
    DIARY_DAYS,
    EXITED,
    FIRST_DAY,
    NOW,
    PROCEDURE,
    Subject,
    enrol,
)
from .seeded import Dice

SHARE_OF_UNTREATED = {"MH": 0.6, "CM": 1 / 3, "AE": 0.04, "PD": 0.09, "DD": 0.0}
"""Log form -> its entries for a subject who was never treated, as a share of those for a treated one."""
LATE_DEVIATIONS = 0.32
"""Mean number of deviations of a treated subject that are due to late visits; the others are drawn at random."""
RETIRED = 0.03
"""Share of subjects with a record of the retired form."""
DAY_ZERO = FIRST_DAY - 200
"""The day (an ordinal) that the study's days and seconds are counted from."""

# Marks of a record: ordinary, entered twice, entered after the subject left, one of the `burst` profile.
PLAIN, TWICE, LATE_ENTRY, BURST = 0, 1, 2, 3
NO_INTERVAL = 255

Entry = tuple[int, int, int, int, int]
"""Index of the form, day, index among the subject's visits (-1: none), number within the form (from 1), mark."""


class Visit(NamedTuple):
    """One visit: the index of its interval, its due day, and the day it took place."""

    interval: int
    due: int | None
    day: int | None


class Plan:
    """All records and visits of a study, in the order of their owners."""

    def __init__(
        self,
        design: Design,
        dice: Dice,
        sites: list[tuple[Row, int]],
        *,
        burst: int = 0,
        limit: int | None = None,
        only: tuple[str, ...] = (),
    ) -> None:
        self.design = design
        self.dice = dice
        self.sites = [site for site, _ in sites]
        self.subjects: list[Subject] = enrol(design, dice, sites)
        if only:
            self.sites = self.sites[:1]
            self.subjects = self.subjects[: len(only)]
            for subject, key in zip(self.subjects, only, strict=True):
                subject.key, subject.site = key, 0
        self.form = bytearray()
        self.day = array("H")
        self.visit = array("b")
        self.interval = bytearray()
        self.nth = bytearray()
        self.mark = bytearray()
        self.first = array("l", [0])
        """Rank of each owner's first record, and at the end the number of records."""
        self.first_visit = array("l", [0])
        """Index of each subject's first visit, and at the end the number of visits."""
        self._plan(burst, limit)

    def _plan(self, burst: int, limit: int | None) -> None:
        extra = -(-burst // len(self.subjects)) if self.subjects else 0
        owners = [self._records_of_site() for _ in self.sites] if self.subjects else []
        for of_site in owners:
            self._append(list(of_site), [], limit)
        for subject in self.subjects:
            visits = self.visits(subject)
            entries = list(self._records_of_subject(subject, visits))
            if burst > 0:
                form = self.design.form_index["CM"]
                count = sum(entry[0] == form for entry in entries)
                day = subject.registered
                entries += [(form, day, -1, count + 1 + n, BURST) for n in range(min(extra, burst))]
                burst -= extra
            self._append(entries, visits, limit)
            self.first_visit.append(self.first_visit[-1] + len(visits))

    def _append(self, entries: list[Entry], visits: list[Visit], limit: int | None) -> None:
        if limit is not None:
            entries = entries[: max(0, limit - len(self.form))]
        if entries:
            forms, days, local_visits, nths, marks = zip(*entries, strict=True)
            self.form.extend(forms)
            self.day.extend(day - DAY_ZERO for day in days)
            self.visit.extend(local_visits)
            self.interval.extend([visits[local].interval if local >= 0 else NO_INTERVAL for local in local_visits])
            self.nth.extend(nths)
            self.mark.extend(marks)
        self.first.append(len(self.form))

    # ---- look-ups

    def owner(self, rank: int) -> tuple[int, int]:
        """The owner of a planned record, and the record's index among that owner's records."""
        owner = bisect_right(self.first, rank) - 1
        return owner, rank - self.first[owner]

    def subject_of(self, owner: int) -> Subject | None:
        """The subject behind an owner; None for a site."""
        return None if owner < len(self.sites) else self.subjects[owner - len(self.sites)]

    def count_of(self, rank: int, form_key: str) -> int:
        """How many records of a form the owner of a planned record has."""
        owner, _ = self.owner(rank)
        return self.form[self.first[owner] : self.first[owner + 1]].count(self.design.form_index[form_key])

    def ranks_of(self, subject_index: int) -> range:
        """The ranks of a subject's records, by its index in `subjects`."""
        owner = subject_index + len(self.sites)
        return range(self.first[owner], self.first[owner + 1])

    def owner_of_visit(self, visit: int) -> tuple[int, int]:
        """The index of a visit's subject in `subjects`, and the visit's index among that subject's visits."""
        subject = bisect_right(self.first_visit, visit) - 1
        return subject, visit - self.first_visit[subject]

    @lru_cache(maxsize=64)  # noqa: B019 - a plan lives as long as its study
    def visits_at(self, subject_index: int) -> list[Visit]:
        """The visits of a subject, by its index in `subjects`."""
        return self.visits(self.subjects[subject_index])

    def visits(self, subject: Subject) -> list[Visit]:
        """The visits of a subject: planned ones, diary days, unscheduled ones."""
        visits = [
            Visit(planned, due, subject.days[planned])
            for planned, due in enumerate(subject.due)
            if due is not None and (planned <= PROCEDURE or subject.treated)
        ]
        if subject.treated:
            start = subject.diary_start
            discharge = start if start is not None else (subject.days[PROCEDURE] or 0) + 1
            for day in range(DIARY_DAYS):
                due = discharge + day + 1
                visits.append(Visit(10 + day, due, due if subject.diary >> day & 1 else None))
        span = max(1, subject.last_contact - subject.registered - 40)
        for nth in range(subject.unscheduled):
            day = min(subject.registered + 40 + (9 * nth) % span, subject.last_contact)
            interval = 39 if subject.number == 20011 else 38
            visits.append(Visit(interval, None, day))
        return visits

    # ---- planning

    def _records_of_site(self) -> Iterator[Entry]:
        for index, form in enumerate(self.design.data["forms"]):
            kind, _, count = form["schedule"][0].partition(":")
            if kind == "*site":
                for nth in range(1, int(count) + 1):
                    yield index, FIRST_DAY - 7 + 29 * (nth - 1), -1, nth, PLAIN

    def _records_of_subject(self, subject: Subject, visits: list[Visit]) -> Iterator[Entry]:
        design, forms = self.design, self.design.form_index
        counts: dict[int, int] = {}

        def nth(form: int) -> int:
            counts[form] = counts.get(form, 0) + 1
            return counts[form]

        yield forms["REG"], subject.registered, 0, nth(forms["REG"]), PLAIN
        for local, visit in enumerate(visits):
            if visit.day is None:
                continue
            if visit.interval >= 38:
                yield forms["UNS"], visit.day, local, nth(forms["UNS"]), PLAIN
                continue
            name = design.intervals[visit.interval]["intervalName"]
            for form in design.forms_of_visit.get(name, ()):
                if form != forms["REG"]:
                    yield form, visit.day, local, nth(form), PLAIN
                    if form == forms["VS"] and self.is_twice(subject, "VS", counts[form], visit.interval):
                        yield form, visit.day, local, nth(form), TWICE
        yield from self._log_records(subject)
        if subject.exit is not None and subject.status in EXITED:
            yield forms["EOS"], subject.exit, -1, 1, PLAIN
        if subject.number == 20005:
            yield forms["CM"], min(NOW - 1, (subject.exit or 0) + 12), -1, 4, LATE_ENTRY
        retired = self.dice.chance(RETIRED, "retired", subject.number) and not subject.scripted
        if subject.number == 20001 or retired:
            local = next((index for index, visit in enumerate(visits) if visit.interval == 5 and visit.day), 0)
            yield forms["OLDVS"], visits[local].day or subject.registered, local, 1, PLAIN
        for form in range(29, len(design.data["forms"])):  # the forms of the wide profile
            if (form * 7 + subject.number) % 160 == 0:
                yield form, subject.registered, -1, 1, PLAIN

    def is_twice(self, subject: Subject, form: str, nth: int, interval: int = -1) -> bool:
        """Whether a record is entered twice: vital signs twice in a visit (D15), an adverse event again (D14)."""
        if subject.scripted:
            return form in subject.story.repeated and (interval == 5 if form == "VS" else nth == 1)
        return self.dice.chance(self.design.rate("D15" if form == "VS" else "D14"), form, subject.number, nth)

    def _log_records(self, subject: Subject) -> Iterator[Entry]:
        dice, forms = self.dice, self.design.form_index
        span = max(1, subject.last_contact - subject.registered)
        for key, share in SHARE_OF_UNTREATED.items():
            mean = self.design.data["logRatesPerTreatedSubject"][key]
            if subject.story.logs is not None:
                count = subject.story.logs[key] if subject.treated or key in ("MH", "CM") else 0
            elif key == "PD" and subject.treated:
                late = len(self.late_visits(subject))
                count = late + dice.poisson(mean - LATE_DEVIATIONS, key, subject.number)
            else:
                count = dice.poisson(mean * (1 if subject.treated else share), key, subject.number)
                count = max(count, 1) if key == "AE" and subject.status == "Deceased" else count
            days = [
                subject.story.log_days.get(
                    (key, n + 1), subject.registered + dice.below(span, "log", subject.number, key, n)
                )
                for n in range(count)
            ]
            if key == "PD":
                late_days = [subject.days[visit] or 0 for visit in self.late_visits(subject)]
                days[: len(late_days)] = late_days[:count]
            number = 0
            for day in days:
                number += 1
                yield forms[key], day, -1, number, PLAIN
                if key != "AE":
                    continue
                if number in subject.story.actions or (
                    not subject.scripted
                    and dice.chance(self.design.data["actionsPerAE"], "ACT", subject.number, number)
                ):
                    yield forms["AEACT"], day, -1, number, PLAIN
            if key == "AE":
                repeated = next((n for n in range(1, count + 1) if self.is_twice(subject, "AE", n)), 0)
                if repeated:
                    yield forms["AE"], days[repeated - 1], -1, count + 1, TWICE

    def late_visits(self, subject: Subject) -> list[int]:
        """Indexes of the late planned visits that a protocol deviation was recorded for (60 % of them)."""
        late = []
        for visit in range(BASELINE, 10):
            day, due = subject.days[visit], subject.due[visit]
            if day is None or due is None or day <= due + self.design.planned[visit]["positiveSlack"]:
                continue
            if self.dice.chance(0.6, "deviation", subject.number, visit) or subject.scripted:
                late.append(visit)
        return late


class Shuffle:
    """A permutation of whole numbers computed without a table: from the rank of a record to its place, and back."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._factor = next((f for f in range(total * 618 // 1000 + 1, 2 * total + 2) if gcd(f, total) == 1), 1)
        self._back = pow(self._factor, -1, total) if total > 1 else 0

    def place(self, rank: int) -> int:
        """The place of a planned record in the order of `recordId`."""
        return (self._factor * rank + 7) % self.total

    def rank(self, place: int) -> int:
        """The rank of the record at a place."""
        return (place - 7) * self._back % self.total
