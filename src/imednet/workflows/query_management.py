"""`sdk.workflows.query_management`: which queries are open, how old they are, and who must act next.

A query has no status of its own: the comment with the highest sequence says whether it is open or closed, and without
comments its state is unknown. The words of statuses are defined by each study, so they are not used.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     first, *_ = sdk.workflows.query_management.ageing("TIDEWATER-201")
>>> first.site_id, first.open > 0
(301, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Unpack

from imednet_api.models import Query, Record, Site, Subject
from imednet_api.types import utc

from ..core.concurrency import async_gather, gather
from ..utils.truth import is_true
from .base import AsyncWorkflow, Workflow, not_found, site_number

if TYPE_CHECKING:
    from ..endpoints.lists.typed import QueryListOptions

QueryState = Literal["open", "closed", "unknown"]


@dataclass(frozen=True)
class QueryStatus:
    """A query, and what follows from its comments.

    Attributes:
        query: the query.
        state: `open`, `closed`, or `unknown` where it has no comment.
        site_id, site_name: the site of its subject; queries have none themselves.
        opened: when its first comment was made.
        last: when its last comment was made.
        age_days: whole days from the first comment to the server's time; `None` unless it is open.
        idle_days: whole days since the last comment; `None` unless it is open.
        waits_for: who must act next: `site` if the last comment is by the person who opened the query, `opener` if it
            is by somebody else; `None` unless it is open.
        reopened: whether it is open and was closed before.
        on_deleted_record: whether its record is deleted.
    """

    query: Query
    state: QueryState
    site_id: int | None = None
    site_name: str | None = None
    opened: datetime | None = None
    last: datetime | None = None
    age_days: int | None = None
    idle_days: int | None = None
    waits_for: Literal["site", "opener"] | None = None
    reopened: bool = False
    on_deleted_record: bool = False

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table; texts of comments are left out."""
        query = self.query
        return {
            "annotationId": query.annotation_id,
            "state": self.state,
            "siteId": self.site_id,
            "siteName": self.site_name,
            "subjectKey": query.subject_key,
            "recordId": query.record_id,
            "variable": query.variable,
            "description": query.description,
            "ageDays": self.age_days,
            "idleDays": self.idle_days,
            "waitsFor": self.waits_for,
            "reopened": self.reopened,
            "onDeletedRecord": self.on_deleted_record,
        }


@dataclass(frozen=True)
class SiteQueries:
    """Counts of the queries of one site.

    Attributes:
        site_id, site_name: the site; `None` for queries whose subject is not listed.
        open, closed, unknown: how many queries have each state.
        waits_for_site, waits_for_opener: who must act next on the open ones.
        oldest: when the oldest open query got its first comment.
        oldest_days: whole days since then.
        ages: open queries by age in days: up to 7, 8 to 30, 31 to 90, more.
    """

    site_id: int | None
    site_name: str | None
    open: int = 0
    closed: int = 0
    unknown: int = 0
    waits_for_site: int = 0
    waits_for_opener: int = 0
    oldest: datetime | None = None
    oldest_days: int | None = None
    ages: dict[str, int] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {
            "siteId": self.site_id,
            "siteName": self.site_name,
            "open": self.open,
            "closed": self.closed,
            "unknown": self.unknown,
            "waitsForSite": self.waits_for_site,
            "waitsForOpener": self.waits_for_opener,
            "oldestDays": self.oldest_days,
            **{f"open {band} days": count for band, count in self.ages.items()},
        }


BANDS = ("0-7", "8-30", "31-90", "91+")


def query_state(query: Query) -> QueryState:
    """The state of a query by its comment with the highest sequence.

    >>> query_state(Query.from_dict({"queryComments": [{"sequence": 2, "closed": True}, {"sequence": 1}]}))
    'closed'
    """
    comments = query.query_comments or []
    if not comments:
        return "unknown"
    return "closed" if max(comments, key=lambda comment: comment.sequence or 0).closed else "open"


def status_of(
    query: Query,
    subjects: Mapping[int | None, Subject],
    sites: Mapping[int | None, Site],
    deleted: frozenset[int],
    now: datetime | None,
) -> QueryStatus:
    """The status of a query at a moment: state, site, age and who must act next."""
    state = query_state(query)
    subject = subjects.get(query.subject_id) if query.subject_id is not None else None
    site = sites.get(subject.site_id) if subject is not None and subject.site_id is not None else None
    comments = sorted(query.query_comments or [], key=lambda comment: comment.sequence or 0)
    moments = [moment for moment in (utc(comment.date) for comment in comments) if moment is not None]
    opened, last = (min(moments), max(moments)) if moments else (None, None)
    is_open = state == "open"
    return QueryStatus(
        query,
        state,
        site_id=subject.site_id if subject is not None else None,
        site_name=site.site_name if site is not None else subject.site_name if subject is not None else None,
        opened=opened,
        last=last,
        age_days=(now - opened).days if is_open and now and opened else None,
        idle_days=(now - last).days if is_open and now and last else None,
        waits_for=None if not is_open else "site" if comments[-1].user == comments[0].user else "opener",
        reopened=is_open and any(comment.closed for comment in comments),
        on_deleted_record=query.record_id in deleted,
    )


