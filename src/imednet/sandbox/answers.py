"""What stands in `recordData`: plausible answers by kind of field, and the planted defects."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .design import Design
from .dice import Dice
from .plan import Entry, Subject
from .words import DRUGS, TERMS, WORDS

FOREIGN = (
    "Étourdissement léger",
    "E\u0301tourdissement le\u0301ger",
    "頭痛 (軽度)",
    "صداع خفيف",
    "Übelkeit 🤒",
    "Größe — naïve façade",
)
FORMULAS = ("=1+1", "+49 170", "-none-", "@home")
NUMBER_WITH_SIGN = ("<5", ">200", "<0.1")
NUMBER_IN_WORDS = (" 72 ", "1e3", "ND", "N/A", "007")
TORTURE_TEXT = (
    "=SUM(A1:A9)", "tab\there", "line\r\nbreak", "<b>bold</b> & \"quoted\"", "semi;colon,comma",
    "null", "None", "NaN", "NULL", "N/A", " ", "E\u0301 É", "עברית", "😀🏽", "'single'",
)  # fmt: skip
TORTURE_NUMBER = (
    "12,5", "<5", "1e3", " 72 ", "\uff17\uff12", "1 234", "007", "-0", "9007199254740993", 0.1, True,
)  # fmt: skip
RANGES = {
    "SYS": (110, 190), "DIA": (60, 110), "PULSE": (50, 100), "TEMP": (35.8, 38.2), "WEIGHT": (48, 120),
    "HEIGHT": (150, 198), "BMI": (18, 38), "AGE": (32, 84), "HGB": (10.5, 17), "WBC": (3.5, 11), "PLT": (150, 400),
    "CREA": (50, 130), "EGFR": (40, 110), "ALT": (8, 60), "AST": (8, 60), "BILI": (3, 25), "GLUC": (3.9, 9),
    "HBA1C": (4.8, 8), "EGHR": (50, 100), "EGPR": (120, 220), "EGQRS": (70, 120), "EGQTCF": (360, 470),
    "QLVAS": (20, 100), "DOSE": (1, 500), "CONTR": (40, 250), "FLUO": (5, 40), "ABL": (4, 16), "HOSPN": (1, 4),
    "LBK": (3.2, 5.4), "LBNA": (132, 148),
}  # fmt: skip
TEXT_KINDS = ("TEXT", "MEMO")


class Answers:
    """Makes the answers of any record alone, from the seed."""

    def __init__(self, design: Design, dice: Dice) -> None:
        self._design = design
        self._dice = dice
        drawn = ("D01", "D02", "D03", "D17", "D18", "D20", "D21", "D22", "D23", "D31", "D32")
        self._rate = {name: design.rate(name) for name in drawn}

    def of(self, entry: Entry, made: str, changed: str) -> dict[str, Any]:
        """`recordData` of one record, as an unblinded key sees it."""
        number = entry.number
        data: dict[str, Any] = {
            "dateCreated": made,
            "unvnum": str(entry.unscheduled) if entry.unscheduled else "",
            "dateModified": changed,
        }
        if entry.retired:
            return data
        clean = entry.subject is not None and entry.subject.number == 20004
        for variable in entry.form["variables"]:
            name = variable["variableName"]
            value = self._value(entry, variable)
            if not clean:
                value = self._spoilt(number, variable, value)
                if value is _ABSENT:
                    continue
            data[name] = value
        if not clean:
            self._torture(entry, data)
            self._spoil_keys(entry, data)
        return data

    def _value(self, entry: Entry, variable: dict[str, Any]) -> Any:
        dice, number, name = self._dice, entry.number, variable["variableName"]
        kind = variable["variableType"]
        if kind in ("RADIO", "DROPDOWN"):
            return self._choice(entry, name, self._design.codes(variable["codeList"]))
        if kind == "CHECKBOX":
            return self._boxes(number, name, self._design.codes(variable["codeList"]))
        if kind in ("NUMBER", "CALC"):
            return self._number(entry, name)
        if kind == "TEXT":
            return self._text(entry, name)
        if kind == "MEMO":
            return self._memo(number, name) if dice.chance(0.5, number, name, "filled") else ""
        return self._time(entry, name, kind)

    def _choice(self, entry: Entry, name: str, choices: list[str]) -> str:
        subject = entry.subject
        who = (
            subject.number if subject is not None and name in ("SEX", "ETHNIC", "RANDARM", "REGLANG") else entry.number
        )
        if name == "RANDARM":
            return choices[0] if self._dice.below(3, who, name) < 2 else choices[1]
        if subject is not None and name == "IEYN":
            return "No" if subject.status == "Screen Failed" else "Yes"
        if subject is not None and name == "EXREAS":
            return {
                "Completed": "Completed protocol",
                "Withdrawn": "Withdrawal by subject",
                "Lost to Follow-Up": "Lost to follow-up",
                "Deceased": "Death",
                "Screen Failed": "Screen failure",
            }.get(subject.status, "Sponsor decision")
        if choices == ["Yes", "No"]:
            usual = (
                "No" if name.startswith("EXC") or name in ("AESER", "PRCOMP", "FUHOSP", "AEUADE", "CMONGO") else "Yes"
            )
            other = "Yes" if usual == "No" else "No"
            return other if self._dice.chance(0.08, who, name) else usual
        # The first choices of a list are the common ones.
        u = self._dice.unit(who, name)
        return choices[int(u * u * len(choices))]

    def _boxes(self, number: int, name: str, choices: list[str]) -> str:
        first = self._dice.below(len(choices), number, name)
        marked = {first} | ({self._dice.below(len(choices), number, name, 2)} if first % 2 else set())
        return ", ".join(choices[place] for place in sorted(marked))

    def _number(self, entry: Entry, name: str) -> str:
        if name.endswith("NUM") and len(name) == 5:
            return str(entry.sequence)
        if name == "REGYOB":
            return str(1940 + self._dice.below(50, entry.number, name))
        low, high = next((limits for part, limits in RANGES.items() if part in name), (1, 100))
        u = self._dice.unit(entry.number, name)
        if isinstance(low, float) or isinstance(high, float) or high < 20:
            return f"{low + (high - low) * u:.1f}"
        return str(int(low + (high - low) * u))

    def _text(self, entry: Entry, name: str) -> str:
        dice, number = self._dice, entry.number
        if name == "REGINIT":
            letters = "ABCDEFGHJKLMNPRSTVW"
            return f"{dice.pick(letters, number, name, 1)}-{dice.pick(letters, number, name, 2)}"
        if name in ("AETERM", "MHTERM"):
            return dice.pick(TERMS, number, name)
        if name == "CMTRT":
            return dice.pick(DRUGS, number, name)
        if name.endswith(("SER", "LOT")):
            return f"TW{dice.below(90000, number, name) + 10000}"
        if name == "RANDNUM":
            return f"R-{entry.subject.number if entry.subject else number}"
        if name == "DASUBJ":
            return ""
        return self._memo(number, name, 3)

    def _memo(self, number: int, name: str, words: int = 9) -> str:
        dice = self._dice
        count = 2 + dice.below(words, number, name, "words")
        text = " ".join(dice.pick(WORDS, number, name, place) for place in range(count))
        return text[0].upper() + text[1:]

    def _time(self, entry: Entry, name: str, kind: str) -> str:
        dice, number = self._dice, entry.number
        day = entry.day
        if name in ("AEENDAT", "MHENDAT", "CMENDAT"):
            day += timedelta(days=dice.below(30, number, name))
        if name in ("BRTHDAT", "MHSTDAT"):
            day -= timedelta(days=365 * (1 + dice.below(50, number, name)))
        date = day.date().isoformat()
        clock = f"{8 + dice.below(10, number, name, 'hour'):02}:{dice.below(60, number, name, 'minute'):02}"
        if kind == "PARTIALDATE":
            cut = dice.below(100, number, name, "cut")
            return date[:4] if cut < 10 else date[:7] if cut < 35 else date
        if kind == "FILE":
            return f"{name.lower()}_{number}.pdf"
        return {"TIME": clock, "DATETIME": f"{date} {clock}"}.get(kind, date)

    def _spoilt(self, number: int, variable: dict[str, Any], value: Any) -> Any:
        """The value after the defects that are drawn for single answers."""
        dice, name, kind = self._dice, variable["variableName"], variable["variableType"]
        u = dice.unit(number, name, "missing")
        if u < self._rate["D03"]:
            return _ABSENT
        if u < self._rate["D03"] + self._rate["D02"]:
            return None
        if u < self._rate["D03"] + self._rate["D02"] + self._rate["D01"]:
            return ""
        u = dice.unit(number, name, "spoilt")
        if kind in TEXT_KINDS and value:
            if u < self._rate["D17"]:
                return dice.pick(FOREIGN, number, name, "foreign")
            u -= self._rate["D17"]
            if u < self._rate["D20"]:
                return dice.pick(FORMULAS, number, name, "formula")
            if kind == "MEMO" and u < self._rate["D20"] + self._rate["D18"]:
                return f"{value}\nSecond line\twith a tab"
        if kind == "NUMBER":
            if u < self._rate["D21"]:
                return f"{value.partition('.')[0]},5"
            u -= self._rate["D21"]
            if u < self._rate["D22"]:
                return dice.pick(NUMBER_WITH_SIGN, number, name, "sign")
            if u < self._rate["D22"] + self._rate["D23"]:
                return dice.pick(NUMBER_IN_WORDS, number, name, "words")
        return value

    def _spoil_keys(self, entry: Entry, data: dict[str, Any]) -> None:
        """Keys in another case (D31) and keys that no variable declares (D32)."""
        dice, number = self._dice, entry.number
        shaped = entry.subject is not None and entry.subject.number == 20011
        form = entry.form["formKey"]
        if (shaped and form == "DEMO") or dice.chance(self._rate["D31"], number, "case"):
            names = [v["variableName"] for v in entry.form["variables"] if v["variableName"] in data]
            if names:
                name = names[0] if shaped else dice.pick(names, number, "which")
                spelled = [(name.lower() if key == name else key, value) for key, value in data.items()]
                data.clear()
                data.update(spelled)
        if (shaped and form == "REG") or dice.chance(self._rate["D32"], number, "undeclared"):
            data[f"OLD{form}X"] = "left over"

    def _torture(self, entry: Entry, data: dict[str, Any]) -> None:
        """Hard texts and hard numbers of the scripted subjects 20008 and 20009."""
        subject: Subject | None = entry.subject
        if subject is None:
            return
        kinds, values = {
            20008: (TEXT_KINDS, TORTURE_TEXT),
            20009: (("NUMBER",), TORTURE_NUMBER),
        }.get(subject.number, ((), ()))
        for variable in entry.form["variables"]:
            if variable["variableType"] in kinds and variable["variableName"] in data:
                data[variable["variableName"]] = values[(variable["variableId"] + entry.sequence) % len(values)]
        if subject.number == 20008 and "AENARR" in data and entry.sequence == 1:
            data["AENARR"] = "narrative " * 6553 + "ending"  # 65,536 characters


_ABSENT = object()


def written(moment: datetime) -> str:
    """A time as the API writes it: UTC, no zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")
