# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

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
