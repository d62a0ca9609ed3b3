# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from attrs import define as _define
from attrs import field as _field

from ..types import Model, Rest, pick, read_object


@_define(repr=False)
class ErrorEnvelope(Model):
    """A failure; a gateway before the application sends the message alone.

    Attributes:
        metadata: Facts on the answer.
        message: Text of a gateway.
    """

    FIELDS = {
        "metadata": "metadata",
        "message": "message",
    }
    SHOWN = ()
    _pick = pick(FIELDS)

    metadata: Metadata | None = None
    message: str | None = None
    _rest: Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: Sequence[Any], rest: Rest | None = None) -> Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        (
            metadata,
            message,
        ) = values
        return cls(read_object(Metadata, metadata), message, rest=rest)


from .metadata import Metadata  # noqa: E402
