"""What the blocking and the asynchronous client share."""

from __future__ import annotations

import json
from abc import ABC
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import httpx

from imednet_api.types import UNSET, Request

from ..auth import AuthStrategy
from ..constants import DEFAULT_BACKOFF_FACTOR, DEFAULT_MAX_IN_FLIGHT, DEFAULT_RETRIES, DEFAULT_TIMEOUT
from ..errors import ArgumentError, ConfigurationError, LifecycleError
from ..utils.url import redact_url_query
from .base_client import BaseClient
from .http import RetryPlan
from .retry import DefaultRetryPolicy, RetryPolicy

ClientT = TypeVar("ClientT", bound="httpx.Client | httpx.AsyncClient")
ExecutorT = TypeVar("ExecutorT")
T = TypeVar("T")


class HTTPClientBase(BaseClient, ABC, Generic[ClientT, ExecutorT]):
    """Everything about a client but the moving of bytes.

    Args:
        retry_policy: decides whether a request is sent again; `DefaultRetryPolicy` unless given.
        http_client: your own `httpx` client (proxy, mTLS, tests). It is used and not closed; its own timeout counts
            where none is given here, and its log shows the addresses it is given, values of filters included.
        max_in_flight: requests under way at once.
    """

    _http: ClientT
    _executor: ExecutorT

    def __init__(
        self,
        api_key: str | None = None,
        security_key: str | None = None,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff_factor: float = DEFAULT_BACKOFF_FACTOR,
        tracer: Any | None = None,
        retry_policy: RetryPolicy | None = None,
        auth: AuthStrategy | None = None,
        *,
        http_client: ClientT | None = None,
        max_in_flight: int = DEFAULT_MAX_IN_FLIGHT,
    ) -> None:
        super().__init__(api_key, security_key, base_url, timeout, retries, backoff_factor, tracer, auth)
        if type(max_in_flight) is not int or max_in_flight < 1:
            raise ConfigurationError("max_in_flight must be a whole number, at least 1")
        self.max_in_flight = max_in_flight
        self._timeout_given = timeout != DEFAULT_TIMEOUT
        self._retry_policy = retry_policy or DefaultRetryPolicy()
        self._owns_http = http_client is None
        try:
            self._http = http_client if http_client is not None else self._make_http()
        except Exception as error:  # noqa: BLE001  (httpx reads proxies and certificates from the environment)
            raise ConfigurationError(
                f"no HTTP client can be made ({type(error).__name__}). Next: check the proxy and certificate variables "
                "of the environment (HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE)"
            ) from None
        self._executor = self._make_executor()

    def _make_http(self) -> ClientT:
        raise TypeError("use Client or AsyncClient")

    def _make_executor(self) -> ExecutorT:
        raise TypeError("use Client or AsyncClient")

    @property
    def retry_policy(self) -> RetryPolicy:
        """Decides whether a request is sent again; can be set at any time."""
        return self._retry_policy

    @retry_policy.setter
    def retry_policy(self, policy: RetryPolicy) -> None:
        self._retry_policy = policy

    def settings(self) -> dict[str, Any]:
        """What makes a client like this one elsewhere, keys and a caller's own `httpx` client apart."""
        return {
            "base_url": self.base_url,
            "timeout": self.timeout,
            "retries": self.retries,
            "backoff_factor": self.backoff_factor,
            "retry_policy": self._retry_policy,
            "max_in_flight": self.max_in_flight,
        }

    def _plan(self, method: str) -> RetryPlan:
        return RetryPlan(self._retry_policy, self.retries, self.backoff_factor, method)

    def _arguments(self, path: str, query: Any, headers: Mapping[str, str], body: Any) -> dict[str, Any]:
        """Arguments for `httpx`, the same for both clients."""
        merged = QuietHeaders({**self.headers(), **headers})
        for name, value in merged.items():
            if not value.isascii() or not value.isprintable() or not value.strip():
                raise ArgumentError(f"header {name} is empty or holds a character that no header can carry")
        arguments: dict[str, Any] = {"url": self.url(path), "headers": merged}
        if self._owns_http or self._timeout_given:
            arguments["timeout"] = self.timeout
        if query:
            arguments["params"] = query
        if body is not UNSET:
            arguments["content"] = encoded(body)
        return arguments

    def _request(self, method: str, arguments: dict[str, Any]) -> httpx.Request:
        """The request for `httpx`.

        With a client of our own its address tells no values when it is logged; a caller's own client and transport
        may use the text of the address, so they get it plain.
        """
        request = self._http.build_request(method, **arguments)
        if self._owns_http:
            request.url = QuietURL(request.url)
        return request

    def _request_arguments(self, request: Request) -> dict[str, Any]:
        return self._arguments(request.path, list(request.query), dict(request.headers), request.body)


class QuietURL(httpx.URL):
    """An address that travels whole and is written without values: httpx logs the address of every request, and the
    values of a filter can be data of a person. Equal to the plain address it stands for.
    """

    def __eq__(self, other: object) -> bool:
        return httpx.URL(self) == (httpx.URL(other) if isinstance(other, httpx.URL) else other)

    def __hash__(self) -> int:
        return hash(httpx.URL(self))

    def __str__(self) -> str:
        return redact_url_query(super().__str__())

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"


class QuietHeaders(dict[str, str]):
    """Headers whose `repr` tells no value: tracebacks that show local variables show it."""

    def __repr__(self) -> str:
        return f"QuietHeaders({', '.join(self)})"


def encoded(body: Any) -> bytes:
    """A body as JSON. Raises ArgumentError, which never holds the body, when it cannot be written."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        what = type(error).__name__
    raise ArgumentError(
        f"the body cannot be written as JSON ({what}): send text, numbers, booleans, lists and None; dates as text"
    )


def refuse_closed(closed: bool) -> None:
    """Raise LifecycleError when a client is used after it was closed."""
    if closed:
        raise LifecycleError("the SDK is closed: use it inside its `with` block, or make a new one")


def untouched(response: httpx.Response) -> None:
    """A reader that reads nothing: for callers who want the response itself."""


Reader = Callable[[httpx.Response], T]
