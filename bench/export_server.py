"""The sandbox with a study made for exports: 10 forms of 38 questions each, which makes tables of 57 columns.

`export_server.py RECORDS [numbers]`; prints where it listens and how many records it has. Most answers are numbers,
words and dates; some are missing and some are not of their kind, as everywhere. With `numbers` all are such texts.
"""

from __future__ import annotations

import sys
from typing import Any

from imednet.sandbox import Sandbox, Scale, build
from imednet.sandbox.invent.design import STUDY
from imednet.sandbox.server import lists

FORMS, QUESTIONS = 10, 38
KINDS = ("NUMBER", "RADIO", "DATE", "TEXT", "NUMBER", "DROPDOWN", "NUMBER")
WORDS = ("Yes", "No", "Not related", "Mild", "Moderate", "Recovered", "Clinic visit", "as the protocol says")
RECORDS_OF_DEMO = 2550


def answer(kind: str, number: int, place: int) -> str | None:
    """One answer as text."""
    draw = number * 7919 + place * 104729
    if draw % 29 == 0:
        return ""
    if kind == "NUMBER":
        return "ND" if draw % 499 == 0 else f"{draw % 240}.{draw % 10}" if draw % 3 else str(draw % 240)
    if kind == "DATE":
        return f"202{draw % 6}-{draw % 12 + 1:02}-{draw % 28 + 1:02}"
    return WORDS[draw % len(WORDS)] if kind != "TEXT" else f"{WORDS[draw % len(WORDS)]}, note {draw % 10_000}"


def main() -> None:
    wanted = int(sys.argv[1])
    kinds = ("NUMBER",) if "numbers" in sys.argv[2:] else KINDS
    studies = build(Scale(subjects=48 * -(-wanted // RECORDS_OF_DEMO)))
    study = studies[STUDY]
    forms, variables, records = study.table("forms"), study.table("variables"), study.records
    keys = []
    for at, place in enumerate(list(forms.places())):
        if at < FORMS:
            row = forms.change(place, disabled=False)
            keys.append((row["formId"], row["formKey"]))
        else:
            forms.remove(place)
    for at, place in enumerate(list(variables.places())):
        if at:
            variables.remove(place)
    first = variables.row(variables.places()[0])
    variables.remove(variables.places()[0])
    for at, (form_id, form_key) in enumerate(keys):
        for place in range(QUESTIONS):
            variables.add({
                **first, "variableId": 700001 + at * QUESTIONS + place, "variableName": f"{form_key}{place + 1:02}",
                "variableType": kinds[place % len(kinds)], "label": f"Question {place + 1}", "sequence": place + 1,
                "formId": form_id, "formKey": form_key, "blinded": False,
            })  # fmt: skip
    for number, place in enumerate(list(records.places())):
        if number >= wanted:
            records.remove(place)
            continue
        form_id, form_key = keys[number % FORMS]
        answers: dict[str, Any] = {
            f"{form_key}{at + 1:02}": answer(kinds[at % len(kinds)], number, at) for at in range(QUESTIONS)
        }
        records.change(place, formId=form_id, formKey=form_key, keywords=[], recordData=answers)
    lists.PAGE_MEMORY = 16 << 30  # all pages stay
    with Sandbox(studies=studies, switches={"gzip": "never"}) as box:
        print(box.url, len(records), flush=True)
        sys.stdin.read()  # until the driver closes it


if __name__ == "__main__":
    main()
