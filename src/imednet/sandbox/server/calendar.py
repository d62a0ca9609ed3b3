"""`advance`: lets days pass in a study, adding, changing and deleting the same rows for the same seed and day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..invent.design import Row
from ..invent.plan import DAY_ZERO
from ..invent.record_life import CLOCK_SECONDS, DAY, written
from ..invent.words import DRUGS, TERMS, WORDS
from ..study.queries_codings import comment
from ..study.study import Study
from .writes import create, update

CHANGED, NEW, DELETED_EVERY = 0.004, 0.001, 20
"""Shares of all records changed and added per day; one in `DELETED_EVERY` of the changes is a deletion."""


class Clock(Protocol):
    """A clock that `advance` moves: the API's."""

    seconds: int
    """Seconds since `DAY_ZERO`."""


def advance(clock: Clock, study: Study, days: int) -> Row:
    """Let days pass in a study; returns how many records are new, changed and deleted.

    Raises:
        ValueError: if `days` is not a whole number from 1 to 366.
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 0 < days <= 366:
        raise ValueError(f"days must be a whole number from 1 to 366, not {days!r}")
    counts = {"days": days, "new": 0, "changed": 0, "deleted": 0}
    for _ in range(days):
        day = clock.seconds // DAY
        start, clock.seconds = clock.seconds, clock.seconds + DAY
        _change_design(study, day, written(start + 60))
        moments = (written(start + 3600 + step) for step in range(DAY - 7200))
        _change_records(study, day, moments, counts)
        _add_records(study, day, moments, counts)
        _complete_due_visits(study, start, moments, counts)
        _advance_queries(study, day, start + 7200)
    return counts


def _change_records(study: Study, day: int, moments: Iterator[str], counts: Row) -> None:
    records, dice = study.records, study.dice
    total = len(records)
    seen: set[int] = set()
    for n in range(max(3, round(total * CHANGED)) if total else 0):
        place = records.places()[dice.below(total, "advance", day, n)]
        row = records.row(place)
        if place in seen or row["deleted"] or row["subjectId"] == 20004:
            continue
        seen.add(place)
        if n % DELETED_EVERY == 1:
            update(
                study,
                place,
                {},
                next(moments),
                deleted=True,
                recordStatus="Record Deleted",
                user=study.staff.login("Data Manager", n),
            )
            counts["deleted"] += 1
            continue
        names = [
            variable["variableName"] for form in study.design.data["forms"] if form["formKey"] == row["formKey"]
            for variable in form["variables"] if variable["variableType"] in ("MEMO", "TEXT")
        ]  # fmt: skip
        word = WORDS[dice.below(len(WORDS), "word", day, n)]
        data = {names[0]: f"Corrected: {word}"} if names else {}
        status = {} if data else {"recordStatus": "Record Reviewed"}
        update(study, place, data, next(moments), user=study.staff.login("Site Coordinator", n), **status)
        counts["changed"] += 1


def _add_records(study: Study, day: int, moments: Iterator[str], counts: Row) -> None:
    dice = study.dice
    subjects = study.table("subjects")
    active = [
        subject.number for subject in study.plan.subjects
        if subject.status == "Enrolled" and not subject.gone and not subject.scripted
    ]  # fmt: skip
    forms = {row["formKey"]: row for row in study.table("forms").rows()}
    first = min(subjects.values("subjectId"), default=0)
    for n in range(max(2, round(len(study.records) * NEW)) if active else 0):
        subject = subjects.row(active[dice.below(len(active), "new", day, n)] - first)
        u = dice.bits("entry", day, n)
        moment = next(moments)
        if u & 1:
            data = {
                "AENUM": study.next_entry(subject, "AE"),
                "AETERM": list(TERMS)[u % len(TERMS)],
                "AESTDAT": moment[:10],
                "AEONGO": "Yes",
                "AESER": "No",
            }
            create(study, forms["AE"], subject, None, data, moment)
        else:
            data = {
                "CMNUM": study.next_entry(subject, "CM"),
                "CMTRT": list(DRUGS)[u % len(DRUGS)],
                "CMSTDAT": moment[:10],
                "CMONGO": "Yes",
            }
            create(study, forms["CM"], subject, None, data, moment)
        counts["new"] += 1


def _complete_due_visits(study: Study, start: int, moments: Iterator[str], counts: Row) -> None:
    """Let the planned visits that are due on this day take place, and create records of their forms."""
    plan, visits = study.plan, study.table("visits")
    today = start // DAY + DAY_ZERO
    forms = {row["formKey"]: row for row in study.table("forms").rows()}
    subjects = study.table("subjects")
    for index, subject in enumerate(plan.subjects):
        if subject.status not in ("Enrolled", "Baseline") or subject.deleted or subject.number == 20004:
            continue
        for interval, due in enumerate(subject.due):
            if due != today or subject.days[interval] is not None:
                continue
            local = next(nth for nth, visit in enumerate(plan.visits_at(index)) if visit.interval == interval)
            place = plan.first_visit[index] + local
            row = visits.row(place)
            if row["deleted"] or row["visitDate"]:
                continue
            day = written(start)[:10]
            visits.change(place, visitDate=day, dateModified=next(moments))
            subject_place = subjects.find("subjectId", subject.number)
            for form in study.design.forms_of_visit.get(row["intervalName"], ()):
                fields = study.design.data["forms"][form]
                dates = {v["variableName"]: day for v in fields["variables"] if v["variableType"] == "DATE"}
                create(study, forms[fields["formKey"]], subjects.row(subject_place or 0), row, dates, next(moments))
                counts["new"] += 1


def _advance_queries(study: Study, day: int, seconds: int) -> None:
    """Respond to one open query and open a new one."""
    table = study.table("queries")
    if not len(table):
        return
    dice = study.dice
    for n in range(20):
        place = table.places()[dice.below(len(table), "answer", day, n)]
        row = table.row(place)
        steps = row["queryComments"]
        if steps and not steps[-1]["closed"] and steps[-1]["annotationStatus"].endswith("Open"):
            response = comment(study, len(steps) + 1, f"{row['description']} Responded", seconds, day)
            table.change(place, queryComments=[*steps, response], dateModified=response["date"])
            break
    last = table.row(table.places()[-1])
    opening = comment(study, 1, "Auto Query Open", seconds + 60, day)
    table.add(
        {
            **last, "annotationId": table.next_number, "annotationType": "subject", "type": None, "recordId": None,
            "variable": None, "description": "Auto Query", "dateCreated": opening["date"],
            "dateModified": opening["date"], "queryComments": [opening],
        }
    )  # fmt: skip


def _change_design(study: Study, day: int, moment: str) -> None:
    """Change the design a little: revise a form and, in turn, add, disable, relabel or reorder its variables."""
    forms, variables = study.table("forms"), study.table("variables")
    if not len(forms):
        return
    form_place = day % len(forms)
    form = forms.row(form_place)
    forms.change(form_place, revision=form["revision"] + 1, dateModified=moment)
    places = [place for place, form_id in enumerate(variables.values("formId")) if form_id == form["formId"]]
    step = (day - CLOCK_SECONDS // DAY) % 4
    first, second = places[0], places[min(1, len(places) - 1)]
    if step == 0:
        template = variables.row(first)
        name = f"{form['formKey']}X{day % 1000:03}"
        variables.add(
            {
                **template, "variableId": variables.next_number, "variableName": name,
                "label": "Added while the study runs",
                "variableType": "TEXT", "sequence": 900 + day % 100, "revision": 1, "variableOid": None,
                "dateCreated": moment, "dateModified": moment,
            }
        )  # fmt: skip
    elif step == 1:
        variables.change(places[-1], disabled=True, dateModified=moment)
    elif step == 2:
        variables.change(first, label=f"{variables.row(first)['label']} (revised)", dateModified=moment)
    else:
        earlier, later = variables.row(first)["sequence"], variables.row(second)["sequence"]
        variables.change(first, sequence=later, dateModified=moment)
        variables.change(second, sequence=earlier, dateModified=moment)
