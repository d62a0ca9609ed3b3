"""Queries with their comments."""

from .lists.typed import AsyncTypedQueries, TypedQueries


class AsyncQueriesEndpoint(AsyncTypedQueries):
    """Queries with their comments."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class QueriesEndpoint(TypedQueries):
    """Queries with their comments."""
