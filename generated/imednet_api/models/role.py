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
class Role(_Model):
    """A role of a user.

    Attributes:
        date_created: When it was made: a list of 5 to 7 numbers, or text with short fractions.
        date_modified: When it was changed last: a list of 5 to 7 numbers, or text with short fractions.
        role_id: UUID of the role; may repeat.
        community_id: Number of the study.
        name: Name of the role.
        description: Description of the role.
        level: Level of the role.
        type: Kind of role.
        inactive: Is inactive.
    """

    FIELDS = {
        "dateCreated": "date_created",
        "dateModified": "date_modified",
        "roleId": "role_id",
        "communityId": "community_id",
        "name": "name",
        "description": "description",
        "level": "level",
        "type": "type",
        "inactive": "inactive",
    }
    SHOWN = (
        "role_id",
        "name",
    )
    TIMES = (
        "dateCreated",
        "dateModified",
    )
    _pick = _pick(FIELDS)

    date_created: list[int] | str | None = None
    date_modified: list[int] | str | None = None
    role_id: str | None = None
    community_id: int | None = None
    name: str | None = None
    description: str | None = None
    level: int | None = None
    type: str | None = None
    inactive: bool | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.date_created,
            self.date_modified,
            self.role_id,
            self.community_id,
            self.name,
            self.description,
            self.level,
            self.type,
            self.inactive,
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
