"""Names of columns, tables and files: clean where a target needs it, unique always, and the same in the next run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...utils.disk import reserved
from ...utils.text import whole
from ..sql_names import NameRules


def from_label(label: str) -> str:
    r"""A column name made of a question's text; empty where no Latin letter, digit or underscore is left.

    Line breaks and tabs become blanks, leading digits and dots go, other signs go, blanks become underscores.

    >>> from_label("1. Dose/day\nin mg"), from_label("血圧")
    ('DOSEDAY_IN_MG', '')
    """
    text = re.sub(r"[\r\n\t]+", " ", label).strip()
    text = re.sub(r"^[0-9.\s]+", "", text)
    text = re.sub(r"[^A-Za-z0-9_ ]", "", text)
    return re.sub(r" +", "_", text.strip()).upper().strip("_")


def identifier(name: str) -> str:
    """A name of ASCII letters, digits and underscores that begins with a letter.

    >>> identifier("1st Dose"), identifier("data.recordId"), identifier("血圧")
    ('V1st_Dose', 'data_recordId', 'V')
    """
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return plain if plain[:1].isalpha() else f"V{plain}"


@dataclass
class Namer:
    """Gives out names of which no two are equal to the target.

    Args:
        longest: most bytes in UTF-8 of a name; `None` for any number.
        clean: whether names must be identifiers.
        upper: whether names are in upper case.
        kept: what an earlier run gave out, by any key; the same key gets the same name again.
        rules: what names of a SQL database must be; by default any text is a name, and case tells nothing apart.
        taken: names that are given out already.
    """

    longest: int | None = None
    clean: bool = False
    upper: bool = False
    kept: Mapping[str, str] = field(default_factory=dict)
    rules: NameRules | None = None
    taken: Iterable[str] = ()
    given: dict[str, str] = field(default_factory=dict, init=False)
    _taken: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._rules = self.rules or NameRules(self.longest)
        # What an earlier run gave out counts only where this target would give it out too.
        self._again = {key: name for key, name in self.kept.items() if self._shaped(name) == name}
        self._taken.update(self._rules.folded(name) for name in (*self._again.values(), *self.taken))
        self._out: set[str] = set()
        self._counts: dict[str, int] = {}

    def fixed(self, name: str) -> str:
        """A name that comes first and is as it is, but for what the target cannot hold."""
        shaped = self._rules.folded(self._shaped(name))
        for key in [key for key, one in self._again.items() if self._rules.folded(one) == shaped]:
            self._taken.discard(self._rules.folded(self._again.pop(key)))
        return self._free(name)

    def name(self, key: str, wanted: str) -> str:
        """The name of whatever the key stands for."""
        name = self._again.get(key)
        if name is None or name in self._out:
            name = self._free(wanted)
        self.given[key] = name
        self._out.add(name)
        return name

    def _shaped(self, wanted: str) -> str:
        """A text as the target would write it, whether it is free or not."""
        name = identifier(wanted) if self.clean else self._rules.fitting(whole(wanted))
        return self._rules.cut(name.upper() if self.upper else name)

    def _free(self, wanted: str) -> str:
        wanted = identifier(wanted) if self.clean else self._rules.fitting(whole(wanted))
        wanted = wanted.upper() if self.upper else wanted
        name = self._rules.cut(wanted)
        count = self._counts.get(wanted, 0)
        while self._rules.folded(name) in self._taken:
            count += 1
            ending = f"_{count}"
            name = self._rules.cut(wanted, len(ending)) + ending
        self._counts[wanted] = count
        self._taken.add(self._rules.folded(name))
        return name


def file_stems(keys: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """A file name without ending for each key, safe and unique on every system, also where case tells nothing apart.

    Args:
        keys: what the files hold.
        taken: names, without ending, of other files in the same folder.

    >>> file_stems(["AE", "ae", "CON", "A/B", "manifest"], ["manifest"])
    ['AE', 'ae_2', 'CON_', 'A_B', 'manifest_2']
    """
    names: list[str] = []
    there = {name.casefold() for name in taken}
    for key in keys:
        plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in key)[:80]
        plain = plain or "form"
        if reserved(plain):
            plain += "_"
        name, count = plain, 1
        while name.casefold() in there:
            count += 1
            name = f"{plain}_{count}"
        there.add(name.casefold())
        names.append(name)
    return names


def table_keys(forms: Sequence[tuple[str, int | None]]) -> list[str]:
    """A key for each form's table, of which no two are equal and none begins as the export's own tables do.

    Args:
        forms: key and number of each form; a study may give one key to several.

    >>> table_keys([("AE", 1), ("AE", 2), ("AE_2", 3), ("_issues", 4)])
    ['AE', 'AE_2_', 'AE_2', 'form_issues']
    """
    forms = [(whole(key), number) for key, number in forms]
    taken = {key for key, _ in forms if not key.startswith("_")}
    firsts: set[str] = set()
    names = []
    for key, number in forms:
        if key in taken and key not in firsts:
            name = key
        else:
            name = f"form{key}" if key.startswith("_") else f"{key}_{number}"
            while name in taken:
                name += "_"
            taken.add(name)
        firsts.add(key)
        names.append(name)
    return names


def unknown_of(wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    """Which of the wanted names are not known, case left aside."""
    there = {name.casefold() for name in known}
    return [name for name in wanted if name.casefold() not in there]
