"""Optional libraries: loaded when a sink is made, never when a module is imported."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .._version import distribution
from ..errors import ExportConfigurationError


def _require_optional_dep(module: str, extra: str) -> ModuleType:
    """The module, or an error that says what to install.

    The name of the distribution is the installed one's: another project provides an import of the same name.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ExportConfigurationError(
            f"this export needs {module.partition('.')[0]}, which is not installed. Next: install the extra {extra!r} "
            f"of {distribution()} from where you installed it, as in: pip install '.[{extra}]'"
        ) from None
