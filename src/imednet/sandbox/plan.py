"""Who is in the study, which visits they reach, and which records that makes. No answers yet.

Days are counted as `datetime`s of midnight; one number per subject decides how far it gets, which keeps attendance
monotone: nobody has Month 6 without Month 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import gcd
from typing import Any

from .design import CLOCK, Design
from .dice import Dice

NOW = datetime.fromisoformat(CLOCK)
FIRST_DAY = datetime(2024, 1, 15)
LAST_DAY = datetime(2026, 10, 20)
SHARE_OF_UNTREATED = {"MH": 0.6, "CM": 1 / 3, "AE": 0.04, "PD": 0.09, "DD": 0.0, "UNS": 0.0}
"""Log entries of subjects who were never treated, beside those of treated ones."""


@dataclass
class Subject:
    """One subject: status, how far it gets and when."""

    number: int
    key: str
    site: dict[str, Any]
    status: str
    scripted: bool
    registered: datetime = FIRST_DAY
    done: dict[str, datetime] = field(default_factory=dict)
    """Interval name -> day, for visits that took place."""
    due: dict[str, tuple[datetime, datetime, datetime]] = field(default_factory=dict)
    """Interval name -> due day, first and last day of the window, for visits that are listed."""

    @property
    def treated(self) -> bool:
        """Whether the procedure took place."""
        return "Procedure" in self.done


@dataclass
class Visit:
    """One row of visits."""

    number: int
    subject: Subject
    interval: dict[str, Any]
    day: datetime | None


@dataclass
class Entry:
    """One record without its answers."""

    form: dict[str, Any]
    site: dict[str, Any]
    subject: Subject | None
    visit: Visit | None
    day: datetime
    sequence: int
    """Counts the records of one form of one subject or site, from 1."""
    number: int = 0
    parent: Entry | None = None
    unscheduled: int | None = None
    retired: bool = False


def quotas(shares: list[float], total: int) -> list[int]:
    """Whole numbers with these shares that sum up to the total (largest remainder).

    >>> quotas([0.06, 0.18, 0.05, 0.38, 0.22, 0.07, 0.03, 0.01], 48)
    [3, 9, 2, 18, 11, 3, 1, 1]
    """
    exact = [share * total for share in shares]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda place: counts[place] - exact[place])
    for place in by_remainder[: total - sum(counts)]:
        counts[place] += 1
    return counts


def enrol(design: Design, dice: Dice, sites: list[tuple[dict[str, Any], int]]) -> list[Subject]:
    """The subjects of a study: the scripted ones, then as many more as the sites hold."""
    scripted = design.data["scriptedSubjects"]
    by_number = {site["siteId"]: site for site, _ in sites}
    subjects = [
        Subject(one["subjectId"], one["subjectKey"], by_number[int(one["subjectKey"][:3])], one["subjectStatus"], True)
        for one in scripted
    ]
    total = sum(count for _, count in sites)
    shares = design.data["subjectStatuses"]
    open_statuses: list[str] = []
    for share, quota in zip(shares, quotas([s["share"] for s in shares], total), strict=True):
        taken = sum(one.status == share["status"] for one in subjects)
        open_statuses += [share["status"]] * max(0, quota - taken)
    statuses = iter(dice.order(open_statuses, "statuses"))
    places = [site for site, count in sites for _ in range(count - sum(one.site is site for one in subjects))]
    for site in dice.order(places, "places"):
        number = 20001 + len(subjects)
        serial = 1 + sum(one.site is site for one in subjects)
        subjects.append(Subject(number, f"{site['siteId']}-{serial:03}", site, next(statuses, "Registered"), False))
    for subject in subjects:
        _follow(design, dice, subject)
    return subjects


def _follow(design: Design, dice: Dice, subject: Subject) -> None:
    """Decide how far a subject gets, and when it was registered so that all of that lies before the clock."""
    reach = next(s["reach"] for s in design.data["subjectStatuses"] if s["status"] == subject.status)
    luck = dice.unit("subject", subject.number, "luck")
    visits = [interval for interval in design.scheduled if interval["intervalGroupName"] != "ePRO"]
    # The scripted subjects get as far as their stories need.
    certain = subject.scripted and subject.status in ("Enrolled", "Screen Failed")
    limit = 0.6 if certain and subject.status == "Enrolled" else luck
    reached = [
        v for v in visits if limit < reach.get(v["intervalName"], 0) or (certain and reach[v["intervalName"]] == 1)
    ]
    offsets = _offsets(dice, subject, reached)
    last = max(offsets.values(), default=0)
    earliest, latest = FIRST_DAY, min(LAST_DAY, NOW - timedelta(days=last + 1))
    unreached = [v for v in visits if v not in reached]
    if subject.status in ("Enrolled", "Baseline") and unreached:
        following = last + max(1, (unreached[0]["dueDateWillBeIn"] or 30) - _due_so_far(reached))
        earliest = max(earliest, NOW - timedelta(days=following))
    days = max(0, (latest - earliest).days)
    subject.registered = min(earliest, latest) + timedelta(days=dice.below(days + 1, "subject", subject.number, "day"))
    subject.done = {name: subject.registered + timedelta(days=day) for name, day in offsets.items()}
    _windows(design, subject)


def _due_so_far(reached: list[dict[str, Any]]) -> int:
    return reached[-1]["dueDateWillBeIn"] or 0 if reached else 0


def _offsets(dice: Dice, subject: Subject, reached: list[dict[str, Any]]) -> dict[str, int]:
    """Day of each reached visit, counted from registration."""
    days: dict[str, int] = {}
    for interval in reached:
        name = interval["intervalName"]
        if name == "Screening":
            days[name] = 0
            continue
        reference = {"Baseline": "Screening", "Procedure": "Baseline"}.get(name, "Procedure")
        before, after = interval["negativeSlack"] or 0, interval["positiveSlack"] or 0
        spread = (
            0 if subject.number == 20004 else dice.below(before + after + 1, "visit", subject.number, name) - before
        )
        days[name] = days.get(reference, 0) + interval["dueDateWillBeIn"] + spread
    return days


def _windows(design: Design, subject: Subject) -> None:
    """Due days and windows of the visits that are listed for a subject, done or not."""
    listed = [design.intervals["Screening"]]
    if "Screening" in subject.done and subject.status != "Screen Failed":
        listed.append(design.intervals["Baseline"])
    if subject.treated:
        listed += [one for one in design.scheduled if one["intervalName"] not in ("Screening", "Baseline")]
    for interval in listed:
        name = interval["intervalName"]
        reference = {
            "Screening": subject.registered,
            "Baseline": subject.done.get("Screening", subject.registered),
            "Procedure": subject.done.get("Baseline", subject.registered),
        }.get(name)
        if reference is None:
            after = "Discharge" if interval["intervalGroupName"] == "ePRO" else "Procedure"
            reference = subject.done.get(after) or subject.done["Procedure"]
        due = reference + timedelta(days=interval["dueDateWillBeIn"] or 0)
        first = due - timedelta(days=interval["negativeSlack"] or 0)
        last = due + timedelta(days=interval["positiveSlack"] or 0)
        subject.due[name] = (due, first, last)


def visits_of(design: Design, dice: Dice, subjects: list[Subject]) -> list[Visit]:
    """All rows of visits, numbered in the order of their subjects."""
    visits = []
    for subject in subjects:
        for name in subject.due:
            interval = design.intervals[name]
            visits.append(Visit(0, subject, interval, _visit_day(design, dice, subject, interval)))
        for time in range(unscheduled_visits(design, dice, subject)):
            day = subject.registered + timedelta(days=40 + 9 * time)
            visits.append(Visit(0, subject, design.intervals["Unscheduled"], min(day, NOW - timedelta(days=1))))
    for rank, visit in enumerate(visits):
        visit.number = 100001 + 3 * rank + dice.below(3, "visitId", rank)
    return visits


def unscheduled_visits(design: Design, dice: Dice, subject: Subject) -> int:
    """How many unscheduled visits a subject has."""
    if subject.number == 20015:
        return 12
    if not subject.treated or subject.number == 20004:
        return 0
    return dice.poisson(design.data["logRatesPerTreatedSubject"]["UNS"], "unscheduled", subject.number)


def _visit_day(design: Design, dice: Dice, subject: Subject, interval: dict[str, Any]) -> datetime | None:
    name = interval["intervalName"]
    if interval["intervalGroupName"] != "ePRO":
        return subject.done.get(name)
    due = subject.due[name][0]
    if "Discharge" not in subject.done or due >= NOW - timedelta(days=1):
        return None
    kept = subject.number == 20004 or dice.chance(design.data["diaryCompliance"], "diary", subject.number, name)
    return due if kept else None


def entries_of(
    design: Design, dice: Dice, sites: list[dict[str, Any]], subjects: list[Subject], visits: list[Visit]
) -> list[Entry]:
    """All records without their answers, numbered so that neighbours on a page belong to different subjects."""
    entries = [entry for site in sites for entry in _site_entries(design, site)]
    of_subject: dict[int, list[Visit]] = {}
    for visit in visits:
        of_subject.setdefault(visit.subject.number, []).append(visit)
    for subject in subjects:
        entries += _visit_entries(design, subject, of_subject.get(subject.number, []))
        entries += _log_entries(design, dice, subject)
    total = len(entries)
    factor = next(f for f in range(total * 618 // 1000 + 1, 2 * total + 2) if gcd(f, total) == 1)
    for rank, entry in enumerate(entries):
        place = (factor * rank + 7) % total
        entry.number = 5000001 + 3 * place + dice.below(3, "recordId", place)
    return sorted(entries, key=lambda entry: entry.number)


def _site_entries(design: Design, site: dict[str, Any]) -> Iterator[Entry]:
    for form in design.data["forms"]:
        kind, _, count = form["schedule"][0].partition(":")
        if kind == "*site":
            for sequence in range(1, int(count) + 1):
                day = FIRST_DAY - timedelta(days=7) + timedelta(days=29 * (sequence - 1))
                yield Entry(form, site, None, None, day, sequence)


def _visit_entries(design: Design, subject: Subject, visits: list[Visit]) -> Iterator[Entry]:
    seen: dict[str, int] = {}
    unscheduled = 0
    registration = design.forms["REG"]
    for visit in visits:
        name = visit.interval["intervalName"]
        if name == "Screening":
            yield Entry(registration, subject.site, subject, visit, subject.registered, 1)
        if visit.day is None:
            continue
        if name == "Unscheduled":
            unscheduled += 1
            yield Entry(
                design.forms["UNS"], subject.site, subject, visit, visit.day, unscheduled, unscheduled=unscheduled
            )
            continue
        for form in design.data["forms"]:
            if name in form["schedule"] and form is not registration:
                seen[form["formKey"]] = seen.get(form["formKey"], 0) + 1
                yield Entry(form, subject.site, subject, visit, visit.day, seen[form["formKey"]])


def _log_entries(design: Design, dice: Dice, subject: Subject) -> Iterator[Entry]:
    span = max(1, min((NOW - subject.registered).days - 1, 700))

    def day(*path: object) -> datetime:
        return subject.registered + timedelta(days=dice.below(span, "log", subject.number, *path))

    for key, mean in design.data["logRatesPerTreatedSubject"].items():
        if key == "UNS":
            continue
        count = dice.poisson(mean * (1 if subject.treated else SHARE_OF_UNTREATED[key]), key, subject.number)
        if subject.scripted and key == "AE":
            count = max(count, 1)
        for sequence in range(1, count + 1):
            entry = Entry(design.forms[key], subject.site, subject, None, day(key, sequence), sequence)
            yield entry
            planted = subject.number == 20001 and sequence == 1
            if key == "AE" and (
                planted or dice.chance(design.data["actionsPerAE"], "action", subject.number, sequence)
            ):
                yield Entry(design.forms["AEACT"], subject.site, subject, None, entry.day, sequence, parent=entry)
    reach = next(s["reach"] for s in design.data["subjectStatuses"] if s["status"] == subject.status)
    if subject.status not in ("Registered", "Baseline", "Enrolled") and reach:
        last = max(subject.done.values(), default=subject.registered)
        yield Entry(design.forms["EOS"], subject.site, subject, None, min(last + timedelta(days=1), NOW), 1)
    if subject.number == 20001 or (not subject.scripted and dice.chance(0.005, "retired", subject.number)):
        yield Entry(design.forms["OLDVS"], subject.site, subject, None, subject.registered, 1, retired=True)
