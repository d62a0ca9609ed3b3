"""Promises of the reference that need no server: protocols, parsers, paths of imports, texts of errors."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from typing import Any

import httpx
import pytest

from imednet import models
from imednet.core.paginator import AsyncJsonListPaginator, AsyncPaginator, JsonListPaginator, Paginator
from imednet.core.parsing import ModelParser, get_model_parser
from imednet.core.protocols import AsyncRequestorProtocol, RequestorProtocol
from imednet.core.retry import DefaultRetryPolicy, RetryPolicy
from imednet.errors import (
    ApiError,
    ExportConfigurationError,
    ImednetError,
    InvalidAnswerError,
    NotFoundError,
    PaginationError,
)
from imednet.integrations._optional import _require_optional_dep
from imednet.workflows.audit_trail import moment_of

PATH = "/api/v1/edc/studies/X/things"


def page(number: int, rows: list[Any], total: int = 5, size: int = 2) -> httpx.Response:
    body = {
        "metadata": {"status": "OK", "path": PATH, "error": {}},
        "pagination": {
            "currentPage": number, "size": size, "totalPages": -(-total // size), "totalElements": total,
        },
        "data": rows,
    }  # fmt: skip
    return httpx.Response(200, json=body, request=httpx.Request("GET", f"https://x.org{PATH}"))


class Getter:
    """A client with the documented methods alone."""

    retry_policy: RetryPolicy = DefaultRetryPolicy()

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers, self.asked = list(answers), list[Any]()

    def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        self.asked.append((path, dict(params or {})))
        return self.answers.pop(0)

    def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        raise NotImplementedError

    def close(self) -> None: ...


class AsyncGetter:
    retry_policy: RetryPolicy = DefaultRetryPolicy()

    def __init__(self, *answers: httpx.Response) -> None:
        self.inner = Getter(*answers)

    async def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        return self.inner.get(path, params)

    async def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        raise NotImplementedError

    async def aclose(self) -> None: ...


def rows_of(kind: str, *answers: httpx.Response, plain: bool = False) -> tuple[list[Any], list[Any]]:
    if kind == "sync":
        client: RequestorProtocol = Getter(*answers)
        made = (JsonListPaginator if plain else Paginator)(client, PATH, page_size=2)
        return list(made), client.asked  # type: ignore[attr-defined]

    async def run() -> list[Any]:
        return [row async for row in (AsyncJsonListPaginator if plain else AsyncPaginator)(other, PATH, page_size=2)]

    other: AsyncRequestorProtocol = AsyncGetter(*answers)
    return asyncio.run(run()), other.inner.asked  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["sync", "async"])
class TestPaginatorsOverAnyClient:
    def test_all_pages(self, kind: str) -> None:
        found, asked = rows_of(kind, page(0, [1, 2]), page(1, [3, 4]), page(2, [5]))
        assert found == [1, 2, 3, 4, 5]
        assert asked == [(PATH, {"page": number, "size": 2}) for number in range(3)]

    def test_a_plain_list(self, kind: str) -> None:
        request = httpx.Request("GET", f"https://x.org{PATH}")
        assert rows_of(kind, httpx.Response(200, json=[1, 2], request=request), plain=True)[0] == [1, 2]

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (httpx.Response(404, json={}), NotFoundError),
            (httpx.Response(200, content=b"<html>"), InvalidAnswerError),
            (httpx.Response(200, json={"data": 1}), PaginationError),
            (page(1, [3, 4]), PaginationError),
        ],
    )
    def test_failures_are_ours(self, kind: str, answer: httpx.Response, error: type[ImednetError]) -> None:
        answer.request = httpx.Request("GET", f"https://x.org{PATH}")
        with pytest.raises(error):
            rows_of(kind, answer)


def test_the_protocols_have_the_documented_members_alone() -> None:
    def members(protocol: type) -> set[str]:
        return {name for name in vars(protocol) if not name.startswith("_")}

    assert members(RequestorProtocol) == {"retry_policy", "get", "post", "close"}
    assert members(AsyncRequestorProtocol) == {"retry_policy", "get", "post", "aclose"}


def test_a_model_of_pydantic_validates_itself() -> None:
    class Foreign:
        """What a class of pydantic looks like from outside."""

        @classmethod
        def model_validate(cls, data: Any) -> Any:
            return ("validated", data)

    assert get_model_parser(Foreign)({"a": 1}) == ("validated", {"a": 1})  # type: ignore[comparison-overlap]
    assert ModelParser(Foreign).parse_many([1]) == [("validated", 1)]  # type: ignore[comparison-overlap]


@pytest.mark.parametrize("name", [
    "codings", "forms", "intervals", "jobs", "queries", "record_revisions", "records", "sites", "studies", "subjects",
    "users", "variables", "visits",
])  # fmt: skip
def test_each_resource_has_a_module_of_models(name: str) -> None:
    (model,) = import_module(f"imednet.models.{name}").__all__
    assert getattr(import_module(f"imednet.models.{name}"), model) is getattr(models, model)


@pytest.mark.parametrize("text", ["the server said no", "no\x1b[31m"])
def test_an_error_made_of_a_text_shows_it(text: str) -> None:
    assert text.replace("\x1b", " ") in str(ApiError(text))
    assert json.dumps(str(ApiError({"metadata": {"error": {"description": "x"}}}, 400)))


def test_a_missing_driver_names_the_extra_and_a_place_to_install_it_from() -> None:
    with pytest.raises(ExportConfigurationError) as error:
        _require_optional_dep("no_such_module_at_all", "neo4j")
    assert "imednet[neo4j]" in str(error.value)
    assert "pip install 'PATH[neo4j]'" in str(error.value)


def test_texts_of_dates_are_understood_or_refused_by_name() -> None:
    assert str(moment_of("2025-01-01", "start_date")) == "2025-01-01 00:00:00+00:00"
    assert str(moment_of("2025-01-01T10:00:00+02:00", "start_date")) == "2025-01-01 10:00:00+02:00"
    with pytest.raises(ImednetError, match="end_date must be a day"):
        moment_of("01/02/2025", "end_date")
