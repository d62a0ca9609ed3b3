"""Writing records: what a POST must look like, what becomes of it, and the job in between."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .design import Row
from .dice import Dice
from .messages import invalid, not_found
from .study import Study
from .switches import Switches

FORM, SITE = ("formKey", "formId"), ("siteName", "siteId")
SUBJECT, INTERVAL = ("subjectKey", "subjectId", "subjectOid"), ("intervalName", "intervalId")
RECORD = ("recordId", "recordOid")
MEMBERS = {*FORM, *SITE, *SUBJECT, *INTERVAL, *RECORD, "data"}
NO_SUBJECT = "Must provide a Subject identifier"
WRITER = "api"


@dataclass
class Item:
    """One checked item of a batch: what it means, with the rows it speaks of."""

    kind: str
    """`register`, `scheduled`, `new` or `existing`."""
    form: Row
    data: Row
    site: Row | None = None
    subject: Row | None = None
    interval: Row | None = None
    place: int | None = None
    """Place of the record that is updated."""


def read_items(body: bytes, study: Study, switches: Switches) -> list[Item]:
    """Take a body apart and check it; nothing is stored if one item is refused."""
    try:
        items = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("body", "", "The request body is not valid JSON") from None
    if not isinstance(items, list) or not items:
        raise invalid("body", "", "The request body must be an array with at least one record")
    return [_read_item(item, study, switches) for item in items]


def _read_item(item: Any, study: Study, switches: Switches) -> Item:
    if not isinstance(item, dict):
        raise invalid("body", "", "Each record must be an object")
    for name in item:
        if name not in MEMBERS:
            raise invalid(name, str(item[name]), "Unknown attribute")
    form = _form(item, study, switches)
    data = _checked(item.get("data"), form, study)
    if any(name in item for name in RECORD):
        return _existing(item, form, data, study)
    named = [name for name in SUBJECT if name in item]
    registering = any(name in item for name in SITE) and form["formKey"] == "REG"
    if registering and (not named or switches["registrationWithSubjectKey"] == "ignored"):
        return Item("register", form, data, site=_one(item, SITE, study, "sites"))
    if not any(item[name] for name in named):
        raise invalid("subjectKey", "", NO_SUBJECT)
    subject = _one(item, SUBJECT, study, "subjects")
    if any(name in item for name in INTERVAL):
        interval = _one(item, INTERVAL, study, "intervals")
        if interval["disabled"]:
            raise invalid("intervalName", str(interval["intervalName"]), "The interval is disabled")
        return Item("scheduled", form, data, subject=subject, interval=interval)
    return Item("new", form, data, subject=subject)


def _one(item: Row, names: tuple[str, ...], study: Study, table: str) -> Row:
    """The row an identifier names. Ids are numbers, keys are text; an empty one counts as none."""
    for name in names:
        value = item.get(name)
        if value in (None, ""):
            continue
        place = study.table(table).find(name, value)
        if place is None:
            raise invalid(name, str(value), f"No such {table[:-1]}")
        return study.table(table).row(place)
    raise invalid(names[0], "", f"Must provide a {table[:-1].capitalize()} identifier")


def _form(item: Row, study: Study, switches: Switches) -> Row:
    name = next((name for name in FORM if item.get(name) not in (None, "")), None)
    if name is None:
        raise invalid("formKey", "", "Must provide a Form identifier")
    place = study.table("forms").find(name, item[name])
    form = study.table("forms").row(place) if place is not None else None
    closed = form is None or form["disabled"] or not form["subjectRecordReport"]
    if form is None or (closed and switches["postToDisabledOrSystemForm"] == "refused"):
        raise invalid(name, str(item[name]), f"Form with {name} of {item[name]} not found.")
    return form


def _existing(item: Row, form: Row, data: Row, study: Study) -> Item:
    name = next((name for name in RECORD if item.get(name) not in (None, "")), None)
    if name is None:
        raise invalid("recordId", "", "Must provide a Record identifier")
    value = item[name]
    place = study.records.place_of(value) if name == "recordId" and isinstance(value, int) else None
    if name == "recordOid":
        place = study.records.find(name, value)
    if place is None or study.records.row(place)["formKey"] != form["formKey"]:
        raise invalid(name, str(value), "No such record of this form")
    return Item("existing", form, data, place=place)


def _checked(data: Any, form: Row, study: Study) -> Row:
    """Answers with known names and values of their kind, as text; what is wrong is named, never shown whole."""
    if not isinstance(data, dict) or not data:
        raise invalid("data", "", "Must provide data")
    variables = {row["variableName"]: row for row in study.table("variables").rows() if row["formId"] == form["formId"]}
    kinds = {
        v["variableName"]: v
        for f in study.design.data["forms"]
        if f["formKey"] == form["formKey"]
        for v in f["variables"]
    }
    found: Row = {}
    for name, value in data.items():
        if name not in variables or variables[name]["deleted"]:
            raise invalid(name, str(value), f"Form {form['formKey']} has no such variable")
        kind = variables[name]["variableType"]
        listed = kinds.get(name, {}).get("codeList")
        found[name] = _value(name, kind, study.design.codes(listed) if listed else [], value)
    return found


_DATE = r"\d{4}-\d\d-\d\d"
_PATTERNS = {"DATE": _DATE, "TIME": r"\d\d:\d\d", "DATETIME": rf"{_DATE}[ T]\d\d:\d\d(:\d\d)?",
             "PARTIALDATE": r"\d{4}(-\d\d(-\d\d)?)?"}  # fmt: skip


def _value(name: str, kind: str, choices: list[str], value: Any) -> Any:
    """A value as it will be read; null and empty text clear the answer."""
    if value is None or value == "":
        return ""
    if kind in ("NUMBER", "CALC"):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return repr(value)
        if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
            return value
    elif kind == "CHECKBOX":
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str) and all(part in choices for part in value.split(", ")):
            return value
    elif isinstance(value, str):
        if kind in ("RADIO", "DROPDOWN") and (value in choices or not choices):
            return value
        if kind in ("TEXT", "MEMO", "FILE"):
            return value
        if kind in _PATTERNS and re.fullmatch(_PATTERNS[kind], value, re.ASCII) and _is_day(value):
            return value
    raise invalid(name, str(value), f"Value is not valid for a {kind.lower()} field")


def _is_day(value: str) -> bool:
    try:
        datetime.fromisoformat(value[:10]) if len(value) >= 10 else None
    except ValueError:
        return False
    return True


# ---- jobs


@dataclass
class Job:
    """One accepted batch."""

    study: Study
    items: list[Item]
    job_id: str
    batch_id: str
    made: str
    started_at: float
    seconds: float | None
    """How long it takes; None: for ever."""
    email: str = ""
    stored: bool = field(default=False)

    def to_store(self, outcome: str) -> list[Item]:
        """The items that are stored in the end."""
        return {"all": self.items, "none": [], "partial": self.items[::2]}[outcome]


_WORDS = {
    "lower": ("created", "running", "completed", "failed"),
    "upper": ("CREATED", "RUNNING", "COMPLETED", "FAILED"),
    "success": ("created", "running", "SUCCESS", "FAILED"),
    "unknown": ("queued", "in progress", "completed with errors", "stopped"),
    "empty": ("created", "", "", ""),
}


class Jobs:
    """All batches since the start."""

    def __init__(self, switches: Switches, clock: Callable[[], float]) -> None:
        self._switches = switches
        self._clock = clock
        self._jobs: list[Job] = []
        self._dice = Dice(201)

    def take(self, study: Study, items: list[Item], made: str, email: str) -> Job:
        """Accept a batch."""
        number = len(self._jobs)
        batch = self._dice.uuid("batch", number)
        if number % 10 == 9:
            batch = f"q{batch[1:]}"  # one in ten is no hexadecimal number, as in the vendor's sample
        seconds = self._switches["jobSeconds"]
        job = Job(
            study, items, self._dice.uuid("job", number), batch, made, self._clock(),
            None if seconds == "never" else float(seconds), email,
        )  # fmt: skip
        self._jobs.append(job)
        return job

    def receipt(self, job: Job) -> Any:
        """What the POST is answered with."""
        shape = self._switches["postBody"]
        if shape == "empty-list":
            return []
        if shape == "no-batch":
            return {"jobId": job.job_id, "batchId": None, "state": None}
        whole = {"jobId": job.job_id, "batchId": job.batch_id, "state": self._words[0]}
        return [whole] if shape == "list" else whole

    @property
    def _words(self) -> tuple[str, str, str, str]:
        return _WORDS[self._switches["jobStates"]]

    def ended(self) -> Iterator[Job]:
        """Jobs that have ended and whose items wait to be stored."""
        for job in self._jobs:
            if not job.stored and job.seconds is not None and self._clock() - job.started_at >= job.seconds:
                job.stored = True
                yield job

    def show(self, study_key: str, batch_id: str) -> Row:
        """A job as the API gives it."""
        job = next((job for job in self._jobs if job.batch_id == batch_id and job.study.key == study_key), None)
        if job is None:
            raise not_found()
        created, running, done, failed = self._words
        passed = self._clock() - job.started_at
        state = created if passed < min(1.0, (job.seconds or 3.0) / 3) and not job.stored else running
        if job.stored:
            state = failed if self._switches["jobOutcome"] == "none" else done
        return {
            "jobId": job.job_id,
            "batchId": job.batch_id,
            "state": state,
            "dateCreated": job.made,
            "dateStarted": None if state == created and not job.stored else _later(job.made, 1),
            "dateFinished": _later(job.made, 1 + int(job.seconds or 0)) if job.stored else None,
        }

    def seen(self) -> list[Row]:
        """All jobs, for whoever tests a client."""
        return [{"batchId": job.batch_id, "items": len(job.items), "email": job.email} for job in self._jobs]


def _later(moment: str, seconds: int) -> str:
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat(sep=" ")


# ---- storing


def store(study: Study, item: Item, clock: str) -> int:
    """Carry out one item; gives the number of the record."""
    if item.kind == "existing" and item.place is not None:
        return update(study, item.place, item.data, clock)
    if item.kind == "register" and item.site is not None:
        item.subject = _register(study, item.site, clock)
        item.interval = study.design.intervals[0]
    subject = item.subject
    if subject is None:
        raise LookupError("an item without a subject")
    visit = _visit(study, subject, item.interval, clock) if item.interval else None
    if item.kind == "scheduled" and visit is not None:
        place = _at_visit(study, visit, item.form["formKey"])
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


def _visit(study: Study, subject: Row, interval: Row, clock: str) -> Row:
    """The subject's visit of an interval; a new one if there is none yet."""
    table = study.table("visits")
    for row in table.rows():
        if row["subjectId"] == subject["subjectId"] and row["intervalId"] == interval["intervalId"]:
            return row
    row = {
        "visitId": table.next_number, "studyKey": study.key, "intervalId": interval["intervalId"],
        "intervalName": interval["intervalName"], "subjectId": subject["subjectId"],
        "subjectKey": subject["subjectKey"], "startDate": None, "endDate": None, "dueDate": None,
        "visitDate": clock[:10], "visitDateForm": interval["actualDateForm"],
        "visitDateQuestion": interval["actualDate"], "deleted": False, "dateCreated": clock, "dateModified": clock,
    }  # fmt: skip
    table.add(row)
    return row


