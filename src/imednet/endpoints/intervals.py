"""Planned visits of a study."""

from imednet_api.models import Interval

from .base import AsyncGenericListGetEndpoint, GenericListGetEndpoint


class IntervalsEndpoint(GenericListGetEndpoint[Interval]):
    """Planned visits of a study."""

    OPERATION = "list_intervals"


class AsyncIntervalsEndpoint(AsyncGenericListGetEndpoint[Interval]):
    """Planned visits of a study."""

    OPERATION = "list_intervals"
