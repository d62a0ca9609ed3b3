"""Lines of JSON -> columns of cells: what every sink is given. A line is decoded once, and no objects are made.

The fast way decodes a line straight into the places of the columns; it holds while a line has the declared fields alone
and its answers are texts. Any other line, and every line where the fast decoder is not installed, takes the exact way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from imednet_api.models import Record
from imednet_api.types import decode, fast_json

from ...core.decoding.json_text import members, repeated, texts
from ...utils.text import whole, writable
from ...utils.truth import truth
from ...validation.kinds import CAST, Caster, Kind
from .layout import Column, Table

Cells = Sequence[Any]
"""One column: cells in the order of the rows, `None` where a value is missing."""

_INT64: Final = 2**63
REPEATED: Final = "given more than once; the last value counts"


@dataclass(frozen=True, slots=True)
class Issue:
    """A cell that could not be taken over as it is. `value` may be data of a person.

    Attributes:
        record_id: the row's identity.
        variable: the variable, or the field.
        value: what was sent, as text.
        reason: why it is not in its column.
    """

    form: str
    record_id: Any
    variable: str
    value: str | None = field(repr=False)
    reason: str


ISSUE_COLUMNS: Final = {
    "form": Kind.TEXT,
    "recordId": Kind.INTEGER,
    "variable": Kind.TEXT,
    "value": Kind.TEXT,
    "reason": Kind.TEXT,
}


@dataclass
class Batch:
    """Some rows of one table.

    Attributes:
        table: the table.
        number: counts the batches of a table, from 0.
        columns: a sequence of cells for each column of the table, in its order.
        lines: the rows as the JSON that came, one `bytes` a row; empty for tables that the export makes itself.
    """

    table: Table
    number: int
    columns: list[Cells] = field(repr=False)
    lines: list[bytes] = field(default_factory=list, repr=False)

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else len(self.lines)

    @property
    def id(self) -> str:
        """A name for messages, and to resume by: the table and the number."""
        return f"{self.table.key}/{self.number}"

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows, each in the order of the columns."""
        return list(zip(*self.columns, strict=True))

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The rows as decoded JSON, untouched."""
        return [decode(line) for line in self.lines]

    def shown(self) -> list[bytes]:
        """The lines without answers that are left out, such as blinded ones."""
        return [_shown(line, self.table) for line in self.lines]

    def column(self, name: str) -> Cells:
        """The cells of one column."""
        return self.columns[self.table.names.index(name)]


class Reader:
    """Makes batches of one table of lines. `undeclared` and `case_variants` count what was met."""

    def __init__(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None = None) -> None:
        self.table = table
        self._drop = drop
        self._fields = [column.source for column in table.columns if column.part == "field"]
        self._keywords_at = self._fields.index("keywords") if "keywords" in self._fields else None
        self._answers = table.answers
        self._hidden = tuple(name for name in table.hidden if name not in self._answers)
        self._unseen = frozenset(name.casefold() for name in self._hidden)
        self._by_case: dict[str, str] = {}
        for name in self._answers:
            self._by_case.setdefault(name.casefold(), name)
        kinds = {column.name: column.checked or column.kind for column in table.columns if column.part == "answer"}
        self._casters = {name: Caster(kind) for name, kind in kinds.items() if kind in CAST}
        self._fast = self._fast_decoder()
        self.undeclared: dict[str, int] = {}
        self.case_variants: dict[str, int] = {}
        self.rows = 0

    def batch(self, number: int, lines: list[bytes]) -> tuple[Batch, list[Issue]]:
        """One batch, and what did not fit."""
        issues: list[Issue] = []
        fields, answers, others = self._decoded(lines, issues)
        if self._drop is not None and lines:
            keep = [not one for one in self._drop(fields)]
            if not all(keep):
                pick = [place for place, one in enumerate(keep) if one]
                fields = [[column[place] for place in pick] for column in fields]
                answers = [[column[place] for place in pick] for column in answers]
                others = {at: others[place] for at, place in enumerate(pick) if place in others}
                lines = [lines[place] for place in pick]
        ids = fields[self._fields.index("recordId")] if "recordId" in self._fields else fields[0] if fields else []
        by_field, by_answer = (
            dict(zip(self._fields, fields, strict=True)),
            dict(zip(self._answers, answers, strict=True)),
        )
        columns: list[Cells] = []
        for column in self.table.columns:
            if column.part == "field":
                columns.append(self._field(column, by_field[column.source], ids, issues))
            elif column.part == "other":
                columns.append(self._others(others, len(lines), ids, issues))
            else:
                cells = by_answer[column.source]
                if column.name in self._casters:
                    self._test(column, cells, ids, issues)
                if column.kind in CAST:
                    columns.append(self._casters[column.name].values(cells))
                else:
                    columns.append([cell or None for cell in cells] if "" in cells else cells)
        self.rows += len(lines)
        return Batch(self.table, number, columns, lines), issues

    # ---- decoding

    def _fast_decoder(self) -> Callable[[bytes], Any] | None:
        msgspec = fast_json()
        if msgspec is None or self.table.model is None:
            return None
        if not all(map(_plain_name, (*self._answers, *self._hidden))):
            return None  # msgspec knows no names with quotes, backslashes, control signs or half a character in them
        fields: list[tuple[Any, ...]] = [(f"f{place}", Any, None) for place in range(len(self._fields))]
        rename = {f"f{place}": name for place, name in enumerate(self._fields)}
        if self.table.is_form:
            names = [*self._answers, *self._hidden]
            answer = msgspec.defstruct(
                "Answers",
                [(f"a{p}", str | None if p < len(self._answers) else Any, None) for p in range(len(names))],
                rename={f"a{p}": name for p, name in enumerate(names)},
                forbid_unknown_fields=True,
                gc=False,
            )
            fields.append(("data", answer | None, None))
            rename["data"] = "recordData"
        row = msgspec.defstruct("Row", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        decoder: Callable[[bytes], Any] = msgspec.json.Decoder(row).decode
        return decoder

    def _decoded(
        self, lines: list[bytes], issues: list[Issue]
    ) -> tuple[list[Cells], list[Cells], dict[int, dict[str, Any]]]:
        """Columns of the fields, columns of the answers, and by row what is beyond both."""
        others: dict[int, dict[str, Any]] = {}
        rows: list[tuple[Any, ...]] = []
        data: list[tuple[Any, ...]] = []
        beyond = (None,) * len(self._hidden)
        nothing = (None,) * len(self._answers) + beyond
        fast, count, is_form = self._fast, len(self._answers), self.table.is_form
        astuple = fast_json().structs.astuple if fast is not None else None
        for place, line in enumerate(lines):
            if fast is not None and astuple is not None:
                try:
                    row = astuple(fast(line))
                except (ValueError, RecursionError):
                    pass  # something undeclared, or an answer that is no text: the exact way decides
                else:
                    answers_now = astuple(row[-1]) if is_form and row[-1] is not None else nothing
                    if not is_form or not self._may_repeat(line, row, answers_now):
                        rows.append(row)
                        if is_form:
                            data.append(answers_now)
                        continue
            fields, answers, further = self._exact(line, issues)
            rows.append((*fields, None) if is_form else fields)
            data.append((*answers, *beyond))
            if further:
                others[place] = further
        columns: list[Cells] = []
        columns += list(map(list, zip(*rows, strict=True)))[: len(self._fields)]
        while len(columns) < len(self._fields):
            columns.append([])
        answered: list[Cells] = [()] * count
        if is_form and data:
            answered[:] = list(zip(*data, strict=True))[:count]
        return columns, answered, others

    def _may_repeat(self, line: bytes, row: tuple[Any, ...], answers: tuple[Any, ...]) -> bool:
        """Whether a line has more names than values and nulls, so that one may stand in it twice."""
        values = len(row) - row.count(None) + len(answers) - answers.count(None)
        keywords = row[self._keywords_at] if self._keywords_at is not None else None
        if isinstance(keywords, list):
            values += sum(len(one) for one in keywords if isinstance(one, dict))
        names = line.count(b'":')
        return names != values and names != values + line.count(b'":null') + line.count(b'": null')

    def _exact(self, line: bytes, issues: list[Issue]) -> tuple[tuple[Any, ...], tuple[Any, ...], dict[str, Any]]:
        """One line: its fields, its answers, and what is beyond both."""
        row = decode(line)
        model = self.table.model
        further = {name: value for name, value in row.items() if model is not None and name not in model.FIELDS}
        if further and self.table.is_form:
            further = {f"record.{name}": value for name, value in further.items()}
        number = row.get("recordId") if self.table.is_form else row.get(self._fields[0])
        fields = tuple([self._sound(name, row.get(name), number, issues) for name in self._fields])
        if not self.table.is_form:
            return fields, (), further
        for name, earlier in repeated_members(line, row):
            if name.casefold() not in self._unseen:
                issues.append(Issue(self.table.key, number, name, earlier, REPEATED))
        answers = texts(_member(line, "recordData")) if row.get("recordData") is not None else {}
        cells = [self._sound(name, answers.get(name), number, issues) for name in self._answers]
        for name in sorted(answers.keys() - set(self._answers)):
            value = answers[name]
            if name.casefold() in self._unseen:
                continue
            declared = self._by_case.get(name.casefold())
            if declared is not None and declared not in answers and cells[self._answers.index(declared)] is None:
                cells[self._answers.index(declared)] = value
                self.case_variants[name] = self.case_variants.get(name, 0) + 1
                continue
            self.undeclared[name] = self.undeclared.get(name, 0) + 1
            free = name
            while free in further:  # a field of the record that nobody knows may have the name already
                free = f"data.{free}"
            further[free] = value
        return fields, tuple(cells), further

    def _sound(self, name: str, value: Any, number: Any, issues: list[Issue]) -> Any:
        """A value that can be written: a text with half a character (a lone surrogate) can nowhere."""
        if type(value) is str and not writable(value):
            issues.append(Issue(self.table.key, number, name, json.dumps(value), "half a character (a lone surrogate)"))
            return None
        return value

    # ---- columns

    def _field(self, column: Column, cells: Cells, ids: Cells, issues: list[Issue]) -> Cells:
        """Cells of a field of the record itself."""
        kind = column.kind
        types = set(map(type, cells)) - {type(None)}
        if kind is Kind.JSON:
            return [None if cell is None else cell if type(cell) is str else as_json(cell) for cell in cells]
        if kind is Kind.TEXT:
            if types <= {str}:
                return [cell or None for cell in cells] if "" in cells else cells
            return [None if cell in (None, "") else cell if type(cell) is str else as_json(cell) for cell in cells]
        if kind is Kind.BOOLEAN and not types <= {bool}:
            cells = [cell if (said := truth(cell)) is None else said for cell in cells]
            types = set(map(type, cells)) - {type(None)}
        wanted = {Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.NUMBER: float}[kind]
        if types <= {wanted} and not (wanted is int and any(abs(cell) >= _INT64 for cell in cells if cell is not None)):
            return cells
        found: list[Any] = []
        for cell, row in zip(cells, ids, strict=True):
            fits = type(cell) is wanted or (wanted is float and type(cell) is int)
            if cell in (None, "") and not isinstance(cell, (int, float)):
                found.append(None)
            elif fits and not (wanted is int and abs(cell) >= _INT64):
                found.append(cell)
            else:
                found.append(None)
                text = cell if isinstance(cell, str) else as_json(cell)
                issues.append(Issue(self.table.key, row, column.source, text, f"no {kind}"))
        return found

    def _test(self, column: Column, cells: Cells, ids: Cells, issues: list[Issue]) -> None:
        """List the answers that are not of their variable's kind."""
        caster = self._casters[column.name]
        unfit = caster.unfit(cells)
        if unfit:
            for row, cell in zip(ids, cells, strict=True):
                if cell in unfit:
                    issues.append(Issue(self.table.key, row, column.source, cell, caster.reasons[cell]))

    def _others(self, others: dict[int, dict[str, Any]], count: int, ids: Cells, issues: list[Issue]) -> Cells:
        """The column of undeclared answers; each is listed too, since no column of its own holds it."""
        if not others:
            return [None] * count
        cells: list[Any] = [None] * count
        for place, further in others.items():
            cells[place] = as_json(further)
            if self.table.is_form:
                for name, value in further.items():
                    plain = value is None or (isinstance(value, str) and writable(value))
                    text = value if plain else as_json(value)
                    issues.append(Issue(self.table.key, ids[place], name, text, "not declared by the study's design"))
        return cells


