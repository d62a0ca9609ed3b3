"""The subjects behind a count, a row each.

>>> from datetime import UTC, datetime
>>> subject_list(StudyData("S-1", datetime(2026, 1, 1, tzinfo=UTC), sites=[], subjects=[])).rows
[]
"""

from __future__ import annotations

from collections import Counter

from ..enrolment import LISTS, is_enrolled
from ..query_tables import aged_queries
from ..study_data import StudyData, days_between
from ..table import Column, MonitoringTable, Row


def subject_list(data: StudyData) -> MonitoringTable:
    """All subjects, with their open queries where the queries were read."""
    data.need(*LISTS)
    asked = data.queries is not None
    waiting = (
        Counter(aged.status.query.subject_id for aged in aged_queries(data) if aged.status.state == "open")
        if asked
        else Counter()
    )
    rows: list[Row] = [
        {
            "subjectKey": subject.subject_key,
            "siteId": subject.site_id,
            "siteName": data.site_name(subject.site_id),
            "status": subject.subject_status,
            "enrolled": is_enrolled(subject),
            "enrolment": str(subject.enrollment_start_date)[:10] if is_enrolled(subject) else None,
            "days": days_between(subject.enrollment_start_date, data.today),
            **({"open": waiting[subject.subject_id]} if asked else {}),
        }
        for subject in data.subjects or ()
    ]
    return MonitoringTable(
        "subject list",
        "Subjects",
        "Each subject at the site it belongs to today.",
        (
            Column("subjectKey", "Subject", urgent=True),
            Column("siteId", "Site", "number", urgent=True),
            Column("siteName", "Name"),
            Column("status", "Status", urgent=True),
            Column("enrolled", "Enrolled", "yes"),
            Column("enrolment", "Enrolment", "date"),
            Column("days", "Days since", "days", minor=True),
            *((Column("open", "Open queries", "count"),) if asked else ()),
        ),
        rows,
        notes=data.notes,
    )
