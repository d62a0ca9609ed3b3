"""Who is in the study, how far each subject gets, and when.

Days are ordinals (`date.toordinal`). One number per subject decides how far it gets, which keeps attendance monotone:
nobody has Month 6 who was never due for Month 3. Each subject is made from the seed and its own number alone.
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

# Shares among the visits that can have the defect, so that of all visits due 6 % are late, 2.5 % early, 3.5 % missed.
LATE, EARLY, MISSED_ACTIVE, MISSED_DONE = 0.0745, 0.037, 0.13, 0.006


@dataclass(slots=True)
class Subject:
    """One subject: status, how far it gets and when."""

    number: int
    key: str
    site: int
    """Place of its site in the list of sites."""
    status: str
    story: Story
    registered: int = 0
    due: list[int | None] = field(default_factory=list)
    """Due day of each of the ten planned visits; None: not listed."""
    days: list[int | None] = field(default_factory=list)
    """Day of each of the ten planned visits; None: did not take place."""
    diary: int = 0
    """One bit for each of the 28 diary days: filled in."""
    unscheduled: int = 0
    exit: int | None = None
    """Day of leaving the study."""
    gone: str = ""
    """`D11`: deleted with all that belongs to it. `D12`: deleted alone."""
    person: int = 0
    """Number that person's facts are drawn for: its own, or that of the same person at another site."""

    @property
    def scripted(self) -> bool:
        """Whether the subject has a story, so that little about it is left to chance."""
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
        """The day diary days are counted from; None without a discharge."""
        return self.days[DISCHARGE]

    @property
    def last_contact(self) -> int:
        """The last day anything of the subject may be dated."""
        return min(NOW - 1, self.exit) if self.exit is not None else NOW - 1


def enrol(design: Design, dice: Dice, sites: list[tuple[Row, int]]) -> list[Subject]:
    """The subjects of a study: the scripted ones, then as many more as the sites hold."""
    total = sum(count for _, count in sites)
    if not total:
        return []
    by_number = {site["siteId"]: place for place, (site, _) in enumerate(sites)}
    subjects: list[Subject] = []
    taken = [0] * len(sites)
    for one in design.data["scriptedSubjects"]:
        number, key = one["subjectId"], one["subjectKey"]
        place = by_number[int(key[:3])]
        taken[place] += 1
        subjects.append(Subject(number, key, place, one["subjectStatus"], STORIES[number]))
    statuses: list[str] = []
    for share, quota in zip(
        design.data["subjectStatuses"], quotas([s["share"] for s in design.data["subjectStatuses"]], total), strict=True
    ):
        left = quota - sum(one.status == share["status"] for one in subjects)
        statuses += [share["status"]] * max(0, left)
    places = [place for place, (_, count) in enumerate(sites) for _ in range(count - taken[place])]
    plain = Story()
    for place, status in zip(dice.order(places, "places"), dice.order(statuses, "statuses"), strict=True):
        taken[place] += 1
        key = f"{sites[place][0]['siteId']}-{taken[place]:03}"
        subjects.append(Subject(20001 + len(subjects), key, place, status, plain))
    for subject in subjects:
        follow(design, dice, subject)
        _mark(design, dice, subject, subjects)
    return subjects


