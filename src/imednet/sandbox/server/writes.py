"""Stores checked items: records with their revisions, and the subjects and visits that come with them.

Nothing is checked here; that is done in `item_rules`.
"""

from __future__ import annotations

from typing import Any

from ..invent.design import Row
from ..study.study import Study
from .item_rules import UNPLANNED, Item

WRITER = "api"
"""The user that signs revisions made by a POST."""


def store(study: Study, item: Item, clock: str) -> int:
    """Store one item; returns its `recordId`."""
    if item.kind == "existing" and item.place is not None:
        return update(study, item.place, item.data, clock)
    if item.kind == "register" and item.site is not None:
        item.subject = _register(study, item.site, clock)
        item.interval = study.design.intervals[0]
    subject = item.subject
    if subject is None:
        raise LookupError("the item has no subject")
    visit = _visit(study, subject, item, clock) if item.interval else None
    if item.kind == "scheduled" and visit is not None:
        place = _record_at_visit(study, visit, item.form["formKey"])
        if place is not None:
            return update(study, place, item.data, clock)
    return create(study, item.form, subject, visit, item.data, clock)


def _register(study: Study, site: Row, clock: str) -> Row:
    table = study.table("subjects")
    number = max(table.values("subjectId"), default=20000) + 1
    keys = [str(key) for key in table.values("subjectKey") if str(key).startswith(f"{site['siteId']}-")]
    last = max((int(key.partition("-")[2]) for key in keys), default=0)
    row = {
        "studyKey": study.key, "subjectId": number, "subjectOid": None, "subjectKey": f"{site['siteId']}-{last + 1:03}",
        "subjectStatus": "Registered", "siteId": site["siteId"], "siteName": site["siteName"], "deleted": False,
        "enrollmentStartDate": None, "dateCreated": clock, "dateModified": clock, "keywords": [],
    }  # fmt: skip
    table.add(row)
    return row


def _visit(study: Study, subject: Row, item: Item, clock: str) -> Row:
    """The subject's visit of an interval, marked as having taken place; a new one if there is none."""
    table, interval = study.table("visits"), item.interval or {}
    day = str(item.data.get(interval["actualDate"]) or clock)[:10]
    for place in table.places() if interval["intervalGroupName"] != UNPLANNED else ():
        row = table.row(place)
        if (row["subjectId"], row["intervalId"]) == (subject["subjectId"], interval["intervalId"]) and not row[
            "deleted"
        ]:
            return row if row["visitDate"] else table.change(place, visitDate=day, dateModified=clock)
    row = {
        "visitId": table.next_number, "studyKey": study.key, "intervalId": interval["intervalId"],
        "intervalName": interval["intervalName"], "subjectId": subject["subjectId"],
        "subjectKey": subject["subjectKey"], "startDate": None, "endDate": None, "dueDate": None,
        "visitDate": day, "visitDateForm": interval["actualDateForm"],
        "visitDateQuestion": interval["actualDate"], "deleted": False, "dateCreated": clock, "dateModified": clock,
    }  # fmt: skip
    table.add(row)
    return row


def _record_at_visit(study: Study, visit: Row, form_key: str) -> int | None:
    """The place of the record of a form at a visit, or None."""
    forms = list(study.records.values("formKey"))
    for place, number in enumerate(study.records.values("visitId")):
        if number == visit["visitId"] and forms[place] == form_key and not study.records.row(place)["deleted"]:
            return place
    return None


def _unscheduled_number(study: Study, visit: Row | None) -> str:
    """The number of an unscheduled visit among those of its subject, as text; empty for other visits."""
    if visit is None or visit["intervalName"] != UNPLANNED:
        return ""
    earlier = [
        row for row in study.table("visits").rows()
        if (row["subjectId"], row["intervalId"]) == (visit["subjectId"], visit["intervalId"])
    ]  # fmt: skip
    return str(len(earlier))


def create(study: Study, form: Row, subject: Row | None, visit: Row | None, data: Row, clock: str) -> int:
    """Add a record with its first revision; returns its `recordId`."""
    number = study.records.next_number
    row = {
        "studyKey": study.key, "intervalId": visit["intervalId"] if visit else None, "formId": form["formId"],
        "formKey": form["formKey"], "siteId": subject["siteId"] if subject else None, "recordId": number,
        "recordOid": None, "recordType": "SUBJECT", "recordStatus": "Record Incomplete", "deleted": False,
        "dateCreated": clock, "dateModified": clock, "subjectId": subject["subjectId"] if subject else None,
        "subjectOid": subject["subjectOid"] if subject else None,
        "subjectKey": subject["subjectKey"] if subject else None, "visitId": visit["visitId"] if visit else None,
        "parentRecordId": None, "keywords": [],
        "recordData": {
            "dateCreated": clock, "unvnum": _unscheduled_number(study, visit), "dateModified": clock, **data,
        },
    }  # fmt: skip
    revisions = study.table("recordRevisions")
    study.records.add(row)
    revisions.add(_revision(study, row, 1, 1, None, clock))
    return number


def update(study: Study, place: int, data: Row, clock: str, *, user: str = WRITER, **fields: Any) -> int:
    """Change answers or other fields of a record and add a revision; returns its `recordId`."""
    revisions = study.table("recordRevisions")
    old = study.records.data(place) or {}
    row = study.records.row(place)
    answers = {**old, **data}
    if answers:
        answers["dateModified"] = clock
    revision, data_revision = study.last_revision(row["recordId"], place)
    row = study.records.change(place, dateModified=clock, recordData=answers or None, **fields)
    reason = "Entered in error" if fields.get("deleted") else "Data entry error" if data else None
    revisions.add(_revision(study, row, revision + 1, data_revision + bool(data), reason, clock, user))
    return int(row["recordId"])


def _revision(
    study: Study, record: Row, revision: int, data_revision: int, reason: str | None, clock: str, user: str = WRITER
) -> Row:
    study.revised[record["recordId"]] = (revision, data_revision)
    return {
        "studyKey": study.key, "recordRevisionId": study.table("recordRevisions").next_number,
        "recordId": record["recordId"], "recordOid": record["recordOid"], "recordRevision": revision,
        "dataRevision": data_revision, "recordStatus": record["recordStatus"], "subjectId": record["subjectId"],
        "subjectOid": record["subjectOid"], "subjectKey": record["subjectKey"], "siteId": record["siteId"],
        "formKey": record["formKey"], "intervalId": record["intervalId"], "role": "Data Manager", "user": user,
        "reasonForChange": reason, "deleted": record["deleted"], "dateCreated": clock,
    }  # fmt: skip
