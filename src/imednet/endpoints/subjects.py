"""Subjects of a study, deleted ones included."""

from imednet_api.models import Subject

from .base import AsyncGenericListGetEndpoint, GenericListGetEndpoint


class SubjectsEndpoint(GenericListGetEndpoint[Subject]):
    """Subjects of a study, deleted ones included."""

    OPERATION = "list_subjects"


class AsyncSubjectsEndpoint(AsyncGenericListGetEndpoint[Subject]):
    """Subjects of a study, deleted ones included."""

    OPERATION = "list_subjects"
