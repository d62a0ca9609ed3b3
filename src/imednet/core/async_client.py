"""An asynchronous client: sends requests and reads their responses. What is sent again is decided in `transport`."""

from __future__ import annotations

import asyncio  # async only
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from imednet_api.types import UNSET, Request

from ..errors import LifecycleError
from ..utils.quiet import QuietDict, quiet
from .concurrency import AsyncAhead, running_loop
from .http_client_base import HTTPClientBase, Reader, untouched
from .options import AS_CLIENT, CallOptions
from .transport.async_executor import AsyncRequestExecutor
from .transport.body import Collected, Exchange
from .transport.certificates import trusted
from .transport.retry_loop import foreign_errors
from .transport.time_limit import AsyncTimeLimit

if TYPE_CHECKING:
    from .concurrency import AsyncFuture

T = TypeVar("T")


class AsyncClient(HTTPClientBase[httpx.AsyncClient, AsyncRequestExecutor]):
    """A client for the tasks of one event loop; see `HTTPClientBase` for its arguments."""

    _loop: asyncio.AbstractEventLoop | None = None  # async only

    def _make_http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self.timeout, trust_env=self.uses_environment, verify=trusted(self.uses_tls))

    def _make_executor(self) -> AsyncRequestExecutor:
        self._ahead = AsyncAhead()
        self._time_limit = AsyncTimeLimit(self._drop_connections if self._owns_http else None)
        return AsyncRequestExecutor(self._pace, self.monitor)

    async def _drop_connections(self) -> None:
        """Close the connections; the next request makes new ones."""
        http = self._detach_http()
        if http is not None:
            await http.aclose()

    def _check_loop(self) -> None:  # async only
        """Raise LifecycleError in another event loop: connections belong to the loop they were made in."""
        loop = running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop and self._owns_http:
            raise LifecycleError("this SDK was used in another event loop: make one AsyncImednetSDK for each loop")

    async def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        """GET a path of the API, with the retries and errors of every other call.

        Args:
            path: such as `/api/v1/edc/studies`, or a full URL on the configured host.
            params: query parameters.
            **kwargs: `headers=`, `timeout=`, `retries=`, and other arguments of httpx's `build_request`.
        """
        params, kwargs = quiet(params), quiet(kwargs)
        response, _ = await self._send("GET", path, params, UNSET, kwargs, untouched)
        return response

    async def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        """POST to a path of the API. Never sent again after network trouble or a 5xx."""
        json, kwargs = quiet(json), quiet(kwargs)
        response, _ = await self._send("POST", path, None, UNSET if json is None else json, kwargs, untouched)
        return response

    async def read(self, path: str, read: Reader[T], params: dict[str, Any] | None = None, **kwargs: Any) -> T:
        """GET a path of the API and read the response inside the retry loop."""
        params, kwargs = quiet(params), quiet(kwargs)
        _, value = await self._send("GET", path, params, UNSET, kwargs, read)
        return value

    async def _send(
        self, method: str, path: str, query: Any, body: Any, options: dict[str, Any], read: Reader[T]
    ) -> tuple[httpx.Response, T]:
        timeout, retries, headers = (options.pop(name, None) for name in ("timeout", "retries", "headers"))
        call_options = CallOptions(timeout, retries, headers)
        arguments = QuietDict({**self._arguments(path, query, {}, body, call_options), **options})
        call = self._call(method, method, arguments, None)
        return await self._executor.run(self._plan(method, call_options), call, self._sender(method, arguments), read)

    async def fetch(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = AS_CLIENT
    ) -> T:
        """Send a request of a described operation and read the response inside the retry loop."""
        method = request.operation.method
        arguments = self._request_arguments(request, options)
        call = self._call(request.operation.name, method, arguments, study_key)
        _, value = await self._executor.run(self._plan(method, options), call, self._sender(method, arguments), read)
        return value

    def fetch_ahead(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = AS_CLIENT
    ) -> AsyncFuture[T]:
        """`fetch` in the background; neither an interrupt nor the end of the program waits for it."""
        return self._ahead.start(lambda: self.fetch(request, read, study_key, options))

    def _sender(
        self, method: str, arguments: dict[str, Any]
    ) -> Callable[[], AbstractAsyncContextManager[httpx.Response]]:
        @asynccontextmanager
        async def send() -> AsyncIterator[httpx.Response]:
            """Send and read the whole response. After an error its connection is not reused."""
            self._refuse_closed()
            self._check_loop()  # async only
            opened: httpx.Response | None = None
            exchange = self._exchange(method, arguments["url"])
            try:
                with foreign_errors(method):
                    async with self._time_limit.on(exchange):
                        request = self._request(method, arguments)
                        with self._connected(request) as http:
                            opened = await http.send(request, stream=True, follow_redirects=False)
                            for next_request in self._redirect_steps(method, arguments):
                                redirected = next_request(opened)
                                if redirected is None:
                                    break
                                await opened.aclose()
                                opened = await http.send(redirected, stream=True, follow_redirects=False, auth=None)
                            response = await _async_collected(opened, exchange)
                yield response
            except BaseException:
                if opened is not None and "network_stream" in opened.extensions:
                    await opened.extensions["network_stream"].aclose()
                raise
            finally:
                if opened is not None:
                    await opened.aclose()
                    opened.stream = httpx.ByteStream(b"")  # breaks a reference cycle that keeps a page of bytes

        return send

    async def aclose(self) -> None:
        """Close the connections, unless the `httpx` client is the caller's own."""
        await self._ahead.aclose()
        if self._owns_http:
            self._closed = True
            http = self._detach_http()
            if http is not None:
                await http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def _async_collected(opened: httpx.Response, exchange: Exchange) -> httpx.Response:
    """Read the whole body of a response, within the limits of its exchange."""
    collected = Collected(opened, exchange)
    stream = httpx.ByteStream(opened.content) if opened.is_stream_consumed else opened.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    try:
        async for data in stream:
            collected.add(data)
        return collected.response()
    except httpx.RequestError as error:
        error.request = opened.request
        raise
    except MemoryError:
        collected.clear()
        raise exchange.out_of_memory() from None
