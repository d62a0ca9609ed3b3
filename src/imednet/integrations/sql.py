"""SQL through SQLAlchemy: a table a form, swapped in one transaction when all of them are whole.

Rows go to tables of a hidden name first, each batch in a transaction of its own, so that a lost connection costs one
batch. `flush` then puts them in the place of the earlier tables. Only tables that an export made are replaced.

Every name, those of tables in between too, comes from one `Namer`, so that no form and no variable can have it.
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
"""Table that holds which tables an export made."""

_MYSQL: Final = ("mysql", "mariadb")
_NAMES_AS: Final = "utf8mb4 COLLATE utf8mb4_bin"
_COLUMNS_A_PART: Final = {"sqlite": 2000, "postgresql": 400, "mysql": 190, "mariadb": 190}
_PASSING = re.compile(
    r"lock|deadlock|timeout|timed out|gone away|lost connection|connection.*(closed|reset|refused)"
    r"|terminating connection|server closed|could not serialize|can't connect|broken pipe",
    re.IGNORECASE,
)


class SqlSink(ExportSink):
    """A relational database.

    Args:
        url: SQLAlchemy's address of the database, such as `postgresql+psycopg://user@host/name` or `sqlite:///file.db`;
            never written anywhere.
        schema: the schema of the tables.
        prefix: put before the name of every table.

    Raises:
        ExportConfigurationError: SQLAlchemy or the driver is missing, the address is wrong, or it cannot be reached.
    """

    kind = "sql"
    shape = Shape(values="both")

    def __init__(self, url: str, *, schema: str | None = None, prefix: str = "") -> None:
        self._sql = _require_optional_dep("sqlalchemy", "export")
        self.foreign = (self._sql.exc.SQLAlchemyError,)
        self._where = _redact_uri(str(url))
        try:
            self._engine = self._sql.create_engine(url, hide_parameters=True)
        except self._sql.exc.NoSuchModuleError:
            raise ExportConfigurationError(
                f"SQLAlchemy knows no database such as {self._where}. Next: postgresql+psycopg://, mysql+pymysql:// or "
                "sqlite:///"
            ) from None
        except ImportError as error:
            raise ExportConfigurationError(
                f"the driver for {self._where} is not installed ({error.name}). Next: pip install {error.name}"
            ) from None
        except (self._sql.exc.ArgumentError, ValueError):
            raise ExportConfigurationError(
                "the address of the database cannot be read. Next: write it as postgresql+psycopg://user@host/name"
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
        self._made_file = self._file_to_make()
        try:
            inside = self._sql.inspect(self._engine)
            self._existing = {*inside.get_table_names(schema=schema), *inside.get_view_names(schema=schema)}
        except (self._sql.exc.SQLAlchemyError, ValueError) as error:
            self.close()
            raise ExportConfigurationError(
                f"{self._where} cannot be opened: {_reason(error)}. Next: check host, database, user and password"
            ) from None

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Refuse to replace tables that no export made."""
        self._study = tables.study_key
        for key in tables.keys:
            self._names[key] = [self._namer.name(key, f"{self._prefix}{key}")]
        for table in tables.data:
            for number in range(1, len(self._split(table))):
                wanted = f"{self._names[table.key][0]}__{number + 1}"
                self._names[table.key].append(self._namer.name(f"{table.key}/{number}", wanted))
        mark = hashlib.sha256(f"{self._study}\0{self._prefix}".encode()).hexdigest()[:8]
        self._hidden = f"_imednet_{mark}_"
        refuse_unowned(self._where, self._study, self._finals, self._existing, self._owned())
        for name in sorted(self._existing):  # what a run left that was cut off
            if name.startswith(self._hidden):
                self._drop(name)

    @property
    def _finals(self) -> list[str]:
        return [name for names in self._names.values() for name in names]

    def write_batch(self, batch: Batch) -> None:
        """Insert one batch; one that was tried before is taken out first."""
        if batch.table.key not in self._parts:
            self._create(batch.table)
        if not len(batch):
            return
        cells = [self._storable(batch, *pair) for pair in zip(batch.table.columns, batch.columns, strict=True)]
        numbers = [batch.number] * len(batch)
        for part in self._parts[batch.table.key]:
            stored, keys = part.table, [*(f"c{place}" for place in part.places), "batch"]
            values = zip(*(cells[place] for place in part.places), numbers, strict=True)
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
        """Put all tables in place: in one transaction, and in MySQL, which has none for tables, in one RENAME."""
        sql = self._sql
        there = set(sql.inspect(self._engine).get_table_names(schema=self._schema))
        swaps = [part for parts in self._parts.values() for part in parts]
        swaps = [part for part in swaps if part.table.name in there]  # what is missing was put in place by an attempt
        finals = {part.final for part in swaps}
        firsts = {part.final: parts[0].final for parts in self._parts.values() for part in parts}
        gone = sorted(  # further parts of tables that have fewer now
            name
            for name, (study, first) in self._owned_parts().items()
            if study == self._study and first in firsts.values() and name not in self._finals
        )
        mine = [
            {"name": final, "study": self._study, "part_of": firsts[final] if firsts[final] != final else None}
            for final in sorted(finals)
        ]
        owners = self._owners()
        lacks_parts = OWNERS in self._existing and not self._knows_parts

        atomic = self._dialect not in _MYSQL  # there each change of a table is a transaction of its own

        def own(connection: Any) -> None:
            owners.create(connection, checkfirst=True)
            if lacks_parts:
                if not atomic:  # the first exports left its character set to the server
                    self._run(connection, "ALTER TABLE ", self._name(OWNERS), " CONVERT TO CHARACTER SET ", _NAMES_AS)
                self._run(
                    connection, "ALTER TABLE ", self._name(OWNERS), " ADD COLUMN ", Name("part_of"), " VARCHAR(64)"
                )
            connection.execute(owners.delete().where(owners.c.name.in_([*finals, *gone])))
            if mine:
                connection.execute(owners.insert(), mine)

        if not atomic:
            with self._engine.begin() as connection:
                own(connection)
        with self._engine.begin() as connection:
            if self._dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")  # views on a table outlive its renaming
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # its driver begins none for changes of tables
            for part in swaps:
                if atomic or self._has_batches(connection, part):
                    self._run(
                        connection, "ALTER TABLE ", self._name(part.table.name), " DROP COLUMN ", Name(part.batch)
                    )
            if atomic:
                for part in swaps:
                    self._run(connection, "DROP TABLE IF EXISTS ", self._name(part.final))
                    self._run(connection, "ALTER TABLE ", self._name(part.table.name), " RENAME TO ", Name(part.final))
                own(connection)
            else:
                self._rename(connection, swaps, there)
            for name in gone:
                self._run(connection, "DROP TABLE IF EXISTS ", self._name(name))
        self._made_file = None
        for key, parts in self._parts.items():
            self.outputs[key] = {"tables": [part.final for part in parts]}
        self._parts.clear()

    def _has_batches(self, connection: Any, part: _Part) -> bool:
        """Whether the column of batches is still there, which an attempt may have dropped; as the server lists them."""
        found = connection.execute(
            self._sql.text(
                "SELECT count(*) FROM information_schema.columns WHERE table_name = :name AND column_name = :batch "
                "AND table_schema = coalesce(:schema, DATABASE())"
            ),
            {"name": part.table.name, "batch": part.batch, "schema": self._schema},
        )
        return bool(found.scalar())

    def _rename(self, connection: Any, swaps: list[_Part], there: set[str]) -> None:
        """All tables at once, as MySQL can; what an earlier run left under the names in between goes first."""
        for part in swaps:
            self._run(connection, "DROP TABLE IF EXISTS ", self._name(part.old))
        moves: list[tuple[str, str]] = [(part.final, part.old) for part in swaps if part.final in there]
        moves += [(part.table.name, part.final) for part in swaps]
        if moves:
            parts: list[str | Name] = []
            for source, target in moves:
                parts += [", " if parts else "RENAME TABLE ", self._name(source), " TO ", self._name(target)]
            self._run(connection, *parts)
        for part in swaps:
            self._run(connection, "DROP TABLE IF EXISTS ", self._name(part.old))

    def close(self) -> None:
        """Drop what was not put in place; a file of SQLite that was made for nothing goes too."""
        for part in [part for parts in self._parts.values() for part in parts]:
            try:
                self._drop(part.table.name)
            except self._sql.exc.SQLAlchemyError:
                break  # the database is gone; the next run drops it
        self._parts.clear()
        if self._made_file is not None and not self._holds_anything():
            self._engine.dispose()
            self._made_file.unlink(missing_ok=True)
        self._made_file = None
        self._engine.dispose()

    def _holds_anything(self) -> bool:
        """Whether somebody else has filled the file meanwhile."""
        try:
            return bool(self._sql.inspect(self._engine).get_table_names())
        except (self._sql.exc.SQLAlchemyError, ValueError):
            return not self._made_file or not self._made_file.exists() or self._made_file.stat().st_size > 0

    def _file_to_make(self) -> Path | None:
        """The file of SQLite, where it is not there yet."""
        name = self._engine.url.database
        if self._dialect != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
            return None
        try:
            return None if Path(name).exists() else Path(name)
        except (OSError, ValueError):
            return None  # a name that no file can have; opening it says so

    def transient(self, error: BaseException) -> bool:
        """Locks, dead-locks and lost connections."""
        return isinstance(error, self._sql.exc.DBAPIError) and bool(
            error.connection_invalidated or _PASSING.search(str(error.orig))
        )

    def explain(self, error: BaseException) -> str:
        """The driver's reason, and what to do."""
        return f"{self._where}: {_reason(error)}. Next: see that the database can be written to, then run it again"

    # ---- tables

    def _owned(self) -> dict[str, str]:
        """Tables that exports made -> the study they are of."""
        if OWNERS not in self._existing:
            return {}
        owners = self._owners()
        with self._engine.connect() as connection:
            return {str(name): str(study) for name, study in connection.execute(self._sql.select(*owners.c[:2]))}

    def _owners(self) -> Any:
        sql = self._sql
        return sql.Table(
            OWNERS,
            sql.MetaData(schema=self._schema),
            sql.Column("name", sql.String(64), primary_key=True),
            sql.Column("study", sql.String(255)),
            sql.Column("part_of", sql.String(64)),
            **_mysql(charset="utf8mb4", collate="utf8mb4_bin"),
        )

    def _owned_parts(self) -> dict[str, tuple[str, str | None]]:
        """Tables that exports made -> their study, and the table they are a further part of."""
        if OWNERS not in self._existing or not self._knows_parts:
            return {}
        with self._engine.connect() as connection:
            return {
                str(name): (str(study), first) for name, study, first in connection.execute(self._owners().select())
            }

    @property
    def _knows_parts(self) -> bool:
        """Whether the table of owners has the column of parts, which the first exports did not write."""
        columns = self._sql.inspect(self._engine).get_columns(OWNERS, schema=self._schema)
        return any(column["name"] == "part_of" for column in columns)

    def _split(self, table: Table) -> list[list[int]]:
        """Places of the columns of each part: the record's own fields stand in every one."""
        most = _COLUMNS_A_PART.get(self._dialect, 1000) - 1
        places = list(range(len(table.columns)))
        if len(places) <= most:
            return [places]
        keys = len(CONTEXT) if table.is_form else 1
        rest, step = places[keys:], most - keys
        return [[*places[:keys], *rest[at : at + step]] for at in range(0, len(rest), step)]

    def _create(self, table: Table) -> None:
        sql, names = self._sql, self._names[table.key]
        parts: list[_Part] = []
        batch = Namer(rules=self.shape.rules, taken=table.names).name("batch", "_batch")
        for name, places in zip(names, self._split(table), strict=True):
            count = next(self._count)
            columns = [
                sql.Column(table.columns[place].name, self._type(table.columns[place]), key=f"c{place}")
                for place in places
            ]
            stored = sql.Table(
                f"{self._hidden}{count}",
                sql.MetaData(schema=self._schema),
                *columns,
                sql.Column(batch, sql.Integer, key="batch", index=False),
                **_mysql(charset="utf8mb4", row_format="DYNAMIC"),
            )
            stored.drop(self._engine, checkfirst=True)
            stored.create(self._engine)
            parts.append(_Part(stored, name, f"{self._hidden}old_{count}", places, batch))
        self._parts[table.key] = parts

    def _drop(self, name: str) -> None:
        with self._engine.begin() as connection:
            self._run(connection, "DROP TABLE IF EXISTS ", self._name(name))

    def _run(self, connection: Any, *parts: str | Name) -> None:
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
        """Cells that the database can hold: PostgreSQL has no text with a NUL in it."""
        if self._dialect != "postgresql" or column.kind not in (Kind.TEXT, Kind.JSON, Kind.PARTIAL):
            return cells
        found = list(cells)
        for place, cell in enumerate(found):
            if cell is not None and "\0" in cell:
                row = batch.column(batch.table.identity[0])[place] if batch.table.identity else None
                self.lost(batch.table, row, column.source, cell, "PostgreSQL holds no text with a NUL")
                found[place] = None
        return found


