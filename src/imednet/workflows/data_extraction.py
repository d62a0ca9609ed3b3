"""`sdk.workflows.data_extraction`: records chosen by facts of the record, of its subject and of its visit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from imednet_api.models import Record, RecordRevision

from .audit_trail import AuditEntry, entry, moment_of
from .base import Workflow
from .steps import Many, Steps, awaited, blocking, call

Filter = Mapping[str, Any]


class _Rules(Workflow):
    def _records(
        self,
        study_key: str,
        *,
        record_filter: Filter | None = None,
        subject_filter: Filter | None = None,
        visit_filter: Filter | None = None,
    ) -> Steps[list[Record]]:
        """Records that meet all filters.

        Args:
            study_key: the study.
            record_filter: filters of `sdk.records.list`, such as `{"form_key": "AE"}`.
            subject_filter: filters of `sdk.subjects.list`: only records of these subjects.
            visit_filter: filters of `sdk.visits.list`: only records of these visits.
        """
        calls = [call("records.list", study_key, **(record_filter or {}))]
        if subject_filter:
            calls.append(call("subjects.list", study_key, **subject_filter))
        if visit_filter:
            calls.append(call("visits.list", study_key, **visit_filter))
        records, *others = yield Many(calls)
        found: list[Record] = list(records)
        if subject_filter:
            subjects = {one.subject_id for one in others.pop(0)}
            found = [row for row in found if row.subject_id in subjects]
        if visit_filter:
            visits = {one.visit_id for one in others.pop(0)}
            found = [row for row in found if row.visit_id in visits]
        return found

    def _audit_trail(
        self,
        study_key: str,
        *,
        start_date: date | datetime | str | None = None,
        end_date: date | datetime | str | None = None,
        user: str | None = None,
        subject_key: str | None = None,
    ) -> Steps[list[AuditEntry]]:
        """The audit trail of a study in memory, with the person behind each login; `audit_trail.entries` streams it.

        Args:
            study_key: the study.
            start_date, end_date: from this moment on, and before that one; days and ISO texts are UTC.
            user: only this login.
            subject_key: only this subject.
        """
        bounds = {">=": moment_of(start_date, "start_date"), "<": moment_of(end_date, "end_date")}
        dates = {operator: moment for operator, moment in bounds.items() if moment is not None} or None
        revisions, users = yield Many(
            [
                call("record_revisions.list", study_key, user=user, subject_key=subject_key, date_created=dates),
                call("users.list", study_key, include_inactive=True),
            ]
        )
        known = {one.login: one for one in users}
        rows: list[RecordRevision] = revisions
        return [entry(one, known) for one in rows]


class DataExtractionWorkflow(_Rules):
    """Records by criteria.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
    ...     rows = sdk.workflows.data_extraction.extract_records_by_criteria(
    ...         "TIDEWATER-201", record_filter={"form_key": "VS"}, visit_filter={"interval_name": "Month 6"}
    ...     )
    >>> len(rows) > 5, {row.form_key for row in rows}
    (True, {'VS'})
    """

    extract_records_by_criteria = blocking(_Rules._records)
    extract_audit_trail = blocking(_Rules._audit_trail)


class AsyncDataExtractionWorkflow(_Rules):
    """Records by criteria; see `DataExtractionWorkflow`."""

    extract_records_by_criteria = awaited(_Rules._records)
    extract_audit_trail = awaited(_Rules._audit_trail)
