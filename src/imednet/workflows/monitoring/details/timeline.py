"""The timeline of a subject: visits, events and queries in the order of their days."""

from __future__ import annotations

from typing import Final

from ....errors import ArgumentError
from ....models.study_config import CONDITIONS, StudyConfiguration
from ...visits import day_of, windows
from ..listings import check_study, events
from ..query_tables import aged_queries
from ..study_data import ListName, StudyData
from ..table import Cell, Chart, Column, MonitoringTable, Row

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "visits", "intervals", "queries", "forms", "variables")


def timeline(data: StudyData, configuration: StudyConfiguration | None = None) -> MonitoringTable:
    """What happened to one subject and when.

    A visit stands on its day, or on the day it was due; an event on its onset or date, by a mapping of the
    configuration; a query on the day of its first comment. What has no whole day comes last.

    Args:
        data: the study, narrowed to a subject, with the answers of the forms that mappings name.
        configuration: mappings of events; none are shown without one.

    Raises:
        ArgumentError: the data are not those of one subject, or the configuration is of another study.
    """
    if data.subject_key is None:
        raise ArgumentError("a timeline is of one subject. Next: read with subject_key=...")
    configuration = configuration or StudyConfiguration()
    check_study(data, configuration)
    data.need(*LISTS)
    rows: list[Row] = []
    for window in windows(
        data.visits or (), data.intervals or (), data.subjects or (), data.exits or {}, data.today.isoformat()
    ):
        visit = window.visit
        day = visit.visit_date or visit.due_date or visit.start_date
        rows.append(_row(day, None, "visit", visit.interval_name, window.state, visit.visit_id))
    for name, mapping in configuration.mappings.items():
        for event in events(data, mapping):
            fields = event.fields
            what = fields.get("term") or fields.get("description") or fields.get("category") or mapping.form
            grave = next((word for word in CONDITIONS if fields.get(word) is True), None)
            rows.append(
                _row(
                    fields.get("onset") or fields.get("date"),
                    fields.get("end"),
                    name.replace("_", " "),
                    what,
                    grave,
                    event.record.record_id,
                )
            )
    for aged in aged_queries(data):
        status = aged.status
        opened = status.opened.date().isoformat() if status.opened is not None else None
        closed = status.last.date().isoformat() if status.last is not None and status.state == "closed" else None
        text = status.query.description or status.query.variable
        rows.append(_row(opened, closed, "query", text, status.state, status.query.annotation_id))
    rows.sort(key=lambda row: (day_of(_text(row["day"])) is None, str(row["day"])))
    return MonitoringTable(
        "timeline",
        f"Timeline of {data.subject_key}",
        "Visits on their day or on the day they are due, events by the mappings of the configuration, queries on the "
        "day they were opened.",
        (
            Column("day", "Day", "date", urgent=True),
            Column("end", "To", "date"),
            Column("kind", "What", urgent=True),
            Column("name", "Name", urgent=True),
            Column("state", "State"),
            Column("number", "Number", "number", minor=True),
        ),
        rows,
        chart=Chart("days", "day", "kind", color="state"),
        notes=data.notes,
    )


def _row(day: Cell, end: Cell, kind: str, name: Cell, state: str | None, number: int | None) -> Row:
    return {
        "day": _text(day),
        "end": _text(end),
        "kind": kind,
        "name": name,
        "state": state,
        "number": number,
    }


def _text(value: Cell) -> str | None:
    """A day as it was given, without a time."""
    return str(value)[:10] if value else None
