"""Options of an export, checked before anything is read or written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict, get_args

from ...core.reading.ledger import Consistency
from ...errors import ExportConfigurationError
from ...resources import RESOURCES
from .choices import Choices

Values = Literal["text", "typed", "both", "code", "label"]
Names = Literal["name", "label"]
Deleted = Literal["keep", "drop", "only"]

ENTITIES: Final = tuple(resource.name for resource in RESOURCES.values() if resource.exported)
"""Lists of a study other than its records."""


@dataclass(frozen=True)
class ExportOptions:
    """Options that every export has.

    Attributes:
        forms: keys of the forms to export; by default all enabled ones. A disabled form is exported if it is named.
        variables: names of the variables to export; by default all.
        entities: lists other than the records, such as `("subjects", "visits")`; `("all",)` for all of them.
        disabled: also export disabled forms.
        names: name columns by variable name, or by label (upper case, blanks to underscores, other characters removed).
        values: `text` gives each variable one column with the answer as sent, `typed` one of the variable's type,
            `both` the typed one and, for numbers, dates and times, `NAME_raw` with the text; the default depends on the
            target. `code` and `label` are as `typed`, with the code or the text of each choice in place of what was
            sent. Where choices are given, `both` adds `NAME_code` and `NAME_label`. All but `text` add `NAME_min`,
            `NAME_max` and `NAME_precision` to partial dates.
        context: give each record the name of its interval, the date of its visit, the name of its site and the status
            of its subject; the default depends on the target, `True` for DataFrames.
        split_multi: give each choice of a check box a column of its own, `NAME__CODE`; needs `choices`.
        deleted: keep deleted records (the column `deleted` tells them), drop them, or export only them. A record of a
            deleted subject counts as deleted.
        unblind: the reason for exporting blinded variables, which is written to the extraction log; without a reason
            they are left out.
        excel_safe: put an apostrophe before texts that a spreadsheet would take for a formula (CSV only).
        consistency: what to do if records disappear while they are read, as in `list`.
        fresh: read everything again instead of continuing an earlier run.
        prune: remove tables of forms that the study no longer has; without it they stay as they are.
        choices: `(form key, variable name)` -> text and code of each choice, as in `DataDictionary.labels`; written as
            value labels to targets that have them (Parquet, DataFrames, SPSS).
        max_retries: number of further attempts to write a batch after a temporary failure of the target.
        backoff: seconds to wait after the first failure, roughly.
    """

    forms: Sequence[str] | None = None
    variables: Sequence[str] | None = None
    entities: Sequence[str] = ()
    disabled: bool = False
    names: Names = "name"
    values: Values | None = None
    context: bool | None = None
    split_multi: bool = False
    deleted: Deleted = "keep"
    unblind: str | None = None
    excel_safe: bool = False
    consistency: Consistency = "repair"
    fresh: bool = False
    prune: bool = False
    choices: Mapping[tuple[str, str], Choices] | None = field(default=None, repr=False)
    max_retries: int = 3
    backoff: float = 0.5

    def __post_init__(self) -> None:
        for name, allowed in (("names", Names), ("values", Values), ("deleted", Deleted), ("consistency", Consistency)):
            value = getattr(self, name)
            if value not in get_args(allowed) and not (name == "values" and value is None):
                raise ExportConfigurationError(f"{name} must be one of {', '.join(get_args(allowed))}")
        for name in ("forms", "variables", "entities"):
            value = getattr(self, name)
            if isinstance(value, str) or (value is not None and not all(isinstance(item, str) for item in value)):
                raise ExportConfigurationError(f"{name} must be a list of strings")
        if self.forms is not None and not self.forms:
            raise ExportConfigurationError("forms is empty. Next: leave it out to export all forms")
        if self.unblind is not None and not (isinstance(self.unblind, str) and self.unblind.strip()):
            raise ExportConfigurationError("unblinding needs a reason, which is written to the extraction log")
        if unknown := [name for name in self.entities if name not in ENTITIES and name != "all"]:
            raise ExportConfigurationError(
                f"there is no list {unknown[0]!r}. Next: choose from {', '.join(ENTITIES)}, or all"
            )
        if type(self.max_retries) is not int or self.max_retries < 0:
            raise ExportConfigurationError("max_retries must be a whole number, 0 or more")

    @property
    def lists(self) -> list[str]:
        """The lists other than the records, always in the same order."""
        return [name for name in ENTITIES if "all" in self.entities or name in self.entities]

    def facts(self) -> dict[str, object]:
        """The options that decide which cells an export holds; runs with equal facts can share what was read."""
        return {
            "forms": sorted(self.forms) if self.forms is not None else None,
            "variables": sorted(self.variables) if self.variables is not None else None,
            "entities": self.lists,
            "disabled": self.disabled,
            "names": self.names,
            "values": self.values,
            "context": self.context,
            "splitMulti": self.split_multi,
            "choices": self._digest_of_choices(),
            "deleted": self.deleted,
            "unblinded": self.unblind is not None,
        }

    def _digest_of_choices(self) -> str | None:
        """A digest of the choices, which may be many."""
        if not self.choices:
            return None
        pairs = sorted((list(key), [list(pair) for pair in found]) for key, found in self.choices.items())
        return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]

    def layout(self) -> dict[str, object]:
        """The options that decide which columns and cells a table has."""
        facts = self.facts()
        return {
            name: facts[name]
            for name in ("variables", "names", "values", "context", "splitMulti", "choices", "deleted", "unblinded")
        }


class ExportKeywords(TypedDict, total=False):
    """The same options as keywords of the functions that export; a test compares the two."""

    forms: Sequence[str] | None
    variables: Sequence[str] | None
    entities: Sequence[str]
    disabled: bool
    names: Names
    values: Values | None
    context: bool | None
    split_multi: bool
    deleted: Deleted
    unblind: str | None
    excel_safe: bool
    consistency: Consistency
    fresh: bool
    prune: bool
    choices: Mapping[tuple[str, str], Choices] | None
    max_retries: int
    backoff: float


def limits(options: ExportOptions) -> list[str]:
    """Phrases that say how an export is narrower than the study, for the manifest."""
    phrases = []
    if options.forms is not None:
        phrases.append(f"forms {', '.join(options.forms)} alone")
    if options.variables is not None:
        phrases.append(f"variables {', '.join(options.variables)} alone")
    if options.deleted != "keep":
        phrases.append(f"deleted records: {options.deleted}")
    return phrases
