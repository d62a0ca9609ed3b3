"""The registry of endpoints: attribute of an SDK -> endpoint class, loaded at first use."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .endpoints import GenericEndpoint


class Registry(MutableMapping[str, "type[GenericEndpoint[Any]]"]):
    """A mapping: attribute of the SDK -> endpoint class.

    `registry["things"] = ThingsEndpoint` adds a resource to SDKs made afterwards, and to attributes not yet used.

    Args:
        names: attribute -> name of a class of `imednet.endpoints`.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self._entries: dict[str, str | type[GenericEndpoint[Any]]] = dict(names)

    def __getitem__(self, name: str) -> type[GenericEndpoint[Any]]:
        entry = self._entries[name]
        if isinstance(entry, str):
            endpoint: type[GenericEndpoint[Any]] = getattr(import_module("imednet.endpoints"), entry)
            self._entries[name] = endpoint
            return endpoint
        return entry

    def __setitem__(self, name: str, endpoint: type[GenericEndpoint[Any]]) -> None:
        self._entries[name] = endpoint

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
