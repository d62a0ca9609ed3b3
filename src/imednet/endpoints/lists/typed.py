# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
"""Lists with their operations, one class a resource; the stub beside this file gives their filters as keywords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import (  # noqa: F401  (named as text)
        Coding,
        Form,
        Interval,
        Query,
        Record,
        RecordRevision,
        Site,
        Study,
        Subject,
        User,
        Variable,
        Visit,
    )


class AsyncTypedStudies(AsyncGenericListGetEndpoint["Study"]):
    """The list of studies."""

    OPERATION = "list_studies"


class AsyncTypedSites(AsyncGenericListGetEndpoint["Site"]):
    """The list of sites."""

    OPERATION = "list_sites"


class AsyncTypedForms(AsyncGenericListGetEndpoint["Form"]):
    """The list of forms."""

    OPERATION = "list_forms"


class AsyncTypedIntervals(AsyncGenericListGetEndpoint["Interval"]):
    """The list of intervals."""

    OPERATION = "list_intervals"


class AsyncTypedVariables(AsyncGenericListGetEndpoint["Variable"]):
    """The list of variables."""

    OPERATION = "list_variables"


class AsyncTypedSubjects(AsyncGenericListGetEndpoint["Subject"]):
    """The list of subjects."""

    OPERATION = "list_subjects"


class AsyncTypedVisits(AsyncGenericListGetEndpoint["Visit"]):
    """The list of visits."""

    OPERATION = "list_visits"


class AsyncTypedRecords(AsyncGenericListGetEndpoint["Record"]):
    """The list of records."""

    OPERATION = "list_records"


class AsyncTypedRecordRevisions(AsyncGenericListGetEndpoint["RecordRevision"]):
    """The list of record revisions."""

    OPERATION = "list_record_revisions"


class AsyncTypedQueries(AsyncGenericListGetEndpoint["Query"]):
    """The list of queries."""

    OPERATION = "list_queries"


class AsyncTypedCodings(AsyncGenericListGetEndpoint["Coding"]):
    """The list of codings."""

    OPERATION = "list_codings"


class AsyncTypedUsers(AsyncGenericListGetEndpoint["User"]):
    """The list of users."""

    OPERATION = "list_users"


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class TypedStudies(GenericListGetEndpoint["Study"]):
    """The list of studies."""

    OPERATION = "list_studies"


class TypedSites(GenericListGetEndpoint["Site"]):
    """The list of sites."""

    OPERATION = "list_sites"


class TypedForms(GenericListGetEndpoint["Form"]):
    """The list of forms."""

    OPERATION = "list_forms"


class TypedIntervals(GenericListGetEndpoint["Interval"]):
    """The list of intervals."""

    OPERATION = "list_intervals"


class TypedVariables(GenericListGetEndpoint["Variable"]):
    """The list of variables."""

    OPERATION = "list_variables"


class TypedSubjects(GenericListGetEndpoint["Subject"]):
    """The list of subjects."""

    OPERATION = "list_subjects"


class TypedVisits(GenericListGetEndpoint["Visit"]):
    """The list of visits."""

    OPERATION = "list_visits"


class TypedRecords(GenericListGetEndpoint["Record"]):
    """The list of records."""

    OPERATION = "list_records"


class TypedRecordRevisions(GenericListGetEndpoint["RecordRevision"]):
    """The list of record revisions."""

    OPERATION = "list_record_revisions"


class TypedQueries(GenericListGetEndpoint["Query"]):
    """The list of queries."""

    OPERATION = "list_queries"


class TypedCodings(GenericListGetEndpoint["Coding"]):
    """The list of codings."""

    OPERATION = "list_codings"


class TypedUsers(GenericListGetEndpoint["User"]):
    """The list of users."""

    OPERATION = "list_users"
