"""Queries: status and ageing, and how fast they are answered and closed.

The state of a query follows from its comments (`workflows.query_management`): the one with the highest sequence says
whether it is open, and without comments its state is unknown. A query belongs to the site of its subject today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imednet_api.models import Query
from imednet_api.types import utc

from ..query_management import QueryStatus, query_state, status_of
from .groupings import QueryBy
from .study_data import ListName, StudyData
from .table import Cell, Chart, Column, MonitoringTable, Row, quantile

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "queries")

BANDS: Final = ((7, "age0to7", "0 to 7 days"), (30, "age8to30", "8 to 30 days"), (90, "age31to90", "31 to 90 days"))
LAST_BAND: Final = ("age91andMore", "91 days and more")

_HEADINGS: Final = {
    "site": ("siteId", "Site"), "form": ("formKey", "Form"), "variable": ("variable", "Variable"),
    "opener": ("opener", "Opener"), "kind": ("kind", "Kind"),
}  # fmt: skip


def lists_for(by: QueryBy) -> tuple[ListName, ...]:
    """The lists a grouping needs; a query names its form through its record only."""
    return (*LISTS, "records", "forms") if by in ("form", "variable") else LISTS


@dataclass(frozen=True)
class AgedQuery:
    """A query with its state and its form."""

    status: QueryStatus
    form_key: str | None

    @property
    def opener(self) -> str | None:
        """Who made the first comment."""
        comments = self.status.query.query_comments or []
        return min(comments, key=lambda comment: comment.sequence or 0).user if comments else None


def aged_queries(data: StudyData) -> list[AgedQuery]:
    """All queries with their states on the server's moment."""
    data.need(*LISTS)
    sites = data.site_by_id
    deleted = frozenset(record.record_id for record in data.records or () if record.deleted)
    found = []
    for query in data.queries or ():
        record = data.record_by_id.get(query.record_id) if query.record_id is not None else None
        status = status_of(query, data.subject_by_id, sites, deleted, data.moment)
        found.append(AgedQuery(status, record.form_key if record is not None else None))
    return found


def query_status(data: StudyData, *, by: QueryBy = "site") -> MonitoringTable:
    """Queries by state, open ones by age and by who must act next.

    Args:
        data: the study.
        by: what a row is; `form` and `variable` need the records, since queries do not name their form.
    """
    data.need(*lists_for(by))
    groups: dict[tuple[Cell, ...], list[AgedQuery]] = {}
    every = aged_queries(data)
    for aged in every:
        groups.setdefault(_key(aged, by), []).append(aged)
    rows = [{**_labels(data, by, key), **_counts(members)} for key, members in groups.items()]
    total = _counts(every)
    notes = list(data.notes)
    if dead := sum(aged.status.on_deleted_record and aged.status.state == "open" for aged in every):
        notes.append(f"{dead:,} open queries are on deleted records")
    table = MonitoringTable(
        f"queries by {by}",
        f"Queries by {_HEADINGS[by][1].lower()}",
        "Open and closed by the last comment of each query; ages are whole days from its first comment to the server's "
        "time.",
        (
            *_label_columns(by),
            Column("open", "Open", "count", urgent=True),
            Column("waitsForSite", "Wait for site", "count"),
            Column("waitsForOpener", "Wait for opener", "count"),
            *(Column(name, title, "count", minor=True) for _, name, title in BANDS),
            Column(LAST_BAND[0], LAST_BAND[1], "count"),
            Column("oldestDays", "Oldest, days", "days", urgent=True),
            Column("medianDays", "Median age", "days", minor=True),
            Column("reopened", "Re-opened", "count", minor=True),
            Column("closed", "Closed", "count"),
            Column("unknown", "Unknown", "count", minor=True),
            Column("queries", "Queries", "count"),
        ),
        rows,
        chart=Chart("bar", "open", _HEADINGS[by][0], stacked=(*(name for _, name, _ in BANDS), LAST_BAND[0])),
        notes=tuple(notes),
    )
    computed = {name: total[name] for name in ("oldestDays", "medianDays")}
    return table.sorted_by("-open").with_total(_total_labels(by), **computed)


def _key(aged: AgedQuery, by: QueryBy) -> tuple[Cell, ...]:
    status = aged.status
    match by:
        case "site":
            return (status.site_id,)
        case "form":
            return (aged.form_key,)
        case "variable":
            return aged.form_key, status.query.variable or None
        case "opener":
            return (aged.opener,)
        case _:
            return (status.query.description or None,)


def _labels(data: StudyData, by: QueryBy, key: tuple[Cell, ...]) -> Row:
    if by == "variable":
        return {"formKey": key[0], "variable": key[1]}
    row: Row = {_HEADINGS[by][0]: key[0]}
    if by == "site":
        row["siteName"] = data.site_name(key[0] if type(key[0]) is int else None)
    elif by == "form":
        row["formName"] = data.form_name(str(key[0]) if key[0] is not None else None)
    return row


