"""Forms of a study."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Form  # noqa: F401  (named as text: models are loaded at first use)


class FormsEndpoint(GenericListGetEndpoint["Form"]):
    """Forms of a study."""

    OPERATION = "list_forms"


class AsyncFormsEndpoint(AsyncGenericListGetEndpoint["Form"]):
    """Forms of a study."""

    OPERATION = "list_forms"
