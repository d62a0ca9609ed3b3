"""Planned visits of a study."""

from .lists.typed import AsyncTypedIntervals, TypedIntervals


class AsyncIntervalsEndpoint(AsyncTypedIntervals):
    """Planned visits of a study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class IntervalsEndpoint(TypedIntervals):
    """Planned visits of a study."""
