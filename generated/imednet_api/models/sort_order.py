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


@_define(repr=False)
class SortOrder(_Model):
    """One field the rows are sorted by.

    Attributes:
        property: Field.
        direction: ASC or DESC.
    """

    FIELDS = {
        "property": "property",
        "direction": "direction",
    }
    SHOWN = (
        "property",
        "direction",
    )
    _pick = _pick(FIELDS)

    property: str | None = None
    direction: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.property,
            self.direction,
        ) = values
        self._rest = rest
        return self
