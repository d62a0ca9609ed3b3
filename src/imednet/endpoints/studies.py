"""Studies the keys may see."""

from .lists.typed import AsyncTypedStudies, TypedStudies


class AsyncStudiesEndpoint(AsyncTypedStudies):
    """Studies the keys may see; `list()` takes no study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class StudiesEndpoint(TypedStudies):
    """Studies the keys may see; `list()` takes no study."""
