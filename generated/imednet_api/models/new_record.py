# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

import builtins
from collections.abc import Sequence as _Sequence
from typing import Any as _Any
from typing import Self as _Self

from attrs import define as _define
from attrs import field as _field

from ..types import UNSET as _UNSET
from ..types import Model as _Model
from ..types import Rest as _Rest
from ..types import Unset as _Unset
from ..types import pick as _pick


@_define(repr=False, kw_only=True)
class NewRecord(_Model):
    """Makes an unscheduled or log record.

    Attributes:
        form_key: Key of the form.
        form_id: Number of the form.
        subject_key: Identifier of the subject.
        subject_id: Number of the subject.
        subject_oid: Identifier of the subject given by the client.
        data: Answers by variable name, as the form defines them; mostly text, also for numbers. Also holds dateCreated,
            dateModified and unvnum, the number of an unscheduled visit as text, which are no questions.
    """

    FIELDS = {
        "formKey": "form_key",
        "formId": "form_id",
        "subjectKey": "subject_key",
        "subjectId": "subject_id",
        "subjectOid": "subject_oid",
        "data": "data",
    }
    SHOWN = (
        "form_key",
        "form_id",
        "subject_key",
        "subject_id",
        "subject_oid",
    )
    MISSING = _UNSET
    _pick = _pick(FIELDS)

    form_key: str | None | _Unset = _UNSET
    form_id: int | None | _Unset = _UNSET
    subject_key: str | None | _Unset = _UNSET
    subject_id: int | None | _Unset = _UNSET
    subject_oid: str | None | _Unset = _UNSET
    data: RecordData | None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        given = builtins.dict(zip(cls.FIELDS.values(), values, strict=True))
        return cls(**given, rest=rest)


from .record_data import RecordData  # noqa: E402
