"""Snapshots: exports read back from their folder, and the answers that changed between two of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ...errors import ArgumentError
from ..tables.layout import CONTEXT, CONTEXT_LISTS, OTHER
from .exported_files import read_csv, read_json, read_json_lines, read_parquet
from .folder import MANIFEST, exported_file, file_entries, read_object, sha256

_READERS: Final = {
    "csv": read_csv,
    "jsonl": read_json_lines,
    "jsonl-raw": read_json_lines,
    "json": read_json,
    "json-raw": read_json,
    "parquet": read_parquet,
    "parquet-partitioned": read_parquet,
}
"""Format of an export -> the function that reads one of its files."""
_DERIVED: Final = re.compile(r"\.(min|max|precision|code|label|_[^.]*)$")
"""End of the key of a column that is derived from an answer."""
_Place = tuple[str | None, ...]
_PLACE: Final = ("subjectKey", "siteId", "intervalId", "visitId")
_NOT_COMPARED: Final = (frozenset(CONTEXT) | {"data.dateCreated", "data.dateModified"}) - {"recordStatus", "deleted"}
"""Fields of a record that are not answers; a new `recordStatus` or `deleted` counts as a change all the same."""


@dataclass(frozen=True)
class ValueChange:
    """A difference between two snapshots: an answer, the status of a record, or a record as a whole.

    Attributes:
        form_key, record_id: the record.
        variable: the variable's column; `None` if the whole record was added or removed.
        old, new: the values as text; `None` for a missing value.
        subject_key, site_id, interval_id, visit_id: where the record belongs, as text.
    """

    form_key: str
    record_id: int
    variable: str | None
    old: str | None = field(repr=False)
    new: str | None = field(repr=False)
    subject_key: str | None = None
    site_id: str | None = None
    interval_id: str | None = None
    visit_id: str | None = None

    def to_row(self) -> dict[str, Any]:
        """Plain values for a table."""
        return {
            "formKey": self.form_key,
            "recordId": self.record_id,
            "subjectKey": self.subject_key,
            "siteId": self.site_id,
            "intervalId": self.interval_id,
            "visitId": self.visit_id,
            "variable": self.variable,
            "old": self.old,
            "new": self.new,
        }


class Snapshot:
    """A complete export of a study to files.

    Args:
        folder: the folder with its manifest.

    Raises:
        ArgumentError: the folder holds no complete export to CSV, JSON, JSON Lines or Parquet files.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        try:
            self.manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text("utf-8"))
            self.format: str = self.manifest["format"]
            self.study_key: str = self.manifest["study"]
            # A table that stayed from an earlier run says nothing of the time of this one.
            entries = [one for one in file_entries(self.manifest) if "form" in one and not one.get("stale")]
            self._files = {entry["form"]: exported_file(self.folder, self.manifest, entry["file"]) for entry in entries}
            self._digests = {entry["form"]: entry.get("sha256") for entry in entries}
            self._layouts = {entry["form"]: entry.get("layout") for entry in entries}
            self._ids = {entry["form"]: entry.get("formId") for entry in entries}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ArgumentError(f"{self.folder} holds no export. Next: imednet export parquet STUDY FOLDER") from None
        if self.format not in _READERS:
            raise ArgumentError(
                f"{self.folder} is an export to {self.format}. Next: choose one to csv, json, jsonl or parquet"
            )
        if self.manifest.get("status") != "complete":
            raise ArgumentError(f"{self.folder} is an incomplete export. Next: run it again until it is complete")

    @property
    def taken(self) -> str | None:
        """The server's time when the export ended, in UTC."""
        taken: str | None = (self.manifest.get("serverTime") or {}).get("to")
        return taken

    @property
    def forms(self) -> list[str]:
        """Keys of the exported forms."""
        return [key for key in self._files if not key.startswith("_")]

    @property
    def study_forms(self) -> list[str] | None:
        """Keys of the forms that the study had, exported or not; `None` where the manifest does not say."""
        listed = self.manifest.get("studyForms")
        return [str(key) for key in listed] if isinstance(listed, list) else None

    def records(self, form_key: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Records of one form as pairs of record id and answers.

        Answers and status are text; missing values are left out.
        """
        for record_id, _, texts in self._rows(form_key):
            yield record_id, texts

    def _rows(self, form_key: str) -> Iterator[tuple[int, _Place, dict[str, str]]]:
        """Records of one form: record id, where each belongs, and its answers."""
        path = self._files[form_key]
        self._check(form_key)
        reader = _READERS[self.format]
        raw_columns, others = self._raw_columns(form_key), self._made_columns(form_key)
        for row in reader(path):
            answers = row.pop("recordData", None)
            if isinstance(answers, dict):  # records as the server sent them
                named = {f"data.{name}" if name in CONTEXT else name: value for name, value in answers.items()}
                row = {**row, **named}
            record_id = int(row["recordId"])
            texts = {name: _text(value) for name, value in row.items() if name not in others}
            texts.update({typed: texts.pop(raw) for typed, raw in raw_columns.items() if raw in texts})
            place: _Place = tuple(_text(row.get(name)) or None for name in _PLACE)
            yield record_id, place, {name: text for name, text in texts.items() if text not in (None, "")}

    def layout(self, form_key: str) -> Any:
        """How the columns of a form were laid out; two forms can be compared if it is equal."""
        return self._layouts.get(form_key)

    def _check(self, form_key: str) -> None:
        """Raise ArgumentError if a file is not as the export wrote it, because missing records would look deleted."""
        path, digest = self._files[form_key], self._digests[form_key]
        if not path.is_file() or (digest is not None and sha256(path) != digest):
            raise ArgumentError(
                f"{path} is missing or was changed since it was exported. Next: imednet log verify {self.folder}"
            )

    def _made_columns(self, form_key: str) -> set[str]:
        """Columns of a form that hold no answers of their own: fields, context, and what is derived from answers."""
        columns = self.manifest.get("columns")
        prefix = f"{self._ids.get(form_key)}."
        pairs = columns.items() if isinstance(columns, dict) else ()
        derived = {name for key, name in pairs if key.startswith(prefix) and _DERIVED.search(key)}
        layout = self._layouts.get(form_key)
        context = CONTEXT_LISTS if isinstance(layout, dict) and layout.get("context") else ()
        return {*_NOT_COMPARED, OTHER, *context, *derived}

    def _raw_columns(self, form_key: str) -> dict[str, str]:
        """Typed column of a form -> the column that holds its text, as the manifest names them."""
        columns = self.manifest.get("columns")
        mapping: dict[str, str] = columns if isinstance(columns, dict) else {}
        prefix = f"{self._ids.get(form_key)}."
        of_form = {key: name for key, name in mapping.items() if key.startswith(prefix)}
        return {of_form[key.removesuffix(".raw")]: name for key, name in of_form.items() if key.endswith(".raw")}


def value_changes(before: Snapshot, after: Snapshot) -> Iterator[ValueChange]:
    """Differences between two snapshots, form by form. Holds one form of the earlier snapshot in memory at a time.

    Raises:
        ArgumentError: the snapshots are of different studies, formats or options, so their texts cannot be compared.
    """
    if before.study_key != after.study_key:
        raise ArgumentError(f"the snapshots are of different studies, {before.study_key!r} and {after.study_key!r}")
    forms = dict.fromkeys([*before.forms, *after.forms])
    both = [form for form in forms if form in before.forms and form in after.forms]
    for one, other in ((before, after), (after, before)):
        known = one.forms if other.study_forms is None else other.study_forms
        if lacking := [form for form in one.forms if form not in other.forms and form in known]:
            raise ArgumentError(
                f"form {lacking[0]} is in {one.folder} and was not exported to {other.folder}, so its records would "
                "look new or gone. Next: export both with the same forms"
            )
    if before.format != after.format or any(before.layout(form) != after.layout(form) for form in both):
        raise ArgumentError(
            "the snapshots have different formats or options. Next: export both with the same format and options"
        )
    for form_key in forms:
        there = before._rows(form_key) if form_key in before.forms else ()
        old = {record_id: (place, row) for record_id, place, row in there}
        for record_id, place, row in after._rows(form_key) if form_key in after.forms else ():
            _, earlier = old.pop(record_id, ((), None))
            if earlier is None:
                yield ValueChange(form_key, record_id, None, None, "created", *place)
                continue
            for name in dict.fromkeys([*earlier, *row]):
                if earlier.get(name) != row.get(name):
                    yield ValueChange(form_key, record_id, name, earlier.get(name), row.get(name), *place)
        for record_id, (earlier_place, _) in old.items():
            yield ValueChange(form_key, record_id, None, "there", None, *earlier_place)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


STAMP: Final = "%Y-%m-%dT%H%M%SZ"
"""Name of a dated folder: when its export began, in UTC."""


def dated_folders(folder: Path) -> list[Path]:
    """The dated folders in a folder, oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and _is_stamp(path.name))
    except OSError:
        return []


def new_dated_folder(folder: Path, study_key: str, kind: str) -> Path:
    """The dated folder for the next export: the newest if a run of the same study and format left it unfinished.

    A finished folder is never given out again.
    """
    for path in dated_folders(folder)[-1:]:
        manifest = read_object(path / MANIFEST)
        if manifest is None and all(entry.name.startswith(".imednet-") for entry in path.iterdir()):
            return path
        facts = {"status": "incomplete", "study": study_key, "format": kind}
        if manifest is not None and facts.items() <= manifest.items():
            return path
    moment = datetime.now(UTC)
    while (new := folder / moment.strftime(STAMP)).exists():  # two runs in one second have a folder each
        moment += timedelta(seconds=1)
    return new


def freeze(folder: Path) -> None:
    """Take the right to write away from the files of a finished export."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            with suppress(OSError):  # a file system without such rights
                path.chmod(path.stat().st_mode & ~0o222)


def _is_stamp(name: str) -> bool:
    try:
        datetime.strptime(name, STAMP)
    except ValueError:
        return False
    return True
