"""`Study`: an invented study with all its lists, each made when it is first asked for.

Subjects and visits are computed here; records, queries, codings, users and revisions in the modules beside this one;
what happens to whom is planned in `invent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from ..invent.defects import DefectMaker
from ..invent.design import DESIGN_CHANGED, DESIGN_MADE, STUDY, TWIN, Design, Row
from ..invent.people import EXITED, NOW, Subject
from ..invent.plan import DAY_ZERO, Plan, Visit
from ..invent.record_life import CLOCK_SECONDS, Lives, iso, written
from ..invent.scripted_subjects import DAY_UNDER_LIVE_RECORD
from ..invent.seeded import Dice
from ..invent.sites import sites_of
from ..invent.sizes import Scale, design_of
from .described_lists import DESCRIBED
from .queries_codings import CODING_FIELDS, QUERY_FIELDS, CodingSource, QuerySource
from .records import KEYWORD, Records, RecordSource
from .tables import FixedRows, Source, Table, number_with_gaps
from .users_revisions import REVISION_FIELDS, RevisionMaker, RevisionSource, Staff, users

DAY = 86400


class Study:
    """One study: its lists, which can be changed, and the parts they are made from.

    `study.table("records")` is one list.

    >>> from imednet.sandbox import build
    >>> study = build()["TIDEWATER-201"]
    >>> len(study.table("sites"))
    6
    """

    def __init__(self, key: str, study_id: int, scale: Scale, seed: int) -> None:
        self.key = key
        self.study_id = study_id
        self.scale = scale
        self.seed = seed
        self.salt = seed & 0xFFFF
        self.design: Design = design_of(scale)
        self.dice = Dice(seed)
        self.revised: dict[int, tuple[int, int]] = {}
        """`recordId` -> last revision and data revision, for records changed since the study was made."""
        self._tables: dict[str, Table] = {}
        self._entries: dict[tuple[int, str], int] = {}

    # ---- parts, made when first needed

    @cached_property
    def plan(self) -> Plan:
        """The plan of records and visits."""
        scale = self.scale
        sites = sites_of(self.design, self.dice, scale.sites, scale.subjects) if scale.subjects else []
        return Plan(self.design, self.dice, sites, burst=scale.burst, limit=scale.records, only=scale.only)

    @cached_property
    def lives(self) -> Lives:
        """Makes the times, statuses and revision counts of records."""
        return Lives(self.design, self.dice, self.plan)

    @cached_property
    def defect_maker(self) -> DefectMaker:
        """Makes the answers of records, with their defects."""
        return DefectMaker(self.design, self.dice, self.plan, self.lives)

    @cached_property
    def revision_maker(self) -> RevisionMaker:
        """Makes the revisions of records."""
        return RevisionMaker(self)

    @cached_property
    def record_source(self) -> RecordSource:
        """Computes records as generated."""
        return RecordSource(self)

    @cached_property
    def staff(self) -> Staff:
        """Picks the logins that sign revisions and comments."""
        return Staff(list(self.table("users").rows()))

    # ---- the lists

    def table(self, name: str) -> Table:
        """A list by the last part of its path, such as `records`."""
        if name not in self._tables:
            self._tables[name] = self._make(name)
        return self._tables[name]

    @property
    def records(self) -> Records:
        """The list of records, whose rows have answers too."""
        table = self.table("records")
        if not isinstance(table, Records):
            raise TypeError("the list `records` is not a table of records")
        return table

    def rows(self, name: str, *, unblinded: bool = True) -> list[Row]:
        """All rows of a list, with or without blinded answers."""
        if name == "records":
            return list(self.records.rows(unblinded=unblinded))
        return list(self.table(name).rows())

    @property
    def version(self) -> int:
        """A number that grows with every change of any list."""
        return sum(table.version for table in self._tables.values())

    def _make(self, name: str) -> Table:
        if name == "records":
            return Records(self.record_source, frozenset(self.design.data["blindedVariables"]))
        makers: dict[str, tuple[Callable[[], Source], Iterable[str]]] = {
            "recordRevisions": (lambda: RevisionSource(self), REVISION_FIELDS),
            "queries": (lambda: QuerySource(self), QUERY_FIELDS),
            "codings": (lambda: CodingSource(self), CODING_FIELDS),
            "subjects": (lambda: SubjectSource(self), SUBJECT_FIELDS),
            "visits": (lambda: VisitSource(self), VISIT_FIELDS),
        }
        if name in makers:
            make, fields = makers[name]
            return Table(name, make(), tuple(fields))
        if name in DESCRIBED:
            facts = DESCRIBED[name]
            rows = [{**row, "studyKey": self.key} if "studyKey" in row else row for row in facts["rows"]]
            return Table(name, FixedRows(rows), facts["fields"])
        rows = {
            "sites": self._site_rows,
            "forms": lambda: self.design.form_rows(self.key),
            "intervals": lambda: self.design.interval_rows(self.key),
            "variables": lambda: self.design.variable_rows(self.key),
            "users": self._user_rows,
        }[name]()
        return Table(name, FixedRows(rows), FIELDS[name])

    def _user_rows(self) -> list[Row]:
        return users(self.design, self.dice, self.study_id, self.scale.users)

    def _site_rows(self) -> list[Row]:
        rows = []
        for index, site in enumerate(self.plan.sites):
            times = {"dateCreated": f"2023-12-{4 + index % 20:02} 16:00:12", "dateModified": "2025-08-19 07:31:55"}
            rows.append({"studyKey": self.key, **site, **times})
        return rows

    # ---- helpers that several lists need

    def next_entry(self, subject: Row, form_key: str) -> str:
        """The number of a subject's next entry in a log form, as text."""
        key = (subject["subjectId"], form_key)
        if key not in self._entries:
            subjects = self.plan.subjects
            index = next((index for index, planned in enumerate(subjects) if planned.number == key[0]), None)
            ranks = self.plan.ranks_of(index) if index is not None else range(0)
            self._entries[key] = bytes(self.plan.form[ranks.start : ranks.stop]).count(self.design.form_index[form_key])
        self._entries[key] += 1
        return str(self._entries[key])

    def last_revision(self, record: int, place: int) -> tuple[int, int]:
        """The last revision and the last data revision of a record."""
        if record in self.revised:
            return self.revised[record]
        rank = self.record_source.shuffle.rank(place)
        life = self.lives.of(rank)
        row = self.revision_maker.revision(life, self.record_source.header(rank, place, life), life.revisions)
        return life.revisions, row["dataRevision"]

    def visit_number(self, rank: int) -> int:
        """`visitId` of a planned visit."""
        return number_with_gaps(100001, rank, self.salt)

    def subject_oid(self, subject: Subject) -> str | None:
        """`subjectOid`, the sponsor's own id of a subject: None for most, empty for some."""
        scripted = {20001: "OID-20001", 20002: None, 20003: ""}
        if subject.number in scripted:
            return scripted[subject.number]
        share = self.dice.below(20, "OID", subject.number)
        return f"OID-{subject.number}" if share == 0 else "" if share == 1 else None


