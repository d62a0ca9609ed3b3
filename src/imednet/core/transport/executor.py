# Written by scripts/blocking_twin.py from async_executor.py. Do not edit: run `nox -s generate`.
"""The retry loop around one request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import httpx

from ..monitor import Call, Monitor
from .retry_loop import Outcome, RetryPlan, concluded, errors_of
from .throttle import Gate, Pace

T = TypeVar("T")


class RequestExecutor:
    """Runs one call with its retries, throttled and monitored."""

    def __init__(self, pace: Pace, monitor: Monitor) -> None:
        self._gate = Gate(pace)
        self._monitor = monitor

    def run(
        self,
        plan: RetryPlan,
        call: Call,
        send: Callable[[], AbstractContextManager[httpx.Response]],
        read: Callable[[httpx.Response], T],
    ) -> tuple[httpx.Response, T]:
        """Send until the plan stops retrying; return the response and what `read` made of it, or raise our error."""

        def attempt() -> Outcome:
            with self._gate.passing() as began:
                sent = self._monitor.sent(call)
                response: httpx.Response | None = None
                try:
                    with send() as response:
                        plan.answered(response, began)
                        self._monitor.received(call, sent, began, response)
                        return Outcome(response, read(response) if response.is_success else None)
                except Exception as error:
                    if response is None:
                        self._monitor.received(call, sent, began, error)
                    raise

        import tenacity  # here, because it takes a third as long to load as httpx

        with self._monitor.call(call), errors_of(call):
            return concluded(tenacity.Retrying(**plan.settings())(attempt), call)
