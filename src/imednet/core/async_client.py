"""The asynchronous client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from imednet_api.types import UNSET, Request

from ..errors import LifecycleError
from ..utils.quiet import QuietDict, quiet
from .http_client_base import HTTPClientBase, Reader, untouched
from .options import AS_CLIENT, CallOptions
from .transport.async_executor import AsyncRequestExecutor
from .transport.body import Collected, Exchange
from .transport.certificates import trusted
from .transport.executor import foreign_errors

T = TypeVar("T")


class AsyncClient(HTTPClientBase[httpx.AsyncClient, AsyncRequestExecutor]):
    """Sends requests over an event loop."""

    _loop: asyncio.AbstractEventLoop | None = None

    def _make_http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self.timeout, trust_env=self.uses_environment, verify=trusted(self.uses_tls))

    def _check_loop(self) -> None:
        """Connections belong to the loop they were made in."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop and self._owns_http:
            raise LifecycleError("this SDK was used in another event loop: make one AsyncImednetSDK for each loop")

    def _make_executor(self) -> AsyncRequestExecutor:
        return AsyncRequestExecutor(self._pace, self.monitor)

    async def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        """GET a path of the API; see `Client.get`."""
        params, kwargs = quiet(params), quiet(kwargs)
        response, _ = await self._send("GET", path, params, UNSET, kwargs, untouched)
        return response

    async def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        """POST to a path of the API. Never sent again after network trouble or a 5xx."""
        json, kwargs = quiet(json), quiet(kwargs)
        response, _ = await self._send("POST", path, None, UNSET if json is None else json, kwargs, untouched)
        return response

    async def read(self, path: str, read: Reader[T], params: dict[str, Any] | None = None, **kwargs: Any) -> T:
        """GET a path of the API and read the answer inside the retry loop."""
        params, kwargs = quiet(params), quiet(kwargs)
        _, value = await self._send("GET", path, params, UNSET, kwargs, read)
        return value

    async def _send(
        self, method: str, path: str, query: Any, body: Any, options: dict[str, Any], read: Reader[T]
    ) -> tuple[httpx.Response, T]:
        wanted = CallOptions(options.pop("timeout", None), options.pop("retries", None), options.pop("headers", None))
        arguments = QuietDict({**self._arguments(path, query, {}, body, wanted), **options})
        call = self._call(method, method, arguments, None)
        plan = self._plan(method, wanted)
        return await self._executor.run(plan, call, self._sender(method, arguments), read)

    async def fetch(
        self, request: Request, read: Reader[T], study_key: str | None = None, options: CallOptions = AS_CLIENT
    ) -> T:
        """Send a request of the description and read the answer inside the retry loop."""
        method = request.operation.method
        arguments = self._request_arguments(request, options)
        call = self._call(request.operation.name, method, arguments, study_key)
        _, value = await self._executor.run(self._plan(method, options), call, self._sender(method, arguments), read)
        return value

    def _sender(
        self, method: str, arguments: dict[str, Any]
    ) -> Callable[[], AbstractAsyncContextManager[httpx.Response]]:
        @asynccontextmanager
        async def send() -> AsyncIterator[httpx.Response]:
            """The answer, read whole. If it turns out to be unsound, its connection is not used again."""
            self._refuse_closed()
            self._check_loop()
            opened: httpx.Response | None = None
            exchange = self._exchange(method, arguments["url"])
            try:
                with foreign_errors(method):
                    try:
                        async with asyncio.timeout(exchange.seconds) as limit:
                            first = self._request(method, arguments)
                            opened = await self._http.send(first, stream=True, follow_redirects=False)
                            for further in self._led_on(method, arguments):
                                request = further(opened)
                                if request is None:
                                    break
                                await opened.aclose()
                                opened = await self._http.send(request, stream=True, follow_redirects=False, auth=None)
                            response = await _collected(opened, exchange)
                    except TimeoutError:
                        if not limit.expired():
                            raise  # a transport's or a hook's own
                        raise exchange.too_slow() from None
                yield response
            except BaseException:
                if opened is not None and "network_stream" in opened.extensions:
                    await opened.extensions["network_stream"].aclose()
                raise
            finally:
                if opened is not None:
                    await opened.aclose()
                    opened.stream = httpx.ByteStream(b"")  # the two hold each other, and with them a page of bytes

        return send

    async def aclose(self) -> None:
        """Close the connections, unless the `httpx` client is the caller's own."""
        if self._owns_http:
            self._closed = True
            if self._made is not None:
                await self._made.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def _collected(opened: httpx.Response, exchange: Exchange) -> httpx.Response:
    """An answer with all its bytes."""
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
