"""Settings of one call, and the typed keywords of lists and clients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import httpx

from ..errors import ArgumentError

if TYPE_CHECKING:
    from ..auth import AuthStrategy
    from .filtering.conditions import Condition
    from .monitor import RequestSent, ResponseReceived
    from .retry import RetryPolicy


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) != inf


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Settings of one call; `None` means those of the client.

    Attributes:
        timeout: seconds, or an `httpx.Timeout`.
        retries: further attempts after the first one.
        headers: headers to add.
    """

    timeout: float | httpx.Timeout | None = None
    retries: int | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        seconds = 1 if self.timeout is None or isinstance(self.timeout, httpx.Timeout) else self.timeout
        if not is_number(seconds) or seconds <= 0:
            raise ArgumentError("timeout must be a number of seconds above 0, or an httpx.Timeout")
        if self.retries is not None and (type(self.retries) is not int or self.retries < 0):
            raise ArgumentError("retries must be a whole number, 0 or more")
        if self.headers is not None and not (
            isinstance(self.headers, Mapping)
            and all(isinstance(text, str) for pair in self.headers.items() for text in pair)
        ):
            raise ArgumentError("headers must be a mapping of text to text")


AS_CLIENT = CallOptions()


class CountOptions(TypedDict, total=False):
    """Keywords of `count` beside filters; see `GenericListGetEndpoint.list`."""

    filter: str | Condition | None
    filters: Mapping[str, Any] | None
    timeout: float | httpx.Timeout | None
    retries: int | None
    headers: Mapping[str, str] | None


class _ReadOptions(CountOptions, total=False):
    page_size: int | None
    consistency: Literal["strict", "repair", "off"]


class ListOptions(_ReadOptions, total=False):
    """Keywords of `list` and `iter` beside filters; see `GenericListGetEndpoint.list`."""

    sort: str | Sequence[str] | None
    refresh: bool


class PageOptions(_ReadOptions, total=False):
    """Keywords of `pages` beside filters; see `GenericListGetEndpoint.pages`."""

    resume: str | None


class ClientOptions(TypedDict, total=False):
    """Keywords of clients and SDKs beside the documented arguments; see `HTTPClientBase`."""

    auth: AuthStrategy | None
    tracer: Any | None
    max_in_flight: int
    requests_per_second: float | None
    allowed_hosts: Collection[str]
    allow_http: bool
    profile: str | None
    cache: bool
    max_response_bytes: int
    max_response_seconds: float
    on_request: Callable[[RequestSent], object] | None
    on_response: Callable[[ResponseReceived], object] | None


class SDKOptions(ClientOptions, total=False):
    """Keywords of an SDK beside keys, address and clients."""

    timeout: float | httpx.Timeout
    retries: int
    backoff_factor: float
    retry_policy: RetryPolicy | None
