"""Clients from a `Config`."""

from __future__ import annotations

import httpx

from ..config import Config
from ..constants import DEFAULT_BACKOFF_FACTOR, DEFAULT_RETRIES, DEFAULT_TIMEOUT
from .async_client import AsyncClient
from .client import Client
from .retry import RetryPolicy


class ClientFactory:
    """Makes clients from a `Config`."""

    @staticmethod
    def create_client(
        config: Config,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff_factor: float = DEFAULT_BACKOFF_FACTOR,
        retry_policy: RetryPolicy | None = None,
    ) -> Client:
        """A blocking client."""
        return Client(
            config.api_key,
            config.security_key,
            config.base_url,
            timeout=timeout,
            retries=retries,
            backoff_factor=backoff_factor,
            retry_policy=retry_policy,
        )

    @staticmethod
    def create_async_client(
        config: Config,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff_factor: float = DEFAULT_BACKOFF_FACTOR,
        retry_policy: RetryPolicy | None = None,
    ) -> AsyncClient:
        """An asynchronous client."""
        return AsyncClient(
            config.api_key,
            config.security_key,
            config.base_url,
            timeout=timeout,
            retries=retries,
            backoff_factor=backoff_factor,
            retry_policy=retry_policy,
        )
