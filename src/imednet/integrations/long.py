"""The long format: one row per answer, written to a table `answers` through any other sink."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from ..errors import ExportConfigurationError, ExportError
from ..validation.kinds import Kind
from .on_disk.folder import ExportFolder
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
    """A sink that turns forms into rows of record, form, variable and value, and passes them to another sink.

    Unanswered questions have no row. Undeclared answers are in a row `undeclared`, as JSON. Other lists of the study
    are passed on unchanged.

    Args:
        inner: the sink that receives the rows.
    """

    def __init__(self, inner: ExportSink) -> None:
        if inner.raw:
            raise ExportConfigurationError("raw records have no long format. Next: leave out one of the two")
        self.inner = inner
        self.kind = f"{inner.kind}-long"  # type: ignore[misc]
        # A form's width and length limit nothing here; rules for names stay, because other lists are passed on.
        self.shape = replace(inner.shape, values="text", most_columns=None, most_rows=None)  # type: ignore[misc]
        self.own_tables = inner.own_tables
        self.cuts = inner.cuts  # type: ignore[misc]
        self.files = inner.files  # type: ignore[misc]
        self.foreign = inner.foreign
        self._table = own_table(ANSWERS, _COLUMNS, ("recordId", "form", "variable"), inner.shape)
        self._number = self._rows = 0
        self.data = inner.data
        self.file = inner.file
        self.shared = inner.shared  # type: ignore[misc]
        self.whole = inner.whole  # type: ignore[misc]

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """Facts about what the inner sink wrote."""
        return self.inner.outputs

    @property
    def staged(self) -> Any:  # type: ignore[override]
        """Staged files of the inner sink."""
        return self.inner.staged

    @property
    def losses(self) -> Any:
        """Losses of the inner sink."""
        return self.inner.losses

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:
        """Begin the inner sink with one table for all forms."""
        self.inner.begin(replace(tables, forms=(self._table,), listed=(ANSWERS,)), home)

    def write_batch(self, batch: Batch) -> None:
        """Write the answers of a batch."""
        if not batch.table.is_form:
            self.inner.write_batch(batch)
            return
        self.inner.write_batch(self._next_batch(_answers(batch)))

    def _next_batch(self, rows: Sequence[Sequence[Any]]) -> Batch:
        self._rows += len(rows)
        most = self.inner.shape.most_rows
        if most is not None and self._rows > most:
            raise ExportConfigurationError(
                f"the answers need more than the {most:,} rows that {self.inner.kind} holds in one table. "
                "Next: choose fewer forms, or another format such as parquet"
            )
        self._number += 1
        return own_batch(self._table, self._number - 1, rows)

    def kept_batches(self, kept: Collection[str]) -> Iterator[Batch]:
        """The rows that earlier runs wrote of forms which stay, because all forms share one table.

        Raises ExportError if they are not there any more.
        """
        rows = (row for row in self.inner.earlier_rows(self._table) if row[1] in kept) if kept else iter(())
        found = False
        while batch := list(islice(rows, self.inner.batch_rows)):
            found = True
            yield self._next_batch(batch)
        if kept and not found:
            raise ExportError(
                f"answers of an earlier run are not there any more, and would be lost: {', '.join(sorted(kept)[:5])}. "
                "Next: export all forms, or choose another target"
            )

    def end_forms(self, kept: Collection[str]) -> None:
        """End the forms of the inner sink."""
        self.inner.end_forms(kept)

    def earlier_rows(self, table: Table) -> Iterator[Sequence[Any]]:
        """The rows that a table of the export itself has before this run."""
        return self.inner.earlier_rows(table)

    def flush(self) -> None:
        """Flush the inner sink."""
        self.inner.gone = self.gone
        self.inner.flush()

    def close(self) -> None:
        """Close the inner sink."""
        self.inner.close()

    def end_table(self, table: Table) -> None:
        """End other lists; the table of answers is shared by all forms, so no form ends it."""
        if not table.is_form:
            self.inner.end_table(table)

    def transient(self, error: BaseException) -> bool:
        """Whether the inner sink calls the error temporary."""
        return self.inner.transient(error)

    def explain(self, error: BaseException) -> str:
        """The inner sink's explanation."""
        return self.inner.explain(error)


def _answers(batch: Batch) -> list[tuple[Any, ...]]:
    named = list(zip(batch.table.columns, batch.columns, strict=True))
    fields = {column.source: cells for column, cells in named if column.part == "field"}
    context = [fields[name] for name in ("recordId", "siteId", "subjectKey", "intervalId", "deleted")]
    columns = [(column.source, cells) for column, cells in named if column.part in ("answer", "other")]
    rows = []
    for index, (record, site, subject, interval, deleted) in enumerate(zip(*context, strict=True)):
        for variable, cells in columns:
            if cells[index] is not None:
                rows.append((record, batch.table.key, site, subject, interval, deleted, variable, cells[index]))
    return rows
