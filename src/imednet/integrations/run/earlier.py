"""What earlier runs left in a target, by their manifest: the tables that stay, and those whose forms are gone.

A manifest is a file that anybody may have changed: what is not as an export writes it is skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ...errors import ExportConfigurationError
from ..on_disk.folder import file_entries
from ..tables.layout import StudyTables
from ..tables.options import ExportOptions

_SHOWN = 5


class EarlierRuns:
    """The manifest of the runs before this one.

    Attributes:
        tables: key of each table that is there -> its entry in the list of forms.
        places: key of a table -> its entry in the list of files, which says where it is.
    """

    def __init__(self, manifest: Mapping[str, Any] | None) -> None:
        self._manifest = dict(manifest or {})
        states = self._manifest.get("forms")
        entries = [state for state in states if isinstance(state, dict)] if isinstance(states, list) else []
        self.places = {key: entry for entry in file_entries(self._manifest) if (key := _key(entry))}
        there = self.places
        long = "answers" in there and str(self._manifest.get("format")).endswith("-long")
        self.tables: dict[str, dict[str, Any]] = {
            str(state["form"]): state
            for state in entries
            if isinstance(state.get("form"), str) and (long or state["form"] in there)
        }

    def refuse_other(self, folder: Path, study: str, kind: str) -> None:
        """Raise ExportConfigurationError if the folder holds another study or another format."""
        there, format_there = self._manifest.get("study"), self._manifest.get("format")
        if not self._manifest or (there, format_there) == (study, kind):
            return
        raise ExportConfigurationError(
            f"{folder} holds study {there!r} as {format_there}, and this is {study!r} as {kind}. "
            "Next: choose another folder or name"
        )

    def column_names(self, layout: Mapping[str, Any]) -> dict[str, str]:
        """Column names by `formId.variableId`, of tables that were laid out by the same options."""
        same = {str(_form_id(entry)) for entry in file_entries(self._manifest) if entry.get("layout") == layout}
        return {key: name for key, name in self._names().items() if key.partition(".")[0] in same}

    def limited(self, tables: StudyTables, options: ExportOptions) -> frozenset[str]:
        """Tables that may lack columns which earlier runs wrote and the study still has.

        A table that no entry is of may have been written with any options, by a run with another folder for its state.
        """
        layout = options.layout()
        alike = {key for key, entry in self.places.items() if entry.get("layout", layout) == layout}
        return frozenset(tables.all_keys).difference(alike if options.variables is None else ())

    def kept_names(self, kept: Collection[str]) -> dict[str, str]:
        """Column names of tables that stay."""
        scopes = {str(self.tables[key].get("formId")) for key in kept}
        return {key: name for key, name in self._names().items() if key.partition(".")[0] in scopes}

    def kept_states(self, kept: Collection[str], states: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Entries of tables that stay and have none of this run."""
        now = {state["form"] for state in states}
        return [{**state, "stale": True} for key, state in self.tables.items() if key in kept and key not in now]

    def kept_files(self, kept: Collection[str], written: Collection[str]) -> list[dict[str, Any]]:
        """Entries of files and database tables that stay, but for files that this run wrote anew."""
        return [
            {**entry, "stale": True}
            for entry in file_entries(self._manifest)
            if _key(entry) in kept and str(entry.get("file")) not in written
        ]

    def gone(self, tables: StudyTables) -> dict[str, dict[str, Any]]:
        """Tables of forms that the study no longer has by that key -> what the manifest says of where they are."""
        return {
            key: self.places.get(key, {})
            for key, state in self.tables.items()
            if key not in tables.listed and state.get("formId") is not None
        }

    def with_rows(self, kept: Collection[str]) -> set[str]:
        """Those of the tables that stay which are not known to be empty."""
        return {key for key in kept if self.tables[key].get("rows") != 0}

    def _names(self) -> dict[str, str]:
        names = self._manifest.get("columns")
        pairs = names.items() if isinstance(names, dict) else ()
        return {key: name for key, name in pairs if isinstance(name, str)}


def _key(entry: Mapping[str, Any]) -> str | None:
    key = entry.get("form")
    return key if isinstance(key, str) else None


def _form_id(entry: Mapping[str, Any]) -> Any:
    return entry.get("formId") if entry.get("formId") is not None else entry.get("form")


def shown(keys: Collection[str]) -> str:
    """Tables by key in a sentence, the first few of many.

    >>> shown(["AE"]), shown(["A", "B", "C", "D", "E", "F"])
    ('table AE', '6 tables (A, B, C, D, E and 1 more)')
    """
    if len(keys) == 1:
        return f"table {next(iter(keys))}"
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"{len(keys)} tables ({', '.join(list(keys)[:_SHOWN])}{more})"
