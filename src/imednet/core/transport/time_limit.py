"""A time limit for requests whose response never begins or never ends.

httpx limits each wait for bytes only. A server that sends headers a byte at a time, or `100 Continue` without end,
would keep a call forever. A task is cancelled when its time is over. A thread cannot be cancelled, so a watchdog thread
checks twice a second, while there are requests, and ends such a call by closing the connections of its client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from .body import Exchange

_CHECK_INTERVAL = 0.5
"""Seconds between two checks of the watchdog."""


class AsyncTimeLimit:
    """Ends requests of one asynchronous client that take too long.

    Args:
        close: closes all connections of the client; not needed here, since a task can be cancelled.
    """

    def __init__(self, close: Callable[[], Awaitable[None]] | None) -> None:
        del close

    @asynccontextmanager
    async def on(self, exchange: Exchange) -> AsyncIterator[None]:
        """End the block with RequestError when the request has used up its time."""
        import asyncio  # here, because blocking programs do without

        try:
            async with asyncio.timeout(exchange.seconds) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise  # the timeout of a transport or hook
            raise exchange.too_slow() from None


class TimeLimit:
    """Ends requests of one blocking client that take too long.

    Args:
        close: closes all connections of the client; other requests under way break off, and reads are sent again.
            Without it, as with a caller's own `httpx` client, a request ends at the next bytes that come too late.
    """

    def __init__(self, close: Callable[[], None] | None) -> None:
        self._watchdog = Watchdog(close) if close is not None else None

    @contextmanager
    def on(self, exchange: Exchange) -> Iterator[None]:
        """End the block with RequestError when the request has used up its time."""
        try:
            if self._watchdog is None:
                yield
            else:
                with self._watchdog.watching(exchange.expires):
                    yield
        except httpx.RequestError:
            exchange.check_time()
            raise


class Watchdog:
    """Watches the requests of one client in a thread of its own.

    Args:
        close: closes all connections of the client. Other requests under way break off, and reads are sent again.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._expires: dict[object, float] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, expires: float) -> Iterator[None]:
        """Close the connections if this block lasts beyond a time of the monotonic clock."""
        request = object()
        with self._lock:
            self._expires[request] = expires
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True, name="imednet-watchdog")
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._expires.pop(request, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_CHECK_INTERVAL)
            with self._lock:
                if not self._expires:
                    self._thread = None
                    return
                late = [request for request, expires in self._expires.items() if expires <= time.monotonic()]
                for request in late:
                    del self._expires[request]
            if late:
                self._close()
