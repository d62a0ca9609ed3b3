"""Time that passes: `advance(days)` adds, changes and deletes rows, always the same ones."""

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
"""Shares of all records changed and added a day; every so many of the changes is a deletion."""


class Clock(Protocol):
    """A clock that `advance` moves: the API's."""

    seconds: int
    """Seconds since `DAY_ZERO`."""


def advance(clock: Clock, study: Study, days: int) -> Row:
    """Let days pass in a study; gives how many records are new, changed and deleted."""
    if isinstance(days, bool) or not isinstance(days, int) or not 0 < days <= 366:
        raise ValueError(f"the clock moves by 1 to 366 days at a time, not by {days}")
    done = {"days": days, "new": 0, "changed": 0, "deleted": 0}
    for _ in range(days):
        number = clock.seconds // DAY
        start, clock.seconds = clock.seconds, clock.seconds + DAY
        _change_design(study, number, written(start + 60))
        moments = (written(start + 3600 + step) for step in range(DAY - 7200))
        _change_records(study, number, moments, done)
        _add_records(study, number, moments, done)
        _hold_visits(study, start, moments, done)
        _talk(study, number, start + 7200)
    return done


def _change_records(study: Study, number: int, moments: Iterator[str], done: Row) -> None:
    records, dice = study.records, study.dice
    total = len(records)
    seen: set[int] = set()
    for n in range(max(3, round(total * CHANGED)) if total else 0):
        place = records.places()[dice.below(total, "advance", number, n)]
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
                user=study.staff.one("Data Manager", n),
            )
            done["deleted"] += 1
            continue
        names = [
            v["variableName"] for f in study.design.data["forms"] if f["formKey"] == row["formKey"]
            for v in f["variables"] if v["variableType"] in ("MEMO", "TEXT")
        ]  # fmt: skip
        word = WORDS[dice.below(len(WORDS), "word", number, n)]
        data = {names[0]: f"Corrected: {word}"} if names else {}
        status = {} if data else {"recordStatus": "Record Reviewed"}
        update(study, place, data, next(moments), user=study.staff.one("Site Coordinator", n), **status)
        done["changed"] += 1


def _add_records(study: Study, number: int, moments: Iterator[str], done: Row) -> None:
    dice = study.dice
    subjects = study.table("subjects")
    active = [s.number for s in study.plan.subjects if s.status == "Enrolled" and not s.gone and not s.scripted]
    forms = {row["formKey"]: row for row in study.table("forms").rows()}
    first = min(subjects.values("subjectId"), default=0)
    for n in range(max(2, round(len(study.records) * NEW)) if active else 0):
        subject = subjects.row(active[dice.below(len(active), "new", number, n)] - first)
        u = dice.bits("entry", number, n)
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
        done["new"] += 1


def _hold_visits(study: Study, start: int, moments: Iterator[str], done: Row) -> None:
    """Planned visits that are due on this day take place, and their forms are begun."""
    plan, visits = study.plan, study.table("visits")
    today = start // DAY + DAY_ZERO
    forms = {row["formKey"]: row for row in study.table("forms").rows()}
    subjects = study.table("subjects")
    for place, subject in enumerate(plan.subjects):
        if subject.status not in ("Enrolled", "Baseline") or subject.deleted or subject.number == 20004:
            continue
        for which, due in enumerate(subject.due):
            if due != today or subject.days[which] is not None:
                continue
            local = next(at for at, visit in enumerate(plan.visits_at(place)) if visit.interval == which)
            row = visits.row(plan.first_visit[place] + local)
            if row["deleted"] or row["visitDate"]:
                continue
            day = written(start)[:10]
            visits.change(plan.first_visit[place] + local, visitDate=day, dateModified=next(moments))
            whose = subjects.find("subjectId", subject.number)
            for form in study.design.forms_of_visit.get(row["intervalName"], ()):
                fields = study.design.data["forms"][form]
                dates = {v["variableName"]: day for v in fields["variables"] if v["variableType"] == "DATE"}
                create(study, forms[fields["formKey"]], subjects.row(whose or 0), row, dates, next(moments))
                done["new"] += 1


def _talk(study: Study, number: int, seconds: int) -> None:
    """One query more, and an answer to one that is open."""
    table = study.table("queries")
    if not len(table):
        return
    dice = study.dice
    for n in range(20):
        place = table.places()[dice.below(len(table), "answer", number, n)]
        row = table.row(place)
        steps = row["queryComments"]
        if steps and not steps[-1]["closed"] and steps[-1]["annotationStatus"].endswith("Open"):
            told = comment(study, len(steps) + 1, f"{row['description']} Responded", seconds, number)
            table.change(place, queryComments=[*steps, told], dateModified=told["date"])
            break
    last = table.row(table.places()[-1])
    asked = comment(study, 1, "Auto Query Open", seconds + 60, number)
    table.add(
        {
            **last, "annotationId": table.next_number, "annotationType": "subject", "type": None, "recordId": None,
            "variable": None, "description": "Auto Query", "dateCreated": asked["date"], "dateModified": asked["date"],
            "queryComments": [asked],
        }
    )  # fmt: skip


def _change_design(study: Study, number: int, moment: str) -> None:
    """A study changes under way: a variable added, one disabled, one renamed, two in another order, a form revised."""
    forms, variables = study.table("forms"), study.table("variables")
    if not len(forms):
        return
    place = number % len(forms)
    form = forms.row(place)
    forms.change(place, revision=form["revision"] + 1, dateModified=moment)
    places = [p for p, form_id in enumerate(variables.values("formId")) if form_id == form["formId"]]
    step = (number - CLOCK_SECONDS // DAY) % 4
    first, second = places[0], places[min(1, len(places) - 1)]
    if step == 0:
        known = variables.row(first)
        name = f"{form['formKey']}X{number % 1000:03}"
        variables.add(
            {
                **known, "variableId": variables.next_number, "variableName": name,
                "label": "Added while the study runs",
                "variableType": "TEXT", "sequence": 900 + number % 100, "revision": 1, "variableOid": None,
                "dateCreated": moment, "dateModified": moment,
            }
        )  # fmt: skip
    elif step == 1:
        variables.change(places[-1], disabled=True, dateModified=moment)
    elif step == 2:
        variables.change(first, label=f"{variables.row(first)['label']} (revised)", dateModified=moment)
    else:
        one, other = variables.row(first)["sequence"], variables.row(second)["sequence"]
        variables.change(first, sequence=other, dateModified=moment)
        variables.change(second, sequence=one, dateModified=moment)
