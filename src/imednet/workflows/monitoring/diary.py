"""Diaries: days with a record of the days that were due, by subject or site."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ...errors import ArgumentError
from ...utils.truth import is_true
from ..visits import DIARY_DAYS, visit_state
from .groupings import DiaryBy
from .study_data import ListName, StudyData
from .table import Cell, Chart, Column, MonitoringTable, Row, percent

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "visits", "intervals", "records")


def diary(data: StudyData, *, by: DiaryBy = "subject", group: str = "ePRO") -> MonitoringTable:
    """How diaries are kept; a day within its grace period is not due yet.

    Args:
        data: the study.
        by: what a row is.
        group: name of the group of intervals that are diary days.

    Raises:
        ArgumentError: no interval is in the group.
    """
    data.need(*LISTS)
    days = {
        interval.interval_id: interval
        for interval in data.intervals or ()
        if interval.interval_group_name == group and not is_true(interval.disabled)
    }
    if not days:
        groups = sorted({str(one.interval_group_name) for one in data.intervals or () if one.interval_group_name})
        raise ArgumentError(f"no interval is in group {group!r}; there are {', '.join(groups) or 'none'}")
    forms = {str(form.form_key) for interval in days.values() for form in interval.forms or ()}
    kept = {record.visit_id for record in data.records or () if record.form_key in forms and not record.deleted} - {
        None
    }
    today = data.today.isoformat()
    due: Counter[Cell] = Counter()
    done: Counter[Cell] = Counter()
    sites: dict[Cell, int | None] = {}
    for visit in data.visits or ():
        if visit.interval_id not in days:
            continue
        exit_day = (data.exits or {}).get(visit.subject_id) if visit.subject_id is not None else None
        if visit_state(visit, days[visit.interval_id], exit_day, today) not in DIARY_DAYS:
            continue
        site = data.site_of(visit.subject_id)
        key: Cell = visit.subject_key if by == "subject" else site
        sites[key] = site
        due[key] += 1
        done[key] += visit.visit_id in kept
    rows: list[Row] = [
        {
            **({"subjectKey": key} if by == "subject" else {}),
            "siteId": sites[key],
            **({"siteName": data.site_name(sites[key])} if by == "site" else {}),
            "due": due[key],
            "kept": done[key],
            "percentKept": percent(done[key], due[key]),
        }
        for key in sorted(due, key=str)
    ]
    first = (
        (Column("subjectKey", "Subject", urgent=True), Column("siteId", "Site", "number"))
        if by == "subject"
        else (Column("siteId", "Site", "number", urgent=True), Column("siteName", "Name"))
    )
    return MonitoringTable(
        f"diaries by {by}",
        f"Diaries by {by}",
        "Diary days that were due on the server's day, and those that have a record.",
        (
            *first,
            Column("due", "Days due", "count"),
            Column("kept", "Days kept", "count"),
            Column("percentKept", "Kept", "percent", urgent=True),
        ),
        rows,
        chart=Chart("bar", "percentKept", "subjectKey" if by == "subject" else "siteId"),
        notes=data.visit_notes,
    ).with_total(
        {"subjectKey": "all"} if by == "subject" else {"siteName": "all sites"},
        percentKept=percent(done.total(), due.total()),
    )
