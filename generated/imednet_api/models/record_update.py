# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from attrs import define as _define
from attrs import field as _field

from ..types import UNSET, Model, Rest, Unset, pick


@_define(repr=False, kw_only=True)
class RecordUpdate(Model):
    """Changes an existing record.

    Attributes:
        form_key: Key of the form.
        form_id: Number of the form.
        record_id: Number of the record.
        record_oid: Identifier of the record given by the client.
        data: Answers by variable name, as the form defines them; mostly text, also for numbers. Also holds dateCreated,
            dateModified and unvnum, the number of an unscheduled visit as text, which are no questions.
    """

    FIELDS = {
        "formKey": "form_key",
        "formId": "form_id",
        "recordId": "record_id",
        "recordOid": "record_oid",
        "data": "data",
    }
    SHOWN = (
        "form_key",
        "form_id",
        "record_id",
        "record_oid",
    )
    MISSING = UNSET
    _pick = pick(FIELDS)

    form_key: str | None | Unset = UNSET
    form_id: int | None | Unset = UNSET
    record_id: int | None | Unset = UNSET
    record_oid: str | None | Unset = UNSET
    data: RecordData | None
    _rest: Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: Sequence[Any], rest: Rest | None = None) -> Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        given = dict(zip(cls.FIELDS.values(), values, strict=True))
        return cls(**given, rest=rest)


from .record_data import RecordData  # noqa: E402
