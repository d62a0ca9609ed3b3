"""Terms mapped to a dictionary."""

from imednet_api.models import Coding

from .base import AsyncGenericListGetEndpoint, GenericListGetEndpoint


class CodingsEndpoint(GenericListGetEndpoint[Coding]):
    """Terms mapped to a dictionary."""

    OPERATION = "list_codings"


class AsyncCodingsEndpoint(AsyncGenericListGetEndpoint[Coding]):
    """Terms mapped to a dictionary."""

    OPERATION = "list_codings"
