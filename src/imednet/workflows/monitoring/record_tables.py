"""Records: by status, and how complete the pages of visits are, by form, site, subject, and subject with form.

Statuses are words of the study, so they are values of a column and never names of columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from .expected_pages import LISTS as EXPECTED_LISTS
from .expected_pages import ExpectedPage, expected_pages
from .groupings import CompletenessBy, StatusBy
from .study_data import ListName, RecordFacts, StudyData
from .table import Cell, Chart, Column, MonitoringTable, Row, percent

STATUS_LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "forms", "records")
LISTS: Final[tuple[ListName, ...]] = EXPECTED_LISTS


def record_status(data: StudyData, *, by: StatusBy = "form") -> MonitoringTable:
    """Records by status; deleted ones are a status of their own.

    Args:
        data: the study.
        by: what a row is, together with the status.
    """
    data.need(*STATUS_LISTS)
    counts: dict[Cell, Counter[str]] = {}
    for record in data.records or ():
        word = "deleted" if record.deleted else record.status
        counts.setdefault(_group(data, record, by), Counter())[word] += 1
    name, title = _heading(by)
    rows: list[Row] = [
        {
            **({name: value, **_name(data, by, value)} if by != "study" else {}),
            "status": word or None,
            "deleted": word == "deleted",
            "records": count,
            "percent": percent(count, words.total()),
        }
        for value, words in sorted(counts.items(), key=lambda pair: _ordered(pair[0]))
        for word, count in words.most_common()
    ]
    labels = () if by == "study" else (Column(name, title, "number" if by == "site" else "text", urgent=True),)
    return MonitoringTable(
        f"record status by {by}",
        "Records by status" if by == "study" else f"Records by {title.lower()} and status",
        "Statuses as the study words them; shares are of all records of the same "
        + ("study." if by == "study" else f"{title.lower()}."),
        (
            *labels,
            *((Column("name", "Name", minor=True),) if by in ("form", "site") else ()),
            Column("status", "Status", urgent=True),
            Column("deleted", "Deleted", "yes", minor=True),
            Column("records", "Records", "count", urgent=True),
            Column("percent", "Share", "percent"),
        ),
        rows,
        chart=Chart("bar", "records", "status" if by == "study" else name, color=None if by == "study" else "status"),
        notes=data.notes,
    ).with_total({"status": "all"})


def completeness(
    data: StudyData, *, by: CompletenessBy = "form", expected: Iterable[ExpectedPage] | None = None
) -> MonitoringTable:
    """How many of the pages that visits expect are there.

    Args:
        data: the study.
        by: what a row is; `cell` is a subject with a form.
        expected: the pages that are expected, where a caller that makes several tables has them already.
    """
    groups: dict[tuple[Cell, ...], list[ExpectedPage]] = {}
    for page in expected_pages(data) if expected is None else expected:
        groups.setdefault(_keys(data, page, by), []).append(page)
    rows = [
        {**_labels(data, by, key), **_counts(members)}
        for key, members in sorted(groups.items(), key=lambda pair: tuple(_ordered(part) for part in pair[0]))
    ]
    everything = [page for members in groups.values() for page in members]
    columns: tuple[Column, ...] = {
        "form": (Column("formKey", "Form", urgent=True), Column("formName", "Form name", minor=True)),
        "site": (Column("siteId", "Site", "number", urgent=True), Column("siteName", "Name", minor=True)),
        "subject": (Column("subjectKey", "Subject", urgent=True), Column("siteId", "Site", "number")),
        "cell": (
            Column("subjectKey", "Subject", urgent=True), Column("siteId", "Site", "number"),
            Column("formKey", "Form", urgent=True),
        ),
    }[by]  # fmt: skip
    chart = (
        Chart("heatmap", "formKey", "subjectKey", color="percentPresent")
        if by == "cell"
        else Chart("bar", "percentPresent", columns[0].name)
    )
    return MonitoringTable(
        f"completeness by {by}",
        "Completeness by subject and form" if by == "cell" else f"Completeness by {columns[0].title.lower()}",
        "Pages that visits expect on the server's day, with those that subjects fill in themselves, and those that "
        "have a record. Two records of one page count once, and are counted apart.",
        (
            *columns,
            Column("expected", "Expected", "count"),
            Column("present", "Present", "count"),
            Column("missing", "Missing", "count", urgent=True),
            Column("twice", "Entered twice", "count", minor=True),
            Column("percentPresent", "Present", "percent", urgent=True),
        ),
        rows,
        chart=chart,
        notes=data.visit_notes,
    ).with_total(
        {"siteName": "all sites"} if by == "site" else {columns[0].name: "all"},
        percentPresent=_counts(everything)["percentPresent"],
    )


def _counts(pages: list[ExpectedPage]) -> Row:
    present = sum(bool(page.records) for page in pages)
    return {
        "expected": len(pages),
        "present": present,
        "missing": len(pages) - present,
        "twice": sum(len(page.records) > 1 for page in pages),
        "percentPresent": percent(present, len(pages)),
    }


def _keys(data: StudyData, page: ExpectedPage, by: CompletenessBy) -> tuple[Cell, ...]:
    site = data.site_of(page.visit.subject_id)
    match by:
        case "form":
            return (page.form_key,)
        case "site":
            return (site,)
        case "subject":
            return page.visit.subject_key, site
        case _:
            return page.visit.subject_key, site, page.form_key


def _labels(data: StudyData, by: CompletenessBy, key: tuple[Cell, ...]) -> Row:
    match by:
        case "form":
            return {"formKey": key[0], "formName": data.form_name(str(key[0]))}
        case "site":
            return {"siteId": key[0], "siteName": data.site_name(key[0] if type(key[0]) is int else None)}
        case "subject":
            return {"subjectKey": key[0], "siteId": key[1]}
        case _:
            return {"subjectKey": key[0], "siteId": key[1], "formKey": key[2]}


def _group(data: StudyData, record: RecordFacts, by: StatusBy) -> Cell:
    match by:
        case "study":
            return None
        case "form":
            return record.form_key
        case "site":
            return record.site_id if record.site_id is not None else data.site_of(record.subject_id)
        case _:
            subject = data.subject_by_id.get(record.subject_id)
            return subject.subject_key if subject is not None else None


def _heading(by: StatusBy) -> tuple[str, str]:
    return {
        "study": ("", ""), "form": ("formKey", "Form"), "site": ("siteId", "Site"),
        "subject": ("subjectKey", "Subject"),
    }[by]  # fmt: skip


def _name(data: StudyData, by: StatusBy, value: Cell) -> Row:
    if by == "form":
        return {"name": data.form_name(str(value))}
    return {"name": data.site_name(value if type(value) is int else None)} if by == "site" else {}


def _ordered(value: Cell) -> tuple[bool, float, str]:
    return value is None, value if isinstance(value, (int, float)) else 0, str(value)
