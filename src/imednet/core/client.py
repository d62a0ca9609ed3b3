"""The blocking client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from imednet_api.types import UNSET, Request

from ..utils.quiet import QuietDict, quiet
from .http_client_base import HTTPClientBase, Reader, untouched
from .options import AS_CLIENT, CallOptions
from .transport.body import Collected, Exchange
from .transport.certificates import trusted
from .transport.executor import SyncRequestExecutor, foreign_errors
from .transport.watchdog import Watchdog

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

_LAST_SECOND = 1.0


class Client(HTTPClientBase[httpx.Client, SyncRequestExecutor]):
    """Sends requests over blocking I/O. Safe to share between threads."""

    def _make_http(self) -> httpx.Client:
        return httpx.Client(timeout=self.timeout, trust_env=self.uses_environment, verify=trusted(self.uses_tls))

    def _close_http(self) -> None:
        """Close the connections; the next request makes new ones."""
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def _make_executor(self) -> SyncRequestExecutor:
        self._ahead: set[Future[Any]] = set()
        self._watchdog = Watchdog(self._close_http) if self._owns_http else None
        return SyncRequestExecutor(self._pace, self.monitor)

    def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        """GET a path of the API; retried, and failures raised, as everywhere.

        Args:
            path: such as `/api/v1/edc/studies`, or a whole address on the configured host.
            params: query parameters.
            **kwargs: `headers=`, `timeout=` and other arguments of `httpx.Client.build_request`.
        """
        params, kwargs = quiet(params), quiet(kwargs)
        response, _ = self._send("GET", path, params, UNSET, kwargs, untouched)
        return response

    def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        """POST to a path of the API. Never sent again after network trouble or a 5xx."""
        json, kwargs = quiet(json), quiet(kwargs)
        response, _ = self._send("POST", path, None, UNSET if json is None else json, kwargs, untouched)
        return response

    def read(self, path: str, read: Reader[T], params: dict[str, Any] | None = None, **kwargs: Any) -> T:
        """GET a path of the API and read the answer inside the retry loop."""
        params, kwargs = quiet(params), quiet(kwargs)
        _, value = self._send("GET", path, params, UNSET, kwargs, read)
        return value

    def _send(
        self, method: str, path: str, query: Any, body: Any, options: dict[str, Any], read: Reader[T]
    ) -> tuple[httpx.Response, T]:
        wanted = CallOptions(options.pop("timeout", None), options.pop("retries", None), options.pop("headers", None))
        arguments = QuietDict({**self._arguments(path, query, {}, body, wanted), **options})
        call = self._call(method, method, arguments, None)
        plan = self._plan(method, wanted)
        return self._executor.run(plan, call, self._sender(method, arguments), read)

    def fetch(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = AS_CLIENT
    ) -> T:
        """Send a request of the description and read the answer inside the retry loop."""
        method = request.operation.method
        arguments = self._request_arguments(request, options)
        call = self._call(request.operation.name, method, arguments, study_key)
        _, value = self._executor.run(self._plan(method, options), call, self._sender(method, arguments), read)
        return value

    def fetch_ahead(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = AS_CLIENT
    ) -> Future[T]:
        """`fetch` in a daemon thread: an interrupt or the end of the program does not wait for an answer."""
        from concurrent.futures import Future

        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(self.fetch(request, read, study_key, options))
            except BaseException as error:  # noqa: BLE001  (handed to whoever waits for the result)
                future.set_exception(error)
            finally:
                self._ahead.discard(future)

        self._ahead.add(future)
        threading.Thread(target=run, daemon=True, name="imednet-ahead").start()
        return future

    def _sender(self, method: str, arguments: dict[str, Any]) -> Callable[[], AbstractContextManager[httpx.Response]]:
        @contextmanager
        def send() -> Iterator[httpx.Response]:
            """The answer, read whole. If it turns out to be unsound, its connection is not used again."""
            self._refuse_closed()
            opened: httpx.Response | None = None
            exchange = self._exchange(method, arguments["url"])
            try:
                with foreign_errors(method), self._in_time(exchange):
                    opened = self._http.send(self._request(method, arguments), stream=True, follow_redirects=False)
                    for further in self._led_on(method, arguments):
                        request = further(opened)
                        if request is None:
                            break
                        opened.close()
                        opened = self._http.send(request, stream=True, follow_redirects=False, auth=None)
                    response = _collected(opened, exchange)
                yield response
            except BaseException:
                if opened is not None and "network_stream" in opened.extensions:
                    opened.extensions["network_stream"].close()
                raise
            finally:
                if opened is not None:
                    opened.close()
                    opened.stream = httpx.ByteStream(b"")  # the two hold each other, and with them a page of bytes

        return send

    @contextmanager
    def _in_time(self, exchange: Exchange) -> Iterator[None]:
        """Let a request end when its time is over, with the error of that."""
        try:
            with self._watchdog.watching(exchange.expires) if self._watchdog else nullcontext():
                yield
        except httpx.RequestError:
            exchange.check_time()
            raise

    def close(self) -> None:
        """Close the connections, unless the `httpx` client is the caller's own.

        Requests that were asked ahead and are no longer needed get a second to end, so that no socket stays open.
        """
        if self._ahead:
            from concurrent.futures import wait

            wait(tuple(self._ahead), timeout=_LAST_SECOND)
        if self._owns_http:
            self._closed = True
            if self._made is not None:
                self._made.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _collected(opened: httpx.Response, exchange: Exchange) -> httpx.Response:
    """An answer with all its bytes."""
    collected = Collected(opened, exchange)
    stream = httpx.ByteStream(opened.content) if opened.is_stream_consumed else opened.stream
    assert isinstance(stream, httpx.SyncByteStream)
    try:
        for data in stream:
            collected.add(data)
        return collected.response()
    except httpx.RequestError as error:
        error.request = opened.request
        raise
    except MemoryError:
        collected.clear()
        raise exchange.out_of_memory() from None
