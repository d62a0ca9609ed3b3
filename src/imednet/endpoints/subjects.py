"""Subjects of a study, deleted ones included."""

from .lists.typed import AsyncTypedSubjects, TypedSubjects


class AsyncSubjectsEndpoint(AsyncTypedSubjects):
    """Subjects of a study, deleted ones included."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class SubjectsEndpoint(TypedSubjects):
    """Subjects of a study, deleted ones included."""
