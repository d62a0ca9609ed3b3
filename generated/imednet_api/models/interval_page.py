# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from attrs import define as _define
from attrs import field as _field

from ..types import Model, Rest, pick, read_list, read_object


@_define(repr=False)
class IntervalPage(Model):
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
    _pick = pick(FIELDS)

    metadata: Metadata | None = None
    pagination: Pagination | None = None
    data: list[Interval] | None = None
    _rest: Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: Sequence[Any], rest: Rest | None = None) -> Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        (
            metadata,
            pagination,
            data,
        ) = values
        return cls(
            read_object(Metadata, metadata), read_object(Pagination, pagination), read_list(Interval, data), rest=rest
        )


from .interval import Interval  # noqa: E402
from .metadata import Metadata  # noqa: E402
from .pagination import Pagination  # noqa: E402
