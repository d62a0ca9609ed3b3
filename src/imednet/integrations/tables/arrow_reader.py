"""Reader from JSON lines to Arrow, without a Python object for each cell, for sinks that take Arrow.

Arrow's JSON reader is used as long as every row of a batch has only declared fields, each of its declared type. Any
other batch is read by `batches.Reader`, whose rules hold for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from imednet_api.models import Keyword
from imednet_api.types import decode

from ...utils.text import writable
from ...validation.kinds import CAST, Caster, Kind, field_kinds
from .._optional import _require_optional_dep
from .arrow import ArrowBatch, arrow_type, pyarrow, schema_of
from .batches import Batch, Cells, Issue, Reader, as_json
from .layout import Column, Table

_PATTERNS: Final = {
    Kind.NUMBER: r"\A-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\z",
    Kind.INSTANT: (
        r"\A(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\z"
    ),
    Kind.DATE: r"\A(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2}\z",
}
"""Texts that Arrow converts exactly as `validation.kinds.cast` does; any other text is left to that function."""
_EXACT: Final = 2.0**53
_INT64: Final = 2**63


class ArrowReader(Reader):
    """Reader of one table's lines into batches, as Arrow where that is possible."""

    def __init__(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None = None) -> None:
        super().__init__(table, drop)
        self._schema = schema_of(table)
        self._known: dict[str, tuple[Any, Any]] = {}
        writable_names = all(map(writable, (*self._answers, *self._hidden)))  # Arrow refuses lone surrogates in names
        self._parse_options = self._expected() if table.is_form and drop is None and writable_names else None

    def batch(self, number: int, lines: list[bytes]) -> tuple[Batch, list[Issue]]:
        """One batch, and the issues met in it."""
        arrays_by_source = self._read(lines) if lines and self._parse_options is not None else None
        if arrays_by_source is None:
            return super().batch(number, lines)
        issues: list[Issue] = []
        arrays = [self._array(column, arrays_by_source, lines, issues) for column in self.table.columns]
        self.rows += len(lines)
        return ArrowBatch(self.table, number, pyarrow().record_batch(arrays, schema=self._schema), lines), issues

    def _expected(self) -> Any | None:
        """Parse options with the schema rows must have; `None` if a field is of a kind that only `Reader` handles."""
        arrow = pyarrow()
        keyword = arrow.struct([(name, _sent_type(kind)) for name, kind in field_kinds(Keyword).items()])
        kinds = {column.source: column.kind for column in self.table.columns if column.part == "field"}
        fields = []
        for name, kind in kinds.items():
            if kind not in (Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, *CAST) and name != "keywords":
                return None
            fields.append((name, arrow.list_(keyword) if name == "keywords" else _sent_type(kind)))
        answers = [(name, arrow.string()) for name in (*self._answers, *self._hidden)]
        fields.append(("recordData", arrow.struct(answers)))
        return _require_optional_dep("pyarrow.json", "export").ParseOptions(
            explicit_schema=arrow.schema(fields), unexpected_field_behavior="error"
        )

    def _read(self, lines: list[bytes]) -> dict[str, Any] | None:
        """Arrays by field and, with a leading dot, by answer; `None` if a row does not have the expected schema."""
        if not all(line.startswith(b"{") for line in lines):
            return None
        arrow, json = pyarrow(), _require_optional_dep("pyarrow.json", "export")
        text = b"".join(lines)
        try:
            if not text.isascii():
                text.decode()  # Arrow does not check that bytes are UTF-8
            one_block = json.ReadOptions(use_threads=False, block_size=len(text) + 1)
            rows = json.read_json(arrow.BufferReader(text), read_options=one_block, parse_options=self._parse_options)
        except (arrow.ArrowInvalid, UnicodeDecodeError):
            return None
        if rows.num_rows != len(lines):
            return None
        arrays = {name: rows.column(name).combine_chunks() for name in rows.schema.names}
        data = arrays.pop("recordData")
        names = [field.name for field in data.type]
        arrays.update({f".{name}": _empty_to_null(array) for name, array in zip(names, data.flatten(), strict=True)})
        return arrays

    def _array(self, column: Column, read: dict[str, Any], lines: list[bytes], issues: list[Issue]) -> Any:
        """One column of the batch; values that do not fit are added to `issues`."""
        if column.part == "other":
            return pyarrow().nulls(len(lines), arrow_type(column.kind))
        if column.part == "context":
            key, cells_by_key = self.table.lookups.get(column.source, ("recordId", {}))
            return self._found(column, cells_by_key, read[key])
        if column.part == "field":
            cells = read[column.source]
            if column.source == "keywords":
                return self._keywords(cells, lines)
            texts = _empty_to_null(cells) if column.kind is Kind.TEXT or column.kind in CAST else cells
        else:
            texts = read[f".{column.source}"]
        if column.name not in self._casters:
            return texts
        kind = None if column.convert is not None else column.checked or column.kind
        values, unfit = _cast(kind, self._casters[column.name], texts, arrow_type(column.kind))
        if unfit and column.reported:
            ids, reasons = read["recordId"], self._casters[column.name].reasons
            for index, text in enumerate(texts.to_pylist()):
                if text in unfit:
                    row = ids[index].as_py()
                    issues.append(Issue(self.table.key, row, column.source, text, reasons[text]))
        return values if column.converted else texts

    def _found(self, column: Column, cells_by_key: Mapping[Any, Any], keys: Any) -> Any:
        """The cells of a column of context, found by a field of the rows."""
        compute = _require_optional_dep("pyarrow.compute", "export")
        if column.source not in self._known:
            arrow = pyarrow()
            known = {one: cell for one, cell in cells_by_key.items() if type(one) is int and abs(one) < _INT64}
            self._known[column.source] = (
                arrow.array(list(known), arrow.int64()), arrow.array(list(known.values()), arrow_type(column.kind))
            )  # fmt: skip
        known_keys, cells = self._known[column.source]
        return cells.take(compute.index_in(keys, known_keys))

    def _keywords(self, cells: Any, lines: list[bytes]) -> Any:
        """Keywords as the JSON the server sent."""
        compute = _require_optional_dep("pyarrow.compute", "export")
        lengths = compute.list_value_length(cells).to_pylist()
        texts = [
            None if length is None else as_json(decode(line)["keywords"]) if length else "[]"
            for line, length in zip(lines, lengths, strict=True)
        ]
        return pyarrow().array(texts, pyarrow().string())


