"""The queries behind a count, a row each.

Dashboards show them where a reader asks which ones a figure counts.

>>> from datetime import UTC, datetime
>>> query_list(StudyData("S-1", datetime(2026, 1, 1, tzinfo=UTC), sites=[], subjects=[], queries=[])).rows
[]
"""

from __future__ import annotations

from typing import Final

from ..query_tables import LISTS, aged_queries
from ..study_data import StudyData
from ..table import Cell, Column, MonitoringTable, Row

_COLUMNS: Final = (
    Column("annotationId", "Query", "number", urgent=True),
    Column("state", "State", urgent=True),
    Column("subjectKey", "Subject", urgent=True),
    Column("siteId", "Site", "number"),
    Column("variable", "Variable"),
    Column("kind", "Kind"),
    Column("ageDays", "Open, days", "days", urgent=True),
    Column("waitsFor", "Waits for"),
    Column("level", "About", minor=True),
    Column("opener", "Opener", minor=True),
    Column("reopened", "Re-opened", "yes", minor=True),
    Column("recordId", "Record", "number", minor=True),
)
_OF_RECORDS: Final = (Column("formKey", "Form"), Column("onDeletedRecord", "Record deleted", "yes", minor=True))


def query_list(data: StudyData) -> MonitoringTable:
    """All queries, open ones first and the oldest of them first.

    Args:
        data: the study; the form of a query, and whether its record is deleted, is there where the records were read.
    """
    data.need(*LISTS)
    read = data.records is not None
    rows: list[Row] = []
    for aged in aged_queries(data):
        status, query = aged.status, aged.status.query
        rows.append(
            {
                "annotationId": query.annotation_id,
                "state": status.state,
                "subjectKey": query.subject_key,
                "siteId": status.site_id,
                "variable": query.variable or None,
                "kind": query.description or None,
                "ageDays": status.age_days,
                "waitsFor": status.waits_for,
                "level": query.annotation_type or None,
                "opener": aged.opener,
                "reopened": status.reopened,
                "recordId": query.record_id,
                **({"formKey": aged.form_key, "onDeletedRecord": status.on_deleted_record} if read else {}),
            }
        )
    rows.sort(key=lambda row: (row["state"] != "open", -_number(row["ageDays"]), _number(row["annotationId"])))
    return MonitoringTable(
        "query list", "Queries", "Each query with its state, which follows from its comments.",
        (*_COLUMNS, *(_OF_RECORDS if read else ())), rows, notes=data.notes,
    )  # fmt: skip


def _number(value: Cell) -> float:
    return value if isinstance(value, (int, float)) else 0
