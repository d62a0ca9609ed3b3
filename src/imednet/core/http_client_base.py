"""The base of both clients: settings, URLs and headers, redirects. `client` and `async_client` add the I/O."""

from __future__ import annotations

import json
import os
import threading
from abc import ABC
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

from imednet_api.types import UNSET, Request

from ..auth import AuthStrategy
from ..constants import (
    DEFAULT_BACKOFF_FACTOR,
    DEFAULT_MAX_IN_FLIGHT,
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_MAX_RESPONSE_SECONDS,
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT,
    HEADER_CORRELATION_ID,
)
from ..errors import ArgumentError, ConfigurationError, LifecycleError
from ..utils.quiet import QuietDict
from ..utils.url import SAFE_PARAMETERS, redact_url_query
from .base_client import BaseClient
from .monitor import Call, Monitor, RequestSent, ResponseReceived, log_as_asked
from .options import CallOptions, is_number
from .retry import DefaultRetryPolicy, RetryPolicy
from .transport.body import ACCEPTED_ENCODINGS, Exchange
from .transport.retry_loop import RetryPlan
from .transport.throttle import Pace

if TYPE_CHECKING:
    from .reading.list_call import ListCall
    from .reading.proof import Proof

ClientT = TypeVar("ClientT", bound="httpx.Client | httpx.AsyncClient")
ExecutorT = TypeVar("ExecutorT")
T = TypeVar("T")

_MOST_REDIRECTS = 5


