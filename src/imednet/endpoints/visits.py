"""Visits of all subjects of a study."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Visit  # noqa: F401  (named as text: models are loaded at first use)


class VisitsEndpoint(GenericListGetEndpoint["Visit"]):
    """Visits of all subjects of a study."""

    OPERATION = "list_visits"


class AsyncVisitsEndpoint(AsyncGenericListGetEndpoint["Visit"]):
    """Visits of all subjects of a study."""

    OPERATION = "list_visits"
