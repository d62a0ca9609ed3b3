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
    roles=lambda: Role,
)
@_define(repr=False)
class User(_Model):
    """A person who works in the study.

    Attributes:
        user_id: UUID of the user.
        login: Login of the user.
        first_name: First name.
        last_name: Last name.
        email: E-mail address.
        user_active_in_study: Is active in the study.
        roles: Roles of the user.
    """

    FIELDS = {
        "userId": "user_id",
        "login": "login",
        "firstName": "first_name",
        "lastName": "last_name",
        "email": "email",
        "userActiveInStudy": "user_active_in_study",
        "roles": "roles",
    }
    SHOWN = ("user_id",)
    UNDECODED = ("roles",)
    _pick = _pick(FIELDS)

    user_id: str | None = None
    login: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    user_active_in_study: bool | None = None
    roles: list[Role] | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.user_id,
            self.login,
            self.first_name,
            self.last_name,
            self.email,
            self.user_active_in_study,
            self.roles,
        ) = values
        if type(values[6]) is not bytes:
            self.roles = _read(Role, values[6])
        self._rest = rest
        return self


from .role import Role  # noqa: E402
