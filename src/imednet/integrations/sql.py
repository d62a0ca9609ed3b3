"""SQL databases through SQLAlchemy: one table per form, all of them replaced in one transaction.

Rows first go to tables with hidden names, each batch in a transaction of its own, so that a lost connection costs one
batch. `flush` then renames them to replace the earlier tables. Only tables that an export created are replaced.

Every name, including those of the hidden tables, comes from one `Namer`, so it cannot collide with a form or variable.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import ExportConfigurationError
from ..validation.kinds import Kind
from ._optional import _require_optional_dep
from .on_disk.folder import ExportFolder
from .sink import ExportSink, _redact_uri
from .sql_names import OTHERS, RULES
from .sql_statements import Name, statement
from .tables.batches import Batch
from .tables.layout import CONTEXT, Column, Shape, StudyTables, Table
from .tables.naming import Namer

OWNERS: Final = "_imednet_tables"
"""Table that lists the tables that exports created, and their study."""

_MYSQL: Final = ("mysql", "mariadb")
_NAME_CHARSET: Final = "utf8mb4 COLLATE utf8mb4_bin"
_MOST_COLUMNS: Final = {"sqlite": 2000, "postgresql": 400, "mysql": 190, "mariadb": 190}
_TEMPORARY = re.compile(
    r"lock|deadlock|timeout|timed out|gone away|lost connection|connection.*(closed|reset|refused)"
    r"|terminating connection|server closed|could not serialize|can't connect|broken pipe",
    re.IGNORECASE,
)


class SqlSink(ExportSink):
    """A relational database.

    Args:
        url: SQLAlchemy URL of the database, such as `postgresql+psycopg://user@host/name` or `sqlite:///file.db`; never
            stored or logged.
        schema: the schema of the tables.
        prefix: prefix of every table name.

    Raises:
        ExportConfigurationError: SQLAlchemy or the driver is missing, or the URL is wrong or cannot be reached.
    """

    kind = "sql"
    shape = Shape(values="both")

    def __init__(self, url: str, *, schema: str | None = None, prefix: str = "") -> None:
        self._sql = _require_optional_dep("sqlalchemy", "export")
        self.foreign = (self._sql.exc.SQLAlchemyError,)
        self._address = _redact_uri(str(url))
        try:
            self._engine = self._sql.create_engine(url, hide_parameters=True)
        except self._sql.exc.NoSuchModuleError:
            raise ExportConfigurationError(
                f"SQLAlchemy knows no database for {self._address}. Next: use a URL that begins with "
                "postgresql+psycopg://, mysql+pymysql:// or sqlite:///"
            ) from None
        except ImportError as error:
            raise ExportConfigurationError(
                f"the driver for {self._address} is not installed ({error.name}). Next: pip install {error.name}"
            ) from None
        except (self._sql.exc.ArgumentError, ValueError):
            raise ExportConfigurationError(
                "the database URL cannot be parsed. Next: write it as postgresql+psycopg://user@host/name"
            ) from None
        self._schema = schema
        self._prefix = prefix
        self._dialect = self._engine.dialect.name
        rules = RULES.get(self._dialect, OTHERS)
        self.shape = Shape(values="both", rules=rules)  # type: ignore[misc]
        self._study = ""
        self._names: dict[str, list[str]] = {}
        self._parts: dict[str, list[_Part]] = {}
        self._count = itertools.count()
        self._namer = Namer(rules=rules, taken=[OWNERS])
        self._new_file = self._missing_sqlite_file()
        try:
            inspector = self._sql.inspect(self._engine)
            self._existing = {*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)}
        except (self._sql.exc.SQLAlchemyError, ValueError) as error:
            self.close()
            raise ExportConfigurationError(
                f"{self._address} cannot be opened: {_reason(error)}. Next: check host, database, user and password"
            ) from None

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Choose the table names, refuse to replace tables that no export created, drop leftovers of earlier runs."""
        self._study = tables.study_key
        for key in tables.keys:
            self._names[key] = [self._namer.name(key, f"{self._prefix}{key}")]
        for table in tables.data:
            for number in range(1, len(self._column_parts(table))):
                wanted = f"{self._names[table.key][0]}__{number + 1}"
                self._names[table.key].append(self._namer.name(f"{table.key}/{number}", wanted))
        digest = hashlib.sha256(f"{self._study}\0{self._prefix}".encode()).hexdigest()[:8]
        self._hidden_prefix = f"_imednet_{digest}_"
        refuse_unowned(self._address, self._study, self._final_names, self._existing, self._owned())
        for name in sorted(self._existing):
            if name.startswith(self._hidden_prefix):  # left by an interrupted run
                self._drop(name)

    @property
    def _final_names(self) -> list[str]:
        return [name for names in self._names.values() for name in names]

    def write_batch(self, batch: Batch) -> None:
        """Insert one batch, after deleting whatever an earlier attempt inserted of it."""
        if batch.table.key not in self._parts:
            self._create_hidden(batch.table)
        if not len(batch):
            return
        columns = [
            self._storable(batch, column, cells)
            for column, cells in zip(batch.table.columns, batch.columns, strict=True)
        ]
        numbers = [batch.number] * len(batch)
        for part in self._parts[batch.table.key]:
            stored, keys = part.table, [*(f"c{index}" for index in part.columns), "batch"]
            values = zip(*(columns[index] for index in part.columns), numbers, strict=True)
            rows = [dict(zip(keys, row, strict=True)) for row in values]
            with self._engine.begin() as connection:
                connection.execute(stored.delete().where(stored.c["batch"] == batch.number))
                connection.execute(stored.insert(), rows)

    def give_up(self, table: Table) -> bool:
        """Drop the tables of a form that could not be written."""
        for part in self._parts.pop(table.key, []):
            self._drop(part.table.name)
        return True

    def flush(self) -> None:
        """Replace the earlier tables in one transaction; in MySQL, where DDL has no transactions, in one RENAME."""
        sql = self._sql
        existing = set(sql.inspect(self._engine).get_table_names(schema=self._schema))
        swaps = [part for parts in self._parts.values() for part in parts]
        swaps = [part for part in swaps if part.table.name in existing]  # an earlier attempt renamed the others
        finals = {part.final for part in swaps}
        firsts = {part.final: parts[0].final for parts in self._parts.values() for part in parts}
        gone = sorted(  # further parts of tables that now have fewer
            name
            for name, (study, first) in self._owned_parts().items()
            if study == self._study and first in firsts.values() and name not in self._final_names
        )
        owned_rows = [
            {"name": final, "study": self._study, "part_of": firsts[final] if firsts[final] != final else None}
            for final in sorted(finals)
        ]
        owners = self._owners_table()
        lacks_parts = OWNERS in self._existing and not self._owners_table_has_parts

        atomic = self._dialect not in _MYSQL  # in MySQL each change of a table commits by itself

        def update_owners(connection: Any) -> None:
            owners.create(connection, checkfirst=True)
            if lacks_parts:
                if not atomic:  # early versions left its character set to the server
                    self._execute(
                        connection, "ALTER TABLE ", self._name(OWNERS), " CONVERT TO CHARACTER SET ", _NAME_CHARSET
                    )
                self._execute(
                    connection, "ALTER TABLE ", self._name(OWNERS), " ADD COLUMN ", Name("part_of"), " VARCHAR(64)"
                )
            connection.execute(owners.delete().where(owners.c.name.in_([*finals, *gone])))
            if owned_rows:
                connection.execute(owners.insert(), owned_rows)

        if not atomic:
            with self._engine.begin() as connection:
                update_owners(connection)
        with self._engine.begin() as connection:
            if self._dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")  # or renaming would break views on a table
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins no transaction for DDL
            for part in swaps:
                if atomic or self._has_batch_column(connection, part):
                    self._execute(
                        connection, "ALTER TABLE ", self._name(part.table.name), " DROP COLUMN ", Name(part.batch)
                    )
            if atomic:
                for part in swaps:
                    self._execute(connection, "DROP TABLE IF EXISTS ", self._name(part.final))
                    self._execute(
                        connection, "ALTER TABLE ", self._name(part.table.name), " RENAME TO ", Name(part.final)
                    )
                update_owners(connection)
            else:
                self._rename_all(connection, swaps, existing)
            for name in gone:
                self._execute(connection, "DROP TABLE IF EXISTS ", self._name(name))
        self._new_file = None
        for key, parts in self._parts.items():
            self.outputs[key] = {"tables": [part.final for part in parts]}
        self._parts.clear()

    def _has_batch_column(self, connection: Any, part: _Part) -> bool:
        """Whether a table still has its column of batch numbers, which an earlier attempt may have dropped."""
        count = connection.execute(
            self._sql.text(
                "SELECT count(*) FROM information_schema.columns WHERE table_name = :name AND column_name = :batch "
                "AND table_schema = coalesce(:schema, DATABASE())"
            ),
            {"name": part.table.name, "batch": part.batch, "schema": self._schema},
        )
        return bool(count.scalar())

    def _rename_all(self, connection: Any, swaps: list[_Part], existing: set[str]) -> None:
        """Rename all tables in one statement, as MySQL can; leftovers under the names in between are dropped first."""
        for part in swaps:
            self._execute(connection, "DROP TABLE IF EXISTS ", self._name(part.old))
        moves: list[tuple[str, str]] = [(part.final, part.old) for part in swaps if part.final in existing]
        moves += [(part.table.name, part.final) for part in swaps]
        if moves:
            parts: list[str | Name] = []
            for source, target in moves:
                parts += [", " if parts else "RENAME TABLE ", self._name(source), " TO ", self._name(target)]
            self._execute(connection, *parts)
        for part in swaps:
            self._execute(connection, "DROP TABLE IF EXISTS ", self._name(part.old))

    def close(self) -> None:
        """Drop the hidden tables, and delete a SQLite file that was created and is still empty."""
        for part in [part for parts in self._parts.values() for part in parts]:
            try:
                self._drop(part.table.name)
            except self._sql.exc.SQLAlchemyError:
                break  # the database cannot be reached; the next run drops them
        self._parts.clear()
        if self._new_file is not None and not self._file_has_content():
            self._engine.dispose()
            self._new_file.unlink(missing_ok=True)
        self._new_file = None
        self._engine.dispose()

    def _file_has_content(self) -> bool:
        """Whether the new file holds tables, which somebody else may have created meanwhile."""
        try:
            return bool(self._sql.inspect(self._engine).get_table_names())
        except (self._sql.exc.SQLAlchemyError, ValueError):
            return not self._new_file or not self._new_file.exists() or self._new_file.stat().st_size > 0

    def _missing_sqlite_file(self) -> Path | None:
        """The path of a SQLite database that does not exist yet, otherwise `None`."""
        name = self._engine.url.database
        if self._dialect != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
            return None
        try:
            return None if Path(name).exists() else Path(name)
        except (OSError, ValueError):
            return None  # not a valid file name; opening it raises the right error

    def transient(self, error: BaseException) -> bool:
        """Whether the error is a lock, a deadlock or a lost connection."""
        return isinstance(error, self._sql.exc.DBAPIError) and bool(
            error.connection_invalidated or _TEMPORARY.search(str(error.orig))
        )

    def explain(self, error: BaseException) -> str:
        """The driver's reason, and what to do about it."""
        return f"{self._address}: {_reason(error)}. Next: check that the database accepts writes, then run it again"

    # ---- tables

    def _owned(self) -> dict[str, str]:
        """Tables that exports created -> their study."""
        if OWNERS not in self._existing:
            return {}
        owners = self._owners_table()
        with self._engine.connect() as connection:
            return {str(name): str(study) for name, study in connection.execute(self._sql.select(*owners.c[:2]))}

    def _owners_table(self) -> Any:
        sql = self._sql
        return sql.Table(
            OWNERS,
            sql.MetaData(schema=self._schema),
            sql.Column("name", sql.String(64), primary_key=True),
            sql.Column("study", sql.String(255)),
            sql.Column("part_of", sql.String(64)),
            **_mysql_options(charset="utf8mb4", collate="utf8mb4_bin"),
        )

    def _owned_parts(self) -> dict[str, tuple[str, str | None]]:
        """Tables that exports created -> their study, and the first table of the form they are a part of."""
        if OWNERS not in self._existing or not self._owners_table_has_parts:
            return {}
        with self._engine.connect() as connection:
            return {
                str(name): (str(study), first)
                for name, study, first in connection.execute(self._owners_table().select())
            }

    @property
    def _owners_table_has_parts(self) -> bool:
        """Whether the table of owners has the column `part_of`, which early versions did not write."""
        columns = self._sql.inspect(self._engine).get_columns(OWNERS, schema=self._schema)
        return any(column["name"] == "part_of" for column in columns)

    def _column_parts(self, table: Table) -> list[list[int]]:
        """Column indexes of each part of a table that is too wide; every part has the record's own fields."""
        limit = _MOST_COLUMNS.get(self._dialect, 1000) - 1
        indexes = list(range(len(table.columns)))
        if len(indexes) <= limit:
            return [indexes]
        shared = len(CONTEXT) if table.is_form else 1
        rest, step = indexes[shared:], limit - shared
        return [[*indexes[:shared], *rest[start : start + step]] for start in range(0, len(rest), step)]

    def _create_hidden(self, table: Table) -> None:
        """Create the hidden tables of a form, one for each part."""
        sql, names = self._sql, self._names[table.key]
        parts: list[_Part] = []
        batch = Namer(rules=self.shape.rules, taken=table.names).name("batch", "_batch")
        for name, columns_of_part in zip(names, self._column_parts(table), strict=True):
            count = next(self._count)
            columns = [
                sql.Column(table.columns[index].name, self._type(table.columns[index]), key=f"c{index}")
                for index in columns_of_part
            ]
            stored = sql.Table(
                f"{self._hidden_prefix}{count}",
                sql.MetaData(schema=self._schema),
                *columns,
                sql.Column(batch, sql.Integer, key="batch", index=False),
                **_mysql_options(charset="utf8mb4", row_format="DYNAMIC"),
            )
            stored.drop(self._engine, checkfirst=True)
            stored.create(self._engine)
            parts.append(_Part(stored, name, f"{self._hidden_prefix}old_{count}", columns_of_part, batch))
        self._parts[table.key] = parts

    def _drop(self, name: str) -> None:
        with self._engine.begin() as connection:
            self._execute(connection, "DROP TABLE IF EXISTS ", self._name(name))

    def _execute(self, connection: Any, *parts: str | Name) -> None:
        connection.execute(statement(*parts))

    def _name(self, name: str) -> Name:
        return Name(name, self._schema)

    def _type(self, column: Column) -> Any:
        sql = self._sql
        types = {
            Kind.INTEGER: sql.BigInteger(),
            Kind.BOOLEAN: sql.Boolean(),
            Kind.NUMBER: sql.Double(),
            Kind.DATE: sql.Date(),
            Kind.DATETIME: sql.DateTime(),
            Kind.TIME: sql.Time(),
        }
        if self._dialect in _MYSQL:
            from sqlalchemy.dialects import mysql

            types[Kind.DATETIME] = mysql.DATETIME(fsp=6)
            return types.get(column.kind, mysql.LONGTEXT())
        return types.get(column.kind, sql.Text())

    def _storable(self, batch: Batch, column: Column, cells: Any) -> Any:
        """Cells that the database can hold: PostgreSQL refuses a text with a NUL in it."""
        if self._dialect != "postgresql" or column.kind not in (Kind.TEXT, Kind.JSON, Kind.PARTIAL):
            return cells
        storable = list(cells)
        for index, cell in enumerate(storable):
            if cell is not None and "\0" in cell:
                row = batch.column(batch.table.identity[0])[index] if batch.table.identity else None
                self.lost(batch.table, row, column.source, cell, "PostgreSQL holds no text with a NUL")
                storable[index] = None
        return storable


