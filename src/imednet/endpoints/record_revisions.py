"""Saved states of records."""

from imednet_api.models import RecordRevision

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class RecordRevisionsEndpoint(GenericListGetEndpoint[RecordRevision]):
    """Saved states of records."""

    OPERATION = "list_record_revisions"


class AsyncRecordRevisionsEndpoint(AsyncGenericListGetEndpoint[RecordRevision]):
    """Saved states of records."""

    OPERATION = "list_record_revisions"
