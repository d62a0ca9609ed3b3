"""Plausible answers (`recordData`) of any record, made from the seed alone.

Answers agree with each other: three readings and their mean, birth year and age, the arm and its effect on blood
pressure, an adverse event and the medication given for it. Defects are added afterwards by `defects`; plausible ranges
are in `ranges`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .design import Design, Row
from .people import NOW, PROCEDURE, Subject
from .plan import DAY_ZERO, TWICE, Plan
from .ranges import CONDITIONS, EXIT_REASONS, LABS, MEANS, NIGHT, NOT_DONE, RANGES, USUAL
from .record_life import Life, iso, written
from .seeded import LOW, Dice, bell, growth
from .words import DRUGS, LAST_NAMES, TERMS, WORDS

_LETTERS = "ABCDEFGHIJKLMNOPRSTUVWYZ"
_TERMS, _DRUGS = tuple(TERMS), tuple(DRUGS)
_UNIT = LOW + 1


class Field(NamedTuple):
    """One variable of a form and the function that makes its answers."""

    name: str
    kind: str
    choices: list[str]
    maker: Callable[[Sheet, Field, int], Any]
    variable_id: int


class Facts(NamedTuple):
    """Personal facts of a subject, the same on all its forms."""

    initials: str
    born: int
    sex: str
    height: int
    weight: float
    systolic: int
    arm: str


class Sheet:
    """One record while its answers are made.

    The methods below make the answer of one field each; `u` is 32 random bits.
    """

    __slots__ = ("_answers", "data", "day", "facts", "key", "nth", "rank", "site", "subject")

    def __init__(self, answers: Answers, rank: int, key: str) -> None:
        self._answers = answers
        plan = answers.plan
        owner, _ = plan.owner(rank)
        self.rank = rank
        self.key = key
        self.subject: Subject | None = plan.subject_of(owner)
        self.site = owner if self.subject is None else self.subject.site
        self.day = plan.day[rank] + DAY_ZERO
        self.nth = plan.nth[rank]
        self.facts = answers.facts(self.subject) if self.subject else None
        self.data: Row = {}

    # ---- by type of variable

    def choice(self, field: Field, u: int) -> Any:
        if field.choices == ["Yes", "No"]:
            yes = USUAL.get(field.name, 0.04 if field.name.startswith("EXC") else 0.96)
            return "Yes" if u < yes * _UNIT else "No"
        share = u / _UNIT
        return field.choices[int(share * share * len(field.choices))]  # the first choices are the most common

    def boxes(self, field: Field, u: int) -> Any:
        count = len(field.choices)
        first = (u & 0xFFFF) * count >> 16
        second = (u >> 16) * count >> 16
        chosen = sorted({first, second}) if u & 3 == 0 else [first]
        return ", ".join(field.choices[index] for index in chosen)

    def number(self, field: Field, u: int) -> Any:
        low, high, decimals = RANGES.get(field.name, (1, 100, 0))
        return f"{low + (high - low) * u / _UNIT:.{decimals}f}"

    def counter(self, field: Field, u: int) -> Any:
        return str(self.nth)

    def text(self, field: Field, u: int) -> Any:
        return self.phrase(u, 2 + u % 3)

    def memo(self, field: Field, u: int) -> Any:
        return self.phrase(u, 1 + u % 6)

    def phrase(self, u: int, count: int) -> str:
        parts = []
        for _ in range(count):
            parts.append(WORDS[u & 31])
            u = (u >> 5) * 2654435761 + 97 & 0xFFFFFFFFFF
        text = " ".join(parts)
        return text[0].upper() + text[1:]

    def date(self, field: Field, u: int) -> Any:
        return iso(self.day)

    def clock(self, field: Field, u: int) -> Any:
        return f"{7 + u % 11:02}:{(u >> 8) % 60:02}"

    def moment(self, field: Field, u: int) -> Any:
        return f"{iso(self.day)} {self.clock(field, u)}"

    def file(self, field: Field, u: int) -> Any:
        return f"{field.name.lower()}_{self.key.replace('/', '_').replace(' ', '')}.pdf"

    # ---- by variable

    def initials(self, field: Field, u: int) -> Any:
        return self.facts.initials if self.facts else ""

    def birth_year(self, field: Field, u: int) -> Any:
        return str(self.facts.born) if self.facts else ""

    def birth_date(self, field: Field, u: int) -> Any:
        return f"{self.facts.born if self.facts else 1960}-{1 + u % 12:02}-{1 + (u >> 8) % 28:02}"

    def age(self, field: Field, u: int) -> Any:
        return str(int(iso(self.day)[:4]) - (self.facts.born if self.facts else 1960))

    def sex(self, field: Field, u: int) -> Any:
        return self.facts.sex if self.facts else ""

    def height(self, field: Field, u: int) -> Any:
        return str(self.facts.height) if self.facts else ""

    def eligible(self, field: Field, u: int) -> Any:
        return "No" if self.subject and self.subject.status == "Screen Failed" else "Yes"

    def arm(self, field: Field, u: int) -> Any:
        return self.facts.arm if self.facts else ""

    def exit_reason(self, field: Field, u: int) -> Any:
        return EXIT_REASONS.get(self.subject.status if self.subject else "", "Sponsor decision")

    def version(self, field: Field, u: int) -> Any:
        return field.choices[min(3, max(0, self.day - DAY_ZERO - 200) // 300)]

    def pressure(self, field: Field, u: int) -> Any:
        """Blood pressure: falls by 12 mmHg within three months of the treatment, by 4 mmHg after the sham procedure."""
        facts = self.facts
        if facts is None or self.subject is None:
            return ""
        drop = 0.0
        procedure = self.subject.days[PROCEDURE]
        if procedure is not None and self.day > procedure:
            drop = min(1.0, (self.day - procedure) / 90) * (12 if facts.arm == "Treatment" else 4)
        night = 14 if field.name[-2:] in NIGHT else 0
        noise = 6 * bell(u << 32 | u)
        systolic = facts.systolic - drop - night + noise
        return str(int(systolic if "SYS" in field.name else systolic * 0.58))

    def mean(self, field: Field, u: int) -> Any:
        names = MEANS[field.name]
        readings = [int(self.data[name]) for name in names if self.data.get(name)]
        return str(round(sum(readings) / len(readings))) if readings else ""

    def weight(self, field: Field, u: int) -> Any:
        return f"{(self.facts.weight if self.facts else 70) + u / _UNIT * 4 - 2:.1f}"

    def mass_index(self, field: Field, u: int) -> Any:
        if self.facts is None or not self.data.get("WEIGHT"):
            return ""
        height = self.facts.height / 100
        return f"{float(self.data['WEIGHT']) / (height * height):.1f}"

    def lab(self, field: Field, u: int) -> Any:
        mean, spread, _, _, decimals = LABS[field.name[2:]]
        number = self.subject.person if self.subject else 0
        personal = bell((number * 0x9E3779B97F4A7C15 ^ field.variable_id * 0xC2B2AE3D27D4EB4F) & 0xFFFFFFFFFFFFFFFF)
        return f"{mean * growth(spread * (0.85 * personal + 0.5 * bell(u << 32 | u))):.{decimals}f}"

    def lab_reading(self, field: Field, u: int) -> Any:
        value = self.data.get(field.name[:-1])
        if not value:
            return "Not done"
        _, _, low, high, _ = LABS[field.name[2:-1]]
        return "Normal" if low <= float(value) <= high else field.choices[1 + (u & 7 == 0)]

    def term(self, field: Field, u: int) -> Any:
        return _TERMS[u * len(_TERMS) >> 32]

    def drug(self, field: Field, u: int) -> Any:
        return _DRUGS[u * len(_DRUGS) >> 32]

    def indication(self, field: Field, u: int) -> Any:
        """Why a medication is given: an adverse event only if the subject has one."""
        reason = self.choice(field, u)
        return reason if reason != "Adverse event" or self._events() else "Prophylaxis"

    def _events(self) -> int:
        return self._answers.plan.count_of(self.rank, "AE")

    def event_named(self, field: Field, u: int) -> Any:
        return f"AE {1 + u % max(1, self._events())}"

    def criterion(self, field: Field, u: int) -> Any:
        """A criterion of eligibility: all are met, except one for a subject who fails screening."""
        met, not_met = ("Yes", "No") if field.name.startswith("INC") else ("No", "Yes")
        failed = self.subject is not None and self.subject.status == "Screen Failed"
        failed_criterion = self.subject.number % 14 if self.subject else 0
        criterion = int(field.name[3:]) - 1 + (6 if field.name.startswith("EXC") else 0)
        return not_met if failed and criterion == failed_criterion else met

    def _fatal(self) -> bool:
        return self.subject is not None and self.subject.status == "Deceased" and self.nth == 1

    def outcome(self, field: Field, u: int) -> Any:
        """Outcome of an adverse event: fatal for the first one of a subject who died, and for no other."""
        others = [choice for choice in field.choices if choice != "Fatal"]
        return "Fatal" if self._fatal() else others[u * len(others) >> 32]

    def serious(self, field: Field, u: int) -> Any:
        return "Yes" if self._fatal() else self.choice(field, u)

    def seriousness(self, field: Field, u: int) -> Any:
        if self._fatal():
            return "Death"
        reasons = [reason for reason in self.boxes(field, u).split(", ") if reason != "Death"]
        return ", ".join(reasons) or field.choices[-1]

    def ongoing(self, field: Field, u: int) -> Any:
        return "No" if self._fatal() else self.choice(field, u)

    def serial(self, field: Field, u: int) -> Any:
        """Serial number of the subject's catheter, the same on all forms."""
        return self._answers.serial(self.subject.number) if self.subject else ""

    def lot(self, field: Field, u: int) -> Any:
        return f"LOT{1000 + u % 9000}"

    def device(self, field: Field, u: int) -> Any:
        """Serial number of a device at a site: first those used on its treated subjects."""
        used = self._answers.treated_at(self.site)
        return self._answers.serial(used[self.nth - 1].number) if self.nth <= len(used) else f"TW{10000 + u % 90000}"

    def device_state(self, field: Field, u: int) -> Any:
        return "Used" if self.nth <= len(self._answers.treated_at(self.site)) else "Received"

    def device_user(self, field: Field, u: int) -> Any:
        used = self._answers.treated_at(self.site)
        return used[self.nth - 1].key

    def random_number(self, field: Field, u: int) -> Any:
        return f"R-{self.subject.number if self.subject else 0}"

    def deviation(self, field: Field, u: int) -> Any:
        late = self._answers.plan.late_visits(self.subject) if self.subject else []
        return "Visit window" if self.nth <= len(late) else self.choice(field, u)

    def onset(self, field: Field, u: int) -> Any:
        back = 365 * (1 + u % 30) if field.name == "MHSTDAT" else u % 8
        return iso(self.day - back)

    def ending(self, field: Field, u: int) -> Any:
        return iso(min(NOW - 1, self.day + u % 25))

    def death(self, field: Field, u: int) -> Any:
        return iso(self.day - 1)

    def irb(self, field: Field, u: int) -> Any:
        return iso(self.day - 20)

    def staff(self, field: Field, u: int) -> Any:
        return f"Dr. {LAST_NAMES[1 + u % (len(LAST_NAMES) - 1)]}"


