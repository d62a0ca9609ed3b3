"""Data entry lag: days from a visit to the record of it, by site or form.

The lag is the day a record was created minus the day of its visit (definition D5 of docs/kri.md). Records
without a visit, or of a visit without a date, have none and are counted apart; forms that subjects fill in themselves
are left out. Negative lags are counted as not late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...utils.truth import is_true
from .groupings import LagBy
from .study_data import ListName, RecordFacts, StudyData, days_between
from .table import Cell, Chart, Column, MonitoringTable, Row, percent, quantile

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "forms", "visits", "records")

LATE_AFTER: Final = 10
"""Days after which a page counts as entered late; the value of the risk indicator kri0010."""


@dataclass(frozen=True, slots=True)
class Lag:
    """A record and its lag in days; `None` where it has none."""

    record: RecordFacts
    days: int | None


def lags(data: StudyData) -> list[Lag]:
    """The lag of every record that people enter, deleted ones left out."""
    data.need(*LISTS)
    visited: dict[int | None, str] = {
        visit.visit_id: visit.visit_date
        for visit in data.visits or ()
        if visit.visit_date and visit.visit_id is not None and not is_true(visit.deleted)
    }
    epro = {form.form_key for form in data.forms or () if is_true(form.epro_form)}
    return [
        Lag(record, days_between(visited.get(record.visit_id), record.created))
        for record in data.records or ()
        if not record.deleted and record.form_key not in epro
    ]


def entry_lag(data: StudyData, *, by: LagBy = "site", late_after: int = LATE_AFTER) -> MonitoringTable:
    """How long sites take to enter a visit.

    Args:
        data: the study.
        by: what a row is.
        late_after: days after which a page counts as late.
    """
    groups: dict[Cell, list[Lag]] = {}
    every = lags(data)
    for lag in every:
        groups.setdefault(_group(data, lag.record, by), []).append(lag)
    name, title = {"site": ("siteId", "Site"), "form": ("formKey", "Form"), "subject": ("subjectKey", "Subject")}[by]
    rows = [_row(data, name, value, members, late_after) for value, members in groups.items()]
    total = _row(data, name, None, every, late_after)
    computed = {key: total[key] for key in ("medianDays", "p90Days", "longestDays", "percentLate")}
    return (
        MonitoringTable(
            f"entry lag by {by}",
            f"Data entry lag by {title.lower()}",
            f"Days from a visit to its record; late is more than {late_after} days. Records without the date of a "
            "visit have no lag.",
            (
                Column(name, title, "number" if by == "site" else "text", urgent=True),
                *((Column("name", "Name"),) if by != "subject" else ()),
                Column("pages", "Pages with a lag", "count"),
                Column("medianDays", "Median days", "days", urgent=True),
                Column("p90Days", "90 % within", "days"),
                Column("longestDays", "Longest", "days", minor=True),
                Column("late", "Late", "count"),
                Column("percentLate", "Late", "percent", urgent=True),
                Column("before", "Before the visit", "count", minor=True),
                Column("withoutLag", "Without a lag", "count", minor=True),
            ),
            rows,
            chart=Chart("bar", "medianDays", name),
            notes=data.notes,
        )
        .sorted_by("-percentLate")
        .with_total({"name": "all sites"} if by == "site" else {name: "all"}, **computed)
    )


def _group(data: StudyData, record: RecordFacts, by: LagBy) -> Cell:
    if by == "form":
        return record.form_key
    if by == "site":
        return record.site_id if record.site_id is not None else data.site_of(record.subject_id)
    subject = data.subject_by_id.get(record.subject_id)
    return subject.subject_key if subject is not None else None


def _row(data: StudyData, name: str, value: Cell, members: list[Lag], late_after: int) -> Row:
    days = [lag.days for lag in members if lag.days is not None]
    late = sum(lag > late_after for lag in days)
    named = data.form_name(str(value)) if name == "formKey" else data.site_name(value if type(value) is int else None)
    return {
        name: value,
        **({"name": named} if name != "subjectKey" else {}),
        "pages": len(days),
        "medianDays": quantile(days, 0.5),
        "p90Days": quantile(days, 0.9),
        "longestDays": max(days, default=None),
        "late": late,
        "percentLate": percent(late, len(days)),
        "before": sum(lag < 0 for lag in days),
        "withoutLag": len(members) - len(days),
    }
