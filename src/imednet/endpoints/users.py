"""Users of a study with their roles."""

from .lists.typed import AsyncTypedUsers, TypedUsers


class AsyncUsersEndpoint(AsyncTypedUsers):
    """Users of a study with their roles. `include_inactive=True` also lists people who left the study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class UsersEndpoint(TypedUsers):
    """Users of a study with their roles. `include_inactive=True` also lists people who left the study."""
