"""Batches and schemas as Arrow. Imported only by sinks that need pyarrow; reading lines is in `arrow_reader`."""

from __future__ import annotations

import json
from functools import cached_property, lru_cache
from typing import Any

from ...utils.text import whole
from ...validation.kinds import Kind
from .._optional import _require_optional_dep
from .batches import Batch, Cells
from .layout import Column, Table


@lru_cache(maxsize=1)
def pyarrow() -> Any:
    """The pyarrow library; raises ExportConfigurationError that says what to install."""
    return _require_optional_dep("pyarrow", "export")


def arrow_type(kind: Kind) -> Any:
    """The Arrow type of a kind."""
    arrow = pyarrow()
    types = {
        Kind.INTEGER: arrow.int64(),
        Kind.BOOLEAN: arrow.bool_(),
        Kind.NUMBER: arrow.float64(),
        Kind.DATE: arrow.date32(),
        Kind.DATETIME: arrow.timestamp("us"),
        Kind.INSTANT: arrow.timestamp("us", "UTC"),
        Kind.TIME: arrow.time64("us"),
    }
    return types.get(kind, arrow.string())


class ArrowBatch(Batch):
    """A batch held as Arrow; its cells become Python objects on first access.

    Attributes:
        arrow: the rows as a `pyarrow.RecordBatch` with the schema of the table.
    """

    def __init__(self, table: Table, number: int, arrow: Any, lines: list[bytes]) -> None:
        self.table, self.number, self.arrow, self.lines = table, number, arrow, lines

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    @cached_property
    def columns(self) -> list[Cells]:  # type: ignore[override]
        """A sequence of cells for each column of the table."""
        return [column.to_pylist() for column in self.arrow.columns]


def schema_of(table: Table, *, zones: bool = True) -> Any:
    """The Arrow schema of a table; metadata of a field hold label, variable, type and whether it is blinded.

    Args:
        table: the table.
        zones: give times in UTC their zone; without it they are the same times, for targets whose times have no zone.
    """
    arrow = pyarrow()

    def kind(column: Column) -> Kind:
        return Kind.DATETIME if column.kind is Kind.INSTANT and not zones else column.kind

    fields = [arrow.field(one.name, arrow_type(kind(one)), metadata=_metadata(one)) for one in table.columns]
    metadata = {"table": table.key, **({"name": table.title} if table.title else {})}
    return arrow.schema(fields, metadata={name: whole(value) for name, value in metadata.items()})


def _metadata(column: Column) -> dict[str, str]:
    facts: dict[str, Any] = {
        "source": column.source,
        "label": column.label,
        "variableId": column.variable_id,
        "variableType": column.variable_type,
    }
    if column.variable_id is not None:
        facts["blinded"] = "true" if column.blinded else "false"
    if column.choices:
        facts["choices"] = json.dumps(
            [{"text": text, "code": code} for text, code in column.choices], ensure_ascii=False
        )
    return {name: whole(str(value)) for name, value in facts.items() if value is not None}


def record_batch(batch: Batch, schema: Any | None = None) -> Any:
    """A batch as a `pyarrow.RecordBatch`."""
    if isinstance(batch, ArrowBatch):
        return batch.arrow if schema is None or schema == batch.arrow.schema else _retyped(batch.arrow, schema)
    arrow = pyarrow()
    schema = schema or schema_of(batch.table)
    arrays = [
        arrow.array(cells, field.type, size=len(cells)) for cells, field in zip(batch.columns, schema, strict=True)
    ]
    return arrow.record_batch(arrays, schema=schema)


def _retyped(rows: Any, schema: Any) -> Any:
    """Rows with the types of another schema; only times in UTC lose their zone."""
    arrays = [
        array if array.type == field.type else array.cast(field.type) for array, field in zip(rows, schema, strict=True)
    ]
    return pyarrow().record_batch(arrays, schema=schema)
