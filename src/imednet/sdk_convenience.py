"""`sdk.get_sites(...)` beside `sdk.sites.list(...)`: a flatter way to the endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .core.polling import AsyncJobPoller, JobPoller

if TYPE_CHECKING:
    from imednet_api.models import (
        Coding,
        Form,
        Interval,
        Job,
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


class SDKProtocol(Protocol):
    """What the blocking conveniences need."""

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


class AsyncSDKProtocol(Protocol):
    """What the asynchronous conveniences need."""

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


class SDKConvenienceMixin:
    """Each method calls `list`, `get` or `create` of one endpoint with the same arguments."""

    def poll_job(
        self: SDKProtocol, study_key: str | None, batch_id: str, *, interval: float = 5, timeout: float = 300
    ) -> Job:
        """The job when it is over, whatever its state.

        Args:
            study_key: the study; the one of this thread or task when it is `None`.
            batch_id: `batch_id` of what `records.create` gave.
            interval: seconds between two looks, at most; the first ones follow sooner.
            timeout: seconds in all.

        Raises:
            JobTimeoutError: it is not over in time; also a `TimeoutError`.
        """
        return JobPoller(self.jobs.get).run(study_key, batch_id, interval, timeout)

    async def async_poll_job(
        self: AsyncSDKProtocol, study_key: str | None, batch_id: str, *, interval: float = 5, timeout: float = 300
    ) -> Job:
        """The job when it is over; see `poll_job`."""
        return await AsyncJobPoller(self.jobs.get).run(study_key, batch_id, interval, timeout)

    def get_studies(self: SDKProtocol, **filters: Any) -> Rows[Study]:
        """List studies."""
        rows: Rows[Study] = self.studies.list(**filters)
        return rows

    async def async_get_studies(self: AsyncSDKProtocol, **filters: Any) -> Rows[Study]:
        """List studies."""
        rows: Rows[Study] = await self.studies.list(**filters)
        return rows

    def get_codings(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Coding]:
        """List codings."""
        rows: Rows[Coding] = self.codings.list(study_key, **filters)
        return rows

    async def async_get_codings(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Coding]:
        """List codings."""
        rows: Rows[Coding] = await self.codings.list(study_key, **filters)
        return rows

    def get_forms(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Form]:
        """List forms."""
        rows: Rows[Form] = self.forms.list(study_key, **filters)
        return rows

    async def async_get_forms(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Form]:
        """List forms."""
        rows: Rows[Form] = await self.forms.list(study_key, **filters)
        return rows

    def get_intervals(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Interval]:
        """List intervals."""
        rows: Rows[Interval] = self.intervals.list(study_key, **filters)
        return rows

    async def async_get_intervals(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any
    ) -> Rows[Interval]:
        """List intervals."""
        rows: Rows[Interval] = await self.intervals.list(study_key, **filters)
        return rows

    def get_queries(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Query]:
        """List queries."""
        rows: Rows[Query] = self.queries.list(study_key, **filters)
        return rows

    async def async_get_queries(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Query]:
        """List queries."""
        rows: Rows[Query] = await self.queries.list(study_key, **filters)
        return rows

    def get_record_revisions(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[RecordRevision]:
        """List record revisions."""
        rows: Rows[RecordRevision] = self.record_revisions.list(study_key, **filters)
        return rows

    async def async_get_record_revisions(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any
    ) -> Rows[RecordRevision]:
        """List record revisions."""
        rows: Rows[RecordRevision] = await self.record_revisions.list(study_key, **filters)
        return rows

    def get_records(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Record]:
        """List records."""
        rows: Rows[Record] = self.records.list(study_key, **filters)
        return rows

    async def async_get_records(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Record]:
        """List records."""
        rows: Rows[Record] = await self.records.list(study_key, **filters)
        return rows

    def get_sites(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Site]:
        """List sites."""
        rows: Rows[Site] = self.sites.list(study_key, **filters)
        return rows

    async def async_get_sites(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Site]:
        """List sites."""
        rows: Rows[Site] = await self.sites.list(study_key, **filters)
        return rows

    def get_subjects(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Subject]:
        """List subjects."""
        rows: Rows[Subject] = self.subjects.list(study_key, **filters)
        return rows

    async def async_get_subjects(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Subject]:
        """List subjects."""
        rows: Rows[Subject] = await self.subjects.list(study_key, **filters)
        return rows

    def get_users(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[User]:
        """List users."""
        rows: Rows[User] = self.users.list(study_key, **filters)
        return rows

    async def async_get_users(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[User]:
        """List users."""
        rows: Rows[User] = await self.users.list(study_key, **filters)
        return rows

    def get_variables(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Variable]:
        """List variables."""
        rows: Rows[Variable] = self.variables.list(study_key, **filters)
        return rows

    async def async_get_variables(
        self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any
    ) -> Rows[Variable]:
        """List variables."""
        rows: Rows[Variable] = await self.variables.list(study_key, **filters)
        return rows

    def get_visits(self: SDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Visit]:
        """List visits."""
        rows: Rows[Visit] = self.visits.list(study_key, **filters)
        return rows

    async def async_get_visits(self: AsyncSDKProtocol, study_key: str | None = None, **filters: Any) -> Rows[Visit]:
        """List visits."""
        rows: Rows[Visit] = await self.visits.list(study_key, **filters)
        return rows

    def get_job(self: SDKProtocol, study_key: str, batch_id: str) -> Job:
        """Read the state of a batch."""
        return self.jobs.get(study_key, batch_id)

    async def async_get_job(self: AsyncSDKProtocol, study_key: str, batch_id: str) -> Job:
        """Read the state of a batch."""
        return await self.jobs.get(study_key, batch_id)

    def create_record(
        self: SDKProtocol,
        study_key: str,
        records_data: list[dict[str, Any]],
        email_notify: bool | str | None = None,
    ) -> Job:
        """Write records; see `RecordsEndpoint.create`."""
        return self.records.create(study_key, records_data, email_notify)
