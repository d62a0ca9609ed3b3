"""`sdk.workflows.data_extraction`: records chosen by filters of the record, its subject and its visit.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     rows = sdk.workflows.data_extraction.extract_records_by_criteria(
...         "TIDEWATER-201", record_filter={"form_key": "VS"}, visit_filter={"interval_name": "Month 6"}
...     )
>>> len(rows) > 5, {row.form_key for row in rows}
(True, {'VS'})
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from imednet_api.models import Record

from ..core.concurrency import async_gather, gather
from .audit_trail import AuditEntry, entry, moment_of
from .base import AsyncWorkflow, Workflow

Filter = Mapping[str, Any]


class AsyncDataExtractionWorkflow(AsyncWorkflow):
    """Records chosen by filters of the record, its subject and its visit; and the audit trail as a list."""

    async def extract_records_by_criteria(
        self,
        study_key: str,
        *,
        record_filter: Filter | None = None,
        subject_filter: Filter | None = None,
        visit_filter: Filter | None = None,
    ) -> list[Record]:
        """Read the records that meet all filters.

        Args:
            study_key: the study.
            record_filter: filters of `sdk.records.list`, such as `{"form_key": "AE"}`.
            subject_filter: filters of `sdk.subjects.list`: only records of these subjects.
            visit_filter: filters of `sdk.visits.list`: only records of these visits.
        """
        records, subjects, visits = await async_gather(
            lambda: self._sdk.records.list(study_key, **(record_filter or {})),
            lambda: self._subjects(study_key, subject_filter),
            lambda: self._visits(study_key, visit_filter),
        )
        return [
            record
            for record in records
            if (subjects is None or record.subject_id in subjects) and (visits is None or record.visit_id in visits)
        ]

    async def _subjects(self, study_key: str, subject_filter: Filter | None) -> set[int | None] | None:
        """Numbers of the subjects that meet a filter; `None` without one."""
        if not subject_filter:
            return None
        return {subject.subject_id for subject in await self._sdk.subjects.list(study_key, **subject_filter)}

    async def _visits(self, study_key: str, visit_filter: Filter | None) -> set[int | None] | None:
        """Numbers of the visits that meet a filter; `None` without one."""
        if not visit_filter:
            return None
        return {visit.visit_id for visit in await self._sdk.visits.list(study_key, **visit_filter)}

    async def extract_audit_trail(
        self,
        study_key: str,
        *,
        start_date: date | datetime | str | None = None,
        end_date: date | datetime | str | None = None,
        user: str | None = None,
        subject_key: str | None = None,
    ) -> list[AuditEntry]:
        """Read the audit trail of a study into memory, with the name of each user; `audit_trail.entries` streams it.

        Args:
            study_key: the study.
            start_date, end_date: from this moment on, and before that one; days and ISO texts are UTC.
            user: only this login.
            subject_key: only this subject.
        """
        bounds = {">=": moment_of(start_date, "start_date"), "<": moment_of(end_date, "end_date")}
        dates = {operator: moment for operator, moment in bounds.items() if moment is not None} or None
        revisions, users = await async_gather(
            lambda: self._sdk.record_revisions.list(study_key, user=user, subject_key=subject_key, date_created=dates),
            lambda: self._sdk.users.list(study_key, include_inactive=True),
        )
        known = {user.login: user for user in users}
        return [entry(revision, known) for revision in revisions]


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class DataExtractionWorkflow(Workflow):
    """Records chosen by filters of the record, its subject and its visit; and the audit trail as a list."""

    def extract_records_by_criteria(
        self,
        study_key: str,
        *,
        record_filter: Filter | None = None,
        subject_filter: Filter | None = None,
        visit_filter: Filter | None = None,
    ) -> list[Record]:
        """Read the records that meet all filters.

        Args:
            study_key: the study.
            record_filter: filters of `sdk.records.list`, such as `{"form_key": "AE"}`.
            subject_filter: filters of `sdk.subjects.list`: only records of these subjects.
            visit_filter: filters of `sdk.visits.list`: only records of these visits.
        """
        records, subjects, visits = gather(
            lambda: self._sdk.records.list(study_key, **(record_filter or {})),
            lambda: self._subjects(study_key, subject_filter),
            lambda: self._visits(study_key, visit_filter),
        )
        return [
            record
            for record in records
            if (subjects is None or record.subject_id in subjects) and (visits is None or record.visit_id in visits)
        ]

    def _subjects(self, study_key: str, subject_filter: Filter | None) -> set[int | None] | None:
        """Numbers of the subjects that meet a filter; `None` without one."""
        if not subject_filter:
            return None
        return {subject.subject_id for subject in self._sdk.subjects.list(study_key, **subject_filter)}

    def _visits(self, study_key: str, visit_filter: Filter | None) -> set[int | None] | None:
        """Numbers of the visits that meet a filter; `None` without one."""
        if not visit_filter:
            return None
        return {visit.visit_id for visit in self._sdk.visits.list(study_key, **visit_filter)}

    def extract_audit_trail(
        self,
        study_key: str,
        *,
        start_date: date | datetime | str | None = None,
        end_date: date | datetime | str | None = None,
        user: str | None = None,
        subject_key: str | None = None,
    ) -> list[AuditEntry]:
        """Read the audit trail of a study into memory, with the name of each user; `audit_trail.entries` streams it.

        Args:
            study_key: the study.
            start_date, end_date: from this moment on, and before that one; days and ISO texts are UTC.
            user: only this login.
            subject_key: only this subject.
        """
        bounds = {">=": moment_of(start_date, "start_date"), "<": moment_of(end_date, "end_date")}
        dates = {operator: moment for operator, moment in bounds.items() if moment is not None} or None
        revisions, users = gather(
            lambda: self._sdk.record_revisions.list(study_key, user=user, subject_key=subject_key, date_created=dates),
            lambda: self._sdk.users.list(study_key, include_inactive=True),
        )
        known = {user.login: user for user in users}
        return [entry(revision, known) for revision in revisions]
