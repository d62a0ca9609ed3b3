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
)
@_define(repr=False)
class Subject(_Model):
    """A person in the study.

    Attributes:
        study_key: Key of the study.
        subject_id: Number of the subject.
        subject_oid: Identifier given by the client.
        subject_key: Identifier people see; digits and dashes, never a number or date.
        subject_status: Status in the words of the study.
        site_id: Number of the site.
        site_name: Name of the site.
        deleted: Is deleted, and still listed.
        enrollment_start_date: When enrolment began, UTC.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
        keywords: Marks on the subject.
    """

    FIELDS = {
        "studyKey": "study_key",
        "subjectId": "subject_id",
        "subjectOid": "subject_oid",
        "subjectKey": "subject_key",
        "subjectStatus": "subject_status",
        "siteId": "site_id",
        "siteName": "site_name",
        "deleted": "deleted",
        "enrollmentStartDate": "enrollment_start_date",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
        "keywords": "keywords",
    }
    SHOWN = (
        "study_key",
        "subject_id",
        "subject_key",
    )
    TIMES = (
        "enrollmentStartDate",
        "dateCreated",
        "dateModified",
    )
    UNDECODED = ("keywords",)
    _pick = _pick(FIELDS)

    study_key: str | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    subject_key: str | None = None
    subject_status: str | None = None
    site_id: int | None = None
    site_name: str | None = None
    deleted: bool | None = None
    enrollment_start_date: str | None = None
    date_created: str | None = None
    date_modified: str | None = None
    keywords: list[Keyword] | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.subject_id,
            self.subject_oid,
            self.subject_key,
            self.subject_status,
            self.site_id,
            self.site_name,
            self.deleted,
            self.enrollment_start_date,
            self.date_created,
            self.date_modified,
            self.keywords,
        ) = values
        if type(values[11]) is not bytes:
            self.keywords = _read(Keyword, values[11])
        self._rest = rest
        return self

    @builtins.property
    def enrollment_start_date_utc(self) -> _datetime | None:
        """`enrollment_start_date` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.enrollment_start_date)

    @builtins.property
    def date_created_utc(self) -> _datetime | None:
        """`date_created` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_created)

    @builtins.property
    def date_modified_utc(self) -> _datetime | None:
        """`date_modified` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_modified)


from .keyword import Keyword  # noqa: E402
