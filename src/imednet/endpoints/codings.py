"""Terms mapped to a dictionary."""

from .lists.typed import AsyncTypedCodings, TypedCodings


class AsyncCodingsEndpoint(AsyncTypedCodings):
    """Terms mapped to a dictionary."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class CodingsEndpoint(TypedCodings):
    """Terms mapped to a dictionary."""
