"""`sdk.workflows.record_update` and `sdk.workflows.register_subjects`: writing, blocking and asynchronous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..utils.quiet import quiet
from .steps import Steps, awaited, blocking
from .writing.items import item
from .writing.submit import WriteReport, WritingRules


class _Updating(WritingRules):
    """One item by what it means."""

    def _register_subject(
        self, /, study_key: str, form: Any, site: Any, data: Mapping[str, Any], **how: Any
    ) -> Steps[WriteReport]:
        """Register a subject: the first record of somebody new at a site.

        Args:
            study_key: the study.
            form: the form of registration, by key or number.
            site: the site, by name or number.
            data: answers by variable name.
            **how: as `submit` takes it.
        """
        data = quiet(data)
        report = yield from self._submit(study_key, [item(data, form, site=site)], **how)
        return report

    def _update_scheduled_record(
        self, /, study_key: str, form: Any, subject: Any, interval: Any, data: Mapping[str, Any], **how: Any
    ) -> Steps[WriteReport]:
        """Fill in or change the record of a form at a planned visit.

        Args:
            study_key: the study.
            form: the form, by key or number.
            subject: the subject, by key or number, or `{"subjectOid": ...}`.
            interval: the interval, by name or number.
            data: answers by variable name.
            **how: as `submit` takes it.
        """
        subject, data = quiet(subject), quiet(data)
        report = yield from self._submit(study_key, [item(data, form, subject=subject, interval=interval)], **how)
        return report

    def _create_new_record(
        self, /, study_key: str, form: Any, subject: Any, data: Mapping[str, Any], **how: Any
    ) -> Steps[WriteReport]:
        """Make a new record outside the planned visits, such as an adverse event.

        Args:
            study_key: the study.
            form: the form, by key or number.
            subject: the subject, by key or number, or `{"subjectOid": ...}`.
            data: answers by variable name.
            **how: as `submit` takes it.
        """
        subject, data = quiet(subject), quiet(data)
        report = yield from self._submit(study_key, [item(data, form, subject=subject)], **how)
        return report

    def _update_existing_record(
        self, /, study_key: str, form: Any, record: Any, data: Mapping[str, Any], **how: Any
    ) -> Steps[WriteReport]:
        """Change answers of a record that exists.

        Args:
            study_key: the study.
            form: its form, by key or number.
            record: the record, by number, or `{"recordOid": ...}`.
            data: answers by variable name.
            **how: as `submit` takes it.
        """
        record, data = quiet(record), quiet(data)
        report = yield from self._submit(study_key, [item(data, form, record=record)], **how)
        return report


class RecordUpdateWorkflow(_Updating):
    """Writes records: checked before, sent once, waited for, read back.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox(switches={"jobSeconds": "0"}) as box, ImednetSDK(**box.credentials) as sdk:
    ...     write = sdk.workflows.record_update
    ...     report = write.create_new_record("TIDEWATER-201-DEV", "AE", "301-901", {"AENUM": 9, "AETERM": "Cough"})
    >>> report.complete, report.outcomes[0].state
    (True, 'stored')
    """

    check = blocking(_Updating._check)
    plan = blocking(_Updating._plan)
    submit = blocking(_Updating._submit)
    verify = blocking(_Updating._verify)
    create_or_update_records = blocking(_Updating._submit)
    register_subject = blocking(_Updating._register_subject)
    update_scheduled_record = blocking(_Updating._update_scheduled_record)
    create_new_record = blocking(_Updating._create_new_record)
    update_existing_record = blocking(_Updating._update_existing_record)


class AsyncRecordUpdateWorkflow(_Updating):
    """Writes records; see `RecordUpdateWorkflow`."""

    check = awaited(_Updating._check)
    plan = awaited(_Updating._plan)
    submit = awaited(_Updating._submit)
    verify = awaited(_Updating._verify)
    create_or_update_records = awaited(_Updating._submit)
    register_subject = awaited(_Updating._register_subject)
    update_scheduled_record = awaited(_Updating._update_scheduled_record)
    create_new_record = awaited(_Updating._create_new_record)
    update_existing_record = awaited(_Updating._update_existing_record)


class _Registering(WritingRules):
    def _register_subjects(
        self, /, study_key: str, subjects: Sequence[Mapping[str, Any]], *, form: Any = None, **how: Any
    ) -> Steps[WriteReport]:
        """Register subjects, several a request.

        Args:
            study_key: the study.
            subjects: one mapping each: `siteName` or `siteId`, and `data` with the answers of registration; a
                `formKey` of its own where `form` is not given.
            form: the form of registration, by key or number.
            **how: as `record_update.submit` takes it.

        Returns:
            What became of each; `subject_key` of an outcome is the key the server gave.
        """
        subjects = quiet(subjects)
        common = item({}, form) if form is not None else {}
        common.pop("data", None)
        report = yield from self._submit(study_key, quiet([{**common, **one} for one in map(quiet, subjects)]), **how)
        return report


class RegisterSubjectsWorkflow(_Registering):
    """Registers subjects; see `RecordUpdateWorkflow`."""

    register_subjects = blocking(_Registering._register_subjects)


class AsyncRegisterSubjectsWorkflow(_Registering):
    """Registers subjects; see `RecordUpdateWorkflow`."""

    register_subjects = awaited(_Registering._register_subjects)