def _empty_to_null(texts: Any) -> Any:
    """An array of texts in which empty ones are missing."""
    compute = _require_optional_dep("pyarrow.compute", "export")
    empty = compute.equal(texts, "")
    return compute.if_else(empty, None, texts) if compute.any(empty).as_py() else texts


def _sent_type(kind: Kind) -> Any:
    """The Arrow type in which the server sends a field of a kind; dates and times are text."""
    return pyarrow().string() if kind in CAST else arrow_type(kind)


def _cast(kind: Kind | None, caster: Caster, texts: Any, wanted: Any) -> tuple[Any, set[str]]:
    """The typed column and the texts that do not fit; `caster` converts one by one what Arrow cannot decide.

    Args:
        kind: how Arrow may convert; `None` where `caster` alone can.
        caster: converter of texts.
        texts: an Arrow array.
        wanted: type of the column, unless it stays text and `kind` is only what it is checked for.
    """
    arrow, compute = pyarrow(), _require_optional_dep("pyarrow.compute", "export")
    if kind in _PATTERNS:
        fits = compute.match_substring_regex(texts, _PATTERNS[kind])
        unmatched = set(texts.filter(compute.invert(fits)).to_pylist()) - {None}
        unfit = caster.unfit(unmatched)
        if unfit == unmatched:
            try:
                fitting = compute.if_else(fits, texts, None) if unmatched else texts
                if kind is Kind.INSTANT:  # Arrow takes texts with a zone alone for times in one
                    fitting = compute.cast(fitting, arrow.timestamp("us"))
                values = compute.cast(fitting, arrow_type(kind))
            except arrow.ArrowInvalid:
                pass  # a date that is not in the calendar
            else:
                largest = compute.max(compute.abs(values)).as_py() if kind is Kind.NUMBER else None
                if largest is None or largest < _EXACT:
                    return values, unfit
    cells = texts.to_pylist()
    unfit = caster.unfit(cells)
    return arrow.array(caster.values(cells), wanted if kind is None else arrow_type(kind)), unfit
