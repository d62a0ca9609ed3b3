"""Tables of an export: which columns each form has, and how a record becomes a row of texts.

Columns come from the design of the study: record context, then every variable of the form in form order, also where no
record answers it. Answers that no variable declares become further columns, in the order of their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from imednet_api.models import Form, Record, Variable

CONTEXT: Final = tuple(name for name in Record.FIELDS if name not in Record.UNDECODED)
"""Columns of the record itself, as the server spells them."""

INTEGERS: Final = frozenset(name for name in CONTEXT if name.endswith("Id"))
BOOLEANS: Final = frozenset({"deleted"})
UNASSIGNED: Final = "_unassigned"
"""Where records of forms that the study does not list go."""

_RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)
"""File names that Windows keeps for devices."""


@dataclass
class FormTable:
    """One form: its columns and what was met while reading.

    Attributes:
        key, form_id, name, form_type, disabled: the form, as the study lists it.
        variables: names of the variables that get a column, in form order.
        blinded: names of the variables that are left out because they are blinded.
        undeclared: answers no variable declares, with how many records have them.
        case_variants: answers spelled in another case than their variable, with how many records have them.
        rows: records met.
    """

    key: str
    form_id: int | None = None
    name: str | None = None
    form_type: str | None = None
    disabled: bool | None = None
    variables: tuple[str, ...] = ()
    blinded: tuple[str, ...] = ()
    undeclared: dict[str, int] = field(default_factory=dict)
    case_variants: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def __post_init__(self) -> None:
        self._declared = frozenset(self.variables)
        self._hidden = frozenset(name.casefold() for name in self.blinded)
        self._by_case: dict[str, str] = {}
        for name in self.variables:
            self._by_case.setdefault(name.casefold(), name)

    def row(self, answers: dict[str, str | None]) -> tuple[list[str | None], dict[str, str | None]]:
        """Answers of one record: those of the variables in order, and the undeclared ones by name."""
        self.rows += 1
        cells = [answers.get(name) for name in self.variables]
        further: dict[str, str | None] = {}
        for name in sorted(answers.keys() - self._declared):
            value = answers[name]
            if name.casefold() in self._hidden:
                continue
            declared = self._by_case.get(name.casefold())
            if declared is not None and declared not in answers and cells[self.variables.index(declared)] is None:
                cells[self.variables.index(declared)] = value
                self.case_variants[name] = self.case_variants.get(name, 0) + 1
                continue
            further[name] = value
            self.undeclared[name] = self.undeclared.get(name, 0) + 1
        return cells, further

    @property
    def further(self) -> list[str]:
        """Undeclared answers that get a column, in order."""
        return sorted(self.undeclared)

    def columns(self) -> list[str]:
        """Names of all columns: an answer named like a context column gets the prefix `data.`."""
        names = list(CONTEXT)
        taken = set(names)
        for answer in [*self.variables, *self.further]:
            name = answer
            while name in taken:
                name = f"data.{name}"
            taken.add(name)
            names.append(name)
        return names


def tables(forms: Iterable[Form], variables: Iterable[Variable]) -> list[FormTable]:
    """A table for each form, in the order of their numbers."""
    by_form: dict[Any, list[Variable]] = {}
    for variable in variables:
        by_form.setdefault(variable.form_id, []).append(variable)
    found = []
    for form in sorted(forms, key=lambda one: (_number(one.form_id), str(one.form_key))):
        own = sorted(by_form.get(form.form_id, []), key=lambda one: (_number(one.sequence), _number(one.variable_id)))
        named = [one for one in own if one.variable_name]
        blinded = dict.fromkeys(str(one.variable_name) for one in named if one.blinded)
        shown = dict.fromkeys(str(one.variable_name) for one in named if str(one.variable_name) not in blinded)
        found.append(
            FormTable(
                key=str(form.form_key or form.form_id),
                form_id=form.form_id,
                name=form.form_name,
                form_type=form.form_type,
                disabled=form.disabled,
                variables=tuple(shown),
                blinded=tuple(blinded),
            )
        )
    return found


def unassigned(forms: Iterable[Form], variables: Iterable[Variable], taken: Iterable[str]) -> FormTable:
    """The table of records of unlisted forms. Answers that are blinded on any unlisted form are left out here too."""
    listed = {form.form_id for form in forms}
    blinded = [str(one.variable_name) for one in variables if one.blinded and one.form_id not in listed]
    name = UNASSIGNED
    while name in set(taken):
        name += "_"
    return FormTable(name, blinded=tuple(dict.fromkeys(blinded)))


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def file_names(keys: Sequence[str], ending: str) -> list[str]:
    """A file name for each form key, safe and unique on every system, also where case does not tell names apart.

    >>> file_names(["AE", "ae", "CON", "A/B"], "csv")
    ['AE.csv', 'ae_2.csv', 'CON_.csv', 'A_B.csv']
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
        names.append(f"{name}.{ending}")
    return names
