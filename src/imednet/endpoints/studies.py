"""Studies the keys may see."""

from imednet_api.models import Study

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class StudiesEndpoint(GenericListGetEndpoint[Study]):
    """Studies the keys may see; `list()` takes no study."""

    OPERATION = "list_studies"


class AsyncStudiesEndpoint(AsyncGenericListGetEndpoint[Study]):
    """Studies the keys may see; `list()` takes no study."""

    OPERATION = "list_studies"
