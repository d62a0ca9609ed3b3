"""The asynchronous SDK, `AsyncImednetSDK`."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack, cast

import httpx

from .base_sdk import BaseSDK
from .constants import DEFAULT_BACKOFF_FACTOR, DEFAULT_RETRIES, DEFAULT_TIMEOUT
from .core.async_client import AsyncClient
from .core.options import ClientOptions
from .core.retry import RetryPolicy
from .errors import LifecycleError
from .plugins import load_workflows
from .registry import Registry
from .resource_attributes import AsyncResourceAttributes
from .resources import RESOURCES
from .sdk_convenience import SDKConvenienceMixin

if TYPE_CHECKING:
    from collections.abc import Callable

    from .workflows.namespace import AsyncWorkflows

_ASYNC_ENDPOINT_REGISTRY: Final = Registry({name: f"Async{resource.endpoint}" for name, resource in RESOURCES.items()})
"""Attribute of the SDK -> endpoint."""


class AsyncImednetSDK(BaseSDK[AsyncClient], AsyncResourceAttributes, SDKConvenienceMixin):
    """Everything the API offers, over an event loop; arguments as for `ImednetSDK`.

    Use it with `async with`, or call `await sdk.aclose()`.
    """

    _twin: Callable[[], Any] | None = None
    """Makes a blocking SDK of the same kind, where that takes more than the same credentials and settings."""

    def __init__(
        self,
        api_key: str | None = None,
        security_key: str | None = None,
        base_url: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff_factor: float = DEFAULT_BACKOFF_FACTOR,
        retry_policy: RetryPolicy | None = None,
        async_client: AsyncClient | None = None,
        *,
        http_client: httpx.AsyncClient | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        sdk_client = async_client or AsyncClient(
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
        self._open(sdk_client, _ASYNC_ENDPOINT_REGISTRY, owns=async_client is None)

    @cached_property
    def workflows(self) -> AsyncWorkflows:
        """Tasks that take several calls; those of a plugin where one is installed."""
        return cast("AsyncWorkflows", load_workflows(self))

    async def aclose(self) -> None:
        """Close the connections, unless the client was passed in."""
        if self._owns_client:
            await self._client.aclose()

    def close(self) -> None:
        """Raise LifecycleError, a TypeError: this SDK is closed with `await sdk.aclose()`."""
        raise LifecycleError("AsyncImednetSDK is closed with `await sdk.aclose()`")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        raise LifecycleError("AsyncImednetSDK is opened with `async with`")

    def __exit__(self, *_: object) -> None:
        """Never called; Python requires it beside `__enter__`."""
