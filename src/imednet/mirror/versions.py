"""Rows of a mirror's tables as of a snapshot, read from its files through DuckDB.

A row is as its latest version up to the snapshot says; a row whose latest version is `delete` is not there. Only files
that a commit names are read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ..errors import MirrorDamagedError, MirrorError
from ..integrations._optional import _require_optional_dep
from ..integrations.tables.arrow import pyarrow
from .commits import TableState

_MEMORY: Final = "96MB"
_BATCH: Final = 5_000
_NUMBER: Final = "try_cast(split_part(_key, '/', 1) as bigint)"


def duckdb() -> Any:
    """The DuckDB library; raises ExportConfigurationError that says what to install."""
    return _require_optional_dep("duckdb", "mirror")


def quoted(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def open_database(home: str, memory: str = _MEMORY) -> Any:
    """A DuckDB in memory that fetches nothing from a network and spills to `home` alone; if that is empty, nowhere."""
    config = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "temp_directory": home,
        "memory_limit": memory,
        "threads": "2",
        "preserve_insertion_order": "false",
    }
    connection = duckdb().connect(":memory:", config=config)
    connection.execute("set global TimeZone = 'UTC'")
    return connection


def batches(relation: Any, rows: int = _BATCH) -> Iterator[Any]:
    """The batches of a relation of DuckDB, as `pyarrow.RecordBatch`."""
    read = relation.to_arrow_reader if hasattr(relation, "to_arrow_reader") else relation.fetch_arrow_reader
    yield from read(rows)


@contextmanager
def intact() -> Iterator[None]:
    """Turn errors of DuckDB, which has nothing to read but files of the mirror, into MirrorDamagedError."""
    try:
        yield
    except duckdb().OutOfMemoryException:
        raise MirrorError("a table of the mirror takes more memory than there is. Next: use a larger machine") from None
    except duckdb().Error as error:
        raise MirrorDamagedError(
            f"files of the mirror cannot be read ({type(error).__name__}). Next: imednet mirror verify says which"
        ) from None


class Versions:
    """All versions of all rows of a mirror, at one state.

    Args:
        root: the folder of the mirror.
        tables: states of its tables.
        home: a folder for what does not fit into memory; else one of the system's.
    """

    def __init__(self, root: Path, tables: Mapping[str, TableState], home: Path | None = None) -> None:
        self._root = root
        self.tables = dict(tables)
        self._parent = home
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._database: Any = None

    @property
    def database(self) -> Any:
        """The connection, made at first use."""
        if self._database is None:
            self._home = tempfile.TemporaryDirectory(prefix="imednet-", dir=self._parent, ignore_cleanup_errors=True)
            self._database = open_database(self._home.name)
        return self._database

    def close(self) -> None:
        """Close the connection and remove what it spilled."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._home is not None:
            self._home.cleanup()
            self._home = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def source(self, key: str) -> str | None:
        """The versions of a table as an expression of SQL; `None` where it has none."""
        return source_of(self._root, self.tables.get(key))

    def rows(
        self, key: str, columns: Sequence[str], upto: int, *, keys: Iterable[str] | None = None, where: str = "true"
    ) -> Iterator[Any]:
        """Columns of the rows as of a snapshot, in batches of Arrow, in no order.

        Args:
            key: key of the table.
            columns: expressions of SQL.
            upto: number of the snapshot.
            keys: only these rows.
            where: a further condition.
        """
        source = self.source(key)
        if source is None:
            return
        with self.database.cursor() as connection:
            chosen = "true"
            if keys is not None:
                arrow = pyarrow()
                connection.register("wanted", arrow.table({"_key": arrow.array(list(keys), arrow.string())}))
                chosen = "_key in (select _key from wanted)"
            sql = f"select {', '.join(columns)} from ({as_of(source, upto, chosen)}) where {where}"
            with intact():
                yield from batches(connection.sql(sql))

    def query(self, sql: str) -> Iterator[Any]:
        """The result of a query over `source`, in batches of Arrow; others may run meanwhile."""
        with self.database.cursor() as connection, intact():
            yield from batches(connection.sql(sql))

    def current_keys(self, tables: Iterable[str], keys: Iterable[str], upto: int) -> dict[str, list[str]]:
        """Those of the keys that are rows as of a snapshot, by table."""
        wanted = list(keys)
        found: dict[str, list[str]] = {}
        if not wanted:
            return found
        for table in tables:
            rows = [
                key for batch in self.rows(table, ["_key"], upto, keys=wanted) for key in batch.column(0).to_pylist()
            ]
            if rows:
                found[table] = rows
        return found

    def numbers(self, tables: Iterable[str], upto: int) -> list[int]:
        """The numbers of all rows of tables as of a snapshot, ascending."""
        found: list[int] = []
        for table in tables:
            for batch in self.rows(table, [_NUMBER], upto):
                found += batch.column(0).to_pylist()
        return sorted(number for number in found if number is not None)

    def keys_between(self, tables: Iterable[str], above: float, until: float, upto: int) -> set[str]:
        """The keys of rows whose number is above one and up to another."""
        bounds = [f"{_NUMBER} > {above}"] if above != float("-inf") else []
        bounds += [f"{_NUMBER} <= {until}"] if until != float("inf") else []
        return {
            key
            for table in tables
            for batch in self.rows(table, ["_key"], upto, where=" and ".join(bounds) or "true")
            for key in batch.column(0).to_pylist()
        }

    def different(self, key: str, rows: Any, upto: int, *, all_rows: bool) -> tuple[dict[int, bool], list[str]]:
        """Compare rows that were read with those as of a snapshot.

        Args:
            key: key of the table.
            rows: a `pyarrow.Table` of `pos`, `_key`, `_hash`.
            upto: number of the snapshot.
            all_rows: whether they are all the rows there are.

        Returns:
            The position of each row that is new or differs -> whether it is new; and the keys of rows that are gone,
            where all were read.
        """
        source = self.source(key)
        if source is None:
            return dict.fromkeys(rows.column("pos").to_pylist(), True), []
        chosen = "true" if all_rows else "_key in (select _key from fresh)"
        with self.database.cursor() as connection, intact():
            connection.register("fresh", rows)
            known = f"select _key, _hash from ({as_of(source, upto, chosen)})"
            connection.execute(f"create or replace temp table known as {known}")
            changed = connection.execute(
                "select pos, known._key is null from fresh left join known using (_key) "
                "where known._hash is distinct from fresh._hash"
            ).fetchall()
            gone = []
            if all_rows:
                gone = connection.execute("select _key from known anti join fresh using (_key)").fetchall()
            connection.execute("drop table known")
        return dict(changed), sorted(one for (one,) in gone)


def source_of(root: Path, table: TableState | None) -> str | None:
    """The versions of a table as an expression of SQL; `None` where it has none."""
    if table is None or not table.files:
        return None
    folder = escape(str(root / table.folder))  # DuckDB takes paths for patterns
    files = ", ".join(text(f"{folder}/{file.name}") for file in table.files)
    # a folder that is called NAME=VALUE is no column
    return f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"


def as_of(source: str, upto: int | str, chosen: str = "true") -> str:
    """The rows of a table as of a snapshot as a query of SQL; `upto` is a number, or an expression."""
    condition = f"_snapshot <= {upto} and {chosen}"
    latest = f"select _key, max(_snapshot) as _snapshot from {source} where {condition} group by _key"
    return (
        f"select * from {source} join ({latest}) using (_key, _snapshot) where {condition} and _operation <> 'delete'"
    )