@dataclass
class _Part:
    """A hidden table that holds all or some columns of a form until `flush`.

    Attributes:
        table: the table, under its hidden name.
        final: the name it gets.
        old: the hidden name that its predecessor has for a moment.
        columns: indexes of the form's columns it holds.
        batch: the name of its column of batch numbers, which `flush` drops.
    """

    table: Any
    final: str
    old: str
    columns: list[int]
    batch: str


def _mysql_options(**options: str) -> dict[str, str]:
    """Options of a table, for both dialect names under which SQLAlchemy knows such a server."""
    return {f"{dialect}_{name}": value for dialect in _MYSQL for name, value in options.items()}


def _reason(error: BaseException) -> str:
    """The driver's message in one line; only the error's class if the message may quote a value."""
    original = getattr(error, "orig", None) or error
    if type(error).__name__ in ("DataError", "IntegrityError", "StatementError"):
        return type(original).__name__
    text = str(original).strip().splitlines()
    line = text[0] if text else type(original).__name__
    return re.sub(r"://\S+@", "://***@", re.sub(r"\s+", " ", line))[:200]


def refuse_unowned(
    database: str, study: str, names: Iterable[str], existing: Iterable[str], owned: Mapping[str, str]
) -> None:
    """Raise ExportConfigurationError for a table that no export created, or one of another study.

    Names are compared without regard to case.
    """
    existing = {name.casefold() for name in existing}
    studies = {name.casefold(): owner for name, owner in owned.items()}
    for name in names:
        if name.casefold() not in existing:
            continue
        owner = studies.get(name.casefold())
        if owner != study:
            origin = "that no export created" if owner is None else f"of study {owner!r}"
            raise ExportConfigurationError(
                f"{database} has a table {name!r} {origin}, so it is not replaced. "
                "Next: choose another schema, or a prefix for the tables"
            )
