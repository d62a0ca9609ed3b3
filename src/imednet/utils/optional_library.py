"""Optional libraries, which are imported at first use."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .._version import distribution
from ..errors import ExportConfigurationError


def optional_library(module: str, extra: str) -> ModuleType:
    """Import a module of an optional library, or raise ExportConfigurationError that says what to install.

    The package index has another project of this name, so the message names the place this package came from.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ExportConfigurationError(
            f"{module.partition('.')[0]} is needed but not installed; it comes with imednet[{extra}]. Next: "
            f"pip install 'PATH[{extra}]', where PATH is the checkout or the wheel of this package ({distribution()}); "
            "the project of that name on the package index is a different one"
        ) from None
