"""`sdk.workflows.subject_data`: everything about one subject, in the order of its visits.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     data = sdk.workflows.subject_data.get_all_subject_data("TIDEWATER-201", "301-001")
>>> data.subject.subject_id, data.records[0].form_key, len(data.queries)
(20001, 'REG', 2)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from imednet_api.models import Coding, Interval, Query, Record, RecordRevision, Subject, Visit

from ..core.concurrency import async_gather, gather
from ..utils.truth import is_true
from .base import AsyncWorkflow, Workflow, not_found
from .query_management import query_state


@dataclass(frozen=True)
class SubjectData:
    """Everything a study holds of one subject.

    Attributes:
        subject: the subject.
        visits: planned visits in the order of the study, then by date.
        records: records in the order of their visits, those without a visit last; a child follows its parent.
        queries: queries with their comments.
        codings: codings, all revisions.
        revisions: the audit trail of the records.
        warnings: contradictions, such as a record of a deleted visit.
    """

    subject: Subject
    visits: list[Visit] = field(repr=False)
    records: list[Record] = field(repr=False)
    queries: list[Query] = field(repr=False)
    codings: list[Coding] = field(repr=False)
    revisions: list[RecordRevision] = field(repr=False)
    warnings: list[str] = field(default_factory=list)

    def children_of(self, record_id: int | None) -> list[Record]:
        """Records whose parent is this one."""
        return [
            record for record in self.records if record.parent_record_id == record_id and record.record_id != record_id
        ]

    def to_dict(self) -> dict[str, Any]:
        """The data as plain JSON values, rows as the API writes them."""
        lists = ("visits", "records", "queries", "codings", "revisions")
        return {
            "subject": self.subject.to_dict(),
            **{name: [row.to_dict() for row in getattr(self, name)] for name in lists},
            "warnings": self.warnings,
        }


def ordered_visits(visits: Sequence[Visit], intervals: Sequence[Interval]) -> list[Visit]:
    """Visits in the order of the study's intervals, those of one interval by date and number."""
    order = {
        interval.interval_id: (interval.interval_sequence or 0, interval.interval_id or 0) for interval in intervals
    }

    def key(visit: Visit) -> tuple[Any, ...]:
        position = order.get(visit.interval_id, (10**9, visit.interval_id or 0))
        return (*position, visit.visit_date or visit.start_date or visit.due_date or "9999", visit.visit_id or 0)

    return sorted(visits, key=key)


def ordered_records(records: Sequence[Record], visits: Sequence[Visit]) -> list[Record]:
    """Records in the order of their visits, unscheduled ones by their number; children follow their parents."""
    position = {visit.visit_id: number for number, visit in enumerate(visits)}

    def key(record: Record) -> tuple[Any, ...]:
        number = str((record.record_data or {}).get("unvnum") or "")
        visit_position = (
            position.get(record.visit_id, len(position)) if record.visit_id is not None else len(position) + 1
        )
        unscheduled = int(number) if number.isdecimal() else 0
        return (visit_position, unscheduled, record.form_id or 0, record.record_id or 0)

    ranked = sorted(records, key=key)
    ids = {record.record_id for record in ranked}
    children: dict[int, list[Record]] = {}
    tops = []
    for record in ranked:
        parent = record.parent_record_id
        if parent is not None and parent in ids and parent != record.record_id:
            children.setdefault(parent, []).append(record)
        else:
            tops.append(record)
    ordered: list[Record] = []
    seen: set[int | None] = set()
    # Records left after the tops have parents in a circle; they come last.
    for top in [*tops, *ranked]:
        stack = [top]
        while stack:
            record = stack.pop()
            if record.record_id in seen:
                continue
            seen.add(record.record_id)
            ordered.append(record)
            stack += reversed(children.get(record.record_id or 0, []))
    return ordered


