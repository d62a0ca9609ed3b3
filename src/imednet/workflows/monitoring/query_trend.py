"""Queries over time: how many were opened and closed in each month, and how many were open at its end.

>>> from datetime import UTC, datetime
>>> query_trend(StudyData("S-1", datetime(2026, 1, 1, tzinfo=UTC), sites=[], subjects=[], queries=[])).rows
[]
"""

from __future__ import annotations

from collections import Counter

from .query_tables import LISTS, aged_queries
from .study_data import StudyData
from .table import Chart, Column, MonitoringTable, Row

_Month = tuple[int, int]


def query_trend(data: StudyData) -> MonitoringTable:
    """Queries opened and closed by month, from the first comment to the server's day.

    A query counts as opened in the month of its first comment, and as closed in that of its last one if that closed it;
    that it was closed and opened again in between is not counted.
    """
    data.need(*LISTS)
    opened: Counter[_Month] = Counter()
    closed: Counter[_Month] = Counter()
    undated = 0
    for aged in aged_queries(data):
        status = aged.status
        if status.opened is None or status.state == "unknown":
            undated += 1
            continue
        opened[status.opened.year, status.opened.month] += 1
        if status.state == "closed" and status.last is not None:
            closed[status.last.year, status.last.month] += 1
    rows: list[Row] = []
    waiting = 0
    month = min(opened, default=None)
    last = max([(data.today.year, data.today.month), *opened, *closed])
    while month is not None and month <= last:
        waiting += opened[month] - closed[month]
        rows.append(
            {
                "month": f"{month[0]:04}-{month[1]:02}",
                "opened": opened[month],
                "closed": closed[month],
                "openAtEnd": waiting,
            }
        )
        month = (month[0] + month[1] // 12, month[1] % 12 + 1)
    notes = (*data.notes, *([f"{undated:,} queries without a dated comment are left out"] if undated else []))
    return MonitoringTable(
        "query trend",
        "Queries by month",
        "Opened in the month of the first comment, closed in the month of the last one if that closed the query.",
        (
            Column("month", "Month", urgent=True),
            Column("opened", "Opened", "count"),
            Column("closed", "Closed", "count"),
            Column("openAtEnd", "Open at the end", "count", urgent=True),
        ),
        rows,
        chart=Chart("line", "month", "openAtEnd"),
        notes=notes,
    )
