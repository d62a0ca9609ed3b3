"""Visits of all subjects of a study."""

from imednet_api.models import Visit

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class VisitsEndpoint(GenericListGetEndpoint[Visit]):
    """Visits of all subjects of a study."""

    OPERATION = "list_visits"


class AsyncVisitsEndpoint(AsyncGenericListGetEndpoint[Visit]):
    """Visits of all subjects of a study."""

    OPERATION = "list_visits"
