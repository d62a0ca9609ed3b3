"""Queries with their comments."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Query  # noqa: F401  (named as text: models are loaded at first use)


class QueriesEndpoint(GenericListGetEndpoint["Query"]):
    """Queries with their comments."""

    OPERATION = "list_queries"


class AsyncQueriesEndpoint(AsyncGenericListGetEndpoint["Query"]):
    """Queries with their comments."""

    OPERATION = "list_queries"
