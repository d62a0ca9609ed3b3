"""A whole invented study: every list of it, made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from ..invent.defects import Spoiler
from ..invent.design import DESIGN_CHANGED, DESIGN_MADE, STUDY, TWIN, Design, Row
from ..invent.people import EXITED, NOW, Subject
from ..invent.plan import DAY_ZERO, Plan, Visit
from ..invent.record_life import CLOCK_SECONDS, Lives, iso, written
from ..invent.scripted_subjects import DAY_UNDER_LIVE_RECORD
from ..invent.seeded import Dice
from ..invent.sites import sites_of
from ..invent.sizes import Scale, design_of
from .queries_codings import CODING_FIELDS, QUERY_FIELDS, CodingSource, QuerySource
from .records import KEYWORD, Records, RecordSource
from .tables import Fixed, Source, Table, numbered
from .users_revisions import REVISION_FIELDS, Conduct, RevisionSource, Staff, users

DAY = 86400


class Study:
    """The lists of one study and what was changed in them; `study.table("records")` is one list.

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
        """Record number -> its last revision and data revision, where the server changed it since the start."""
        self._tables: dict[str, Table] = {}
        self._entries: dict[tuple[int, str], int] = {}

    # ---- the machinery, made when it is first needed

    @cached_property
    def plan(self) -> Plan:
        """Which records and visits there are."""
        scale = self.scale
        sites = sites_of(self.design, self.dice, scale.sites, scale.subjects) if scale.subjects else []
        return Plan(self.design, self.dice, sites, burst=scale.burst, limit=scale.records, only=scale.only)

    @cached_property
    def lives(self) -> Lives:
        """When records were made and changed."""
        return Lives(self.design, self.dice, self.plan)

    @cached_property
    def spoiler(self) -> Spoiler:
        """Their answers."""
        return Spoiler(self.design, self.dice, self.plan, self.lives)

    @cached_property
    def conduct(self) -> Conduct:
        """Their revisions."""
        return Conduct(self)

    @cached_property
    def record_source(self) -> RecordSource:
        """Records as the generator makes them."""
        return RecordSource(self)

    @cached_property
    def staff(self) -> Staff:
        """Who signs."""
        return Staff(list(self.table("users").rows()))

    # ---- the lists

    def table(self, name: str) -> Table:
        """One list, by the last part of its path."""
        if name not in self._tables:
            self._tables[name] = self._make(name)
        return self._tables[name]

    @property
    def records(self) -> Records:
        """The list of records, which has answers too."""
        table = self.table("records")
        if not isinstance(table, Records):
            raise TypeError("the list of records is of another kind")
        return table

    def rows(self, name: str, *, unblinded: bool = True) -> list[Row]:
        """All rows of a list, as a caller with these rights gets them."""
        if name == "records":
            return list(self.records.rows(unblinded=unblinded))
        return list(self.table(name).rows())

    @property
    def version(self) -> int:
        """Grows with every change of any list."""
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
        rows = {
            "sites": self._site_rows,
            "forms": lambda: self.design.form_rows(self.key),
            "intervals": lambda: self.design.interval_rows(self.key),
            "variables": lambda: self.design.variable_rows(self.key),
            "users": self._user_rows,
        }[name]()
        return Table(name, Fixed(rows), FIELDS[name])

    def _user_rows(self) -> list[Row]:
        return users(self.design, self.dice, self.study_id, self.scale.users)

    def _site_rows(self) -> list[Row]:
        rows = []
        for place, site in enumerate(self.plan.sites):
            made = {"dateCreated": f"2023-12-{4 + place % 20:02} 16:00:12", "dateModified": "2025-08-19 07:31:55"}
            rows.append({"studyKey": self.key, **site, **made})
        return rows

    # ---- what several lists need

    def next_entry(self, subject: Row, form_key: str) -> str:
        """The number of the next log entry of a subject."""
        key = (subject["subjectId"], form_key)
        if key not in self._entries:
            place = next((at for at, one in enumerate(self.plan.subjects) if one.number == key[0]), None)
            ranks = self.plan.ranks_of(place) if place is not None else range(0)
            self._entries[key] = bytes(self.plan.form[ranks.start : ranks.stop]).count(self.design.place[form_key])
        self._entries[key] += 1
        return str(self._entries[key])

    def last_revision(self, record: int, place: int) -> tuple[int, int]:
        """The last revision of a record, and its data revision."""
        if record in self.revised:
            return self.revised[record]
        rank = self.record_source.shuffle.rank(place)
        life = self.lives.of(rank)
        row = self.conduct.revision(life, self.record_source.header(rank, place, life), life.revisions)
        return life.revisions, row["dataRevision"]

    def visit_number(self, rank: int) -> int:
        """`visitId` of a planned visit."""
        return numbered(100001, rank, self.salt)

    def subject_oid(self, subject: Subject) -> str | None:
        """The client's own id of a subject: null for most, empty for some."""
        planted = {20001: "OID-20001", 20002: None, 20003: ""}
        if subject.number in planted:
            return planted[subject.number]
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
    """Subjects in the order of `subjectId`."""

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
        made = (subject.registered - DAY_ZERO) * DAY + 9 * 3600 + number % 3600
        baseline = subject.days[1]
        start = (baseline - DAY_ZERO) * DAY + 14 * 3600 if baseline is not None else None
        share = study.dice.below(1000, "keywords", number)
        kept: list[Row] | None = None if share < 200 else [dict(KEYWORD)] if share < 280 or number == 20001 else []
        if number in (20002, 20004):
            kept = []
        left = (subject.exit - DAY_ZERO) * DAY + 15 * 3600 if subject.exit is not None else 0
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
            "dateCreated": written(made),
            "dateModified": written(min(CLOCK_SECONDS - 1, max(made, start or 0, left))),
            "keywords": None if number == 20003 else kept,
        }


