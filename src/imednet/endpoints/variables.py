"""Questions of all forms of a study."""

from .lists.typed import AsyncTypedVariables, TypedVariables


class AsyncVariablesEndpoint(AsyncTypedVariables):
    """Questions of all forms of a study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class VariablesEndpoint(TypedVariables):
    """Questions of all forms of a study."""
