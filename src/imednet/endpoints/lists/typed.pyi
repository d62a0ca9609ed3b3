# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
from typing import ClassVar, Literal, TypedDict, Unpack, overload

from imednet_api.models import (
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

from ...core.filtering.conditions import Condition
from ...core.filtering.grammar import Filter
from ...core.options import CountOptions, ListOptions, PageOptions
from ..rows import AsyncRowIterator, AsyncRowPages, RawRow, RowIterator, RowPages, Rows
from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

class StudyFilters(TypedDict, total=False):
    sponsor_key: Filter
    study_id: Filter
    study_name: Filter
    study_description: Filter
    study_type: Filter
    date_created: Filter
    date_modified: Filter

class StudyListOptions(ListOptions, StudyFilters, total=False): ...
class StudyPageOptions(PageOptions, StudyFilters, total=False): ...
class StudyCountOptions(CountOptions, StudyFilters, total=False): ...

class SiteFilters(TypedDict, total=False):
    site_id: Filter
    site_name: Filter
    site_enrollment_status: Filter
    date_created: Filter
    date_modified: Filter

class SiteListOptions(ListOptions, SiteFilters, total=False): ...
class SitePageOptions(PageOptions, SiteFilters, total=False): ...
class SiteCountOptions(CountOptions, SiteFilters, total=False): ...

class FormFilters(TypedDict, total=False):
    form_id: Filter
    form_key: Filter
    form_name: Filter
    form_type: Filter
    revision: Filter
    embedded_log: Filter
    enforce_ownership: Filter
    user_agreement: Filter
    subject_record_report: Filter
    unscheduled_visit: Filter
    other_forms: Filter
    epro_form: Filter
    allow_copy: Filter
    disabled: Filter
    date_created: Filter
    date_modified: Filter

class FormListOptions(ListOptions, FormFilters, total=False): ...
class FormPageOptions(PageOptions, FormFilters, total=False): ...
class FormCountOptions(CountOptions, FormFilters, total=False): ...

class IntervalFilters(TypedDict, total=False):
    interval_id: Filter
    interval_name: Filter
    interval_description: Filter
    interval_sequence: Filter
    interval_group_id: Filter
    interval_group_name: Filter
    disabled: Filter
    date_created: Filter
    date_modified: Filter
    timeline: Filter
    defined_using_interval: Filter
    window_calculation_form: Filter
    window_calculation_date: Filter
    actual_date_form: Filter
    actual_date: Filter
    due_date_will_be_in: Filter
    negative_slack: Filter
    positive_slack: Filter
    epro_grace_period: Filter
    forms: Filter

class IntervalListOptions(ListOptions, IntervalFilters, total=False): ...
class IntervalPageOptions(PageOptions, IntervalFilters, total=False): ...
class IntervalCountOptions(CountOptions, IntervalFilters, total=False): ...

class VariableFilters(TypedDict, total=False):
    variable_id: Filter
    variable_type: Filter
    variable_name: Filter
    sequence: Filter
    revision: Filter
    disabled: Filter
    date_created: Filter
    date_modified: Filter
    form_id: Filter
    variable_oid: Filter
    deleted: Filter
    form_key: Filter
    form_name: Filter
    label: Filter
    blinded: Filter

class VariableListOptions(ListOptions, VariableFilters, total=False): ...
class VariablePageOptions(PageOptions, VariableFilters, total=False): ...
class VariableCountOptions(CountOptions, VariableFilters, total=False): ...

class SubjectFilters(TypedDict, total=False):
    subject_id: Filter
    subject_oid: Filter
    subject_key: Filter
    subject_status: Filter
    site_id: Filter
    site_name: Filter
    deleted: Filter
    enrollment_start_date: Filter
    date_created: Filter
    date_modified: Filter
    keywords: Filter

class SubjectListOptions(ListOptions, SubjectFilters, total=False): ...
class SubjectPageOptions(PageOptions, SubjectFilters, total=False): ...
class SubjectCountOptions(CountOptions, SubjectFilters, total=False): ...

class VisitFilters(TypedDict, total=False):
    visit_id: Filter
    interval_id: Filter
    interval_name: Filter
    subject_id: Filter
    subject_key: Filter
    start_date: Filter
    end_date: Filter
    due_date: Filter
    visit_date: Filter
    visit_date_form: Filter
    visit_date_question: Filter
    deleted: Filter
    date_created: Filter
    date_modified: Filter
    interval_group_id: Filter
    interval_group_name: Filter

class VisitListOptions(ListOptions, VisitFilters, total=False): ...
class VisitPageOptions(PageOptions, VisitFilters, total=False): ...
class VisitCountOptions(CountOptions, VisitFilters, total=False): ...

class RecordFilters(TypedDict, total=False):
    interval_id: Filter
    form_id: Filter
    form_key: Filter
    site_id: Filter
    record_id: Filter
    record_oid: Filter
    record_type: Filter
    record_status: Filter
    deleted: Filter
    date_created: Filter
    date_modified: Filter
    subject_id: Filter
    subject_oid: Filter
    subject_key: Filter
    visit_id: Filter
    parent_record_id: Filter
    keywords: Filter
    record_data: Filter
    record_data_filter: str | Condition | None

class RecordListOptions(ListOptions, RecordFilters, total=False): ...
class RecordPageOptions(PageOptions, RecordFilters, total=False): ...
class RecordCountOptions(CountOptions, RecordFilters, total=False): ...

class RecordRevisionFilters(TypedDict, total=False):
    record_revision_id: Filter
    record_id: Filter
    record_oid: Filter
    record_revision: Filter
    data_revision: Filter
    record_status: Filter
    subject_id: Filter
    subject_oid: Filter
    subject_key: Filter
    site_id: Filter
    form_key: Filter
    interval_id: Filter
    role: Filter
    user: Filter
    reason_for_change: Filter
    deleted: Filter
    date_created: Filter

class RecordRevisionListOptions(ListOptions, RecordRevisionFilters, total=False): ...
class RecordRevisionPageOptions(PageOptions, RecordRevisionFilters, total=False): ...
class RecordRevisionCountOptions(CountOptions, RecordRevisionFilters, total=False): ...

class QueryFilters(TypedDict, total=False):
    subject_id: Filter
    subject_oid: Filter
    annotation_type: Filter
    annotation_id: Filter
    type: Filter
    description: Filter
    record_id: Filter
    variable: Filter
    subject_key: Filter
    date_created: Filter
    date_modified: Filter
    query_comments: Filter

class QueryListOptions(ListOptions, QueryFilters, total=False): ...
class QueryPageOptions(PageOptions, QueryFilters, total=False): ...
class QueryCountOptions(CountOptions, QueryFilters, total=False): ...

class CodingFilters(TypedDict, total=False):
    site_name: Filter
    site_id: Filter
    subject_id: Filter
    subject_key: Filter
    form_id: Filter
    form_name: Filter
    form_key: Filter
    revision: Filter
    record_id: Filter
    variable: Filter
    value: Filter
    coding_id: Filter
    code: Filter
    coded_by: Filter
    reason: Filter
    dictionary_name: Filter
    dictionary_version: Filter
    date_coded: Filter

class CodingListOptions(ListOptions, CodingFilters, total=False): ...
class CodingPageOptions(PageOptions, CodingFilters, total=False): ...
class CodingCountOptions(CountOptions, CodingFilters, total=False): ...

class UserFilters(TypedDict, total=False):
    include_inactive: bool

class UserListOptions(ListOptions, UserFilters, total=False): ...
class UserPageOptions(PageOptions, UserFilters, total=False): ...
class UserCountOptions(CountOptions, UserFilters, total=False): ...

class AsyncTypedStudies(AsyncGenericListGetEndpoint[Study]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: Filter = None, *, raw: Literal[False] = False, **options: Unpack[StudyListOptions]
    ) -> Rows[Study]: ...
    @overload
    async def list(
        self, study_key: Filter = None, *, raw: Literal[True], **options: Unpack[StudyListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: Filter = None, *, raw: Literal[False] = False, **options: Unpack[StudyListOptions]
    ) -> AsyncRowIterator[Study]: ...
    @overload
    def iter(
        self, study_key: Filter = None, *, raw: Literal[True], **options: Unpack[StudyListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: Filter = None, *, raw: Literal[False] = False, **options: Unpack[StudyPageOptions]
    ) -> AsyncRowPages[Study]: ...
    @overload
    def pages(
        self, study_key: Filter = None, *, raw: Literal[True], **options: Unpack[StudyPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: Filter = None, **options: Unpack[StudyCountOptions]
    ) -> int: ...

class AsyncTypedSites(AsyncGenericListGetEndpoint[Site]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SiteListOptions]
    ) -> Rows[Site]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SiteListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SiteListOptions]
    ) -> AsyncRowIterator[Site]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SiteListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SitePageOptions]
    ) -> AsyncRowPages[Site]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SitePageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[SiteCountOptions]
    ) -> int: ...

