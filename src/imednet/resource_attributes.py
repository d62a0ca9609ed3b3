# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
"""Attributes of an SDK, one a resource, and `sdk.get_sites(...)` beside `sdk.sites.list(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Unpack

if TYPE_CHECKING:
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

    from .endpoints import (
        AsyncCodingsEndpoint,
        AsyncFormsEndpoint,
        AsyncIntervalsEndpoint,
        AsyncJobsEndpoint,
        AsyncQueriesEndpoint,
        AsyncRecordRevisionsEndpoint,
        AsyncRecordsEndpoint,
        AsyncSitesEndpoint,
        AsyncStudiesEndpoint,
        AsyncSubjectsEndpoint,
        AsyncUsersEndpoint,
        AsyncVariablesEndpoint,
        AsyncVisitsEndpoint,
        CodingsEndpoint,
        FormsEndpoint,
        IntervalsEndpoint,
        JobsEndpoint,
        QueriesEndpoint,
        RecordRevisionsEndpoint,
        RecordsEndpoint,
        Rows,
        SitesEndpoint,
        StudiesEndpoint,
        SubjectsEndpoint,
        UsersEndpoint,
        VariablesEndpoint,
        VisitsEndpoint,
    )
    from .endpoints.lists.typed import (
        CodingListOptions,
        FormListOptions,
        IntervalListOptions,
        QueryListOptions,
        RecordListOptions,
        RecordRevisionListOptions,
        SiteListOptions,
        StudyListOptions,
        SubjectListOptions,
        UserListOptions,
        VariableListOptions,
        VisitListOptions,
    )


class ResourceAttributes:
    """Attributes of a blocking SDK; each endpoint is made when it is used first."""

    codings: CodingsEndpoint
    forms: FormsEndpoint
    intervals: IntervalsEndpoint
    jobs: JobsEndpoint
    queries: QueriesEndpoint
    record_revisions: RecordRevisionsEndpoint
    records: RecordsEndpoint
    sites: SitesEndpoint
    studies: StudiesEndpoint
    subjects: SubjectsEndpoint
    users: UsersEndpoint
    variables: VariablesEndpoint
    visits: VisitsEndpoint


class SDKProtocol(Protocol):
    """What the conveniences of a blocking SDK need."""

    codings: CodingsEndpoint
    forms: FormsEndpoint
    intervals: IntervalsEndpoint
    jobs: JobsEndpoint
    queries: QueriesEndpoint
    record_revisions: RecordRevisionsEndpoint
    records: RecordsEndpoint
    sites: SitesEndpoint
    studies: StudiesEndpoint
    subjects: SubjectsEndpoint
    users: UsersEndpoint
    variables: VariablesEndpoint
    visits: VisitsEndpoint


class AsyncResourceAttributes:
    """Attributes of an asynchronous SDK; each endpoint is made when it is used first."""

    codings: AsyncCodingsEndpoint
    forms: AsyncFormsEndpoint
    intervals: AsyncIntervalsEndpoint
    jobs: AsyncJobsEndpoint
    queries: AsyncQueriesEndpoint
    record_revisions: AsyncRecordRevisionsEndpoint
    records: AsyncRecordsEndpoint
    sites: AsyncSitesEndpoint
    studies: AsyncStudiesEndpoint
    subjects: AsyncSubjectsEndpoint
    users: AsyncUsersEndpoint
    variables: AsyncVariablesEndpoint
    visits: AsyncVisitsEndpoint


class AsyncSDKProtocol(Protocol):
    """What the conveniences of an asynchronous SDK need."""

    codings: AsyncCodingsEndpoint
    forms: AsyncFormsEndpoint
    intervals: AsyncIntervalsEndpoint
    jobs: AsyncJobsEndpoint
    queries: AsyncQueriesEndpoint
    record_revisions: AsyncRecordRevisionsEndpoint
    records: AsyncRecordsEndpoint
    sites: AsyncSitesEndpoint
    studies: AsyncStudiesEndpoint
    subjects: AsyncSubjectsEndpoint
    users: AsyncUsersEndpoint
    variables: AsyncVariablesEndpoint
    visits: AsyncVisitsEndpoint


class ResourceLists:
    """A method for each list, blocking and asynchronous."""

    def get_studies(self: SDKProtocol, **filters: Unpack[StudyListOptions]) -> Rows[Study]:
        """List studies."""
        return self.studies.list(**filters)

    async def async_get_studies(self: AsyncSDKProtocol, **filters: Unpack[StudyListOptions]) -> Rows[Study]:
        """List studies."""
        return await self.studies.list(**filters)

    def get_sites(self: SDKProtocol, study_key: str | None = None, **filters: Unpack[SiteListOptions]) -> Rows[Site]:
        """List sites."""
        return self.sites.list(study_key, **filters)

    async def async_get_sites(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[SiteListOptions]
    ) -> Rows[Site]:
        """List sites."""
        return await self.sites.list(study_key, **filters)

    def get_forms(self: SDKProtocol, study_key: str | None = None, **filters: Unpack[FormListOptions]) -> Rows[Form]:
        """List forms."""
        return self.forms.list(study_key, **filters)

    async def async_get_forms(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[FormListOptions]
    ) -> Rows[Form]:
        """List forms."""
        return await self.forms.list(study_key, **filters)

    def get_intervals(
        self: SDKProtocol, study_key: str | None = None, **filters: Unpack[IntervalListOptions]
    ) -> Rows[Interval]:
        """List intervals."""
        return self.intervals.list(study_key, **filters)

    async def async_get_intervals(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[IntervalListOptions]
    ) -> Rows[Interval]:
        """List intervals."""
        return await self.intervals.list(study_key, **filters)

    def get_variables(
        self: SDKProtocol, study_key: str | None = None, **filters: Unpack[VariableListOptions]
    ) -> Rows[Variable]:
        """List variables."""
        return self.variables.list(study_key, **filters)

    async def async_get_variables(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[VariableListOptions]
    ) -> Rows[Variable]:
        """List variables."""
        return await self.variables.list(study_key, **filters)

    def get_subjects(
        self: SDKProtocol, study_key: str | None = None, **filters: Unpack[SubjectListOptions]
    ) -> Rows[Subject]:
        """List subjects."""
        return self.subjects.list(study_key, **filters)

    async def async_get_subjects(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[SubjectListOptions]
    ) -> Rows[Subject]:
        """List subjects."""
        return await self.subjects.list(study_key, **filters)

    def get_visits(self: SDKProtocol, study_key: str | None = None, **filters: Unpack[VisitListOptions]) -> Rows[Visit]:
        """List visits."""
        return self.visits.list(study_key, **filters)

    async def async_get_visits(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[VisitListOptions]
    ) -> Rows[Visit]:
        """List visits."""
        return await self.visits.list(study_key, **filters)

    def get_records(
        self: SDKProtocol, study_key: str | None = None, **filters: Unpack[RecordListOptions]
    ) -> Rows[Record]:
        """List records."""
        return self.records.list(study_key, **filters)

    async def async_get_records(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[RecordListOptions]
    ) -> Rows[Record]:
        """List records."""
        return await self.records.list(study_key, **filters)

    def get_record_revisions(
        self: SDKProtocol, study_key: str | None = None, **filters: Unpack[RecordRevisionListOptions]
    ) -> Rows[RecordRevision]:
        """List record revisions."""
        return self.record_revisions.list(study_key, **filters)

    async def async_get_record_revisions(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[RecordRevisionListOptions]
    ) -> Rows[RecordRevision]:
        """List record revisions."""
        return await self.record_revisions.list(study_key, **filters)

    def get_queries(
        self: SDKProtocol, study_key: str | None = None, **filters: Unpack[QueryListOptions]
    ) -> Rows[Query]:
        """List queries."""
        return self.queries.list(study_key, **filters)

    async def async_get_queries(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[QueryListOptions]
    ) -> Rows[Query]:
        """List queries."""
        return await self.queries.list(study_key, **filters)

    def get_codings(
        self: SDKProtocol, study_key: str | None = None, **filters: Unpack[CodingListOptions]
    ) -> Rows[Coding]:
        """List codings."""
        return self.codings.list(study_key, **filters)

    async def async_get_codings(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[CodingListOptions]
    ) -> Rows[Coding]:
        """List codings."""
        return await self.codings.list(study_key, **filters)

    def get_users(self: SDKProtocol, study_key: str | None = None, **filters: Unpack[UserListOptions]) -> Rows[User]:
        """List users."""
        return self.users.list(study_key, **filters)

    async def async_get_users(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Unpack[UserListOptions]
    ) -> Rows[User]:
        """List users."""
        return await self.users.list(study_key, **filters)
