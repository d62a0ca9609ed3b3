"""Forms of a study."""

from imednet_api.models import Form

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class FormsEndpoint(GenericListGetEndpoint[Form]):
    """Forms of a study."""

    OPERATION = "list_forms"


class AsyncFormsEndpoint(AsyncGenericListGetEndpoint[Form]):
    """Forms of a study."""

    OPERATION = "list_forms"