class AsyncTypedForms(AsyncGenericListGetEndpoint[Form]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[FormListOptions]
    ) -> Rows[Form]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[FormListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[FormListOptions]
    ) -> AsyncRowIterator[Form]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[FormListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[FormPageOptions]
    ) -> AsyncRowPages[Form]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[FormPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[FormCountOptions]
    ) -> int: ...

class AsyncTypedIntervals(AsyncGenericListGetEndpoint[Interval]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[IntervalListOptions]
    ) -> Rows[Interval]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[IntervalListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[IntervalListOptions]
    ) -> AsyncRowIterator[Interval]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[IntervalListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[IntervalPageOptions]
    ) -> AsyncRowPages[Interval]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[IntervalPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[IntervalCountOptions]
    ) -> int: ...

class AsyncTypedVariables(AsyncGenericListGetEndpoint[Variable]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VariableListOptions]
    ) -> Rows[Variable]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VariableListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VariableListOptions]
    ) -> AsyncRowIterator[Variable]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VariableListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VariablePageOptions]
    ) -> AsyncRowPages[Variable]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VariablePageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[VariableCountOptions]
    ) -> int: ...

class AsyncTypedSubjects(AsyncGenericListGetEndpoint[Subject]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SubjectListOptions]
    ) -> Rows[Subject]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SubjectListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SubjectListOptions]
    ) -> AsyncRowIterator[Subject]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SubjectListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SubjectPageOptions]
    ) -> AsyncRowPages[Subject]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SubjectPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[SubjectCountOptions]
    ) -> int: ...

