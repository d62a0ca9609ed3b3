"""What every client knows: keys, address, and how long and how often to try."""

from __future__ import annotations

from collections.abc import Collection
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
from .options import is_number


class BaseClient:
    """Settings of a client, checked. Does no I/O.

    Args:
        api_key, security_key, base_url: see `imednet.config.load_config`.
        timeout: seconds, or an `httpx.Timeout` with a value for each phase.
        retries: further attempts after the first one.
        backoff_factor: multiplier of the randomised wait between attempts, in seconds.
        tracer: an OpenTelemetry tracer: a span for each call, without values of filters.
        auth: another way to prove who sends a request, instead of the keys.
        allowed_hosts: other hosts that absolute addresses and redirects may lead to. The keys are never sent there.
        allow_http: accept plain http also for a base URL that is not this machine; the keys travel unprotected.

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
        *,
        allowed_hosts: Collection[str] = (),
        allow_http: bool = False,
    ) -> None:
        if auth is None or api_key or security_key:
            self.config = load_config(api_key, security_key, base_url)
            self.auth: AuthStrategy = auth or ApiKeyAuth(self.config.api_key, self.config.security_key)
        else:
            self.config = Config("", "", load_base_url(base_url))
            self.auth = auth
        self.base_url = normalise_base_url(self.config.base_url or DEFAULT_BASE_URL, allow_http=allow_http)
        if not isinstance(timeout, httpx.Timeout) and (not is_number(timeout) or timeout <= 0):
            raise ConfigurationError("timeout must be a number of seconds above 0, or an httpx.Timeout")
        self.timeout = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
        if type(retries) is not int or retries < 0:
            raise ConfigurationError("retries must be a whole number, 0 or more")
        if not is_number(backoff_factor) or backoff_factor < 0:
            raise ConfigurationError("backoff_factor must be a number, 0 or more")
        self.retries = retries
        self.backoff_factor = backoff_factor
        if tracer is not None and not hasattr(tracer, "start_as_current_span"):
            raise ConfigurationError("tracer must be a tracer of OpenTelemetry, as trace.get_tracer(...) gives")
        self.tracer = tracer
        if isinstance(allowed_hosts, str) or not all(isinstance(host, str) for host in allowed_hosts or ()):
            raise ConfigurationError("allowed_hosts must be a list of host names, also for one")
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts or ())
        self.allow_http = allow_http

    @property
    def uses_environment(self) -> bool:
        """Whether proxies of the environment are used: never for this machine, a proxy would see both keys."""
        return not is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def uses_tls(self) -> bool:
        """Whether a certificate may have to be checked: never where all requests stay on this machine, unencrypted."""
        return urlsplit(self.base_url).scheme == "https" or self.uses_environment or bool(self.allowed_hosts)

    def headers(self, url: str) -> dict[str, str]:
        """Headers for an address; the vendor asks for Content-Type also where nothing is sent.

        The keys go to the host of the base URL alone.
        """
        keys = self.auth.get_headers() if self.is_home(url) else {}
        return {HEADER_ACCEPT: CONTENT_TYPE_JSON, HEADER_CONTENT_TYPE: CONTENT_TYPE_JSON, **keys}

    def is_home(self, url: str) -> bool:
        """Whether an address lies on the configured host."""
        return url.startswith((self.base_url + "/", self.base_url + "?")) or url == self.base_url

    def url(self, path: str) -> str:
        """The whole address of a path.

        Raises ArgumentError for an address on a host that is neither the configured one nor allowed.
        """
        if path.startswith("/") and not path.startswith("//"):
            return self.base_url + path
        if self.is_home(path) or self.is_allowed(path):
            return path
        raise ArgumentError(
            "the address leads to another host than the base URL. Next: allow it with allowed_hosts=; the keys are "
            "not sent there in any case"
        )

    def is_allowed(self, url: str) -> bool:
        """Whether an address lies on another host that was allowed."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            return False
        safe = parts.scheme == "https" or (parts.scheme == "http" and (self.allow_http or is_loopback(host)))
        return safe and host in self.allowed_hosts and parts.username is None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"
