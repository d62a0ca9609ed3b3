"""Spelling of rows: how the switches of the dialect change them before they are sent.

`RowSpelling` covers the fields of rows, `TypedAnswers` the answers in `recordData`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..invent.design import Design, Row
from .switches import Switches

NUMBERS = frozenset(
    "studyId siteId formId revision intervalId intervalSequence intervalGroupId dueDateWillBeIn negativeSlack"
    " positiveSlack eproGracePeriod variableId sequence subjectId visitId recordId parentRecordId recordRevisionId"
    " recordRevision dataRevision annotationId codingId".split()
)
"""Fields that hold numbers: a missing value is null or absent, never empty text."""
LISTS = frozenset({"keywords", "forms", "queryComments", "roles"})

GERMAN = {
    "Registered": "Registriert", "Screen Failed": "Nicht geeignet", "Baseline": "Basisvisite",
    "Enrolled": "Eingeschlossen",
    "Completed": "Abgeschlossen", "Withdrawn": "Zurückgezogen", "Lost to Follow-Up": "Nicht mehr erreichbar",
    "Deceased": "Verstorben", "Record Incomplete": "Unvollständig", "Record Complete": "Vollständig",
    "Record Reviewed": "Geprüft", "Record Locked": "Gesperrt", "Record Deleted": "Gelöscht",
}  # fmt: skip
_STEPS = {"Open": "offen", "Responded": "beantwortet", "Closed": "geschlossen", "Re-opened": "wieder offen"}


def _german_step(text: str) -> str:
    prefix, _, word = text.rpartition(" ")
    return f"{prefix} {_STEPS.get(word, word)}".strip()


class RowSpelling:
    """Spells rows as the switches of one sandbox say."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches

    def value(self, field: str) -> Callable[[Any], Any] | None:
        """The function that spells a field's values, for filters too; None if they are sent as they are."""
        switches = self._switches
        if field == "siteEnrollmentStatus" and switches["siteStatus"] == "token":
            return lambda text: {"Enrollment Open": "ENROLLMENT_OPEN", "Enrollment Closed": "READ_ONLY"}.get(text, text)
        if field == "formType" and switches["formType"] != "Subject":
            word = switches["formType"]
            return lambda text: word if text == "Subject" else "SITE" if word == "SUBJECT" else text
        if field == "timeline" and switches["timeline"] == "sample":
            return lambda text: "Start Date End Date" if text == "Start - End Date" else text
        if field in ("subjectStatus", "recordStatus") and switches["statusWords"] == "german":
            return lambda text: GERMAN.get(text, text)
        return None

    def row(self, name: str, row: Row) -> Row:
        """Spell a row; the row is changed in place."""
        for field in ("siteEnrollmentStatus", "formType", "timeline", "subjectStatus", "recordStatus"):
            spell = self.value(field) if field in row else None
            if spell is not None:
                row[field] = spell(row[field])
        if name == "forms" and self._switches["otherForms"] == "list":
            row["otherForms"] = []
        if name == "forms" and self._switches["subjectRecordReport"] == "absent":
            del row["subjectRecordReport"]
        if name == "users" and self._switches["roleDates"] != "array":
            row["roles"] = [self._role(role, index) for index, role in enumerate(row["roles"])]
        if name == "queries" and self._switches["statusWords"] == "german":
            row["queryComments"] = [
                {**comment, "annotationStatus": _german_step(comment["annotationStatus"])}
                for comment in row["queryComments"]
            ]
        return self._without_nulls(row)

    def _role(self, role: Row, index: int) -> Row:
        spelled = dict(role)
        for field in ("dateCreated", "dateModified"):
            if role[field] is not None and (
                self._switches["roleDates"] == "string" or index % 2 or field == "dateModified"
            ):
                spelled[field] = _date_text(role[field])
        return spelled

    def _without_nulls(self, row: Row) -> Row:
        """A row with its missing values in the style of the switch `emptyStyle`."""
        style = self._switches["emptyStyle"]
        if style == "null":
            return row
        spelled: Row = {}
        row_number = next((value for value in row.values() if type(value) is int), 0)
        for index, (field, value) in enumerate(row.items()):
            if value is not None or field == "recordData":
                spelled[field] = value
                continue
            # In the mixed style, the style depends on the field and the row, so it is the same in every answer.
            mixed = ("null", "empty", "absent")[(index + row_number) % 3]
            field_style = mixed if style == "mixed" else style
            if field_style == "empty" and field not in NUMBERS and field not in LISTS:
                spelled[field] = ""
            elif field_style != "absent":
                spelled[field] = None
        return spelled


def _date_text(parts: list[int]) -> str:
    """A date such as `2024-03-04T09:15:02.625`: without zone, with no more decimals of a second than needed."""
    year, month, day, hour, minute, *rest = [*parts, *[0] * (7 - len(parts))]
    second, nano = rest
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    return f"{text}.{nano:09}".rstrip("0") if nano else text


class TypedAnswers:
    """Turns answers from text into JSON numbers, codes and lists."""

    def __init__(self, design: Design) -> None:
        self._forms: Mapping[str, Mapping[str, Row]] = {
            form["formKey"]: {variable["variableName"]: variable for variable in form["variables"]}
            for form in design.data["forms"]
        }
        self._design = design

    def data(self, form_key: str, data: Row) -> Row:
        """The answers of a record; those that do not fit the type of their variable stay text."""
        variables = self._forms.get(form_key, {})
        typed: Row = {}
        for name, value in data.items():
            variable = variables.get(name)
            if variable is None or not isinstance(value, str):
                typed[name] = value
            elif value or variable["variableType"] in ("TEXT", "MEMO"):
                typed[name] = self._typed(variable, value)
        return typed

    def _typed(self, variable: Row, value: str) -> Any:
        kind = variable["variableType"]
        if kind in ("NUMBER", "CALC"):
            try:
                number = float(value) if "." in value else int(value)
            except ValueError:
                return value
            is_plain = value.isascii() and value == value.strip() and "_" not in value and len(value) < 30
            return number if is_plain else value
        choices = self._design.codes(variable["codeList"]) if variable["codeList"] else []
        if kind in ("RADIO", "DROPDOWN"):
            return choices.index(value) + 1 if value in choices else value
        if kind == "CHECKBOX":
            parts = value.split(", ")
            if not all(part in choices for part in parts):
                return value == "true" if value in ("true", "false") else value
            return parts if variable["variableId"] % 2 else "`".join(parts)
        if kind == "DATETIME":
            return value.replace(" ", "T")
        if kind == "PARTIALDATE" and len(value) in (4, 7) and value[:4].isdigit():
            return f"UN-UNK-{value}" if len(value) == 4 else f"UN-{_MONTHS[int(value[5:]) - 1]}-{value[:4]}"
        return value


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
