"""The life of a record: when it was made and changed, how often, how it ended, and what is odd about it as a whole."""

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
"""2026-09-15 02:00:00, when many records were changed at once."""
BURST_TIME = (date(2026, 10, 25).toordinal() - DAY_ZERO) * DAY + 10800
ONE = 1 << 64

# Shares of records that were changed in the last day, week and 30 days, and of deletions among those. Records made in
# these days are changed in them anyway, so a little less is drawn than the 0.4 %, 2.5 % and 9 % that come out.
LAST_DAY, LAST_WEEK, LAST_MONTH, GONE_OF_THESE = 0.0024, 0.0163, 0.056, 0.05
RETIRED_SHARE = 0.0004
"""Records of the retired form among all; they are all deleted."""
MORE_SINGLE = 0.031
"""Records that are changed late or deleted have two revisions at least; so more are drawn that would have one."""


class Life(NamedTuple):
    """What happened to one record. Times are seconds since the first day of the study."""

    created: int
    modified: int
    revisions: int
    chain: tuple[str, ...]
    """Status after each revision, without the last one of a deleted record."""
    deleted: bool
    oddities: tuple[str, ...]
    """Defects of the record as a whole, such as `D05`."""
    words: tuple[int, ...]
    """The random numbers of the record, for whoever needs more of them."""

    @property
    def status(self) -> str:
        """The status of the record now."""
        return "Record Deleted" if self.deleted else self.chain[-1]


class Lives:
    """Makes the life of any record alone."""

    def __init__(self, design: Design, dice: Dice, plan: Plan) -> None:
        self._plan = plan
        self._dice = dice
        rate = design.rate
        self._counts = self._thresholds(design)
        self._imported = rate("D36") * 1.05
        self._skewed = self._imported + rate("D35")
        self._recent = self._skewed + LAST_MONTH
        self._gone = (rate("D10") - RETIRED_SHARE - LAST_MONTH * GONE_OF_THESE) / (1 - LAST_MONTH)
        self._null, self._empty = rate("D05"), rate("D05") + rate("D04")
        self._case = self._empty + rate("D31")
        self._undeclared = self._case + rate("D32")
        self._epro = [form["eproForm"] for form in design.data["forms"]]
        self._keys = [form["formKey"] for form in design.data["forms"]]
        self._old, self._event, self._action = (design.place[key] for key in ("OLDVS", "AE", "AEACT"))

    @staticmethod
    def _thresholds(design: Design) -> list[tuple[float, int]]:
        shares = {int(count): share for count, share in design.data["revisionsPerRecord"].items()}
        shares[1] += MORE_SINGLE
        shares[2] -= MORE_SINGLE
        found, total = [], 0.0
        for count, share in shares.items():
            total += share
            found.append((total, count))
        return found

    def key(self, rank: int) -> str:
        """The name all draws for a record are made with: its owner and its place among the owner's records."""
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
        oddities: list[str] = []
        count = next((n for limit, n in self._counts if words[0] < limit * ONE), 6)
        created = plan.day[rank] * DAY + 25200 + (words[6] & LOW) % 36000
        if subject is not None and form == 0:
            created = (subject.registered - DAY_ZERO) * DAY + 32400 + (words[6] & LOW) % 18000
        changed = created + (count - 1) * (3600 + (words[6] >> 32) % 180000) if count > 1 else created
        changed = min(changed, CLOCK_SECONDS - 1 - words[6] % 3600)
        u = words[1] / ONE
        gone = self._gone
        if mark == BURST:
            changed, count = BURST_TIME, max(2, count)
        elif clean:
            gone = 0.0
        elif u < self._imported:
            if created < IMPORTED:
                changed, count = IMPORTED, max(2, count)
        elif u < self._skewed or (subject is not None and (subject.number, self._keys[form]) in SKEWED):
            changed, count = created - 60 - (words[6] & 4095), 1
            oddities.append("D35")
        elif u < self._recent:
            days_back = self._days_back(u - self._skewed)
            moment = CLOCK_SECONDS - DAY * days_back + words[6] % DAY
            if moment > changed:
                changed, count = moment, max(2, count)
                gone = GONE_OF_THESE
        created = min(created, changed) if "D35" not in oddities else created
        if form == self._event and rank + 1 < len(plan.form) and plan.form[rank + 1] == self._action:
            gone = 0.0  # an adverse event with an action stays
        deleted = form == self._old or words[2] < gone * ONE
        if subject is not None and (subject.number, self._keys[form]) in DELETED:
            deleted = True
        if subject is not None and subject.gone == "D11":
            deleted = True
        if deleted:
            count = max(2, count)
            changed = max(changed, created)
        return Life(
            created, changed, count, self._chain(count, deleted, form, subject, words), deleted,
            self._odd_shape(tuple(oddities), subject, form, words, clean), words,
        )  # fmt: skip

    @staticmethod
    def _days_back(u: float) -> int:
        if u < LAST_DAY:
            return 1
        if u < LAST_WEEK:
            return 2 + int((u - LAST_DAY) / (LAST_WEEK - LAST_DAY) * 6)
        return min(30, 8 + int((u - LAST_WEEK) / (LAST_MONTH - LAST_WEEK) * 23))

    def _chain(
        self, count: int, deleted: bool, form: int, subject: Subject | None, words: tuple[int, ...]
    ) -> tuple[str, ...]:
        """Status after each revision; a deleted record has one less, since its last revision is the deletion."""
        length = count - 1 if deleted else count
        locked = subject is not None and subject.status == "Completed" and words[2] & LOW < 0.21 * LOW
        if self._epro[form]:
            full = ["Record Complete", "Record Reviewed" if words[2] & 1 else "Record Complete", "Record Reviewed"]
        else:
            full = ["Record Incomplete", "Record Complete", "Record Reviewed"]
        if count >= 4:
            full.insert(1, full[0])
        if count >= 6:
            full.insert(3, "Record Complete")
        full += [full[-1]] * (length - len(full))
        if locked and length > 1:
            full[length - 1] = "Record Locked"
        return tuple(full[:length])

    def _odd_shape(
        self,
        found: tuple[str, ...],
        subject: Subject | None,
        form: int,
        words: tuple[int, ...],
        clean: bool,
    ) -> tuple[str, ...]:
        if clean:
            return found
        u = words[5] / ONE
        if subject is None or not subject.scripted:
            if u < self._null:
                return (*found, "D05")
            if u < self._empty:
                return (*found, "D04")
            if u < self._case:
                return (*found, "D31")
            if u < self._undeclared:
                return (*found, "D32")
            return found
        planted = SHAPES.get((subject.number, self._keys[form]))
        return (*found, planted) if planted else found


@lru_cache(maxsize=4096)
def day_text(day: int) -> str:
    """A day of the study as `YYYY-MM-DD`."""
    return date.fromordinal(day + DAY_ZERO).isoformat()


def written(seconds: int) -> str:
    """A time as the API writes it: UTC, no zone."""
    day, rest = divmod(seconds, DAY)
    return f"{day_text(day)} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def iso(ordinal: int) -> str:
    """A day given as ordinal as `YYYY-MM-DD`."""
    return day_text(ordinal - DAY_ZERO)