class RawReader:
    """Makes batches of lines alone, for sinks that take records as they are. Blinded answers are taken out."""

    def __init__(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None = None) -> None:
        self.table = table
        self._drop = drop
        self._fields = [column.source for column in table.columns if column.part == "field"]
        self.undeclared: dict[str, int] = {}
        self.case_variants: dict[str, int] = {}
        self.rows = 0

    def batch(self, number: int, lines: list[bytes]) -> tuple[Batch, list[Issue]]:
        """One batch; nothing can fail to fit."""
        if self._drop is not None and lines:
            rows = [decode(line) for line in lines]
            drop = self._drop([[row.get(name) for row in rows] for name in self._fields])
            lines = [line for line, one in zip(lines, drop, strict=True) if not one]
        self.rows += len(lines)
        return Batch(self.table, number, [], [_shown(line, self.table) for line in lines]), []


def _shown(line: bytes, table: Table) -> bytes:
    """A line without answers that are left out; as it came where it has none."""
    if table.hidden:
        row = decode(line)
        answers, hidden = row.get("recordData"), frozenset(name.casefold() for name in table.hidden)
        if isinstance(answers, dict) and not hidden.isdisjoint(name.casefold() for name in answers):
            row["recordData"] = {name: value for name, value in answers.items() if name.casefold() not in hidden}
            return json.dumps(row, separators=(",", ":")).encode()
    return line.rstrip(b"\n")


