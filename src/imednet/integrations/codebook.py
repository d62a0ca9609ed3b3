"""A codebook: forms, variables, types, choices, how many records answer each, and ranges; no answer of anybody.

It is made from a whole read of the study, like an export, and written as HTML, Markdown or a workbook.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final, Unpack

from ..errors import ExportConfigurationError
from ..sdk import ImednetSDK
from ..utils import disk
from ..validation.kinds import Kind
from ._optional import _require_optional_dep
from .on_disk.folder import checked_path
from .run.export import export_study
from .run.report import ExportReport
from .sink import ExportSink
from .tables.batches import REPEATED, Batch
from .tables.layout import Shape, Table
from .tables.options import ExportKeywords, ExportOptions

_WITH_RANGE: Final = (Kind.NUMBER, Kind.DATE, Kind.DATETIME)
_HEADER: Final = ("variable", "label", "type", "choices", "answered", "per cent", "lowest", "highest", "misfits")
_FIRST_COUNT: Final = 4
"""Place of the first column of numbers."""
_MOST_CHOICES: Final = 12
"""Choices of a variable that are written out; of longer lists their number."""


@dataclass
class CodebookVariable:
    """One variable of a form.

    Attributes:
        name, label, type: the variable.
        blinded: whether it is blinded; its answers are not read.
        choices: texts of its choices, with their codes, if a data dictionary was given.
        answered: records with an answer.
        records: records of the form.
        lowest, highest: range of a number or a date.
        misfits: answers that do not fit the type.
    """

    name: str
    label: str | None
    type: str | None
    blinded: bool = False
    choices: tuple[tuple[str, str | None], ...] = ()
    answered: int = 0
    records: int = 0
    lowest: Any = None
    highest: Any = None
    misfits: int = 0

    @property
    def share(self) -> float | None:
        """Per cent of the records that have an answer; `None` for a form without records."""
        return 100 * self.answered / self.records if self.records else None

    def cells(self) -> tuple[str, ...]:
        """The variable as a row of the codebook."""
        listed = [text if code is None else f"{code} = {text}" for text, code in self.choices]
        choices = "; ".join(listed) if len(listed) <= _MOST_CHOICES else f"{len(listed)} choices"
        counted = ("blinded", "", "", "", "") if self.blinded else (
            str(self.answered), "" if self.share is None else f"{self.share:.1f}", _shown(self.lowest),
            _shown(self.highest), str(self.misfits) if self.misfits else "",
        )  # fmt: skip
        return (self.name, self.label or "", self.type or "", choices, *counted)


@dataclass
class CodebookForm:
    """One form: key, name, records, and its variables in order."""

    key: str
    name: str | None
    records: int = 0
    variables: list[CodebookVariable] = field(default_factory=list)


@dataclass
class Codebook:
    """The codebook of a study.

    Attributes:
        study_key: the study.
        forms: its forms.
        report: what was read, and the proof that it is whole.
    """

    study_key: str
    forms: list[CodebookForm]
    report: ExportReport

    def to_markdown(self) -> str:
        """The codebook as Markdown."""
        lines = [f"# Codebook of {self.study_key}", "", self._summary(), ""]
        for form in self.forms:
            lines += [f"## {form.key}: {form.name or ''}".rstrip(": "), "", f"{form.records:,} records", ""]
            lines += ["| " + " | ".join(_HEADER) + " |", "|" + "---|" * len(_HEADER)]
            lines += ["| " + " | ".join(map(_markdown, one.cells())) + " |" for one in form.variables]
            lines.append("")
        return "\n".join(lines)

    def to_html(self) -> str:
        """The codebook as one HTML page that needs nothing else."""
        links = "".join(
            f'<li><a href="#form-{number}">{escape(form.key)}</a> {escape(form.name or "")} '
            f"<small>{form.records:,}</small></li>"
            for number, form in enumerate(self.forms)
        )
        tables = "".join(self._html_form(number, form) for number, form in enumerate(self.forms))
        return _PAGE.format(
            title=escape(f"Codebook of {self.study_key}"), summary=escape(self._summary()), links=links, tables=tables
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the codebook; the ending of the file says how: `.html`, `.md` or `.xlsx`.

        Raises ExportConfigurationError for any other ending.
        """
        target = checked_path(path)
        match target.suffix.lower():
            case ".html" | ".htm":
                disk.write_whole(target, self.to_html())
            case ".md":
                disk.write_whole(target, self.to_markdown())
            case ".xlsx":
                self._save_workbook(target)
            case other:
                raise ExportConfigurationError(
                    f"a codebook is written to .html, .md or .xlsx, not to {other or 'a file without an ending'!r}"
                )

    def _summary(self) -> str:
        time = (self.report.manifest.get("serverTime") or {}).get("to")
        proof = "each form verified by itself" if self.report.proof is None else self.report.proof.status
        return f"{len(self.forms)} forms, {self.report.rows:,} records, {proof}; as of {time} UTC."

    def _html_form(self, number: int, form: CodebookForm) -> str:
        head = "".join(
            f"<th scope=col{' class=n' if place >= _FIRST_COUNT else ''}>{name}</th>"
            for place, name in enumerate(_HEADER)
        )
        rows = "".join(
            f"<tr>{''.join(map(_html_cell, range(len(_HEADER)), one.cells()))}</tr>" for one in form.variables
        )
        title = f"{escape(form.key)} <span>{escape(form.name or '')}</span>"
        return (
            f'<section id="form-{number}"><h2>{title}</h2><p>{form.records:,} records</p>'
            f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
        )

    def _save_workbook(self, path: Path) -> None:
        xlsx = _require_optional_dep("xlsxwriter", "export")
        plain = {"strings_to_formulas": False, "strings_to_urls": False}
        with disk.written_whole(path) as unfinished, xlsx.Workbook(str(unfinished), plain) as book:
            bold = book.add_format({"bold": True})
            sheet = book.add_worksheet("Codebook")
            for place, (name, width) in enumerate(zip(("form", *_HEADER), _WIDTHS, strict=True)):
                sheet.write_string(0, place, name, bold)
                sheet.set_column(place, place, width)
            row = 0
            for form in self.forms:
                for one in form.variables:
                    row += 1
                    cells = (form.key, *one.cells())
                    for place, cell in enumerate(cells):
                        if place in _NUMBERS and cell and not one.blinded:
                            sheet.write_number(row, place, float(cell))
                        else:
                            sheet.write_string(row, place, cell[:32_767])
            sheet.freeze_panes(1, 2)
            sheet.autofilter(0, 0, row, len(_HEADER))


