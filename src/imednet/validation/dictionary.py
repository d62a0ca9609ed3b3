"""The data dictionary of a study: the zip that the web application exports, and code lists from other places.

The API has no choices, units or edit checks. The export has four CSV files: FORMS, QUESTIONS, CHOICES and
BUSINESS_LOGIC, with headers in title case, a byte order mark and dates written MM-DD-YYYY. Its columns are not
documented, so headers are found by the words in them, and a file whose headers say too little is an error that shows
them.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import ArgumentError
from ..utils.csv_rows import describe_faults, read_csv_rows
from ..utils.truth import is_true

if TYPE_CHECKING:
    from imednet_api.models import Record, Variable

Key = tuple[str, str]
"""`(form key, variable name)`."""

FILES: Final = ("FORMS", "QUESTIONS", "CHOICES", "BUSINESS_LOGIC")
_LARGEST: Final = 200_000_000
_COLUMNS: Final = {
    "form": ("formkey", "form", "formname"),
    "variable": ("variablename", "fieldname", "questionname", "variable", "question", "name"),
    "label": ("questiontext", "label", "text", "description"),
    "type": ("variabletype", "fieldtype", "questiontype", "type"),
    "text": ("choicetext", "text", "label", "choicelabel", "choice", "description"),
    "value": ("choicevalue", "value", "code", "choicecode"),
    "order": ("sequence", "order", "choiceorder", "displayorder"),
}
"""What is looked for -> words a header may be, best first, without blanks, signs and case."""


@dataclass(frozen=True)
class Choice:
    """One choice of a field.

    Attributes:
        text: what people read, and what is sent and read for radio buttons and lists.
        value: its code, where there is one.
    """

    text: str
    value: str | None = None


@dataclass(frozen=True)
class CodeList:
    """The choices of one variable.

    Attributes:
        choices: in their order.
        source: `dictionary`, `csv`, or `inferred`.
        coverage: for inferred lists, the share of answers they were seen in: answers with a value, of all records.
        version: rises with each change of the list.
    """

    choices: tuple[Choice, ...]
    source: str = "dictionary"
    coverage: float | None = None
    version: int = 1

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts."""
        return tuple(one.text for one in self.choices)

    def merged(self, other: CodeList) -> tuple[CodeList, list[str]]:
        """The list with what another one adds, and the texts that are new."""
        new = [one for one in other.choices if one.text not in self.texts]
        if not new:
            return self, []
        version = self.version + 1
        return CodeList((*self.choices, *new), self.source, other.coverage, version), [one.text for one in new]


@dataclass(frozen=True)
class DataDictionary:
    """Forms, questions, choices and edit checks of a study, as it was exported.

    Attributes:
        forms, questions, logic: rows of the files, by their headers; dates as ISO writes them.
        lists: `(form key, variable name)` -> its choices.
        warnings: what was odd in the files.
    """

    forms: tuple[Mapping[str, str], ...] = ()
    questions: tuple[Mapping[str, str], ...] = ()
    logic: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    lists: Mapping[Key, CodeList] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def choices(self) -> dict[Key, tuple[str, ...]]:
        """`(form key, variable name)` -> texts of its choices, as checks of values take them."""
        return {key: one.texts for key, one in self.lists.items()}

    @property
    def labels(self) -> dict[Key, tuple[tuple[str, str | None], ...]]:
        """`(form key, variable name)` -> text and code of each choice, as exports take them."""
        return {key: tuple((one.text, one.value) for one in found.choices) for key, found in self.lists.items()}

    def knows_choices_of(self, form_key: str, variable_name: str) -> bool:
        """Whether the choices of a variable are known."""
        return (form_key, variable_name) in self.lists

    def unknown(self, variables: Iterable[Variable]) -> list[str]:
        """`FORM.VARIABLE` of what the dictionary names and the study does not have."""
        there = {(str(one.form_key), str(one.variable_name)) for one in variables}
        return sorted(f"{form}.{name}" for form, name in self.lists if (form, name) not in there)


