# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from __future__ import annotations

import builtins
from datetime import datetime as _datetime

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
    _pick = _pick(FIELDS)

    keyword_name: str | None = None
    keyword_key: str | None = None
    keyword_id: int | None = None
    date_added: str | None = None
    _rest: _Rest | None = _field(default=None, alias="rest", kw_only=True)

    @builtins.property
    def date_added_utc(self) -> _datetime | None:
        """`date_added` as an aware time; `None` where there is none, or where it is no time."""
        return _utc(self.date_added)
