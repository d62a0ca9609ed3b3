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
class Study(_Model):
    """A clinical study.

    Attributes:
        sponsor_key: Key of the sponsor, digits as text.
        study_key: Key used in paths.
        study_id: Internal number of the study.
        study_name: Name of the study.
        study_description: Description of the study.
        study_type: Kind of study.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
    """

    FIELDS = {
        "sponsorKey": "sponsor_key",
        "studyKey": "study_key",
        "studyId": "study_id",
        "studyName": "study_name",
        "studyDescription": "study_description",
        "studyType": "study_type",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
    }
    SHOWN = (
        "study_key",
        "study_id",
        "study_name",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    _pick = _pick(FIELDS)

    sponsor_key: str | None = None
    study_key: str | None = None
    study_id: int | None = None
    study_name: str | None = None
    study_description: str | None = None
    study_type: str | None = None
    date_created: str | None = None
    date_modified: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.sponsor_key,
            self.study_key,
            self.study_id,
            self.study_name,
            self.study_description,
            self.study_type,
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
