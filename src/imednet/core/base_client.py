"""The base of all clients: keys, base URL, timeout and retries, checked. Does no I/O."""

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
        tracer: an OpenTelemetry tracer; each call becomes a span, without filter values.
        auth: an authentication strategy used in place of the two keys.
        allowed_hosts: other hosts that absolute URLs and redirects may lead to. The keys are never sent there.
        allow_http: accept plain HTTP also for a base URL on another machine; the keys then travel unencrypted.
        profile: a profile that `imednet login` made, for what is given neither here nor in the environment.

    Raises:
        ConfigurationError: a key, the base URL or a number cannot be used.
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
        profile: str | None = None,
    ) -> None:
        if auth is None or api_key or security_key:
            self.config = load_config(api_key, security_key, base_url, profile=profile)
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
            raise ConfigurationError("tracer must be an OpenTelemetry tracer, such as trace.get_tracer(...) returns")
        self.tracer = tracer
        if isinstance(allowed_hosts, str) or not all(isinstance(host, str) for host in allowed_hosts or ()):
            raise ConfigurationError("allowed_hosts must be a list of host names, even for a single host")
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts or ())
        self.allow_http = allow_http

    @property
    def uses_environment(self) -> bool:
        """Whether proxies of the environment are used: never for this machine, where a proxy would see both keys."""
        return not is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def uses_tls(self) -> bool:
        """Whether certificates may be needed: not where every request stays on this machine over plain HTTP."""
        return urlsplit(self.base_url).scheme == "https" or self.uses_environment or bool(self.allowed_hosts)

    def headers(self, url: str) -> dict[str, str]:
        """Headers for a URL, with the keys only if it lies under the base URL.

        The vendor asks for Content-Type even on requests without a body.
        """
        keys = self.auth.get_headers() if self.is_home(url) else {}
        return {HEADER_ACCEPT: CONTENT_TYPE_JSON, HEADER_CONTENT_TYPE: CONTENT_TYPE_JSON, **keys}

    def is_home(self, url: str) -> bool:
        """Whether a URL lies under the base URL."""
        return url.startswith((self.base_url + "/", self.base_url + "?")) or url == self.base_url

    def url(self, path: str) -> str:
        """The full URL of a path.

        Raises ArgumentError for a URL on a host that is neither the configured one nor allowed.
        """
        if path.startswith("/") and not path.startswith("//"):
            return self.base_url + path
        if self.is_home(path) or self.is_allowed(path):
            return path
        raise ArgumentError(
            "the URL leads to another host than the base URL. Next: allow the host with allowed_hosts=; the keys are "
            "never sent there"
        )

    def is_allowed(self, url: str) -> bool:
        """Whether a URL leads to another host that was allowed, over a protocol that was allowed."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError:
            return False
        safe = parts.scheme == "https" or (parts.scheme == "http" and (self.allow_http or is_loopback(host)))
        return safe and host in self.allowed_hosts and parts.username is None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"
