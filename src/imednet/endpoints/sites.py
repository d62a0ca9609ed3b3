"""Sites of a study."""

from imednet_api.models import Site

from .base import AsyncGenericListGetEndpoint, GenericListGetEndpoint


class SitesEndpoint(GenericListGetEndpoint[Site]):
    """Sites of a study."""

    OPERATION = "list_sites"


class AsyncSitesEndpoint(AsyncGenericListGetEndpoint[Site]):
    """Sites of a study."""

    OPERATION = "list_sites"
