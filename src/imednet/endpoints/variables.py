"""Questions of all forms of a study."""

from imednet_api.models import Variable

from .base import AsyncGenericListGetEndpoint, GenericListGetEndpoint


class VariablesEndpoint(GenericListGetEndpoint[Variable]):
    """Questions of all forms of a study."""

    OPERATION = "list_variables"


class AsyncVariablesEndpoint(AsyncGenericListGetEndpoint[Variable]):
    """Questions of all forms of a study."""

    OPERATION = "list_variables"
