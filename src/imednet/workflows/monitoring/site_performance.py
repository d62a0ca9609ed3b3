"""Site performance: what a monitor compares between sites, one row a site."""

from __future__ import annotations

from collections import Counter
from typing import Final

from .enrolment import is_enrolled
from .entry_lag import LATE_AFTER, lags
from .expected_pages import LISTS as EXPECTED_LISTS
from .expected_pages import expected_pages
from .query_tables import aged_queries, responses
from .study_data import ListName, StudyData
from .table import Chart, Column, MonitoringTable, Row, percent, quantile

LISTS: Final[tuple[ListName, ...]] = (*EXPECTED_LISTS, "queries")


def site_performance(data: StudyData) -> MonitoringTable:
    """Sites beside each other: subjects, queries, missing pages, entry lag and visits, most open queries first."""
    data.need(*LISTS)
    by_site: dict[int | None, _Site] = {site.site_id: _Site() for site in data.sites or ()}

    def at(site_id: int | None) -> _Site:
        return by_site.setdefault(site_id, _Site())

    for subject in data.subjects or ():
        at(subject.site_id).count["subjects"] += 1
        at(subject.site_id).count["enrolled"] += is_enrolled(subject)
    for record in data.records or ():
        if not record.deleted:
            where = record.site_id if record.site_id is not None else data.site_of(record.subject_id)
            at(where).count["records"] += 1
    for aged in aged_queries(data):
        site = at(aged.status.site_id)
        site.count["queries"] += 1
        site.count["open"] += aged.status.state == "open"
        if aged.status.age_days is not None:
            site.ages.append(aged.status.age_days)
        if (closed := responses(aged.status.query).closed) is not None:
            site.closing.append(closed)
    for page in expected_pages(data):
        if not page.epro:
            site = at(data.site_of(page.visit.subject_id))
            site.count["expected"] += 1
            site.count["missing"] += not page.records
    for lag in lags(data):
        where = lag.record.site_id if lag.record.site_id is not None else data.site_of(lag.record.subject_id)
        if lag.days is not None:
            at(where).lags.append(lag.days)
    everything = _Site()
    for site in by_site.values():
        everything.add(site)
    rows: list[Row] = [
        {"siteId": site_id, "siteName": data.site_name(site_id), **site.row()}
        for site_id, site in sorted(by_site.items(), key=lambda pair: (pair[0] is None, pair[0] or 0))
    ]
    total = everything.row()
    columns = (
        Column("siteId", "Site", "number", urgent=True),
        Column("siteName", "Name"),
        Column("subjects", "Subjects", "count"),
        Column("enrolled", "Enrolled", "count"),
        Column("records", "Records", "count", minor=True),
        Column("queries", "Queries", "count", minor=True),
        Column("queriesPer100Records", "Queries per 100 records", "number"),
        Column("open", "Open queries", "count", urgent=True),
        Column("oldestDays", "Oldest, days", "days"),
        Column("medianClose", "Median days to close", "days", minor=True),
        Column("expected", "Expected pages", "count", minor=True),
        Column("missing", "Missing pages", "count", urgent=True),
        Column("percentMissing", "Missing", "percent", minor=True),
        Column("medianLag", "Median entry lag", "days"),
        Column("percentLate", f"Entered after {LATE_AFTER} days", "percent"),
    )
    computed = {column.name: total[column.name] for column in columns[2:] if column.kind != "count"}
    return (
        MonitoringTable(
            "site performance",
            "Site performance",
            "Subjects, queries, pages and entry lag of each site, by the rules of the tables about them; pages that "
            "subjects fill in themselves are left out.",
            columns,
            rows,
            chart=Chart("points", "queriesPer100Records", "percentLate", color="siteId"),
            notes=data.visit_notes,
        )
        .sorted_by("-open")
        .with_total({"siteName": "all sites"}, **computed)
    )


class _Site:
    """What is counted at one site."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.ages: list[float] = []
        self.closing: list[float] = []
        self.lags: list[float] = []

    def add(self, other: _Site) -> None:
        """Count another site's as its own."""
        self.count.update(other.count)
        self.ages += other.ages
        self.closing += other.closing
        self.lags += other.lags

    def row(self) -> Row:
        """The figures of the site."""
        count = self.count
        return {
            **{name: count[name] for name in ("subjects", "enrolled", "records", "queries")},
            "queriesPer100Records": percent(count["queries"], count["records"]),
            "open": count["open"],
            "oldestDays": max(self.ages, default=None),
            "medianClose": quantile(self.closing, 0.5),
            "expected": count["expected"],
            "missing": count["missing"],
            "percentMissing": percent(count["missing"], count["expected"]),
            "medianLag": quantile(self.lags, 0.5),
            "percentLate": percent(sum(lag > LATE_AFTER for lag in self.lags), len(self.lags)),
        }