class VisitSource:
    """Visits in the order of their subjects, planned ones first."""

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
        first = last = due = None
        if visit.due is not None and interval["timeline"] != "None":
            first = iso(visit.due - (interval["negativeSlack"] or 0))
            last = iso(visit.due + (interval["positiveSlack"] or 0))
            due = iso(visit.due) if interval["timeline"] in ("Due Date", "Actual Date") else None
        u = study.dice.bits("visit", subject.number, local)
        made = self._made(subject, visit)
        held = (visit.day - DAY_ZERO) * DAY + 12 * 3600 + u % 18000 if visit.day is not None else made
        return {
            "visitId": study.visit_number(place),
            "studyKey": study.key,
            "intervalId": interval["intervalId"],
            "intervalName": interval["intervalName"],
            "subjectId": subject.number,
            "subjectKey": subject.key,
            "startDate": first,
            "endDate": last,
            "dueDate": due,
            "visitDate": iso(visit.day) if visit.day is not None else None if u % 10 < 7 else "",
            "visitDateForm": interval["actualDateForm"],
            "visitDateQuestion": interval["actualDate"],
            "deleted": self.deleted(subject, visit, u),
            "dateCreated": written(made),
            "dateModified": written(min(CLOCK_SECONDS - 1, max(made, held))),
        }

    @staticmethod
    def _made(subject: Subject, visit: Visit) -> int:
        """Screening is listed at registration, Baseline soon after, all others when the procedure took place."""
        day = subject.registered
        if visit.interval >= 2 and visit.due is not None:
            day = subject.days[2] or day
        elif visit.due is None:
            day = visit.day or day
        return (day - DAY_ZERO) * DAY + 10 * 3600

    def deleted(self, subject: Subject, visit: Visit, u: int) -> bool:
        """Visits after leaving are deleted for 60 % of the subjects; a few are with a record on them (D13)."""
        if subject.gone == "D11" or (subject.number, visit.interval) == DAY_UNDER_LIVE_RECORD:
            return True
        if subject.scripted:
            return False
        if visit.day is not None:
            return self.orphaning(u)
        leaves = subject.status in EXITED and visit.due is not None and visit.due > (subject.exit or NOW)
        return leaves and self._study.dice.chance(0.6, "visits", subject.number)

    def orphaning(self, u: int) -> bool:
        """Whether a visit that took place is deleted under its records (D13)."""
        return (u >> 20 & 0xFFFFFF) / (1 << 24) < self._study.design.rate("D13") * 1.17


def build(scale: Scale | None = None, seed: int = 2024, *, many: bool = False) -> dict[str, Study]:
    """The study and its twin, and with `many` 120 empty ones more."""
    scale = scale or Scale()
    studies = {
        STUDY: Study(STUDY, 4101, scale, seed),
        TWIN: Study(TWIN, 4102, Scale(only=("301-901", "301-902", "301-903", "301-904"), users=5), seed + 1),
    }
    return {**studies, **empty_studies(seed)} if many else studies


def empty_studies(seed: int) -> dict[str, Study]:
    """120 studies with a design and nothing else."""
    keys = [f"TIDEWATER-{301 + place}" for place in range(120)]
    nothing = Scale(sites=0, subjects=0, users=0)
    return {key: Study(key, 4201 + place, nothing, seed + 2 + place) for place, key in enumerate(keys)}


def study_rows(studies: dict[str, Study]) -> list[Row]:
    """The list of studies."""
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
