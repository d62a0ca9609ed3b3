"""Users, their roles, and the revisions of records.

Queries and codings, which name users too, are in `queries_codings`.
"""

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
from .tables import number_with_gaps

COORDINATOR, MONITOR, MANAGER, CODER = "Site Coordinator", "Monitor", "Data Manager", "Medical Coder"
GONE_LOGINS = ("pformer",)
"""Logins of people who have left and are no longer listed as users."""


def users(design: Design, dice: Dice, study_id: int, count: int) -> list[Row]:
    """The rows of users with their roles; 12 % are inactive in the study, 8 % have two roles, 1 % none."""
    rows = []
    inactive = set(dice.order(range(8, count), "inactive")[: round(count * 0.12)])
    for index in range(count):
        first = FIRST_NAMES[index % len(FIRST_NAMES)]
        last = LAST_NAMES[(index * 5 + index // 16) % len(LAST_NAMES)]
        login = f"{first[0]}{last}".lower().encode("ascii", "ignore").decode() + str(index + 1)
        if index == count - 1 and count > 8:
            first, last = FIRST_NAMES[2], LAST_NAMES[10]  # the same display name as the third user
        u = dice.below(100, "user", index, "roles")
        roles = [] if u == 0 and index > 7 else [_role(design, dice, study_id, index, 0)]
        if roles and u > 91:
            roles.append(_role(design, dice, study_id, index, 1))
        rows.append(
            {
                "userId": dice.uuid("user", index),
                "login": login,
                "firstName": first,
                "lastName": last,
                "email": f"{login}@example.org",
                "userActiveInStudy": index not in inactive,
                "roles": roles,
            }
        )
    return sorted(rows, key=lambda row: (row["login"], row["userId"]))


def _role(design: Design, dice: Dice, study_id: int, user: int, nth: int) -> Row:
    role = design.data["roles"][(user + 3 * nth) % len(design.data["roles"])]
    created = [2024, 1 + user % 12, 1 + user % 28, 9, user % 60]
    modified = [*created, 2, 625000000] if user % 3 else created
    return {
        "dateCreated": created if user % 5 else [*created, 30],
        "dateModified": None if dice.chance(0.02, "role", user, nth) else modified,
        "roleId": dice.uuid("role", role["name"]),
        "communityId": study_id,
        "name": role["name"],
        "description": role["does"],
        "level": role["level"],
        "type": role["type"],
        "inactive": False,
    }


class Staff:
    """Picks the login that signs a revision or a comment, by role."""

    def __init__(self, rows: list[Row]) -> None:
        self.active: dict[str, list[str]] = {}
        """Role -> logins of users who are active in the study."""
        self._first_logins: dict[str, str] = {}
        """Role -> its login among the first eight users, who are in studies of every size."""
        self.coder = "Chris Coder"
        """Display name of the user who codes terms."""
        for row in rows:
            for role in row["roles"][:1] if row["userActiveInStudy"] else []:
                self.active.setdefault(role["name"], []).append(row["login"])
                if int(row["login"].lstrip("abcdefghijklmnopqrstuvwxyz")) <= 8:
                    self._first_logins[role["name"]] = row["login"]
                    if role["name"] == CODER:
                        self.coder = f"{row['firstName']} {row['lastName']}"
        self.everyone = [row["login"] for row in rows if row["userActiveInStudy"]]
        self.unlisted = [row["login"] for row in rows if not row["userActiveInStudy"]] + list(GONE_LOGINS)

    def login(self, role: str, u: int, subject: Subject | int | None = None) -> str:
        """A login with this role; for a scripted subject it is the same in studies of every size."""
        number = subject.number if isinstance(subject, Subject) else subject
        if is_scripted(number) and role in self._first_logins:
            return self._first_logins[role]
        logins = self.active.get(role) or self.everyone
        return logins[u % len(logins)]


class StaffedStudy(StudyParts, Protocol):
    """The parts of a `Study` that revisions, queries and codings are made from."""

    @property
    def record_source(self) -> RecordSource: ...
    @property
    def staff(self) -> Staff: ...
    @property
    def revision_maker(self) -> RevisionMaker: ...


class RevisionMaker:
    """Makes the revisions of records, with their times and signatures."""

    def __init__(self, study: StaffedStudy) -> None:
        self._study = study
        self._unknown_limit = int(study.design.rate("D40") * 10000)

    def times(self, life: Life) -> list[int]:
        """The time of each revision, in seconds; the last one is when the record was last changed."""
        steps = life.revisions - 1
        if not steps:
            return [life.modified]
        return [life.created + (life.modified - life.created) * step // steps for step in range(life.revisions)]

    def revision(self, life: Life, header: Row, nth: int) -> Row:
        """The row of a record's nth revision, from 1; `recordRevisionId` is left 0."""
        is_last = nth == life.revisions
        deletion = is_last and life.deleted
        status = "Record Deleted" if deletion else life.statuses[nth - 1]
        previous_status = life.statuses[nth - 2] if nth > 1 else None
        corrected = nth > 1 and not deletion and status == previous_status
        data_revision = 1 + sum(
            life.statuses[step] == life.statuses[step - 1] for step in range(1, min(nth, len(life.statuses)))
        )
        u = (life.words[nth & 7] >> 7) * (nth * 2 + 1) & 0xFFFFFFFFFFFF
        role = COORDINATOR
        if status == "Record Reviewed":
            role = MONITOR
        elif status == "Record Locked" or (corrected and u & 3 == 0):
            role = MANAGER
        staff = self._study.staff
        number = header["subjectId"]
        user, is_unlisted = staff.login(role, u >> 8, number), u % 10000 < self._unknown_limit
        if number == 20013 and nth == 1:
            is_unlisted = True
        if is_unlisted and number != 20004:
            user = GONE_LOGINS[0] if is_scripted(number) else staff.unlisted[(u >> 16) % len(staff.unlisted)]
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
    """Computes the revisions of all records, numbered day by day and within a day in the order of the plan."""

    def __init__(self, study: StaffedStudy) -> None:
        self._study = study
        days: dict[int, tuple[array[int], bytearray]] = {}
        for rank, count in enumerate(study.record_source.columns.revisions):
            for nth in range(1, count + 1):
                ranks, nths = days.setdefault(self._moment(rank, nth) // DAY, (array("i"), bytearray()))
                ranks.append(rank)
                nths.append(nth)
        self._ranks = array("i")
        self._nths = bytearray()
        for day in sorted(days):
            ranks, nths = days.pop(day)
            self._ranks.extend(ranks)
            self._nths.extend(nths)

    def _moment(self, rank: int, nth: int) -> int:
        """The time of a record's nth revision, in seconds, as `RevisionMaker.times` has it."""
        columns = self._study.record_source.columns
        created, modified, steps = columns.created[rank], columns.modified[rank], columns.revisions[rank] - 1
        return created + (modified - created) * (nth - 1) // steps if steps else modified

    def __len__(self) -> int:
        return len(self._ranks)

    def _number(self, place: int) -> int:
        return number_with_gaps(9000001, place, self._study.salt)

    def row(self, place: int) -> Row:
        study, rank = self._study, self._ranks[place]
        life = study.lives.of(rank)
        source = study.record_source
        header = source.header(rank, source.shuffle.place(rank), life)
        return {
            **study.revision_maker.revision(life, header, self._nths[place]),
            "recordRevisionId": self._number(place),
        }

    def values(self, field: str) -> Iterable[Any]:
        if field == "recordRevisionId":
            return (self._number(place) for place in range(len(self)))
        if field == "recordRevision":
            return iter(self._nths)
        if field == "dateCreated":  # lists are sorted by it, and making each row for that takes a minute
            return (written(self._moment(rank, nth)) for rank, nth in zip(self._ranks, self._nths, strict=True))
        if field == "recordId":
            return map(self._study.record_source.number, self._ranks)
        return (self.row(place)[field] for place in range(len(self)))
