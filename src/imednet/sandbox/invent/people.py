"""Subjects: how far each gets in the study, the days of its visits, and when it leaves.

Days are ordinals (`date.toordinal`). A single random number per subject decides how far it gets, so a subject due for
Month 6 was also due for Month 3. Each subject is made from the seed and its own number alone. Users are in
`study.users_revisions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from .design import CLOCK, Design, Row
from .scripted_subjects import STORIES, Story, is_scripted
from .seeded import Dice
from .sites import quotas

NOW = date.fromisoformat(CLOCK[:10]).toordinal()
FIRST_DAY = date(2024, 1, 15).toordinal()
LAST_DAY = date(2026, 10, 20).toordinal()
SCREENING, BASELINE, PROCEDURE, DISCHARGE, DAY_7, MONTH_1 = range(6)
DIARY_DAYS = 28
EXITED = ("Screen Failed", "Completed", "Withdrawn", "Lost to Follow-Up", "Deceased")

# Shares among visits that can be late, early or missed; of all visits due, 6 % are late, 2.5 % early, 3.5 % missed.
LATE, EARLY, MISSED_ACTIVE, MISSED_DONE = 0.0745, 0.037, 0.13, 0.006


@dataclass(slots=True)
class Subject:
    """One subject: its status, visits and days."""

    number: int
    key: str
    site: int
    """Index of its site in the list of sites."""
    status: str
    story: Story
    registered: int = 0
    due: list[int | None] = field(default_factory=list)
    """Due day of each of the ten planned visits; None: the visit is not listed."""
    days: list[int | None] = field(default_factory=list)
    """Day of each of the ten planned visits; None: the visit did not take place."""
    diary: int = 0
    """One bit for each of the 28 diary days, set if the diary was filled in."""
    unscheduled: int = 0
    """Number of unscheduled visits."""
    exit: int | None = None
    """Day of leaving the study."""
    gone: str = ""
    """`D11`: deleted with all its records and visits. `D12`: only the subject is deleted."""
    person: int = 0
    """Number that personal facts are drawn for: the subject's own, or that of the same person at another site."""

    @property
    def scripted(self) -> bool:
        """Whether the subject is one of `scripted_subjects`."""
        return is_scripted(self.number)

    @property
    def treated(self) -> bool:
        """Whether the procedure took place."""
        return self.days[PROCEDURE] is not None

    @property
    def deleted(self) -> bool:
        """Whether the subject is marked as deleted."""
        return bool(self.gone)

    @property
    def diary_start(self) -> int | None:
        """The day of discharge, from which diary days are counted; None without one."""
        return self.days[DISCHARGE]

    @property
    def last_contact(self) -> int:
        """The last day that anything about the subject may be dated."""
        return min(NOW - 1, self.exit) if self.exit is not None else NOW - 1


def enrol(design: Design, dice: Dice, sites: list[tuple[Row, int]]) -> list[Subject]:
    """The subjects of a study: the scripted ones, then as many more as the sites have."""
    total = sum(count for _, count in sites)
    if not total:
        return []
    site_index = {site["siteId"]: index for index, (site, _) in enumerate(sites)}
    subjects: list[Subject] = []
    taken = [0] * len(sites)
    for scripted in design.data["scriptedSubjects"]:
        number, key = scripted["subjectId"], scripted["subjectKey"]
        site = site_index[int(key[:3])]
        taken[site] += 1
        subjects.append(Subject(number, key, site, scripted["subjectStatus"], STORIES[number]))
    statuses: list[str] = []
    for share, quota in zip(
        design.data["subjectStatuses"], quotas([s["share"] for s in design.data["subjectStatuses"]], total), strict=True
    ):
        missing = quota - sum(subject.status == share["status"] for subject in subjects)
        statuses += [share["status"]] * max(0, missing)
    free = [site for site, (_, count) in enumerate(sites) for _ in range(count - taken[site])]
    no_story = Story()
    for site, status in zip(dice.order(free, "places"), dice.order(statuses, "statuses"), strict=True):
        taken[site] += 1
        key = f"{sites[site][0]['siteId']}-{taken[site]:03}"
        subjects.append(Subject(20001 + len(subjects), key, site, status, no_story))
    for subject in subjects:
        plan_subject(design, dice, subject)
        _mark_deleted_and_twice_registered(design, dice, subject, subjects)
    return subjects


def plan_subject(design: Design, dice: Dice, subject: Subject) -> None:
    """Decide how far a subject gets, and register it early enough for all of that to lie before the study's clock."""
    luck, registration_word, *words = dice.words(f"subject {subject.number}")
    story = subject.story
    limit = story.luck if story.luck is not None else luck / (1 << 64)
    chances = [dice.words(f"subject {subject.number} visits {block}") for block in range(2)]
    u = [word / (1 << 64) for block in chances for word in block]
    active = subject.status in ("Enrolled", "Baseline")
    missed = set(story.missed)
    attended = []
    for visit, reach in enumerate(design.reach[subject.status]):
        rate = 0.0
        if not subject.scripted and (active or subject.status == "Completed"):
            rate = (MISSED_ACTIVE if visit >= MONTH_1 else 0.0) if active else (MISSED_DONE if visit >= DAY_7 else 0.0)
        if limit < min(1.0, reach / (1 - rate * 1.05)):
            if u[visit] < rate:
                missed.add(visit)
            elif visit not in missed:
                attended.append(visit)
    offsets = _offsets(design, dice, subject, attended)
    subject.registered = _registered(design, subject, attended, missed, offsets, registration_word)
    subject.days = [None] * 10
    for visit in attended:
        subject.days[visit] = subject.registered + offsets[visit]
    _list_visits(design, subject)
    if subject.treated and subject.diary_start is not None:
        subject.diary = _diary(design, dice, subject)
    if subject.status in EXITED:
        last = max((day for day in subject.days if day is not None), default=subject.registered)
        if subject.diary_start is not None:
            last = max(last, subject.diary_start + DIARY_DAYS)
        subject.exit = story.exit or min(NOW - 1, last + 1 + (words[0] * 21 >> 64))
    if story.unscheduled is not None:
        subject.unscheduled = story.unscheduled
    elif subject.treated:
        subject.unscheduled = dice.poisson(design.data["logRatesPerTreatedSubject"]["UNS"], "UNS", subject.number)


