"""A study of two forms on a `StudyServer`, and what changes it: forms, variables, records, revisions, codings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mirroring import STUDY, StudyServer

DAY = timedelta(days=1)


def small_study() -> StudyServer:
    """Two forms, AE and VS, of two variables, and three records of each; nothing was changed for a day."""
    made = StudyServer(page=500)
    for number, key in ((1, "AE"), (2, "VS")):
        form(made, number, key)
        variable(made, number, key, "TERM")
        variable(made, number, key, "ARM", blinded=number == 1)
        for nth in range(3):
            record(made, number * 100 + nth, number, key, TERM=f"t{nth}", ARM="SECRET")
    made.now += DAY
    return made


def form(server: StudyServer, number: int, key: str) -> None:
    server.lists["forms"][number] = {
        "studyKey": STUDY, "formId": number, "formKey": key, "formName": key, "disabled": False,
        "dateModified": server.text,
    }  # fmt: skip


def variable(server: StudyServer, number: Any, key: str, name: str, kind: str = "TEXT", blinded: bool = False) -> None:
    place = 1 + max(server.lists["variables"], default=0)
    server.lists["variables"][place] = {
        "studyKey": STUDY, "variableId": place, "variableName": name, "formId": number, "formKey": key, "label": name,
        "variableType": kind, "sequence": place, "blinded": blinded, "disabled": False, "dateModified": server.text,
    }  # fmt: skip


def record(server: StudyServer, number: Any, form_id: Any, form_key: Any, **answers: Any) -> None:
    server.lists["records"][number] = {
        "studyKey": STUDY, "recordId": number, "formId": form_id, "formKey": form_key, "subjectKey": "1",
        "recordStatus": "open", "deleted": False, "dateCreated": server.text, "dateModified": server.text,
        "recordData": answers,
    }  # fmt: skip


def touch(server: StudyServer, name: str, key: Any, **fields: Any) -> None:
    server.lists[name][key] |= {**fields, "dateModified": server.text}


def answer(server: StudyServer, number: Any, **answers: Any) -> None:
    """Change answers of a record."""
    touch(server, "records", number, recordData={**server.lists["records"][number]["recordData"], **answers})


def revision(server: StudyServer, number: int, record_id: int, place: int, user: str = "ann") -> None:
    server.lists["record_revisions"][number] = {
        "studyKey": STUDY, "recordRevisionId": number, "recordId": record_id, "recordRevision": place, "user": user,
        "reasonForChange": "entry", "dateCreated": server.text,
    }  # fmt: skip


def coding(server: StudyServer, number: int, form_id: Any, variable_name: str, term: str) -> None:
    server.lists["codings"][number] = {
        "studyKey": STUDY, "siteId": 1, "subjectId": 1, "recordId": 100, "revision": 1, "codingId": number,
        "codedBy": "coder", "dateCoded": server.text, "formId": form_id, "variable": variable_name, "value": term,
        "code": term,
    }  # fmt: skip


def subject(server: StudyServer, number: int, key: str) -> None:
    server.lists["subjects"][number] = {
        "studyKey": STUDY, "subjectId": number, "subjectKey": key, "siteId": 1, "siteName": "A", "deleted": False,
        "dateCreated": server.text, "dateModified": server.text,
    }  # fmt: skip
