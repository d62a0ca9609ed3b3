"""Users of a study with their roles."""

from typing import TYPE_CHECKING, Any

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import User  # noqa: F401  (named as text: models are loaded at first use)


class _Rules:
    """The server cannot filter users and hides inactive ones, so a `get` looks through all of them."""

    def _wide(self) -> dict[str, Any]:
        return {"include_inactive": True}


class UsersEndpoint(_Rules, GenericListGetEndpoint["User"]):
    """Users of a study with their roles. `include_inactive=True` also lists people who left the study."""

    OPERATION = "list_users"


class AsyncUsersEndpoint(_Rules, AsyncGenericListGetEndpoint["User"]):
    """Users of a study with their roles. `include_inactive=True` also lists people who left the study."""

    OPERATION = "list_users"