_WIDTHS: Final = (10, 16, 44, 14, 44, 10, 9, 18, 18, 9)
_NUMBERS: Final = frozenset({5, 6, 9})
"""Columns of the workbook that hold numbers: answered, per cent, misfits."""
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }}
h2 {{ margin-top: 2.5rem; }} h2 span {{ font-weight: 400; color: GrayText; }}
nav ul {{ columns: 3 18rem; padding-left: 1.2rem; }} small {{ color: GrayText; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: 13px; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884; }}
th {{ position: sticky; top: 0; background: Canvas; }} .n {{ text-align: right; white-space: nowrap; }}
td:first-child {{ font-family: ui-monospace, monospace; }}
@media print {{ section {{ break-inside: auto; }} th {{ position: static; }} }}
</style></head>
<body><h1>{title}</h1><p>{summary}</p><nav aria-label="Forms"><ul>{links}</ul></nav>{tables}</body></html>
"""


class CodebookSink(ExportSink):
    """A sink that counts answers and keeps none but the ends of ranges."""

    kind = "codebook"
    shape = Shape(values="typed")
    own_tables = False

    def __init__(self) -> None:
        self.forms: dict[str, CodebookForm] = {}

    def write_batch(self, batch: Batch) -> None:
        """Count the answers of a batch."""
        table = batch.table
        if not table.is_form:
            return
        if batch.number == 0:
            self.forms[table.key] = CodebookForm(table.key, table.title, 0, list(_variables(table)))
        form = self.forms[table.key]
        form.records += len(batch)
        by_name = {one.name: one for one in form.variables}
        for column, cells in zip(table.columns, batch.columns, strict=True):
            variable = by_name.get(column.source)
            if column.part != "answer" or column.variable_id is None or variable is None:
                continue
            given = [cell for cell in cells if cell is not None]
            variable.answered += len(given)
            variable.records = form.records
            if given and column.kind in _WITH_RANGE:
                ends = [end for end in (variable.lowest, variable.highest) if end is not None]
                variable.lowest, variable.highest = min(*given, *ends, given[0]), max(*given, *ends, given[0])

    def flush(self) -> None:
        """Do nothing: counts are complete."""

    def close(self) -> None:
        """Do nothing: no resource is held."""


def _variables(table: Table) -> Iterator[CodebookVariable]:
    for column in table.columns:
        if column.part == "answer" and column.variable_id is not None:
            yield CodebookVariable(
                column.source, column.label, column.variable_type, column.blinded, tuple(column.choices)
            )
    for name in table.blinded:
        yield CodebookVariable(name, None, None, blinded=True)


def codebook(sdk: ImednetSDK, study_key: str, **options: Unpack[ExportKeywords]) -> Codebook:
    """Read a study and make its codebook.

    Args:
        sdk: the SDK to read with.
        study_key: the study.
        **options: as in `ExportOptions`, such as `forms=["AE"]`, or `choices` of a data dictionary.

    Raises:
        ImednetError: the study could not be read completely.

    >>> from imednet import ImednetSDK
    >>> from imednet.sandbox import Sandbox
    >>> with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
    ...     book = codebook(sdk, "TIDEWATER-201", forms=["VS"])
    >>> [(one.name, one.answered, one.lowest) for one in book.forms[0].variables if one.name == "SYSBP1"]
    [('SYSBP1', 245, 0.1)]
    """
    sink = CodebookSink()
    options = {**options, "values": "typed", "context": False}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "codebook"
        report = export_study(sdk, study_key, sink, home=home, options=ExportOptions(**options))
        misfits = _misfits(home)
    for form in sink.forms.values():
        for variable in form.variables:
            variable.misfits = misfits.get((form.key, variable.name), 0)
            variable.answered += variable.misfits
    return Codebook(study_key, list(sink.forms.values()), report)


def _misfits(home: Path) -> Mapping[tuple[str, str], int]:
    """`(form key, variable)` -> answers that do not fit its type, from the file of issues."""
    from .on_disk.exported_files import read_json_lines
    from .on_disk.folder import ISSUES_FILE

    found: dict[tuple[str, str], int] = {}
    path = home / ISSUES_FILE
    for issue in read_json_lines(path) if path.exists() else ():
        key = (str(issue["form"]), str(issue["variable"]))
        found[key] = found.get(key, 0) + (issue["reason"] not in _NO_MISFITS)
    return found


_NO_MISFITS: Final = frozenset({"not declared by the study's design", REPEATED})
"""Reasons of issues about values that are in their column all the same, or in none."""


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return (
        f"{value:g}" if isinstance(value, float) else value.isoformat(sep=" ") if hasattr(value, "hour") else str(value)
    )


def _html_cell(place: int, cell: str) -> str:
    return f"<td{' class=n' if place >= _FIRST_COUNT else ''}>{escape(cell)}</td>"


def _markdown(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
