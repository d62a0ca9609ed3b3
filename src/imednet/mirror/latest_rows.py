"""Rows of a mirror that changed since a snapshot, for whoever keeps a copy elsewhere in step with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..integrations.tables.arrow import pyarrow
from .commits import State, TableState
from .table_layout import holds_records
from .versions import Versions, as_of, quoted

if TYPE_CHECKING:
    import pyarrow as pa

Layout = Mapping[str, Iterable[str]]
"""Name of a column -> its source, part and type."""

KEY, DELETED, SNAPSHOT, LINE = "_key", "_deleted", "_snapshot", "_line"
"""Columns beside those of the design: identity, whether the row is gone, when it changed last, all of it as JSON."""


@dataclass(frozen=True)
class LatestRows:
    """A table of a mirror, and those of its rows that changed after a snapshot, each as it is now.

    Attributes:
        key: key of the table: of a form, or of a list with an underscore before it.
        is_form: whether it holds the records of a form.
        schema: its columns: `_key`, `_deleted`, `_snapshot`, those of the design under their names in the files, and
            `_line`, the row as the server sent it.
    """

    key: str
    is_form: bool
    schema: pa.Schema
    _root: Path = field(repr=False)
    _table: TableState | None = field(repr=False)
    _number: int = field(repr=False)

    def since(self, snapshot: int | None) -> Iterator[pa.RecordBatch]:
        """Batches of rows.

        Args:
            snapshot: the snapshot that a copy holds: rows that changed later, among them those that are gone, with
                nothing but their identity. `None` for all rows there are.
        """
        if self._table is None or not self._table.files:
            return
        arrow = pyarrow()
        own = self.schema.names[3:]
        columns = ["_key", "_operation = 'delete' as _deleted", "_snapshot", *map(quoted, own)]
        after = -1 if snapshot is None else snapshot
        with Versions(self._root, {self.key: self._table}) as versions:
            source = versions.source(self.key)
            condition = f"_snapshot <= {self._number} and _snapshot > {after}"
            latest = f"select _key, max(_snapshot) as _snapshot from {source} where {condition} group by _key"
            gone = " and _operation <> 'delete'" if snapshot is None else ""
            sql = (
                f"select {', '.join(columns)} from {source} join ({latest}) using (_key, _snapshot) "
                f"where {condition}{gone}"
            )
            for batch in versions.query(sql):
                yield from arrow.Table.from_batches([batch]).cast(self.schema).to_batches()

    def held_at(self, snapshot: int) -> tuple[int, int]:
        """What a copy holds that is in step with a snapshot: rows, and the sum of the snapshots they are of."""
        if self._table is None or not self._table.files:
            return 0, 0
        with Versions(self._root, {self.key: self._table}) as versions:
            rows = as_of(str(versions.source(self.key)), snapshot)
            (batch,) = versions.query(f"select count(*) as n, coalesce(sum(_snapshot), 0)::bigint as s from ({rows})")
        (found,) = batch.to_pylist()
        return found["n"], found["s"]


def latest_rows(root: Path, state: State, number: int, design: Mapping[str, Layout]) -> list[LatestRows]:
    """Every table of a mirror at a snapshot: lists, then forms. Those are among them that never had a row, and those
    that the design has no more, whose rows are gone.

    Args:
        root: the folder of the mirror.
        state: its state.
        number: number of the snapshot.
        design: layout of each table of the design at that snapshot.
    """
    found = []
    for key in dict.fromkeys([*design, *state.tables]):
        table = state.table_at(key, number)
        if table is None and key not in design:
            continue  # of a later snapshot
        layout = design[key] if table is None else table.layout
        names = {} if table is None else table.columns
        schema = _schema({names.get(name, name): list(parts)[2] for name, parts in layout.items()})
        # files as they are now: those of an earlier snapshot may have been compacted since
        found.append(LatestRows(key, holds_records(key), schema, root, state.tables.get(key), number))
    return sorted(found, key=lambda one: one.is_form)


def _schema(columns: Mapping[str, str]) -> Any:
    arrow = pyarrow()
    types = {
        "text": arrow.string(), "integer": arrow.int64(), "boolean": arrow.bool_(), "number": arrow.float64(),
        "date": arrow.date32(), "datetime": arrow.timestamp("us"), "instant": arrow.timestamp("us", "UTC"),
    }  # fmt: skip
    own = [(name, types[kind]) for name, kind in columns.items()]
    first = [arrow.field(KEY, arrow.string(), nullable=False), (DELETED, arrow.bool_()), (SNAPSHOT, arrow.int64())]
    return arrow.schema([*first, *own, (LINE, arrow.string())])
