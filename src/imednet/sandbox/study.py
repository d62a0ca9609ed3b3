"""A whole invented study: the rows of every list, ready to be sorted, filtered and paged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any

from . import conduct, plan
from .answers import Answers, written
from .design import DESIGN_CHANGED, DESIGN_MADE, STUDY, TWIN, Design, load
from .dice import Dice

Row = dict[str, Any]

KEYS: dict[str, tuple[str, ...]] = {
    "studies": ("studyKey",),
    "sites": ("siteId",),
    "forms": ("formId",),
    "intervals": ("intervalId",),
    "variables": ("variableId",),
    "subjects": ("subjectId",),
    "visits": ("visitId",),
    "records": ("recordId",),
    "recordRevisions": ("recordRevisionId",),
    "queries": ("annotationId",),
    "codings": ("codingId", "revision"),
    "users": ("login", "userId"),
}
"""Path of a list -> what tells its rows apart and breaks ties of its sorting."""

DEFAULT_SORT = {name: key[0] for name, key in KEYS.items()} | {"variables": "formId", "codings": "formId"}
"""Path of a list -> what it is sorted by when a request does not say."""

KEYWORD = {
    "keywordName": "Data Entry Error",
    "keywordKey": "DEE",
    "keywordId": 15362,
    "dateAdded": "2025-09-14 12:00:41",
}


class Study:
    """The rows of one study. Records are made without their answers; `answers(place)` makes those, each alone.

    Lists can be changed while the server runs: remove a row from `study.rows("records")`, or append one.
    """

    def __init__(self, key: str, study_id: int, *, seed: int, sites: list[tuple[Row, int]], twin: bool = False) -> None:
        self.key = key
        self.study_id = study_id
        self.design: Design = load()
        self._twin = twin
        self._dice = Dice(seed)
        self._answers = Answers(self.design, self._dice)
        self._sites = sites
        self._rows: dict[str, list[Row]] = {}
        self._made: dict[int, plan.Entry] = {}
        self._own_answers: dict[int, Row | None] = {}

    # ---- the lists

    def rows(self, name: str) -> list[Row]:
        """The rows of a list, in the order of its key; records without `recordData`."""
        if name not in self._rows:
            makers: dict[str, Callable[[], list[Row]]] = {
                "sites": self._site_rows,
                "forms": lambda: self.design.form_rows(self.key),
                "intervals": lambda: self.design.interval_rows(self.key),
                "variables": lambda: self.design.variable_rows(self.key),
                "subjects": self._subject_rows,
                "visits": self._visit_rows,
                "records": self._record_rows,
                "recordRevisions": lambda: conduct.revisions(
                    self._dice, self.key, self.rows("records"), self._revision_counts, self._logins
                ),
                "queries": lambda: conduct.queries(
                    self.design, self._dice, self.key, self.rows("records"), self.design.forms, self._logins
                ),
                "codings": lambda: conduct.codings(
                    self._dice, self.key, self.rows("records"), self._answers_at, self.design.forms, self._by_number
                ),
                "users": lambda: conduct.users(self.design, self._dice, self.study_id, 5 if self._twin else 23),
            }
            self._rows[name] = makers[name]()
        return self._rows[name]

    def answers(self, record: Row, *, unblinded: bool = True) -> Row | None:
        """`recordData` of a record; a blinded key does not get blinded answers."""
        number = record["recordId"]
        if number in self._own_answers:
            return self._own_answers[number]
        data = self._answers.of(self._made[number], record["dateCreated"], record["dateModified"])
        if not unblinded:
            for name in self.design.data["blindedVariables"]:
                data.pop(name, None)
        return data

    def whole_record(self, record: Row, *, unblinded: bool = True) -> Row:
        """A record as the API gives it."""
        return {**record, "recordData": self.answers(record, unblinded=unblinded)}

    def set_answers(self, record_id: int, answers: Row | None) -> None:
        """Replace the answers of a record, or give those of a record that was appended."""
        self._own_answers[record_id] = answers

    # ---- how they are made

    @cached_property
    def _subjects(self) -> list[plan.Subject]:
        subjects = plan.enrol(self.design, self._dice, self._sites)
        if self._twin:
            keys = self.design.data["twin"]["subjectKeys"]
            subjects = [subject for subject in subjects if subject.number in self.design.data["twin"]["copyDesignOf"]]
            for subject, key in zip(subjects, keys, strict=True):
                subject.key, subject.site = key, self._sites[0][0]
        return subjects

    @cached_property
    def _by_number(self) -> dict[int, plan.Subject]:
        return {subject.number: subject for subject in self._subjects}

    @cached_property
    def _visits(self) -> list[plan.Visit]:
        return plan.visits_of(self.design, self._dice, self._subjects)

    @cached_property
    def _site_list(self) -> list[Row]:
        return [site for site, _ in (self._sites[:1] if self._twin else self._sites)]

    @cached_property
    def _entries(self) -> list[plan.Entry]:
        return plan.entries_of(self.design, self._dice, self._site_list, self._subjects, self._visits)

    @cached_property
    def _revision_counts(self) -> list[int]:
        return [conduct.revision_count(self.design, self._dice, entry) for entry in self._entries]

    @cached_property
    def _logins(self) -> list[str]:
        return [user["login"] for user in self.rows("users")]

    def _answers_at(self, place: int) -> Row:
        return self.answers(self.rows("records")[place]) or {}

    def _site_rows(self) -> list[Row]:
        rows = []
        for place, site in enumerate(self._site_list):
            made = {"dateCreated": f"2023-12-{4 + place % 20:02} 16:00:12", "dateModified": "2025-08-19 07:31:55"}
            fields = ("siteId", "siteName", "siteEnrollmentStatus")
            rows.append({"studyKey": self.key, **{field: site[field] for field in fields}, **made})
        return rows

    def _oid(self, kind: str, number: int) -> str | None:
        u = self._dice.below(20, kind, number)
        return f"{kind}-{number}" if u == 0 else "" if u == 1 else None

    def _subject_oid(self, subject: plan.Subject) -> str | None:
        planted = {20001: "OID-20001", 20002: None, 20003: ""}
        return planted[subject.number] if subject.number in planted else self._oid("OID", subject.number)

    def _subject_rows(self) -> list[Row]:
        rows = []
        for subject in sorted(self._subjects, key=lambda one: one.number):
            number = subject.number
            made = written(subject.registered + timedelta(hours=9, minutes=number % 60))
            enrolled = subject.done.get("Baseline")
            start: str | None = written(enrolled + timedelta(hours=14)) if enrolled else None
            rows.append(
                {
                    "studyKey": self.key,
                    "subjectId": number,
                    "subjectOid": self._subject_oid(subject),
                    "subjectKey": subject.key,
                    "subjectStatus": subject.status,
                    "siteId": subject.site["siteId"],
                    "siteName": subject.site["siteName"],
                    "deleted": number == 20003,
                    "enrollmentStartDate": "" if number == 20003 else start,
                    "dateCreated": made,
                    "dateModified": max(made, start or made),
                    "keywords": None if number == 20003 else [KEYWORD] if number % 10 == 1 else [],
                }
            )
        return rows

    def _visit_rows(self) -> list[Row]:
        rows = []
        for visit in self._visits:
            interval, subject = visit.interval, visit.subject
            due, first, last = subject.due.get(interval["intervalName"], (None, None, None))
            timeline = interval["timeline"]
            made = written(subject.registered + timedelta(hours=10))
            none = None if self._dice.chance(0.7, "visitDate", visit.number) else ""
            rows.append(
                {
                    "visitId": visit.number,
                    "studyKey": self.key,
                    "intervalId": interval["intervalId"],
                    "intervalName": interval["intervalName"],
                    "subjectId": subject.number,
                    "subjectKey": subject.key,
                    "startDate": first.date().isoformat() if first and timeline != "None" else None,
                    "endDate": last.date().isoformat() if last and timeline != "None" else None,
                    "dueDate": due.date().isoformat() if due and timeline in ("Due Date", "Actual Date") else None,
                    "visitDate": visit.day.date().isoformat() if visit.day else none,
                    "visitDateForm": interval["actualDateForm"],
                    "visitDateQuestion": interval["actualDate"],
                    "deleted": subject.number == 20003,
                    "dateCreated": made,
                    "dateModified": made,
                }
            )
        return rows

    def _record_rows(self) -> list[Row]:
        rows = []
        for entry, count in zip(self._entries, self._revision_counts, strict=True):
            number, subject, visit = entry.number, entry.subject, entry.visit
            self._made[number] = entry
            made = entry.day + timedelta(hours=7, minutes=number % 240)
            changed = min(made + timedelta(hours=26 * (count - 1)), plan.NOW)
            made = min(made, changed)
            status = "Record Complete" if count > 1 or entry.form["eproForm"] else "Record Incomplete"
            clean = subject is not None and subject.number == 20004
            deleted = entry.retired or (not clean and self._dice.chance(self.design.rate("D10"), "deleted", number))
            if subject is not None and subject.number == 20003:
                deleted = True
            rows.append(
                {
                    "studyKey": self.key,
                    "intervalId": visit.interval["intervalId"] if visit else None,
                    "formId": entry.form["formId"],
                    "formKey": entry.form["formKey"],
                    "siteId": entry.site["siteId"],
                    "recordId": number,
                    "recordOid": self._oid("REC", number),
                    "recordType": "SITE" if subject is None else "SUBJECT",
                    "recordStatus": "Record Deleted" if deleted else status,
                    "deleted": deleted,
                    "dateCreated": written(made),
                    "dateModified": written(changed),
                    "subjectId": subject.number if subject else None,
                    "subjectOid": self._subject_oid(subject) if subject else None,
                    "subjectKey": subject.key if subject else None,
                    "visitId": visit.number if visit else None,
                    "parentRecordId": entry.parent.number if entry.parent else None,
                    "keywords": self._keywords(number),
                }
            )
        return rows

    def _keywords(self, number: int) -> list[Row] | None:
        u = self._dice.below(50, "keywords", number)
        return None if u < 10 else [KEYWORD] if u < 15 else []


def build(seed: int, *, times: int = 1) -> dict[str, Study]:
    """The study and its twin. `times` multiplies the subjects of every site, for load."""
    design = load()
    sites = [(site, site["demoSubjects"] * times) for site in design.data["sites"]]
    twin_sites = [(site, site["demoSubjects"]) for site in design.data["sites"]]
    return {
        STUDY: Study(STUDY, 4101, seed=seed, sites=sites),
        TWIN: Study(TWIN, 4102, seed=seed + 1, sites=twin_sites, twin=True),
    }


def study_rows(studies: dict[str, Study]) -> list[Row]:
    """The list of studies."""
    name = "TideWater Renal Denervation Pivotal Study"
    return [
        {
            "sponsorKey": "210",
            "studyKey": study.key,
            "studyId": study.study_id,
            "studyName": f"{name} (DEV)" if key == TWIN else name,
            "studyDescription": None if key == TWIN else "Fictional sandbox study",
            "studyType": "STUDY",
            "dateCreated": DESIGN_MADE,
            "dateModified": DESIGN_CHANGED,
        }
        for key, study in sorted(studies.items())
    ]
