"""Studies the keys may see."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Study  # noqa: F401  (named as text: models are loaded at first use)


class StudiesEndpoint(GenericListGetEndpoint["Study"]):
    """Studies the keys may see; `list()` takes no study."""

    OPERATION = "list_studies"


class AsyncStudiesEndpoint(AsyncGenericListGetEndpoint["Study"]):
    """Studies the keys may see; `list()` takes no study."""

    OPERATION = "list_studies"
