"""The blocking client."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from imednet_api.types import UNSET, Request

from .http import SyncRequestExecutor, foreign_errors
from .http_client_base import HTTPClientBase, Reader, refuse_closed, untouched

T = TypeVar("T")

_LAST_SECOND = 1.0


class Client(HTTPClientBase[httpx.Client, SyncRequestExecutor]):
    """Sends requests over blocking I/O. Safe to share between threads."""

    def _make_http(self) -> httpx.Client:
        return httpx.Client(timeout=self.timeout, trust_env=self.uses_environment)

    def _make_executor(self) -> SyncRequestExecutor:
        self._ahead: set[Future[Any]] = set()
        return SyncRequestExecutor(threading.BoundedSemaphore(self.max_in_flight))

    def get(self, path: str, params: dict[str, Any] | None = None, **kwargs: Any) -> httpx.Response:
        """GET a path of the API; retried, and failures raised, as everywhere.

        Args:
            path: such as `/api/v1/edc/studies`, or a whole address on the configured host.
            params: query parameters.
            **kwargs: `headers=`, `timeout=` and other arguments of `httpx.Client.build_request`.
        """
        return self._send("GET", path, params, UNSET, kwargs)

    def post(self, path: str, json: Any | None = None, **kwargs: Any) -> httpx.Response:
        """POST to a path of the API. Never sent again after network trouble or a 5xx."""
        return self._send("POST", path, None, UNSET if json is None else json, kwargs)

    def _send(self, method: str, path: str, query: Any, body: Any, options: dict[str, Any]) -> httpx.Response:
        arguments = self._arguments(path, query, options.pop("headers", None) or {}, body) | options
        response, _ = self._executor.run(self._plan(method), self._sender(method, arguments), untouched, None)
        return response

    def fetch(self, request: Request, read: Reader[T], study_key: str | None = None) -> T:
        """Send a request of the description and read the answer inside the retry loop."""
        method = request.operation.method
        arguments = self._request_arguments(request)
        _, value = self._executor.run(self._plan(method), self._sender(method, arguments), read, study_key)
        return value

    def fetch_ahead(self, request: Request, read: Reader[T], study_key: str | None = None) -> Future[T]:
        """`fetch` in a daemon thread: an interrupt or the end of the program does not wait for an answer."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(self.fetch(request, read, study_key))
            except BaseException as error:  # noqa: BLE001  (handed to whoever waits for the result)
                future.set_exception(error)
            finally:
                self._ahead.discard(future)

        self._ahead.add(future)
        threading.Thread(target=run, daemon=True, name="imednet-ahead").start()
        return future

    def _sender(self, method: str, arguments: dict[str, Any]) -> Callable[[], httpx.Response]:
        def send() -> httpx.Response:
            refuse_closed(self._http.is_closed)
            with foreign_errors(method):
                return self._http.send(self._request(method, arguments), follow_redirects=False)

        return send

    def close(self) -> None:
        """Close the connections, unless the `httpx` client is the caller's own.

        Requests that were asked ahead and are no longer needed get a second to end, so that no socket stays open.
        """
        wait(tuple(self._ahead), timeout=_LAST_SECOND)
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
