"""SQL through SQLAlchemy: a table a form, swapped in one transaction when all of them are whole.

Rows go to tables of a hidden name first, each batch in a transaction of its own, so that a lost connection costs one
batch. `flush` then puts them in the place of the earlier tables. Only tables that an export made are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from ..errors import ExportConfigurationError
from ._optional import _require_optional_dep
from .batches import Batch
from .home import Home
from .layout import CONTEXT, Column, Shape, StudyTables, Table
from .naming import Namer
from .sink import ExportSink, _redact_uri
from .values import Kind

OWNERS: Final = "_imednet_tables"
"""Table that holds which tables an export made."""

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
    shape: ClassVar[Shape] = Shape(values="both", longest_name=63)

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
        except self._sql.exc.ArgumentError:
            raise ExportConfigurationError(
                "the address of the database cannot be read. Next: write it as postgresql+psycopg://user@host/name"
            ) from None
        self._schema = schema
        self._prefix = prefix
        self._dialect = self._engine.dialect.name
        self._study = ""
        self._names: dict[str, str] = {}
        self._parts: dict[str, list[tuple[Any, list[int]]]] = {}
        self._namer = Namer(longest=50)
        try:
            self._existing = set(self._sql.inspect(self._engine).get_table_names(schema=schema))
        except self._sql.exc.SQLAlchemyError as error:
            self._engine.dispose()
            raise ExportConfigurationError(
                f"{self._where} cannot be opened: {_reason(error)}. Next: check host, database, user and password"
            ) from None

    def begin(self, tables: StudyTables, home: Home | None) -> None:  # noqa: ARG002  (the interface of a sink)
        """Refuse to replace tables that no export made."""
        self._study = tables.study_key
        for key in tables.keys:
            self._names[key] = self._namer.name(key, f"{self._prefix}{key}")
        names = [*self._names.values(), *(name for table in tables.data for name in self._part_names(table)[1:])]
        refuse_foreign(self._where, self._study, names, self._existing, self._owned())
        # Tables of these names are made and dropped on the way; an earlier run that was cut off may have left some.
        for name in names:
            for ending in ("__new", "__old"):
                if f"{name}{ending}" in self._existing and OWNERS not in self._existing:
                    refuse_foreign(self._where, self._study, [f"{name}{ending}"], self._existing, {})
        owners = self._owners()
        owners.create(self._engine, checkfirst=True)
        self._existing.add(OWNERS)

    def write_batch(self, batch: Batch) -> None:
        """Insert one batch; one that was tried before is taken out first."""
        if batch.table.key not in self._parts:
            self._create(batch.table)
        if not len(batch):
            return
        cells = [self._storable(batch, *pair) for pair in zip(batch.table.columns, batch.columns, strict=True)]
        numbers = [batch.number] * len(batch)
        for stored, places in self._parts[batch.table.key]:
            names = [column.name for column in stored.columns]
            values = zip(*(cells[place] for place in places), numbers, strict=True)
            rows = [dict(zip(names, row, strict=True)) for row in values]
            with self._engine.begin() as connection:
                connection.execute(stored.delete().where(stored.c["_batch"] == batch.number))
                connection.execute(stored.insert(), rows)

    def flush(self) -> None:
        """Put all tables in place: in one transaction, and in MySQL, which has none for tables, in one RENAME."""
        sql, quote = self._sql, self._quoted
        there = set(sql.inspect(self._engine).get_table_names(schema=self._schema))
        swaps = [(s.name, s.name.removesuffix("__new")) for parts in self._parts.values() for s, _ in parts]
        swaps = [pair for pair in swaps if pair[0] in there]  # what is missing was put in place by an earlier attempt
        finals = {final for _, final in swaps}
        gone = sorted(name for name in self._owned() if name not in finals and self._was_part(name, finals))
        mine = [{"name": final, "study": self._study} for final in sorted(finals)]
        owners = self._owners()

        def own(connection: Any) -> None:
            connection.execute(owners.delete().where(owners.c.name.in_([*finals, *gone])))
            if mine:
                connection.execute(owners.insert(), mine)

        atomic = self._dialect not in ("mysql", "mariadb")  # there each change of a table is a transaction of its own
        if not atomic:
            with self._engine.begin() as connection:
                own(connection)
        with self._engine.begin() as connection:
            if self._dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # its driver begins none for changes of tables
            inside = sql.inspect(connection)
            for new, _ in swaps:
                names = {column["name"] for column in inside.get_columns(new, schema=self._schema)}
                if "_batch" in names:
                    connection.execute(sql.text(f"ALTER TABLE {quote(new)} DROP COLUMN {self._quote('_batch')}"))
            if atomic:
                for new, final in swaps:
                    connection.execute(sql.text(f"DROP TABLE IF EXISTS {quote(final)}"))
                    connection.execute(sql.text(f"ALTER TABLE {quote(new)} RENAME TO {self._quote(final)}"))
                own(connection)
            else:
                self._rename(connection, swaps, there)
            for name in gone:
                connection.execute(sql.text(f"DROP TABLE IF EXISTS {quote(name)}"))
        for key, parts in self._parts.items():
            self.outputs[key] = {"tables": [stored.name.removesuffix("__new") for stored, _ in parts]}
        self._parts.clear()

    def _rename(self, connection: Any, swaps: list[tuple[str, str]], there: set[str]) -> None:
        """All tables at once, as MySQL can; what an earlier run left under the names in between goes first."""
        quote, text = self._quoted, self._sql.text
        for _, final in swaps:
            connection.execute(text(f"DROP TABLE IF EXISTS {quote(f'{final}__old')}"))
        moves = [f"{quote(final)} TO {quote(f'{final}__old')}" for _, final in swaps if final in there]
        moves += [f"{quote(new)} TO {quote(final)}" for new, final in swaps]
        if moves:
            connection.execute(text(f"RENAME TABLE {', '.join(moves)}"))
        for _, final in swaps:
            connection.execute(text(f"DROP TABLE IF EXISTS {quote(f'{final}__old')}"))

    def _was_part(self, name: str, finals: set[str]) -> bool:
        """Whether a table was a further part of one that has fewer now; a form may have such a name too."""
        return name not in self._names.values() and any(_is_part(name, final) for final in finals)

    def close(self) -> None:
        """Drop what was not put in place."""
        for parts in self._parts.values():
            for stored, _ in parts:
                try:
                    stored.drop(self._engine, checkfirst=True)
                except self._sql.exc.SQLAlchemyError:
                    break  # the database is gone; the next run drops it
        self._parts.clear()
        self._engine.dispose()

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
            return {str(name): str(study) for name, study in connection.execute(owners.select())}

    def _owners(self) -> Any:
        sql = self._sql
        return sql.Table(
            OWNERS,
            sql.MetaData(schema=self._schema),
            sql.Column("name", sql.String(64), primary_key=True),
            sql.Column("study", sql.String(255)),
        )

    def _part_names(self, table: Table) -> list[str]:
        first = self._names[table.key]
        return [first if not number else f"{first}__{number + 1}" for number in range(len(self._split(table)))]

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
        sql = self._sql
        parts = []
        for name, places in zip(self._part_names(table), self._split(table), strict=True):
            columns = [sql.Column(table.columns[place].name, self._type(table.columns[place])) for place in places]
            stored = sql.Table(
                f"{name}__new",
                sql.MetaData(schema=self._schema),
                *columns,
                sql.Column("_batch", sql.Integer, index=False),
                mysql_charset="utf8mb4",
                mysql_row_format="DYNAMIC",
            )
            stored.drop(self._engine, checkfirst=True)
            stored.create(self._engine)
            parts.append((stored, places))
        self._parts[table.key] = parts

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
        if self._dialect in ("mysql", "mariadb"):
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

    def _quote(self, name: str) -> str:
        return str(self._engine.dialect.identifier_preparer.quote_identifier(name))

    def _quoted(self, name: str) -> str:
        return f"{self._quote(self._schema)}.{self._quote(name)}" if self._schema else self._quote(name)


def _is_part(name: str, final: str) -> bool:
    """Whether a table is a further part of another one."""
    return name.startswith(f"{final}__") and name[len(final) + 2 :].isdigit()


def _reason(error: BaseException) -> str:
    """What a driver says, in one line; of a value that did not fit only the kind of error, since that may quote it."""
    original = getattr(error, "orig", None) or error
    if type(error).__name__ in ("DataError", "IntegrityError", "StatementError"):
        return type(original).__name__
    text = str(original).strip().splitlines()
    line = text[0] if text else type(original).__name__
    return re.sub(r"://\S+@", "://***@", re.sub(r"\s+", " ", line))[:200]


def refuse_foreign(
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
