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
class Visit(_Model):
    """One interval of one subject.

    Attributes:
        visit_id: Number of the visit.
        study_key: Key of the study.
        interval_id: Number of the interval.
        interval_name: Name of the interval.
        subject_id: Number of the subject.
        subject_key: Identifier of the subject.
        start_date: First day of the window.
        end_date: Last day of the window.
        due_date: Planned day.
        visit_date: Actual day.
        visit_date_form: Name of the form the actual day comes from.
        visit_date_question: Name of the variable the actual day comes from.
        deleted: Is deleted, and still listed.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
    """

    FIELDS = {
        "visitId": "visit_id",
        "studyKey": "study_key",
        "intervalId": "interval_id",
        "intervalName": "interval_name",
        "subjectId": "subject_id",
        "subjectKey": "subject_key",
        "startDate": "start_date",
        "endDate": "end_date",
        "dueDate": "due_date",
        "visitDate": "visit_date",
        "visitDateForm": "visit_date_form",
        "visitDateQuestion": "visit_date_question",
        "deleted": "deleted",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
    }
    SHOWN = (
        "visit_id",
        "study_key",
        "interval_id",
        "subject_id",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    DAYS = (
        "startDate",
        "endDate",
        "dueDate",
        "visitDate",
    )
    _pick = _pick(FIELDS)

    visit_id: int | None = None
    study_key: str | None = None
    interval_id: int | None = None
    interval_name: str | None = None
    subject_id: int | None = None
    subject_key: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    due_date: str | None = None
    visit_date: str | None = None
    visit_date_form: str | None = None
    visit_date_question: str | None = None
    deleted: bool | None = None
    date_created: str | None = None
    date_modified: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.visit_id,
            self.study_key,
            self.interval_id,
            self.interval_name,
            self.subject_id,
            self.subject_key,
            self.start_date,
            self.end_date,
            self.due_date,
            self.visit_date,
            self.visit_date_form,
            self.visit_date_question,
            self.deleted,
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
