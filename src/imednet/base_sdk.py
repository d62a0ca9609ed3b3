"""The base of both SDKs: endpoints as attributes, settings, and how an SDK is pickled, copied and printed."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack

from .config import Config
from .constants import ENV_PROFILE
from .core.http_client_base import HTTPClientBase
from .core.options import SDKOptions
from .core.retry import RetryPolicy
from .errors import ConfigurationError
from .plugins import is_served_by_plugin, load_workflows
from .registry import Registry

ClientT = TypeVar("ClientT", bound=HTTPClientBase[Any, Any])


class BaseSDK(Generic[ClientT]):
    """An SDK over a client: one attribute for each entry of the registry."""

    _client: ClientT

    def _open(self, client: ClientT, registry: Registry, *, owns: bool) -> None:
        if not isinstance(client, HTTPClientBase):
            kind = f"{type(client).__module__.partition('.')[0]}.{type(client).__name__}"
            raise ConfigurationError(
                f"client= takes a client of imednet.core, not {kind}. Next: pass a client of httpx as http_client="
            )
        self._client = client
        self._owns_client = owns
        self._registry = registry
        if is_served_by_plugin():  # a broken plugin fails at once; our own workflows load at first use
            self.__dict__["workflows"] = load_workflows(self)

    if not TYPE_CHECKING:  # so that type checkers reject unknown names

        def __getattr__(self, name: str) -> Any:
            """Make an endpoint at its first use."""
            registry = self.__dict__.get("_registry", {})
            if name not in registry:
                known = ", ".join(registry)
                raise AttributeError(
                    f"{type(self).__name__} has no {name!r}; its endpoints are {known}", name=name, obj=self
                )
            return self.__dict__.setdefault(name, registry[name](self._client))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._registry})

    @classmethod
    def from_profile(cls, name: str | None = None, **options: Unpack[SDKOptions]) -> Self:
        """An SDK with the keys and the address of a profile that `imednet login` made.

        Keys of the environment come before those of a profile; a warning says so where both are there.

        Args:
            name: the profile; else that of `IMEDNET_PROFILE`, else `default`.
            **options: as for the class itself.

        Raises:
            ConfigurationError: there is no such profile, or it cannot be used.
        """
        from .profiles import DEFAULT_PROFILE

        settings: dict[str, Any] = {**options, "profile": name or os.environ.get(ENV_PROFILE) or DEFAULT_PROFILE}
        return cls(**settings)

    @property
    def client(self) -> ClientT:
        """The client that sends requests, for what has no method: `sdk.client.get("/api/v1/edc/studies")`."""
        return self._client

    @property
    def config(self) -> Config:
        """Keys and base URL; `repr` masks the keys."""
        return self._client.config

    @property
    def retry_policy(self) -> RetryPolicy:
        """Decides whether a request is sent again; can be set at any time."""
        return self._client.retry_policy

    @retry_policy.setter
    def retry_policy(self, policy: RetryPolicy) -> None:
        self._client.retry_policy = policy

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings without the keys, which come from the environment where the pickle is loaded."""
        return partial(type(self), **self._client.settings()), ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the SDK itself: it holds connections, is meant to be shared, and does not change."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._client.base_url!r})"
