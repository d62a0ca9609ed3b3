"""`sdk.workflows.study_structure`: the design of a study in one file, and the changes between two such files.

>>> from imednet import ImednetSDK
>>> from imednet.sandbox import Sandbox
>>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
...     design = sdk.workflows.study_structure.get_study_structure("TIDEWATER-201")
...     again = sdk.workflows.study_structure.get_study_structure("TIDEWATER-201")
>>> len(design.facts["forms"]), design.text() == again.text(), differences(design, again)
(29, True, [])
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imednet_api.types import Model, utc

from ..core.concurrency import async_gather, gather
from ..errors import ArgumentError
from ..utils import disk
from ..utils.truth import is_true
from ..validation.dictionary import DataDictionary
from .base import AsyncWorkflow, Workflow

VERSION: Final = 1
_KEYS: Final = {
    "sites": ("siteId",),
    "forms": ("formId",),
    "variables": ("variableId",),
    "intervals": ("intervalId",),
    "users": ("userId", "login"),
}
"""List -> fields that identify its rows; the first one that a row has counts."""
_NAMES: Final = {
    "sites": "siteName",
    "forms": "formName",
    "variables": "variableName",
    "intervals": "intervalName",
    "users": "login",
}
_DATES: Final = frozenset({"dateModified", "dateCreated"})
"""Fields whose change alone is not a change of the design."""
_ORDER: Final = {"variables": "sequence", "intervals": "intervalSequence"}


@dataclass(frozen=True)
class DesignChange:
    """One change of a study's design.

    Attributes:
        what: the list, such as `forms`.
        key: the row: a form's key, a variable as `FORM.VARIABLE`, a name, a login.
        kind: `added`, `removed`, `disabled`, `enabled`, `deleted`, `restored`, `renamed`, `re-ordered`,
            `revision raised` or `changed`.
        old, new: the name, revision or position before and after; for `changed`, `new` names the fields.
    """

    what: str
    key: str
    kind: str
    old: Any = None
    new: Any = None

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {"list": self.what, "key": self.key, "change": self.kind, "old": self.old, "new": self.new}


class Design:
    """The design of a study as sorted plain rows, so that the same design gives the same bytes.

    Attributes:
        facts: the study, and each list's rows.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = dict(facts)

    @property
    def study_key(self) -> str:
        """The study."""
        return str(self.facts["studyKey"])

    def text(self) -> str:
        """The design as JSON, with keys and rows sorted."""
        return json.dumps(self.facts, ensure_ascii=False, sort_keys=True, indent=1) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write the design into one file. Raises ArgumentError if it cannot be written."""
        path = Path(path)
        try:
            disk.write_whole(path, self.text())
        except OSError as error:
            raise ArgumentError(f"{path} cannot be written ({error.strerror}). Next: name another file") from None
        return path

    @property
    def sha256(self) -> str:
        """The checksum of the design, by which two designs are told apart."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    @classmethod
    def load(cls, path: str | Path) -> Design:
        """Read a design that was saved.

        Raises:
            ArgumentError: the file is not a design.
        """
        try:
            facts = json.loads(Path(path).read_text("utf-8"))
            if facts["version"] != VERSION or not all(isinstance(facts[name], list) for name in _KEYS):
                raise ValueError("not a design")
        except (OSError, ValueError, KeyError, TypeError):
            raise ArgumentError(f"{path} is not a design. Next: imednet structure snapshot STUDY FILE") from None
        return cls(facts)


def design_of(
    study: Model | None, lists: Mapping[str, Iterable[Model]], study_key: str, dictionary: DataDictionary | None = None
) -> Design:
    """Make a design from lists that were read."""
    facts: dict[str, Any] = {
        "version": VERSION,
        "studyKey": study_key,
        "study": _plain(study.to_dict()) if study is not None else None,
    }
    for name, rows in lists.items():
        plain = [_plain(row.to_dict()) for row in rows]
        facts[name] = sorted(plain, key=lambda row: _key_of(name, row))
    choices = dictionary.choices if dictionary is not None else {}
    for row in facts["variables"]:
        own = choices.get((str(row.get("formKey")), str(row.get("variableName"))))
        row["choicesKnown"] = own is not None
        if own is not None:
            row["choices"] = list(own)
    return Design(facts)


