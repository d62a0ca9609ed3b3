"""Coding backlog: terms that wait for their code, by form, dictionary or term (`workflows.coding_reconciliation`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ...errors import ArgumentError
from ..coding_reconciliation import CodingReport, reconciled
from .groupings import CodingBy
from .study_data import ListName, StudyData
from .table import Cell, Chart, Column, MonitoringTable, Row, percent

LISTS: Final[tuple[ListName, ...]] = ("sites", "subjects", "forms", "codings")


def coding_backlog(
    data: StudyData, *, by: CodingBy = "form", variables: Mapping[str, str] | None = None
) -> MonitoringTable:
    """Terms that are coded, coded again, without a code, and not coded.

    Args:
        data: the study, with the answers of the forms that are coded.
        by: what a row is; `term` lists the terms that are not coded, and `dictionary` counts codings.
        variables: form key -> the variable that is coded; those that have codings anywhere in the study where it is
            left out.

    Raises:
        ArgumentError: the answers of a coded form were not read.
    """
    data.need(*LISTS)
    chosen = {form: (name,) for form, name in variables.items()} if variables is not None else dict(data.coded)
    if missing := sorted(set(chosen) - set(data.answers)):
        raise ArgumentError(f"this table needs the answers of {', '.join(missing)}, which were not read")
    records = [record for form in sorted(chosen) for record in data.answers[form]]
    report = reconciled(data.codings or (), records, chosen)
    gone = sum(term.deleted for term in report.uncoded)
    report = replace(report, uncoded=[term for term in report.uncoded if not term.deleted])
    named = ", ".join(f"{form}.{name}" for form, names in chosen.items() for name in names)
    notes = [
        *data.notes,
        f"coded variables: {named}" if named else "no variable has a coding, so none is known to be coded",
    ]
    if gone:
        notes.append(f"{gone:,} terms of deleted records need no code and are left out")
    if by == "dictionary":
        return _by_dictionary(report, tuple(notes))
    return _terms(report, tuple(notes)) if by == "term" else _counted(data, report, by, tuple(notes))


def _by_dictionary(report: CodingReport, notes: tuple[str, ...]) -> MonitoringTable:
    rows: list[Row] = [{"dictionary": name, "codings": count} for name, count in report.versions.items()]
    return MonitoringTable(
        "coding backlog by dictionary",
        "Codings by dictionary",
        "Codings by dictionary and version, all revisions.",
        (Column("dictionary", "Dictionary", urgent=True), Column("codings", "Codings", "count", urgent=True)),
        rows,
        chart=Chart("bar", "codings", "dictionary"),
        notes=notes,
    ).with_total({"dictionary": "all"})


def _terms(report: CodingReport, notes: tuple[str, ...]) -> MonitoringTable:
    rows: list[Row] = [
        {
            "formKey": term.form_key,
            "variable": term.variable,
            "recordId": term.record_id,
            "siteId": term.site_id,
            "state": state,
        }
        for state, terms in (
            ("uncoded", report.uncoded),
            ("without code", report.without_code),
            ("moved", report.moved),
        )
        for term in terms
    ]
    return MonitoringTable(
        "coding backlog by term",
        "Terms to code",
        "Answers without a coding, codings without a code, and coded answers that changed since.",
        (
            Column("formKey", "Form", urgent=True),
            Column("variable", "Variable"),
            Column("recordId", "Record", "number", urgent=True),
            Column("siteId", "Site", "number"),
            Column("state", "State", urgent=True),
        ),
        rows,
        notes=notes,
    )


def _counted(data: StudyData, report: CodingReport, by: CodingBy, notes: tuple[str, ...]) -> MonitoringTable:
    states = (
        ("coded", report.coded), ("withoutCode", report.without_code), ("uncoded", report.uncoded),
        ("recoded", report.recoded), ("moved", report.moved),
    )  # fmt: skip
    counts: dict[Cell, Counter[str]] = {}
    for state, terms in states:
        for term in terms:
            place = term.form_key if by == "form" else term.site_id
            counts.setdefault(place, Counter())[state] += 1
    name, title = ("formKey", "Form") if by == "form" else ("siteId", "Site")
    rows: list[Row] = []
    for value, count in sorted(counts.items(), key=lambda pair: (pair[0] is None, str(pair[0]))):
        terms_here = count["coded"] + count["withoutCode"] + count["uncoded"]
        label = data.form_name(str(value)) if by == "form" else data.site_name(value if type(value) is int else None)
        rows.append(
            {
                name: value,
                "name": label,
                "terms": terms_here,
                **{state: count[state] for state, _ in states},
                "percentCoded": percent(count["coded"], terms_here),
            }
        )
    coded, every = (sum(int(row[key] or 0) for row in rows) for key in ("coded", "terms"))
    return MonitoringTable(
        f"coding backlog by {by}",
        f"Coding backlog by {title.lower()}",
        "Terms in their latest revision. Moved: the answer changed since it was coded.",
        (
            Column(name, title, "number" if by == "site" else "text", urgent=True),
            Column("name", "Name", minor=True),
            Column("terms", "Terms", "count"),
            Column("coded", "Coded", "count"),
            Column("uncoded", "Not coded", "count", urgent=True),
            Column("withoutCode", "Without code", "count"),
            Column("recoded", "Coded again", "count", minor=True),
            Column("moved", "Moved", "count"),
            Column("percentCoded", "Coded", "percent", urgent=True),
        ),
        rows,
        chart=Chart("bar", "uncoded", name),
        notes=notes,
    ).with_total({name: "all"} if by == "form" else {"name": "all sites"}, percentCoded=percent(coded, every))
