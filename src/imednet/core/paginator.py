"""Paginators for lists that no endpoint knows: any path of the API, row by row.

They check the numbers of the pages. Endpoints (`sdk.records.iter(...)`) do more: they prove that no row is missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, TypeVar, cast

import httpx

from ..constants import DEFAULT_PAGE_SIZE
from ..errors import ArgumentError, ImednetError, InvalidAnswerError, PaginationError
from .decoding.page import Page, check_page, page_of
from .http_client_base import HTTPClientBase
from .protocols import AsyncRequestorProtocol, RequestorProtocol
from .transport.responses import UnsoundAnswer, decoded, failure, hidden_failure

ClientT = TypeVar("ClientT")


class BasePaginator(Generic[ClientT]):
    """Base of the paginators.

    Args:
        client: a `Client` or `AsyncClient`, or any object with their `get`.
        path: such as `/api/v1/edc/studies/ABC-01/records`.
        params: further query parameters.
        page_size: rows per request, from 1.
        page_param, size_param: names of the query parameters for the page number, from 0, and the page size.
        data_key: the member of an answer that holds the rows.
        metadata_key: the member that holds `pagination`, unless it stands beside the rows.
    """

    def __init__(
        self,
        client: ClientT,
        path: str,
        params: dict[str, Any] | None = None,
        page_size: int = DEFAULT_PAGE_SIZE,
        page_param: str = "page",
        size_param: str = "size",
        data_key: str = "data",
        metadata_key: str = "metadata",
    ) -> None:
        if type(page_size) is not int or page_size < 1:
            raise ArgumentError("page_size must be a whole number, at least 1")
        self.client = client
        self.path = path
        self._name = str(path).partition("?")[0]  # for messages; a query may hold data of a person
        self.params = dict(params or {})
        self.page_size = page_size
        self.page_param = page_param
        self.size_param = size_param
        self.data_key = data_key
        self.metadata_key = metadata_key
        self._cursor: int | None = 0
        self._total: int | None = None
        self._read = 0

    @property
    def cursor(self) -> int | None:
        """The number of the next page, from 0; `None` after the last one."""
        return self._cursor

    def _begin(self) -> None:
        self._cursor, self._total, self._read = 0, None, 0

    def _query(self) -> dict[str, Any]:
        return {**self.params, self.page_param: self._cursor, self.size_param: self.page_size}

    def _rows(self, response: httpx.Response) -> list[Any]:
        """The rows of one answer. Raises `httpx.DecodingError` where it is not JSON, so that the request is retried."""
        body = decoded(response)
        metadata = body.get(self.metadata_key) if isinstance(body, dict) else None
        hidden = hidden_failure(metadata, response, None)
        if hidden is not None:
            raise hidden
        rows = body.get(self.data_key) if isinstance(body, dict) else None
        if not isinstance(rows, list):
            error = PaginationError(f"{self._name}: the answer holds no list of rows ({self.data_key!r})")
            raise UnsoundAnswer(error, response)
        inner = metadata.get("pagination") if isinstance(metadata, dict) else None
        try:
            page = page_of(
                self.path, body.get("pagination", inner), rows, list(range(len(rows))), metadata, frozenset()
            )
            check_page(self._name, page, str(self._cursor))
        except PaginationError as error:
            raise UnsoundAnswer(error, response) from None
        self._advance(page)
        return rows

    def _foreign_rows(self, response: httpx.Response) -> list[Any]:
        """The rows of a response from a client that is not ours; failures raise the errors of the SDK."""
        try:
            response.request  # noqa: B018  (errors name it)
        except RuntimeError:
            response.request = httpx.Request("GET", f"https://client.invalid{self._name}")
        if not response.is_success:
            raise failure(response, study_key=None, attempts=1)
        try:
            return self._rows(response)
        except UnsoundAnswer as unsound:
            error: ImednetError = unsound.error
        except httpx.DecodingError as unreadable:
            error = InvalidAnswerError(f"{self._name}: {unreadable}. Nothing was read. Next: check the client")
        raise error

    def _advance(self, page: Page) -> None:
        if self._total not in (None, page.total):
            raise PaginationError(
                f"{self._name}: the total changed from {self._total} to {page.total} between two pages, so rows may be "
                "missing. Next: read again, or use the endpoint of the SDK, which reads again what moved"
            )
        self._total = page.total
        self._read += len(page.rows)
        self._cursor = page.number + 1 if page.number + 1 < page.total_pages else None
        if self._cursor is None and self._read != page.total:
            raise PaginationError(f"{self._name}: only {self._read} of {page.total} rows came")


class _PlainList(BasePaginator[Any]):
    """A paginator for answers that are a plain list: all rows come at once."""

    def _query(self) -> dict[str, Any]:
        return dict(self.params)

    def _rows(self, response: httpx.Response) -> list[Any]:
        body = decoded(response)
        if not isinstance(body, list):
            hidden = hidden_failure(body.get(self.metadata_key) if isinstance(body, dict) else None, response, None)
            if hidden is not None:
                raise hidden
            raise PaginationError(f"{self._name}: the answer is not a list")
        self._cursor = None
        return body


class AsyncPaginator(BasePaginator[AsyncRequestorProtocol]):
    """Rows of a list as decoded JSON, page after page; each `async for` loop begins at the first page.

    Raises:
        PaginationError: the numbers of the pages contradict each other.
    """

    async def __aiter__(self) -> AsyncIterator[Any]:
        self._begin()
        read = cast(Any, self.client).read if isinstance(self.client, HTTPClientBase) else None  # inside its retry loop
        while self._cursor is not None:
            if read is not None:
                rows = await read(self.path, self._rows, params=self._query())
            else:
                rows = self._foreign_rows(await self.client.get(self.path, params=self._query()))
            for row in rows:
                yield row


class AsyncJsonListPaginator(_PlainList, AsyncPaginator):
    """Rows of an answer that is a plain list."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class Paginator(BasePaginator[RequestorProtocol]):
    """Rows of a list as decoded JSON, page after page; each `for` loop begins at the first page.

    Raises:
        PaginationError: the numbers of the pages contradict each other.
    """

    def __iter__(self) -> Iterator[Any]:
        self._begin()
        read = cast(Any, self.client).read if isinstance(self.client, HTTPClientBase) else None  # inside its retry loop
        while self._cursor is not None:
            if read is not None:
                rows = read(self.path, self._rows, params=self._query())
            else:
                rows = self._foreign_rows(self.client.get(self.path, params=self._query()))
            yield from rows


class JsonListPaginator(_PlainList, Paginator):
    """Rows of an answer that is a plain list."""
