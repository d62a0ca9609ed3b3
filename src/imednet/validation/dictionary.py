"""Data dictionaries: the zip that the web application exports for a study, and code lists from other sources.

The API has no choices, units or edit checks. The zip has four CSV files, FORMS, QUESTIONS, CHOICES and BUSINESS_LOGIC,
with headers in title case, a byte order mark and dates written MM-DD-YYYY. Its columns are not documented, so they are
recognized by their headers; if a needed column is not found, the error lists the headers.
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
_MOST_BYTES: Final = 200_000_000
_COLUMNS: Final = {
    "form": ("formkey", "form", "formname"),
    "variable": ("variablename", "fieldname", "questionname", "variable", "question", "name"),
    "label": ("questiontext", "label", "text", "description"),
    "type": ("variabletype", "fieldtype", "questiontype", "type"),
    "text": ("choicetext", "text", "label", "choicelabel", "choice", "description"),
    "value": ("choicevalue", "value", "code", "choicecode"),
    "order": ("sequence", "order", "choiceorder", "displayorder"),
}
"""Column -> its possible headers, best first, in lower case without blanks and punctuation."""


@dataclass(frozen=True)
class Choice:
    """One choice of a field.

    Attributes:
        text: the text people read; for radio buttons and dropdowns also the text sent to and read from the API.
        value: its code, if it has one.
    """

    text: str
    value: str | None = None


@dataclass(frozen=True)
class CodeList:
    """The choices of one variable.

    Attributes:
        choices: the choices, in order.
        source: `dictionary`, `csv` or `inferred`.
        coverage: for an inferred list, the share of the form's records that had an answer.
        version: number that rises with each change of the list.
    """

    choices: tuple[Choice, ...]
    source: str = "dictionary"
    coverage: float | None = None
    version: int = 1

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the choices."""
        return tuple(choice.text for choice in self.choices)

    def merged(self, other: CodeList) -> tuple[CodeList, list[str]]:
        """The list extended by the new choices of another one, and the texts of those choices."""
        new = [choice for choice in other.choices if choice.text not in self.texts]
        if not new:
            return self, []
        version = self.version + 1
        return CodeList((*self.choices, *new), self.source, other.coverage, version), [choice.text for choice in new]


@dataclass(frozen=True)
class DataDictionary:
    """Forms, questions, choices and edit checks of a study, as the web application exported them.

    Attributes:
        forms, questions, logic: rows of the files as header -> cell, with dates in ISO format.
        lists: `(form key, variable name)` -> its choices.
        warnings: sentences about missing files and incomplete rows.
    """

    forms: tuple[Mapping[str, str], ...] = ()
    questions: tuple[Mapping[str, str], ...] = ()
    logic: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    lists: Mapping[Key, CodeList] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def choices(self) -> dict[Key, tuple[str, ...]]:
        """`(form key, variable name)` -> texts of its choices, the form that `SchemaCache.know` takes."""
        return {key: code_list.texts for key, code_list in self.lists.items()}

    @property
    def labels(self) -> dict[Key, tuple[tuple[str, str | None], ...]]:
        """`(form key, variable name)` -> text and code of each choice, the form that `ExportOptions.choices` takes."""
        return {
            key: tuple((choice.text, choice.value) for choice in code_list.choices)
            for key, code_list in self.lists.items()
        }

    def knows_choices_of(self, form_key: str, variable_name: str) -> bool:
        """Whether the choices of a variable are known."""
        return (form_key, variable_name) in self.lists

    def unknown(self, variables: Iterable[Variable]) -> list[str]:
        """`FORM.VARIABLE` of the variables that the dictionary names and the study does not have."""
        existing = {(str(variable.form_key), str(variable.variable_name)) for variable in variables}
        return sorted(f"{form}.{name}" for form, name in self.lists if (form, name) not in existing)


def load_dictionary(source: str | Path) -> DataDictionary:
    """Load a data dictionary from the zip, from a folder with its CSV files, or from the CHOICES file alone.

    Raises:
        ArgumentError: there is no such file, it has no CHOICES, or a column of CHOICES cannot be recognized.
    """
    texts = _read_files(Path(source))
    if "CHOICES" not in texts:
        raise ArgumentError(f"{source} has no CHOICES.csv. Next: export the study's data dictionary as a zip")
    rows = {name: _parse_rows(text) for name, text in texts.items()}
    warnings: list[str] = [f"there is no {name}.csv" for name in FILES if name not in rows]
    keys = _form_keys_by_name(rows.get("FORMS", []))
    lists: dict[Key, list[tuple[float, int, Choice]]] = {}
    choices = rows["CHOICES"]
    needed = ("form", "variable", "text")
    headers = {column: _column(choices, column, needed=column in needed) for column in (*needed, "value", "order")}
    for index, row in enumerate(choices):
        form, variable, text = (row.get(str(headers[column]), "").strip() for column in needed)
        if not (form and variable and text):
            warnings.append(f"row {index + 2} of CHOICES has no form, variable or text")
            continue
        order = row.get(str(headers["order"]), "") if headers["order"] else ""
        value = (row.get(str(headers["value"]), "").strip() or None) if headers["value"] else None
        position = float(order) if re.fullmatch(r"\d+(\.\d+)?", order.strip()) else float("inf")
        lists.setdefault((keys.get(form, form), variable), []).append((position, index, Choice(text, value)))
    code_lists = {
        key: CodeList(tuple(choice for _, _, choice in sorted(ranked, key=lambda rank: rank[:2])))
        for key, ranked in lists.items()
    }
    return DataDictionary(
        tuple(rows.get("FORMS", [])), tuple(rows.get("QUESTIONS", [])), tuple(rows.get("BUSINESS_LOGIC", [])),
        code_lists, tuple(warnings),
    )  # fmt: skip


