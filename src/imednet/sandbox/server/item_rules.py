"""Validation of a POST: identifiers must exist and agree, variables exist, values fit their type.

Checked items are stored by `writes` when their job has ended.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from ..invent.design import Row
from ..study.study import Study
from .messages import invalid
from .switches import Switches

FORM, SITE = ("formKey", "formId"), ("siteName", "siteId")
SUBJECT, INTERVAL = ("subjectKey", "subjectId", "subjectOid"), ("intervalName", "intervalId")
RECORD = ("recordId", "recordOid")
MEMBERS = {*FORM, *SITE, *SUBJECT, *INTERVAL, *RECORD, "data"}
NO_SUBJECT = "Must provide a Subject identifier"
UNPLANNED = "Unscheduled"


@dataclass
class Item:
    """One checked item of a batch, with the rows that its identifiers name."""

    kind: str
    """`register`, `scheduled`, `new` or `existing`."""
    form: Row
    data: Row
    site: Row | None = None
    subject: Row | None = None
    interval: Row | None = None
    place: int | None = None
    """Place of the record to update."""


def read_items(body: bytes, study: Study, switches: Switches) -> list[Item]:
    """The items of a request body, all of them checked.

    Raises:
        Problem: 400 for the first item or value that is not valid; nothing is stored then.
    """
    try:
        items = json.loads(body, parse_constant=_refuse)
        body.decode("utf-8", "strict")
        json.dumps(items, ensure_ascii=False).encode("utf-8")  # fails for half of a surrogate pair
    except (ValueError, RecursionError):
        raise invalid("body", "", "The request body is not valid JSON") from None
    if not isinstance(items, list) or not items:
        raise invalid("body", "", "The request body must be an array with at least one record")
    return [_read_item(item, study, switches) for item in items]


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _read_item(item: Any, study: Study, switches: Switches) -> Item:
    if not isinstance(item, dict):
        raise invalid("body", "", "Each record must be an object")
    for name in item:
        if name not in MEMBERS:
            raise invalid(name, str(item[name]), "Unknown attribute")
        kind = int if name.endswith("Id") else str
        if name != "data" and type(item[name]) is not kind:
            raise invalid(name, str(item[name]), f"Must be {'a whole number' if kind is int else 'text'}")
    form = _identified_form(item, study, switches)
    data = _checked_answers(item.get("data"), form, study, switches)
    if any(name in item for name in RECORD):
        return _existing_record(item, form, data, study)
    named = [name for name in SUBJECT if name in item]
    registering = any(name in item for name in SITE) and form["formKey"] == "REG"
    if registering and (not named or switches["registrationWithSubjectKey"] == "ignored"):
        if any(name in item for name in INTERVAL):
            raise invalid("intervalName", str(item.get("intervalName", "")), "A registration has no interval")
        return Item("register", form, data, site=_identified_row(item, SITE, study, "sites"))
    if not any(item[name] for name in named):
        raise invalid("subjectKey", "", NO_SUBJECT)
    subject = _identified_row(item, SUBJECT, study, "subjects")
    if form["formType"] != "Subject":
        raise invalid("formKey", str(form["formKey"]), "A form of sites takes no subject")
    if any(name in item for name in INTERVAL):
        interval = _identified_row(item, INTERVAL, study, "intervals")
        name = str(interval["intervalName"])
        if interval["disabled"]:
            raise invalid("intervalName", name, "The interval is disabled")
        form_keys = {listed["formKey"] for listed in interval["forms"]}
        if form["formKey"] not in form_keys and not (
            form["unscheduledVisit"] and interval["intervalGroupName"] == UNPLANNED
        ):
            raise invalid("intervalName", name, f"Form {form['formKey']} does not belong to this interval")
        return Item("scheduled", form, data, subject=subject, interval=interval)
    if form["formKey"] == "REG":
        raise invalid("formKey", "REG", "The subject is registered already")
    return Item("new", form, data, subject=subject)


def _identified_row(item: Row, names: tuple[str, ...], study: Study, table: str) -> Row:
    """The row that identifiers name; empty identifiers are ignored, and all others must name the same row."""
    named: Row | None = None
    for name in names:
        value = item.get(name)
        if value in (None, ""):
            continue
        place = study.table(table).find(name, value)
        row = study.table(table).row(place) if place is not None else None
        if row is None or row.get("deleted"):
            raise invalid(name, str(value), f"No such {table[:-1]}")
        if named is not None and named != row:
            raise invalid(name, str(value), f"Names another {table[:-1]} than {names[0]}")
        named = row
    if named is None:
        raise invalid(names[0], "", f"Must provide a {table[:-1].capitalize()} identifier")
    return named


def _identified_form(item: Row, study: Study, switches: Switches) -> Row:
    names = [name for name in FORM if item.get(name) not in (None, "")]
    if not names:
        raise invalid("formKey", "", "Must provide a Form identifier")
    named: Row | None = None
    for name in names:
        place = study.table("forms").find(name, item[name])
        form = study.table("forms").row(place) if place is not None else None
        closed = form is None or form["disabled"] or not form["subjectRecordReport"]
        refused = closed and switches["postToDisabledOrSystemForm"] == "refused"
        if form is None or refused or (named is not None and form != named):
            raise invalid(name, str(item[name]), f"Form with {name} of {item[name]} not found.")
        named = form
    return named or {}


def _existing_record(item: Row, form: Row, data: Row, study: Study) -> Item:
    name = next((name for name in RECORD if item.get(name) not in (None, "")), None)
    if name is None:
        raise invalid("recordId", "", "Must provide a Record identifier")
    value = item[name]
    place = study.records.place_of(value) if name == "recordId" and isinstance(value, int) else None
    if name == "recordOid":
        place = study.records.find(name, value)
    row = study.records.row(place) if place is not None else None
    if row is None or row["deleted"] or row["formKey"] != form["formKey"]:
        raise invalid(name, str(value), "No such record of this form")
    if any(item.get(identifier) not in (None, "") for identifier in SUBJECT):
        subject = _identified_row(item, SUBJECT, study, "subjects")
        if subject["subjectId"] != row["subjectId"]:
            raise invalid(name, str(value), "The record belongs to another subject")
    return Item("existing", form, data, place=place)


def _checked_answers(data: Any, form: Row, study: Study, switches: Switches) -> Row:
    """Answers with known variables and valid values, as text."""
    if not isinstance(data, dict) or not data:
        raise invalid("data", "", "Must provide data")
    variables = {row["variableName"]: row for row in study.table("variables").rows() if row["formId"] == form["formId"]}
    designed = {
        variable["variableName"]: variable
        for designed_form in study.design.data["forms"]
        if designed_form["formKey"] == form["formKey"]
        for variable in designed_form["variables"]
    }
    answers: Row = {}
    for name, value in data.items():
        is_deleted = name in variables and variables[name]["deleted"]
        if name not in variables or (is_deleted and switches["postToDisabledOrSystemForm"] == "refused"):
            raise invalid(name, str(value), f"Form {form['formKey']} has no such variable")
        kind = variables[name]["variableType"]
        code_list = designed.get(name, {}).get("codeList")
        answers[name] = _value(name, kind, study.design.codes(code_list) if code_list else [], value)
    return answers


_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_PATTERNS = {"DATE": _DATE, "TIME": _TIME, "DATETIME": rf"{_DATE}[ T]{_TIME}(:[0-5]\d)?",
             "PARTIALDATE": r"[12]\d{3}(-(0[1-9]|1[0-2])(-\d\d)?)?"}  # fmt: skip


def _value(name: str, kind: str, choices: list[str], value: Any) -> Any:
    """A value as it will be stored; null and empty text clear the answer."""
    if value is None or value == "":
        return ""
    if kind in ("NUMBER", "CALC"):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
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
