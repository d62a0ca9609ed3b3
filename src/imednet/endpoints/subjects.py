"""Subjects of a study, deleted ones included."""

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import Subject  # noqa: F401  (named as text: models are loaded at first use)


class SubjectsEndpoint(GenericListGetEndpoint["Subject"]):
    """Subjects of a study, deleted ones included."""

    OPERATION = "list_subjects"


class AsyncSubjectsEndpoint(AsyncGenericListGetEndpoint["Subject"]):
    """Subjects of a study, deleted ones included."""

    OPERATION = "list_subjects"
