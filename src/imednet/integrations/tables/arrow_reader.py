"""Lines of JSON -> Arrow, without a Python object for each cell: what sinks that take Arrow are given.

Arrow's own reader of JSON does it while every row has the declared fields alone, each of its declared type. A batch
where one row is not so takes the way of `batches.Reader`, whose rules hold for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    Kind.DATE: r"\A(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{2}-[0-9]{2}\z",
}
"""How texts look that Arrow casts as `values.cast` does; any other text is left to that rule."""
_EXACT: Final = 2.0**53


class ArrowReader(Reader):
    """Makes batches of one table of lines, as Arrow where that can be had."""

    def __init__(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None = None) -> None:
        super().__init__(table, drop)
        self._schema = schema_of(table)
        odd = not all(map(writable, (*self._answers, *self._hidden)))  # Arrow has no names with half a character
        self._wanted = self._expected() if table.is_form and drop is None and not odd else None

    def batch(self, number: int, lines: list[bytes]) -> tuple[Batch, list[Issue]]:
        """One batch, and what did not fit."""
        read = self._read(lines) if lines and self._wanted is not None else None
        if read is None:
            return super().batch(number, lines)
        issues: list[Issue] = []
        arrays = [self._array(column, read, lines, issues) for column in self.table.columns]
        self.rows += len(lines)
        return ArrowBatch(self.table, number, pyarrow().record_batch(arrays, schema=self._schema), lines), issues

    def _expected(self) -> Any | None:
        """What rows must look like; `None` where a field is of a kind that only the other way knows."""
        arrow = pyarrow()
        keyword = arrow.struct([(name, arrow_type(kind)) for name, kind in field_kinds(Keyword).items()])
        kinds = {column.source: column.kind for column in self.table.columns if column.part == "field"}
        fields = []
        for name, kind in kinds.items():
            if kind not in (Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN) and name != "keywords":
                return None
            fields.append((name, arrow.list_(keyword) if name == "keywords" else arrow_type(kind)))
        answers = [(name, arrow.string()) for name in (*self._answers, *self._hidden)]
        fields.append(("recordData", arrow.struct(answers)))
        return _require_optional_dep("pyarrow.json", "export").ParseOptions(
            explicit_schema=arrow.schema(fields), unexpected_field_behavior="error"
        )

    def _read(self, lines: list[bytes]) -> dict[str, Any] | None:
        """Columns by field and, with a dot before it, by answer; `None` where a row is not as expected."""
        if not all(line.startswith(b"{") for line in lines):
            return None
        arrow, json = pyarrow(), _require_optional_dep("pyarrow.json", "export")
        text = b"".join(lines)
        try:
            if not text.isascii():
                text.decode()  # Arrow takes bytes for UTF-8 without a look
            whole = json.ReadOptions(use_threads=False, block_size=len(text) + 1)
            read = json.read_json(arrow.BufferReader(text), read_options=whole, parse_options=self._wanted)
        except (arrow.ArrowInvalid, UnicodeDecodeError):
            return None
        if read.num_rows != len(lines):
            return None
        found = {name: read.column(name).combine_chunks() for name in read.schema.names}
        data = found.pop("recordData")
        names = [field.name for field in data.type]
        found.update({f".{name}": _present(array) for name, array in zip(names, data.flatten(), strict=True)})
        return found

    def _array(self, column: Column, read: dict[str, Any], lines: list[bytes], issues: list[Issue]) -> Any:
        """One column; lists what does not fit."""
        if column.part == "other":
            return pyarrow().nulls(len(lines), arrow_type(column.kind))
        if column.part == "field":
            cells = read[column.source]
            if column.source == "keywords":
                return self._keywords(cells, lines)
            return _present(cells) if column.kind is Kind.TEXT else cells
        texts = read[f".{column.source}"]
        if column.name not in self._casters:
            return texts
        values, unfit = _cast(column.checked or column.kind, self._casters[column.name], texts)
        if unfit:
            ids, reasons = read["recordId"], self._casters[column.name].reasons
            for place, text in enumerate(texts.to_pylist()):
                if text in unfit:
                    row = ids[place].as_py()
                    issues.append(Issue(self.table.key, row, column.source, text, reasons[text]))
        return values if column.kind in CAST else texts

    def _keywords(self, cells: Any, lines: list[bytes]) -> Any:
        """Keywords as JSON, as they came."""
        compute = _require_optional_dep("pyarrow.compute", "export")
        lengths = compute.list_value_length(cells).to_pylist()
        texts = [
            None if length is None else as_json(decode(line)["keywords"]) if length else "[]"
            for line, length in zip(lines, lengths, strict=True)
        ]
        return pyarrow().array(texts, pyarrow().string())


def _present(texts: Any) -> Any:
    """Empty texts become missing."""
    compute = _require_optional_dep("pyarrow.compute", "export")
    empty = compute.equal(texts, "")
    return compute.if_else(empty, None, texts) if compute.any(empty).as_py() else texts


def _cast(kind: Kind, caster: Caster, texts: Any) -> tuple[Any, set[str]]:
    """The typed column, and which texts do not fit. What Arrow cannot tell goes by `values.cast`, text by text."""
    arrow, compute = pyarrow(), _require_optional_dep("pyarrow.compute", "export")
    if kind in _PATTERNS:
        fits = compute.match_substring_regex(texts, _PATTERNS[kind])
        odd = compute.invert(fits)
        strange = set(texts.filter(odd).to_pylist()) - {None}
        unfit = caster.unfit(strange)
        if unfit == strange:
            try:
                values = compute.cast(compute.if_else(fits, texts, None) if strange else texts, arrow_type(kind))
            except arrow.ArrowInvalid:
                pass  # no day of the calendar
            else:
                most = compute.max(compute.abs(values)).as_py() if kind is Kind.NUMBER else None
                if most is None or most < _EXACT:
                    return values, unfit
    cells = texts.to_pylist()
    unfit = caster.unfit(cells)
    return arrow.array(caster.values(cells), arrow_type(kind)), unfit