def own_batch(table: Table, number: int, rows: Iterable[Sequence[Any]]) -> Batch:
    """A batch of a table that the export makes itself."""
    found = [[whole(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    columns: list[Cells] = [list(cells) for cells in zip(*found, strict=True)] if found else [[] for _ in table.columns]
    return Batch(table, number, columns)


def as_json(value: Any) -> str:
    """A value as compact JSON, for a cell."""
    if value == []:
        return "[]"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if writable(text) else json.dumps(value, separators=(",", ":"), default=str)


def repeated_members(line: bytes, row: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields and answers of a record that its line gives more than once, with each value but the last.

    Args:
        line: the record as it came.
        row: the same, decoded.
    """
    data, keywords = row.get("recordData"), row.get("keywords")
    inner = [data, *(keywords if isinstance(keywords, list) else ())]
    if line.count(b'":') == len(row) + sum(len(one) for one in inner if isinstance(one, dict)):
        return []
    found = [(name, value) for name, value in repeated(line) if name != "recordData"]
    return found + (repeated(_member(line, "recordData")) if isinstance(data, dict) else [])


def _plain_name(name: str) -> bool:
    """Whether a name stands in JSON as it is."""
    return json.dumps(name, ensure_ascii=False) == f'"{name}"' and writable(name)


def _member(line: bytes, name: str) -> bytes:
    """The text of one member of the object in a line."""
    return members(line)[name].encode("utf-8", "surrogatepass")


assert "recordData" in Record.UNDECODED, "answers stay undecoded until they are needed"
