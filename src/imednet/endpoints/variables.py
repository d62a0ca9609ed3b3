"""Questions of all forms of a study."""

from imednet_api.models import Variable

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class VariablesEndpoint(GenericListGetEndpoint[Variable]):
    """Questions of all forms of a study."""

    OPERATION = "list_variables"


class AsyncVariablesEndpoint(AsyncGenericListGetEndpoint[Variable]):
    """Questions of all forms of a study."""

    OPERATION = "list_variables"
