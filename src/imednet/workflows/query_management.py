"""`sdk.workflows.query_management`: which queries are open, how old they are, and who must act next.

A query has no status of its own: it is open or closed by the comment with the highest sequence, and unknown where there
is no comment. Words of statuses belong to the study, so none of them is looked at.

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
from .base import AsyncWorkflow, Workflow, not_found

if TYPE_CHECKING:
    from ..endpoints.lists.typed import QueryListOptions

QueryState = Literal["open", "closed", "unknown"]


@dataclass(frozen=True)
class QueryStatus:
    """One query with what follows from its comments.

    Attributes:
        query: the query.
        state: `open`, `closed`, or `unknown` where it has no comment.
        site_id, site_name: the site of its subject; queries have none themselves.
        opened: when its first comment was made.
        last: when its last comment was made.
        age_days: whole days from the first comment to the server's time; `None` unless it is open.
        idle_days: whole days since the last comment; `None` unless it is open.
        waits_for: `site` where the last word is that of who opened it, `opener` where somebody else answered last;
            `None` unless it is open.
        reopened: whether it was closed before and is open.
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
        one = self.query
        return {
            "annotationId": one.annotation_id,
            "state": self.state,
            "siteId": self.site_id,
            "siteName": self.site_name,
            "subjectKey": one.subject_key,
            "recordId": one.record_id,
            "variable": one.variable,
            "description": one.description,
            "ageDays": self.age_days,
            "idleDays": self.idle_days,
            "waitsFor": self.waits_for,
            "reopened": self.reopened,
            "onDeletedRecord": self.on_deleted_record,
        }


