"""Terms mapped to a dictionary."""

from imednet_api.models import Coding

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class CodingsEndpoint(GenericListGetEndpoint[Coding]):
    """Terms mapped to a dictionary."""

    OPERATION = "list_codings"


class AsyncCodingsEndpoint(AsyncGenericListGetEndpoint[Coding]):
    """Terms mapped to a dictionary."""

    OPERATION = "list_codings"
