"""`DefectMaker`: puts defects into answers, each at its own rate, and notes every one.

The names of defects, such as `D01`, and their rates are in `design.json`. Defects of a record as a whole are drawn in
`record_life`; the answers of scripted subjects are in `scripted_subjects`.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from . import scripted_subjects as scripts
from .answers import Answers, metadata
from .design import Design, Row
from .people import NOW
from .plan import TWICE, Plan
from .record_life import Life, Lives, iso
from .seeded import LOW, Dice
from .words import FOREIGN_DRUGS, FOREIGN_TERMS, FORMULAS, NUMBER_IN_WORDS, NUMBER_WITH_SIGN, UNKNOWN_DATES

Note = tuple[str, str | None, Any]
"""The name of a defect, its variable (None: the whole record), and the answer as it would have been without it."""

ALWAYS_ANSWERED = frozenset({"AETERM", "MHTERM", "CMTRT", "VSND", "LBND", "ABND"})
"""Variables that are never missing, because the record would make no sense without them."""

FREE_TEXT = frozenset({"RACEOTH", "MHTERM", "LBNAM", "DYNOTE", "AETERM", "CMTRT", "SIPI", "TRNAME"})
"""Text variables that hold free text; other texts are codes."""

# Rates refer to all answers of a type. Some answers cannot have the defect, so the others get it more often.
SCALE = {"D01": 1.065, "D02": 1.04, "D03": 1.04, "D17": 1.37, "D20": 1.45, "D21": 1.14, "D22": 1.14, "D23": 1.12,
         "D24": 2.05, "D25": 1.21, "D26": 1.2}  # fmt: skip

BY_KIND: dict[str, tuple[str, ...]] = {
    "TEXT": ("D17", "D20"),
    "MEMO": ("D18", "D19"),
    "NUMBER": ("D21", "D22", "D23", "D24"),
    "CALC": ("D24",),
    "CHECKBOX": ("D33", "D24"),
    "PARTIALDATE": ("D25", "D26"),
    "DATE": ("D27", "D29"),
    "DATETIME": ("D27", "D29"),
}
"""Type of variable -> the defects only its answers have."""


class DefectMaker:
    """Turns flawless answers into those that the server sends, and notes each defect."""

    def __init__(self, design: Design, dice: Dice, plan: Plan, lives: Lives) -> None:
        self._design = design
        self._dice = dice
        self._plan = plan
        self._lives = lives
        self._answers = Answers(design, dice, plan)
        self._limits_by_kind = {
            kind: self._limits(kind) for kind in {v.kind for form in self._answers.fields for v in form}
        }

    def _limits(self, kind: str) -> tuple[list[int], list[str]]:
        limits, names, total = [], [], 0.0
        for name in ("D01", "D02", "D03", *BY_KIND.get(kind, ())):
            total += self._design.rate(name) * SCALE.get(name, 1)
            limits.append(int(total * LOW))
            names.append(name)
        return limits, names

    def data(self, rank: int, life: Life | None = None, notes: list[Note] | None = None) -> Row | None:
        """`recordData` of a planned record as an unblinded key sees it; `notes` collects its defects."""
        plan = self._plan
        key = self._lives.key(rank)
        life = life or self._lives.of(rank)
        form = plan.form[rank]
        source, form_key = rank, self._design.data["forms"][form]["formKey"]
        if plan.mark[rank] == TWICE and form_key == "AE":
            source, key = self._repeated_event(rank)
        natural, defect_words = self._answers.natural(source, life, key)
        if plan.mark[rank] == TWICE and form_key == "AE":
            natural["AENUM"] = str(plan.nth[rank])
        owner, _ = plan.owner(rank)
        subject = plan.subject_of(owner)
        number = subject.number if subject else 0
        unscheduled = plan.nth[rank] if form_key == "UNS" else 0
        data = metadata(life, unscheduled)
        notes = [] if notes is None else notes
        if "D05" in life.defects:
            notes.append(("D05", None, None))
            return None
        if "D04" in life.defects:
            notes.append(("D04", None, None))
            return {}
        if subject is not None and subject.story.clean:
            return {**data, **natural}
        self._add_defects(form, natural, defect_words, data, notes)
        scripted = scripts.ANSWERS.get((number, form_key, plan.nth[rank]), {}) if number else {}
        if number in scripts.DIFFICULT_ANSWERS:
            self._add_difficult_values(number, form, plan.nth[rank], data, notes)
        for name, value in scripted.items():
            if value is scripts.ABSENT:
                data.pop(name, None)
            else:
                data[name] = value
        if scripted:
            planted = scripts.PLANTED.get((number, form_key, plan.nth[rank]), ())
            notes[:] = [note for note in notes if note[1] not in scripted]
            notes += [(defect, name, natural.get(name) if name else None) for defect, name in planted]
        if not scripts.is_scripted(number):
            self._add_record_defects(form_key, life, natural, data, notes)
        self._change_keys(form, form_key, life, data, notes)
        return data

    def _repeated_event(self, rank: int) -> tuple[int, str]:
        """Rank and draw name of the adverse event that a record entered twice repeats."""
        plan = self._plan
        owner, _ = plan.owner(rank)
        subject = plan.subject_of(owner)
        form = plan.form[rank]
        for other in range(plan.first[owner], rank):
            if plan.form[other] == form and subject and plan.is_twice(subject, "AE", plan.nth[other]):
                return other, self._lives.key(other)
        return rank, self._lives.key(rank)

    def _add_defects(self, form: int, natural: Row, defect_words: list[int], data: Row, notes: list[Note]) -> None:
        for field, word in zip(self._answers.fields[form], defect_words, strict=True):
            name = field.name
            value = natural[name]
            limits, names = self._limits_by_kind[field.kind]
            if word >= limits[-1]:
                data[name] = value
                continue
            defect = names[bisect_right(limits, word)]
            if defect in ("D01", "D02", "D03"):
                if name in ALWAYS_ANSWERED or (defect == "D01" and value == ""):
                    data[name] = value
                    continue
                notes.append((defect, name, value))
                if defect != "D03":
                    data[name] = "" if defect == "D01" else None
                continue
            spoilt = self._with_defect(defect, name, field.kind, value, word)
            if spoilt is None:
                data[name] = value
                continue
            notes.append((defect, name, value))
            data[name] = spoilt

    @staticmethod
    def _with_defect(defect: str, name: str, kind: str, value: str, word: int) -> Any:
        """The answer with the defect; None if it cannot have it."""
        pick = word * 2654435761 >> 7
        if kind == "TEXT" and (name not in FREE_TEXT or not value):
            return None
        if kind == "MEMO":
            if not value:
                return None
            text = value
            if defect == "D18":
                return f"{text}{(chr(10), chr(13) + chr(10), chr(9))[pick % 3]}Second line\twith a tab"
            return (text + ". ") * (8000 // (len(text) + 2) + 1 + pick % 40)
        if not value or (kind == "NUMBER" and len(name) == 5 and name.endswith("NUM")):
            return None
        if defect == "D17":
            options = tuple(FOREIGN_DRUGS if name == "CMTRT" else FOREIGN_TERMS)
            return options[pick % len(options)]
        if defect == "D20":
            return FORMULAS[pick % len(FORMULAS)]
        if defect == "D21":
            return f"{value.partition('.')[0]},5"
        if defect == "D22":
            return NUMBER_WITH_SIGN[pick % len(NUMBER_WITH_SIGN)]
        if defect == "D23":
            return NUMBER_IN_WORDS[pick % len(NUMBER_IN_WORDS)]
        if defect == "D24":
            if kind == "CHECKBOX":
                return True
            return float(value) if "." in value else int(value)
        if defect == "D25":
            return value[:4] if pick % 7 < 2 else value[:7]
        if defect == "D26":
            return UNKNOWN_DATES[pick % 2]
        if defect == "D27":
            return "2024-02-30" if kind == "DATE" else f"{value[:10]} 24:00"
        if defect == "D29":
            return iso(NOW + 30 + pick % 300) + value[10:]
        return ("true", "false", value.replace(", ", "`") + "`")[pick % 3]  # D33

    def _add_record_defects(self, form_key: str, life: Life, natural: Row, data: Row, notes: list[Note]) -> None:
        """Add defects of several answers together: an end before its start (D28), a weight in another unit (D30)."""
        u = life.words[4] / (1 << 64)
        if form_key == "AE" and natural["AEENDAT"] and u < self._design.rate("D28") / 0.7:
            notes[:] = [note for note in notes if note[1] not in ("AEENDAT", "AESTDAT")]
            notes.append(("D28", "AEENDAT", natural["AEENDAT"]))
            data["AEENDAT"], data["AESTDAT"] = "2024-01-02", natural["AESTDAT"]
        elif form_key == "VS" and natural["WEIGHT"] and u < self._design.rate("D30"):
            notes[:] = [note for note in notes if note[1] != "WEIGHT"]
            notes.append(("D30", "WEIGHT", natural["WEIGHT"]))
            data["WEIGHT"] = f"{float(natural['WEIGHT']) * 2.2046:.1f}"

    def _add_difficult_values(self, number: int, form: int, nth: int, data: Row, notes: list[Note]) -> None:
        """Replace every answer of a type by difficult texts or numbers, in turn."""
        kinds, values = scripts.DIFFICULT_ANSWERS[number]
        for field in self._answers.fields[form]:
            if field.kind in kinds and field.name in data:
                notes[:] = [note for note in notes if note[1] != field.name]
                value = values[(field.variable_id + nth) % len(values)]
                data[field.name] = value
                defect = _DEFECT_OF_DIFFICULT.get(value)
                if defect:
                    notes.append((defect, field.name, None))

    def _change_keys(self, form: int, form_key: str, life: Life, data: Row, notes: list[Note]) -> None:
        """Spell a key in another case (D31) or add a key that no variable declares (D32)."""
        if "D31" in life.defects:
            names = [field.name for field in self._answers.fields[form] if field.name in data]
            if names:
                name = names[life.words[3] % len(names)]
                spelled = [(key.lower() if key == name else key, value) for key, value in data.items()]
                data.clear()
                data.update(spelled)
                notes.append(("D31", name, None))
        if "D32" in life.defects:
            data[f"OLD{form_key}X"] = "left over"
            notes.append(("D32", f"OLD{form_key}X", None))


_DEFECT_OF_DIFFICULT: dict[Any, str] = {
    "=SUM(A1:A9)": "D20", "tab\there": "D18", "line\r\nbreak": "D18", "E\u0301 É": "D17", "עברית": "D17", "😀🏽": "D17",
    "12,5": "D21", "<5": "D22", "1e3": "D23", " 72 ": "D23", "007": "D23", "1 234": "D23",
    "\uff17\uff12": "D23", 0.1: "D24", True: "D24",
}  # fmt: skip
