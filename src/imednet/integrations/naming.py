"""Names of columns, tables and files: clean where a target needs it, unique always, and the same in the next run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)
"""File names that Windows keeps for devices."""


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
    """Gives out names of which no two are equal, case left aside.

    Args:
        longest: most characters, or bytes in UTF-8, of a name; `None` for any number.
        clean: whether names must be identifiers.
        upper: whether names are in upper case.
        kept: what an earlier run gave out, by any key; the same key gets the same name again.
    """

    longest: int | None = None
    clean: bool = False
    upper: bool = False
    kept: Mapping[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict, init=False)
    _taken: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._taken.update(name.casefold() for name in self.kept.values())

    def fixed(self, name: str) -> str:
        """A name that comes first and is as it is, but for what the target cannot hold."""
        return self._free(name)

    def name(self, key: str, wanted: str) -> str:
        """The name of whatever the key stands for."""
        name = self.kept.get(key)
        if name is None or name in self.given.values():
            name = self._free(wanted)
        self.given[key] = name
        return name

    def _free(self, wanted: str) -> str:
        wanted = identifier(wanted) if self.clean else wanted
        base = _cut(wanted.upper() if self.upper else wanted, self.longest)
        name, count = base, 0
        while name.casefold() in self._taken:
            count += 1
            ending = f"_{count}"
            name = _cut(base, None if self.longest is None else self.longest - len(ending)) + ending
        self._taken.add(name.casefold())
        return name


def _cut(name: str, longest: int | None) -> str:
    if longest is None or len(name.encode("utf-8", "replace")) <= longest:
        return name
    return name.encode("utf-8", "replace")[:longest].decode("utf-8", "ignore")


def file_stems(keys: Sequence[str]) -> list[str]:
    """A file name without ending for each key, safe and unique on every system, also where case tells nothing apart.

    >>> file_stems(["AE", "ae", "CON", "A/B"])
    ['AE', 'ae_2', 'CON_', 'A_B']
    """
    names: list[str] = []
    taken: set[str] = set()
    for key in keys:
        plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in key)[:80]
        plain = plain or "form"
        if plain.casefold() in _RESERVED:
            plain += "_"
        name, count = plain, 1
        while name.casefold() in taken:
            count += 1
            name = f"{plain}_{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def unknown_of(wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    """Which of the wanted names are not known, case left aside."""
    there = {name.casefold() for name in known}
    return [name for name in wanted if name.casefold() not in there]