_KINDS: dict[str, Callable[[Sheet, Field, int], Any]] = {
    "RADIO": Sheet.choice, "DROPDOWN": Sheet.choice, "CHECKBOX": Sheet.boxes, "NUMBER": Sheet.number,
    "CALC": Sheet.number, "TEXT": Sheet.text, "MEMO": Sheet.memo, "DATE": Sheet.date, "TIME": Sheet.clock,
    "DATETIME": Sheet.moment, "PARTIALDATE": Sheet.onset, "FILE": Sheet.file,
}  # fmt: skip
_NAMES: dict[str, Callable[[Sheet, Field, int], Any]] = {
    "REGINIT": Sheet.initials, "REGYOB": Sheet.birth_year, "BRTHDAT": Sheet.birth_date, "AGE": Sheet.age,
    "SEX": Sheet.sex, "HEIGHT": Sheet.height, "IEYN": Sheet.eligible, "RANDARM": Sheet.arm, "EXREAS": Sheet.exit_reason,
    "ICVER": Sheet.version, "SYSMEAN": Sheet.mean, "ABSYSDAY": Sheet.mean, "ABSYSNGT": Sheet.mean,
    "WEIGHT": Sheet.weight, "BMI": Sheet.mass_index, "AETERM": Sheet.term, "MHTERM": Sheet.term, "CMTRT": Sheet.drug,
    "CMINDSP": Sheet.event_named, "PRSER": Sheet.serial, "DDSER": Sheet.serial, "PRLOT": Sheet.lot, "DALOT": Sheet.lot,
    "DASER": Sheet.device, "DAST": Sheet.device_state, "DASUBJ": Sheet.device_user, "RANDNUM": Sheet.random_number,
    "DVCAT": Sheet.deviation, "MHENDAT": Sheet.ending, "AEENDAT": Sheet.ending, "CMENDAT": Sheet.ending,
    "EXDTHDAT": Sheet.death, "SIIRB": Sheet.irb, "SIPI": Sheet.staff, "TRNAME": Sheet.staff,
    "DYSYS": Sheet.pressure, "DYDIA": Sheet.pressure, "CMIND": Sheet.indication, "AEOUT": Sheet.outcome,
    "AESER": Sheet.serious, "AESERC": Sheet.seriousness, "AEONGO": Sheet.ongoing,
}  # fmt: skip


