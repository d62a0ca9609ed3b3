"""The sections of a report: which tables stand in each, and which lists they need.

>>> list(SECTIONS)[:4]
['enrolment', 'missing', 'visits', 'lag']
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..models.study_config import StudyConfiguration
from ..utils.truth import is_true
from ..workflows.monitoring.coding_backlog import LISTS as CODING_LISTS
from ..workflows.monitoring.coding_backlog import coding_backlog
from ..workflows.monitoring.data_changes import LISTS as CHANGES_LISTS
from ..workflows.monitoring.data_changes import data_changes
from ..workflows.monitoring.diary import LISTS as DIARY_LISTS
from ..workflows.monitoring.diary import diary
from ..workflows.monitoring.enrolment import LISTS as ENROLMENT_LISTS
from ..workflows.monitoring.enrolment import enrolment
from ..workflows.monitoring.entry_lag import LISTS as LAG_LISTS
from ..workflows.monitoring.entry_lag import entry_lag
from ..workflows.monitoring.kri.inputs import lists_for as lists_of_indicators
from ..workflows.monitoring.kri.report import kri_report
from ..workflows.monitoring.kri.settings import KriSettings
from ..workflows.monitoring.listings import LISTS as LISTING_LISTS
from ..workflows.monitoring.listings import listing
from ..workflows.monitoring.missing_pages import LISTS as MISSING_LISTS
from ..workflows.monitoring.missing_pages import missing_pages
from ..workflows.monitoring.query_tables import lists_for as lists_of_queries
from ..workflows.monitoring.query_tables import query_response, query_status
from ..workflows.monitoring.record_tables import LISTS as COMPLETENESS_LISTS
from ..workflows.monitoring.record_tables import STATUS_LISTS, completeness, record_status
from ..workflows.monitoring.site_performance import LISTS as SITE_LISTS
from ..workflows.monitoring.site_performance import site_performance
from ..workflows.monitoring.study_data import ListName, StudyData
from ..workflows.monitoring.table import MonitoringTable
from ..workflows.monitoring.visit_adherence import LISTS as VISIT_LISTS
from ..workflows.monitoring.visit_adherence import visit_adherence


@dataclass(frozen=True)
class ReportOptions:
    """What a report holds.

    Attributes:
        sections: names of sections; all that can be made where it is empty.
        site, subject_key: only this site, by its number or name, or this subject.
        include_deleted: also deleted subjects and what belongs to them.
        exit_date: `"FORM.VARIABLE"` of the day a subject left, such as `"EOS.EXDAT"`.
        target, target_date: how many subjects shall be enrolled, and by which day.
        diary_group: name of the group of intervals that are diary days.
        configuration: mappings for listings of events.
        indicators: settings of the key risk indicators.
    """

    sections: tuple[str, ...] = ()
    site: int | str | None = None
    subject_key: str | None = None
    include_deleted: bool = False
    exit_date: str | None = None
    target: int | None = None
    target_date: str | None = None
    diary_group: str = "ePRO"
    configuration: StudyConfiguration = field(default_factory=StudyConfiguration)
    indicators: KriSettings = field(default_factory=lambda: KriSettings({}))


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Attributes:
        title: its heading.
        lists: the lists its tables need.
        tables: makes its tables from what was read.
        wanted: whether it can be made with these options.
    """

    title: str
    lists: Callable[[ReportOptions], tuple[ListName, ...]]
    tables: Callable[[StudyData, ReportOptions], list[MonitoringTable]]
    wanted: Callable[[ReportOptions], bool] = lambda _: True


def _enrolment(data: StudyData, options: ReportOptions) -> list[MonitoringTable]:
    target = {"target": options.target, "target_date": options.target_date}
    return [
        enrolment(data, by="funnel"),
        enrolment(data, by="month", **target),  # type: ignore[arg-type]
        enrolment(data, by="site"),
    ]


def _events(data: StudyData, options: ReportOptions) -> list[MonitoringTable]:
    return [listing(data, options.configuration, name) for name in options.configuration.mappings]


def _indicators(data: StudyData, options: ReportOptions) -> list[MonitoringTable]:
    report = kri_report(data, options.indicators)
    return [report.table(), report.risk()]


def _narrowed(options: ReportOptions) -> bool:
    return options.site is not None or options.subject_key is not None or options.include_deleted


def _diary(data: StudyData, options: ReportOptions) -> list[MonitoringTable]:
    groups = {one.interval_group_name for one in data.intervals or () if not is_true(one.disabled)}
    if options.diary_group not in groups and "diary" not in options.sections:  # most studies have no diaries
        return []
    return [diary(data, by="site", group=options.diary_group)]


SECTIONS: Final[dict[str, Section]] = {
    "enrolment": Section("Enrolment", lambda _: ENROLMENT_LISTS, _enrolment),
    "missing": Section(
        "Missing pages",
        lambda _: MISSING_LISTS,
        lambda data, _: [missing_pages(data, by="form"), missing_pages(data, by="site"), missing_pages(data)],
    ),
    "visits": Section(
        "Visits",
        lambda _: VISIT_LISTS,
        lambda data, _: [visit_adherence(data), visit_adherence(data, by="site")],
    ),
    "lag": Section(
        "Data entry lag", lambda _: LAG_LISTS, lambda data, _: [entry_lag(data), entry_lag(data, by="form")]
    ),
    "queries": Section(
        "Queries",
        lambda _: lists_of_queries("form"),
        lambda data, _: [query_status(data), query_status(data, by="form"), query_response(data)],
    ),
    "sites": Section("Sites", lambda _: SITE_LISTS, lambda data, _: [site_performance(data)]),
    "records": Section(
        "Records", lambda _: STATUS_LISTS, lambda data, _: [record_status(data, by="study"), record_status(data)]
    ),
    "completeness": Section(
        "Completeness",
        lambda _: COMPLETENESS_LISTS,
        lambda data, _: [completeness(data), completeness(data, by="cell")],
    ),
    "coding": Section(
        "Coding", lambda _: CODING_LISTS, lambda data, _: [coding_backlog(data), coding_backlog(data, by="dictionary")]
    ),
    "changes": Section("Data changes", lambda _: CHANGES_LISTS, lambda data, _: [data_changes(data)]),
    "diary": Section("Diaries", lambda _: DIARY_LISTS, _diary),
    "events": Section("Events", lambda _: LISTING_LISTS, _events, lambda options: bool(options.configuration.mappings)),
    "kri": Section(
        "Key risk indicators",
        lambda options: lists_of_indicators(options.indicators),
        _indicators,
        lambda options: bool(options.indicators.indicators) and not _narrowed(options),
    ),
}
"""Sections by name, in their order."""
