"""Names of columns, tables and files: valid in the target, unique, and the same in the next run.

The rules of SQL databases are in `integrations.sql_names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...utils.disk import reserved
from ...utils.text import whole
from ..sql_names import NameRules


def from_label(label: str) -> str:
    r"""A column name made from a question's text; empty if no Latin letter, digit or underscore is left.

    Line breaks and tabs become blanks, leading digits and dots and all other characters are removed, blanks become
    underscores.

    >>> from_label("1. Dose/day\nin mg"), from_label("血圧")
    ('DOSEDAY_IN_MG', '')
    """
    text = re.sub(r"[\r\n\t]+", " ", label).strip()
    text = re.sub(r"^[0-9.\s]+", "", text)
    text = re.sub(r"[^A-Za-z0-9_ ]", "", text)
    return re.sub(r" +", "_", text.strip()).upper().strip("_")


def identifier(name: str) -> str:
    """An identifier made from a name: ASCII letters, digits and underscores, beginning with a letter.

    >>> identifier("1st Dose"), identifier("data.recordId"), identifier("血圧")
    ('V1st_Dose', 'data_recordId', 'V')
    """
    cleaned = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return cleaned if cleaned[:1].isalpha() else f"V{cleaned}"


@dataclass
class Namer:
    """Source of unique names: no two that it gives out are equal in the target.

    Args:
        longest: maximum bytes of a name in UTF-8; `None` for no limit.
        clean: whether names must be identifiers.
        upper, lower: whether names are in upper or lower case.
        kept: names an earlier run gave out, by any key; the same key gets the same name again.
        rules: rules of a SQL database; by default any text is a name, and names are compared without regard to case.
        taken: names that must not be given out.

    Attributes:
        given: names given out by `name`, by key.
    """

    longest: int | None = None
    clean: bool = False
    upper: bool = False
    kept: Mapping[str, str] = field(default_factory=dict)
    rules: NameRules | None = None
    taken: Iterable[str] = ()
    lower: bool = False
    given: dict[str, str] = field(default_factory=dict, init=False)
    _taken: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._rules = self.rules or NameRules(self.longest)
        # A name of an earlier run is reused only if this target could have given it out.
        self._reusable = {key: name for key, name in self.kept.items() if self._fitted(name) == name}
        self._taken.update(self._rules.folded(name) for name in (*self._reusable.values(), *self.taken))
        self._in_use: set[str] = set()
        self._counts: dict[str, int] = {}

    def keep(self, names: Mapping[str, str]) -> None:
        """Take over names of an earlier run, before any is given out."""
        self.kept = names
        self.__post_init__()

    def fixed(self, name: str) -> str:
        """A name that has priority over names of earlier runs, changed only where the target cannot hold it."""
        wanted = self._rules.folded(self._fitted(name))
        for key in [key for key, earlier in self._reusable.items() if self._rules.folded(earlier) == wanted]:
            self._taken.discard(self._rules.folded(self._reusable.pop(key)))
        return self._unused(name)

    def name(self, key: str, wanted: str) -> str:
        """The name for a key: that of an earlier run if there is one, otherwise `wanted`, made valid and unique."""
        name = self._reusable.get(key)
        if name is None or name in self._in_use:
            name = self._unused(wanted)
        self.given[key] = name
        self._in_use.add(name)
        return name

    def _fitted(self, wanted: str) -> str:
        """A text made valid for the target, whether or not that name is taken."""
        name = identifier(wanted) if self.clean else self._rules.fitting(whole(wanted))
        return self._rules.cut(self._cased(name))

    def _cased(self, name: str) -> str:
        return name.upper() if self.upper else name.lower() if self.lower else name

    def _unused(self, wanted: str) -> str:
        wanted = identifier(wanted) if self.clean else self._rules.fitting(whole(wanted))
        wanted = self._cased(wanted)
        name = self._rules.cut(wanted)
        count = self._counts.get(wanted, 0)
        while self._rules.folded(name) in self._taken:
            count += 1
            suffix = f"_{count}"
            name = self._rules.cut(wanted, len(suffix)) + suffix
        self._counts[wanted] = count
        self._taken.add(self._rules.folded(name))
        return name


def file_stems(keys: Sequence[str], taken: Iterable[str] = (), kept: Mapping[str, str] | None = None) -> list[str]:
    """File names without extension, one for each key: safe and unique on every system, even without regard to case.

    Args:
        keys: keys of the tables that the files hold.
        taken: names, without extension, of other files in the same folder.
        kept: names that tables have already, by key; the tables among `keys` get theirs again.

    >>> file_stems(["AE", "ae", "CON", "A/B", "manifest"], ["manifest"])
    ['AE', 'ae_2', 'CON_', 'A_B', 'manifest_2']
    """
    names: list[str] = []
    kept = kept or {}
    used = {name.casefold() for name in (*taken, *kept.values())}
    for key in keys:
        if key in kept:
            names.append(kept[key])
            continue
        stem = "".join(
            character if character.isascii() and (character.isalnum() or character in "-_") else "_"
            for character in key
        )[:80]
        stem = stem or "form"
        if reserved(stem):
            stem += "_"
        name, count = stem, 1
        while name.casefold() in used:
            count += 1
            name = f"{stem}_{count}"
        used.add(name.casefold())
        names.append(name)
    return names


def table_keys(forms: Sequence[tuple[str, int | None]]) -> list[str]:
    """Unique keys for the forms' tables, none with the leading underscore of the export's own tables.

    Args:
        forms: key and id of each form; a study may give the same key to several.

    >>> table_keys([("AE", 1), ("AE", 2), ("AE_2", 3), ("_issues", 4)])
    ['AE', 'AE_2_', 'AE_2', 'form_issues']
    """
    forms = [(whole(key), form_id) for key, form_id in forms]
    taken = {key for key, _ in forms if not key.startswith("_")}
    seen: set[str] = set()
    names = []
    for key, form_id in forms:
        if key in taken and key not in seen:
            name = key
        else:
            name = f"form{key}" if key.startswith("_") else f"{key}_{form_id}"
            while name in taken:
                name += "_"
            taken.add(name)
        seen.add(key)
        names.append(name)
    return names


def unknown_names(wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    """The wanted names that are not known, without regard to case."""
    folded = {name.casefold() for name in known}
    return [name for name in wanted if name.casefold() not in folded]
