"""Questions of all forms of a study."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Variable  # noqa: F401  (named as text: models are loaded at first use)


class VariablesEndpoint(GenericListGetEndpoint["Variable"]):
    """Questions of all forms of a study."""

    OPERATION = "list_variables"


class AsyncVariablesEndpoint(AsyncGenericListGetEndpoint["Variable"]):
    """Questions of all forms of a study."""

    OPERATION = "list_variables"
