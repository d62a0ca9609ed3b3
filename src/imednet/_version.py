"""Which distribution this package came from, and its version."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, entry_points
from importlib.metadata import version as _distribution_version


@lru_cache(maxsize=1)
def distribution() -> str:
    """The name of the installed distribution that provides this package, for install hints.

    Another project provides an import of the same name, so the name is looked up, never assumed: our distribution,
    whatever it is called, has an entry point in the group `imednet.home`. A copy that was never installed has none.
    """
    for entry in entry_points(group="imednet.home"):
        if entry.dist is not None:
            return entry.dist.name
    return "imednet"


def version() -> str:
    """The version of the installed distribution, or `0+unknown` for a copy that was never installed."""
    try:
        return _distribution_version(distribution())
    except PackageNotFoundError:
        return "0+unknown"
