"""The life of a record: when it was created and changed, its statuses, and defects of the record as a whole.

Its answers are made in `answers`, their defects in `defects`. How times are written (`written`, `iso`) is here too.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from .design import Design
from .people import NOW, Subject
from .plan import BURST, DAY_ZERO, Plan
from .scripted_subjects import DELETED, SHAPES, SKEWED
from .seeded import LOW, Dice

DAY = 86400
CLOCK_SECONDS = (NOW - DAY_ZERO) * DAY
IMPORTED = (date(2026, 9, 15).toordinal() - DAY_ZERO) * DAY + 7200
"""2026-09-15 02:00:00, when an import changed many records at once (D36)."""
BURST_TIME = (date(2026, 10, 25).toordinal() - DAY_ZERO) * DAY + 10800
ONE = 1 << 64

# Shares of records drawn to be changed in the last day, week and 30 days, and the share of deletions among those.
# Records created in these days are changed then anyway, so less is drawn than the 0.4 %, 2.5 % and 9 % that result.
LAST_DAY, LAST_WEEK, LAST_MONTH, DELETED_OF_THESE = 0.0024, 0.0163, 0.056, 0.05
RETIRED_SHARE = 0.0004
"""Share of records that belong to the retired form; all of those are deleted."""
MORE_SINGLE = 0.031
"""Share of records drawn with one revision in excess: those changed late or deleted get a second one."""


class Life(NamedTuple):
    """The history of one record. Times are seconds since `DAY_ZERO`."""

    created: int
    modified: int
    revisions: int
    statuses: tuple[str, ...]
    """Status after each revision; of a deleted record without the deletion."""
    deleted: bool
    defects: tuple[str, ...]
    """Defects of the record as a whole, such as `D05`."""
    words: tuple[int, ...]
    """Eight random numbers of 64 bits, from which other properties of the record are drawn."""

    @property
    def status(self) -> str:
        """The current status of the record."""
        return "Record Deleted" if self.deleted else self.statuses[-1]


class Lives:
    """Makes the life of any record, independently of the others."""

    def __init__(self, design: Design, dice: Dice, plan: Plan) -> None:
        self._plan = plan
        self._dice = dice
        rate = design.rate
        self._revision_limits = self._limits_of_revisions(design)
        self._imported_limit = rate("D36") * 1.05
        self._skewed_limit = self._imported_limit + rate("D35")
        self._recent_limit = self._skewed_limit + LAST_MONTH
        self._deleted_share = (rate("D10") - RETIRED_SHARE - LAST_MONTH * DELETED_OF_THESE) / (1 - LAST_MONTH)
        self._null_limit, self._empty_limit = rate("D05"), rate("D05") + rate("D04")
        self._case_limit = self._empty_limit + rate("D31")
        self._undeclared_limit = self._case_limit + rate("D32")
        self._epro = [form["eproForm"] for form in design.data["forms"]]
        self._keys = [form["formKey"] for form in design.data["forms"]]
        self._retired_form, self._adverse_event, self._action = (
            design.form_index[key] for key in ("OLDVS", "AE", "AEACT")
        )

    @staticmethod
    def _limits_of_revisions(design: Design) -> list[tuple[float, int]]:
        shares = {int(count): share for count, share in design.data["revisionsPerRecord"].items()}
        shares[1] += MORE_SINGLE
        shares[2] -= MORE_SINGLE
        limits, total = [], 0.0
        for count, share in shares.items():
            total += share
            limits.append((total, count))
        return limits

    def key(self, rank: int) -> str:
        """The name that all draws for a record use: its owner and its index among the owner's records."""
        owner, local = self._plan.owner(rank)
        return self._key(owner, local, self._plan.subject_of(owner))

    def _key(self, owner: int, local: int, subject: Subject | None) -> str:
        return f"{subject.number}/{local}" if subject else f"site {self._plan.sites[owner]['siteId']}/{local}"

    def of(self, rank: int) -> Life:
        """The life of a planned record."""
        plan = self._plan
        owner, local = plan.owner(rank)
        subject = plan.subject_of(owner)
        words = self._dice.words(self._key(owner, local, subject))
        form, mark = plan.form[rank], plan.mark[rank]
        clean = subject is not None and subject.story.clean
        defects: list[str] = []
        revisions = next((n for limit, n in self._revision_limits if words[0] < limit * ONE), 6)
        created = plan.day[rank] * DAY + 25200 + (words[6] & LOW) % 36000
        if subject is not None and form == 0:
            created = (subject.registered - DAY_ZERO) * DAY + 32400 + (words[6] & LOW) % 18000
        modified = created + (revisions - 1) * (3600 + (words[6] >> 32) % 180000) if revisions > 1 else created
        modified = min(modified, CLOCK_SECONDS - 1 - words[6] % 3600)
        u = words[1] / ONE
        deletion_share = self._deleted_share
        if mark == BURST:
            modified, revisions = BURST_TIME, max(2, revisions)
        elif clean:
            deletion_share = 0.0
        elif u < self._imported_limit:
            if created < IMPORTED:
                modified, revisions = IMPORTED, max(2, revisions)
        elif u < self._skewed_limit or (subject is not None and (subject.number, self._keys[form]) in SKEWED):
            modified, revisions = created - 60 - (words[6] & 4095), 1
            defects.append("D35")
        elif u < self._recent_limit:
            days_back = self._days_back(u - self._skewed_limit)
            moment = CLOCK_SECONDS - DAY * days_back + words[6] % DAY
            if moment > modified:
                modified, revisions = moment, max(2, revisions)
                deletion_share = DELETED_OF_THESE
        created = min(created, modified) if "D35" not in defects else created
        if form == self._adverse_event and rank + 1 < len(plan.form) and plan.form[rank + 1] == self._action:
            deletion_share = 0.0  # an adverse event with an action is never deleted
        deleted = form == self._retired_form or words[2] < deletion_share * ONE
        if subject is not None and (subject.number, self._keys[form]) in DELETED:
            deleted = True
        if subject is not None and subject.gone == "D11":
            deleted = True
        if deleted:
            revisions = max(2, revisions)
            modified = max(modified, created)
        return Life(
            created, modified, revisions, self._statuses(revisions, deleted, form, subject, words), deleted,
            self._record_defects(tuple(defects), subject, form, words, clean), words,
        )  # fmt: skip

    @staticmethod
    def _days_back(u: float) -> int:
        if u < LAST_DAY:
            return 1
        if u < LAST_WEEK:
            return 2 + int((u - LAST_DAY) / (LAST_WEEK - LAST_DAY) * 6)
        return min(30, 8 + int((u - LAST_WEEK) / (LAST_MONTH - LAST_WEEK) * 23))

    def _statuses(
        self, count: int, deleted: bool, form: int, subject: Subject | None, words: tuple[int, ...]
    ) -> tuple[str, ...]:
        """Status after each revision; a deleted record has one less, because its last revision is the deletion."""
        length = count - 1 if deleted else count
        locked = subject is not None and subject.status == "Completed" and words[2] & LOW < 0.21 * LOW
        if self._epro[form]:
            statuses = ["Record Complete", "Record Reviewed" if words[2] & 1 else "Record Complete", "Record Reviewed"]
        else:
            statuses = ["Record Incomplete", "Record Complete", "Record Reviewed"]
        if count >= 4:
            statuses.insert(1, statuses[0])
        if count >= 6:
            statuses.insert(3, "Record Complete")
        statuses += [statuses[-1]] * (length - len(statuses))
        if locked and length > 1:
            statuses[length - 1] = "Record Locked"
        return tuple(statuses[:length])

    def _record_defects(
        self,
        drawn: tuple[str, ...],
        subject: Subject | None,
        form: int,
        words: tuple[int, ...],
        clean: bool,
    ) -> tuple[str, ...]:
        if clean:
            return drawn
        u = words[5] / ONE
        if subject is None or not subject.scripted:
            if u < self._null_limit:
                return (*drawn, "D05")
            if u < self._empty_limit:
                return (*drawn, "D04")
            if u < self._case_limit:
                return (*drawn, "D31")
            if u < self._undeclared_limit:
                return (*drawn, "D32")
            return drawn
        planted = SHAPES.get((subject.number, self._keys[form]))
        return (*drawn, planted) if planted else drawn


@lru_cache(maxsize=4096)
def day_text(day: int) -> str:
    """A day counted from `DAY_ZERO`, as `YYYY-MM-DD`."""
    return date.fromordinal(day + DAY_ZERO).isoformat()


def written(seconds: int) -> str:
    """A time in seconds since `DAY_ZERO` as the API writes it: `2026-09-15 02:00:00`, in UTC."""
    day, rest = divmod(seconds, DAY)
    return f"{day_text(day)} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def iso(ordinal: int) -> str:
    """A day given as an ordinal, as `YYYY-MM-DD`."""
    return day_text(ordinal - DAY_ZERO)
