"""Saved states of records."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import RecordRevision  # noqa: F401  (named as text: models are loaded at first use)


class RecordRevisionsEndpoint(GenericListGetEndpoint["RecordRevision"]):
    """Saved states of records."""

    OPERATION = "list_record_revisions"


class AsyncRecordRevisionsEndpoint(AsyncGenericListGetEndpoint["RecordRevision"]):
    """Saved states of records."""

    OPERATION = "list_record_revisions"
