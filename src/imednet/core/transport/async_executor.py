"""The retry loop over an event loop: the twin of `http.SyncRequestExecutor`, over the same decisions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary

import httpx

from ..monitor import Call, Monitor
from .executor import Outcome, RetryPlan, concluded, errors_of
from .throttle import Pace

T = TypeVar("T")

_LONGEST_SLEEP = 0.5  # a waiter of another event loop is not woken, so it looks again by itself


class AsyncGate:
    """Lets tasks through at a pace."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._left: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Condition] = WeakKeyDictionary()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[float]:
        """Wait for a place; gives the time the request began."""
        left = self._left.setdefault(asyncio.get_running_loop(), asyncio.Condition())
        async with left:
            while (delay := self._pace.enter(began := time.monotonic())) > 0:
                try:
                    async with asyncio.timeout(min(delay, _LONGEST_SLEEP)) as limit:
                        await left.wait()
                except TimeoutError:
                    if not limit.expired():
                        raise  # somebody else's
        try:
            yield began
        finally:
            self._pace.leave()
            async with left:
                left.notify_all()


class AsyncRequestExecutor:
    """Runs one call to its end over an event loop."""

    def __init__(self, pace: Pace, monitor: Monitor) -> None:
        self._pace = pace
        self._gate = AsyncGate(pace)
        self._monitor = monitor

    async def run(
        self,
        plan: RetryPlan,
        call: Call,
        send: Callable[[], AbstractAsyncContextManager[httpx.Response]],
        read: Callable[[httpx.Response], T],
    ) -> tuple[httpx.Response, T]:
        """Send until the plan is content, read a success, raise ours for anything else."""

        async def attempt() -> Outcome:
            async with self._gate.passing() as began:
                sent = self._monitor.sent(call)
                outcome: httpx.Response | None = None
                try:
                    async with send() as outcome:
                        plan.answered(outcome, began)
                        self._monitor.received(call, sent, began, outcome)
                        return Outcome(outcome, read(outcome) if outcome.is_success else None)
                except Exception as error:
                    if outcome is None:
                        self._monitor.received(call, sent, began, error)
                    raise

        import tenacity

        with self._monitor.call(call), errors_of(call):
            return concluded(await tenacity.AsyncRetrying(**plan.settings())(attempt), call)
