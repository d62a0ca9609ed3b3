"""Users of a study with their roles."""

from typing import Any

from .lists.typed import AsyncTypedUsers, TypedUsers


class AsyncUsersEndpoint(AsyncTypedUsers):
    """Users of a study with their roles. `include_inactive=True` also lists people who left the study."""

    def _wide(self) -> dict[str, Any]:
        """Inactive users too: the server hides them and cannot filter users, so `get` looks through all of them."""
        return {"include_inactive": True}


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class UsersEndpoint(TypedUsers):
    """Users of a study with their roles. `include_inactive=True` also lists people who left the study."""

    def _wide(self) -> dict[str, Any]:
        """Inactive users too: the server hides them and cannot filter users, so `get` looks through all of them."""
        return {"include_inactive": True}
