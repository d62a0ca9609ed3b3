"""Ways to have all records of a study in memory. Each returns how many they are and a checksum of what was read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any

STUDY = "TIDEWATER-201"
KEYS = ("demo-api-key", "demo-security-key")
HEADERS = {"x-api-key": KEYS[0], "x-imn-security-key": KEYS[1], "Content-Type": "application/json"}
PATH = f"/api/v1/edc/studies/{STUDY}/records"
SIZE = 500
Answers = Callable[[Any], Mapping[str, Any]]

ATTRIBUTES = ("record_id", "form_key", "record_status", "subject_key", "date_modified")
NAMES = ("recordId", "formKey", "recordStatus", "subjectKey", "dateModified")


def read(rows: Sequence[Any], work: str, fields: Callable[[Any], Any], answers: Answers) -> tuple[int, int]:
    """Read what the work asks for: nothing, five fields and two answers of every row, or every answer."""
    total = 0
    if work == "some":
        for row in rows:
            number, form, status, subject, modified = fields(row)
            total += number + len(form) + len(status) + len(subject or "") + (modified is not None)
            for value in islice(answers(row).values(), 2):
                total += len(value or "")
    elif work == "every":
        for row in rows:
            for value in answers(row).values():
                total += len(value or "")
    return len(rows), total


def objects(rows: Sequence[Any], work: str) -> tuple[int, int]:
    return read(rows, work, attrgetter(*ATTRIBUTES), attrgetter("record_data"))


def dictionaries(rows: Sequence[Any], work: str) -> tuple[int, int]:
    return read(rows, work, itemgetter(*NAMES), itemgetter("recordData"))


def ours_typed(url: str, work: str, size: int) -> tuple[int, int]:
    from imednet import ImednetSDK

    with ImednetSDK(*KEYS, url) as sdk:
        return objects(sdk.records.list(STUDY, page_size=size or None), work)


def ours_raw(url: str, work: str, size: int) -> tuple[int, int]:
    from imednet import ImednetSDK

    with ImednetSDK(*KEYS, url) as sdk:
        return dictionaries(sdk.records.list(STUDY, page_size=size or None, raw=True), work)


def ours_async(url: str, work: str, size: int) -> tuple[int, int]:
    import asyncio

    from imednet import AsyncImednetSDK

    async def work_of_it() -> tuple[int, int]:
        async with AsyncImednetSDK(*KEYS, url) as sdk:
            return objects(await sdk.records.list(STUDY, page_size=size or None), work)

    return asyncio.run(work_of_it())


def ours_iterated(url: str, work: str, size: int) -> tuple[int, int]:
    """Row by row, none kept."""
    from imednet import ImednetSDK

    with ImednetSDK(*KEYS, url) as sdk:
        count = total = 0
        for row in sdk.records.iter(STUDY, page_size=size or None):
            found, part = objects([row], work)
            count, total = count + found, total + part
        return count, total


def peer_list(url: str, work: str, size: int) -> tuple[int, int]:
    from imednet import ImednetSDK

    sdk: Any = ImednetSDK(*KEYS, url)
    if size:
        type(sdk.records).PAGE_SIZE = size
    return objects(sdk.records.list(study_key=STUDY), work)


def generated_list(url: str, work: str, size: int) -> tuple[int, int]:
    """The client that openapi-python-client makes of the same description with its own templates."""
    sys.path.append(sys.prefix)
    from default_client import Client
    from default_client.api.records import list_records

    client = Client(base_url=url, headers=HEADERS, raise_on_unexpected_status=True)
    options: dict[str, Any] = {"size": size} if size else {}
    rows: list[Any] = []
    with client:
        page, pages = 0, 1
        while page < pages:
            body = list_records.sync(STUDY, client=client, page=page, sort=["recordId,asc"], **options)
            rows.extend(body.data)
            pages, page = body.pagination.total_pages, page + 1
    return read(rows, work, attrgetter(*ATTRIBUTES), attrgetter("record_data.additional_properties"))


def floor_list(url: str, work: str, size: int) -> tuple[int, int]:
    """The least that a careful person writes by hand: httpx and orjson, no classes."""
    import httpx
    import orjson

    rows: list[Any] = []
    with httpx.Client(base_url=url, headers=HEADERS) as client:
        page, pages = 0, 1
        while page < pages:
            params: dict[str, str | int] = {"page": page, "size": size or SIZE, "sort": "recordId,asc"}
            body = orjson.loads(client.get(PATH, params=params).content)
            rows.extend(body["data"])
            pages, page = body["pagination"]["totalPages"], page + 1
    return dictionaries(rows, work)


def script_rows(url: str, size: int = 0) -> list[dict[str, Any]]:
    """What most people write: requests, and JSON by the standard library."""
    import requests

    rows: list[dict[str, Any]] = []
    with requests.Session() as session:
        session.headers.update(HEADERS)
        page, pages = 0, 1
        while page < pages:
            params: dict[str, str | int] = {"page": page, "size": size or SIZE, "sort": "recordId,asc"}
            answer = session.get(url + PATH, params=params, timeout=30)
            answer.raise_for_status()
            body = answer.json()
            rows.extend(body["data"])
            pages, page = body["pagination"]["totalPages"], page + 1
    return rows


def script_list(url: str, work: str, size: int) -> tuple[int, int]:
    return dictionaries(script_rows(url, size), work)


def script_frame(url: str, _: str, size: int) -> tuple[int, int]:
    """One wide table of all answers, as such scripts go on."""
    import pandas as pd

    frame = pd.json_normalize(script_rows(url, size))
    return len(frame), 0


WAYS: dict[str, Callable[[str, str, int], tuple[int, int]]] = {
    "typed": ours_typed,
    "raw": ours_raw,
    "async": ours_async,
    "iterated": ours_iterated,
    "peer": peer_list,
    "generated": generated_list,
    "floor": floor_list,
    "script": script_list,
    "frame": script_frame,
}