def by_site(statuses: Iterable[QueryStatus], now: datetime | None) -> list[SiteQueries]:
    """Counts by site, in the order of their numbers."""
    groups: dict[int | None, list[QueryStatus]] = {}
    for status in statuses:
        groups.setdefault(status.site_id, []).append(status)
    rows = []
    for site_id, members in sorted(groups.items(), key=lambda pair: (pair[0] is None, pair[0] or 0)):
        still_open = [status for status in members if status.state == "open"]
        oldest = min((status.opened for status in still_open if status.opened is not None), default=None)
        bands = dict.fromkeys(BANDS, 0)
        for status in still_open:
            days = status.age_days or 0
            bands[BANDS[0 if days <= 7 else 1 if days <= 30 else 2 if days <= 90 else 3]] += 1
        rows.append(
            SiteQueries(
                site_id,
                next((status.site_name for status in members if status.site_name), None),
                open=len(still_open),
                closed=sum(status.state == "closed" for status in members),
                unknown=sum(status.state == "unknown" for status in members),
                waits_for_site=sum(status.waits_for == "site" for status in still_open),
                waits_for_opener=sum(status.waits_for == "opener" for status in still_open),
                oldest=oldest,
                oldest_days=(now - oldest).days if now and oldest else None,
                ages=bands,
            )
        )
    return rows


