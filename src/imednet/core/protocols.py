"""Protocols of the clients that endpoints and paginators use, so that tests and users can bring their own."""

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
    from .reading.list_call import ListCall
    from .reading.proof import Proof

T = TypeVar("T")


class AsyncRequestorProtocol(Protocol):
    """The part of an asynchronous client that paginators use."""

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
    """The part of an asynchronous client that endpoints use: responses are read inside the retry loop."""

    base_url: str
    max_in_flight: int
    cache: bool

    def read(self, path: str, read: Reader[T], params: dict[str, Any] | None = None, **kwargs: Any) -> Awaitable[T]:
        """GET a path and read the response inside the retry loop."""
        ...  # pragma: no cover

    def fetch(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...
    ) -> Awaitable[T]:
        """Send a request of a described operation and read the response."""
        ...  # pragma: no cover

    def fetch_ahead(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...
    ) -> AsyncFuture[T]:
        """`fetch` in the background."""
        ...  # pragma: no cover

    def vouch(self, proof: Proof, call: ListCall) -> Proof:
        """The proof of a read as this client can vouch for it."""
        ...  # pragma: no cover


class ClientProvider(Protocol):
    """Provides both clients, blocking and asynchronous."""

    def get_sync_client(self) -> ReadingClient:
        """The blocking client."""
        ...  # pragma: no cover

    def get_async_client(self) -> AsyncReadingClient:
        """The asynchronous client."""
        ...  # pragma: no cover


class ParamProcessor(Protocol):
    """Separates filters that are query parameters of their own from those of the filter expression."""

    def process_filters(self, filters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The filters for the expression, and the parameters beside it."""
        ...  # pragma: no cover


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class RequestorProtocol(Protocol):
    """The part of a blocking client that paginators use."""

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
    """The part of a blocking client that endpoints use: responses are read inside the retry loop."""

    base_url: str
    max_in_flight: int
    cache: bool

    def read(self, path: str, read: Reader[T], params: dict[str, Any] | None = None, **kwargs: Any) -> T:
        """GET a path and read the response inside the retry loop."""
        ...  # pragma: no cover

    def fetch(self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...) -> T:
        """Send a request of a described operation and read the response."""
        ...  # pragma: no cover

    def fetch_ahead(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = ...
    ) -> Future[T]:
        """`fetch` in the background."""
        ...  # pragma: no cover

    def vouch(self, proof: Proof, call: ListCall) -> Proof:
        """The proof of a read as this client can vouch for it."""
        ...  # pragma: no cover
