"""The long format: one row an answer, in a table `answers` of any other sink."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ..errors import ExportConfigurationError
from ..validation.kinds import Kind
from .on_disk.folder import Home
from .sink import ExportSink
from .tables.batches import Batch, own_batch
from .tables.layout import StudyTables, Table, own_table

ANSWERS: Final = "answers"
_COLUMNS: Final = {
    "recordId": Kind.INTEGER,
    "form": Kind.TEXT,
    "siteId": Kind.INTEGER,
    "subjectKey": Kind.TEXT,
    "intervalId": Kind.INTEGER,
    "deleted": Kind.BOOLEAN,
    "variable": Kind.TEXT,
    "value": Kind.TEXT,
}


class LongSink(ExportSink):
    """Turns forms into rows of record, form, variable and value, and gives them to another sink.

    Unanswered questions have no row. Undeclared answers stand in a row `undeclared`, as JSON. Other lists of the study
    stay as they are.

    Args:
        inner: the sink that takes the rows.
    """

    def __init__(self, inner: ExportSink) -> None:
        if inner.raw:
            raise ExportConfigurationError("records as they came have no long format. Next: leave out one of the two")
        self.inner = inner
        self.kind = f"{inner.kind}-long"  # type: ignore[misc]
        # Names of columns do not stand in the rows, and neither does a form's width; those of other lists do.
        self.shape = replace(inner.shape, values="text", most_columns=None, most_rows=None)  # type: ignore[misc]
        self.own_tables = inner.own_tables
        self.cuts = inner.cuts  # type: ignore[misc]
        self.files = inner.files  # type: ignore[misc]
        self.foreign = inner.foreign
        self._table = own_table(ANSWERS, _COLUMNS, ("recordId", "form", "variable"), inner.shape)
        self._number = self._rows = 0

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """What the other sink wrote."""
        return self.inner.outputs

    @property
    def staged(self) -> Any:  # type: ignore[override]
        """Files of the other sink."""
        return self.inner.staged

    @property
    def losses(self) -> Any:
        """Losses of the other sink."""
        return self.inner.losses

    def begin(self, tables: StudyTables, home: Home | None) -> None:
        """Begin the other sink with the one table."""
        self.inner.begin(
            StudyTables(
                tables.study_key, (self._table,), tables.left_out, tables.unassigned, tables.entities, tables.mapping
            ),
            home,
        )

    def write_batch(self, batch: Batch) -> None:
        """Write the answers of a batch."""
        if not batch.table.is_form:
            self.inner.write_batch(batch)
            return
        rows = _answers(batch)
        self._rows += len(rows)
        most = self.inner.shape.most_rows
        if most is not None and self._rows > most:
            raise ExportConfigurationError(
                f"the answers are more than the {most:,} rows that {self.inner.kind} holds in a table. "
                "Next: choose forms, or another format, such as parquet"
            )
        self.inner.write_batch(own_batch(self._table, self._number, rows))
        self._number += 1

    def flush(self) -> None:
        """Flush the other sink."""
        self.inner.flush()

    def close(self) -> None:
        """Close the other sink."""
        self.inner.close()

    def end_table(self, table: Table) -> None:
        """The answers of all forms are one table, so it ends with the last of them."""
        if not table.is_form:
            self.inner.end_table(table)

    def transient(self, error: BaseException) -> bool:
        """As the other sink says."""
        return self.inner.transient(error)

    def explain(self, error: BaseException) -> str:
        """As the other sink says."""
        return self.inner.explain(error)


def _answers(batch: Batch) -> list[tuple[Any, ...]]:
    named = list(zip(batch.table.columns, batch.columns, strict=True))
    fields = {column.source: cells for column, cells in named if column.part == "field"}
    facts = [fields[name] for name in ("recordId", "siteId", "subjectKey", "intervalId", "deleted")]
    columns = [(column.source, cells) for column, cells in named if column.part in ("answer", "other")]
    rows = []
    for place, (record, site, subject, interval, deleted) in enumerate(zip(*facts, strict=True)):
        for variable, cells in columns:
            if cells[place] is not None:
                rows.append((record, batch.table.key, site, subject, interval, deleted, variable, cells[place]))
    return rows
