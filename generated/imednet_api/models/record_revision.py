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
class RecordRevision(_Model):
    """A saved state of a record: who, when and why, never what.

    Attributes:
        study_key: Key of the study.
        record_revision_id: Number of the revision.
        record_id: Number of the record.
        record_oid: Identifier of the record given by the client.
        record_revision: Count of all changes.
        data_revision: Count of changes of answers.
        record_status: Status at that revision.
        subject_id: Number of the subject.
        subject_oid: Identifier of the subject given by the client.
        subject_key: Identifier of the subject.
        site_id: Number of the site.
        form_key: Key of the form.
        interval_id: Number of the interval.
        role: Name of the role.
        user: Login of the user.
        reason_for_change: Why it was changed, free text.
        deleted: The record was deleted.
        date_created: When it was made, UTC.
    """

    FIELDS = {
        "studyKey": "study_key",
        "recordRevisionId": "record_revision_id",
        "recordId": "record_id",
        "recordOid": "record_oid",
        "recordRevision": "record_revision",
        "dataRevision": "data_revision",
        "recordStatus": "record_status",
        "subjectId": "subject_id",
        "subjectOid": "subject_oid",
        "subjectKey": "subject_key",
        "siteId": "site_id",
        "formKey": "form_key",
        "intervalId": "interval_id",
        "role": "role",
        "user": "user",
        "reasonForChange": "reason_for_change",
        "deleted": "deleted",
        "dateCreated": "date_created",
    }
    SHOWN = (
        "study_key",
        "record_revision_id",
        "record_id",
        "record_revision",
    )
    TIMES = ("dateCreated",)
    _pick = _pick(FIELDS)

    study_key: str | None = None
    record_revision_id: int | None = None
    record_id: int | None = None
    record_oid: str | None = None
    record_revision: int | None = None
    data_revision: int | None = None
    record_status: str | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    subject_key: str | None = None
    site_id: int | None = None
    form_key: str | None = None
    interval_id: int | None = None
    role: str | None = None
    user: str | None = None
    reason_for_change: str | None = None
    deleted: bool | None = None
    date_created: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.record_revision_id,
            self.record_id,
            self.record_oid,
            self.record_revision,
            self.data_revision,
            self.record_status,
            self.subject_id,
            self.subject_oid,
            self.subject_key,
            self.site_id,
            self.form_key,
            self.interval_id,
            self.role,
            self.user,
            self.reason_for_change,
            self.deleted,
            self.date_created,
        ) = values
        self._rest = rest
        return self

    @builtins.property
    def date_created_utc(self) -> _datetime | None:
        """`date_created` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_created)
