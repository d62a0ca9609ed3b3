"""Terms mapped to a dictionary."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Coding  # noqa: F401  (named as text: models are loaded at first use)


class CodingsEndpoint(GenericListGetEndpoint["Coding"]):
    """Terms mapped to a dictionary."""

    OPERATION = "list_codings"


class AsyncCodingsEndpoint(AsyncGenericListGetEndpoint["Coding"]):
    """Terms mapped to a dictionary."""

    OPERATION = "list_codings"
