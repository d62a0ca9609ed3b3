"""Queries with their comments."""

from imednet_api.models import Query

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class QueriesEndpoint(GenericListGetEndpoint[Query]):
    """Queries with their comments."""

    OPERATION = "list_queries"


class AsyncQueriesEndpoint(AsyncGenericListGetEndpoint[Query]):
    """Queries with their comments."""

    OPERATION = "list_queries"