def _at_visit(study: Study, visit: Row, form_key: str) -> int | None:
    """The record of a form at a visit."""
    forms = list(study.records.values("formKey"))
    for place, number in enumerate(study.records.values("visitId")):
        if number == visit["visitId"] and forms[place] == form_key and not study.records.row(place)["deleted"]:
            return place
    return None


def create(study: Study, form: Row, subject: Row | None, visit: Row | None, data: Row, clock: str, **more: Any) -> int:
    """Add a record with its first revision."""
    number = study.records.next_number
    row = {
        "studyKey": study.key, "intervalId": visit["intervalId"] if visit else None, "formId": form["formId"],
        "formKey": form["formKey"], "siteId": subject["siteId"] if subject else None, "recordId": number,
        "recordOid": None, "recordType": "SUBJECT", "recordStatus": "Record Incomplete", "deleted": False,
        "dateCreated": clock, "dateModified": clock, "subjectId": subject["subjectId"] if subject else None,
        "subjectOid": subject["subjectOid"] if subject else None,
        "subjectKey": subject["subjectKey"] if subject else None, "visitId": visit["visitId"] if visit else None,
        "parentRecordId": None, "keywords": [],
        "recordData": {"dateCreated": clock, "unvnum": "", "dateModified": clock, **data}, **more,
    }  # fmt: skip
    revisions = study.table("recordRevisions")
    study.records.add(row)
    revisions.add(_revision(study, row, 1, 1, None, clock))
    return number


def update(study: Study, place: int, data: Row, clock: str, *, user: str = WRITER, **fields: Any) -> int:
    """Change answers or other fields of a record, with a revision."""
    revisions = study.table("recordRevisions")
    old = study.records.data(place) or {}
    row = study.records.row(place)
    answers = {**old, **data}
    if answers:
        answers["dateModified"] = clock
    counted, data_counted = study.last_revision(row["recordId"], place)
    row = study.records.change(place, dateModified=clock, recordData=answers or None, **fields)
    reason = "Entered in error" if fields.get("deleted") else "Data entry error" if data else None
    revisions.add(_revision(study, row, counted + 1, data_counted + bool(data), reason, clock, user))
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
