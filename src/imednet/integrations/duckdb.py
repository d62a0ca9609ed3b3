"""DuckDB: one file with a table for each form, written in one transaction."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ..errors import ExportConfigurationError
from ..utils import disk
from ._optional import _require_optional_dep
from .on_disk.folder import ExportFolder, beside, checked_path, file_entries
from .relational.tables import refuse_unowned
from .sink import ExportSink
from .sql import OWNERS
from .sql_names import RULES
from .tables.arrow import pyarrow, record_batch, schema_of
from .tables.batches import Batch
from .tables.layout import Shape, StudyTables, Table
from .tables.naming import Namer, file_stems

_log = logging.getLogger("imednet")

STORAGE_VERSION: Final = "v1.2.0"
"""The oldest DuckDB that must be able to read the file, by default."""
_MOST_COMMENTS: Final = 300
"""Most labels set as comments: each takes time in proportion to the table's width. `_dictionary` has all labels."""


def duckdb_home(path: str | os.PathLike[str], schema: str = "main") -> Path:
    """The folder of manifest and log for one schema of a DuckDB file.

    >>> duckdb_home("x.duckdb").name, duckdb_home("x.duckdb", "lab").name
    ('x.duckdb.export', 'x.duckdb.lab.export')
    """
    file = checked_path(path)
    return beside(file if schema == "main" else file.with_name(f"{file.name}.{file_stems([schema])[0]}"))


