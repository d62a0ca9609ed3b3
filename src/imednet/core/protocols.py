"""What endpoints need of a client, so that tests and users can bring their own."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import httpx

from imednet_api.types import Request

from .http_client_base import Reader
from .options import CallOptions
from .retry import RetryPolicy

if TYPE_CHECKING:
    from .concurrency import AsyncFuture, Future

T = TypeVar("T")


class AsyncRequestorProtocol(Protocol):
    """An asynchronous client, as far as paginators need one."""

    @property
    def retry_policy(self) -> RetryPolicy:
        """Decides whether a request is sent again."""
        ...  # pragma: no cover

    def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> Awaitable[httpx.Response]:
        """GET a path."""
        ...  # pragma: no cover

    def post(self, path: str, json: Any | None = None, **kwargs: Any) -> Awaitable[httpx.Response]:
        """POST to a path."""
        ...  # pragma: no cover

    def aclose(self) -> Awaitable[None]:
        """Close the connections."""
        ...  # pragma: no cover


class AsyncReadingClient(AsyncRequestorProtocol, Protocol):
    """An asynchronous client, as endpoints need one: an answer is read inside the retry loop."""

    max_in_flight: int
    cache: bool

    def read(self, path: str, read: Reader[T], params: dict[str, Any] | None = None, **kwargs: Any) -> Awaitable[T]:
        """GET a path and read its answer inside the retry loop."""
        ...  # pragma: no cover

    def fetch(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...
    ) -> Awaitable[T]:
        """Send a request of the description and read its answer."""
        ...  # pragma: no cover

    def fetch_ahead(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...
    ) -> AsyncFuture[T]:
        """`fetch` in the background."""
        ...  # pragma: no cover


class ClientProvider(Protocol):
    """Gives the clients that an endpoint sends with, blocking and asynchronous."""

    def get_sync_client(self) -> ReadingClient:
        """The blocking client."""
        ...  # pragma: no cover

    def get_async_client(self) -> AsyncReadingClient:
        """The asynchronous client."""
        ...  # pragma: no cover


class ParamProcessor(Protocol):
    """Takes filters that are parameters of their own out of the filters of a list."""

    def process_filters(self, filters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The filters that go into the expression, and the parameters that go beside it."""
        ...  # pragma: no cover


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class RequestorProtocol(Protocol):
    """A blocking client, as far as paginators need one."""

    @property
    def retry_policy(self) -> RetryPolicy:
        """Decides whether a request is sent again."""
        ...  # pragma: no cover

    def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        """GET a path."""
        ...  # pragma: no cover

    def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        """POST to a path."""
        ...  # pragma: no cover

    def close(self) -> None:
        """Close the connections."""
        ...  # pragma: no cover


class ReadingClient(RequestorProtocol, Protocol):
    """A blocking client, as endpoints need one: an answer is read inside the retry loop."""

    max_in_flight: int
    cache: bool

    def read(self, path: str, read: Reader[T], params: dict[str, Any] | None = None, **kwargs: Any) -> T:
        """GET a path and read its answer inside the retry loop."""
        ...  # pragma: no cover

    def fetch(self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...) -> T:
        """Send a request of the description and read its answer."""
        ...  # pragma: no cover

    def fetch_ahead(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...
    ) -> Future[T]:
        """`fetch` in the background."""
        ...  # pragma: no cover