def load_dictionary(source: str | Path) -> DataDictionary:
    """Load a data dictionary: the zip, a folder with the four CSV files, or one of them.

    Raises:
        ArgumentError: there is no such file, CHOICES is not among them, or its columns cannot be told.
    """
    texts = _texts(Path(source))
    if "CHOICES" not in texts:
        raise ArgumentError(f"{source} has no CHOICES.csv. Next: export the study's data dictionary as a zip")
    rows = {name: _rows(text) for name, text in texts.items()}
    warnings: list[str] = [f"there is no {name}.csv" for name in FILES if name not in rows]
    keys = _keys_of_forms(rows.get("FORMS", []))
    lists: dict[Key, list[tuple[float, int, Choice]]] = {}
    choices = rows["CHOICES"]
    names = {what: _column(choices, what, needed=what in ("form", "variable", "text")) for what in
             ("form", "variable", "text", "value", "order")}  # fmt: skip
    for place, row in enumerate(choices):
        form, variable, text = (row.get(str(names[what]), "").strip() for what in ("form", "variable", "text"))
        if not (form and variable and text):
            warnings.append(f"row {place + 2} of CHOICES has no form, variable or text")
            continue
        order = row.get(str(names["order"]), "") if names["order"] else ""
        value = (row.get(str(names["value"]), "").strip() or None) if names["value"] else None
        at = float(order) if re.fullmatch(r"\d+(\.\d+)?", order.strip()) else float("inf")
        lists.setdefault((keys.get(form, form), variable), []).append((at, place, Choice(text, value)))
    made = {
        key: CodeList(tuple(one for _, _, one in sorted(found, key=lambda x: x[:2]))) for key, found in lists.items()
    }
    return DataDictionary(
        tuple(rows.get("FORMS", [])), tuple(rows.get("QUESTIONS", [])), tuple(rows.get("BUSINESS_LOGIC", [])), made,
        tuple(warnings),
    )  # fmt: skip


def code_lists_from_csv(source: str | Path) -> dict[Key, CodeList]:
    """Code lists of a CSV file with a form, a variable and a text, and a value where there is one."""
    found = load_dictionary(source)
    return {key: CodeList(one.choices, "csv") for key, one in found.lists.items()}


def inferred_code_lists(
    records: Iterable[Record], variables: Iterable[Variable], *, most: int = 30
) -> dict[Key, CodeList]:
    """Code lists made of the answers that are there, for radio buttons and lists; the coverage says how much was seen.

    A choice that nobody took is not in such a list.

    Args:
        records: records of the study.
        variables: its variables.
        most: a variable with more different answers has no code list.
    """
    from .fields import FieldKind, field_kind

    kinds = {(str(one.form_key), str(one.variable_name)): field_kind(one.variable_type) for one in variables}
    wanted = {key for key, kind in kinds.items() if kind in (FieldKind.RADIO, FieldKind.DROPDOWN)}
    seen: dict[Key, Counter[str]] = {key: Counter() for key in wanted}
    totals: Counter[str] = Counter()
    for row in records:
        if is_true(row.deleted):
            continue
        totals[str(row.form_key)] += 1
        for name, value in (row.record_data or {}).items():
            key = (str(row.form_key), name)
            if key in seen and isinstance(value, str) and value:
                seen[key][value] += 1
    return {
        key: CodeList(
            tuple(Choice(text) for text in sorted(counts)), "inferred", sum(counts.values()) / max(1, totals[key[0]])
        )
        for key, counts in sorted(seen.items())
        if 0 < len(counts) <= most
    }