class AsyncQueryManagementWorkflow(AsyncWorkflow):
    """Queries by state, subject and site; counts and ageing."""

    async def statuses(
        self, /, study_key: str, *, include_deleted: bool = True, **filters: Unpack[QueryListOptions]
    ) -> list[QueryStatus]:
        """List all queries of a study with state, site, age and who must act next.

        Args:
            study_key: the study.
            include_deleted: also queries on deleted records, which are flagged.
            **filters: as `sdk.queries.list` takes them.
        """
        statuses, _ = await self._all(study_key, filters)
        return [status for status in statuses if include_deleted or not status.on_deleted_record]

    async def get_open_queries(
        self, /, study_key: str, *, site: int | str | None = None, **filters: Unpack[QueryListOptions]
    ) -> list[QueryStatus]:
        """List the open queries, the oldest first; re-opened ones are open.

        Args:
            study_key: the study.
            site: only those of this site, by its number or name.
            **filters: as `sdk.queries.list` takes them.

        Raises:
            NotFoundError: the study has no such site or subject.
        """
        statuses, _ = await self._all(study_key, filters, site)
        still_open = [status for status in statuses if status.state == "open"]
        return sorted(still_open, key=lambda status: (status.opened is None, status.opened, status.query.annotation_id))

    async def get_queries_for_subject(self, study_key: str, subject_key: str) -> list[QueryStatus]:
        """List all queries of one subject.

        Raises:
            NotFoundError: the study has no such subject.
        """
        statuses, _ = await self._all(study_key, {"subject_key": subject_key})
        return statuses

    async def get_queries_by_site(self, study_key: str, site: int | str) -> list[QueryStatus]:
        """List all queries of the subjects of a site, by its number or name.

        Raises:
            NotFoundError: the study has no such site.
        """
        statuses, _ = await self._all(study_key, {}, site)
        return statuses

    async def get_query_state_counts(self, /, study_key: str) -> dict[QueryState, int]:
        """Count the queries that are open, closed and unknown."""
        queries = await self._sdk.queries.list(study_key)
        counts: dict[QueryState, int] = {"open": 0, "closed": 0, "unknown": 0}
        for query in queries:
            counts[query_state(query)] += 1
        return counts

    async def ageing(self, study_key: str) -> list[SiteQueries]:
        """Count queries by site: states, who must act next, and open queries by age."""
        statuses, now = await self._all(study_key, {})
        return by_site(statuses, now)

    async def _all(
        self, study_key: str, filters: QueryListOptions, site: int | str | None = None
    ) -> tuple[list[QueryStatus], datetime | None]:
        queries, subjects, sites = await async_gather(
            lambda: self._sdk.queries.list(study_key, **filters),
            lambda: self._sdk.subjects.list(study_key),
            lambda: self._sdk.sites.list(study_key),
        )
        key = filters.get("subject_key")
        if isinstance(key, str) and not any(subject.subject_key == key for subject in subjects):
            raise not_found("subject", study_key)
        number = None if site is None else site_number(sites, site, study_key)
        named = sorted({query.record_id for query in queries if query.record_id is not None})
        deleted: frozenset[int] = frozenset()
        if named:
            records = await self._records_of(study_key, named, queries)
            gone = [record.record_id for record in records if is_true(record.deleted)]
            deleted = frozenset(number for number in gone if number is not None)
        now = utc(queries.proof.server_to)
        subjects_by_id = {subject.subject_id: subject for subject in subjects}
        sites_by_id = {listed.site_id: listed for listed in sites}
        statuses = [status_of(query, subjects_by_id, sites_by_id, deleted, now) for query in queries]
        return [status for status in statuses if site is None or status.site_id == number], now

    async def _records_of(self, study_key: str, ids: Sequence[int], queries: Sequence[Query]) -> Sequence[Record]:
        """Read the records that queries name: those of one subject if all are of one, else those of the whole study."""
        subjects = {query.subject_key for query in queries}
        if len(ids) <= 20:
            rows: Sequence[Record] = await self._sdk.records.list(study_key, record_id=list(ids))
        elif len(subjects) == 1 and None not in subjects:
            rows = await self._sdk.records.list(study_key, subject_key=subjects.pop())
        else:
            rows = await self._sdk.records.list(study_key)
        return rows


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class QueryManagementWorkflow(Workflow):
    """Queries by state, subject and site; counts and ageing."""

    def statuses(
        self, /, study_key: str, *, include_deleted: bool = True, **filters: Unpack[QueryListOptions]
    ) -> list[QueryStatus]:
        """List all queries of a study with state, site, age and who must act next.

        Args:
            study_key: the study.
            include_deleted: also queries on deleted records, which are flagged.
            **filters: as `sdk.queries.list` takes them.
        """
        statuses, _ = self._all(study_key, filters)
        return [status for status in statuses if include_deleted or not status.on_deleted_record]

    def get_open_queries(
        self, /, study_key: str, *, site: int | str | None = None, **filters: Unpack[QueryListOptions]
    ) -> list[QueryStatus]:
        """List the open queries, the oldest first; re-opened ones are open.

        Args:
            study_key: the study.
            site: only those of this site, by its number or name.
            **filters: as `sdk.queries.list` takes them.

        Raises:
            NotFoundError: the study has no such site or subject.
        """
        statuses, _ = self._all(study_key, filters, site)
        still_open = [status for status in statuses if status.state == "open"]
        return sorted(still_open, key=lambda status: (status.opened is None, status.opened, status.query.annotation_id))

    def get_queries_for_subject(self, study_key: str, subject_key: str) -> list[QueryStatus]:
        """List all queries of one subject.

        Raises:
            NotFoundError: the study has no such subject.
        """
        statuses, _ = self._all(study_key, {"subject_key": subject_key})
        return statuses

    def get_queries_by_site(self, study_key: str, site: int | str) -> list[QueryStatus]:
        """List all queries of the subjects of a site, by its number or name.

        Raises:
            NotFoundError: the study has no such site.
        """
        statuses, _ = self._all(study_key, {}, site)
        return statuses

    def get_query_state_counts(self, /, study_key: str) -> dict[QueryState, int]:
        """Count the queries that are open, closed and unknown."""
        queries = self._sdk.queries.list(study_key)
        counts: dict[QueryState, int] = {"open": 0, "closed": 0, "unknown": 0}
        for query in queries:
            counts[query_state(query)] += 1
        return counts

    def ageing(self, study_key: str) -> list[SiteQueries]:
        """Count queries by site: states, who must act next, and open queries by age."""
        statuses, now = self._all(study_key, {})
        return by_site(statuses, now)

    def _all(
        self, study_key: str, filters: QueryListOptions, site: int | str | None = None
    ) -> tuple[list[QueryStatus], datetime | None]:
        queries, subjects, sites = gather(
            lambda: self._sdk.queries.list(study_key, **filters),
            lambda: self._sdk.subjects.list(study_key),
            lambda: self._sdk.sites.list(study_key),
        )
        key = filters.get("subject_key")
        if isinstance(key, str) and not any(subject.subject_key == key for subject in subjects):
            raise not_found("subject", study_key)
        number = None if site is None else site_number(sites, site, study_key)
        named = sorted({query.record_id for query in queries if query.record_id is not None})
        deleted: frozenset[int] = frozenset()
        if named:
            records = self._records_of(study_key, named, queries)
            gone = [record.record_id for record in records if is_true(record.deleted)]
            deleted = frozenset(number for number in gone if number is not None)
        now = utc(queries.proof.server_to)
        subjects_by_id = {subject.subject_id: subject for subject in subjects}
        sites_by_id = {listed.site_id: listed for listed in sites}
        statuses = [status_of(query, subjects_by_id, sites_by_id, deleted, now) for query in queries]
        return [status for status in statuses if site is None or status.site_id == number], now

    def _records_of(self, study_key: str, ids: Sequence[int], queries: Sequence[Query]) -> Sequence[Record]:
        """Read the records that queries name: those of one subject if all are of one, else those of the whole study."""
        subjects = {query.subject_key for query in queries}
        if len(ids) <= 20:
            rows: Sequence[Record] = self._sdk.records.list(study_key, record_id=list(ids))
        elif len(subjects) == 1 and None not in subjects:
            rows = self._sdk.records.list(study_key, subject_key=subjects.pop())
        else:
            rows = self._sdk.records.list(study_key)
        return rows
