"""What grows around records: users and revisions."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any, Protocol

from ..invent.design import Design, Row
from ..invent.people import Subject
from ..invent.record_life import DAY, Life, written
from ..invent.scripted_subjects import is_scripted
from ..invent.seeded import Dice
from ..invent.words import FIRST_NAMES, LAST_NAMES, REASONS, WORDS
from .records import RecordSource, StudyParts
from .tables import numbered

COORDINATOR, MONITOR, MANAGER, CODER = "Site Coordinator", "Monitor", "Data Manager", "Medical Coder"
GONE_LOGINS = ("pformer",)
"""Logins of people who left and are in no list of users."""


def users(design: Design, dice: Dice, study_id: int, count: int) -> list[Row]:
    """Users with their roles; 12 % are inactive in the study, 8 % have two roles, 1 % none."""
    rows = []
    inactive = set(dice.order(range(8, count), "inactive")[: round(count * 0.12)])
    for place in range(count):
        first = FIRST_NAMES[place % len(FIRST_NAMES)]
        last = LAST_NAMES[(place * 5 + place // 16) % len(LAST_NAMES)]
        login = f"{first[0]}{last}".lower().encode("ascii", "ignore").decode() + str(place + 1)
        if place == count - 1 and count > 8:
            first, last = FIRST_NAMES[2], LAST_NAMES[10]  # the same display name as the third user
        u = dice.below(100, "user", place, "roles")
        roles = [] if u == 0 and place > 7 else [_role(design, dice, study_id, place, 0)]
        if roles and u > 91:
            roles.append(_role(design, dice, study_id, place, 1))
        rows.append(
            {
                "userId": dice.uuid("user", place),
                "login": login,
                "firstName": first,
                "lastName": last,
                "email": f"{login}@example.org",
                "userActiveInStudy": place not in inactive,
                "roles": roles,
            }
        )
    return sorted(rows, key=lambda row: (row["login"], row["userId"]))


def _role(design: Design, dice: Dice, study_id: int, place: int, time: int) -> Row:
    role = design.data["roles"][(place + 3 * time) % len(design.data["roles"])]
    made = [2024, 1 + place % 12, 1 + place % 28, 9, place % 60]
    changed = [*made, 2, 625000000] if place % 3 else made
    return {
        "dateCreated": made if place % 5 else [*made, 30],
        "dateModified": None if dice.chance(0.02, "role", place, time) else changed,
        "roleId": dice.uuid("role", role["name"]),
        "communityId": study_id,
        "name": role["name"],
        "description": role["does"],
        "level": role["level"],
        "type": role["type"],
        "inactive": False,
    }


class Staff:
    """Who does what: logins by role, for revisions and comments."""

    def __init__(self, rows: list[Row]) -> None:
        self.active: dict[str, list[str]] = {}
        self._first: dict[str, str] = {}
        """The first eight people, one of each role: they are in studies of every size."""
        self.coder = "Chris Coder"
        """Display name of who codes terms."""
        for row in rows:
            for role in row["roles"][:1] if row["userActiveInStudy"] else []:
                self.active.setdefault(role["name"], []).append(row["login"])
                if int(row["login"].lstrip("abcdefghijklmnopqrstuvwxyz")) <= 8:
                    self._first[role["name"]] = row["login"]
                    if role["name"] == CODER:
                        self.coder = f"{row['firstName']} {row['lastName']}"
        self.everyone = [row["login"] for row in rows if row["userActiveInStudy"]]
        self.away = [row["login"] for row in rows if not row["userActiveInStudy"]] + list(GONE_LOGINS)

    def one(self, role: str, u: int, subject: Subject | int | None = None) -> str:
        """A login with this role; around a scripted subject the same one in every size."""
        number = subject.number if isinstance(subject, Subject) else subject
        if is_scripted(number) and role in self._first:
            return self._first[role]
        logins = self.active.get(role) or self.everyone
        return logins[u % len(logins)]


class StaffedStudy(StudyParts, Protocol):
    """The parts of a `Study` that revisions, queries and codings are made from."""

    @property
    def record_source(self) -> RecordSource: ...
    @property
    def staff(self) -> Staff: ...
    @property
    def conduct(self) -> Conduct: ...


class Conduct:
    """The revisions of records and who signed each of them."""

    def __init__(self, study: StaffedStudy) -> None:
        self._study = study
        self._away = int(study.design.rate("D40") * 10000)

    def times(self, life: Life) -> list[int]:
        """When each revision was made; the last one when the record was changed last."""
        steps = life.revisions - 1
        if not steps:
            return [life.modified]
        return [life.created + (life.modified - life.created) * step // steps for step in range(life.revisions)]

    def revision(self, life: Life, header: Row, nth: int) -> Row:
        """Everything of a revision but its number; `nth` counts from 1."""
        last = nth == life.revisions
        deletion = last and life.deleted
        status = "Record Deleted" if deletion else life.chain[nth - 1]
        before = life.chain[nth - 2] if nth > 1 else None
        corrected = nth > 1 and not deletion and status == before
        data_revision = 1 + sum(
            life.chain[step] == life.chain[step - 1] for step in range(1, min(nth, len(life.chain)))
        )
        u = (life.words[nth & 7] >> 7) * (nth * 2 + 1) & 0xFFFFFFFFFFFF
        role = COORDINATOR
        if status == "Record Reviewed":
            role = MONITOR
        elif status == "Record Locked" or (corrected and u & 3 == 0):
            role = MANAGER
        staff = self._study.staff
        number = header["subjectId"]
        user, unknown = staff.one(role, u >> 8, number), u % 10000 < self._away
        if number == 20013 and nth == 1:
            unknown = True
        if unknown and number != 20004:
            user = GONE_LOGINS[0] if is_scripted(number) else staff.away[(u >> 16) % len(staff.away)]
        reason = None
        if deletion:
            reason = "Entered in error"
        elif corrected:
            reason = REASONS[u % len(REASONS)]
            if u % 100 < 3:
                reason = f"See source.\n{WORDS[u & 31].capitalize()} {WORDS[u >> 5 & 31]}"
        elif nth > 1 and u % 10 == 0:
            reason = ""
        return {
            "studyKey": header["studyKey"],
            "recordRevisionId": 0,
            "recordId": header["recordId"],
            "recordOid": header["recordOid"],
            "recordRevision": nth,
            "dataRevision": data_revision,
            "recordStatus": status,
            "subjectId": header["subjectId"],
            "subjectOid": header["subjectOid"],
            "subjectKey": header["subjectKey"],
            "siteId": header["siteId"],
            "formKey": header["formKey"],
            "intervalId": header["intervalId"],
            "role": role,
            "user": user,
            "reasonForChange": reason,
            "deleted": deletion,
            "dateCreated": written(self.times(life)[nth - 1]),
        }


REVISION_FIELDS = (
    "studyKey", "recordRevisionId", "recordId", "recordOid", "recordRevision", "dataRevision", "recordStatus",
    "subjectId", "subjectOid", "subjectKey", "siteId", "formKey", "intervalId", "role", "user", "reasonForChange",
    "deleted", "dateCreated",
)  # fmt: skip


class RevisionSource:
    """Saved states of all records, numbered day by day; within a day in the order of the plan."""

    def __init__(self, study: StaffedStudy) -> None:
        self._study = study
        columns = study.record_source.columns
        days: dict[int, tuple[array[int], bytearray]] = {}
        for rank, (created, modified, count) in enumerate(
            zip(columns.created, columns.modified, columns.revisions, strict=True)
        ):
            steps = count - 1
            for nth in range(1, count + 1):
                moment = created + (modified - created) * (nth - 1) // steps if steps else modified
                ranks, nths = days.setdefault(moment // DAY, (array("i"), bytearray()))
                ranks.append(rank)
                nths.append(nth)
        self._ranks = array("i")
        self._nths = bytearray()
        for day in sorted(days):
            ranks, nths = days.pop(day)
            self._ranks.extend(ranks)
            self._nths.extend(nths)

    def __len__(self) -> int:
        return len(self._ranks)

    def _number(self, place: int) -> int:
        return numbered(9000001, place, self._study.salt)

    def row(self, place: int) -> Row:
        study, rank = self._study, self._ranks[place]
        life = study.lives.of(rank)
        source = study.record_source
        header = source.header(rank, source.shuffle.place(rank), life)
        return {**study.conduct.revision(life, header, self._nths[place]), "recordRevisionId": self._number(place)}

    def values(self, field: str) -> Iterable[Any]:
        if field == "recordRevisionId":
            return (self._number(place) for place in range(len(self)))
        if field == "recordRevision":
            return iter(self._nths)
        if field == "recordId":
            return map(self._study.record_source.number, self._ranks)
        return (self.row(place)[field] for place in range(len(self)))
