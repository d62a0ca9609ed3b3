"""SQL databases through SQLAlchemy: one table per form, the rows of all of them replaced in one transaction.

Rows first go to tables with hidden names, each batch in a transaction of its own, so that a lost connection costs one
batch. `flush` then moves them into the tables that are there, which stay with their grants, views, indexes and
comments; `relational.tables` says when a table has to be made anew. Only tables that an export created are written.

Every name of a table that stays comes from one `Namer`, so it cannot collide with a form or variable. Hidden tables
have names that no other run has, and `relational.lock` lets one export of a study write at a time.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from ..errors import ExportBatchError, ExportConfigurationError, ExportError
from ..validation.kinds import Kind
from ._optional import _require_optional_dep
from .on_disk.folder import ExportFolder, file_entries
from .relational.engine import open_engine, sqlite_file
from .relational.lock import RunLock, is_in_use
from .relational.tables import (
    MYSQL,
    Part,
    column_parts,
    column_type,
    misfit,
    most_columns,
    mysql_columns,
    mysql_options,
    obstacle,
    refuse_unowned,
    staged_table,
)
from .sink import ExportSink, _redact_uri
from .sql_names import OTHERS, RULES
from .sql_statements import Name, statement
from .tables.batches import Batch, without_zone
from .tables.layout import CONTEXT, Column, Shape, StudyTables, Table
from .tables.naming import Namer

OWNERS: Final = "_imednet_tables"
"""Table that lists the tables that exports created, and their study."""

_HIDDEN: Final = "_imednet_"
"""What names of tables begin with in which rows are staged."""
_NAME_CHARSET: Final = "utf8mb4 COLLATE utf8mb4_bin"
_PAGE: Final = 5_000
"""Rows of an earlier run that are read at once."""
_LONGEST_WAIT: Final = 60
"""Seconds to wait for a table that somebody else holds."""
_log = logging.getLogger("imednet")
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
        lowercase: give tables and columns names in lower case, which PostgreSQL reads without quotes.

    Raises:
        ExportConfigurationError: SQLAlchemy or the driver is missing, or the URL is wrong or cannot be reached.
    """

    kind = "sql"
    shared = True
    shape = Shape(values="both")

    def __init__(self, url: str, *, schema: str | None = None, prefix: str = "", lowercase: bool = False) -> None:
        self._sql = _require_optional_dep("sqlalchemy", "export")
        self.foreign = (self._sql.exc.SQLAlchemyError,)
        self._address = _redact_uri(str(url))
        self._engine = open_engine(self._sql, url, self._address)
        self._schema = schema
        self._prefix = prefix
        self._dialect = self._engine.dialect.name
        rules = RULES.get(self._dialect, OTHERS)
        self.shape = Shape(values="both", rules=rules, lower_names=lowercase)  # type: ignore[misc]
        self._study = ""
        self._names: dict[str, list[str]] = {}
        self._parts: dict[str, list[Part]] = {}
        self._rebuilt: set[str] = set()
        self._missing: dict[str, list[Column]] = {}
        self._count = itertools.count()
        self._rows: dict[str, dict[int, int]] = {}
        self._lock: RunLock | None = None
        self._tried = False
        self._namer = Namer(lower=lowercase, rules=rules, taken=[OWNERS])
        self.file = sqlite_file(self._engine)
        self._new_file = self._missing_sqlite_file()
        try:
            self._existing = self._names_there()
        except (self._sql.exc.SQLAlchemyError, ValueError) as error:
            self.close()
            raise ExportConfigurationError(
                f"{self._address} cannot be opened: {obstacle(error)}. Next: check host, database, user and password"
            ) from None

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:
        """Choose the table names, refuse to replace tables that no export created, drop leftovers of earlier runs."""
        self._study = tables.study_key
        self._limited = tables.limited
        schema = self._schema or self._inspector().default_schema_name or ""
        self._lock = RunLock(self._sql, self._engine, f"{schema}\0{self._prefix}", self._address)
        if self.file is not None:
            self._engine.dispose()  # until the lock was held, another export could have removed an empty file
        self._existing = self._names_there()  # again, now that no other export changes anything
        owned = self._owned()
        self._namer.keep(_earlier_tables(home, self._study, owned))
        for key in tables.all_keys:
            self._names[key] = [self._namer.name(f"{key}/0", f"{self._prefix}{key}")]
        for table in tables.data:
            for number in range(1, len(self._column_parts(table))):
                wanted = f"{self._names[table.key][0]}__{number + 1}"
                self._names[table.key].append(self._namer.name(f"{table.key}/{number}", wanted))
        self._written = set(tables.keys)
        digest = hashlib.sha256(f"{self._study}\0{self._prefix}".encode()).hexdigest()[:8]
        ours = f"{_HIDDEN}{digest}_"
        self._hidden_prefix = f"{ours}{secrets.token_hex(3)}_"
        refuse_unowned(self._address, self._study, self._final_names, self._existing, owned)
        for name in sorted(self._existing):
            if self._lock.held and name.startswith(ours):  # left by a run that died
                self._drop(name)
        for table in tables.data:
            for name, columns in zip(self._names[table.key], self._column_parts(table), strict=True):
                self._compare(table, name, columns)

    @property
    def _final_names(self) -> list[str]:
        return [name for key in self._names if key in self._written for name in self._names[key]]

    def _compare(self, table: Table, name: str, columns: Sequence[int]) -> None:
        """Find out whether a table that is there can stay, and say so before anything is written if it cannot.

        Raises ExportConfigurationError if the options leave out columns of the table, which would be emptied.
        """
        if name not in self._existing:
            return
        there = self._columns_there(self._engine, name)
        wanted = [table.columns[index] for index in columns]
        written = {column.name.casefold() for column in wanted}  # one of another case is made anew, below
        if table.key in self._limited and (lost := [one for one in there if one.casefold() not in written]):
            raise ExportConfigurationError(
                f"table {name!r} has columns that this run does not write, such as {lost[0]!r}, and would lose their "
                "values. Next: export with the options of the run before, such as --values, --context and --home and "
                "without --variable, or choose another schema or a prefix"
            )
        misfits = [
            f"{column.name!r} is {problem}"
            for column in wanted
            if column.name in there and (problem := misfit(self._sql, column.kind, there[column.name]))
        ]
        missing = [column for column in wanted if column.name not in there]
        folded = {one.casefold(): one for one in there}
        recased = [folded[one.name.casefold()] for one in missing if one.name.casefold() in folded]
        if recased:
            misfits.append(f"{recased[0]!r} is spelled in another case now")
        moved = [one for one in there if one in table.names and one not in {column.name for column in wanted}]
        if moved:
            misfits.append(f"{moved[0]!r} belongs to another part of the form now")
        if len(there) + len(missing) > most_columns(self._dialect):
            misfits.append("its old and new columns together are too many")
        if misfits:
            self._rebuilt.add(name)
            _log.warning(
                "table %s of %s is made anew, without its grants, indexes and comments, because %s",
                name, self._address, "; ".join(misfits[:3]),
            )  # fmt: skip
        else:
            self._missing[name] = missing

    def write_batch(self, batch: Batch) -> None:
        """Insert one batch, after deleting whatever an earlier attempt inserted of it."""
        if batch.table.key not in self._parts:
            self._create_staged(batch.table)
        if not len(batch):
            return
        if batch.table.is_form and None in batch.column(batch.table.identity[0]):
            raise ExportBatchError(
                batch.id, "a record has no number, and the table's primary key is made of it. Next: export to parquet, "
                "whose issues name the record"
            )  # fmt: skip
        columns = [
            self._storable(batch, column, cells)
            for column, cells in zip(batch.table.columns, batch.columns, strict=True)
        ]
        self._rows.setdefault(batch.table.key, {})[batch.number] = len(batch)
        numbers = [batch.number] * len(batch)
        for part in self._parts[batch.table.key]:
            stored, keys = part.staged, [*(f"c{index}" for index in part.columns), "batch"]
            values = zip(*(columns[index] for index in part.columns), numbers, strict=True)
            rows = [dict(zip(keys, row, strict=True)) for row in values]
            with self._engine.begin() as connection:
                connection.execute(stored.delete().where(stored.c["batch"] == batch.number))
                connection.execute(stored.insert(), rows)

    def earlier_rows(self, table: Table) -> Iterator[Sequence[Any]]:
        """The rows that a table of the export itself has before this run."""
        name = self._names[table.key][0]
        if name not in self._existing:
            return
        there = self._columns_there(self._engine, name)
        parts: list[str | Name] = []
        for column in table.names:
            parts += [", " if parts else "SELECT ", Name(column) if column in there else "NULL"]
        query = (*parts, " FROM ", self._name(name))
        if self._dialect != "sqlite":
            with self._engine.connect() as connection:
                yield from map(tuple, connection.execution_options(yield_per=_PAGE).execute(statement(*query)))
            return
        for page in itertools.count():  # SQLite lets nobody write while somebody reads
            limit = f" ORDER BY rowid LIMIT {_PAGE} OFFSET {page * _PAGE}"
            with self._engine.connect() as connection:
                rows = list(map(tuple, connection.execute(statement(*query, limit))))
            yield from rows
            if len(rows) < _PAGE:
                return

    def give_up(self, table: Table) -> bool:
        """Drop the staged tables of a form that could not be written; what cannot be dropped goes with a later run."""
        for part in self._parts.pop(table.key, []):
            with suppress(self._sql.exc.SQLAlchemyError):
                self._drop(part.staged.name)
        return True

    def flush(self) -> None:
        """Replace the rows of tables that stay and put new tables in place, in one transaction.

        MySQL ends a transaction with each change of a table; there new tables appear in one `RENAME` of their own.
        """
        existing = set(self._inspector().get_table_names(schema=self._schema))
        parts = [part for parts in self._parts.values() for part in parts]
        staged = [part for part in parts if part.staged.name in existing]
        if len(staged) < len(parts) and not self._tried:
            raise self._disturbed("a table that rows were staged in is gone")
        parts, self._tried = staged, True  # an earlier attempt renamed the others
        rows, renamed = [part for part in parts if part.stays], [part for part in parts if not part.stays]
        gone = self._gone_tables()
        atomic = self._dialect not in MYSQL  # in MySQL each change of a table commits by itself
        if not atomic:
            with self._begin() as connection:
                self._check_owners(connection)
                self._add_columns(connection, rows)
                self._update_owners(connection, parts, gone)
        with self._begin() as connection:
            if self._dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")  # or renaming would break views on a table
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins no transaction for DDL
            self._check_staged(connection, parts)
            if atomic:
                self._check_owners(connection)
                self._add_columns(connection, rows)
            for part in rows:
                self._replace_rows(connection, part)
            if atomic:
                for part in renamed:
                    self._put_in_place(connection, part)
                self._update_owners(connection, parts, gone)
                self._drop_all(connection, [*gone, *(part.staged.name for part in rows)])
        if not atomic:
            with self._begin() as connection:
                self._rename_all(connection, renamed, existing)
                self._drop_all(connection, [*gone, *(part.staged.name for part in rows)])
        self._new_file = None
        for key, written in self._parts.items():
            self.outputs[key] = {"tables": [part.final for part in written]}
        self._parts.clear()

    def _check_owners(self, connection: Any) -> None:
        """Refuse to replace tables that somebody else created since this run began."""
        inspector = self._sql.inspect(connection)
        existing = set(inspector.get_table_names(schema=self._schema))
        owned = dict[str, str]()
        if OWNERS in existing:
            rows = connection.execute(self._sql.select(*self._owners_table().c[:2]))
            owned = {str(name): str(study) for name, study in rows}
        refuse_unowned(self._address, self._study, self._final_names, existing, owned)

    def _check_staged(self, connection: Any, parts: Sequence[Part]) -> None:
        """Raise ExportError unless each staged table holds the rows that were written to it."""
        written = {
            part.staged.name: sum(self._rows.get(key, {}).values())
            for key, members in self._parts.items()
            for part in members
        }
        for part in parts:
            query = statement("SELECT count(*) FROM ", self._name(part.staged.name))
            held, wanted = connection.execute(query).scalar(), written[part.staged.name]
            if held != wanted:
                raise self._disturbed(f"{held} of {wanted} rows for {part.final!r} are staged")

    def _disturbed(self, what: str) -> ExportError:
        return ExportError(
            f"{self._address}: {what}, so somebody else wrote there too. Nothing was replaced. Next: run it again"
        )

    @contextmanager
    def _begin(self) -> Iterator[Any]:
        """A transaction that waits at most a minute for a table that somebody else holds."""
        with self._engine.begin() as connection:
            if self._dialect == "postgresql":
                own = "SELECT set_config('lock_timeout', '{}s', true) WHERE current_setting('lock_timeout') = '0'"
                connection.exec_driver_sql(own.format(_LONGEST_WAIT))
            elif self._dialect in MYSQL:
                connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_LONGEST_WAIT}")
                connection.exec_driver_sql(f"SET SESSION innodb_lock_wait_timeout = {_LONGEST_WAIT}")
            yield connection

    def _gone_tables(self) -> list[str]:
        """Tables to drop: of forms that were asked to go, and further parts of tables that have fewer now."""
        firsts = {part.final for parts in self._parts.values() for part in parts}
        owned = self._owned_parts()
        narrower = [
            name
            for name, (study, first) in owned.items()
            if study == self._study and first in firsts and name not in self._final_names
        ]
        ours = {name for name, study in self._owned().items() if study == self._study}
        asked = [
            name for key, facts in self.gone.items()
            for name in facts.get("tables") or self._names.get(key) or () if name in ours
        ]  # fmt: skip
        return sorted({*narrower, *asked} - firsts)

    def _add_columns(self, connection: Any, parts: Sequence[Part]) -> None:
        """Add to the tables that stay the columns they lack."""
        for part in parts:
            there = self._columns_there(connection, part.final)
            for column in part.missing:
                if column.name in there:
                    continue  # an earlier attempt added it
                kind = column_type(self._sql, self._dialect, column.kind).compile(self._engine.dialect)
                name = self._name(part.final)
                self._execute(connection, "ALTER TABLE ", name, " ADD COLUMN ", Name(column.name), f" {kind}")

    def _replace_rows(self, connection: Any, part: Part) -> None:
        """Delete the rows of a table that stays and insert the staged ones; readers see one or the other."""
        names: list[str | Name] = []
        for column in part.staged.columns:
            if column.name != part.batch:
                names += [", " if names else "", Name(column.name)]
        target = self._name(part.final)
        self._execute(connection, "DELETE FROM ", target)
        self._execute(
            connection, "INSERT INTO ", target, " (", *names, ") SELECT ", *names, " FROM ",
            self._name(part.staged.name),
        )  # fmt: skip

    def _put_in_place(self, connection: Any, part: Part) -> None:
        """Give a new table its name, in place of one that could not stay."""
        staged = self._name(part.staged.name)
        self._execute(connection, "ALTER TABLE ", staged, " DROP COLUMN ", Name(part.batch))
        self._execute(connection, "DROP TABLE IF EXISTS ", self._name(part.final))
        self._execute(connection, "ALTER TABLE ", staged, " RENAME TO ", Name(part.final))

    def _rename_all(self, connection: Any, parts: Sequence[Part], existing: set[str]) -> None:
        """Put new tables in place in one statement, as MySQL can; leftovers under the names in between go first."""
        for part in parts:
            if self._has_batch_column(connection, part):
                self._execute(
                    connection, "ALTER TABLE ", self._name(part.staged.name), " DROP COLUMN ", Name(part.batch)
                )
            self._execute(connection, "DROP TABLE IF EXISTS ", self._name(part.old))
        moves: list[tuple[str, str]] = [(part.final, part.old) for part in parts if part.final in existing]
        moves += [(part.staged.name, part.final) for part in parts]
        if moves:
            words: list[str | Name] = []
            for source, target in moves:
                words += [", " if words else "RENAME TABLE ", self._name(source), " TO ", self._name(target)]
            self._execute(connection, *words)
        self._drop_all(connection, [part.old for part in parts])

    def _drop_all(self, connection: Any, names: Iterable[str]) -> None:
        for name in names:
            self._execute(connection, "DROP TABLE IF EXISTS ", self._name(name))

    def _has_batch_column(self, connection: Any, part: Part) -> bool:
        """Whether a table still has its column of batch numbers, which an earlier attempt may have dropped."""
        return part.batch in self._columns_there(connection, part.staged.name)

    def _columns_there(self, connection: Any, table: str) -> dict[str, Any]:
        """Columns of a table that is there, with their types."""
        if self._dialect in MYSQL:
            return mysql_columns(self._sql, connection, table, self._schema)
        found = self._sql.inspect(connection).get_columns(table, schema=self._schema)
        return {column["name"]: column["type"] for column in found}

    def _update_owners(self, connection: Any, parts: Sequence[Part], gone: Sequence[str]) -> None:
        """Enter the tables that were written into the table of owners, and take out those that are dropped."""
        firsts = {part.final: parts[0].final for parts in self._parts.values() for part in parts}
        finals = sorted({part.final for part in parts})
        owners = self._owners_table()
        owners.create(connection, checkfirst=True)
        if OWNERS in self._existing and not self._owners_table_has_parts(connection):
            if self._dialect in MYSQL:  # early versions left its character set to the server
                self._execute(
                    connection, "ALTER TABLE ", self._name(OWNERS), " CONVERT TO CHARACTER SET ", _NAME_CHARSET
                )
            self._execute(
                connection, "ALTER TABLE ", self._name(OWNERS), " ADD COLUMN ", Name("part_of"), " VARCHAR(64)"
            )
        connection.execute(owners.delete().where(owners.c.name.in_([*finals, *gone])))
        rows = [
            {"name": final, "study": self._study, "part_of": firsts[final] if firsts[final] != final else None}
            for final in finals
        ]
        if rows:
            connection.execute(owners.insert(), rows)

    def close(self) -> None:
        """Drop the hidden tables, and delete a SQLite file that was created and is still empty."""
        for part in [part for parts in self._parts.values() for part in parts]:
            try:
                self._drop(part.staged.name)
            except self._sql.exc.SQLAlchemyError:
                break  # the database cannot be reached; the next run drops them
        self._parts.clear()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
        if self._new_file is not None and not is_in_use(self._new_file) and not self._file_has_content():
            self._engine.dispose()
            self._new_file.unlink(missing_ok=True)
        self._new_file = None
        self._engine.dispose()

    def _file_has_content(self) -> bool:
        """Whether the new file holds tables, which somebody else may have created meanwhile."""
        try:
            return any(not name.startswith(_HIDDEN) for name in self._inspector().get_table_names())
        except (self._sql.exc.SQLAlchemyError, ValueError):
            return not self._new_file or not self._new_file.exists() or self._new_file.stat().st_size > 0

    def _missing_sqlite_file(self) -> Path | None:
        """The path of a SQLite database that does not exist yet, otherwise `None`."""
        path = self.file
        try:
            return None if path is None or path.exists() else path
        except (OSError, ValueError):
            return None  # not a valid file name; opening it raises the right error

    def _names_there(self) -> set[str]:
        """Tables and views of the schema."""
        there = self._inspector()
        return {*there.get_table_names(schema=self._schema), *there.get_view_names(schema=self._schema)}

    def _inspector(self) -> Any:
        return self._sql.inspect(self._engine)

    def transient(self, error: BaseException) -> bool:
        """Whether the error is a lock, a deadlock or a lost connection."""
        return isinstance(error, self._sql.exc.DBAPIError) and bool(
            error.connection_invalidated or _TEMPORARY.search(str(error.orig))
        )

    def explain(self, error: BaseException) -> str:
        """What stood in the way by the driver, who holds a table that was waited for, and what to do about it."""
        holders = self._holders() if "lock" in str(getattr(error, "orig", "")).lower() else []
        held = f" ({'; '.join(holders)})" if holders else ""
        failure = f"{self._address}: {obstacle(error)}{held}"
        return f"{failure}. Next: check that the database accepts writes, then run it again"

    def _holders(self) -> list[str]:
        """Sessions of PostgreSQL that hold locks on the tables of this run, as sentences."""
        if self._dialect != "postgresql":
            return []
        query = self._sql.text(
            "SELECT DISTINCT c.relname, a.pid, a.usename, a.application_name FROM pg_locks l "
            "JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.granted AND a.pid <> pg_backend_pid() AND c.relname = ANY(:names) ORDER BY 2, 1 LIMIT 3"
        )
        try:
            with self._engine.connect() as connection:
                found = connection.execute(query, {"names": self._final_names}).all()
        except self._sql.exc.SQLAlchemyError:
            return []
        return [
            f"session {pid} of {user}{f' in {program}' if program else ''} holds table {name}"
            for name, pid, user, program in found
        ]

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
            **mysql_options(charset="utf8mb4", collate="utf8mb4_bin"),
        )

    def _owned_parts(self) -> dict[str, tuple[str, str | None]]:
        """Tables that exports created -> their study, and the first table of the form they are a part of."""
        if OWNERS not in self._existing or not self._owners_table_has_parts(self._engine):
            return {}
        with self._engine.connect() as connection:
            return {
                str(name): (str(study), first)
                for name, study, first in connection.execute(self._owners_table().select())
            }

    def _owners_table_has_parts(self, connection: Any) -> bool:
        """Whether the table of owners has the column `part_of`, which early versions did not write."""
        columns = self._sql.inspect(connection).get_columns(OWNERS, schema=self._schema)
        return any(column["name"] == "part_of" for column in columns)

    def _column_parts(self, table: Table) -> list[list[int]]:
        return column_parts(table, self._dialect, len(CONTEXT) if table.is_form else 1)

    def _create_staged(self, table: Table) -> None:
        """Create the staged tables of a form, one for each part."""
        parts: list[Part] = []
        batch = Namer(rules=self.shape.rules, taken=table.names).name("batch", "_batch")
        for name, columns in zip(self._names[table.key], self._column_parts(table), strict=True):
            count = next(self._count)
            if name not in self._missing:
                self._compare(table, name, columns)
            stays = name in self._existing and name not in self._rebuilt
            names = {
                "table": f"{self._hidden_prefix}{count}",
                "schema": self._schema,
                "batch": batch,
                "index": None if stays else self._index_name(name),
            }
            staged = staged_table(self._sql, self._dialect, table, columns, names)
            staged.drop(self._engine, checkfirst=True)
            staged.create(self._engine)
            old, missing = f"{self._hidden_prefix}old_{count}", self._missing.get(name, [])
            parts.append(Part(staged, name, old, columns, batch, stays, missing))
        self._parts[table.key] = parts

    def _index_name(self, table: str) -> str:
        """A name for the index of a new table; most databases want it unique in the schema, even beside tables."""
        digest = hashlib.sha256(f"{table}\0{secrets.token_hex(8)}".encode()).hexdigest()[:8]
        return f"imednet_subject_{digest}"

    def _drop(self, name: str) -> None:
        with self._engine.begin() as connection:
            self._execute(connection, "DROP TABLE IF EXISTS ", self._name(name))

    def _execute(self, connection: Any, *parts: str | Name) -> None:
        connection.execute(statement(*parts))

    def _name(self, name: str) -> Name:
        return Name(name, self._schema)

    def _storable(self, batch: Batch, column: Column, cells: Any) -> Any:
        """Cells that the database can hold: PostgreSQL alone has times with a zone, and refuses a text with a NUL."""
        if column.kind is Kind.INSTANT and self._dialect != "postgresql":
            return without_zone(cells)
        if self._dialect != "postgresql" or column.kind not in (Kind.TEXT, Kind.JSON, Kind.PARTIAL):
            return cells
        storable = list(cells)
        for index, cell in enumerate(storable):
            if cell is not None and "\0" in cell:
                row = batch.column(batch.table.identity[0])[index] if batch.table.identity else None
                self.lost(batch.table, row, column.source, cell, "PostgreSQL holds no text with a NUL")
                storable[index] = None
        return storable


def _earlier_tables(home: ExportFolder | None, study: str, owned: Mapping[str, str]) -> dict[str, str]:
    """Names that tables of the study have since earlier runs, by `key/part`."""
    names: dict[str, str] = {}
    for entry in file_entries(home.manifest() if home is not None else None):
        tables = entry.get("tables")
        for number, name in enumerate(tables if isinstance(tables, list) else ()):
            if isinstance(name, str) and owned.get(name) == study:
                names[f"{entry.get('form')}/{number}"] = name
    return names
