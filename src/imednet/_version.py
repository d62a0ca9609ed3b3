"""Which distribution this package came from, and its version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, packages_distributions
from importlib.metadata import version as _distribution_version


def distribution() -> str:
    """The name of the installed distribution that provides this package, for install hints.

    Another project provides an import of the same name, so the name is looked up, never assumed.
    """
    found = packages_distributions().get("imednet_api") or packages_distributions().get("imednet") or ["imednet"]
    return found[0]


def version() -> str:
    """The version of the installed distribution, or `0+unknown` for a copy that was never installed."""
    try:
        return _distribution_version(distribution())
    except PackageNotFoundError:
        return "0+unknown"
