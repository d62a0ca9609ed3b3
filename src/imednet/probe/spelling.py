"""How the server spells its rows: questions that pages settle which are read anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, get_type_hints

from imednet_api.api import operation

from .report import Finding, unknown

Pages = Mapping[str, list[dict[str, Any]]]
"""List, by its name in Python -> rows of its first page."""

_ENGLISH: Final = frozenset(
    "registered|screened|screen failed|baseline|enrolled|completed|withdrawn|active|closed|lost to follow-up|deceased"
    "|record incomplete|record complete|record reviewed|record locked|record deleted".split("|")
)
_GERMAN: Final = frozenset(
    "registriert|nicht geeignet|basisvisite|eingeschlossen|abgeschlossen|zurückgezogen|nicht mehr erreichbar|verstorben"
    "|unvollständig|vollständig|geprüft|gesperrt|gelöscht".split("|")
)
_MANY: Final = 0.1
_NOT_ANSWERS: Final = frozenset({"datecreated", "datemodified", "unvnum"})


def _values(pages: Pages, name: str, field: str) -> list[Any]:
    return [row[field] for row in pages.get(name, ()) if row.get(field) not in (None, "")]


def _by_words(pages: Pages, name: str, field: str, words: Mapping[str, Iterable[str]]) -> Finding:
    """The answer whose words are among the values of a field."""
    seen = {value for value in _values(pages, name, field) if isinstance(value, str)}
    for answer, known in words.items():
        found = seen.intersection(known)
        if found:
            return Finding(answer, f"{field} holds {' and '.join(sorted(found))}")
    return unknown(f"no {field} holds a word that is known" if seen else f"no row has a {field}")


def role_dates(pages: Pages) -> Finding:
    """Dates of roles: lists of numbers, texts, or both."""
    dates = [
        role.get(field)
        for roles in _values(pages, "users", "roles") if isinstance(roles, list)
        for role in roles if isinstance(role, dict)
        for field in ("dateCreated", "dateModified")
    ]  # fmt: skip
    lists, texts = (sum(isinstance(date, kind) for date in dates) for kind in (list, str))
    if not lists and not texts:
        return unknown("no user has a role with a date")
    answer = "mixed" if lists and texts else "array" if lists else "string"
    return Finding(answer, "dates of roles are " + ("lists and texts" if lists and texts else f"{answer}s"))


def other_forms(pages: Pages) -> Finding:
    """`otherForms` of forms: true and false, or a list."""
    values = _values(pages, "forms", "otherForms")
    if not values:
        return unknown("no form has otherForms")
    return Finding("list" if any(isinstance(value, list) for value in values) else "boolean", "as forms have it")


def subject_record_report(pages: Pages) -> Finding:
    """Whether forms have `subjectRecordReport`."""
    rows = pages.get("forms", ())
    if not rows:
        return unknown("there is no form")
    present = any("subjectRecordReport" in row for row in rows)
    return Finding("present" if present else "absent", f"{'some' if present else 'no'} form has subjectRecordReport")


def status_words(pages: Pages) -> Finding:
    """The language of status words, of those two that a sandbox speaks."""
    words = {
        str(value).casefold()
        for name, field in (("subjects", "subjectStatus"), ("records", "recordStatus"))
        for value in _values(pages, name, field)
    }
    for answer, known in (("english", _ENGLISH), ("german", _GERMAN)):
        if words & known:
            return Finding(answer, f"{'all' if words <= known else 'some'} status words are known")
    return unknown("no status word is known" if words else "no row has a status")


def empty_style(pages: Pages) -> Finding:
    """How texts without a value are sent: as null, as empty text, left out, or some of each.

    An empty text may be what somebody entered, so it counts only where nothing is null or left out.
    """
    nulls = blanks = absent = 0
    for name, rows in pages.items():
        for field in _texts(name):
            there = [row[field] for row in rows if field in row]
            absent += len(rows) - len(there) if there else 0  # one that no row has is another difference
            nulls += sum(value is None for value in there)
            blanks += sum(value == "" for value in there)
    if absent and nulls:
        return Finding("mixed", "some texts are null, some are left out")
    if absent:
        return Finding("absent", "texts without a value are left out")
    if nulls:
        return Finding("null", "texts without a value are null")
    return Finding("empty", "texts without a value are empty") if blanks else unknown("every text has a value")


def _texts(name: str) -> list[str]:
    """Fields of a list that the description says are texts."""
    model = operation(f"list_{name}").item
    kinds = get_type_hints(model)
    return [wire for wire, attribute in model.FIELDS.items() if kinds.get(attribute) == str | None]


def record_data_case(pages: Pages) -> Finding:
    """Names of answers: as the variables are declared, or in lower case."""
    declared = {name for name in _values(pages, "variables", "variableName") if isinstance(name, str)}
    capitals = {name for name in declared if name != name.lower()}
    used = {name for data in _values(pages, "records", "recordData") if isinstance(data, dict) for name in data}
    if capitals & used:
        return Finding("declared", "names of answers are those of the variables")
    if {name.lower() for name in capitals} & used - _NOT_ANSWERS:
        return Finding("lower", "names of answers are those of the variables in lower case")
    return unknown("no answer has the name of a variable with capitals that is on the first page")


def value_types(pages: Pages) -> Finding:
    """Answers: all of them texts, or numbers and lists too."""
    answers = [
        value
        for data in _values(pages, "records", "recordData") if isinstance(data, dict)
        for name, value in data.items() if name.lower() not in _NOT_ANSWERS and value is not None
    ]  # fmt: skip
    if not answers:
        return unknown("no record has an answer")
    share = sum(not isinstance(value, str) for value in answers) / len(answers)
    how_many = "no" if not share else "few" if share < _MANY else "many"
    return Finding("typed" if how_many == "many" else "text", f"{how_many} answers are no texts")


QUESTIONS: Final[Mapping[str, Callable[[Pages], Finding]]] = {
    "roleDates": role_dates,
    "siteStatus": lambda pages: _by_words(
        pages, "sites", "siteEnrollmentStatus",
        {"token": ("ENROLLMENT_OPEN", "READ_ONLY"), "label": ("Enrollment Open", "Enrollment Closed", "Read Only")},
    ),
    "formType": lambda pages: _by_words(
        pages, "forms", "formType", {"Subject": ("Subject",), "SUBJECT": ("SUBJECT",), "Patient": ("Patient",)}
    ),
    "timeline": lambda pages: _by_words(
        pages, "intervals", "timeline",
        {"documented": ("Start - End Date",), "sample": ("Start Date End Date",)},
    ),
    "otherForms": other_forms,
    "subjectRecordReport": subject_record_report,
    "statusWords": status_words,
    "emptyStyle": empty_style,
    "recordDataCase": record_data_case,
    "valueTypes": value_types,
}  # fmt: skip
"""Switch of the sandbox -> what settles it."""
