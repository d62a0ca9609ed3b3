"""Missing pages: forms that a visit expects and nobody has entered, the longest overdue first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .expected_pages import LISTS as EXPECTED_LISTS
from .expected_pages import ExpectedPage, expected_pages
from .groupings import MissingBy
from .study_data import ListName, StudyData, days_between
from .table import Cell, Chart, Column, MonitoringTable, Row, percent

LISTS: Final[tuple[ListName, ...]] = EXPECTED_LISTS


def missing_pages(
    data: StudyData,
    *,
    by: MissingBy = "page",
    include_epro: bool = False,
    expected: Iterable[ExpectedPage] | None = None,
) -> MonitoringTable:
    """Pages that are expected and not there.

    Args:
        data: the study.
        by: `page` for a row a page; else counts by form, site, subject or interval.
        include_epro: also forms that subjects fill in themselves.
        expected: the pages that are expected, where a caller that makes several tables has them already.
    """
    pages = list(expected_pages(data) if expected is None else expected)
    epro = sum(page.epro and not page.records for page in pages)
    if not include_epro:
        pages = [page for page in pages if not page.epro]
    notes = list(data.visit_notes)
    if epro and not include_epro:
        notes.append(f"{epro:,} missing pages that subjects fill in themselves are left out")
    return _listed(data, pages, notes) if by == "page" else _counted(data, pages, by, notes)


def _listed(data: StudyData, pages: Iterable[ExpectedPage], notes: list[str]) -> MonitoringTable:
    rows: list[Row] = []
    for page in pages:
        if page.records:
            continue
        visit = page.visit
        since = visit.visit_date or visit.end_date or visit.due_date
        rows.append(
            {
                "subjectKey": visit.subject_key,
                "siteId": data.site_of(visit.subject_id),
                "intervalName": visit.interval_name,
                "formKey": page.form_key,
                "formName": data.form_name(page.form_key),
                "why": "visit missed" if page.state == "missed" else "page missing",
                "since": str(since)[:10] if since else None,
                "daysOverdue": days_between(since or None, data.today),
                "visitId": visit.visit_id,
            }
        )
    return MonitoringTable(
        "missing pages by page",
        "Missing pages",
        "Forms that visits expect and that have no record. Overdue counts from the visit, or from the end of the "
        "window of a visit that was missed.",
        (
            Column("subjectKey", "Subject", urgent=True),
            Column("siteId", "Site", "number"),
            Column("intervalName", "Visit"),
            Column("formKey", "Form", urgent=True),
            Column("formName", "Form name", minor=True),
            Column("why", "Why"),
            Column("since", "Since", "date", minor=True),
            Column("daysOverdue", "Days overdue", "days", urgent=True),
            Column("visitId", "Visit number", "number", minor=True),
        ),
        rows,
        notes=tuple(notes),
    ).sorted_by("-daysOverdue")


def _counted(data: StudyData, pages: Iterable[ExpectedPage], by: MissingBy, notes: list[str]) -> MonitoringTable:
    groups: dict[Cell, list[ExpectedPage]] = {}
    for page in pages:
        groups.setdefault(_group(data, page, by), []).append(page)
    key, title = {
        "form": ("formKey", "Form"), "site": ("siteId", "Site"), "subject": ("subjectKey", "Subject"),
        "interval": ("intervalName", "Visit"),
    }[by]  # fmt: skip
    rows: list[Row] = []
    for value, members in groups.items():
        there = sum(bool(page.records) for page in members)
        missed = sum(page.state == "missed" and not page.records for page in members)
        name = data.form_name(str(value)) if by == "form" else data.site_name(value if type(value) is int else None)
        rows.append(
            {
                key: value,
                **({"name": name} if by in ("form", "site") else {}),
                "expected": len(members),
                "present": there,
                "missing": len(members) - there,
                "visitMissed": missed,
                "percentPresent": percent(there, len(members)),
            }
        )
    present, expected = (sum(int(row[name] or 0) for row in rows) for name in ("present", "expected"))
    named = (Column("name", "Name"),) if by in ("form", "site") else ()
    return (
        MonitoringTable(
            f"missing pages by {by}",
            f"Missing pages by {title.lower()}",
            "Pages that visits expect on the server's day, and those that have no record; of some the whole visit was "
            "missed.",
            (
                Column(key, title, "number" if by == "site" else "text", urgent=True),
                *named,
                Column("expected", "Expected", "count"),
                Column("present", "Present", "count", minor=True),
                Column("missing", "Missing", "count", urgent=True),
                Column("visitMissed", "Visit missed", "count", minor=True),
                Column("percentPresent", "Present", "percent"),
            ),
            rows,
            chart=Chart("bar", "missing", key),
            notes=tuple(notes),
        )
        .sorted_by("-missing")
        .with_total({"name": "all sites"} if by == "site" else {key: "all"}, percentPresent=percent(present, expected))
    )


def _group(data: StudyData, page: ExpectedPage, by: MissingBy) -> Cell:
    match by:
        case "form":
            return page.form_key
        case "site":
            return data.site_of(page.visit.subject_id)
        case "interval":
            return page.visit.interval_name
        case _:
            return page.visit.subject_key
