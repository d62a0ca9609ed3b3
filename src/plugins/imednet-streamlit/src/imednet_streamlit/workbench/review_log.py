"""What of a study is left to review: records beside what a person wrote about them last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from imednet.workflows.monitoring import MonitoringTable
from imednet.workflows.monitoring.table import Column, Row

from .. import texts
from ..reading import Reviewed
from ..store import Review

DONE: Final = "reviewed"
STATUSES: Final = (DONE, "to follow up", "query raised in the EDC", "not relevant")
"""What a reviewer can decide."""


def records_table(records: Iterable[Reviewed], mine: Sequence[Review], everybody: Sequence[Review]) -> MonitoringTable:
    """All records, each new, changed or reviewed as one person left it.

    Args:
        records: the records as they are now.
        mine: what this person wrote, in order.
        everybody: what all wrote, in order; whom a record is assigned to is the last that anybody wrote.
    """
    last = {entry.record_id: entry for entry in mine}
    assigned = {entry.record_id: entry.assigned for entry in everybody if entry.assigned}
    rows: list[Row] = []
    for record in records:
        entry = last.get(record.record_id)
        state = texts.REVIEW_NEW
        if entry is not None:
            state = texts.REVIEW_DONE if entry.mark == record.mark else texts.REVIEW_CHANGED
        rows.append(
            {
                "recordId": record.record_id,
                "formKey": record.form_key,
                "subjectKey": record.subject_key or None,
                "siteId": record.site_id,
                "state": state,
                "decision": entry.status if entry is not None else None,
                "assigned": assigned.get(record.record_id),
                "status": record.status,
                "changed": record.changed or None,
                "deleted": record.deleted,
            }
        )
    return MonitoringTable(
        "review",
        "Records",
        "A record is new until you have reviewed it, and changed once its answers, its status, its visit or its "
        "subject differ from what you reviewed.",
        (
            Column("recordId", "Record", "number", urgent=True),
            Column("formKey", "Form", urgent=True),
            Column("subjectKey", "Subject"),
            Column("siteId", "Site", "number"),
            Column("state", "Review", urgent=True),
            Column("decision", "Decision"),
            Column("assigned", "Assigned to"),
            Column("status", "Status"),
            Column("changed", "Changed (UTC)", "date", minor=True),
            Column("deleted", "Deleted", "yes", minor=True),
        ),
        rows,
    )


def left_table(table: MonitoringTable) -> MonitoringTable:
    """How many records of each form are new, changed and reviewed."""
    counts: dict[str, Counter[str]] = {}
    for row in table.rows:
        counts.setdefault(str(row["formKey"]), Counter())[str(row["state"])] += 1
    rows: list[Row] = [
        {
            "formKey": form,
            "new": words[texts.REVIEW_NEW],
            "changed": words[texts.REVIEW_CHANGED],
            "reviewed": words[texts.REVIEW_DONE],
        }
        for form, words in sorted(counts.items())
    ]
    return MonitoringTable(
        "review by form",
        texts.WHAT_IS_LEFT,
        "Records of each form by how you left them.",
        (
            Column("formKey", "Form", urgent=True),
            Column("new", texts.REVIEW_NEW, "count"),
            Column("changed", texts.REVIEW_CHANGED, "count"),
            Column("reviewed", texts.REVIEW_DONE, "count"),
        ),
        rows,
    ).with_total({"formKey": "all"})


def log_table(entries: Iterable[Review]) -> MonitoringTable:
    """The log of reviews, the last entry first."""
    rows: list[Row] = [
        {
            "number": entry.number,
            "moment": entry.moment,
            "author": entry.author,
            "recordId": entry.record_id,
            "formKey": entry.form_key,
            "decision": entry.status,
            "assigned": entry.assigned or None,
            "comment": entry.comment or None,
        }
        for entry in entries
    ]
    rows.reverse()
    return MonitoringTable(
        "review log",
        texts.REVIEW_LOG,
        "What everybody wrote; entries are added and never changed.",
        (
            Column("number", "Entry", "number"),
            Column("moment", "Written (UTC)", "date", urgent=True),
            Column("author", "By", urgent=True),
            Column("recordId", "Record", "number", urgent=True),
            Column("formKey", "Form"),
            Column("decision", "Decision", urgent=True),
            Column("assigned", "Assigned to"),
            Column("comment", "Comment"),
        ),
        rows,
    )