def _plain(value: Any) -> Any:
    """A row with its lists sorted and dates of roles in one form, whichever the server used."""
    if isinstance(value, dict):
        return {name: _date(inner) if name in _DATES else _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        plain = [_plain(item) for item in value]
        return sorted(plain, key=lambda item: json.dumps(item, sort_keys=True, ensure_ascii=False))
    return value


def _date(value: Any) -> Any:
    moment = utc(value)
    return moment.isoformat() if moment is not None else value


def _key_of(name: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    value = next((row[field] for field in _KEYS[name] if row.get(field) is not None), None)
    return (value is None, str(type(value)), value if value is not None else json.dumps(row, sort_keys=True))


def _shown(name: str, row: Mapping[str, Any]) -> str:
    if name == "forms":
        return str(row.get("formKey"))
    own = str(row.get(_NAMES[name]))
    return f"{row.get('formKey')}.{own}" if name == "variables" else own


def differences(old: Design, new: Design) -> list[DesignChange]:
    """List the changes from one design to another, at most one for each row and kind of change.

    The order of keys and rows does not matter, nor do dates of change alone.

    Raises:
        ArgumentError: the designs are of different studies.
    """
    if old.study_key != new.study_key:
        raise ArgumentError(f"the designs are of two studies, {old.study_key!r} and {new.study_key!r}")
    changes: list[DesignChange] = []
    for name in _KEYS:
        before = {_key_of(name, row): row for row in old.facts[name]}
        after = {_key_of(name, row): row for row in new.facts[name]}
        moved = _moved(name, before, after)
        changes += [DesignChange(name, _shown(name, after[key]), "added") for key in after if key not in before]
        changes += [DesignChange(name, _shown(name, before[key]), "removed") for key in before if key not in after]
        for key in after:
            if key in before:
                changes += _changes(name, before[key], after[key], key in moved)
    return changes


def _moved(name: str, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> set[Any]:
    """Keys of rows that changed their position among the rows of both designs."""
    field = _ORDER.get(name)
    if field is None:
        return set()
    moved: set[Any] = set()
    forms = {row.get("formId") for row in after.values()} if name == "variables" else {None}
    for form in forms:
        common = [key for key in after if key in before and (name != "variables" or after[key].get("formId") == form)]
        orders = [sorted(common, key=lambda key: (rows[key].get(field) or 0, key)) for rows in (before, after)]
        moved |= {old for old, new in zip(*orders, strict=True) if old != new}
    return moved


def _changes(name: str, old: Mapping[str, Any], new: Mapping[str, Any], moved: bool) -> Iterable[DesignChange]:
    shown = _shown(name, new)
    own = {_NAMES[name], "label", "revision", "disabled", "deleted", _ORDER.get(name, ""), *_DATES}
    if old.get(_NAMES[name]) != new.get(_NAMES[name]):
        yield DesignChange(name, shown, "renamed", old.get(_NAMES[name]), new.get(_NAMES[name]))
    elif old.get("label") != new.get("label"):
        yield DesignChange(name, shown, "renamed", old.get("label"), new.get("label"))
    for field, on, off in (("disabled", "disabled", "enabled"), ("deleted", "deleted", "restored")):
        if is_true(old.get(field)) != is_true(new.get(field)):
            yield DesignChange(name, shown, on if is_true(new.get(field)) else off)
    if moved:
        field = _ORDER[name]
        yield DesignChange(name, shown, "re-ordered", old.get(field), new.get(field))
    if old.get("revision") != new.get("revision"):
        yield DesignChange(name, shown, "revision raised", old.get("revision"), new.get("revision"))
    fields = sorted(other for other in {*old, *new} - own if old.get(other) != new.get(other))
    if fields:
        yield DesignChange(name, shown, "changed", None, ", ".join(fields))


class AsyncStudyStructureWorkflow(AsyncWorkflow):
    """The design of a study."""

    async def get_study_structure(self, study_key: str, dictionary: DataDictionary | None = None) -> Design:
        """Read the design of a study as it is now: sites, forms, variables, intervals and users.

        Args:
            study_key: the study.
            dictionary: the study's data dictionary, which adds the choices of each variable.

        Returns:
            Sorted rows. Each variable says whether its choices are known, since the API does not give them. Variables
            of the same name on two forms are two rows.
        """
        studies, sites, forms, variables, intervals, users = await async_gather(
            lambda: self._sdk.studies.list(refresh=True),
            lambda: self._sdk.sites.list(study_key, refresh=True),
            lambda: self._sdk.forms.list(study_key, refresh=True),
            lambda: self._sdk.variables.list(study_key, refresh=True),
            lambda: self._sdk.intervals.list(study_key, refresh=True),
            lambda: self._sdk.users.list(study_key, include_inactive=True),
        )
        study = next((study for study in studies if study.study_key == study_key), None)
        lists: dict[str, Sequence[Model]] = {
            "sites": sites, "forms": forms, "variables": variables, "intervals": intervals, "users": users,
        }  # fmt: skip
        return design_of(study, lists, study_key, dictionary)

    async def snapshot(self, study_key: str, path: str | Path, dictionary: DataDictionary | None = None) -> Design:
        """Write the design of a study into one file; the same design gives the same bytes.

        Args:
            study_key: the study.
            path: the file.
            dictionary: the study's data dictionary.
        """
        design = await self.get_study_structure(study_key, dictionary)
        design.save(path)
        return design

    async def diff(self, study_key: str, path: str | Path) -> list[DesignChange]:
        """List the changes since a design was saved.

        Args:
            study_key: the study.
            path: the file.
        """
        old = Design.load(path)
        new = await self.get_study_structure(study_key)
        kept = {_key_of("variables", row): row for row in old.facts["variables"]}
        for row in new.facts["variables"]:  # choices come from a dictionary, not from the server
            earlier = kept.get(_key_of("variables", row), {})
            row.pop("choices", None)
            row.update({name: earlier[name] for name in ("choices", "choicesKnown") if name in earlier})
        return differences(old, new)


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class StudyStructureWorkflow(Workflow):
    """The design of a study."""

    def get_study_structure(self, study_key: str, dictionary: DataDictionary | None = None) -> Design:
        """Read the design of a study as it is now: sites, forms, variables, intervals and users.

        Args:
            study_key: the study.
            dictionary: the study's data dictionary, which adds the choices of each variable.

        Returns:
            Sorted rows. Each variable says whether its choices are known, since the API does not give them. Variables
            of the same name on two forms are two rows.
        """
        studies, sites, forms, variables, intervals, users = gather(
            lambda: self._sdk.studies.list(refresh=True),
            lambda: self._sdk.sites.list(study_key, refresh=True),
            lambda: self._sdk.forms.list(study_key, refresh=True),
            lambda: self._sdk.variables.list(study_key, refresh=True),
            lambda: self._sdk.intervals.list(study_key, refresh=True),
            lambda: self._sdk.users.list(study_key, include_inactive=True),
        )
        study = next((study for study in studies if study.study_key == study_key), None)
        lists: dict[str, Sequence[Model]] = {
            "sites": sites, "forms": forms, "variables": variables, "intervals": intervals, "users": users,
        }  # fmt: skip
        return design_of(study, lists, study_key, dictionary)

    def snapshot(self, study_key: str, path: str | Path, dictionary: DataDictionary | None = None) -> Design:
        """Write the design of a study into one file; the same design gives the same bytes.

        Args:
            study_key: the study.
            path: the file.
            dictionary: the study's data dictionary.
        """
        design = self.get_study_structure(study_key, dictionary)
        design.save(path)
        return design

    def diff(self, study_key: str, path: str | Path) -> list[DesignChange]:
        """List the changes since a design was saved.

        Args:
            study_key: the study.
            path: the file.
        """
        old = Design.load(path)
        new = self.get_study_structure(study_key)
        kept = {_key_of("variables", row): row for row in old.facts["variables"]}
        for row in new.facts["variables"]:  # choices come from a dictionary, not from the server
            earlier = kept.get(_key_of("variables", row), {})
            row.pop("choices", None)
            row.update({name: earlier[name] for name in ("choices", "choicesKnown") if name in earlier})
        return differences(old, new)
