"""Batches of rows, and the readers that turn JSON lines into columns of cells without building model objects.

The fast decoder puts a line's values straight into their columns. It is used for lines that have only declared fields
and whose answers are texts; any other line is decoded exactly, and so are all lines if msgspec is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from imednet_api.models import Record
from imednet_api.types import decode, fast_json, utc

from ...core.decoding.json_text import members, repeated, texts
from ...utils.text import whole, writable
from ...utils.truth import truth
from ...validation.kinds import CAST, Caster, Kind
from .layout import Column, Table

Cells = Sequence[Any]
"""One column: cells in the order of the rows, `None` where a value is missing."""

_INT64: Final = 2**63
REPEATED: Final = "given more than once; the last value counts"
_NOT_OF_KIND: Final = {
    Kind.INTEGER: "not an integer",
    Kind.BOOLEAN: "not a boolean",
    Kind.NUMBER: "not a number",
}


@dataclass(frozen=True, slots=True)
class Issue:
    """A value that could not be exported as it is. `value` may be a subject's answer.

    Attributes:
        form: key of the table.
        record_id: id of the row.
        variable: the variable, or the field.
        value: the value as the server sent it, as text.
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
    """A batch of rows of one table.

    Attributes:
        table: the table.
        number: number of the batch in its table, from 0.
        columns: a sequence of cells for each column of the table, in its order.
        lines: the rows as JSON from the server, one `bytes` per row; empty for the tables that the export adds.
    """

    table: Table
    number: int
    columns: list[Cells] = field(repr=False)
    lines: list[bytes] = field(default_factory=list, repr=False)

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else len(self.lines)

    @property
    def id(self) -> str:
        """A name for messages: the table's key and the batch's number."""
        return f"{self.table.key}/{self.number}"

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows, each in the order of the columns."""
        return list(zip(*self.columns, strict=True))

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The rows as decoded JSON, unchanged."""
        return [decode(line) for line in self.lines]

    def shown(self) -> list[bytes]:
        """The lines without hidden answers, such as blinded ones."""
        return [without_hidden(line, self.table) for line in self.lines]

    def column(self, name: str) -> Cells:
        """The cells of one column."""
        return self.columns[self.table.names.index(name)]