FIELDS: dict[str, tuple[str, ...]] = {
    "studies": (
        "sponsorKey", "studyKey", "studyId", "studyName", "studyDescription", "studyType", "dateCreated",
        "dateModified",
    ),
    "sites": ("studyKey", "siteId", "siteName", "siteEnrollmentStatus", "dateCreated", "dateModified"),
    "forms": (
        "studyKey", "formId", "formKey", "formName", "formType", "revision", "embeddedLog", "enforceOwnership",
        "userAgreement", "subjectRecordReport", "unscheduledVisit", "otherForms", "eproForm", "allowCopy", "disabled",
        "dateCreated", "dateModified",
    ),
    "intervals": (
        "studyKey", "intervalId", "intervalName", "intervalDescription", "intervalSequence", "intervalGroupId",
        "intervalGroupName", "timeline", "definedUsingInterval", "windowCalculationForm", "windowCalculationDate",
        "actualDateForm", "actualDate", "dueDateWillBeIn", "negativeSlack", "positiveSlack", "eproGracePeriod",
        "disabled", "forms", "dateCreated", "dateModified",
    ),
    "variables": (
        "studyKey", "variableId", "variableType", "variableName", "sequence", "revision", "disabled", "dateCreated",
        "dateModified", "formId", "variableOid", "deleted", "formKey", "formName", "label", "blinded",
    ),
    "users": ("userId", "login", "firstName", "lastName", "email", "userActiveInStudy", "roles"),
}  # fmt: skip
SUBJECT_FIELDS = (
    "studyKey", "subjectId", "subjectOid", "subjectKey", "subjectStatus", "siteId", "siteName", "deleted",
    "enrollmentStartDate", "dateCreated", "dateModified", "keywords",
)  # fmt: skip
VISIT_FIELDS = (
    "visitId", "studyKey", "intervalId", "intervalName", "subjectId", "subjectKey", "startDate", "endDate", "dueDate",
    "visitDate", "visitDateForm", "visitDateQuestion", "deleted", "dateCreated", "dateModified",
)  # fmt: skip


