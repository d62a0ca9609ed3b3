"""Visits of all subjects of a study."""

from imednet_api.models import Visit

from .base import AsyncGenericListGetEndpoint, GenericListGetEndpoint


class VisitsEndpoint(GenericListGetEndpoint[Visit]):
    """Visits of all subjects of a study."""

    OPERATION = "list_visits"


class AsyncVisitsEndpoint(AsyncGenericListGetEndpoint[Visit]):
    """Visits of all subjects of a study."""

    OPERATION = "list_visits"
