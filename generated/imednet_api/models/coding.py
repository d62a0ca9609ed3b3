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
class Coding(_Model):
    """A term mapped to a dictionary, one row for each revision.

    Attributes:
        study_key: Key of the study.
        site_name: Name of the site.
        site_id: Number of the site.
        subject_id: Number of the subject.
        subject_key: Identifier of the subject.
        form_id: Number of the form.
        form_name: Name of the form.
        form_key: Key of the form.
        revision: Count of changes of the coding.
        record_id: Number of the record.
        variable: Name of the variable that was coded.
        value: The answer that was coded.
        coding_id: Number of the coding.
        code: The term it was mapped to.
        coded_by: Display name of the coder, not the login.
        reason: Why it was changed.
        dictionary_name: Name of the dictionary.
        dictionary_version: Version of the dictionary, a text.
        date_coded: When it was coded, UTC.
    """

    FIELDS = {
        "studyKey": "study_key",
        "siteName": "site_name",
        "siteId": "site_id",
        "subjectId": "subject_id",
        "subjectKey": "subject_key",
        "formId": "form_id",
        "formName": "form_name",
        "formKey": "form_key",
        "revision": "revision",
        "recordId": "record_id",
        "variable": "variable",
        "value": "value",
        "codingId": "coding_id",
        "code": "code",
        "codedBy": "coded_by",
        "reason": "reason",
        "dictionaryName": "dictionary_name",
        "dictionaryVersion": "dictionary_version",
        "dateCoded": "date_coded",
    }
    SHOWN = (
        "study_key",
        "revision",
        "record_id",
        "coding_id",
    )
    TIMES = ("dateCoded",)
    _pick = _pick(FIELDS)

    study_key: str | None = None
    site_name: str | None = None
    site_id: int | None = None
    subject_id: int | None = None
    subject_key: str | None = None
    form_id: int | None = None
    form_name: str | None = None
    form_key: str | None = None
    revision: int | None = None
    record_id: int | None = None
    variable: str | None = None
    value: str | None = None
    coding_id: int | None = None
    code: str | None = None
    coded_by: str | None = None
    reason: str | None = None
    dictionary_name: str | None = None
    dictionary_version: str | None = None
    date_coded: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.site_name,
            self.site_id,
            self.subject_id,
            self.subject_key,
            self.form_id,
            self.form_name,
            self.form_key,
            self.revision,
            self.record_id,
            self.variable,
            self.value,
            self.coding_id,
            self.code,
            self.coded_by,
            self.reason,
            self.dictionary_name,
            self.dictionary_version,
            self.date_coded,
        ) = values
        self._rest = rest
        return self

    @builtins.property
    def date_coded_utc(self) -> _datetime | None:
        """`date_coded` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_coded)