def follow(design: Design, dice: Dice, subject: Subject) -> None:
    """Decide how far a subject gets, and when it was registered so that all of that lies before the clock."""
    luck, when, *words = dice.words(f"subject {subject.number}")
    story = subject.story
    limit = story.luck if story.luck is not None else luck / (1 << 64)
    chances = [dice.words(f"subject {subject.number} visits {place}") for place in range(2)]
    u = [word / (1 << 64) for block in chances for word in block]
    active = subject.status in ("Enrolled", "Baseline")
    missed = set(story.missed)
    attended = []
    for place, reach in enumerate(design.reach[subject.status]):
        rate = 0.0
        if not subject.scripted and (active or subject.status == "Completed"):
            rate = (MISSED_ACTIVE if place >= MONTH_1 else 0.0) if active else (MISSED_DONE if place >= DAY_7 else 0.0)
        if limit < min(1.0, reach / (1 - rate * 1.05)):
            if u[place] < rate:
                missed.add(place)
            elif place not in missed:
                attended.append(place)
    offsets = _offsets(design, dice, subject, attended)
    subject.registered = _registered(design, subject, attended, missed, offsets, when)
    subject.days = [None] * 10
    for place in attended:
        subject.days[place] = subject.registered + offsets[place]
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
    """Day of each visit that took place, counted from registration."""
    days: dict[int, int] = {}
    for place in attended:
        if place == SCREENING:
            days[place] = 0
            continue
        one = design.planned[place]
        before, after = one["negativeSlack"], one["positiveSlack"]
        reference = days[min(place - 1, PROCEDURE)] if place <= PROCEDURE else days[PROCEDURE]
        word = dice.bits("visit", subject.number, place)
        u, size = (word >> 32) / (1 << 32), (word & 0xFFFFFFFF) / (1 << 32)
        slip = subject.story.slips.get(place)
        if slip is None:
            if u < LATE and not subject.scripted:
                slip = after + 1 + int(size * size * 14)
            elif u < LATE + EARLY and place != PROCEDURE and not subject.scripted:
                slip = (
                    -before - 1 - (0 if place == DISCHARGE else int(size * size * min(6, one["dueDateWillBeIn"] // 4)))
                )
            else:
                slip = int(size * (before + after + 1)) - before
        days[place] = reference + one["dueDateWillBeIn"] + slip
    return days


def _registered(
    design: Design, subject: Subject, attended: list[int], missed: set[int], offsets: dict[int, int], when: int
) -> int:
    """The day of registration: early enough for all that happened, late enough for what is still to come."""
    if subject.story.registered is not None:
        return subject.story.registered
    procedure = offsets.get(PROCEDURE)

    def window_end(place: int) -> int:
        one = design.planned[place]
        start = procedure if place > PROCEDURE else offsets.get(min(place - 1, PROCEDURE))
        return (start or 0) + (one["dueDateWillBeIn"] or 0) + (one["positiveSlack"] or 0)

    ends = [offsets[place] for place in attended] + [window_end(place) for place in missed]
    if procedure is not None:
        ends.append(offsets.get(DISCHARGE, procedure) + DIARY_DAYS + 1)
    if subject.status in EXITED:
        ends.append(max(ends, default=0) + 22)
    latest = min(LAST_DAY, NOW - 1 - max(ends, default=0))
    earliest = FIRST_DAY
    if subject.status in ("Enrolled", "Baseline"):
        coming = [place for place in range(10) if place not in attended and place not in missed]
        if coming and attended:
            earliest = max(earliest, min(latest, NOW - window_end(coming[0])))
    return min(earliest, latest) + (when * (max(0, latest - earliest) + 1) >> 64)


def _list_visits(design: Design, subject: Subject) -> None:
    """Due days of the visits that are listed, done or not."""
    days = subject.days
    subject.due = [None] * 10
    subject.due[SCREENING] = subject.registered
    if days[SCREENING] is not None and subject.status != "Screen Failed":
        subject.due[BASELINE] = days[SCREENING] + design.planned[BASELINE]["dueDateWillBeIn"]
    procedure = days[PROCEDURE]
    if procedure is not None:
        subject.due[PROCEDURE] = (days[BASELINE] or procedure) + design.planned[PROCEDURE]["dueDateWillBeIn"]
        for place in range(DISCHARGE, 10):
            subject.due[place] = procedure + design.planned[place]["dueDateWillBeIn"]


def _diary(design: Design, dice: Dice, subject: Subject) -> int:
    start = subject.diary_start or 0
    due = min(DIARY_DAYS, max(0, NOW - 1 - start))
    if subject.story.clean:
        return (1 << due) - 1
    bits = 0
    limit = int(design.data["diaryCompliance"] * 65536)
    for block in range(4):
        for word_place, word in enumerate(dice.words(f"subject {subject.number} diary {block}")[:2]):
            for part in range(4):
                day = block * 8 + word_place * 4 + part
                if day < due and (word >> 16 * part & 65535) < limit:
                    bits |= 1 << day
    return bits


def _mark(design: Design, dice: Dice, subject: Subject, subjects: list[Subject]) -> None:
    """Subjects that are deleted, and persons who are registered twice."""
    subject.person = subject.story.person or subject.number
    subject.gone = subject.story.gone
    if subject.scripted:
        return
    u = dice.unit("gone", subject.number)
    if u < design.rate("D11"):
        subject.gone = "D11"
    elif u < design.rate("D11") + design.rate("D12"):
        subject.gone = "D12"
    elif dice.chance(design.rate("D16"), "twice", subject.number):
        other = subjects[dice.below(subject.number - 20001, "twin", subject.number)]
        if other.site != subject.site and other.person == other.number:
            subject.person = other.number
