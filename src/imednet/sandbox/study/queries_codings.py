"""Queries on records and subjects, and the codings of reported terms."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from ..invent.defects import Note
from ..invent.design import Row
from ..invent.people import Subject
from ..invent.record_life import CLOCK_SECONDS, Life, written
from ..invent.seeded import bell, growth
from ..invent.sites import CLOSED
from ..invent.words import PREFERRED_DRUGS, PREFERRED_TERMS, WORDS
from .tables import copy_row, number_with_gaps
from .users_revisions import CODER, COORDINATOR, MANAGER, MONITOR, StaffedStudy

QUERY_FIELDS = (
    "studyKey", "subjectId", "subjectOid", "annotationType", "annotationId", "type", "description", "recordId",
    "variable", "subjectKey", "dateCreated", "dateModified", "queryComments",
)  # fmt: skip
CODING_FIELDS = (
    "studyKey", "siteName", "siteId", "subjectId", "subjectKey", "formId", "formName", "formKey", "revision",
    "recordId", "variable", "value", "codingId", "code", "codedBy", "reason", "dictionaryName", "dictionaryVersion",
    "dateCoded",
)  # fmt: skip
QUERY_TYPES = ((0.45, "Auto Query"), (0.80, "Monitor Query"), (0.97, "Data Management Query"), (1.0, "Coding Query"))
"""Limit of a draw from 0 to 1, and the type of query below it."""
RAISED_BY = {
    "Auto Query": "",
    "Monitor Query": MONITOR,
    "Data Management Query": MANAGER,
    "Coding Query": CODER,
}
CODED = {
    "AE": ("AETERM", 0.93, "MedDRA", ("26.1", "27.0")),
    "MH": ("MHTERM", 0.90, "MedDRA", ("26.1", "27.0")),
    "CM": ("CMTRT", 0.95, "WHODrug", ("2023-09", "2024-03")),
}
"""Form -> the variable that is coded, the share of its terms that get a code, dictionary, its versions."""
HOUR = 3600


def _life_cycle(life_cycles: list[Row], u: float) -> Row:
    for life_cycle in life_cycles:
        u -= life_cycle["share"]
        if u < 0:
            return life_cycle
    return life_cycles[0]


class QuerySource:
    """Computes queries: drawn ones on 6.5 % of the records, twice that for `AE` and `LAB`, and the scripted ones."""

    def __init__(self, study: StaffedStudy) -> None:
        self._study = study
        scripted = [(row["dateCreated"], -1 - index) for index, row in enumerate(scripted_queries(study))]
        self._scripted = scripted_queries(study)
        drawn = [(written(self._opened(rank)), rank) for rank in study.record_source.columns.queried]
        self._order = array("l", (rank for _, rank in sorted(scripted + drawn)))

    def __len__(self) -> int:
        return len(self._order)

    def values(self, field: str) -> Iterable[Any]:
        if field == "annotationId":
            return (number_with_gaps(800001, place, self._study.salt) for place in range(len(self)))
        return (self.row(place)[field] for place in range(len(self)))

    def row(self, place: int) -> Row:
        rank = self._order[place]
        row = copy_row(self._scripted[-1 - rank]) if rank < 0 else self._drawn(rank)
        row["annotationId"] = number_with_gaps(800001, place, self._study.salt)
        return {name: row[name] for name in QUERY_FIELDS}

    def _facts(self, rank: int) -> tuple[Life, Subject, tuple[int, ...], Row]:
        study = self._study
        life = study.lives.of(rank)
        subject = study.plan.subject_of(study.plan.owner(rank)[0])
        if subject is None:
            raise LookupError("records of sites have no queries")
        words = study.dice.words(f"query {study.lives.key(rank)}")
        life_cycle = _life_cycle(study.design.data["queryLifecycles"], words[0] / (1 << 64))
        return life, subject, words, life_cycle

    def _opened(self, rank: int) -> int:
        """The time a query was opened, in seconds.

        Open queries have a median age of nine days, twice that at closed sites; closed ones began soon after
        data entry.
        """
        life, subject, words, life_cycle = self._facts(rank)
        if life_cycle["closed"] or not life_cycle["chain"]:
            return min(life.created + HOUR + words[1] % (20 * 24 * HOUR), CLOCK_SECONDS - 40 * HOUR)
        closed = self._study.plan.sites[subject.site]["siteEnrollmentStatus"] == CLOSED
        days = 9 * (2 if closed else 1) * growth(1.35 * bell(words[1]))
        return max(life.created + 60, min(CLOCK_SECONDS - HOUR, CLOCK_SECONDS - int(days * 24 * HOUR)))

    def _drawn(self, rank: int) -> Row:
        study = self._study
        life, subject, words, life_cycle = self._facts(rank)
        opened = self._opened(rank)
        prefix = next(name for limit, name in QUERY_TYPES if words[2] / (1 << 64) < limit)
        share = words[3] % 100
        target = "question" if share < 78 else "record" if share < 92 else "subject"
        steps = max(1, len(life_cycle["chain"]) - 1)
        gap = min(1 + words[4] % (3 * 24 * HOUR), max(1, (CLOCK_SECONDS - 1 - opened) // steps))
        comments = [
            comment(study, number, f"{prefix} {word}", opened + gap * (number - 1), words[number & 7] >> 3, subject)
            for number, word in enumerate(life_cycle["chain"], 1)
        ]
        if len(comments) > 1 and self.disordered(words):
            comments.reverse()
        empty = None if words[5] % 10 < 7 else ""
        return {
            "studyKey": study.key,
            "subjectId": subject.number,
            "subjectOid": study.subject_oid(subject),
            "annotationType": target,
            "type": target if words[6] % 20 == 0 else None,
            "description": prefix,
            "recordId": None if target == "subject" else study.record_source.number(rank),
            "variable": self._variable(rank, life, words) if target == "question" else empty,
            "subjectKey": subject.key,
            "dateCreated": written(opened),
            "dateModified": max((step["date"] for step in comments), default=written(opened)),
            "queryComments": comments,
        }

    def disordered(self, words: tuple[int, ...]) -> bool:
        """Whether the comments of a query are out of order (D39)."""
        return words[7] / (1 << 64) < self._study.design.rate("D39") / 0.855

    def _variable(self, rank: int, life: Life, words: tuple[int, ...]) -> str:
        """The variable a query asks about; in 70 % of the draws one with a defect, if the record has any."""
        study = self._study
        fields = study.design.data["forms"][study.plan.form[rank]]["variables"]
        if words[1] % 100 < 70:
            notes: list[Note] = []
            study.defect_maker.data(rank, life, notes)
            faulty = [name for _, name, _ in notes if name]
            if faulty:
                return faulty[words[2] % len(faulty)]
        name: str = fields[words[2] % len(fields)]["variableName"]
        return name


def comment(study: StaffedStudy, number: int, status: str, moment: int, u: int, subject: Subject | None = None) -> Row:
    """One comment of a query; `number` counts from 1."""
    prefix, _, word = status.rpartition(" ")
    role = COORDINATOR if word == "Responded" else RAISED_BY.get(prefix, MONITOR)
    return {
        "sequence": number,
        "annotationStatus": status,
        "user": study.staff.login(role, u, subject) if role else "system",
        "comment": " ".join(WORDS[u >> 5 * part & 31] for part in range(5)),
        "closed": word == "Closed",
        "date": written(moment),
    }


def scripted_queries(study: StaffedStudy) -> list[Row]:
    """Queries of scripted subjects: two for 20001, one without comments for 20003, one per life cycle for 20012."""
    queries: list[Row] = []
    subjects = {subject.number: index for index, subject in enumerate(study.plan.subjects[:16])}

    def rank_of(number: int, form: str) -> int | None:
        plan, index = study.plan, study.design.form_index[form]
        return next((rank for rank in plan.ranks_of(subjects[number]) if plan.form[rank] == index), None)

    def add_query(
        number: int, target: str, prefix: str, words: list[str], day: int, *,
        form: str = "", variable: str | None = None, twist: str = "",
    ) -> None:  # fmt: skip
        rank = rank_of(number, form) if form and number in subjects else None
        if number not in subjects or (form and rank is None):
            return  # the study is too small to have this subject or record
        subject = study.plan.subjects[subjects[number]]
        opened = CLOCK_SECONDS - day * 24 * HOUR
        comments = [
            comment(study, step, f"{prefix} {word}", opened + 5 * HOUR * (step - 1), 17 * number + step, subject)
            for step, word in enumerate(words, 1)
        ]
        if twist == "no text":
            comments[0]["comment"] = None
        comments = comments[::-1] if twist == "out of order" else comments
        queries.append(
            {
                "studyKey": study.key, "subjectId": subject.number, "subjectOid": study.subject_oid(subject),
                "annotationType": target, "type": "record" if target == "record" else None, "description": prefix,
                "recordId": None if rank is None else study.record_source.number(rank),
                "variable": variable, "subjectKey": subject.key, "dateCreated": written(opened),
                "dateModified": max((step["date"] for step in comments), default=written(opened)),
                "queryComments": comments,
            }
        )  # fmt: skip

    add_query(20001, "question", "Monitor Query", ["Open", "Responded", "Closed"], 803, form="AE", variable="AEENDAT")
    add_query(20001, "subject", "Auto Query", ["Open"], 791)
    add_query(20003, "record", "Data Management Query", [], 852, form="REG", variable="")
    for nth, life_cycle in enumerate(study.design.data["queryLifecycles"]):
        add_query(20012, "question", "Monitor Query", life_cycle["chain"], 60 - nth, form="VS", variable="SYSBP1")
    add_query(20012, "question", "Monitor Query", ["Open", "Responded"] * 20, 50, form="LAB", variable="LBK")
    add_query(20012, "question", "Auto Query", ["Open"], 40, form="VS", variable="DIABP1")
    add_query(20012, "question", "Monitor Query", ["Open"], 39, form="VS", variable="DIABP1")
    add_query(20012, "record", "Monitor Query", ["Pending further review"], 38, form="DEMO")
    add_query(20012, "question", "Monitor Query", ["Open", "Responded", "Closed"], 37, form="ICF", variable="ICCOM",
        twist="out of order")  # fmt: skip
    add_query(20012, "question", "Data Management Query", ["Open"], 36, form="PD", variable="DVTERM", twist="no text")
    return queries


class CodingSource:
    """Computes codings; 8 % of the terms are coded twice, the second time with a reason (D42)."""

    def __init__(self, study: StaffedStudy) -> None:
        self._study = study
        self._forms = {study.design.form_index[key]: (key, *CODED[key]) for key in CODED}
        self._ranks = array("i")
        self._revisions = bytearray()
        self._numbers = array("i")
        coding = 0
        for rank, form in enumerate(study.plan.form):
            if form not in self._forms:
                continue
            revisions = self._revision_count(rank, self._forms[form][2])
            for revision in range(1, revisions + 1):
                self._ranks.append(rank)
                self._revisions.append(revision)
                self._numbers.append(coding)
            coding += revisions > 0

    def _subject(self, rank: int) -> Subject:
        plan = self._study.plan
        subject = plan.subject_of(plan.owner(rank)[0])
        if subject is None:
            raise LookupError("records of sites have nothing to code")
        return subject

    def _words(self, rank: int) -> tuple[int, ...]:
        return self._study.dice.words(f"coding {self._study.lives.key(rank)}")

    def _revision_count(self, rank: int, rate: float) -> int:
        subject = self._subject(rank)
        nth = self._study.plan.nth[rank]
        form = self._forms[self._study.plan.form[rank]][0]
        if subject.number == 20013:
            return {("AE", 1): 0, ("MH", 1): 3, ("MH", 3): 2}.get((form, nth), 1)
        words = self._words(rank)
        if words[0] / (1 << 64) >= rate and subject.number != 20001:
            return 0
        if {"D04", "D05"} & set(self._study.lives.of(rank).defects):
            return 0
        return (
            2 if words[1] / (1 << 64) < self._study.design.rate("D42") or (subject.number, form) == (20001, "AE") else 1
        )

    def __len__(self) -> int:
        return len(self._ranks)

    def values(self, field: str) -> Iterable[Any]:
        if field == "codingId":
            return (number_with_gaps(40001, number, self._study.salt) for number in self._numbers)
        if field == "revision":
            return iter(self._revisions)
        if field in ("formId", "formKey"):
            forms = self._study.design.data["forms"]
            return (forms[self._study.plan.form[rank]][field] for rank in self._ranks)
        if field == "recordId":
            return map(self._study.record_source.number, self._ranks)
        return (self.row(place)[field] for place in range(len(self)))

    def row(self, place: int) -> Row:
        study, rank, revision = self._study, self._ranks[place], self._revisions[place]
        subject, words = self._subject(rank), self._words(rank)
        key, variable, _, dictionary, versions = self._forms[study.plan.form[rank]]
        form = study.design.forms[key]
        site = study.plan.sites[subject.site]
        life = study.lives.of(rank)
        value = str((study.defect_maker.data(rank, life) or {}).get(variable) or "")
        code = (PREFERRED_DRUGS if key == "CM" else PREFERRED_TERMS).get(value)
        if revision == 2 and code:
            code = f"{code} NOS"
        if subject.number == 20013:
            code = _code_of_20013(key, study.plan.nth[rank], revision, code)
        newest = revision > 1 or self.upgraded(words)
        coded = min(CLOCK_SECONDS - 60, life.created + 26 * HOUR * (1 + words[2] % 9) + 400 * HOUR * (revision - 1))
        return {
            "studyKey": study.key,
            "siteName": site["siteName"],
            "siteId": site["siteId"],
            "subjectId": subject.number,
            "subjectKey": subject.key,
            "formId": form["formId"],
            "formName": form["formName"],
            "formKey": key,
            "revision": revision,
            "recordId": study.record_source.number(rank),
            "variable": variable,
            "value": value,
            "codingId": number_with_gaps(40001, self._numbers[place], study.salt),
            "code": code,
            "codedBy": "Pat Former" if words[3] % 50 == 0 else study.staff.coder,
            "reason": "Typo fix" if revision > 1 else None if words[4] & 1 else "",
            "dictionaryName": dictionary,
            "dictionaryVersion": versions[1 if newest else 0],
            "dateCoded": written(coded),
        }

    @staticmethod
    def upgraded(words: tuple[int, ...]) -> bool:
        """Whether a term was coded in the newer version of the dictionary from the start (D42)."""
        return words[5] / (1 << 64) < 0.0065


def _code_of_20013(form: str, nth: int, revision: int, code: str | None) -> str | None:
    """The codes of subject 20013: one term coded three times, a null code, one term with two codes in two records."""
    return {
        ("MH", 1, 1): "Head pain", ("MH", 1, 2): "Migraine", ("MH", 1, 3): "Migraine with aura", ("MH", 2, 1): None,
        ("AE", 2, 1): "Head pain", ("AE", 3, 1): "Head discomfort",
    }.get((form, nth, revision), code)  # fmt: skip
