"""Which records and visits there are, without their answers.

A million records are a few numbers each, in arrays: form, day, visit, which one of its form. Records are planned owner
by owner (first the sites, then the subjects); the order of `recordId` is a permutation of that, so that neighbours on a
page belong to different subjects, as in a real study.
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
"""Log entries of subjects who were never treated, beside those of treated ones."""
LATE_DEVIATIONS = 0.32
"""Mean number of deviations a treated subject has for late visits; the rest of the rate is drawn."""
RETIRED = 0.03
"""Share of subjects with a record of the retired form."""
DAY_ZERO = FIRST_DAY - 200

# What is out of the ordinary about a record.
PLAIN, TWICE, LATE_ENTRY, BURST = 0, 1, 2, 3
NO_INTERVAL = 255

Entry = tuple[int, int, int, int, int]
"""Place of the form, day, local place of the visit (-1: none), which one of this form (from 1), mark."""


class Visit(NamedTuple):
    """One row of visits: the place of its interval, its due day and the day it took place."""

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
        """Where the records of each owner begin; one number more than there are owners."""
        self.first_visit = array("l", [0])
        """Where the visits of each subject begin."""
        self._plan(burst, limit)

    def _plan(self, burst: int, limit: int | None) -> None:
        extra = -(-burst // len(self.subjects)) if self.subjects else 0
        owners = [self._of_site() for _ in self.sites] if self.subjects else []
        for of_site in owners:
            self._append(list(of_site), [], limit)
        for subject in self.subjects:
            visits = self.visits(subject)
            entries = list(self._of_subject(subject, visits))
            if burst > 0:
                place = self.design.place["CM"]
                count = sum(entry[0] == place for entry in entries)
                day = subject.registered
                entries += [(place, day, -1, count + 1 + n, BURST) for n in range(min(extra, burst))]
                burst -= extra
            self._append(entries, visits, limit)
            self.first_visit.append(self.first_visit[-1] + len(visits))

    def _append(self, entries: list[Entry], visits: list[Visit], limit: int | None) -> None:
        if limit is not None:
            entries = entries[: max(0, limit - len(self.form))]
        if entries:
            form, day, visit, nth, mark = zip(*entries, strict=True)
            self.form.extend(form)
            self.day.extend(one - DAY_ZERO for one in day)
            self.visit.extend(visit)
            self.interval.extend([visits[at].interval if at >= 0 else NO_INTERVAL for at in visit])
            self.nth.extend(nth)
            self.mark.extend(mark)
        self.first.append(len(self.form))

    # ---- looking up

    def owner(self, rank: int) -> tuple[int, int]:
        """Which owner a planned record belongs to, and its place among that owner's records."""
        owner = bisect_right(self.first, rank) - 1
        return owner, rank - self.first[owner]

    def subject_of(self, owner: int) -> Subject | None:
        """The subject behind an owner; None for a site."""
        return None if owner < len(self.sites) else self.subjects[owner - len(self.sites)]

    def count_of(self, rank: int, form_key: str) -> int:
        """How many records of a form the owner of a planned record has."""
        owner, _ = self.owner(rank)
        return self.form[self.first[owner] : self.first[owner + 1]].count(self.design.place[form_key])

    def ranks_of(self, subject_place: int) -> range:
        """The planned records of a subject, by its place in the list of subjects."""
        owner = subject_place + len(self.sites)
        return range(self.first[owner], self.first[owner + 1])

    def owner_of_visit(self, place: int) -> tuple[int, int]:
        """The place of the subject a visit belongs to, and its place among that subject's visits."""
        subject = bisect_right(self.first_visit, place) - 1
        return subject, place - self.first_visit[subject]

    @lru_cache(maxsize=64)  # noqa: B019 - a plan lives as long as its study
    def visits_at(self, place: int) -> list[Visit]:
        """The visits of a subject, by its place in the list of subjects."""
        return self.visits(self.subjects[place])

    def visits(self, subject: Subject) -> list[Visit]:
        """The visits of a subject: planned ones, diary days, unscheduled ones."""
        found = [
            Visit(place, due, subject.days[place])
            for place, due in enumerate(subject.due)
            if due is not None and (place <= PROCEDURE or subject.treated)
        ]
        if subject.treated:
            start = subject.diary_start
            counted = start if start is not None else (subject.days[PROCEDURE] or 0) + 1
            for day in range(DIARY_DAYS):
                due = counted + day + 1
                found.append(Visit(10 + day, due, due if subject.diary >> day & 1 else None))
        span = max(1, subject.last_contact - subject.registered - 40)
        for time in range(subject.unscheduled):
            day = min(subject.registered + 40 + (9 * time) % span, subject.last_contact)
            interval = 39 if subject.number == 20011 else 38
            found.append(Visit(interval, None, day))
        return found

    # ---- planning

    def _of_site(self) -> Iterator[Entry]:
        for form_place, form in enumerate(self.design.data["forms"]):
            kind, _, count = form["schedule"][0].partition(":")
            if kind == "*site":
                for nth in range(1, int(count) + 1):
                    yield form_place, FIRST_DAY - 7 + 29 * (nth - 1), -1, nth, PLAIN

    def _of_subject(self, subject: Subject, visits: list[Visit]) -> Iterator[Entry]:
        design, places = self.design, self.design.place
        counts: dict[int, int] = {}

        def nth(form: int) -> int:
            counts[form] = counts.get(form, 0) + 1
            return counts[form]

        yield places["REG"], subject.registered, 0, nth(places["REG"]), PLAIN
        for local, visit in enumerate(visits):
            if visit.day is None:
                continue
            if visit.interval >= 38:
                yield places["UNS"], visit.day, local, nth(places["UNS"]), PLAIN
                continue
            name = design.intervals[visit.interval]["intervalName"]
            for form in design.forms_of_visit.get(name, ()):
                if form != places["REG"]:
                    yield form, visit.day, local, nth(form), PLAIN
                    if form == places["VS"] and self.is_twice(subject, "VS", counts[form], visit.interval):
                        yield form, visit.day, local, nth(form), TWICE
        yield from self._logs(subject)
        if subject.exit is not None and subject.status in EXITED:
            yield places["EOS"], subject.exit, -1, 1, PLAIN
        if subject.number == 20005:
            yield places["CM"], min(NOW - 1, (subject.exit or 0) + 12), -1, 4, LATE_ENTRY
        retired = self.dice.chance(RETIRED, "retired", subject.number) and not subject.scripted
        if subject.number == 20001 or retired:
            local = next((at for at, v in enumerate(visits) if v.interval == 5 and v.day), 0)
            yield places["OLDVS"], visits[local].day or subject.registered, local, 1, PLAIN
        for place in range(29, len(design.data["forms"])):  # the forms of the wide profile
            if (place * 7 + subject.number) % 160 == 0:
                yield place, subject.registered, -1, 1, PLAIN

    def is_twice(self, subject: Subject, form: str, nth: int, interval: int = -1) -> bool:
        """Whether a record is entered twice: two vital signs in one visit, the same adverse event again."""
        if subject.scripted:
            return form in subject.story.repeated and (interval == 5 if form == "VS" else nth == 1)
        return self.dice.chance(self.design.rate("D15" if form == "VS" else "D14"), form, subject.number, nth)

    def _logs(self, subject: Subject) -> Iterator[Entry]:
        dice, places = self.dice, self.design.place
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
                late_days = [subject.days[place] or 0 for place in self.late_visits(subject)]
                days[: len(late_days)] = late_days[:count]
            number = 0
            for day in days:
                number += 1
                yield places[key], day, -1, number, PLAIN
                if key != "AE":
                    continue
                if number in subject.story.actions or (
                    not subject.scripted
                    and dice.chance(self.design.data["actionsPerAE"], "ACT", subject.number, number)
                ):
                    yield places["AEACT"], day, -1, number, PLAIN
            if key == "AE":
                repeated = next((n for n in range(1, count + 1) if self.is_twice(subject, "AE", n)), 0)
                if repeated:
                    yield places["AE"], days[repeated - 1], -1, count + 1, TWICE

    def late_visits(self, subject: Subject) -> list[int]:
        """Places of the late visits a protocol deviation was written for (60 % of them)."""
        found = []
        for place in range(BASELINE, 10):
            day, due = subject.days[place], subject.due[place]
            if day is None or due is None or day <= due + self.design.planned[place]["positiveSlack"]:
                continue
            if self.dice.chance(0.6, "deviation", subject.number, place) or subject.scripted:
                found.append(place)
        return found


class Shuffle:
    """A permutation of whole numbers in closed form: place on the list for each rank, and back."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._factor = next((f for f in range(total * 618 // 1000 + 1, 2 * total + 2) if gcd(f, total) == 1), 1)
        self._back = pow(self._factor, -1, total) if total > 1 else 0

    def place(self, rank: int) -> int:
        """Where a planned record stands in the order of `recordId`."""
        return (self._factor * rank + 7) % self.total

    def rank(self, place: int) -> int:
        """Which planned record stands there."""
        return (place - 7) * self._back % self.total
