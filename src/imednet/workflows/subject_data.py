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
        records: records in the order of their visits, those without one behind; a child stands behind its parent.
        queries: queries with their dialogues.
        codings: codings, all revisions.
        revisions: the audit trail of the records.
        warnings: what does not fit together, such as a record of a deleted visit.
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
        return [one for one in self.records if one.parent_record_id == record_id and one.record_id != record_id]

    def to_dict(self) -> dict[str, Any]:
        """As JSON, rows as the API writes them."""
        lists = ("visits", "records", "queries", "codings", "revisions")
        return {
            "subject": self.subject.to_dict(),
            **{name: [row.to_dict() for row in getattr(self, name)] for name in lists},
            "warnings": self.warnings,
        }


def ordered_visits(visits: Sequence[Visit], intervals: Sequence[Interval]) -> list[Visit]:
    """Visits in the order of the study's intervals, those of one interval by date and number."""
    order = {one.interval_id: (one.interval_sequence or 0, one.interval_id or 0) for one in intervals}

    def key(visit: Visit) -> tuple[Any, ...]:
        place = order.get(visit.interval_id, (10**9, visit.interval_id or 0))
        return (*place, visit.visit_date or visit.start_date or visit.due_date or "9999", visit.visit_id or 0)

    return sorted(visits, key=key)


def ordered_records(records: Sequence[Record], visits: Sequence[Visit]) -> list[Record]:
    """Records in the order of their visits, unscheduled ones by their number; children behind their parents."""
    place = {visit.visit_id: number for number, visit in enumerate(visits)}

    def key(row: Record) -> tuple[Any, ...]:
        number = str((row.record_data or {}).get("unvnum") or "")
        at = place.get(row.visit_id, len(place)) if row.visit_id is not None else len(place) + 1
        unscheduled = int(number) if number.isdecimal() else 0
        return (at, unscheduled, row.form_id or 0, row.record_id or 0)

    ranked = sorted(records, key=key)
    ids = {row.record_id for row in ranked}
    children: dict[int, list[Record]] = {}
    tops = []
    for row in ranked:
        parent = row.parent_record_id
        if parent is not None and parent in ids and parent != row.record_id:
            children.setdefault(parent, []).append(row)
        else:
            tops.append(row)
    found: list[Record] = []
    seen: set[int | None] = set()
    # What is left after the tops hangs in a circle of parents; it comes last.
    for top in [*tops, *ranked]:
        stack = [top]
        while stack:
            row = stack.pop()
            if row.record_id in seen:
                continue
            seen.add(row.record_id)
            found.append(row)
            stack += reversed(children.get(row.record_id or 0, []))
    return found


def warnings_of(data: SubjectData, intervals: Sequence[Interval]) -> list[str]:
    """What does not fit together. No message holds an answer."""
    found: list[str] = []
    if is_true(data.subject.deleted):
        found.append("the subject is deleted")
        live = sum(not is_true(row.deleted) for row in data.records)
        if live:
            found.append(f"the subject is deleted, but {live} of its records are not")
    visits = {one.visit_id: one for one in data.visits}
    known = {one.interval_id: one for one in intervals}
    ids = {row.record_id: row for row in data.records}
    for row in data.records:
        what = f"record {row.record_id} ({row.form_key})"
        visit = visits.get(row.visit_id)
        if row.visit_id is not None and visit is None:
            found.append(f"{what} belongs to visit {row.visit_id}, which is in no list")
        elif visit is not None and is_true(visit.deleted) and not is_true(row.deleted):
            found.append(f"{what} is not deleted, but its visit {row.visit_id} is")
        if row.interval_id is not None:
            interval = known.get(row.interval_id)
            if interval is None:
                found.append(f"{what} belongs to interval {row.interval_id}, which the study does not have")
            elif is_true(interval.disabled):
                found.append(f"{what} belongs to interval {row.interval_id}, which is disabled")
        parent = row.parent_record_id
        if parent == row.record_id and parent is not None:
            found.append(f"{what} is its own parent")
        elif parent is not None and parent not in ids:
            found.append(f"{what} has parent {parent}, which is not among the records of the subject")
        elif parent is not None and is_true(ids[parent].deleted) and not is_true(row.deleted):
            found.append(f"{what} is not deleted, but its parent {parent} is")
        if row.record_data is None and not is_true(row.deleted):
            found.append(f"{what} has no answers")
    found += [
        f"query {query.annotation_id} has no comment, so whether it is open is unknown"
        for query in data.queries
        if query_state(query) == "unknown"
    ]
    return found


class AsyncSubjectDataWorkflow(AsyncWorkflow):
    """One subject, whole."""

    async def get_all_subject_data(self, study_key: str, subject_key: str) -> SubjectData:
        """Everything about one subject: visits, records in the order of visits, queries, codings and revisions.

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
    """One subject, whole."""

    def get_all_subject_data(self, study_key: str, subject_key: str) -> SubjectData:
        """Everything about one subject: visits, records in the order of visits, queries, codings and revisions.

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