def new_values(lists: Mapping[Key, CodeList], records: Iterable[Record]) -> dict[Key, list[str]]:
    """Answers that are none of the choices that are known: `(form key, variable name)` -> texts."""
    found: dict[Key, set[str]] = {}
    for row in records:
        for name, value in (row.record_data or {}).items():
            known = lists.get((str(row.form_key), name))
            if known is not None and isinstance(value, str) and value and value not in known.texts:
                found.setdefault((str(row.form_key), name), set()).add(value)
    return {key: sorted(values) for key, values in sorted(found.items())}


# ---- files


def _texts(source: Path) -> dict[str, str]:
    """Name of a file -> its text."""
    try:
        if source.is_dir():
            files = {path.stem.upper(): path.read_bytes() for path in sorted(source.iterdir()) if _is_csv(path.name)}
        elif zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as packed:
                members = [one for one in packed.infolist() if _is_csv(one.filename)]
                if sum(one.file_size for one in members) > _LARGEST:
                    raise ArgumentError(f"{source} unpacks to more than {_LARGEST:,} bytes")
                files = {Path(one.filename).stem.upper(): packed.read(one) for one in members}
        elif source.exists() and not _is_csv(source.name):
            raise ArgumentError(f"{source} is no zip and no CSV. Next: export the data dictionary again")
        else:
            files = {_known(source.stem) or "CHOICES": source.read_bytes()}
    except OSError as error:
        raise ArgumentError(f"{source} cannot be read ({error.strerror}). Next: name the zip or its folder") from None
    except zipfile.BadZipFile:
        raise ArgumentError(f"{source} is a damaged zip. Next: export the data dictionary again") from None
    named = {_known(name): data for name, data in files.items()}
    return {name: _decoded(data) for name, data in named.items() if name is not None}


def _known(stem: str) -> str | None:
    """Which of the four files a name means, such as `ABC-01_Choices`."""
    plain = re.sub(r"[^A-Z]", "", stem.upper())
    return next((name for name in FILES if plain.endswith(name.replace("_", ""))), None)


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv") and not Path(name).name.startswith((".", "_"))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _rows(text: str) -> list[dict[str, str]]:
    """Rows by header; a header that is there twice keeps all its values, joined by line breaks."""
    read = read_csv_rows(text, ragged=True)
    if read.faults:
        faults = describe_faults(read.faults)
        raise ArgumentError(f"the data dictionary: {faults}. Next: export the data dictionary again")
    headers = read.names
    found = []
    for _, cells in read.rows:
        row: dict[str, str] = {}
        for header, cell in zip(headers, cells, strict=False):
            cell = _iso(cell)
            row[header] = f"{row[header]}\n{cell}" if row.get(header) and cell else row.get(header) or cell
        if any(row.values()):
            found.append(row)
    return found


def _iso(cell: str) -> str:
    """A day written MM-DD-YYYY as ISO writes it; anything else as it is."""
    if re.fullmatch(r"\d\d-\d\d-\d{4}", cell):
        try:
            return datetime.strptime(cell, "%m-%d-%Y").date().isoformat()
        except ValueError:
            return cell
    return cell


def _plain(header: str) -> str:
    return "".join(sign for sign in header.casefold() if sign.isalnum())


def _column(rows: Sequence[Mapping[str, Any]], what: str, *, needed: bool) -> str | None:
    """The header of a column."""
    headers = {_plain(header): header for header in (rows[0] if rows else {})}
    found = next((headers[word] for word in _COLUMNS[what] if word in headers), None)
    if found is None and needed and rows:
        raise ArgumentError(
            f"CHOICES has no column for the {what}; its headers are {', '.join(headers.values())}. "
            f"Next: name one of them {_COLUMNS[what][0]}"
        )
    return found


def _keys_of_forms(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Name of a form -> its key, since the other files may name forms by either."""
    headers = {_plain(header): header for header in (rows[0] if rows else {})}
    key, name = headers.get("formkey"), headers.get("formname")
    return {row[name]: row[key] for row in rows if row.get(name) and row.get(key)} if key and name else {}
