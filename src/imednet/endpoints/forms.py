"""Forms of a study."""

from .lists.typed import AsyncTypedForms, TypedForms


class AsyncFormsEndpoint(AsyncTypedForms):
    """Forms of a study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class FormsEndpoint(TypedForms):
    """Forms of a study."""
