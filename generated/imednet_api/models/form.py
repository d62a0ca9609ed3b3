# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

import builtins
from collections.abc import Sequence as _Sequence
from datetime import datetime as _datetime
from typing import Any as _Any
from typing import Self as _Self

from attrs import define as _define
from attrs import field as _field

from ..types import Model as _Model
from ..types import Rest as _Rest
from ..types import pick as _pick
from ..types import utc as _utc


@_define(repr=False)
class Form(_Model):
    """An electronic case report form of the design.

    Attributes:
        study_key: Key of the study.
        form_id: Number of the form.
        form_key: Key of the form.
        form_name: Name of the form; intervals and visits refer to forms by it.
        form_type: Subject or site form, in several spellings.
        revision: Count of design changes.
        embedded_log: Is an embedded log.
        enforce_ownership: Ownership is enforced.
        user_agreement: Needs an agreement.
        subject_record_report: Takes part in the subject record report.
        unscheduled_visit: May be used at unscheduled visits.
        other_forms: Stands under other forms.
        epro_form: Is filled in by the subject.
        allow_copy: May be copied.
        disabled: Is retired.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
    """

    FIELDS = {
        "studyKey": "study_key",
        "formId": "form_id",
        "formKey": "form_key",
        "formName": "form_name",
        "formType": "form_type",
        "revision": "revision",
        "embeddedLog": "embedded_log",
        "enforceOwnership": "enforce_ownership",
        "userAgreement": "user_agreement",
        "subjectRecordReport": "subject_record_report",
        "unscheduledVisit": "unscheduled_visit",
        "otherForms": "other_forms",
        "eproForm": "epro_form",
        "allowCopy": "allow_copy",
        "disabled": "disabled",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
    }
    SHOWN = (
        "study_key",
        "form_id",
        "form_key",
        "form_name",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    _pick = _pick(FIELDS)

    study_key: str | None = None
    form_id: int | None = None
    form_key: str | None = None
    form_name: str | None = None
    form_type: str | None = None
    revision: int | None = None
    embedded_log: bool | None = None
    enforce_ownership: bool | None = None
    user_agreement: bool | None = None
    subject_record_report: bool | None = None
    unscheduled_visit: bool | None = None
    other_forms: bool | None = None
    epro_form: bool | None = None
    allow_copy: bool | None = None
    disabled: bool | None = None
    date_created: str | None = None
    date_modified: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.form_id,
            self.form_key,
            self.form_name,
            self.form_type,
            self.revision,
            self.embedded_log,
            self.enforce_ownership,
            self.user_agreement,
            self.subject_record_report,
            self.unscheduled_visit,
            self.other_forms,
            self.epro_form,
            self.allow_copy,
            self.disabled,
            self.date_created,
            self.date_modified,
        ) = values
        self._rest = rest
        return self

    @builtins.property
    def date_created_utc(self) -> _datetime | None:
        """`date_created` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_created)

    @builtins.property
    def date_modified_utc(self) -> _datetime | None:
        """`date_modified` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_modified)