class AsyncTypedVisits(AsyncGenericListGetEndpoint[Visit]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VisitListOptions]
    ) -> Rows[Visit]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VisitListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VisitListOptions]
    ) -> AsyncRowIterator[Visit]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VisitListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VisitPageOptions]
    ) -> AsyncRowPages[Visit]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VisitPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[VisitCountOptions]
    ) -> int: ...

class AsyncTypedRecords(AsyncGenericListGetEndpoint[Record]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordListOptions]
    ) -> Rows[Record]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordListOptions]
    ) -> AsyncRowIterator[Record]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordPageOptions]
    ) -> AsyncRowPages[Record]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[RecordCountOptions]
    ) -> int: ...

class AsyncTypedRecordRevisions(AsyncGenericListGetEndpoint[RecordRevision]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordRevisionListOptions]
    ) -> Rows[RecordRevision]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordRevisionListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordRevisionListOptions]
    ) -> AsyncRowIterator[RecordRevision]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordRevisionListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordRevisionPageOptions]
    ) -> AsyncRowPages[RecordRevision]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordRevisionPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[RecordRevisionCountOptions]
    ) -> int: ...

class AsyncTypedQueries(AsyncGenericListGetEndpoint[Query]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[QueryListOptions]
    ) -> Rows[Query]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[QueryListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[QueryListOptions]
    ) -> AsyncRowIterator[Query]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[QueryListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[QueryPageOptions]
    ) -> AsyncRowPages[Query]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[QueryPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[QueryCountOptions]
    ) -> int: ...

class AsyncTypedCodings(AsyncGenericListGetEndpoint[Coding]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[CodingListOptions]
    ) -> Rows[Coding]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[CodingListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[CodingListOptions]
    ) -> AsyncRowIterator[Coding]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[CodingListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[CodingPageOptions]
    ) -> AsyncRowPages[Coding]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[CodingPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[CodingCountOptions]
    ) -> int: ...

class AsyncTypedUsers(AsyncGenericListGetEndpoint[User]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[UserListOptions]
    ) -> Rows[User]: ...
    @overload
    async def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[UserListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[UserListOptions]
    ) -> AsyncRowIterator[User]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[UserListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[UserPageOptions]
    ) -> AsyncRowPages[User]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[UserPageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[UserCountOptions]
    ) -> int: ...

# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below

