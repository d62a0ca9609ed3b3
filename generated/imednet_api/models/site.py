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
class Site(_Model):
    """A place where subjects are treated.

    Attributes:
        study_key: Key of the study.
        site_id: Number of the site; names may repeat.
        site_name: Name of the site.
        site_enrollment_status: Whether the site enrols, in the words of the study.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
    """

    FIELDS = {
        "studyKey": "study_key",
        "siteId": "site_id",
        "siteName": "site_name",
        "siteEnrollmentStatus": "site_enrollment_status",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
    }
    SHOWN = (
        "study_key",
        "site_id",
        "site_name",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    _pick = _pick(FIELDS)

    study_key: str | None = None
    site_id: int | None = None
    site_name: str | None = None
    site_enrollment_status: str | None = None
    date_created: str | None = None
    date_modified: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.site_id,
            self.site_name,
            self.site_enrollment_status,
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
