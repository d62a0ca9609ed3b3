"""Optional libraries: loaded when a sink is made, never when a module is imported."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .._version import distribution
from ..errors import ExportConfigurationError


def _require_optional_dep(module: str, extra: str) -> ModuleType:
    """The module, or an error that says what to install.

    The package index has another project of this name, so that the message tells of the place it came from.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ExportConfigurationError(
            f"this needs {module.partition('.')[0]}, which is not installed: it comes with imednet[{extra}]. Next: "
            f"pip install 'PATH[{extra}]', where PATH is the checkout or the wheel of this package ({distribution()}); "
            "on the package index that name is another project's"
        ) from None
