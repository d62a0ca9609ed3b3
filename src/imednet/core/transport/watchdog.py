"""An end for blocking requests whose answer never begins.

httpx limits each wait for bytes. A server that sends headers a byte at a time, or `100 Continue` without end, keeps a
blocking call for ever with that. A thread that looks on twice a second, while there are requests, ends such a call from
outside by closing the connections of its client.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOKS = 0.5
"""Seconds between two looks."""


class Watchdog:
    """Watches over the requests of one client.

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
                self._thread = threading.Thread(target=self._look, daemon=True, name="imednet-watchdog")
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._expires.pop(request, None)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOKS)
            with self._lock:
                if not self._expires:
                    self._thread = None
                    return
                late = [request for request, expires in self._expires.items() if expires <= time.monotonic()]
                for request in late:
                    del self._expires[request]
            if late:
                self._close()
