"""What every client knows: keys, address, and how long and how often to try."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from ..auth import ApiKeyAuth, AuthStrategy
from ..config import Config, load_base_url, load_config
from ..constants import (
    CONTENT_TYPE_JSON,
    DEFAULT_BACKOFF_FACTOR,
    DEFAULT_BASE_URL,
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT,
    HEADER_ACCEPT,
    HEADER_CONTENT_TYPE,
)
from ..errors import ArgumentError, ConfigurationError
from ..utils.url import is_loopback, normalise_base_url


class BaseClient:
    """Settings of a client, checked. Does no I/O.

    Args:
        api_key, security_key, base_url: see `imednet.config.load_config`.
        timeout: seconds, or an `httpx.Timeout` with a value for each phase.
        retries: further attempts after the first one.
        backoff_factor: multiplier of the randomised wait between attempts, in seconds.
        tracer: an OpenTelemetry tracer.
        auth: another way to prove who sends a request, instead of the keys.

    Raises:
        ConfigurationError: keys, address or a number cannot be used.
    """

    def __init__(
        self,
        api_key: str | None = None,
        security_key: str | None = None,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff_factor: float = DEFAULT_BACKOFF_FACTOR,
        tracer: Any | None = None,
        auth: AuthStrategy | None = None,
    ) -> None:
        if auth is None or api_key or security_key:
            self.config = load_config(api_key, security_key, base_url)
            self.auth: AuthStrategy = auth or ApiKeyAuth(self.config.api_key, self.config.security_key)
        else:
            self.config = Config("", "", load_base_url(base_url))
            self.auth = auth
        self.base_url = normalise_base_url(self.config.base_url or DEFAULT_BASE_URL)
        if not isinstance(timeout, httpx.Timeout) and (not _is_number(timeout) or timeout <= 0):
            raise ConfigurationError("timeout must be a number of seconds above 0, or an httpx.Timeout")
        self.timeout = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
        if type(retries) is not int or retries < 0:
            raise ConfigurationError("retries must be a whole number, 0 or more")
        if not _is_number(backoff_factor) or backoff_factor < 0:
            raise ConfigurationError("backoff_factor must be a number, 0 or more")
        self.retries = retries
        self.backoff_factor = backoff_factor
        self.tracer = tracer

    @property
    def uses_environment(self) -> bool:
        """Whether proxies of the environment are used: never for this machine, a proxy would see both keys."""
        return not is_loopback(urlsplit(self.base_url).hostname or "")

    def headers(self) -> dict[str, str]:
        """Headers of every request; the vendor asks for Content-Type also where nothing is sent."""
        return {
            HEADER_ACCEPT: CONTENT_TYPE_JSON,
            HEADER_CONTENT_TYPE: CONTENT_TYPE_JSON,
            **self.auth.get_headers(),
        }

    def url(self, path: str) -> str:
        """The whole address of a path.

        Raises ArgumentError for an address on another host: both keys travel with every request.
        """
        if path.startswith("/") and not path.startswith("//"):
            return self.base_url + path
        if path == self.base_url or path.startswith(self.base_url + "/"):
            return path
        raise ArgumentError("the address leads to another host than the base URL: the keys are not sent there")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and value != float("inf")