class TypedStudies(GenericListGetEndpoint[Study]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: Filter = None, *, raw: Literal[False] = False, **options: Unpack[StudyListOptions]
    ) -> Rows[Study]: ...
    @overload
    def list(
        self, study_key: Filter = None, *, raw: Literal[True], **options: Unpack[StudyListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: Filter = None, *, raw: Literal[False] = False, **options: Unpack[StudyListOptions]
    ) -> RowIterator[Study]: ...
    @overload
    def iter(
        self, study_key: Filter = None, *, raw: Literal[True], **options: Unpack[StudyListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: Filter = None, *, raw: Literal[False] = False, **options: Unpack[StudyPageOptions]
    ) -> RowPages[Study]: ...
    @overload
    def pages(
        self, study_key: Filter = None, *, raw: Literal[True], **options: Unpack[StudyPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: Filter = None, **options: Unpack[StudyCountOptions]
    ) -> int: ...

class TypedSites(GenericListGetEndpoint[Site]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SiteListOptions]
    ) -> Rows[Site]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SiteListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SiteListOptions]
    ) -> RowIterator[Site]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SiteListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SitePageOptions]
    ) -> RowPages[Site]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SitePageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[SiteCountOptions]
    ) -> int: ...

class TypedForms(GenericListGetEndpoint[Form]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[FormListOptions]
    ) -> Rows[Form]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[FormListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[FormListOptions]
    ) -> RowIterator[Form]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[FormListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[FormPageOptions]
    ) -> RowPages[Form]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[FormPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[FormCountOptions]
    ) -> int: ...

class TypedIntervals(GenericListGetEndpoint[Interval]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[IntervalListOptions]
    ) -> Rows[Interval]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[IntervalListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[IntervalListOptions]
    ) -> RowIterator[Interval]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[IntervalListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[IntervalPageOptions]
    ) -> RowPages[Interval]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[IntervalPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[IntervalCountOptions]
    ) -> int: ...

class TypedVariables(GenericListGetEndpoint[Variable]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VariableListOptions]
    ) -> Rows[Variable]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VariableListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VariableListOptions]
    ) -> RowIterator[Variable]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VariableListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VariablePageOptions]
    ) -> RowPages[Variable]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VariablePageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[VariableCountOptions]
    ) -> int: ...

class TypedSubjects(GenericListGetEndpoint[Subject]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SubjectListOptions]
    ) -> Rows[Subject]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SubjectListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SubjectListOptions]
    ) -> RowIterator[Subject]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SubjectListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[SubjectPageOptions]
    ) -> RowPages[Subject]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[SubjectPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[SubjectCountOptions]
    ) -> int: ...

class TypedVisits(GenericListGetEndpoint[Visit]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VisitListOptions]
    ) -> Rows[Visit]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VisitListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VisitListOptions]
    ) -> RowIterator[Visit]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VisitListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[VisitPageOptions]
    ) -> RowPages[Visit]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[VisitPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[VisitCountOptions]
    ) -> int: ...

class TypedRecords(GenericListGetEndpoint[Record]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordListOptions]
    ) -> Rows[Record]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordListOptions]
    ) -> RowIterator[Record]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordPageOptions]
    ) -> RowPages[Record]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[RecordCountOptions]
    ) -> int: ...

class TypedRecordRevisions(GenericListGetEndpoint[RecordRevision]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordRevisionListOptions]
    ) -> Rows[RecordRevision]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordRevisionListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordRevisionListOptions]
    ) -> RowIterator[RecordRevision]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordRevisionListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[RecordRevisionPageOptions]
    ) -> RowPages[RecordRevision]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[RecordRevisionPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[RecordRevisionCountOptions]
    ) -> int: ...

class TypedQueries(GenericListGetEndpoint[Query]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[QueryListOptions]
    ) -> Rows[Query]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[QueryListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[QueryListOptions]
    ) -> RowIterator[Query]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[QueryListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[QueryPageOptions]
    ) -> RowPages[Query]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[QueryPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[QueryCountOptions]
    ) -> int: ...

class TypedCodings(GenericListGetEndpoint[Coding]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[CodingListOptions]
    ) -> Rows[Coding]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[CodingListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[CodingListOptions]
    ) -> RowIterator[Coding]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[CodingListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[CodingPageOptions]
    ) -> RowPages[Coding]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[CodingPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[CodingCountOptions]
    ) -> int: ...

class TypedUsers(GenericListGetEndpoint[User]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    def list(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[UserListOptions]
    ) -> Rows[User]: ...
    @overload
    def list(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[UserListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[UserListOptions]
    ) -> RowIterator[User]: ...
    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[UserListOptions]
    ) -> RowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Unpack[UserPageOptions]
    ) -> RowPages[User]: ...
    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[True], **options: Unpack[UserPageOptions]
    ) -> RowPages[RawRow]: ...
    def count(  # type: ignore[override]
        self, study_key: str | None = None, **options: Unpack[UserCountOptions]
    ) -> int: ...
