"""Decisions of the retry loop, and the only place where errors of httpx become errors of the SDK.

`RetryPlan` says whether and when to send again, `responses` what a response means. `async_executor` and its blocking
twin `executor` run the loop.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from ...errors import OUTCOME_UNKNOWN, ImednetError, InvalidAnswerError, RequestError
from ...utils.interruptions import raised_from_outside
from ..monitor import Call
from ..retry import RetryPolicy, RetryState, asks_too_long, retry_after_seconds
from .certificates import tls_trouble
from .responses import UnsoundAnswer, failure
from .throttle import Pace

if TYPE_CHECKING:
    import tenacity

_LONGEST_WAIT = 60.0
_TOO_MANY = 429


class Outcome(NamedTuple):
    """The response of one attempt, and the value read from it if it was a success."""

    response: httpx.Response
    value: Any = None


class RetryPlan:
    """The decisions of the retry loop in the form tenacity takes, the same for both executors."""

    def __init__(self, policy: RetryPolicy, retries: int, backoff_factor: float, method: str, pace: Pace) -> None:
        self._policy = policy
        self._retries = retries
        self._backoff_factor = backoff_factor
        self._method = method
        self._pace = pace

    def settings(self) -> dict[str, Any]:
        """Keyword arguments for tenacity's loops."""
        import tenacity

        self._backoff = tenacity.wait_random_exponential(multiplier=self._backoff_factor, max=_LONGEST_WAIT)
        return {
            "stop": tenacity.stop_after_attempt(max(0, self._retries) + 1),
            "wait": self._wait,
            "retry": self._retry,
            "retry_error_callback": lambda state: state.outcome.result(),
        }

    def _retry(self, state: tenacity.RetryCallState) -> bool:
        outcome = state.outcome
        assert outcome is not None
        exception = outcome.exception()
        if exception is not None and not isinstance(exception, httpx.RequestError):
            return False  # an interrupt, a cancellation or an error of our own is never retried
        response = None if exception is not None else outcome.result().response
        if response is not None and (response.is_success or asks_too_long(response)):
            return False
        return self._policy.should_retry(RetryState(state.attempt_number, exception, response, self._method))

    def _wait(self, state: tenacity.RetryCallState) -> float:
        outcome = state.outcome
        seconds = self._backoff(state)
        if outcome is not None and outcome.exception() is None:
            response = outcome.result().response
            asked = retry_after_seconds(response)
            seconds = seconds if asked is None else asked
            if response.status_code == _TOO_MANY:
                self._pace.pause(time.monotonic(), seconds)
        return seconds

    def answered(self, response: httpx.Response, began: float) -> None:
        """Slow down after a 429 response, speed up again after successes."""
        if response.status_code == _TOO_MANY:
            self._pace.refused(began, time.monotonic())
        elif response.is_success:
            self._pace.succeeded()


def concluded(outcome: Outcome, call: Call) -> Outcome:
    """The outcome of the last attempt if it is a success; raises the error for anything else."""
    if outcome.response.is_success:
        return outcome
    raise failure(outcome.response, study_key=call.study_key, attempts=call.attempts)


def translated(error: httpx.RequestError | httpx.InvalidURL, attempts: int) -> ImednetError:
    """The error of the SDK for one of httpx. Of the request it shows method, host and path only."""
    if isinstance(error, UnsoundAnswer):
        return error.error
    if isinstance(error, httpx.InvalidURL):
        return RequestError("the address cannot be used. Next: check the base URL", attempts=attempts)
    request = error.request
    target = f"{request.method} {request.url.host}{request.url.path}"
    tried = f"after {attempts} attempts" if attempts > 1 else "at the first attempt"
    if isinstance(error, httpx.DecodingError):
        step = OUTCOME_UNKNOWN if request.method == "POST" else "try again; check the base URL and the proxy"
        return InvalidAnswerError(f"{target}: {error} ({tried}). Nothing was read. Next: {step}", attempts=attempts)
    if isinstance(error, httpx.TimeoutException):
        reason = "no answer in time"
        step = "try again, or pass a larger timeout="
    elif isinstance(error, (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol)):
        reason, step = tls_trouble(error) or (
            "the server cannot be reached", "check the network, the proxy and the base URL"
        )  # fmt: skip
    else:
        reason = "the connection was lost"
        step = "try again"
    if request.method == "POST" and not isinstance(error, httpx.ConnectError):
        step = OUTCOME_UNKNOWN
    return RequestError(f"{target}: {reason} ({tried}, {type(error).__name__}). Next: {step}", attempts=attempts)


@contextmanager
def foreign_errors(method: str) -> Iterator[None]:
    """Turn unexpected errors, such as of a caller's hook or transport or of an odd host name, into RequestError."""
    try:
        yield
    except (httpx.RequestError, httpx.InvalidURL) as error:
        outside = raised_from_outside(error)
        if outside is not None:  # such as a time limit of the caller, raised inside httpx
            raise outside from None
        raise
    except ImednetError:
        raise
    except Exception as error:
        if not _is_about_the_request(error):
            raise
        kind = type(error).__name__
    else:
        return
    step = f"{OUTCOME_UNKNOWN}; then " if method == "POST" else ""
    raise RequestError(f"the request failed ({kind}). Next: {step}check the base URL and your own http_client")


def _is_about_the_request(error: Exception) -> bool:
    """Whether an error is about the request: raised by Python or the network libraries, and by no signal handler.

    Errors of other classes, such as a soft time limit raised in a thread, are passed on unchanged.
    """
    return type(error).__module__ in _NETWORK_MODULES and raised_from_outside(error) is None


_NETWORK_MODULES = frozenset({"builtins", "socket", "ssl", "idna.core", "zlib", "h11._util", "httpcore", "anyio"})


@contextmanager
def errors_of(call: Call) -> Iterator[None]:
    """Turn errors of httpx into errors of the SDK, and add the facts of the call to every error."""
    try:
        yield
    except (httpx.RequestError, httpx.InvalidURL) as error:
        translated_error = translated(error, call.attempts)
    except ImednetError as error:
        raise call.marked(error) from None
    else:
        return
    raise call.marked(translated_error)
