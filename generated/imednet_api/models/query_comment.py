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
class QueryComment(_Model):
    """One statement in the dialogue of a query.

    Attributes:
        sequence: Place in the dialogue; the highest decides whether the query is closed.
        annotation_status: Status in the words of the study.
        user: Login of the user.
        comment: Free text.
        closed: The query is closed with this comment.
        date: When it was written, UTC.
    """

    FIELDS = {
        "sequence": "sequence",
        "annotationStatus": "annotation_status",
        "user": "user",
        "comment": "comment",
        "closed": "closed",
        "date": "date",
    }
    SHOWN = (
        "sequence",
        "closed",
    )
    TIMES = ("date",)
    _pick = _pick(FIELDS)

    sequence: int | None = None
    annotation_status: str | None = None
    user: str | None = None
    comment: str | None = None
    closed: bool | None = None
    date: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.sequence,
            self.annotation_status,
            self.user,
            self.comment,
            self.closed,
            self.date,
        ) = values
        self._rest = rest
        return self

    @builtins.property
    def date_utc(self) -> _datetime | None:
        """`date` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date)
