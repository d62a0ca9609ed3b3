"""What a caller can choose about an export, checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from ...core.reading.ledger import Consistency
from ...errors import ExportConfigurationError

Values = Literal["text", "typed", "both"]
Names = Literal["name", "label"]
Deleted = Literal["keep", "drop", "only"]

ENTITIES: Final = {
    "sites": "sites",
    "intervals": "intervals",
    "subjects": "subjects",
    "visits": "visits",
    "queries": "queries",
    "codings": "codings",
    "record_revisions": "record_revisions",
    "users": "users",
    "forms": "forms",
    "variables": "variables",
}
"""Lists of a study beside its records -> attribute of the SDK."""


@dataclass(frozen=True)
class ExportOptions:
    """Choices that every export has.

    Attributes:
        forms: keys of the forms to export; all enabled ones when it is left out. A form that is named is exported
            although it is disabled.
        variables: names of the variables to export; all when it is left out.
        entities: lists beside the records, such as `("subjects", "visits")`; `("all",)` for all of them.
        disabled: also disabled forms.
        names: columns are named by variable name, or by label (blanks to underscores, upper case, other signs off).
        values: `text` gives one column a variable with the answer as sent, `typed` one of the variable's kind, `both`
            the typed one and, for kinds that are cast, `NAME_raw` beside it; each target has a default of its own.
        deleted: keep deleted records (the column `deleted` tells), drop them, or take only them. A record of a deleted
            subject counts as deleted.
        unblind: the reason for which blinded variables are exported too; it is written to the extraction log. They are
            left out when it is not given.
        excel_safe: put an apostrophe before texts that a spreadsheet would take for a formula (CSV only).
        consistency: what to do when records go while they are read, as in `list`.
        fresh: read everything again, also where an earlier run could be gone on with.
        choices: `(form key, variable name)` -> text and code of each choice, as `DataDictionary.labels` has them; they
            go along as value labels where the target can hold some (Parquet, DataFrames, SPSS).
        max_retries: how often a batch is written again after a passing failure of the target.
        backoff: seconds that the first wait between two tries is about.
    """

    forms: Sequence[str] | None = None
    variables: Sequence[str] | None = None
    entities: Sequence[str] = ()
    disabled: bool = False
    names: Names = "name"
    values: Values | None = None
    deleted: Deleted = "keep"
    unblind: str | None = None
    excel_safe: bool = False
    consistency: Consistency = "repair"
    fresh: bool = False
    choices: Mapping[tuple[str, str], Sequence[tuple[str, str | None]]] | None = field(default=None, repr=False)
    max_retries: int = 3
    backoff: float = 0.5

    def __post_init__(self) -> None:
        for name, allowed in (("names", Names), ("values", Values), ("deleted", Deleted), ("consistency", Consistency)):
            value = getattr(self, name)
            if value not in get_args(allowed) and not (name == "values" and value is None):
                raise ExportConfigurationError(f"{name} must be one of {', '.join(get_args(allowed))}")
        for name in ("forms", "variables", "entities"):
            value = getattr(self, name)
            if isinstance(value, str) or (value is not None and not all(isinstance(one, str) for one in value)):
                raise ExportConfigurationError(f"{name} must be a list of texts")
        if self.forms is not None and not self.forms:
            raise ExportConfigurationError("forms is empty. Next: leave it out to export all forms")
        if self.unblind is not None and not (isinstance(self.unblind, str) and self.unblind.strip()):
            raise ExportConfigurationError("unblinding needs a reason, which is written to the extraction log")
        if unknown := [one for one in self.entities if one not in ENTITIES and one != "all"]:
            raise ExportConfigurationError(
                f"there is no list {unknown[0]!r}. Next: choose of {', '.join(ENTITIES)}, or all"
            )
        if type(self.max_retries) is not int or self.max_retries < 0:
            raise ExportConfigurationError("max_retries must be a whole number from 0")

    @property
    def lists(self) -> list[str]:
        """The lists beside the records, in one order."""
        return [name for name in ENTITIES if "all" in self.entities or name in self.entities]

    def facts(self) -> dict[str, object]:
        """What decides which cells an export holds; two runs that agree in it can share what was read."""
        return {
            "forms": sorted(self.forms) if self.forms is not None else None,
            "variables": sorted(self.variables) if self.variables is not None else None,
            "entities": self.lists,
            "disabled": self.disabled,
            "names": self.names,
            "values": self.values,
            "deleted": self.deleted,
            "unblinded": self.unblind is not None,
        }


def limits(options: ExportOptions) -> list[str]:
    """In which ways an export is narrower than the study, in words."""
    found = []
    if options.forms is not None:
        found.append(f"forms {', '.join(options.forms)} alone")
    if options.variables is not None:
        found.append(f"variables {', '.join(options.variables)} alone")
    if options.deleted != "keep":
        found.append(f"deleted records: {options.deleted}")
    return found
