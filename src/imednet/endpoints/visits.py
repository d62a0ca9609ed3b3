"""Visits of all subjects of a study."""

from .lists.typed import AsyncTypedVisits, TypedVisits


class AsyncVisitsEndpoint(AsyncTypedVisits):
    """Visits of all subjects of a study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class VisitsEndpoint(TypedVisits):
    """Visits of all subjects of a study."""
