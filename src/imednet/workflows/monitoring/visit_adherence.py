"""Visit adherence: visits in, before and after their window, missed and coming, by interval, site or subject."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ..visits import STATES, VisitWindow, windows
from .groupings import VisitBy
from .study_data import ListName, StudyData
from .table import Cell, Chart, Column, MonitoringTable, Row, percent

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "visits", "intervals")

_COLUMNS: Final = {
    "in window": ("inWindow", "In window"), "early": ("early", "Early"), "late": ("late", "Late"),
    "missed": ("missed", "Missed"), "future": ("future", "Coming"), "after exit": ("afterExit", "After exit"),
    "deleted": ("deleted", "Deleted"), "no window": ("noWindow", "No window"),
}  # fmt: skip
_MINOR: Final = frozenset({"after exit", "deleted", "no window"})


def visit_adherence(data: StudyData, *, by: VisitBy = "interval", days: int = 14) -> MonitoringTable:
    """Visits by their states on the server's day.

    Args:
        data: the study.
        by: what a row is.
        days: visits due within so many days count as due soon.
    """
    data.need(*LISTS)
    visits = windows(
        data.visits or (),
        data.intervals or (),
        data.subjects or (),
        data.exits or {},
        data.today.isoformat(),
        days=days,
    )
    order = {interval.interval_id: interval.interval_sequence or 0 for interval in data.intervals or ()}
    groups: dict[tuple[int, Cell], list[VisitWindow]] = {}
    for window in visits:
        visit = window.visit
        if by == "interval":
            key: tuple[int, Cell] = (order.get(visit.interval_id, 10**9), visit.interval_name)
        else:
            key = (0, window.site_id if by == "site" else visit.subject_key)
        groups.setdefault(key, []).append(window)
    name, title = {
        "interval": ("intervalName", "Visit"), "site": ("siteId", "Site"), "subject": ("subjectKey", "Subject"),
    }[by]  # fmt: skip
    rows = [
        _row(data, name, value, members)
        for (_, value), members in sorted(groups.items(), key=lambda pair: (pair[0][0], _ordered(pair[0][1])))
    ]
    every = _row(data, name, None, visits)
    return MonitoringTable(
        f"visit adherence by {by}",
        f"Visit adherence by {title.lower()}",
        "Where each visit stands in its window on the server's day. The share in window is of the visits that were due "
        "and have a window.",
        (
            Column(name, title, "number" if by == "site" else "text", urgent=True),
            *((Column("siteName", "Name"),) if by == "site" else ()),
            *(
                Column(key, heading, "count", urgent=state == "missed", minor=state in _MINOR)
                for state, (key, heading) in _COLUMNS.items()
            ),
            Column("dueSoon", "Due soon", "count"),
            Column("visits", "Visits", "count"),
            Column("percentInWindow", "In window", "percent", urgent=True),
        ),
        rows,
        chart=Chart("bar", "visits", name, stacked=("inWindow", "early", "late", "missed")),
        notes=data.visit_notes,
    ).with_total({name: None if by == "site" else "all", "siteName": "all sites"},
                 percentInWindow=every["percentInWindow"])  # fmt: skip


def _row(data: StudyData, name: str, value: Cell, members: list[VisitWindow]) -> Row:
    states = Counter(window.state for window in members)
    due = sum(states[state] for state in ("in window", "early", "late", "missed"))
    site = {"siteName": data.site_name(value if type(value) is int else None)} if name == "siteId" else {}
    return {
        name: value,
        **site,
        **{_COLUMNS[state][0]: states[state] for state in STATES},
        "dueSoon": sum(window.due_soon for window in members),
        "visits": len(members),
        "percentInWindow": percent(states["in window"], due),
    }


def _ordered(value: Cell) -> tuple[bool, float, str]:
    return value is None, value if isinstance(value, (int, float)) else 0, str(value)