def _maker(name: str, kind: str) -> Callable[[Sheet, Field, int], Any]:
    if name in _NAMES:
        return _NAMES[name]
    if name[:3] in ("INC", "EXC") and name[3:].isdigit():
        return Sheet.criterion
    if kind == "NUMBER" and len(name) == 5 and name.endswith("NUM"):
        return Sheet.counter
    if kind == "NUMBER" and name[:5] in ("SYSBP", "DIABP", "ABSYS", "ABDIA"):
        return Sheet.pressure
    if name[:2] == "LB" and name[2:] in LABS:
        return Sheet.lab
    if name[:2] == "LB" and name[2:-1] in LABS:
        return Sheet.lab_reading
    return _KINDS[kind]


class Answers:
    """Makes the answers of any planned record, as they would be if nobody made a mistake."""

    def __init__(self, design: Design, dice: Dice, plan: Plan) -> None:
        self.design = design
        self.dice = dice
        self.plan = plan
        self.fields = [
            [
                Field(
                    v["variableName"], v["variableType"], design.codes(v["codeList"]) if v["codeList"] else [],
                    _maker(v["variableName"], v["variableType"]), v["variableId"],
                )
                for v in form["variables"]
            ]
            for form in design.data["forms"]
        ]  # fmt: skip
        self._treated: dict[int, list[Subject]] = {}

    def facts(self, subject: Subject) -> Facts:
        """Personal facts of a subject; a person registered at two sites has the same ones."""
        a, _, _, d, e, f, *_ = self.dice.words(f"person {subject.person}")
        height = 152 + a % 42
        # Two subjects share both initials and birth year only if they are the same person.
        code = subject.person * 271_829 % (24**3 * 46)
        letters, born = divmod(code, 46)
        return Facts(
            initials="-".join(_LETTERS[letters // 24**index % 24] for index in range(3)),
            born=1941 + born,
            sex="Female" if d & 1 else "Male" if d & 0xFF else "Intersex",
            height=height,
            weight=round((height - 100) * (0.85 + (e & 0xFFFF) / 0xFFFF * 0.5), 1),
            systolic=148 + f % 30,
            arm="Treatment" if self.dice.below(3, "arm", subject.number) < 2 else "Sham control",
        )

    def serial(self, subject: int) -> str:
        """The serial number of the catheter used on a subject."""
        return f"TW{10000 + self.dice.below(90000, 'serial', subject)}"

    def treated_at(self, site: int) -> list[Subject]:
        """The first twenty treated subjects of a site."""
        if not self._treated:
            treated: dict[int, list[Subject]] = {index: [] for index in range(len(self.plan.sites))}
            for subject in self.plan.subjects:
                if subject.treated and len(treated[subject.site]) < 20:
                    treated[subject.site].append(subject)
            self._treated = treated
        return self._treated[site]

    def natural(self, rank: int, life: Life, key: str) -> tuple[Row, list[int]]:
        """Answers without defects, and for each of them 32 random bits that decide on its defect."""
        plan = self.plan
        if plan.mark[rank] == TWICE:
            key = f"{key} once more" if plan.form[rank] == self.design.form_index["VS"] else f"{key}"
        sheet = Sheet(self, rank, key)
        fields = self.fields[plan.form[rank]]
        data, defect_words = sheet.data, []
        form_key = self.design.data["forms"][plan.form[rank]]["formKey"]
        done_field = NOT_DONE.get(form_key)
        blank = False
        words: tuple[int, ...] = ()
        for index, field in enumerate(fields):
            if not index & 7:
                words = self.dice.words(f"{key} {index}")
            word = words[index & 7]
            defect_words.append(word >> 32)
            if blank:
                data[field.name] = ""
                continue
            condition = CONDITIONS.get(field.name)
            if condition is not None and condition[1] not in data[condition[0]]:
                data[field.name] = ""
            else:
                data[field.name] = field.maker(sheet, field, word & LOW)
            if field.name == done_field:
                clean = sheet.subject is not None and sheet.subject.story.clean
                data[field.name] = "No" if word & LOW < 0.02 * LOW and not clean else "Yes"
                blank = data[field.name] == "No"
        return data, defect_words


def metadata(life: Life, unscheduled: int) -> Row:
    """The entries of `recordData` that are not answers."""
    return {
        "dateCreated": written(life.created),
        "unvnum": str(unscheduled) if unscheduled else "",
        "dateModified": written(life.modified),
    }
