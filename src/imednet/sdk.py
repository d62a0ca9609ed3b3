"""The blocking SDK, `ImednetSDK`. `AsyncImednetSDK` can be imported from here too."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack, cast

import httpx

from .base_sdk import BaseSDK
from .constants import DEFAULT_BACKOFF_FACTOR, DEFAULT_RETRIES, DEFAULT_TIMEOUT
from .core.client import Client
from .core.options import ClientOptions
from .core.retry import RetryPolicy
from .errors import LifecycleError
from .plugins import load_workflows
from .registry import Registry
from .resource_attributes import ResourceAttributes
from .resources import RESOURCES
from .sdk_convenience import SDKConvenienceMixin

if TYPE_CHECKING:
    from .async_sdk import AsyncImednetSDK
    from .workflows.namespace import Workflows

__all__ = ["AsyncImednetSDK", "ImednetSDK"]


def __getattr__(name: str) -> Any:
    if name == "AsyncImednetSDK":  # loaded on request: blocking programs need no event loop
        from .async_sdk import AsyncImednetSDK

        return AsyncImednetSDK
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_ENDPOINT_REGISTRY: Final = Registry({name: resource.endpoint for name, resource in RESOURCES.items()})
"""Attribute of the SDK -> endpoint."""


class ImednetSDK(BaseSDK[Client], ResourceAttributes, SDKConvenienceMixin):
    """Everything the API offers, over blocking I/O. Threads may share it.

    Args:
        api_key, security_key, base_url: else from `IMEDNET_API_KEY`, `IMEDNET_SECURITY_KEY`, `IMEDNET_BASE_URL`, else
            from a profile; see `imednet.config.load_config`.
        timeout: seconds without an answer, or an `httpx.Timeout`.
        retries: further attempts after the first one.
        backoff_factor: multiplier of the randomised wait between attempts, in seconds.
        retry_policy: decides whether a request is sent again.
        client: a `Client` of your own, which is never closed.
        http_client: your own `httpx.Client` (proxy, mTLS), which is never closed.
        **options: `max_in_flight`, `requests_per_second`, `max_response_bytes`, `max_response_seconds`, `cache`,
            `auth`, `tracer`, `on_request`, `on_response`, `allowed_hosts`, `allow_http`,
            `profile`; see `imednet.core.http_client_base.HTTPClientBase`.

    Raises:
        ConfigurationError: a key, the base URL or a number cannot be used.

    >>> with ImednetSDK("key-1", "key-2") as sdk:
    ...     sdk
    ImednetSDK(base_url='https://edc.prod.imednetapi.com')
    """

    def __init__(
        self,
        api_key: str | None = None,
        security_key: str | None = None,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff_factor: float = DEFAULT_BACKOFF_FACTOR,
        retry_policy: RetryPolicy | None = None,
        client: Client | None = None,
        *,
        http_client: httpx.Client | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        sdk_client = client or Client(
            api_key,
            security_key,
            base_url,
            timeout=timeout,
            retries=retries,
            backoff_factor=backoff_factor,
            retry_policy=retry_policy,
            http_client=http_client,
            **options,
        )
        self._open(sdk_client, _ENDPOINT_REGISTRY, owns=client is None)

    @cached_property
    def workflows(self) -> Workflows:
        """Tasks that take several calls; those of a plugin where one is installed."""
        return cast("Workflows", load_workflows(self))

    def close(self) -> None:
        """Close the connections, unless the client was passed in."""
        if self._owns_client:
            self._client.close()

    async def aclose(self) -> None:
        """Raise LifecycleError, a TypeError: this SDK is closed with `close()`."""
        raise LifecycleError("ImednetSDK is closed with sdk.close(); for async use AsyncImednetSDK")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        raise LifecycleError("ImednetSDK is opened with `with`; for `async with` use AsyncImednetSDK")

    async def __aexit__(self, *_: object) -> None:
        """Never called; Python requires it beside `__aenter__`."""
