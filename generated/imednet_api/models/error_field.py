# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

from attrs import define as _define
from attrs import field as _field

from ..types import Model as _Model
from ..types import Rest as _Rest
from ..types import pick as _pick


@_define(repr=False)
class ErrorField(_Model):
    """The value of a request that was refused.

    Attributes:
        attribute: Name of the attribute at fault.
        value: The refused value; may hold data of a person.
    """

    FIELDS = {
        "attribute": "attribute",
        "value": "value",
    }
    SHOWN = ("attribute",)
    _pick = _pick(FIELDS)

    attribute: str | None = None
    value: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)
