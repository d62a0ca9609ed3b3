"""Retry policies, and how long a server asks to wait. The retry loop itself is in `transport`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol, runtime_checkable

import httpx

from imednet_api.types import decode

from ..constants import RETRY_AFTER_CAP

_MOST_DIGITS: Final = 12
_LONGEST_ASKED: Final = 1e9
IDEMPOTENT_METHODS: Final[frozenset[str]] = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT"})
"""Methods that may be sent twice without harm. A POST may have been carried out before the connection broke."""


@dataclass
class RetryState:
    """The facts a retry policy decides on.

    Attributes:
        attempt_number: attempts made so far, from 1.
        exception: what the last attempt raised, an `httpx.RequestError` for network trouble.
        result: the `httpx.Response` of the last attempt, if one came.
        method: HTTP method of the request.
    """

    attempt_number: int
    exception: BaseException | None = None
    result: Any | None = None
    method: str | None = None


@runtime_checkable
class RetryPolicy(Protocol):
    """Decides whether a request is sent again. Pass one as `retry_policy=`."""

    def should_retry(self, state: RetryState) -> bool:
        """Whether to send again; asked only while attempts are left."""
        ...  # pragma: no cover


class DefaultRetryPolicy:
    """Retries what can be sent twice without harm.

    Network errors and HTTP 5xx: idempotent methods only. HTTP 429: every method, since the server refused before it
    did anything; for methods that are not idempotent only where the response is the API's own, since a proxy in
    between may have passed the request on. An unknown method counts as not idempotent.

    >>> DefaultRetryPolicy().should_retry(RetryState(1, result=httpx.Response(503), method="POST"))
    False
    """

    def should_retry(self, state: RetryState) -> bool:
        """Whether to send again."""
        idempotent = (state.method or "").upper() in IDEMPOTENT_METHODS
        if state.exception is not None:
            return idempotent and isinstance(state.exception, httpx.RequestError)
        if not isinstance(state.result, httpx.Response):
            return False
        status = state.result.status_code
        if status == 429:
            return idempotent or refused_by_the_api(state.result)
        return idempotent and 500 <= status < 600


def refused_by_the_api(response: httpx.Response) -> bool:
    """Whether a failure comes from the API itself and not from a proxy or gateway in between."""
    try:
        return told_by_the_api(decode(response.content))
    except ValueError:
        return False


def told_by_the_api(body: Any) -> bool:
    """Whether the body of a failure is the API's own: an object with `metadata.error`.

    >>> told_by_the_api({"metadata": {"error": {"code": "9000"}}}), told_by_the_api({"message": "Too many requests"})
    (True, False)
    """
    metadata = body.get("metadata") if isinstance(body, dict) else None
    error = metadata.get("error") if isinstance(metadata, dict) else None
    return isinstance(error, dict) and bool(error)


def retry_after_seconds(response: httpx.Response, now: datetime | None = None) -> float | None:
    """Seconds the server asks to wait, from `Retry-After` as a number or a date; `None` when absent or unreadable.

    >>> retry_after_seconds(httpx.Response(429, headers={"Retry-After": "7"}))
    7.0
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal() and text.isascii():
        return min(float(text[:_MOST_DIGITS]), _LONGEST_ASKED)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - (now or datetime.now(UTC))).total_seconds())


def asks_too_long(response: httpx.Response) -> bool:
    """Whether the server asks for a longer wait than `RETRY_AFTER_CAP`."""
    seconds = retry_after_seconds(response)
    return seconds is not None and seconds > RETRY_AFTER_CAP
