# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""All models, each imported when it is named first."""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

if TYPE_CHECKING:
    from .coding import Coding as Coding
    from .coding_page import CodingPage as CodingPage
    from .error_detail import ErrorDetail as ErrorDetail
    from .error_envelope import ErrorEnvelope as ErrorEnvelope
    from .error_field import ErrorField as ErrorField
    from .form import Form as Form
    from .form_page import FormPage as FormPage
    from .interval import Interval as Interval
    from .interval_form import IntervalForm as IntervalForm
    from .interval_page import IntervalPage as IntervalPage
    from .job import Job as Job
    from .keyword import Keyword as Keyword
    from .list_envelope import ListEnvelope as ListEnvelope
    from .metadata import Metadata as Metadata
    from .new_record import NewRecord as NewRecord
    from .pagination import Pagination as Pagination
    from .query import Query as Query
    from .query_comment import QueryComment as QueryComment
    from .query_page import QueryPage as QueryPage
    from .record import Record as Record
    from .record_data import RecordData as RecordData
    from .record_page import RecordPage as RecordPage
    from .record_revision import RecordRevision as RecordRevision
    from .record_revision_page import RecordRevisionPage as RecordRevisionPage
    from .record_update import RecordUpdate as RecordUpdate
    from .role import Role as Role
    from .scheduled_record_update import ScheduledRecordUpdate as ScheduledRecordUpdate
    from .site import Site as Site
    from .site_page import SitePage as SitePage
    from .sort_order import SortOrder as SortOrder
    from .study import Study as Study
    from .study_page import StudyPage as StudyPage
    from .subject import Subject as Subject
    from .subject_page import SubjectPage as SubjectPage
    from .subject_registration import SubjectRegistration as SubjectRegistration
    from .user import User as User
    from .user_page import UserPage as UserPage
    from .variable import Variable as Variable
    from .variable_page import VariablePage as VariablePage
    from .visit import Visit as Visit
    from .visit_page import VisitPage as VisitPage

_MODULES = {
    "Coding": ".coding",
    "CodingPage": ".coding_page",
    "ErrorDetail": ".error_detail",
    "ErrorEnvelope": ".error_envelope",
    "ErrorField": ".error_field",
    "Form": ".form",
    "FormPage": ".form_page",
    "Interval": ".interval",
    "IntervalForm": ".interval_form",
    "IntervalPage": ".interval_page",
    "Job": ".job",
    "Keyword": ".keyword",
    "ListEnvelope": ".list_envelope",
    "Metadata": ".metadata",
    "NewRecord": ".new_record",
    "Pagination": ".pagination",
    "Query": ".query",
    "QueryComment": ".query_comment",
    "QueryPage": ".query_page",
    "Record": ".record",
    "RecordData": ".record_data",
    "RecordPage": ".record_page",
    "RecordRevision": ".record_revision",
    "RecordRevisionPage": ".record_revision_page",
    "RecordUpdate": ".record_update",
    "Role": ".role",
    "ScheduledRecordUpdate": ".scheduled_record_update",
    "Site": ".site",
    "SitePage": ".site_page",
    "SortOrder": ".sort_order",
    "Study": ".study",
    "StudyPage": ".study_page",
    "Subject": ".subject",
    "SubjectPage": ".subject_page",
    "SubjectRegistration": ".subject_registration",
    "User": ".user",
    "UserPage": ".user_page",
    "Variable": ".variable",
    "VariablePage": ".variable_page",
    "Visit": ".visit",
    "VisitPage": ".visit_page",
}

__all__ = (
    "Coding",
    "CodingPage",
    "ErrorDetail",
    "ErrorEnvelope",
    "ErrorField",
    "Form",
    "FormPage",
    "Interval",
    "IntervalForm",
    "IntervalPage",
    "Job",
    "Keyword",
    "ListEnvelope",
    "Metadata",
    "NewRecord",
    "Pagination",
    "Query",
    "QueryComment",
    "QueryPage",
    "Record",
    "RecordData",
    "RecordPage",
    "RecordRevision",
    "RecordRevisionPage",
    "RecordUpdate",
    "Role",
    "ScheduledRecordUpdate",
    "Site",
    "SitePage",
    "SortOrder",
    "Study",
    "StudyPage",
    "Subject",
    "SubjectPage",
    "SubjectRegistration",
    "User",
    "UserPage",
    "Variable",
    "VariablePage",
    "Visit",
    "VisitPage",
)


def __getattr__(name: str) -> _Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(_MODULES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
