"""Planned visits of a study."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Interval  # noqa: F401  (named as text: models are loaded at first use)


class IntervalsEndpoint(GenericListGetEndpoint["Interval"]):
    """Planned visits of a study."""

    OPERATION = "list_intervals"


class AsyncIntervalsEndpoint(AsyncGenericListGetEndpoint["Interval"]):
    """Planned visits of a study."""

    OPERATION = "list_intervals"
