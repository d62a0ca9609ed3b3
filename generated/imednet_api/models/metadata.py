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
    error=lambda: ErrorDetail,
)
@_define(repr=False)
class Metadata(_Model):
    """Facts on the answer.

    Attributes:
        status: Name of the HTTP status.
        method: Method of the request; missing in errors.
        path: Path of the request, without the query.
        timestamp: When it was answered, UTC.
        error: Empty on success.
    """

    FIELDS = {
        "status": "status",
        "method": "method",
        "path": "path",
        "timestamp": "timestamp",
        "error": "error",
    }
    SHOWN = (
        "status",
        "path",
    )
    TIMES = ("timestamp",)
    UNDECODED = ("error",)
    _pick = _pick(FIELDS)

    status: str | None = None
    method: str | None = None
    path: str | None = None
    timestamp: str | None = None
    error: ErrorDetail | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.status,
            self.method,
            self.path,
            self.timestamp,
            self.error,
        ) = values
        if type(values[4]) is not bytes:
            self.error = _read(ErrorDetail, values[4])
        self._rest = rest
        return self

    @builtins.property
    def timestamp_utc(self) -> _datetime | None:
        """`timestamp` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.timestamp)


from .error_detail import ErrorDetail  # noqa: E402
