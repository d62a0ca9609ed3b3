"""Sites of a study."""

from .lists.typed import AsyncTypedSites, TypedSites


class AsyncSitesEndpoint(AsyncTypedSites):
    """Sites of a study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class SitesEndpoint(TypedSites):
    """Sites of a study."""
