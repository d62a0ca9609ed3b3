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
    query_comments=lambda: QueryComment,
)
@_define(repr=False)
class Query(_Model):
    """A dialogue on data. It has no status of its own.

    Attributes:
        study_key: Key of the study.
        subject_id: Number of the subject.
        subject_oid: Identifier of the subject given by the client.
        annotation_type: Kind of query.
        annotation_id: Number of the query.
        type: Where the query stands.
        description: Class of the query.
        record_id: Number of the record; missing on queries about a subject.
        variable: Name of the variable.
        subject_key: Identifier of the subject.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
        query_comments: The dialogue, not always in order.
    """

    FIELDS = {
        "studyKey": "study_key",
        "subjectId": "subject_id",
        "subjectOid": "subject_oid",
        "annotationType": "annotation_type",
        "annotationId": "annotation_id",
        "type": "type",
        "description": "description",
        "recordId": "record_id",
        "variable": "variable",
        "subjectKey": "subject_key",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
        "queryComments": "query_comments",
    }
    SHOWN = (
        "study_key",
        "subject_id",
        "annotation_id",
        "record_id",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    UNDECODED = ("queryComments",)
    _pick = _pick(FIELDS)

    study_key: str | None = None
    subject_id: int | None = None
    subject_oid: str | None = None
    annotation_type: str | None = None
    annotation_id: int | None = None
    type: str | None = None
    description: str | None = None
    record_id: int | None = None
    variable: str | None = None
    subject_key: str | None = None
    date_created: str | None = None
    date_modified: str | None = None
    query_comments: list[QueryComment] | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.subject_id,
            self.subject_oid,
            self.annotation_type,
            self.annotation_id,
            self.type,
            self.description,
            self.record_id,
            self.variable,
            self.subject_key,
            self.date_created,
            self.date_modified,
            self.query_comments,
        ) = values
        if type(values[12]) is not bytes:
            self.query_comments = _read(QueryComment, values[12])
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


from .query_comment import QueryComment  # noqa: E402
