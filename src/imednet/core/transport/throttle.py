"""Throttling of one client: requests under way at once, requests per second, and pauses the server asked for.

`Pace` decides and does not wait; `Gate` makes threads wait, `AsyncGate` tasks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from math import inf
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..concurrency import running_loop

if TYPE_CHECKING:
    import asyncio

_LONGEST_SLEEP = 0.5
"""Seconds. A wake-up may be lost to an interrupt or belong to another event loop, so a waiter also checks by itself."""


class Pace:
    """The pace of one client. Times are seconds of a monotonic clock.

    A 429 halves the number of requests under way, once for all requests that were under way together; each round of
    successes raises it by one again, up to `most`.

    >>> pace = Pace(most=4)
    >>> pace.enter(0.0), pace.limit
    (0.0, 4)
    >>> pace.refused(began=0.0, now=1.0); pace.pause(now=1.0, seconds=5.0)
    >>> pace.limit, pace.enter(2.0)
    (2, 4.0)
    """

    def __init__(self, most: int, per_second: float | None = None) -> None:
        self._most = most
        self._limit = float(most)
        self._spacing = 1 / per_second if per_second else 0.0
        self._under_way = 0
        self._next_start = -inf
        self._paused_until = -inf
        self._halved_at = -inf
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """Requests that may be under way at once, at present."""
        return int(self._limit)

    def enter(self, now: float) -> float:
        """Admit a request: 0 if it may go now, and it counts as under way; else seconds to wait, or infinity."""
        with self._lock:
            if now < self._paused_until:
                return self._paused_until - now
            if self._under_way >= int(self._limit):
                return inf
            if now < self._next_start:
                return self._next_start - now
            self._next_start = now + self._spacing
            self._under_way += 1
            return 0.0

    def leave(self) -> None:
        """Count a request as no longer under way."""
        with self._lock:
            self._under_way -= 1

    def pause(self, now: float, seconds: float) -> None:
        """Admit no request for so many seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, now + seconds)

    def refused(self, began: float, now: float) -> None:
        """Halve the limit after a 429, unless it was halved since the request began."""
        with self._lock:
            if began >= self._halved_at:
                self._limit = max(1.0, self._limit / 2)
                self._halved_at = now

    def succeeded(self) -> None:
        """Raise the limit a little after a success."""
        if self._limit < self._most:
            with self._lock:
                self._limit = min(float(self._most), self._limit + 1 / self._limit)


class Gate:
    """Makes threads wait until the pace admits their request."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._left = threading.Condition()

    @contextmanager
    def passing(self) -> Iterator[float]:
        """Wait until the request may go; yields the time it began."""
        with self._left:
            while (delay := self._pace.enter(began := time.monotonic())) > 0:
                self._left.wait(min(delay, _LONGEST_SLEEP))
        try:
            yield began
        finally:
            self._pace.leave()
            with self._left:
                self._left.notify_all()  # successes may have made room for more than one


class AsyncGate:
    """Makes tasks wait until the pace admits their request."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._left: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Condition] = WeakKeyDictionary()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[float]:
        """Wait until the request may go; yields the time it began."""
        import asyncio  # here, because blocking programs do without

        left = self._left.setdefault(running_loop(), asyncio.Condition())
        async with left:
            while (delay := self._pace.enter(began := time.monotonic())) > 0:
                try:
                    async with asyncio.timeout(min(delay, _LONGEST_SLEEP)) as limit:
                        await left.wait()
                except TimeoutError:
                    if not limit.expired():
                        raise  # another timeout's
        try:
            yield began
        finally:
            self._pace.leave()
            async with left:
                left.notify_all()
