# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

from collections.abc import Sequence as _Sequence
from typing import Any as _Any
from typing import Self as _Self

from attrs import define as _define
from attrs import field as _field

from ..types import Model as _Model
from ..types import Rest as _Rest
from ..types import pick as _pick
from ..types import read as _read
from ..types import undecoded as _undecoded


@_undecoded(
    metadata=lambda: Metadata,
    pagination=lambda: Pagination,
    data=lambda: Interval,
)
@_define(repr=False)
class IntervalPage(_Model):
    """One page of intervals.

    Attributes:
        metadata: Facts on the answer.
        pagination: Which page this is, of how many.
        data: The intervals.
    """

    FIELDS = {
        "metadata": "metadata",
        "pagination": "pagination",
        "data": "data",
    }
    SHOWN = ()
    UNDECODED = (
        "metadata",
        "pagination",
        "data",
    )
    _pick = _pick(FIELDS)

    metadata: Metadata | None = None
    pagination: Pagination | None = None
    data: list[Interval] | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.metadata,
            self.pagination,
            self.data,
        ) = values
        if type(values[0]) is not bytes:
            self.metadata = _read(Metadata, values[0])
        if type(values[1]) is not bytes:
            self.pagination = _read(Pagination, values[1])
        if type(values[2]) is not bytes:
            self.data = _read(Interval, values[2])
        self._rest = rest
        return self


from .interval import Interval  # noqa: E402
from .metadata import Metadata  # noqa: E402
from .pagination import Pagination  # noqa: E402
