"""Names of a package that are loaded when they are used first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def loader(package: str, homes: Mapping[str, str], namespace: dict[str, Any]) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Args:
        package: its name.
        homes: name -> module below the package, with `:other` behind it where the name is another one there.
        namespace: `globals()` of the package, where loaded names are kept.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home, _, actual = homes[name].partition(":")
        value = getattr(import_module(f".{home}", package), actual or name)
        namespace[name] = value
        return value

    return load
