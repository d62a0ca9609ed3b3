"""A mirror as a DuckDB: for each table a view of its rows, one of all its versions, and a macro for any snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .commits import State, TableState
from .versions import as_of, intact, open_database, quoted, source_of, text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY = "1GB"
_TYPES = {
    "text": "varchar", "integer": "bigint", "boolean": "boolean", "number": "double", "date": "date",
    "datetime": "timestamp", "instant": "timestamptz",
}  # fmt: skip
Layout = Mapping[str, Iterable[str]]
NO_SNAPSHOT: Final = "the mirror has no snapshot of this number here"
"""Message of a macro for a number that is beyond the snapshot which the connection is of."""


def connect(root: Path, state: State, number: int, layouts: Mapping[str, Layout]) -> DuckDBPyConnection:
    """A connection with a view for each table, under the names and types of the design at a snapshot.

    For a table `AE` there are `AE` while the design has it, `AE_history` and the table macro `AE_as_of(n)`. Where the
    study has a form of such a name, that name is the form's. The schemas `history` and `as_of` have the same under the
    name of the table alone. Names that differ by case alone are one to DuckDB; all but the first have a number behind
    them.

    Args:
        root: the folder of the mirror.
        state: its state.
        number: number of the snapshot.
        layouts: layouts of the tables of the design at that snapshot.
    """
    connection: Any = open_database("", _MEMORY)  # what does not fit into memory is an error, never a file
    try:
        _fill(connection, root, state, number, layouts)
    except BaseException:
        connection.close()
        raise
    return connection  # type: ignore[no-any-return]


def _fill(connection: Any, root: Path, state: State, number: int, layouts: Mapping[str, Layout]) -> None:
    connection.execute("create schema history")
    connection.execute("create schema as_of")
    names = _view_names([*state.tables, *(key for key in layouts if key not in state.tables)])
    taken = {name.casefold() for name in names.values()}
    with intact():
        for key, table in state.tables.items():
            source = source_of(root, table)
            at = state.table_at(key, number)
            if source is None:
                continue
            if at is None:
                _empty(connection, names[key], table.layout, taken, plain=key in layouts)
                continue
            columns = ", ".join(_columns(at))
            ever = ", ".join(_columns_ever(table))
            versions = f"_snapshot, _operation, _seen, _key, {ever}, _line"
            if key in layouts:
                rows = as_of(source, number)
                connection.execute(f"create view {quoted(names[key])} as select {columns} from ({rows})")
            for name in _names("history", names[key], taken):
                connection.execute(f"create view {name} as select {versions} from {source} where _snapshot <= {number}")
            for name in _names("as_of", names[key], taken):  # no column of a study begins with an underscore
                rows = as_of(
                    source, f"case when _upto between 0 and {number} then _upto else error({text(NO_SNAPSHOT)}) end"
                )
                connection.execute(f"create macro {name}(_upto) as table select {ever} from ({rows})")
        for key, layout in layouts.items():
            if key not in state.tables:
                _empty(connection, names[key], layout, taken)
    connection.execute(_snapshots(state))


def _view_names(keys: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in keys:
        name, count = key, 1
        while name.casefold() in taken:
            count += 1
            name = f"{key}_{count}"
        taken.add(name.casefold())
        names[key] = name
    return names


def _empty(connection: Any, name: str, layout: Layout, taken: Iterable[str], *, plain: bool = True) -> None:
    """Views of a table without rows, so that a query finds none, and no error."""
    cells = [f"null::{_TYPES[list(parts)[2]]} as {quoted(column)}" for column, parts in layout.items()]
    select = f"select {', '.join(cells)} where false"
    if plain:
        connection.execute(f"create view {quoted(name)} as {select}")
    for view in _names("history", name, taken):
        connection.execute(f"create view {view} as {select}")
    for macro in _names("as_of", name, taken):
        connection.execute(f"create macro {macro}(_upto) as table {select}")


def _names(schema: str, name: str, taken: Iterable[str]) -> list[str]:
    own, short = f"{schema}.{quoted(name)}", f"{name}_{schema}"
    return [own] if short.casefold() in taken else [own, quoted(short)]


def _columns(table: TableState) -> list[str]:
    """The columns of the design, under their names in it."""
    return [f"{quoted(table.columns.get(name, name))} as {quoted(name)}" for name in table.layout]


def _columns_ever(table: TableState) -> list[str]:
    """Every column there ever was, as text where its type changed: of each version the one it was written to."""
    columns = []
    for name, files in table.names.items():
        if len(files) == 1:
            columns.append(f"{quoted(files[0])} as {quoted(name)}")
        else:
            cells = ", ".join(f"cast({quoted(file)} as varchar)" for file in files)
            columns.append(f"coalesce({cells}) as {quoted(name)}")
    return columns


def _snapshots(state: State) -> str:
    rows = [
        f"({one.number}, {text(one.operation)}, "
        + (f"timestamptz {text(one.server_time.isoformat())}" if one.server_time else "null::timestamptz")
        + f", {one.inserted}, {one.updated}, {one.deleted}, {one.undated})"
        for one in state.snapshots
    ]
    names = "snapshot, operation, server_time, inserted, updated, deleted, undated"
    return f'create view "_snapshots" as select * from (values {", ".join(rows)}) as _({names})'
