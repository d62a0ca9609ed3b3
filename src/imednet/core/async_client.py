"""The asynchronous client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakKeyDictionary

import httpx

from imednet_api.types import UNSET, Request

from ..errors import LifecycleError
from .http import AsyncRequestExecutor, foreign_errors
from .http_client_base import HTTPClientBase, Reader, refuse_closed, untouched

T = TypeVar("T")


class AsyncClient(HTTPClientBase[httpx.AsyncClient, AsyncRequestExecutor]):
    """Sends requests over an event loop."""

    _loop: asyncio.AbstractEventLoop | None = None

    def _make_http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self.timeout, trust_env=self.uses_environment)

    def _check_loop(self) -> None:
        """Connections belong to the loop they were made in."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop and self._owns_http:
            raise LifecycleError("this SDK was used in another event loop: make one AsyncImednetSDK for each loop")

    def _make_executor(self) -> AsyncRequestExecutor:
        gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

        def slots() -> asyncio.Semaphore:
            # A semaphore belongs to the loop it waits in; with a caller's own httpx client there may be several.
            return gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self.max_in_flight))

        return AsyncRequestExecutor(slots)

    async def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        """GET a path of the API; see `Client.get`."""
        return await self._send("GET", path, params, UNSET, kwargs)

    async def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        """POST to a path of the API. Never sent again after network trouble or a 5xx."""
        return await self._send("POST", path, None, UNSET if json is None else json, kwargs)

    async def _send(self, method: str, path: str, query: Any, body: Any, options: dict[str, Any]) -> httpx.Response:
        arguments = self._arguments(path, query, options.pop("headers", None) or {}, body) | options
        response, _ = await self._executor.run(self._plan(method), self._sender(method, arguments), untouched, None)
        return response

    async def fetch(self, request: Request, read: Reader[T], study_key: str | None = None) -> T:
        """Send a request of the description and read the answer inside the retry loop."""
        method = request.operation.method
        arguments = self._request_arguments(request)
        _, value = await self._executor.run(self._plan(method), self._sender(method, arguments), read, study_key)
        return value

    def _sender(self, method: str, arguments: dict[str, Any]) -> Callable[[], Awaitable[httpx.Response]]:
        async def send() -> httpx.Response:
            refuse_closed(self._http.is_closed)
            self._check_loop()
            with foreign_errors(method):
                return await self._http.send(self._request(method, arguments), follow_redirects=False)

        return send

    async def aclose(self) -> None:
        """Close the connections, unless the `httpx` client is the caller's own."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
