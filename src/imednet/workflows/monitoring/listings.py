"""Listings of events: adverse events, deviations and deficiencies, by the mappings of a `StudyConfiguration`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from imednet_api.models import Record

from ...errors import ArgumentError
from ...models.study_config import FormMapping, StudyConfiguration
from ...utils.truth import is_true
from .study_data import ListName, StudyData
from .table import Cell, Chart, Column, Kind, MonitoringTable, Row

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "forms", "variables")

_TITLES: Final = {
    "adverse_events": "Adverse events", "deviations": "Protocol deviations", "deficiencies": "Device deficiencies",
}  # fmt: skip
_URGENT: Final = frozenset({"term", "category", "serious", "important"})
_KINDS: Final[dict[str, Kind]] = {
    "onset": "date", "end": "date", "date": "date",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """A record and the canonical fields that follow from it."""

    record: Record
    fields: dict[str, Cell] = field(repr=False)


def mapping_of(configuration: StudyConfiguration, table: str) -> FormMapping:
    """The mapping of a canonical table. Raises ArgumentError if the configuration has none."""
    mapping = configuration.mappings.get(table)
    if mapping is None:
        known = ", ".join(configuration.mappings) or "none"
        raise ArgumentError(f"the configuration has no mapping {table!r}; there are {known}. See docs/configuration.md")
    return mapping


def check_study(data: StudyData, configuration: StudyConfiguration) -> None:
    """Raise ArgumentError if a configuration is of another study."""
    if configuration.study_key is not None and configuration.study_key != data.study_key:
        raise ArgumentError(f"the configuration is of study {configuration.study_key!r}, not {data.study_key!r}")


def check_variables(data: StudyData, mapping: FormMapping) -> None:
    """Raise ArgumentError if a mapping names a form or variable that the study does not have.

    A slip in a name would otherwise look like answers that nobody gave.
    """
    data.need("forms", "variables")
    if mapping.form not in data.form_by_key:
        raise ArgumentError(f"study {data.study_key!r} has no form {mapping.form!r}. Next: imednet forms list")
    names = {str(one.variable_name).casefold() for one in data.variables or () if one.form_key == mapping.form}
    for name in mapping.variables:
        if name.casefold() not in names:
            raise ArgumentError(f"form {mapping.form!r} has no variable {name!r}. Next: imednet variables list")


def events(data: StudyData, mapping: FormMapping) -> Iterator[Event]:
    """The rows of a canonical table; deleted records give none."""
    check_variables(data, mapping)
    if mapping.form not in data.answers:
        raise ArgumentError(f"this table needs the answers of {mapping.form}, which were not read")
    for record in data.answers[mapping.form]:
        answers = record.record_data or {}
        if not is_true(record.deleted) and mapping.counts(answers):
            yield Event(record, mapping.row(answers))


def listing(
    data: StudyData, configuration: StudyConfiguration, table: str, *, serious: bool = False
) -> MonitoringTable:
    """The rows of a canonical table, each with its record and subject.

    Args:
        data: the study, with the answers of the form that the table comes from.
        configuration: its mappings.
        table: the canonical table, such as `adverse_events`.
        serious: only rows whose field `serious` is true.

    Raises:
        ArgumentError: there is no such mapping; it has no field `serious`; it names what the study does not have.
    """
    mapping = mapping_of(configuration, table)
    check_study(data, configuration)
    if serious and "serious" not in mapping.fields:
        raise ArgumentError(f"the mapping {table!r} has no field `serious`, so serious rows cannot be told")
    rows: list[Row] = []
    for event in events(data, mapping):
        if serious and event.fields.get("serious") is not True:
            continue
        record = event.record
        rows.append(
            {
                "subjectKey": record.subject_key,
                "siteId": record.site_id,
                "recordId": record.record_id,
                "status": record.record_status,
                **{_column(name): value for name, value in event.fields.items()},
            }
        )
    title = _TITLES.get(table, table.replace("_", " "))
    chart = next((name for name in ("severity", "category") if name in mapping.fields), None)
    return MonitoringTable(
        table,
        f"Serious {title.lower()}" if serious else title,
        f"Records of {mapping.form}"
        + (f" where {mapping.where}" if mapping.where else "")
        + ", deleted ones left out; a field is empty where the answers do not give it. Entries that are there twice "
        "are listed twice.",
        (
            Column("subjectKey", "Subject", urgent=True),
            Column("siteId", "Site", "number"),
            *(
                Column(_column(name), name.replace("_", " ").capitalize(), _kind(mapping, name), name in _URGENT)
                for name in mapping.fields
            ),
            Column("recordId", "Record", "number", minor=True),
            Column("status", "Status", minor=True),
        ),
        rows,
        chart=Chart("bar", "rows", _column(chart)) if chart else None,
        notes=data.notes,
    )


def _kind(mapping: FormMapping, name: str) -> Kind:
    return "yes" if name in mapping.conditions else _KINDS.get(name, "text")


def _column(name: str) -> str:
    """The column of a canonical field; fields of a configuration cannot collide with columns of ours.

    >>> _column("term")
    'field term'
    """
    return f"field {name}"
