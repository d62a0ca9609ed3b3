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
class IntervalForm(_Model):
    """A form of an interval.

    Attributes:
        form_id: Number of the form.
        form_key: Key of the form.
        form_name: Name of the form.
    """

    FIELDS = {
        "formId": "form_id",
        "formKey": "form_key",
        "formName": "form_name",
    }
    SHOWN = (
        "form_id",
        "form_key",
    )
    _pick = _pick(FIELDS)

    form_id: int | None = None
    form_key: str | None = None
    form_name: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.form_id,
            self.form_key,
            self.form_name,
        ) = values
        self._rest = rest
        return self
