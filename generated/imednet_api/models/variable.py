# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

import builtins
from collections.abc import Sequence as _Sequence
from datetime import datetime as _datetime
from typing import Any as _Any
from typing import Self as _Self

from attrs import define as _define
from attrs import field as _field

from ..types import Model as _Model
from ..types import Rest as _Rest
from ..types import pick as _pick
from ..types import utc as _utc


@_define(repr=False)
class Variable(_Model):
    """A question of a form.

    Attributes:
        study_key: Key of the study.
        variable_id: Number of the variable.
        variable_type: Kind of field.
        variable_name: Key of the answer in recordData; repeats across forms.
        sequence: Place on the form.
        revision: Count of design changes.
        disabled: Is retired.
        date_created: When it was made, UTC.
        date_modified: When it was changed last, UTC.
        form_id: Number of the form.
        variable_oid: Identifier given by the client.
        deleted: Is deleted.
        form_key: Key of the form.
        form_name: Name of the form.
        label: Text of the question.
        blinded: Hidden from blinded users.
    """

    FIELDS = {
        "studyKey": "study_key",
        "variableId": "variable_id",
        "variableType": "variable_type",
        "variableName": "variable_name",
        "sequence": "sequence",
        "revision": "revision",
        "disabled": "disabled",
        "dateCreated": "date_created",
        "dateModified": "date_modified",
        "formId": "form_id",
        "variableOid": "variable_oid",
        "deleted": "deleted",
        "formKey": "form_key",
        "formName": "form_name",
        "label": "label",
        "blinded": "blinded",
    }
    SHOWN = (
        "study_key",
        "variable_id",
        "variable_name",
        "form_key",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    _pick = _pick(FIELDS)

    study_key: str | None = None
    variable_id: int | None = None
    variable_type: str | None = None
    variable_name: str | None = None
    sequence: int | None = None
    revision: int | None = None
    disabled: bool | None = None
    date_created: str | None = None
    date_modified: str | None = None
    form_id: int | None = None
    variable_oid: str | None = None
    deleted: bool | None = None
    form_key: str | None = None
    form_name: str | None = None
    label: str | None = None
    blinded: bool | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.study_key,
            self.variable_id,
            self.variable_type,
            self.variable_name,
            self.sequence,
            self.revision,
            self.disabled,
            self.date_created,
            self.date_modified,
            self.form_id,
            self.variable_oid,
            self.deleted,
            self.form_key,
            self.form_name,
            self.label,
            self.blinded,
        ) = values
        self._rest = rest
        return self

    @builtins.property
    def date_created_utc(self) -> _datetime | None:
        """`date_created` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_created)

    @builtins.property
    def date_modified_utc(self) -> _datetime | None:
        """`date_modified` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_modified)
