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
    sort=lambda: SortOrder,
)
@_define(repr=False)
class Pagination(_Model):
    """Which page this is, of how many.

    Attributes:
        current_page: Number of the page, from 0.
        size: Rows a page in force.
        total_pages: Pages there are.
        total_elements: Rows there are.
        sort: What the rows are sorted by.
    """

    FIELDS = {
        "currentPage": "current_page",
        "size": "size",
        "totalPages": "total_pages",
        "totalElements": "total_elements",
        "sort": "sort",
    }
    SHOWN = (
        "current_page",
        "size",
        "total_pages",
        "total_elements",
    )
    UNDECODED = ("sort",)
    _pick = _pick(FIELDS)

    current_page: int | None = None
    size: int | None = None
    total_pages: int | None = None
    total_elements: int | None = None
    sort: list[SortOrder] | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.current_page,
            self.size,
            self.total_pages,
            self.total_elements,
            self.sort,
        ) = values
        if type(values[4]) is not bytes:
            self.sort = _read(SortOrder, values[4])
        self._rest = rest
        return self


from .sort_order import SortOrder  # noqa: E402