class SubjectSource:
    """Computes subjects, in the order of `subjectId`."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._subjects = sorted(study.plan.subjects, key=lambda subject: subject.number)

    def __len__(self) -> int:
        return len(self._subjects)

    def values(self, field: str) -> Iterable[Any]:
        return (self.row(place)[field] for place in range(len(self)))

    def row(self, place: int) -> Row:
        subject, study = self._subjects[place], self._study
        number = subject.number
        site = study.plan.sites[subject.site]
        created = (subject.registered - DAY_ZERO) * DAY + 9 * 3600 + number % 3600
        baseline = subject.days[1]
        start = (baseline - DAY_ZERO) * DAY + 14 * 3600 if baseline is not None else None
        share = study.dice.below(1000, "keywords", number)
        keywords: list[Row] | None = None if share < 200 else [dict(KEYWORD)] if share < 280 or number == 20001 else []
        if number in (20002, 20004):
            keywords = []
        exited = (subject.exit - DAY_ZERO) * DAY + 15 * 3600 if subject.exit is not None else 0
        return {
            "studyKey": study.key,
            "subjectId": number,
            "subjectOid": study.subject_oid(subject),
            "subjectKey": subject.key,
            "subjectStatus": subject.status,
            "siteId": site["siteId"],
            "siteName": site["siteName"],
            "deleted": subject.deleted,
            "enrollmentStartDate": "" if number == 20003 else written(start) if start else None,
            "dateCreated": written(created),
            "dateModified": written(min(CLOCK_SECONDS - 1, max(created, start or 0, exited))),
            "keywords": None if number == 20003 else keywords,
        }


class VisitSource:
    """Computes visits subject by subject, planned ones first."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._plan = study.plan

    def __len__(self) -> int:
        return self._plan.first_visit[-1]

    def values(self, field: str) -> Iterable[Any]:
        if field == "visitId":
            return (self._study.visit_number(rank) for rank in range(len(self)))
        return (self.row(place)[field] for place in range(len(self)))

    def row(self, place: int) -> Row:
        study = self._study
        owner, local = self._plan.owner_of_visit(place)
        subject = self._plan.subjects[owner]
        visit = self._plan.visits_at(owner)[local]
        interval = study.design.intervals[visit.interval]
        window_start = window_end = due = None
        if visit.due is not None and interval["timeline"] != "None":
            window_start = iso(visit.due - (interval["negativeSlack"] or 0))
            window_end = iso(visit.due + (interval["positiveSlack"] or 0))
            due = iso(visit.due) if interval["timeline"] in ("Due Date", "Actual Date") else None
        u = study.dice.bits("visit", subject.number, local)
        created = self._created(subject, visit)
        visited = (visit.day - DAY_ZERO) * DAY + 12 * 3600 + u % 18000 if visit.day is not None else created
        return {
            "visitId": study.visit_number(place),
            "studyKey": study.key,
            "intervalId": interval["intervalId"],
            "intervalName": interval["intervalName"],
            "subjectId": subject.number,
            "subjectKey": subject.key,
            "startDate": window_start,
            "endDate": window_end,
            "dueDate": due,
            "visitDate": iso(visit.day) if visit.day is not None else None if u % 10 < 7 else "",
            "visitDateForm": interval["actualDateForm"],
            "visitDateQuestion": interval["actualDate"],
            "deleted": self.deleted(subject, visit, u),
            "dateCreated": written(created),
            "dateModified": written(min(CLOCK_SECONDS - 1, max(created, visited))),
        }

    @staticmethod
    def _created(subject: Subject, visit: Visit) -> int:
        """The time a visit was listed, in seconds.

        Screening and Baseline are listed at registration, later planned visits and diary days with the
        procedure, unscheduled visits on their day.
        """
        day = subject.registered
        if visit.interval >= 2 and visit.due is not None:
            day = subject.days[2] or day
        elif visit.due is None:
            day = visit.day or day
        return (day - DAY_ZERO) * DAY + 10 * 3600

    def deleted(self, subject: Subject, visit: Visit, u: int) -> bool:
        """Whether a visit is deleted: those after leaving for 60 % of the subjects, and a few with records (D13)."""
        if subject.gone == "D11" or (subject.number, visit.interval) == DAY_UNDER_LIVE_RECORD:
            return True
        if subject.scripted:
            return False
        if visit.day is not None:
            return self.orphaning(u)
        leaves = subject.status in EXITED and visit.due is not None and visit.due > (subject.exit or NOW)
        return leaves and self._study.dice.chance(0.6, "visits", subject.number)

    def orphaning(self, u: int) -> bool:
        """Whether a visit that took place is deleted although its records are not (D13)."""
        return (u >> 20 & 0xFFFFFF) / (1 << 24) < self._study.design.rate("D13") * 1.17


