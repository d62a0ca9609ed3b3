"""Exports read back: a folder with its manifest is a snapshot of a study; two of them tell which answers changed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from imednet_api.types import decode

from ...errors import ArgumentError
from ...utils import disk
from .._optional import _require_optional_dep
from ..tables.layout import CONTEXT, OTHER
from .folder import MANIFEST, file_entries, sha256

_FORMATS: Final = ("csv", "jsonl", "json", "parquet")
_OWN: Final = (frozenset(CONTEXT) | {"data.dateCreated", "data.dateModified"}) - {"recordStatus", "deleted"}
"""Fields of a record that are no answers; a change of the other two is a change."""


@dataclass(frozen=True)
class ValueChange:
    """An answer, or a field of the record, that two snapshots hold otherwise.

    Attributes:
        form_key, record_id: the record.
        variable: the variable's column; `None` where the whole record came or went.
        old, new: the values as text; `None` where there is none.
    """

    form_key: str
    record_id: int
    variable: str | None
    old: str | None = field(repr=False)
    new: str | None = field(repr=False)

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {
            "formKey": self.form_key,
            "recordId": self.record_id,
            "variable": self.variable,
            "old": self.old,
            "new": self.new,
        }


class Snapshot:
    """An export of a study into files.

    Args:
        folder: where its manifest is.

    Raises:
        ArgumentError: it is no export into CSV, JSON, JSON Lines or Parquet files.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            self.manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text("utf-8"))
            self.format: str = self.manifest["format"]
            self.study_key: str = self.manifest["study"]
            files = [one for one in file_entries(self.manifest) if "form" in one]
            self._files = {one["form"]: disk.inside(self.folder, one["file"]) for one in files}
            self._ids = {one["form"]: one.get("formId") for one in files}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ArgumentError(f"{self.folder} holds no export. Next: imednet export parquet STUDY FOLDER") from None
        if self.format not in _FORMATS:
            raise ArgumentError(f"{self.folder} is an export into {self.format}; choose one into {', '.join(_FORMATS)}")
        if self.manifest.get("status") != "complete":
            raise ArgumentError(f"{self.folder} is an incomplete export. Next: run it again until it is complete")

    @property
    def taken(self) -> str | None:
        """The server's time when the export ended, UTC."""
        taken: str | None = (self.manifest.get("serverTime") or {}).get("to")
        return taken

    @property
    def forms(self) -> list[str]:
        """Keys of the forms it has."""
        return [key for key in self._files if not key.startswith("_")]

    def records(self, form_key: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Records of one form: number, and its answers and status as text; missing ones are left out."""
        path = self._files[form_key]
        self._check(path)
        reader = {"csv": _csv, "jsonl": _lines, "json": _json, "parquet": _parquet}[self.format]
        pairs = self._raw_columns(form_key)
        for row in reader(path):
            answers = row.pop("recordData", None)
            if isinstance(answers, dict):  # records as the server gave them
                row = {**row, **{f"data.{name}" if name in CONTEXT else name: one for name, one in answers.items()}}
            number = int(row["recordId"])
            texts = {name: _text(value) for name, value in row.items() if name not in _OWN and name != OTHER}
            texts.update({typed: texts.pop(raw) for typed, raw in pairs.items() if raw in texts})
            yield number, {name: text for name, text in texts.items() if text not in (None, "")}

    def _check(self, path: Path) -> None:
        """Raise ArgumentError where a file is not as the export wrote it: what is missing would look deleted."""
        entries = (one for one in file_entries(self.manifest) if one.get("file"))
        wanted = next((one.get("sha256") for one in entries if self.folder / str(one["file"]) == path), None)
        if not path.is_file() or (wanted is not None and sha256(path) != wanted):
            raise ArgumentError(
                f"{path} is missing or was changed since it was exported. Next: imednet log verify {self.folder}"
            )

    def _raw_columns(self, form_key: str) -> dict[str, str]:
        """Typed column of a form -> the column beside it that holds its text, as the manifest names them."""
        columns = self.manifest.get("columns")
        mapping: dict[str, str] = columns if isinstance(columns, dict) else {}
        prefix = f"{self._ids.get(form_key)}."
        own = {key: name for key, name in mapping.items() if key.startswith(prefix)}
        return {own[key.removesuffix(".raw")]: name for key, name in own.items() if key.endswith(".raw")}


def value_changes(before: Snapshot, after: Snapshot) -> Iterator[ValueChange]:
    """What two snapshots hold otherwise, form by form. Holds the answers of one form of the earlier one in memory.

    Raises:
        ArgumentError: they are of two studies, or of two formats, whose texts may differ.
    """
    if before.study_key != after.study_key:
        raise ArgumentError(f"the snapshots are of two studies, {before.study_key!r} and {after.study_key!r}")
    if (before.format, before.manifest.get("options")) != (after.format, after.manifest.get("options")):
        raise ArgumentError("the snapshots were made with different formats or options. Next: export both alike")
    for form_key in dict.fromkeys([*before.forms, *after.forms]):
        old = dict(before.records(form_key)) if form_key in before.forms else {}
        for number, row in after.records(form_key) if form_key in after.forms else ():
            earlier = old.pop(number, None)
            if earlier is None:
                yield ValueChange(form_key, number, None, None, "created")
                continue
            for name in dict.fromkeys([*earlier, *row]):
                if earlier.get(name) != row.get(name):
                    yield ValueChange(form_key, number, name, earlier.get(name), row.get(name))
        for number in old:
            yield ValueChange(form_key, number, None, "there", None)


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield decode(line)


def _json(path: Path) -> Iterator[dict[str, Any]]:
    yield from decode(path.read_bytes())


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    parquet = _require_optional_dep("pyarrow.parquet", "export")
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(4_000):
            yield from batch.to_pylist()


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