def warnings_of(data: SubjectData, intervals: Sequence[Interval]) -> list[str]:
    """Contradictions in the data of a subject, as messages that hold no answers."""
    messages: list[str] = []
    if is_true(data.subject.deleted):
        messages.append("the subject is deleted")
        live = sum(not is_true(record.deleted) for record in data.records)
        if live:
            messages.append(f"the subject is deleted, but {live} of its records are not")
    visits = {visit.visit_id: visit for visit in data.visits}
    known = {interval.interval_id: interval for interval in intervals}
    records_by_id = {record.record_id: record for record in data.records}
    for record in data.records:
        name = f"record {record.record_id} ({record.form_key})"
        visit = visits.get(record.visit_id)
        if record.visit_id is not None and visit is None:
            messages.append(f"{name} belongs to visit {record.visit_id}, which is in no list")
        elif visit is not None and is_true(visit.deleted) and not is_true(record.deleted):
            messages.append(f"{name} is not deleted, but its visit {record.visit_id} is")
        if record.interval_id is not None:
            interval = known.get(record.interval_id)
            if interval is None:
                messages.append(f"{name} belongs to interval {record.interval_id}, which the study does not have")
            elif is_true(interval.disabled):
                messages.append(f"{name} belongs to interval {record.interval_id}, which is disabled")
        parent = record.parent_record_id
        if parent == record.record_id and parent is not None:
            messages.append(f"{name} is its own parent")
        elif parent is not None and parent not in records_by_id:
            messages.append(f"{name} has parent {parent}, which is not among the records of the subject")
        elif parent is not None and is_true(records_by_id[parent].deleted) and not is_true(record.deleted):
            messages.append(f"{name} is not deleted, but its parent {parent} is")
        if record.record_data is None and not is_true(record.deleted):
            messages.append(f"{name} has no answers")
    messages += [
        f"query {query.annotation_id} has no comment, so whether it is open is unknown"
        for query in data.queries
        if query_state(query) == "unknown"
    ]
    return messages


class AsyncSubjectDataWorkflow(AsyncWorkflow):
    """Everything about one subject."""

    async def get_all_subject_data(self, study_key: str, subject_key: str) -> SubjectData:
        """Read everything about one subject: visits, records in the order of visits, queries, codings and revisions.

        Args:
            study_key: the study.
            subject_key: the subject, spelled as in the list of subjects.

        Raises:
            NotFoundError: the study has no such subject.
        """
        listed = await self._sdk.subjects.list(study_key, subject_key=subject_key)
        subjects = [subject for subject in listed if subject.subject_key == subject_key]
        if not subjects:
            raise not_found("subject", study_key)
        visits, records, queries, codings, revisions, intervals = await async_gather(
            lambda: self._sdk.visits.list(study_key, subject_key=subject_key),
            lambda: self._sdk.records.list(study_key, subject_key=subject_key),
            lambda: self._sdk.queries.list(study_key, subject_key=subject_key),
            lambda: self._sdk.codings.list(study_key, subject_key=subject_key),
            lambda: self._sdk.record_revisions.list(study_key, subject_key=subject_key),
            lambda: self._sdk.intervals.list(study_key),
        )
        ranked = ordered_visits(visits, intervals)
        data = SubjectData(
            subjects[0], ranked, ordered_records(records, ranked), list(queries), list(codings), list(revisions)
        )
        data.warnings.extend(warnings_of(data, intervals))
        if len(subjects) > 1:
            data.warnings.append(f"{len(subjects)} subjects have this key; the first is shown")
        return data


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class SubjectDataWorkflow(Workflow):
    """Everything about one subject."""

    def get_all_subject_data(self, study_key: str, subject_key: str) -> SubjectData:
        """Read everything about one subject: visits, records in the order of visits, queries, codings and revisions.

        Args:
            study_key: the study.
            subject_key: the subject, spelled as in the list of subjects.

        Raises:
            NotFoundError: the study has no such subject.
        """
        listed = self._sdk.subjects.list(study_key, subject_key=subject_key)
        subjects = [subject for subject in listed if subject.subject_key == subject_key]
        if not subjects:
            raise not_found("subject", study_key)
        visits, records, queries, codings, revisions, intervals = gather(
            lambda: self._sdk.visits.list(study_key, subject_key=subject_key),
            lambda: self._sdk.records.list(study_key, subject_key=subject_key),
            lambda: self._sdk.queries.list(study_key, subject_key=subject_key),
            lambda: self._sdk.codings.list(study_key, subject_key=subject_key),
            lambda: self._sdk.record_revisions.list(study_key, subject_key=subject_key),
            lambda: self._sdk.intervals.list(study_key),
        )
        ranked = ordered_visits(visits, intervals)
        data = SubjectData(
            subjects[0], ranked, ordered_records(records, ranked), list(queries), list(codings), list(revisions)
        )
        data.warnings.extend(warnings_of(data, intervals))
        if len(subjects) > 1:
            data.warnings.append(f"{len(subjects)} subjects have this key; the first is shown")
        return data
