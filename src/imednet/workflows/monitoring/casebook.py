"""The casebook of a subject: answers, queries, codings and saved states, in the order of its visits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from imednet_api.models import Variable

from ...utils.truth import is_true
from ..subject_data import SubjectData
from .table import Cell, Column, MonitoringTable, Row

_OURS: Final = frozenset({"dateCreated", "dateModified", "unvnum"})
"""Keys of the answers that the server adds itself."""


def casebook(data: SubjectData, variables: Iterable[Variable]) -> MonitoringTable:
    """All there is of one subject, a row an answer, a query, a coding or a saved state.

    Args:
        data: what `sdk.workflows.subject_data` reads.
        variables: the variables of the study, for the labels.
    """
    labels = {(one.form_key, one.variable_name): one.label for one in variables}
    visits = {visit.visit_id: visit for visit in data.visits}
    events = list(_events(data))
    rows: list[Row] = []
    for record in data.records:
        visit = visits.get(record.visit_id)
        place: Row = {
            "visit": visit.interval_name if visit is not None else None,
            "visitDate": (visit.visit_date or None) if visit is not None else None,
            "formKey": record.form_key,
            "recordId": record.record_id,
            "status": "deleted" if is_true(record.deleted) else record.record_status,
        }
        rows += [
            {**place, **_item("answer", name, _text(value), record.date_modified)}
            for name, value in (record.record_data or {}).items()
            if name not in _OURS
        ]
        rows += [{**place, **item} for number, item in events if number == record.record_id]
    known = {record.record_id for record in data.records}
    nowhere: Row = dict.fromkeys(("visit", "visitDate", "formKey", "recordId", "status"))
    rows += [{**nowhere, "recordId": number, **item} for number, item in events if number not in known]
    for row in rows:
        row["label"] = labels.get((_str(row["formKey"]), _str(row["name"])))
    return MonitoringTable(
        "casebook",
        f"Casebook of {data.subject.subject_key}",
        "Answers as the server has them now; the saved states say who changed a record, when and why, and hold no "
        "values.",
        (
            Column("visit", "Visit"),
            Column("visitDate", "Visit date", "date", minor=True),
            Column("formKey", "Form", urgent=True),
            Column("recordId", "Record", "number", minor=True),
            Column("status", "Status", minor=True),
            Column("kind", "What", urgent=True),
            Column("name", "Name", urgent=True),
            Column("label", "Label", minor=True),
            Column("value", "Value", urgent=True),
            Column("when", "When", "moment"),
            Column("who", "Who"),
        ),
        rows,
        notes=tuple(data.warnings),
    )


def _events(data: SubjectData) -> Iterator[tuple[int | None, Row]]:
    """Number of a record -> what happened to it: comments of queries, codings, saved states."""
    for query in data.queries:
        for comment in sorted(query.query_comments or [], key=lambda comment: comment.sequence or 0):
            text = f"{comment.annotation_status}: {comment.comment}"
            yield query.record_id, _item("query", query.variable or None, text, comment.date, comment.user)
    for coding in data.codings:
        text = f"{coding.code} ({coding.dictionary_name} {coding.dictionary_version})"
        yield coding.record_id, _item("coding", coding.variable, text, coding.date_coded, coding.coded_by)
    for revision in data.revisions:
        text = "; ".join(part for part in (revision.record_status, revision.reason_for_change) if part)
        number = str(revision.record_revision)
        yield revision.record_id, _item("saved state", number, text, revision.date_created, revision.user)


def _item(kind: str, name: str | None, value: Cell, when: str | None, who: str | None = None) -> Row:
    return {"kind": kind, "name": name, "label": None, "value": value, "when": when, "who": who}


def _text(value: Any) -> Cell:
    """An answer as it came; lists and objects as JSON."""
    return (
        value if value is None or isinstance(value, (str, int, float, bool)) else json.dumps(value, ensure_ascii=False)
    )


def _str(value: Cell) -> str | None:
    return value if isinstance(value, str) else None