class HTTPClientBase(BaseClient, ABC, Generic[ClientT, ExecutorT]):
    """The base of `Client` and `AsyncClient`: everything but the I/O.

    Args:
        retry_policy: decides whether a request is sent again; `DefaultRetryPolicy` unless given.
        http_client: your own `httpx` client (proxy, mTLS, tests), which is never closed. Its timeout applies unless
            one is given here, and its log shows full URLs, filter values included.
        max_in_flight: the most requests under way at once; a 429 response halves it for a while.
        requests_per_second: the highest average rate.
        allowed_hosts, allow_http, profile: see `BaseClient`.
        cache: keep lists of the study design (forms, intervals, variables, studies) that were read without a filter.
        max_response_bytes: size limit of one response, decompressed; a larger one is a `RequestError`.
        max_response_seconds: time limit of one response as a whole, where `timeout` limits each wait for bytes. With
            your own `http_client` it is enforced once the body begins; over an event loop always.
        on_request, on_response: called for each attempt, with `RequestSent` and with `ResponseReceived`; errors they
            raise are logged and ignored. They run in the middle of a request, so they must not use the SDK.
    """

    holds_blinded: bool = True
    """Whether blinded answers can be had here at all: not of a mirror that was made without them."""
    ever_blinded: Collection[tuple[str, str]] = ()
    """`formId` and name, in lower case, of variables that were blinded at any time; of a server nobody knows."""
    snapshot: str | None = None
    """The snapshot of a mirror that is read; `None` for a server, which changes while it is read."""
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
        requests_per_second: float | None = None,
        allowed_hosts: Collection[str] = (),
        allow_http: bool = False,
        profile: str | None = None,
        cache: bool = True,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        max_response_seconds: float = DEFAULT_MAX_RESPONSE_SECONDS,
        on_request: Callable[[RequestSent], object] | None = None,
        on_response: Callable[[ResponseReceived], object] | None = None,
    ) -> None:
        super().__init__(
            api_key,
            security_key,
            base_url,
            timeout,
            retries,
            backoff_factor,
            tracer,
            auth,
            allowed_hosts=allowed_hosts,
            allow_http=allow_http,
            profile=profile,
        )
        log_as_asked()
        if type(max_in_flight) is not int or max_in_flight < 1:
            raise ConfigurationError("max_in_flight must be a whole number, at least 1")
        if requests_per_second is not None and (not is_number(requests_per_second) or requests_per_second <= 0):
            raise ConfigurationError("requests_per_second must be a number above 0")
        if type(max_response_bytes) is not int or max_response_bytes < 1:
            raise ConfigurationError("max_response_bytes must be a whole number, at least 1")
        if not is_number(max_response_seconds) or max_response_seconds <= 0:
            raise ConfigurationError("max_response_seconds must be a number of seconds above 0")
        self.max_in_flight = max_in_flight
        self.max_response_bytes = max_response_bytes
        self.max_response_seconds = max_response_seconds
        self.requests_per_second = requests_per_second
        self.cache = cache
        self.monitor = Monitor(tracer, on_request, on_response)
        self._pace = Pace(max_in_flight, requests_per_second)
        self._timeout_given = timeout != DEFAULT_TIMEOUT
        self._retry_policy = retry_policy or DefaultRetryPolicy()
        self._owns_http = http_client is None
        self._httpx_client = http_client
        self._httpx_lock = threading.Lock()
        self._closed = False
        self._executor = self._make_executor()

    @property
    def _http(self) -> ClientT:
        """The `httpx` client, made at the first request: most of its cost is reading certificates."""
        with self._httpx_lock:
            if self._httpx_client is None:
                self._httpx_client = self._new_http()
            return self._httpx_client

    def _detach_http(self) -> ClientT | None:
        """Give up the `httpx` client, for the caller to close; the next request makes a new one."""
        with self._httpx_lock:
            http, self._httpx_client = self._httpx_client, None
            return http

    @contextmanager
    def _connected(self, request: httpx.Request) -> Iterator[ClientT]:
        """The `httpx` client for a request; if it is given up meanwhile, the request has lost its connection."""
        http = self._http
        try:
            yield http
        except RuntimeError:  # of httpx, for a client that was closed
            if self._closed or http is self._httpx_client:
                raise
            raise httpx.ReadError("the connections of the client were closed", request=request) from None

    def _new_http(self) -> ClientT:
        try:
            return self._make_http()
        except ConfigurationError:
            raise
        except ImportError:
            reason = "the environment names a SOCKS proxy, and httpx has no package for one"
            step = "pip install 'httpx[socks]', or name an HTTP proxy in HTTPS_PROXY or ALL_PROXY"
        except OSError:
            reason = "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read"
            step = "name a file in the PEM format"
        except Exception as error:  # noqa: BLE001  (proxies of the environment may be anything)
            reason, step = _proxy_trouble(type(error).__name__)
        raise ConfigurationError(f"no HTTP client can be made: {reason}. Next: {step}")

    def _refuse_closed(self) -> None:
        """Raise LifecycleError when the client is used after it was closed."""
        http = self._httpx_client
        if self._closed or (http is not None and http.is_closed):
            raise LifecycleError("the SDK is closed: use it inside its `with` block, or make a new one")

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

    def vouch(self, proof: Proof, call: ListCall) -> Proof:  # noqa: ARG002  (a client of a mirror looks at it)
        """The proof of a read as this client can vouch for it: a server's answers are what they are."""
        return proof

    def settings(self) -> dict[str, Any]:
        """Settings that recreate this client in another process, without keys or a custom `httpx` client."""
        return {
            "base_url": self.base_url,
            "timeout": self.timeout,
            "retries": self.retries,
            "backoff_factor": self.backoff_factor,
            "retry_policy": self._retry_policy,
            "max_in_flight": self.max_in_flight,
            "requests_per_second": self.requests_per_second,
            "allowed_hosts": self.allowed_hosts,
            "allow_http": self.allow_http,
            "profile": self.config.profile,
            "cache": self.cache,
            "max_response_bytes": self.max_response_bytes,
            "max_response_seconds": self.max_response_seconds,
        }

    def inherited(self) -> dict[str, Any]:
        """Arguments for another client in this process: settings, keys, `auth`, hooks and tracer.

        Raises:
            ArgumentError: requests go through a caller's own `httpx` client, and another one would send them otherwise.
        """
        if not self._owns_http:
            raise ArgumentError(
                "this needs a client of its own, and http_client= cannot be handed on to it. Next: pass a blocking "
                "ImednetSDK to an asynchronous function, or make the SDK without http_client="
            )
        return {
            **self.settings(),
            "api_key": self.config.api_key or None,
            "security_key": self.config.security_key or None,
            "auth": self.auth,
            "tracer": self.monitor.tracer,
            "on_request": self.monitor.on_request,
            "on_response": self.monitor.on_response,
        }

    def _plan(self, method: str, options: CallOptions) -> RetryPlan:
        retries = self.retries if options.retries is None else options.retries
        return RetryPlan(self._retry_policy, retries, self.backoff_factor, method, self._pace)

    def _arguments(
        self, path: str, query: Any, headers: Mapping[str, str], body: Any, options: CallOptions
    ) -> dict[str, Any]:
        """Keyword arguments for `httpx`, the same for both clients."""
        url = self.url(path)
        packed = {"Accept-Encoding": ACCEPTED_ENCODINGS}
        merged = QuietHeaders({**packed, **self.headers(url), **headers, **(options.headers or {})})
        if HEADER_CORRELATION_ID not in map(str.lower, merged):
            merged[HEADER_CORRELATION_ID] = os.urandom(8).hex()
        for name, value in merged.items():
            if not value.isascii() or not value.isprintable() or not value.strip():
                raise ArgumentError(f"header {name} is empty or holds a character that no header can carry")
        arguments: dict[str, Any] = QuietDict({"url": url, "headers": merged})
        if options.timeout is not None or self._owns_http or self._timeout_given:
            arguments["timeout"] = self.timeout if options.timeout is None else options.timeout
        if query:
            arguments["params"] = query
        if body is not UNSET:
            arguments["content"] = encoded(body)
        return arguments

    def _request(self, method: str, arguments: dict[str, Any]) -> httpx.Request:
        """The request for `httpx`.

        A client of our own gets a `QuietURL`, because httpx logs URLs; a caller's own client and transport may use
        the text of the URL, so they get the plain one.
        """
        if not self.is_home(arguments["url"]):  # without headers and cookies of a caller's client
            timeout = httpx.Timeout(arguments.get("timeout", self.timeout)).as_dict()
            without_timeout = {name: value for name, value in arguments.items() if name != "timeout"}
            return httpx.Request(method, **without_timeout, extensions={"timeout": timeout})
        request = self._http.build_request(method, **arguments)
        if self._owns_http:
            request.url = QuietURL(request.url)
        return request

    def _request_arguments(self, request: Request, options: CallOptions) -> dict[str, Any]:
        return self._arguments(request.path, list(request.query), dict(request.headers), request.body, options)

    def _exchange(self, method: str, url: str) -> Exchange:
        return Exchange(method, httpx.URL(url), self.max_response_bytes, self.max_response_seconds)

    def _call(self, name: str, method: str, arguments: dict[str, Any], study_key: str | None) -> Call:
        """The call these arguments make, as logs and errors name it: values of parameters are masked."""
        url = redact_url_query(arguments["url"])
        if arguments.get("params"):
            pairs = httpx.QueryParams(arguments["params"]).multi_items()  # masked one by one: a value may hold an &
            url += "?" + "&".join(f"{key}={value if key in SAFE_PARAMETERS else '***'}" for key, value in pairs)
        sent = arguments["headers"]
        correlation_id = next(value for header, value in sent.items() if header.lower() == HEADER_CORRELATION_ID)
        return Call(name, method, url, study_key, correlation_id)

    def _redirect_steps(self, method: str, arguments: dict[str, Any]) -> Iterator[Callable[[httpx.Response], Any]]:
        """Functions from a response to the next request, or `None`: one for each redirect that may be followed."""
        current = arguments

        def next_request(response: httpx.Response) -> httpx.Request | None:
            nonlocal current
            redirected = self._redirect_arguments(method, current, response)
            if redirected is None:
                return None
            current = redirected
            return self._request(method, current)

        return repeat(next_request, _MOST_REDIRECTS)

    def _redirect_arguments(
        self, method: str, arguments: dict[str, Any], response: httpx.Response
    ) -> dict[str, Any] | None:
        """Arguments for the URL a response redirects to; `None` where it does not redirect, or not to an allowed host.

        Only requests that change nothing follow redirects. The keys stay with the configured host. A redirect there
        that drops a part of the query is refused: without the filter or the page the answer would be another list.
        """
        location = response.headers.get("location")
        if method not in ("GET", "HEAD") or not response.is_redirect or not location:
            return None
        try:
            target = httpx.URL(arguments["url"]).join(location)
        except httpx.InvalidURL:
            return None
        url = str(target)
        headers = arguments["headers"]
        if not self.is_home(url):
            if not self.is_allowed(url):
                return None
            headers = self.headers(url)  # none that was meant for the configured host
        elif not set(response.request.url.params.multi_items()) <= set(target.params.multi_items()):
            return None
        without_params = {name: value for name, value in arguments.items() if name != "params"}
        return QuietDict({**without_params, "url": url, "headers": QuietHeaders(headers)})


