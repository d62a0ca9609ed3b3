"""Saved states of records."""

from .lists.typed import AsyncTypedRecordRevisions, TypedRecordRevisions


class AsyncRecordRevisionsEndpoint(AsyncTypedRecordRevisions):
    """Saved states of records."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class RecordRevisionsEndpoint(TypedRecordRevisions):
    """Saved states of records."""