def code_lists_from_csv(source: str | Path) -> dict[Key, CodeList]:
    """Code lists from a CSV file with columns for form, variable and text, and optionally value and order."""
    dictionary = load_dictionary(source)
    return {key: CodeList(code_list.choices, "csv") for key, code_list in dictionary.lists.items()}


def inferred_code_lists(
    records: Iterable[Record], variables: Iterable[Variable], *, most: int = 30
) -> dict[Key, CodeList]:
    """Code lists inferred from the answers to radio buttons and dropdowns.

    A choice that nobody ever took is not in such a list; `coverage` tells how many records had an answer.

    Args:
        records: records of the study.
        variables: its variables.
        most: maximum number of different answers; a variable with more has no code list.
    """
    from .fields import FieldKind, field_kind

    kinds = {
        (str(variable.form_key), str(variable.variable_name)): field_kind(variable.variable_type)
        for variable in variables
    }
    with_choices = {key for key, kind in kinds.items() if kind in (FieldKind.RADIO, FieldKind.DROPDOWN)}
    seen: dict[Key, Counter[str]] = {key: Counter() for key in with_choices}
    totals: Counter[str] = Counter()
    for record in records:
        if is_true(record.deleted):
            continue
        totals[str(record.form_key)] += 1
        for name, value in (record.record_data or {}).items():
            key = (str(record.form_key), name)
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
    """Answers that are not among the known choices: `(form key, variable name)` -> texts."""
    unknown: dict[Key, set[str]] = {}
    for record in records:
        for name, value in (record.record_data or {}).items():
            code_list = lists.get((str(record.form_key), name))
            if code_list is not None and isinstance(value, str) and value and value not in code_list.texts:
                unknown.setdefault((str(record.form_key), name), set()).add(value)
    return {key: sorted(values) for key, values in sorted(unknown.items())}


# ---- files


def _read_files(source: Path) -> dict[str, str]:
    """Text of each of the four files that is there, by its standard name such as `CHOICES`."""
    try:
        if source.is_dir():
            files = {path.stem.upper(): path.read_bytes() for path in sorted(source.iterdir()) if _is_csv(path.name)}
        elif zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as packed:
                members = [member for member in packed.infolist() if _is_csv(member.filename)]
                if sum(member.file_size for member in members) > _MOST_BYTES:
                    raise ArgumentError(
                        f"{source} unpacks to more than {_MOST_BYTES:,} bytes. Next: check that it is the right file"
                    )
                files = {Path(member.filename).stem.upper(): packed.read(member) for member in members}
        elif source.exists() and not _is_csv(source.name):
            raise ArgumentError(f"{source} is neither a zip nor a CSV. Next: export the data dictionary again")
        else:
            files = {_standard_name(source.stem) or "CHOICES": source.read_bytes()}
    except OSError as error:
        raise ArgumentError(
            f"{source} cannot be read ({error.strerror}). Next: give the path of the zip or of its folder"
        ) from None
    except zipfile.BadZipFile:
        raise ArgumentError(f"{source} is a damaged zip. Next: export the data dictionary again") from None
    named = {_standard_name(name): data for name, data in files.items()}
    return {name: _decode(data) for name, data in named.items() if name is not None}


def _standard_name(stem: str) -> str | None:
    """The standard name of a file such as `ABC-01_Choices`; `None` if it is none of the four files."""
    letters = re.sub(r"[^A-Z]", "", stem.upper())
    return next((name for name in FILES if letters.endswith(name.replace("_", ""))), None)


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv") and not Path(name).name.startswith((".", "_"))


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _parse_rows(text: str) -> list[dict[str, str]]:
    """Rows as header -> cell; cells under a repeated header are joined by line breaks."""
    table = read_csv_rows(text, ragged=True)
    if table.faults:
        raise ArgumentError(
            f"the data dictionary: {describe_faults(table.faults)}. Next: export the data dictionary again"
        )
    rows = []
    for _, cells in table.rows:
        row: dict[str, str] = {}
        for header, cell in zip(table.names, cells, strict=False):
            cell = _iso(cell)
            row[header] = f"{row[header]}\n{cell}" if row.get(header) and cell else row.get(header) or cell
        if any(row.values()):
            rows.append(row)
    return rows


def _iso(cell: str) -> str:
    """A date MM-DD-YYYY in ISO format; any other text unchanged."""
    if re.fullmatch(r"\d\d-\d\d-\d{4}", cell):
        try:
            return datetime.strptime(cell, "%m-%d-%Y").date().isoformat()
        except ValueError:
            return cell
    return cell


def _normalized(header: str) -> str:
    return "".join(character for character in header.casefold() if character.isalnum())


def _column(rows: Sequence[Mapping[str, Any]], column: str, *, needed: bool) -> str | None:
    """The header of a column of CHOICES; `None` if there is none. Raises ArgumentError if a needed one is missing."""
    headers = {_normalized(header): header for header in (rows[0] if rows else {})}
    header = next((headers[word] for word in _COLUMNS[column] if word in headers), None)
    if header is None and needed and rows:
        raise ArgumentError(
            f"CHOICES has no column for the {column}; its headers are {', '.join(headers.values())}. "
            f"Next: rename one of them to {_COLUMNS[column][0]}"
        )
    return header


def _form_keys_by_name(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Name of a form -> its key, because the other files may identify a form by either."""
    headers = {_normalized(header): header for header in (rows[0] if rows else {})}
    key, name = headers.get("formkey"), headers.get("formname")
    return {row[name]: row[key] for row in rows if row.get(name) and row.get(key)} if key and name else {}