def _offsets(design: Design, dice: Dice, subject: Subject, attended: list[int]) -> dict[int, int]:
    """Index of each visit that took place -> its day, counted from registration."""
    days: dict[int, int] = {}
    for visit in attended:
        if visit == SCREENING:
            days[visit] = 0
            continue
        interval = design.planned[visit]
        before, after = interval["negativeSlack"], interval["positiveSlack"]
        reference = days[min(visit - 1, PROCEDURE)] if visit <= PROCEDURE else days[PROCEDURE]
        word = dice.bits("visit", subject.number, visit)
        u, size = (word >> 32) / (1 << 32), (word & 0xFFFFFFFF) / (1 << 32)
        slip = subject.story.slips.get(visit)
        if slip is None:
            if u < LATE and not subject.scripted:
                slip = after + 1 + int(size * size * 14)
            elif u < LATE + EARLY and visit != PROCEDURE and not subject.scripted:
                slip = (
                    -before
                    - 1
                    - (0 if visit == DISCHARGE else int(size * size * min(6, interval["dueDateWillBeIn"] // 4)))
                )
            else:
                slip = int(size * (before + after + 1)) - before
        days[visit] = reference + interval["dueDateWillBeIn"] + slip
    return days


def _registered(
    design: Design,
    subject: Subject,
    attended: list[int],
    missed: set[int],
    offsets: dict[int, int],
    registration_word: int,
) -> int:
    """The day of registration: early enough for the visits that took place, late enough for those still to come."""
    if subject.story.registered is not None:
        return subject.story.registered
    procedure = offsets.get(PROCEDURE)

    def window_end(visit: int) -> int:
        interval = design.planned[visit]
        start = procedure if visit > PROCEDURE else offsets.get(min(visit - 1, PROCEDURE))
        return (start or 0) + (interval["dueDateWillBeIn"] or 0) + (interval["positiveSlack"] or 0)

    ends = [offsets[visit] for visit in attended] + [window_end(visit) for visit in missed]
    if procedure is not None:
        ends.append(offsets.get(DISCHARGE, procedure) + DIARY_DAYS + 1)
    if subject.status in EXITED:
        ends.append(max(ends, default=0) + 22)
    latest = min(LAST_DAY, NOW - 1 - max(ends, default=0))
    earliest = FIRST_DAY
    if subject.status in ("Enrolled", "Baseline"):
        coming = [visit for visit in range(10) if visit not in attended and visit not in missed]
        if coming and attended:
            earliest = max(earliest, min(latest, NOW - window_end(coming[0])))
    return min(earliest, latest) + (registration_word * (max(0, latest - earliest) + 1) >> 64)


def _list_visits(design: Design, subject: Subject) -> None:
    """Set the due days of the visits that are listed, whether they took place or not."""
    days = subject.days
    subject.due = [None] * 10
    subject.due[SCREENING] = subject.registered
    if days[SCREENING] is not None and subject.status != "Screen Failed":
        subject.due[BASELINE] = days[SCREENING] + design.planned[BASELINE]["dueDateWillBeIn"]
    procedure = days[PROCEDURE]
    if procedure is not None:
        subject.due[PROCEDURE] = (days[BASELINE] or procedure) + design.planned[PROCEDURE]["dueDateWillBeIn"]
        for visit in range(DISCHARGE, 10):
            subject.due[visit] = procedure + design.planned[visit]["dueDateWillBeIn"]


def _diary(design: Design, dice: Dice, subject: Subject) -> int:
    start = subject.diary_start or 0
    due = min(DIARY_DAYS, max(0, NOW - 1 - start))
    if subject.story.clean:
        return (1 << due) - 1
    bits = 0
    limit = int(design.data["diaryCompliance"] * 65536)
    for block in range(4):
        for word_index, word in enumerate(dice.words(f"subject {subject.number} diary {block}")[:2]):
            for part in range(4):
                day = block * 8 + word_index * 4 + part
                if day < due and (word >> 16 * part & 65535) < limit:
                    bits |= 1 << day
    return bits


def _mark_deleted_and_twice_registered(design: Design, dice: Dice, subject: Subject, subjects: list[Subject]) -> None:
    """Mark subjects that are deleted and persons who are registered twice."""
    subject.person = subject.story.person or subject.number
    subject.gone = subject.story.gone
    if subject.scripted:
        return
    share = dice.unit("gone", subject.number)
    if share < design.rate("D11"):
        subject.gone = "D11"
    elif share < design.rate("D11") + design.rate("D12"):
        subject.gone = "D12"
    elif dice.chance(design.rate("D16"), "twice", subject.number):
        other = subjects[dice.below(subject.number - 20001, "twin", subject.number)]
        if other.site != subject.site and other.person == other.number:
            subject.person = other.number
