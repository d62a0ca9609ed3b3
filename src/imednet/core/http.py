"""The retry loop, and the only place where errors of httpx become ours.

Two thin shells, one for each way bytes travel, over the same decisions: `RetryPlan` says whether and when to send
again, `answers` says what an answer means.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import Any, NamedTuple, TypeVar

import httpx
import tenacity

from ..errors import ImednetError, InvalidAnswerError, RequestError
from .answers import failure
from .retry import RetryPolicy, RetryState, asks_too_long, retry_after_seconds

T = TypeVar("T")

__all__ = ["AsyncRequestExecutor", "Outcome", "RetryPlan", "SyncRequestExecutor"]

_LONGEST_WAIT = 60.0
_UNKNOWN = "whether it was carried out is unknown, so do not send it again: read the records back first"


class Outcome(NamedTuple):
    """One attempt that brought an answer, and what was read from it if it was a success."""

    response: httpx.Response
    value: Any = None


class RetryPlan:
    """The decisions of the retry loop, as tenacity wants them, the same for both shells."""

    def __init__(self, policy: RetryPolicy, retries: int, backoff_factor: float, method: str) -> None:
        self._policy = policy
        self._method = method
        self._backoff = tenacity.wait_random_exponential(multiplier=backoff_factor, max=_LONGEST_WAIT)
        self.settings: dict[str, Any] = {
            "stop": tenacity.stop_after_attempt(max(0, retries) + 1),
            "wait": self._wait,
            "retry": self._retry,
            "retry_error_callback": lambda state: state.outcome.result(),
        }

    def _retry(self, state: tenacity.RetryCallState) -> bool:
        outcome = state.outcome
        assert outcome is not None
        exception = outcome.exception()
        if exception is not None and not isinstance(exception, httpx.RequestError):
            return False  # an interrupt, a cancellation, an error of our own: nobody's to decide
        response = None if exception is not None else outcome.result().response
        if response is not None and (response.is_success or asks_too_long(response)):
            return False
        return self._policy.should_retry(RetryState(state.attempt_number, exception, response, self._method))

    def _wait(self, state: tenacity.RetryCallState) -> float:
        outcome = state.outcome
        if outcome is not None and outcome.exception() is None:
            asked = retry_after_seconds(outcome.result().response)
            if asked is not None:
                return asked
        return self._backoff(state)


def concluded(outcome: Outcome, *, study_key: str | None, attempts: int) -> Outcome:
    """The outcome of the last attempt if it is a success, else our error."""
    if outcome.response.is_success:
        return outcome
    raise failure(outcome.response, study_key=study_key, attempts=attempts)


def translated(error: httpx.RequestError | httpx.InvalidURL, attempts: int) -> ImednetError:
    """Our error for one of httpx. Never says more of the request than method, host and path."""
    if isinstance(error, httpx.InvalidURL):
        return RequestError("the address cannot be used. Next: check the base URL", attempts=attempts)
    request = error.request
    where = f"{request.method} {request.url.host}{request.url.path}"
    tried = f"after {attempts} attempts" if attempts > 1 else "at the first attempt"
    if isinstance(error, httpx.DecodingError):
        step = _UNKNOWN if request.method == "POST" else "try again; check the base URL and the proxy"
        return InvalidAnswerError(f"{where}: {error} ({tried}). Nothing was read. Next: {step}", attempts=attempts)
    if isinstance(error, httpx.TimeoutException):
        what = "no answer in time"
        step = "try again, or pass a larger timeout="
    elif isinstance(error, (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol)):
        what = "the server cannot be reached"
        step = "check the network, the proxy and the base URL"
    else:
        what = "the connection broke off"
        step = "try again"
    if request.method == "POST" and not isinstance(error, httpx.ConnectError):
        step = _UNKNOWN
    return RequestError(f"{where}: {what} ({tried}, {type(error).__name__}). Next: {step}", attempts=attempts)


@contextmanager
def foreign_errors(method: str) -> Iterator[None]:
    """Turn what neither httpx nor we promise to raise (a hook or transport of the caller, an odd host) into ours."""
    try:
        yield
    except (httpx.RequestError, httpx.InvalidURL, ImednetError):
        raise
    except Exception as error:  # noqa: BLE001  (nothing is hidden: it becomes an error of ours)
        what = type(error).__name__
    else:
        return
    step = f"{_UNKNOWN}; then " if method == "POST" else ""
    raise RequestError(f"the request failed ({what}). Next: {step}check the base URL and your own http_client")


class SyncRequestExecutor:
    """Runs one request to its end over blocking I/O."""

    def __init__(self, slots: AbstractContextManager[Any]) -> None:
        self._slots = slots

    def run(
        self,
        plan: RetryPlan,
        send: Callable[[], httpx.Response],
        read: Callable[[httpx.Response], T],
        study_key: str | None,
    ) -> tuple[httpx.Response, T]:
        """Send until the plan is content, read a success, raise ours for anything else."""

        def attempt() -> Outcome:
            with self._slots:
                response = send()
            return Outcome(response, read(response) if response.is_success else None)

        retrying = tenacity.Retrying(**plan.settings)
        try:
            outcome = retrying(attempt)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise translated(error, _attempts(retrying)) from None
        return concluded(outcome, study_key=study_key, attempts=_attempts(retrying))


class AsyncRequestExecutor:
    """Runs one request to its end over an event loop."""

    def __init__(self, slots: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        self._slots = slots

    async def run(
        self,
        plan: RetryPlan,
        send: Callable[[], Awaitable[httpx.Response]],
        read: Callable[[httpx.Response], T],
        study_key: str | None,
    ) -> tuple[httpx.Response, T]:
        """Send until the plan is content, read a success, raise ours for anything else."""

        async def attempt() -> Outcome:
            async with self._slots():
                response = await send()
            return Outcome(response, read(response) if response.is_success else None)

        retrying = tenacity.AsyncRetrying(**plan.settings)
        try:
            outcome: Outcome = await retrying(attempt)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise translated(error, _attempts(retrying)) from None
        return concluded(outcome, study_key=study_key, attempts=_attempts(retrying))


def _attempts(retrying: tenacity.BaseRetrying) -> int:
    return int(retrying.statistics.get("attempt_number", 1))
