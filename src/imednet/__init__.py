"""Python SDK, command line, sandbox and exports for the iMednet EDC REST API. Unofficial.

    from imednet import ImednetSDK

    with ImednetSDK() as sdk:  # keys from IMEDNET_API_KEY and IMEDNET_SECURITY_KEY
        for record in sdk.records.iter("ABC-01", form_key="AE"):
            print(record.record_id, record.record_data)

Names are loaded when they are used first, so that importing the package, or one of its errors, loads little else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .async_sdk import AsyncImednetSDK as AsyncImednetSDK
    from .config import Config as Config
    from .config import load_config as load_config
    from .core.base_client import BaseClient as BaseClient
    from .core.retry import DefaultRetryPolicy as DefaultRetryPolicy
    from .core.retry import RetryPolicy as RetryPolicy
    from .core.retry import RetryState as RetryState
    from .errors import ImednetError as ImednetError
    from .errors import PluginLoadError as PluginLoadError
    from .sdk import ImednetSDK as ImednetClient
    from .sdk import ImednetSDK as ImednetSDK

_HOMES = {
    "AsyncImednetSDK": "async_sdk",
    "BaseClient": "core.base_client",
    "Config": "config",
    "DefaultRetryPolicy": "core.retry",
    "ImednetClient": "sdk",
    "ImednetError": "errors",
    "ImednetSDK": "sdk",
    "PluginLoadError": "errors",
    "RetryPolicy": "core.retry",
    "RetryState": "core.retry",
    "load_config": "config",
}

__all__ = (
    "AsyncImednetSDK",
    "BaseClient",
    "Config",
    "DefaultRetryPolicy",
    "ImednetClient",
    "ImednetError",
    "ImednetSDK",
    "PluginLoadError",
    "RetryPolicy",
    "RetryState",
    "__version__",
    "load_config",
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("._version", __name__).version()
    elif name in _HOMES:
        actual = "ImednetSDK" if name == "ImednetClient" else name
        value = getattr(import_module(f".{_HOMES[name]}", __name__), actual)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
