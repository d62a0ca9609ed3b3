"""Sites of a study."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Site  # noqa: F401  (named as text: models are loaded at first use)


class SitesEndpoint(GenericListGetEndpoint["Site"]):
    """Sites of a study."""

    OPERATION = "list_sites"


class AsyncSitesEndpoint(AsyncGenericListGetEndpoint["Site"]):
    """Sites of a study."""

    OPERATION = "list_sites"