def _label_columns(by: QueryBy) -> tuple[Column, ...]:
    name, title = _HEADINGS[by]
    column = Column(name, title, "number" if by == "site" else "text", urgent=True)
    if by == "variable":
        return Column("formKey", "Form", urgent=True), column
    if by == "site":
        return column, Column("siteName", "Name")
    return (column, Column("formName", "Form name", minor=True)) if by == "form" else (column,)


def _total_labels(by: QueryBy) -> dict[str, Cell]:
    return {"siteName": "all sites"} if by == "site" else {_HEADINGS[by][0]: "all"}


def _counts(members: Sequence[AgedQuery]) -> Row:
    still_open = [aged.status for aged in members if aged.status.state == "open"]
    ages = [status.age_days for status in still_open if status.age_days is not None]
    bands = {name: 0 for _, name, _ in BANDS} | {LAST_BAND[0]: 0}
    for age in ages:
        bands[next((name for last, name, _ in BANDS if age <= last), LAST_BAND[0])] += 1
    return {
        "open": len(still_open),
        "waitsForSite": sum(status.waits_for == "site" for status in still_open),
        "waitsForOpener": sum(status.waits_for == "opener" for status in still_open),
        **bands,
        "oldestDays": max(ages, default=None),
        "medianDays": quantile(ages, 0.5),
        "reopened": sum(status.reopened for status in still_open),
        "closed": sum(aged.status.state == "closed" for aged in members),
        "unknown": sum(aged.status.state == "unknown" for aged in members),
        "queries": len(members),
    }


@dataclass(frozen=True, slots=True)
class Responses:
    """How fast one query was answered and closed, in days; `None` for what has not happened.

    Attributes:
        answered: from the first comment to the first one by somebody else.
        closed: from the first comment to the last one, if that closed it.
        age: from the first comment to the one that closed it, else to the moment that was given.
    """

    answered: float | None
    closed: float | None
    age: float | None = None


def responses(query: Query, moment: datetime | None = None) -> Responses:
    """The times of a query, by its comments; with a moment, its age then.

    >>> query = Query.from_dict({"queryComments": [
    ...     {"sequence": 1, "user": "monitor", "date": "2026-03-01 08:00:00"},
    ...     {"sequence": 2, "user": "site", "date": "2026-03-03 20:00:00", "closed": True}]})
    >>> responses(query)
    Responses(answered=2.5, closed=2.5, age=2.5)
    """
    comments = sorted(query.query_comments or [], key=lambda comment: comment.sequence or 0)
    if not comments:
        return Responses(None, None)
    opened = utc(comments[0].date)
    first = next((comment for comment in comments if comment.user != comments[0].user), None)
    closed = utc(comments[-1].date) if query_state(query) == "closed" else None
    answered = utc(first.date) if first is not None else None
    return Responses(_days(opened, answered), _days(opened, closed), _days(opened, closed or moment))


def _days(first: datetime | None, second: datetime | None) -> float | None:
    return (second - first).total_seconds() / 86_400 if first is not None and second is not None else None


def query_response(data: StudyData, *, by: QueryBy = "site") -> MonitoringTable:
    """How long queries wait for a first answer, and for being closed.

    Args:
        data: the study.
        by: what a row is.
    """
    data.need(*lists_for(by))
    groups: dict[tuple[Cell, ...], list[AgedQuery]] = {}
    every = aged_queries(data)
    for aged in every:
        groups.setdefault(_key(aged, by), []).append(aged)
    rows = [{**_labels(data, by, key), **_times(members)} for key, members in groups.items()]
    table = MonitoringTable(
        f"query response by {by}",
        f"Query response times by {_HEADINGS[by][1].lower()}",
        "Days from the first comment to the first one by somebody else, and to the one that closed the query.",
        (
            *_label_columns(by),
            Column("queries", "Queries", "count"),
            Column("answered", "Answered", "count", minor=True),
            Column("medianAnswer", "Median to answer", "days", urgent=True),
            Column("p90Answer", "90 % answered within", "days"),
            Column("closed", "Closed", "count", minor=True),
            Column("medianClose", "Median to close", "days", urgent=True),
            Column("p90Close", "90 % closed within", "days"),
            Column("longestClose", "Longest", "days", minor=True),
        ),
        rows,
        chart=Chart("bar", "medianClose", _HEADINGS[by][0]),
        notes=data.notes,
    )
    total = _times(every)
    computed = {name: total[name] for name in total if name not in ("queries", "answered", "closed")}
    return table.sorted_by("-medianClose").with_total(_total_labels(by), **computed)


def _times(members: Sequence[AgedQuery]) -> Row:
    times = [responses(aged.status.query) for aged in members]
    answered = [one.answered for one in times if one.answered is not None]
    closed = [one.closed for one in times if one.closed is not None]
    return {
        "queries": len(members),
        "answered": len(answered),
        "medianAnswer": quantile(answered, 0.5),
        "p90Answer": quantile(answered, 0.9),
        "closed": len(closed),
        "medianClose": quantile(closed, 0.5),
        "p90Close": quantile(closed, 0.9),
        "longestClose": round(max(closed), 1) if closed else None,
    }
