"""A mirror as a DuckDB: for each table a view of its rows, one of all its versions, and a macro for any snapshot."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .commits import State, TableState
from .versions import as_of, open_database, quoted, source_of, text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY = "1GB"


def connect(root: Path, state: State, number: int) -> DuckDBPyConnection:
    """A connection with a view for each table that has rows.

    For a table `AE` there are `AE`, `AE_history` and the table macro `AE_as_of(n)`. Where the study has a form of such
    a name, that name is the form's. The schemas `history` and `as_of` have the same under the name of the table alone.
    """
    connection: Any = open_database(Path(tempfile.gettempdir()), _MEMORY)
    connection.execute("create schema history")
    connection.execute("create schema as_of")
    taken = {key.casefold() for key in state.tables}
    for key, table in state.tables.items():
        source = source_of(root, table)
        if source is None:
            continue
        columns = ", ".join(_columns(table))
        versions = ", ".join(("_snapshot", "_operation", "_seen", "_key", *_columns(table), "_line"))
        current = f"select {columns} from ({as_of(source, number)})"
        history = f"select {versions} from {source} where _snapshot <= {number}"
        connection.execute(f"create view {quoted(key)} as {current}")
        for name in _names(f"history.{quoted(key)}", key, "history", taken):
            connection.execute(f"create view {name} as {history}")
        for name in _names(f"as_of.{quoted(key)}", key, "as_of", taken):
            connection.execute(f"create macro {name}(n) as table select {columns} from ({as_of(source, 'n')})")
    connection.execute(_snapshots(state))
    return connection  # type: ignore[no-any-return]


def _names(own: str, key: str, suffix: str, taken: Iterable[str]) -> list[str]:
    short = f"{key}_{suffix}"
    return [own] if short.casefold() in taken else [own, quoted(short)]


def _columns(table: TableState) -> list[str]:
    """The columns of the design, under their names in it."""
    return [
        f"{quoted(table.columns[name])} as {quoted(name)}" if name in table.columns else quoted(name)
        for name in table.layout
    ]


def _snapshots(state: State) -> str:
    rows = [
        f"({one.number}, {text(one.operation)}, "
        + (f"timestamptz {text(one.server_time.isoformat())}" if one.server_time else "null::timestamptz")
        + f", {one.inserted}, {one.updated}, {one.deleted}, {one.undated})"
        for one in state.snapshots
    ]
    names = "snapshot, operation, server_time, inserted, updated, deleted, undated"
    return f'create view "_snapshots" as select * from (values {", ".join(rows)}) as _({names})'
