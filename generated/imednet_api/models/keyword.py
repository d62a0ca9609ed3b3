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
class Keyword(_Model):
    """A mark on a subject or record.

    Attributes:
        keyword_name: Name of the keyword.
        keyword_key: Key of the keyword.
        keyword_id: Number of the keyword.
        date_added: When it was added, UTC.
    """

    FIELDS = {
        "keywordName": "keyword_name",
        "keywordKey": "keyword_key",
        "keywordId": "keyword_id",
        "dateAdded": "date_added",
    }
    SHOWN = (
        "keyword_key",
        "keyword_id",
    )
    TIMES = ("dateAdded",)
    _pick = _pick(FIELDS)

    keyword_name: str | None = None
    keyword_key: str | None = None
    keyword_id: int | None = None
    date_added: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @classmethod
    def from_values(cls, values: _Sequence[_Any], rest: _Rest | None = None) -> _Self:
        """Make an object of the decoded values of all fields, in the order of `FIELDS`."""
        self = cls.__new__(cls)  # the attributes are set here: a call with all of them takes twice as long
        (
            self.keyword_name,
            self.keyword_key,
            self.keyword_id,
            self.date_added,
        ) = values
        self._rest = rest
        return self

    @builtins.property
    def date_added_utc(self) -> _datetime | None:
        """`date_added` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_added)
