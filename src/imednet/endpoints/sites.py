"""Sites of a study."""

from imednet_api.models import Site

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class SitesEndpoint(GenericListGetEndpoint[Site]):
    """Sites of a study."""

    OPERATION = "list_sites"


class AsyncSitesEndpoint(AsyncGenericListGetEndpoint[Site]):
    """Sites of a study."""

    OPERATION = "list_sites"
