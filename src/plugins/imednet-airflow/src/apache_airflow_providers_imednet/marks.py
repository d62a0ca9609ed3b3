"""Marks of a study: a count and a digest a list, by which a change is noticed in one small request a list.

A mark holds no row: of the newest row only a digest is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import ArgumentError, InvalidAnswerError
from imednet.utils.url import check_path_part
from imednet_api.api import operation

NEWEST_FIRST: Final = {
    "records": "dateModified,desc",
    "record_revisions": "recordRevisionId,desc",
    "queries": "dateModified,desc",
    "subjects": "dateModified,desc",
    "visits": "dateModified,desc",
    "codings": "dateCoded,desc",
    "sites": "dateModified,desc",
}
"""List -> the order in which its latest change comes first."""
LISTS: Final = ("records", "record_revisions", "queries", "subjects")
"""Lists that are looked at unless others are named."""

Marks = dict[str, str]
"""List -> its mark."""


def checked(lists: Sequence[str]) -> tuple[str, ...]:
    """The lists, if each can be watched; else raises ArgumentError."""
    unknown = [name for name in lists if name not in NEWEST_FIRST]
    if unknown or not lists:
        raise ArgumentError(f"lists takes {', '.join(NEWEST_FIRST)}; not {', '.join(unknown) or 'none'}")
    return tuple(lists)


def marks(sdk: ImednetSDK, study_key: str, lists: Sequence[str]) -> Marks:
    """The marks of lists as they are now: one request for one row each."""
    return {name: sdk.client.read(_path(study_key, name), _mark, params=_newest(name)) for name in lists}


async def marks_async(sdk: AsyncImednetSDK, study_key: str, lists: Sequence[str]) -> Marks:
    """The same over an event loop."""
    return {name: await sdk.client.read(_path(study_key, name), _mark, params=_newest(name)) for name in lists}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Lists whose marks differ."""
    return [name for name, mark in now.items() if before.get(name) != mark]


def _path(study_key: str, name: str) -> str:
    return operation(f"list_{name}").path.format(study_key=check_path_part("study_key", study_key))


def _newest(name: str) -> dict[str, Any]:
    return {"page": 0, "size": 1, "sort": NEWEST_FIRST[name]}


def _mark(response: httpx.Response) -> str:
    """The mark of a page of one row. Raises InvalidAnswerError for anything else: it must not look like no change."""
    try:
        page = response.json()  # a web page has none
        total, rows = int(page["pagination"]["totalElements"]), list(page["data"])
    except (KeyError, TypeError, ValueError):
        raise InvalidAnswerError("the answer is no page of a list, so that a change could not be told") from None
    return f"{total}:{hashlib.sha256(json.dumps(rows[:1], sort_keys=True).encode()).hexdigest()[:16]}"