def build(scale: Scale | None = None, seed: int = 2024, *, many: bool = False) -> dict[str, Study]:
    """Build the study and its twin; with `many` also 120 empty studies."""
    scale = scale or Scale()
    studies = {
        STUDY: Study(STUDY, 4101, scale, seed),
        TWIN: Study(TWIN, 4102, Scale(only=("301-901", "301-902", "301-903", "301-904"), users=5), seed + 1),
    }
    return {**studies, **empty_studies(seed)} if many else studies


def empty_studies(seed: int) -> dict[str, Study]:
    """120 studies that have a design and nothing else."""
    keys = [f"TIDEWATER-{301 + index}" for index in range(120)]
    empty = Scale(sites=0, subjects=0, users=0)
    return {key: Study(key, 4201 + index, empty, seed + 2 + index) for index, key in enumerate(keys)}


def study_rows(studies: dict[str, Study]) -> list[Row]:
    """The rows of the list of studies."""
    name = "TideWater Renal Denervation Pivotal Study"
    named = {STUDY: (name, "Fictional sandbox study"), TWIN: (f"{name} (DEV)", None)}
    return [
        {
            "sponsorKey": "210",
            "studyKey": study.key,
            "studyId": study.study_id,
            "studyName": named.get(key, (f"TideWater Study {key[-3:]}", None))[0],
            "studyDescription": named.get(key, (None, None))[1],
            "studyType": "STUDY",
            "dateCreated": DESIGN_MADE,
            "dateModified": DESIGN_CHANGED,
        }
        for key, study in sorted(studies.items())
    ]
