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
    field=lambda: ErrorField,
)
@_define(repr=False)
class ErrorDetail(_Model):
    """What went wrong; empty on success.

    Attributes:
        code: 1000 invalid value, 9000 unknown, 9001 not allowed.
        description: What went wrong, for people.
        message: Seen in a third-party description only.
        field: The value at fault.
    """

    FIELDS = {
        "code": "code",
        "description": "description",
        "message": "message",
        "field": "field",
    }
    SHOWN = ("code",)
    UNDECODED = ("field",)
    _pick = _pick(FIELDS)

    code: str | None = None
    description: str | None = None
    message: str | None = None
    field: ErrorField | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.code,
            self.description,
            self.message,
            self.field,
        ) = values
        if type(values[3]) is not bytes:
            self.field = _read(ErrorField, values[3])
        self._rest = rest
        return self


from .error_field import ErrorField  # noqa: E402
