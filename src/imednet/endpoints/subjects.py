"""Subjects of a study, deleted ones included."""

from imednet_api.models import Subject

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint


class SubjectsEndpoint(GenericListGetEndpoint[Subject]):
    """Subjects of a study, deleted ones included."""

    OPERATION = "list_subjects"


class AsyncSubjectsEndpoint(AsyncGenericListGetEndpoint[Subject]):
    """Subjects of a study, deleted ones included."""

    OPERATION = "list_subjects"
