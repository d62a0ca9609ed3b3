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
from ..types import read as _read
from ..types import undecoded as _undecoded
from ..types import utc as _utc


@_undecoded(
    keywords=lambda: Keyword,
    record_data=None,
)
@_define(repr=False)
class Record(_Model):
    """One filled-in form with its answers.

    Attributes:
        study_key: Key of the study.
        interval_id: Number of the interval; missing for logs and site forms.
        form_id: Number of the form.
        form_key: Key of the form.
        site_id: Number of the site.
        record_id: Number of the record.
        record_oid: Identifier given by the client.
        record_type: Kind of record.
        record_status: Status in the words of the study.
        deleted: Is deleted, and still listed.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
        subject_id: Number of the subject; missing for site forms.
        subject_oid: Identifier of the subject given by the client.
        subject_key: Identifier of the subject.
        visit_id: Number of the visit; missing for logs and site forms.
        parent_record_id: Number of the record above.
        keywords: Marks on the record.
        record_data: Answers by variable name.
    """

    FIELDS = {
        "studyKey": "study_key",
        "intervalId": "interval_id",
        "formId": "form_id",
        "formKey": "form_key",
        "siteId": "site_id",
        "recordId": "record_id",
        "recordOid": "record_oid",
        "recordType": "record_type",
        "recordStatus": "record_status",
        "deleted": "deleted",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
        "subjectId": "subject_id",
        "subjectOid": "subject_oid",
        "subjectKey": "subject_key",
        "visitId": "visit_id",
        "parentRecordId": "parent_record_id",
        "keywords": "keywords",
        "recordData": "record_data",
    }
    SHOWN = (
        "study_key",
        "form_key",
        "site_id",
        "record_id",
        "subject_id",
        "visit_id",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    UNDECODED = (
        "keywords",
        "recordData",
    )
    _pick = _pick(FIELDS)

    study_key: str | None = None
    interval_id: int | None = None
    form_id: int | None = None
    form_key: str | None = None
    site_id: int | None = None
    record_id: int | None = None
    record_oid: str | None = None
    record_type: str | None = None
    record_status: str | None = None
    deleted: bool | None = None
    date_created: str | None = None
    date_modified: str | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    subject_key: str | None = None
    visit_id: int | None = None
    parent_record_id: int | None = None
    keywords: list[Keyword] | None = None
    record_data: RecordData | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.interval_id,
            self.form_id,
            self.form_key,
            self.site_id,
            self.record_id,
            self.record_oid,
            self.record_type,
            self.record_status,
            self.deleted,
            self.date_created,
            self.date_modified,
            self.subject_id,
            self.subject_oid,
            self.subject_key,
            self.visit_id,
            self.parent_record_id,
            self.keywords,
            self.record_data,
        ) = values
        if type(values[17]) is not bytes:
            self.keywords = _read(Keyword, values[17])
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


from .keyword import Keyword  # noqa: E402
from .record_data import RecordData  # noqa: E402