class Reader:
    """Reader of one table's lines into batches.

    Args:
        table: the table.
        drop: function that tells, for the fields of a batch, which rows to leave out.

    Attributes:
        undeclared: answers that the study's design does not declare -> number of records with them.
        case_variants: answers whose name differs from a declared one by case only -> number of records with them.
        rows: rows read so far.
    """

    def __init__(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None = None) -> None:
        self.table = table
        self._drop = drop
        self._fields = [column.source for column in table.columns if column.part == "field"]
        self._keywords_at = self._fields.index("keywords") if "keywords" in self._fields else None
        self._answers = table.answers
        self._hidden = tuple(name for name in table.hidden if name not in self._answers)
        self._hidden_folded = frozenset(name.casefold() for name in self._hidden)
        self._by_case: dict[str, str] = {}
        for name in self._answers:
            self._by_case.setdefault(name.casefold(), name)
        self._casters = {column.name: caster for column in table.columns if (caster := _caster(column)) is not None}
        self._fast = self._fast_decoder()
        self.undeclared: dict[str, int] = {}
        self.case_variants: dict[str, int] = {}
        self.rows = 0

    def batch(self, number: int, lines: list[bytes]) -> tuple[Batch, list[Issue]]:
        """One batch, and the issues met in it."""
        issues: list[Issue] = []
        fields, answers, others = self._decode(lines, issues)
        if self._drop is not None and lines:
            dropped = self._drop(fields)
            if any(dropped):
                kept = [index for index, drop in enumerate(dropped) if not drop]
                fields = [[column[index] for index in kept] for column in fields]
                answers = [[column[index] for index in kept] for column in answers]
                others = {new: others[index] for new, index in enumerate(kept) if index in others}
                lines = [lines[index] for index in kept]
        ids = fields[self._fields.index("recordId")] if "recordId" in self._fields else fields[0] if fields else []
        by_field, by_answer = (
            dict(zip(self._fields, fields, strict=True)),
            dict(zip(self._answers, answers, strict=True)),
        )
        columns: list[Cells] = []
        for column in self.table.columns:
            if column.part == "field":
                columns.append(self._field_cells(column, by_field[column.source], ids, issues))
            elif column.part == "context":
                key, cells_by_key = self.table.lookups.get(column.source, ("recordId", {}))
                columns.append([cells_by_key.get(key_cell) for key_cell in by_field[key]])
            elif column.part == "other":
                columns.append(self._undeclared_cells(others, len(lines), ids, issues))
            else:
                cells = by_answer[column.source]
                if column.name in self._casters:
                    self._list_misfits(column, cells, ids, issues)
                if column.converted:
                    columns.append(self._converted(column, cells))
                else:
                    columns.append([cell or None for cell in cells] if "" in cells else cells)
        self.rows += len(lines)
        return Batch(self.table, number, columns, lines), issues

    # ---- decoding

    def _fast_decoder(self) -> Callable[[bytes], Any] | None:
        msgspec = fast_json()
        if msgspec is None or self.table.model is None:
            return None
        if not all(map(_is_plain_name, (*self._answers, *self._hidden))):
            return None  # msgspec refuses names with quotes, backslashes, control characters or lone surrogates
        fields: list[tuple[Any, ...]] = [(f"f{index}", Any, None) for index in range(len(self._fields))]
        rename = {f"f{index}": name for index, name in enumerate(self._fields)}
        if self.table.is_form:
            names = [*self._answers, *self._hidden]
            answers = msgspec.defstruct(
                "Answers",
                [(f"a{i}", str | None if i < len(self._answers) else Any, None) for i in range(len(names))],
                rename={f"a{i}": name for i, name in enumerate(names)},
                forbid_unknown_fields=True,
                gc=False,
            )
            fields.append(("data", answers | None, None))
            rename["data"] = "recordData"
        row = msgspec.defstruct("Row", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        decoder: Callable[[bytes], Any] = msgspec.json.Decoder(row).decode
        return decoder

    def _decode(
        self, lines: list[bytes], issues: list[Issue]
    ) -> tuple[list[Cells], list[Cells], dict[int, dict[str, Any]]]:
        """Columns of the fields, columns of the answers, and undeclared members by row index."""
        others: dict[int, dict[str, Any]] = {}
        rows: list[tuple[Any, ...]] = []
        data: list[tuple[Any, ...]] = []
        hidden = (None,) * len(self._hidden)
        no_answers = (None,) * len(self._answers) + hidden
        fast, count, is_form = self._fast, len(self._answers), self.table.is_form
        astuple = fast_json().structs.astuple if fast is not None else None
        for index, line in enumerate(lines):
            if fast is not None and astuple is not None:
                try:
                    row = astuple(fast(line))
                except (ValueError, RecursionError):
                    pass  # an undeclared member, or an answer that is not text
                else:
                    row_answers = astuple(row[-1]) if is_form and row[-1] is not None else no_answers
                    if not is_form or not self._may_repeat(line, row, row_answers):
                        rows.append(row)
                        if is_form:
                            data.append(row_answers)
                        continue
            fields, answers, undeclared = self._decode_exactly(line, issues)
            rows.append((*fields, None) if is_form else fields)
            data.append((*answers, *hidden))
            if undeclared:
                others[index] = undeclared
        columns: list[Cells] = []
        columns += list(map(list, zip(*rows, strict=True)))[: len(self._fields)]
        while len(columns) < len(self._fields):
            columns.append([])
        answered: list[Cells] = [()] * count
        if is_form and data:
            answered[:] = list(zip(*data, strict=True))[:count]
        return columns, answered, others

    def _may_repeat(self, line: bytes, row: tuple[Any, ...], answers: tuple[Any, ...]) -> bool:
        """Whether a line has more names than values and nulls, so that it may give a name twice."""
        values = len(row) - row.count(None) + len(answers) - answers.count(None)
        keywords = row[self._keywords_at] if self._keywords_at is not None else None
        if isinstance(keywords, list):
            values += sum(len(keyword) for keyword in keywords if isinstance(keyword, dict))
        names = line.count(b'":')
        return names != values and names != values + line.count(b'":null') + line.count(b'": null')

    def _decode_exactly(
        self, line: bytes, issues: list[Issue]
    ) -> tuple[tuple[Any, ...], tuple[Any, ...], dict[str, Any]]:
        """The fields, the answers and the undeclared members of one line."""
        row = decode(line)
        model = self.table.model
        undeclared = {name: value for name, value in row.items() if model is not None and name not in model.FIELDS}
        if undeclared and self.table.is_form:
            undeclared = {f"record.{name}": value for name, value in undeclared.items()}
        row_id = row.get("recordId") if self.table.is_form else row.get(self._fields[0])
        fields = tuple([self._writable_or_none(name, row.get(name), row_id, issues) for name in self._fields])
        if not self.table.is_form:
            return fields, (), undeclared
        for name, earlier in repeated_members(line, row):
            if name.casefold() not in self._hidden_folded:
                issues.append(Issue(self.table.key, row_id, name, earlier, REPEATED))
        answers = texts(_member(line, "recordData")) if row.get("recordData") is not None else {}
        cells = [self._writable_or_none(name, answers.get(name), row_id, issues) for name in self._answers]
        for name in sorted(answers.keys() - set(self._answers)):
            value = answers[name]
            if name.casefold() in self._hidden_folded:
                continue
            declared = self._by_case.get(name.casefold())
            if declared is not None and declared not in answers and cells[self._answers.index(declared)] is None:
                cells[self._answers.index(declared)] = value
                self.case_variants[name] = self.case_variants.get(name, 0) + 1
                continue
            self.undeclared[name] = self.undeclared.get(name, 0) + 1
            unused = name
            while unused in undeclared:  # an undocumented field of the record may have the name already
                unused = f"data.{unused}"
            undeclared[unused] = value
        return fields, tuple(cells), undeclared

    def _writable_or_none(self, name: str, value: Any, row_id: Any, issues: list[Issue]) -> Any:
        """The value, or `None` and an issue for a text with a lone surrogate, which no file can hold."""
        if type(value) is str and not writable(value):
            issues.append(Issue(self.table.key, row_id, name, json.dumps(value), "half a character (a lone surrogate)"))
            return None
        return value

    # ---- columns

    def _field_cells(self, column: Column, cells: Cells, ids: Cells, issues: list[Issue]) -> Cells:
        """Cells of a field of the record itself."""
        kind = column.kind
        types = set(map(type, cells)) - {type(None)}
        if column.name in self._casters:
            if not types <= {str}:
                cells = [cell if cell is None or type(cell) is str else _as_moment(cell) for cell in cells]
            self._list_misfits(column, cells, ids, issues)
            if column.converted:
                return self._converted(column, cells)
        if kind is Kind.JSON:
            return [None if cell is None else cell if type(cell) is str else as_json(cell) for cell in cells]
        if kind is Kind.TEXT:
            if types <= {str}:
                return [cell or None for cell in cells] if "" in cells else cells
            return [None if cell in (None, "") else cell if type(cell) is str else as_json(cell) for cell in cells]
        if kind is Kind.BOOLEAN and not types <= {bool}:
            cells = [cell if (boolean := truth(cell)) is None else boolean for cell in cells]
            types = set(map(type, cells)) - {type(None)}
        wanted = {Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.NUMBER: float}[kind]
        if types <= {wanted} and not (wanted is int and any(abs(cell) >= _INT64 for cell in cells if cell is not None)):
            return cells
        typed: list[Any] = []
        for cell, row in zip(cells, ids, strict=True):
            fits = type(cell) is wanted or (wanted is float and type(cell) is int)
            if cell in (None, "") and not isinstance(cell, (int, float)):
                typed.append(None)
            elif fits and not (wanted is int and abs(cell) >= _INT64):
                typed.append(cell)
            else:
                typed.append(None)
                text = cell if isinstance(cell, str) else as_json(cell)
                issues.append(Issue(self.table.key, row, column.source, text, _NOT_OF_KIND[kind]))
        return typed

    def _list_misfits(self, column: Column, cells: Cells, ids: Cells, issues: list[Issue]) -> None:
        """Convert the texts of a column, and add an issue for each that cannot be."""
        caster = self._casters[column.name]
        unfit = caster.unfit(cells)
        if unfit and column.reported:
            for row, cell in zip(ids, cells, strict=True):
                if cell in unfit:
                    issues.append(Issue(self.table.key, row, column.source, cell, caster.reasons[cell]))

    def _converted(self, column: Column, cells: Cells) -> list[Any]:
        """The typed cells of a column whose texts were converted already."""
        caster = self._casters[column.name]
        typed = caster.values(cells)
        if column.lenient and caster.reasons:
            return [text if value is None and text else value for value, text in zip(typed, cells, strict=True)]
        return typed

    def _undeclared_cells(
        self, others: dict[int, dict[str, Any]], count: int, ids: Cells, issues: list[Issue]
    ) -> Cells:
        """The column of undeclared members as JSON; each one of a record is also listed as an issue."""
        if not others:
            return [None] * count
        cells: list[Any] = [None] * count
        for index, undeclared in others.items():
            cells[index] = as_json(undeclared)
            if self.table.is_form:
                for name, value in undeclared.items():
                    plain = value is None or (isinstance(value, str) and writable(value))
                    text = value if plain else as_json(value)
                    issues.append(Issue(self.table.key, ids[index], name, text, "not declared by the study's design"))
        return cells


def _caster(column: Column) -> Caster | None:
    """The converter of a column's texts; `None` if its cells are taken as they are."""
    if column.convert is not None:
        return Caster(column.convert)
    kind = column.checked or column.kind
    return Caster.of(kind) if column.part in ("field", "answer") and kind in CAST else None


class RawReader:
    """Reader for sinks that take raw records: batches of lines without hidden answers, and without columns."""

    def __init__(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None = None) -> None:
        self.table = table
        self._drop = drop
        self._fields = [column.source for column in table.columns if column.part == "field"]
        self.undeclared: dict[str, int] = {}
        self.case_variants: dict[str, int] = {}
        self.rows = 0

    def batch(self, number: int, lines: list[bytes]) -> tuple[Batch, list[Issue]]:
        """One batch, and no issues, because nothing is converted."""
        if self._drop is not None and lines:
            rows = [decode(line) for line in lines]
            dropped = self._drop([[row.get(name) for row in rows] for name in self._fields])
            lines = [line for line, drop in zip(lines, dropped, strict=True) if not drop]
        self.rows += len(lines)
        return Batch(self.table, number, [], [without_hidden(line, self.table) for line in lines]), []


def without_hidden(line: bytes, table: Table) -> bytes:
    """A line without the table's hidden answers; unchanged if it has none of them."""
    if table.hidden:
        row = decode(line)
        answers, hidden = row.get("recordData"), frozenset(name.casefold() for name in table.hidden)
        if isinstance(answers, dict) and not hidden.isdisjoint(name.casefold() for name in answers):
            row["recordData"] = {name: value for name, value in answers.items() if name.casefold() not in hidden}
            return json.dumps(row, separators=(",", ":")).encode()
    return line.rstrip(b"\n")


def without_zone(cells: Cells) -> Cells:
    """Times in UTC as times without a zone."""
    return [None if cell is None else cell.replace(tzinfo=None) for cell in cells]


def own_batch(table: Table, number: int, rows: Iterable[Sequence[Any]]) -> Batch:
    """A batch of a table that the export adds, such as the dictionary."""
    writable_rows = [[whole(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    if not writable_rows:
        return Batch(table, number, [[] for _ in table.columns])
    return Batch(table, number, [list(cells) for cells in zip(*writable_rows, strict=True)])


def _as_moment(value: Any) -> str:
    """A time that came as a list of numbers, written as the server writes other times; anything else as JSON."""
    moment = utc(value) if isinstance(value, list) else None
    return as_json(value) if moment is None else moment.replace(tzinfo=None).isoformat(sep=" ")


def as_json(value: Any) -> str:
    """A value as compact JSON, for a cell."""
    if value == []:
        return "[]"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if writable(text) else json.dumps(value, separators=(",", ":"), default=str)


def repeated_members(line: bytes, row: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields and answers that a record's line gives more than once, each with every value but the last.

    Args:
        line: the record as the server sent it.
        row: the same record, decoded.
    """
    data, keywords = row.get("recordData"), row.get("keywords")
    inner = [data, *(keywords if isinstance(keywords, list) else ())]
    if line.count(b'":') == len(row) + sum(len(value) for value in inner if isinstance(value, dict)):
        return []
    fields = [(name, value) for name, value in repeated(line) if name != "recordData"]
    return fields + (repeated(_member(line, "recordData")) if isinstance(data, dict) else [])


def _is_plain_name(name: str) -> bool:
    """Whether a name is written in JSON without escapes."""
    return json.dumps(name, ensure_ascii=False) == f'"{name}"' and writable(name)


def _member(line: bytes, name: str) -> bytes:
    """The JSON text of one member of the object in a line."""
    return members(line)[name].encode("utf-8", "surrogatepass")


assert "recordData" in Record.UNDECODED, "answers stay undecoded until they are needed"
