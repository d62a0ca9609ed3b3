"""Enrolment: the funnel, subjects by status, by month against a target, and by site.

A subject is enrolled when it has an `enrollmentStartDate` (definition D2 of docs/kri.md). Statuses are words of
the study and are shown as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from imednet_api.models import Subject

from ...errors import ArgumentError
from ..visits import day_of
from .groupings import EnrolmentBy
from .study_data import ListName, StudyData, days_between
from .table import Chart, Column, MonitoringTable, Row, percent

LISTS: Final[tuple[ListName, ...]] = ("subjects", "sites")

Month = tuple[int, int]
"""A year and a month."""

_LATEST_TARGET: Final = 2200
_RULE = "Enrolled subjects have an enrolment date."


def enrolment(
    data: StudyData, *, by: EnrolmentBy = "site", target: int | None = None, target_date: str | None = None
) -> MonitoringTable:
    """Subjects and how many of them are enrolled.

    Args:
        data: the study.
        by: what a row is: a step of the funnel, a status, a month, or a site.
        target: how many subjects shall be enrolled.
        target_date: by which day, as `YYYY-MM-DD`; with it, months show what was planned, in equal steps from the
            first enrolment on.

    Raises:
        ArgumentError: the target is not above 0, or its date is not a date after the first enrolment.
    """
    data.need(*LISTS)
    if target is not None and target < 1:
        raise ArgumentError("target must be a whole number above 0")
    if target_date is not None and (target is None or day_of(target_date) is None):
        raise ArgumentError("target_date is a day such as 2026-12-31, and needs a target")
    if target_date is not None and (day := day_of(target_date)) is not None and day.year > _LATEST_TARGET:
        raise ArgumentError(f"target_date {target_date} lies too far in the future")
    if target is not None and by not in ("funnel", "month"):
        raise ArgumentError('a target is shown by month and in the funnel. Next: by="month" (--by month)')
    subjects = data.subjects or []
    if by == "funnel":
        return _funnel(data, subjects, target)
    if by == "status":
        return _by_status(data, subjects)
    if by == "month":
        return _by_month(data, subjects, target, target_date)
    return _by_site(data, subjects)


def is_enrolled(subject: Subject) -> bool:
    """Whether a subject has an enrolment date."""
    return bool(subject.enrollment_start_date)


def _funnel(data: StudyData, subjects: Sequence[Subject], target: int | None) -> MonitoringTable:
    enrolled = sum(map(is_enrolled, subjects))
    steps = [("registered", len(subjects)), ("enrolled", enrolled)]
    rows: list[Row] = [
        {"step": step, "subjects": count, "percentOfRegistered": percent(count, len(subjects))} for step, count in steps
    ]
    if target is not None:
        rows.append({"step": "target", "subjects": target, "percentOfRegistered": None})
    left = [subject for subject in subjects if not is_enrolled(subject)]
    rows += [
        {"step": f"not enrolled: {word}", "subjects": count, "percentOfRegistered": percent(count, len(subjects))}
        for word, count in Counter(str(subject.subject_status or "no status") for subject in left).most_common()
    ]
    return MonitoringTable(
        "enrolment by funnel",
        "Enrolment funnel",
        f"From registration to enrolment. {_RULE}",
        (
            Column("step", "Step", urgent=True),
            Column("subjects", "Subjects", "count", urgent=True),
            Column("percentOfRegistered", "Of registered", "percent"),
        ),
        rows,
        chart=Chart("bar", "subjects", "step"),
        notes=data.notes,
    )


def _by_status(data: StudyData, subjects: Sequence[Subject]) -> MonitoringTable:
    statuses = Counter(str(subject.subject_status or "") for subject in subjects)
    enrolled = Counter(str(subject.subject_status or "") for subject in subjects if is_enrolled(subject))
    rows: list[Row] = [
        {
            "status": status or None,
            "subjects": count,
            "enrolled": enrolled[status],
            "percent": percent(count, len(subjects)),
        }
        for status, count in statuses.most_common()
    ]
    return MonitoringTable(
        "enrolment by status",
        "Subjects by status",
        f"Statuses as the study words them. {_RULE}",
        (
            Column("status", "Status", urgent=True),
            Column("subjects", "Subjects", "count", urgent=True),
            Column("enrolled", "Enrolled", "count"),
            Column("percent", "Share", "percent"),
        ),
        rows,
        chart=Chart("bar", "subjects", "status"),
        notes=data.notes,
    ).with_total({"status": "all"}, percent=percent(len(subjects), len(subjects)))


def _by_month(
    data: StudyData, subjects: Sequence[Subject], target: int | None, target_date: str | None
) -> MonitoringTable:
    days = [day_of(subject.enrollment_start_date) for subject in subjects if is_enrolled(subject)]
    known = [day for day in days if day is not None]
    months = Counter((day.year, day.month) for day in known if day <= data.today)
    later, odd = sum(day > data.today for day in known), days.count(None)
    notes = list(data.notes)
    if later:
        notes.append(f"{later:,} enrolment dates lie in the future and are left out")
    if odd:
        notes.append(f"{odd:,} enrolment dates cannot be read and are left out")
    goal = day_of(target_date) if target_date is not None else None
    now = (data.today.year, data.today.month)
    last = max(now, (goal.year, goal.month)) if goal is not None else now
    planned = _plan(min(months), target, (goal.year, goal.month)) if months and target is not None and goal else {}
    rows: list[Row] = []
    total = 0
    for month in _months(min(months), last) if months else ():
        total += months[month]
        future = month > now
        rows.append(
            {
                "month": f"{month[0]:04}-{month[1]:02}",
                "enrolled": None if future else months[month],
                "cumulative": None if future else total,
                "planned": planned.get(month),
                "percentOfTarget": percent(total, target) if target and not future else None,
            }
        )
    columns = [
        Column("month", "Month", "date", urgent=True),
        Column("enrolled", "Enrolled", "count", urgent=True),
        Column("cumulative", "Enrolled so far", "number"),
    ]
    if target is not None:
        columns += [Column("planned", "Planned so far", "number"), Column("percentOfTarget", "Of target", "percent")]
    kept = [column.name for column in columns]
    return MonitoringTable(
        "enrolment by month",
        "Enrolment over time",
        f"Subjects by the month of their enrolment date, to the server's month. {_RULE}",
        tuple(columns),
        [{name: row[name] for name in kept} for row in rows],
        chart=Chart("line", "month", "cumulative"),
        notes=tuple(notes),
    ).with_total({"month": "all"}, percentOfTarget=percent(total, target) if target else None)


def _months(first: Month, last: Month) -> list[Month]:
    """All months from one to another.

    >>> _months((2025, 11), (2026, 2))
    [(2025, 11), (2025, 12), (2026, 1), (2026, 2)]
    """
    place, end = first[0] * 12 + first[1] - 1, last[0] * 12 + last[1] - 1
    return [(month // 12, month % 12 + 1) for month in range(place, end + 1)]


def _plan(first: Month, target: int, last: Month) -> dict[Month, float]:
    """What is planned to the end of each month, in equal steps from the first one on.

    >>> _plan((2026, 1), 30, (2026, 3))
    {(2026, 1): 10.0, (2026, 2): 20.0, (2026, 3): 30.0}
    """
    months = _months(first, last)
    if not months:
        raise ArgumentError(f"target_date lies before the first enrolment, in {first[0]:04}-{first[1]:02}")
    return {month: round(target * (place + 1) / len(months), 1) for place, month in enumerate(months)}


def _by_site(data: StudyData, subjects: Sequence[Subject]) -> MonitoringTable:
    people: dict[int | None, list[Subject]] = {site.site_id: [] for site in data.sites or ()}
    for subject in subjects:
        people.setdefault(subject.site_id, []).append(subject)
    rows: list[Row] = []
    for site_id, members in sorted(people.items(), key=lambda pair: (pair[0] is None, pair[0] or 0)):
        site = data.site_by_id.get(site_id)
        last = max((str(one.enrollment_start_date)[:10] for one in members if is_enrolled(one)), default=None)
        enrolled = sum(map(is_enrolled, members))
        rows.append(
            {
                "siteId": site_id,
                "siteName": data.site_name(site_id),
                "siteStatus": site.site_enrollment_status if site is not None else None,
                "registered": len(members),
                "enrolled": enrolled,
                "percent": percent(enrolled, len(members)),
                "lastEnrolment": last,
                "daysSince": days_between(last, data.today),
            }
        )
    count = sum(map(is_enrolled, subjects))
    return MonitoringTable(
        "enrolment by site",
        "Enrolment by site",
        f"Subjects by the site they belong to today. {_RULE}",
        (
            Column("siteId", "Site", "number", urgent=True),
            Column("siteName", "Name"),
            Column("siteStatus", "Status", minor=True),
            Column("registered", "Registered", "count"),
            Column("enrolled", "Enrolled", "count", urgent=True),
            Column("percent", "Enrolled of registered", "percent"),
            Column("lastEnrolment", "Last enrolment", "date", minor=True),
            Column("daysSince", "Days since", "days"),
        ),
        rows,
        chart=Chart("bar", "enrolled", "siteId"),
        notes=data.notes,
    ).with_total({"siteName": "all sites"}, percent=percent(count, len(subjects)))