@dataclass(frozen=True)
class SiteQueries:
    """Counts of one site.

    Attributes:
        site_id, site_name: the site; `None` for queries whose subject is in no list.
        open, closed, unknown: how many queries have each state.
        waits_for_site, waits_for_opener: who must act next on the open ones.
        oldest: when the first comment of the oldest open query was made.
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
    """Open, closed or unknown, by the comment with the highest sequence.

    >>> query_state(Query.from_dict({"queryComments": [{"sequence": 2, "closed": True}, {"sequence": 1}]}))
    'closed'
    """
    comments = query.query_comments or []
    if not comments:
        return "unknown"
    return "closed" if max(comments, key=lambda one: one.sequence or 0).closed else "open"


def status_of(
    query: Query,
    subjects: Mapping[int | None, Subject],
    sites: Mapping[int | None, Site],
    deleted: frozenset[int],
    now: datetime | None,
) -> QueryStatus:
    """One query with what follows from its comments, at a moment."""
    state = query_state(query)
    subject = subjects.get(query.subject_id) if query.subject_id is not None else None
    site = sites.get(subject.site_id) if subject is not None and subject.site_id is not None else None
    comments = sorted(query.query_comments or [], key=lambda one: one.sequence or 0)
    moments = [moment for moment in (utc(one.date) for one in comments) if moment is not None]
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
        reopened=is_open and any(one.closed for one in comments),
        on_deleted_record=query.record_id in deleted,
    )


def by_site(statuses: Iterable[QueryStatus], now: datetime | None) -> list[SiteQueries]:
    """Counts by site, in the order of their numbers."""
    groups: dict[int | None, list[QueryStatus]] = {}
    for one in statuses:
        groups.setdefault(one.site_id, []).append(one)
    found = []
    for site_id, members in sorted(groups.items(), key=lambda pair: (pair[0] is None, pair[0] or 0)):
        still = [one for one in members if one.state == "open"]
        oldest = min((one.opened for one in still if one.opened is not None), default=None)
        bands = dict.fromkeys(BANDS, 0)
        for one in still:
            days = one.age_days or 0
            bands[BANDS[0 if days <= 7 else 1 if days <= 30 else 2 if days <= 90 else 3]] += 1
        found.append(
            SiteQueries(
                site_id,
                next((one.site_name for one in members if one.site_name), None),
                open=len(still),
                closed=sum(one.state == "closed" for one in members),
                unknown=sum(one.state == "unknown" for one in members),
                waits_for_site=sum(one.waits_for == "site" for one in still),
                waits_for_opener=sum(one.waits_for == "opener" for one in still),
                oldest=oldest,
                oldest_days=(now - oldest).days if now and oldest else None,
                ages=bands,
            )
        )
    return found


class AsyncQueryManagementWorkflow(AsyncWorkflow):
    """Queries by state, subject and site; counts and ageing."""

    async def statuses(
        self, /, study_key: str, *, include_deleted: bool = True, **filters: Unpack[QueryListOptions]
    ) -> list[QueryStatus]:
        """All queries of a study with state, site, age and who must act next.

        Args:
            study_key: the study.
            include_deleted: also queries on deleted records, which are flagged.
            **filters: as `sdk.queries.list` takes them.
        """
        statuses, _ = await self._all(study_key, filters)
        return [one for one in statuses if include_deleted or not one.on_deleted_record]

    async def get_open_queries(
        self, /, study_key: str, *, site: int | str | None = None, **filters: Unpack[QueryListOptions]
    ) -> list[QueryStatus]:
        """Open queries, the oldest first; re-opened ones are open.

        Args:
            study_key: the study.
            site: only those of this site, by its number or name.
            **filters: as `sdk.queries.list` takes them.

        Raises:
            NotFoundError: the study has no such site or subject.
        """
        statuses, _ = await self._all(study_key, filters, site)
        still = [one for one in statuses if one.state == "open"]
        return sorted(still, key=lambda one: (one.opened is None, one.opened, one.query.annotation_id))

    async def get_queries_for_subject(self, study_key: str, subject_key: str) -> list[QueryStatus]:
        """All queries of one subject. Raises NotFoundError where the study has no such subject."""
        statuses, _ = await self._all(study_key, {"subject_key": subject_key})
        return statuses

    async def get_queries_by_site(self, study_key: str, site: int | str) -> list[QueryStatus]:
        """All queries of the subjects of one site, by its number or name; NotFoundError where there is none."""
        statuses, _ = await self._all(study_key, {}, site)
        return statuses

    async def get_query_state_counts(self, /, study_key: str) -> dict[QueryState, int]:
        """How many queries are open, closed and unknown."""
        queries = await self._sdk.queries.list(study_key)
        found: dict[QueryState, int] = {"open": 0, "closed": 0, "unknown": 0}
        for query in queries:
            found[query_state(query)] += 1
        return found

    async def ageing(self, study_key: str) -> list[SiteQueries]:
        """Counts by site: states, who must act next, and open queries by age."""
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
        if isinstance(key, str) and not any(one.subject_key == key for one in subjects):
            raise not_found("subject", study_key)
        if site is not None and not any(site in (one.site_id, one.site_name) for one in sites):
            raise not_found("site", study_key)
        named = sorted({one.record_id for one in queries if one.record_id is not None})
        deleted: frozenset[int] = frozenset()
        if named:
            records = await self._records_of(study_key, named, queries)
            deleted = frozenset(one.record_id for one in records if is_true(one.deleted) and one.record_id is not None)
        now = utc(queries.proof.server_to)
        people = {one.subject_id: one for one in subjects}
        places = {one.site_id: one for one in sites}
        found = [status_of(query, people, places, deleted, now) for query in queries]
        return [one for one in found if site is None or site in (one.site_id, one.site_name)], now

    async def _records_of(self, study_key: str, ids: Sequence[int], queries: Sequence[Query]) -> Sequence[Record]:
        """The records that queries name: of one subject where all are of one, else of the whole study."""
        subjects = {one.subject_key for one in queries}
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
        """All queries of a study with state, site, age and who must act next.

        Args:
            study_key: the study.
            include_deleted: also queries on deleted records, which are flagged.
            **filters: as `sdk.queries.list` takes them.
        """
        statuses, _ = self._all(study_key, filters)
        return [one for one in statuses if include_deleted or not one.on_deleted_record]

    def get_open_queries(
        self, /, study_key: str, *, site: int | str | None = None, **filters: Unpack[QueryListOptions]
    ) -> list[QueryStatus]:
        """Open queries, the oldest first; re-opened ones are open.

        Args:
            study_key: the study.
            site: only those of this site, by its number or name.
            **filters: as `sdk.queries.list` takes them.

        Raises:
            NotFoundError: the study has no such site or subject.
        """
        statuses, _ = self._all(study_key, filters, site)
        still = [one for one in statuses if one.state == "open"]
        return sorted(still, key=lambda one: (one.opened is None, one.opened, one.query.annotation_id))

    def get_queries_for_subject(self, study_key: str, subject_key: str) -> list[QueryStatus]:
        """All queries of one subject. Raises NotFoundError where the study has no such subject."""
        statuses, _ = self._all(study_key, {"subject_key": subject_key})
        return statuses

    def get_queries_by_site(self, study_key: str, site: int | str) -> list[QueryStatus]:
        """All queries of the subjects of one site, by its number or name; NotFoundError where there is none."""
        statuses, _ = self._all(study_key, {}, site)
        return statuses

    def get_query_state_counts(self, /, study_key: str) -> dict[QueryState, int]:
        """How many queries are open, closed and unknown."""
        queries = self._sdk.queries.list(study_key)
        found: dict[QueryState, int] = {"open": 0, "closed": 0, "unknown": 0}
        for query in queries:
            found[query_state(query)] += 1
        return found

    def ageing(self, study_key: str) -> list[SiteQueries]:
        """Counts by site: states, who must act next, and open queries by age."""
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
        if isinstance(key, str) and not any(one.subject_key == key for one in subjects):
            raise not_found("subject", study_key)
        if site is not None and not any(site in (one.site_id, one.site_name) for one in sites):
            raise not_found("site", study_key)
        named = sorted({one.record_id for one in queries if one.record_id is not None})
        deleted: frozenset[int] = frozenset()
        if named:
            records = self._records_of(study_key, named, queries)
            deleted = frozenset(one.record_id for one in records if is_true(one.deleted) and one.record_id is not None)
        now = utc(queries.proof.server_to)
        people = {one.subject_id: one for one in subjects}
        places = {one.site_id: one for one in sites}
        found = [status_of(query, people, places, deleted, now) for query in queries]
        return [one for one in found if site is None or site in (one.site_id, one.site_name)], now

    def _records_of(self, study_key: str, ids: Sequence[int], queries: Sequence[Query]) -> Sequence[Record]:
        """The records that queries name: of one subject where all are of one, else of the whole study."""
        subjects = {one.subject_key for one in queries}
        if len(ids) <= 20:
            rows: Sequence[Record] = self._sdk.records.list(study_key, record_id=list(ids))
        elif len(subjects) == 1 and None not in subjects:
            rows = self._sdk.records.list(study_key, subject_key=subjects.pop())
        else:
            rows = self._sdk.records.list(study_key)
        return rows
