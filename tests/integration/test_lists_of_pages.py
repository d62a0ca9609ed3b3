"""The documented paginators, over real sockets: every row, or a PaginationError."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from imednet.core import AsyncClient, Client
from imednet.core.paginator import AsyncJsonListPaginator, AsyncPaginator, JsonListPaginator, Paginator
from imednet.errors import ApiError, ArgumentError, ForbiddenError, InvalidAnswerError, PaginationError
from imednet.sandbox import Answer, Request, Sandbox
from support import STUDY, served

Handle = Callable[[Request], Answer]
Make = Callable[..., Sandbox]
SITES = f"/api/v1/edc/studies/{STUDY}/sites"
RECORDS = f"/api/v1/edc/studies/{STUDY}/records"


def rows(kind: str, box: Sandbox, path: str, plain: bool = False, **options: Any) -> tuple[list[Any], list[int | None]]:
    """All rows of a paginator, and its cursor before each row."""
    if kind == "sync":
        with Client(**box.credentials, retries=0) as client:
            pager = (JsonListPaginator if plain else Paginator)(client, path, **options)
            cursors = [pager.cursor]
            found = []
            for row in pager:
                found.append(row)
                cursors.append(pager.cursor)
            return found, cursors

    async def read() -> tuple[list[Any], list[int | None]]:
        async with AsyncClient(**box.credentials, retries=0) as client:
            pager = (AsyncJsonListPaginator if plain else AsyncPaginator)(client, path, **options)
            cursors = [pager.cursor]
            found = []
            async for row in pager:
                found.append(row)
                cursors.append(pager.cursor)
            return found, cursors

    return asyncio.run(read())


def answering(body: Any) -> Callable[[Request, Handle], Answer]:
    return lambda request, answer: Answer(200, body if isinstance(body, bytes) else json.dumps(body).encode())


both = pytest.mark.parametrize("kind", ["sync", "async"])


@both
def test_all_rows_page_after_page(box: Sandbox, kind: str) -> None:
    found, cursors = rows(kind, box, RECORDS, page_size=300, params={"sort": "recordId,asc"})
    assert found == served(box.studies[STUDY], "records")
    pages = -(-len(found) // 300)
    assert cursors[0] == 0
    assert [cursor for cursor in dict.fromkeys(cursors[1:])] == [*range(1, pages), None]  # noqa: C416


@both
def test_the_default_page_holds_a_hundred(own_box: Make, kind: str) -> None:
    box = own_box()
    rows(kind, box, SITES)
    assert dict(box.requests[0].query) == {"page": "0", "size": "100"}


def test_each_loop_begins_at_the_first_page(box: Sandbox) -> None:
    with Client(**box.credentials) as client:
        pager = Paginator(client, SITES, page_size=2)
        first = next(iter(pager))
        assert pager.cursor == 1
        assert [row["siteId"] for row in pager][0] == first["siteId"]  # noqa: RUF015
        assert pager.cursor is None


@both
@pytest.mark.parametrize(
    "change",
    [
        {"pagination": None},
        {"pagination": {}},
        {"pagination": {"currentPage": 0, "size": 100, "totalPages": "1", "totalElements": 1}},
        {"pagination": {"currentPage": 1, "size": 100, "totalPages": 1, "totalElements": 1}},
        {"pagination": {"currentPage": 0, "size": 100, "totalPages": 3, "totalElements": 1}},
        {"pagination": {"currentPage": 0, "size": 100, "totalPages": 1, "totalElements": 2}},
        {"pagination": {"currentPage": 0, "size": 0, "totalPages": 1, "totalElements": 1}},
        {"data": None},
        {"data": {}},
    ],
)
def test_numbers_that_do_not_fit_are_errors(own_box: Make, kind: str, change: dict[str, Any]) -> None:
    numbers = {"currentPage": 0, "size": 100, "totalPages": 1, "totalElements": 1}
    body = {"metadata": {}, "pagination": numbers, "data": [{"siteId": 1}]}
    assert rows(kind, own_box(intercept=answering(body)), SITES)[0] == [{"siteId": 1}]
    with pytest.raises(PaginationError):
        rows(kind, own_box(intercept=answering({**body, **change})), SITES)


@both
def test_numbers_may_stand_in_the_metadata(own_box: Make, kind: str) -> None:
    numbers = {"currentPage": 0, "size": 100, "totalPages": 1, "totalElements": 1}
    body = {"about": {"pagination": numbers}, "rows": [1]}
    found, _ = rows(kind, own_box(intercept=answering(body)), SITES, data_key="rows", metadata_key="about")
    assert found == [1]


@both
def test_a_total_that_changes_is_an_error(own_box: Make, kind: str) -> None:
    def grow(request: Request, answer: Handle) -> Answer:
        found = answer(request)
        body = json.loads(found.body)
        if body["pagination"]["currentPage"] == 2:
            body["pagination"]["totalElements"] += 1
            body["pagination"]["totalPages"] = -(-body["pagination"]["totalElements"] // 2)
            body["data"] = body["data"][:2]
        return Answer(200, json.dumps(body).encode())

    with pytest.raises(PaginationError, match="total changed"):
        rows(kind, own_box(intercept=grow), SITES, page_size=2)


@both
def test_failures_are_failures(own_box: Make, kind: str) -> None:
    hidden = {"metadata": {"error": {"code": "9000", "description": "Unknown"}}, "data": []}
    with pytest.raises(ApiError, match="Unknown"):
        rows(kind, own_box(intercept=answering(hidden)), SITES)
    with pytest.raises(InvalidAnswerError):
        rows(kind, own_box(intercept=answering(b"<html>")), SITES)
    with pytest.raises(ForbiddenError):
        rows(kind, own_box(), "/api/v1/edc/studies/NOPE/sites")


def test_a_body_that_is_no_json_is_asked_for_again(own_box: Make) -> None:
    broken = [b"<html>", b""]

    def first_broken(request: Request, answer: Handle) -> Answer:
        return Answer(200, broken.pop()) if broken else answer(request)

    box = own_box(intercept=first_broken)
    with Client(**box.credentials, backoff_factor=0) as client:
        assert len(list(Paginator(client, SITES))) == 6
    assert len(box.requests) == 3


@both
def test_plain_lists(own_box: Make, kind: str) -> None:
    found, cursors = rows(kind, own_box(intercept=answering([{"a": 1}, 2])), SITES, plain=True)
    assert found == [{"a": 1}, 2]
    assert cursors[-1] is None
    with pytest.raises(PaginationError, match="not a list"):
        rows(kind, own_box(intercept=answering({"data": []})), SITES, plain=True)


def test_a_page_holds_at_least_one_row(box: Sandbox) -> None:
    with Client(**box.credentials) as client, pytest.raises(ArgumentError, match="page_size"):
        Paginator(client, SITES, page_size=0)