@dataclass
class _Part:
    """A table in the making.

    Attributes:
        table: the table, under its hidden name.
        final: the name it will have.
        old: the hidden name that its predecessor gets for a moment.
        places: which columns of the form it holds.
        batch: the name of the column that tells batches apart, which is dropped at the end.
    """

    table: Any
    final: str
    old: str
    places: list[int]
    batch: str


def _mysql(**options: str) -> dict[str, str]:
    """Options of a table, for both names that an address can give such a server."""
    return {f"{dialect}_{name}": value for dialect in _MYSQL for name, value in options.items()}


def _reason(error: BaseException) -> str:
    """What a driver says, in one line; of a value that did not fit only the kind of error, since that may quote it."""
    original = getattr(error, "orig", None) or error
    if type(error).__name__ in ("DataError", "IntegrityError", "StatementError"):
        return type(original).__name__
    text = str(original).strip().splitlines()
    line = text[0] if text else type(original).__name__
    return re.sub(r"://\S+@", "://***@", re.sub(r"\s+", " ", line))[:200]


def refuse_unowned(
    where: str, study: str, names: Iterable[str], existing: Iterable[str], owned: Mapping[str, str]
) -> None:
    """Refuse to replace a table that no export made, or one of another study. Case does not tell tables apart."""
    there = {name.casefold() for name in existing}
    studies = {name.casefold(): owner for name, owner in owned.items()}
    for name in names:
        if name.casefold() not in there:
            continue
        owner = studies.get(name.casefold())
        if owner != study:
            what = "that no export made" if owner is None else f"of study {owner!r}"
            raise ExportConfigurationError(
                f"{where} has a table {name!r} {what}, so it is not replaced. "
                "Next: choose another schema, or a prefix for the tables"
            )
