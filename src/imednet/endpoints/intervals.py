"""Planned visits of a study."""

from imednet_api.models import Interval

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class IntervalsEndpoint(GenericListGetEndpoint[Interval]):
    """Planned visits of a study."""

    OPERATION = "list_intervals"


class AsyncIntervalsEndpoint(AsyncGenericListGetEndpoint[Interval]):
    """Planned visits of a study."""

    OPERATION = "list_intervals"