class DuckDbSink(ExportSink):
    """A DuckDB file.

    Args:
        path: the file; created if it does not exist, and removed again if nothing was committed to it.
        schema: the schema of the tables.
        storage_version: the oldest DuckDB that must be able to read a new file, such as `v1.2.0`; an existing file
            keeps its own version.

    Raises:
        ExportConfigurationError: duckdb or pyarrow is missing, or the file cannot be opened.
    """

    kind = "duckdb"
    shape = Shape(values="both")
    batch_rows = 20_000
    arrow = True
    files = True
    shared = True

    def __init__(
        self, path: str | os.PathLike[str], *, schema: str = "main", storage_version: str = STORAGE_VERSION
    ) -> None:
        duckdb = _require_optional_dep("duckdb", "duckdb")
        pyarrow()
        self.foreign = (duckdb.Error,)
        self.path = disk.link_target(checked_path(path).absolute())
        self.file = self.path
        self._schema = schema
        self._names: dict[str, str] = {}
        self._namer = Namer(rules=RULES["duckdb"], taken=[OWNERS])
        self._remove_if_empty = not self.path.exists()
        # DuckDB would look for extensions on the internet; none is needed.
        config = {"autoinstall_known_extensions": False, "storage_compatibility_version": storage_version}
        try:
            self._db: Any = duckdb.connect(str(self.path), config=config)
        except duckdb.InvalidInputException:
            raise ExportConfigurationError(
                f"this DuckDB ({duckdb.__version__}) cannot write files for {storage_version!r}. "
                f"Next: name a version such as {STORAGE_VERSION}"
            ) from None
        except duckdb.Error as error:
            reason = "it is not a DuckDB file, or its folder is not writable"
            if "lock" in str(error).lower():
                reason = "another program has it open"
            raise ExportConfigurationError(
                f"{self.path} cannot be opened: {reason}. Next: choose another file"
            ) from None

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:
        """Begin the transaction; refuse to replace tables that no export created."""
        self._db.execute("BEGIN")
        self._db.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(self._schema)}")
        columns = "(name VARCHAR PRIMARY KEY, study VARCHAR)"
        self._db.execute(f"CREATE TABLE IF NOT EXISTS {self._table(OWNERS)} {columns}")
        owned = dict(self._db.execute(f"SELECT name, study FROM {self._table(OWNERS)}").fetchall())
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
        existing = [name for (name,) in self._db.execute(query, [self._schema]).fetchall()]
        self._study = tables.study_key
        places = file_entries(home.manifest() if home is not None else None)
        self._owned = {name for name, study in owned.items() if study == self._study}
        kept = {str(one.get("form")): str(one.get("table")) for one in places}
        self._namer.keep({key: name for key, name in kept.items() if name in self._owned})
        self._names = {key: self._namer.name(key, key) for key in tables.all_keys}
        self._hidden = {key: self._namer.name(f"{key}/new", f"_imednet_new_{key}") for key in tables.keys}
        self._existing = set(existing)
        refuse_unowned(self.path.name, self._study, [self._names[key] for key in tables.keys], existing, owned)

    def write_batch(self, batch: Batch) -> None:
        """Insert one batch; the first batch of a table creates it."""
        name = self._hidden[batch.table.key]
        schema = schema_of(batch.table, zones=False)
        rows = pyarrow().Table.from_batches([record_batch(batch, schema)])
        self._db.register("imednet_batch", rows)
        try:
            if batch.number == 0:
                self._db.execute(f"CREATE OR REPLACE TABLE {self._table(name)} AS SELECT * FROM imednet_batch")
                labelled = [column for column in batch.table.columns if column.label]
                for column in labelled if len(labelled) <= _MOST_COMMENTS else ():
                    self._db.execute(
                        f"COMMENT ON COLUMN {self._table(name)}.{_quoted(column.name)} IS {_literal(str(column.label))}"
                    )
                self.outputs[batch.table.key] = {"table": self._names[batch.table.key]}
            else:
                self._db.execute(f"INSERT INTO {self._table(name)} SELECT * FROM imednet_batch")
        finally:
            self._db.unregister("imednet_batch")

    def earlier_rows(self, table: Table) -> Iterator[Sequence[Any]]:
        """The rows that a table of the export itself has before this run."""
        name = self._names[table.key]
        if name not in self._existing:
            return
        there = [one[0] for one in self._db.execute(f"DESCRIBE {self._table(name)}").fetchall()]
        cells = ", ".join(_quoted(column) if column in there else "NULL" for column in table.names)
        cursor = self._db.cursor()
        found = cursor.execute(f"SELECT {cells} FROM {self._table(name)}")
        while rows := found.fetchmany(1_000):
            yield from rows

    def flush(self) -> None:
        """Put the new tables in place of the earlier ones, with the indexes these have, and commit."""
        for key in self.outputs:
            self._replace(self._names[key], self._hidden[key])
        written = {self._names[key] for key in self.outputs}
        for name in [str(facts.get("table") or self._names.get(key)) for key, facts in self.gone.items()]:
            if name in self._owned and name not in written:
                self._db.execute(f"DROP TABLE IF EXISTS {self._table(name)}")
                self._db.execute(f"DELETE FROM {self._table(OWNERS)} WHERE name = ?", [name])
        self._db.execute("COMMIT")
        self._remove_if_empty = False

    def close(self) -> None:
        """Close the file, discarding whatever was not committed."""
        if self._remove_if_empty:
            with suppress(*self.foreign):  # the transaction may have ended already
                self._db.execute("ROLLBACK")
            with suppress(*self.foreign):
                self._remove_if_empty = self._db.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
        self._db.close()
        if self._remove_if_empty:
            for path in (self.path, self.path.with_name(f"{self.path.name}.wal")):
                path.unlink(missing_ok=True)

    def _replace(self, name: str, hidden: str) -> None:
        query = "SELECT sql FROM duckdb_indexes() WHERE schema_name = ? AND table_name = ? AND sql IS NOT NULL"
        indexes = [sql for (sql,) in self._db.execute(query, [self._schema, name]).fetchall()]
        self._db.execute(f"DROP TABLE IF EXISTS {self._table(name)}")
        self._db.execute(f"ALTER TABLE {self._table(hidden)} RENAME TO {_quoted(name)}")
        for sql in indexes:
            try:
                self._db.execute(sql)
            except self.foreign as error:
                _log.warning(
                    "%s: an index of table %s is lost (%s): %s", self.path.name, name, type(error).__name__, sql
                )
        self._db.execute(f"INSERT OR REPLACE INTO {self._table(OWNERS)} VALUES (?, ?)", [name, self._study])

    def explain(self, error: BaseException) -> str:
        """The kind of failure, and what to do about it."""
        return (
            f"{self.path.name}: {type(error).__name__}. Next: check that the disk has room, then run the export again"
        )

    def _table(self, name: str) -> str:
        return f"{_quoted(self._schema)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