def _proxy_trouble(kind: str) -> tuple[str, str]:
    """The proxy variable that `httpx` cannot read, and what to do. Shows hosts only, since URLs may hold a password."""
    for variable in ("NO_PROXY", "no_proxy"):
        for host in filter(None, map(str.strip, os.environ.get(variable, "").split(","))):
            if "[" in host or ("/" in host and ":" in host):
                return f"{variable} holds {host!r}, which httpx cannot read", "write an IPv6 address alone, such as ::1"
    return f"a proxy of the environment cannot be used ({kind})", "check HTTPS_PROXY and ALL_PROXY (http://host:port)"


class QuietURL(httpx.URL):
    """A URL that is sent whole and printed with the values of its query masked; equal to the plain URL.

    httpx logs the URL of every request, and filter values can be data of a person.
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
    """Headers whose `repr` shows names only, for tracebacks that print local variables."""

    def __repr__(self) -> str:
        return f"QuietHeaders({', '.join(self)})"


def encoded(body: Any) -> bytes:
    """A body as JSON bytes. Raises ArgumentError, which never holds the body, when it cannot be encoded."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        kind = type(error).__name__
    raise ArgumentError(
        f"the body cannot be written as JSON ({kind}): send text, numbers, booleans, lists and None; dates as text"
    )


def untouched(response: httpx.Response) -> None:
    """Read nothing, for callers who want the response itself."""


Reader = Callable[[httpx.Response], T]
"""Turns a response into a value, inside the retry loop."""
