"""Snowflake: Parquet staged per form, copied in one command, merged on the record's number."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any, ClassVar, Final

from ..errors import ExportConfigurationError, ExportError
from ..validation.kinds import Kind
from ._optional import _require_optional_dep
from .on_disk.folder import ExportFolder
from .sink import ExportSink
from .sql import refuse_unowned
from .tables.arrow import pyarrow, record_batch, schema_of
from .tables.batches import Batch
from .tables.layout import Column, Shape, StudyTables, Table
from .tables.naming import Namer

_TYPES: Final = {
    Kind.INTEGER: "NUMBER(38,0)",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.NUMBER: "FLOAT",
    Kind.DATE: "DATE",
    Kind.DATETIME: "TIMESTAMP_NTZ",
    Kind.TIME: "TIME",
}
RAW: Final = "IMEDNET_RAW"
OWNED: Final = "IMEDNET_TABLES"
"""Table that holds which tables an export made, and of which study they are."""
_NOW: Final = "CURRENT_TIMESTAMP()::TIMESTAMP_NTZ"
_log = logging.getLogger("imednet")
_RAW_COLUMNS: Final = ("STUDY", "FORM", "RECORD_ID", "RECORD", "LOADED_AT")


class SnowflakeSink(ExportSink):
    """A schema of Snowflake: a table a form, and beside them `IMEDNET_RAW` with one VARIANT a record.

    For each form a Parquet file goes to a stage under a name that is new for each run (`PUT`), from there into a
    transient table (`COPY INTO`), whose count must be that of the rows sent, and from there into the form's table
    (`MERGE` on the record's number; changed rows change, new ones come, those that the study no longer has go). All
    merges happen in one transaction.

    Args:
        connection: name of a connection in Snowflake's `connections.toml`; or an open connection.
        database, schema: where the tables go; else those of the connection.
        raw: also keep `IMEDNET_RAW`.
        **parameters: what Snowflake's connector takes instead of a named connection: `account`, `user`,
            `private_key_file`, `warehouse`, `role` ...

    Raises:
        ExportConfigurationError: the connector or pyarrow is missing, or Snowflake refuses the connection.
    """

    kind = "snowflake"
    shape: ClassVar[Shape] = Shape(values="both", longest_name=255, clean_names=True, upper_names=True)
    batch_rows = 20_000
    arrow = True

    def __init__(
        self,
        connection: Any = None,
        *,
        database: str | None = None,
        schema: str | None = None,
        raw: bool = True,
        **parameters: Any,
    ) -> None:
        connector = _require_optional_dep("snowflake.connector", "snowflake")
        pyarrow()
        self._parquet = _require_optional_dep("pyarrow.parquet", "snowflake")
        self.foreign = (connector.errors.Error,)
        self._keep_raw = raw
        self._owns = connection is None or isinstance(connection, str)
        if isinstance(connection, str):
            parameters["connection_name"] = connection
        parameters |= {name: value for name, value in (("database", database), ("schema", schema)) if value}
        try:
            self._db: Any = connector.connect(**parameters) if self._owns else connection
        except connector.errors.Error as error:
            raise ExportConfigurationError(
                f"Snowflake refuses the connection (error {error.errno}). "
                "Next: check account, user, private key and role; passwords are not taken from a command line"
            ) from None
        self._scope = ".".join(_quoted(one) for one in (database, schema) if one)
        self._run = secrets.token_hex(6).upper()
        self._names: dict[str, str] = {}
        self._sent: dict[str, tuple[Table, str, int]] = {}
        self._writer: Any = None
        self._raw_writer: Any = None
        self._raw_rows = 0
        self._forms: list[str] = []

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:
        """Make the stage; names of tables are those of the forms, in upper case."""
        assert home is not None
        self._study, self._folder = tables.study_key, home.staging
        namer = Namer(longest=200, clean=True, upper=True, taken=[RAW, OWNED])
        self._names = {key: namer.name(key, key) for key in tables.keys}
        owners = self._name(OWNED)
        self._execute(f"CREATE TABLE IF NOT EXISTS {owners} (NAME VARCHAR, STUDY VARCHAR)")
        owned = {str(name): str(study) for name, study in self._execute(f"SELECT NAME, STUDY FROM {owners}")}
        scope = f" IN SCHEMA {self._scope}" if self._scope else ""
        existing = [str(row[1]) for row in self._execute(f"SHOW TABLES{scope}")]
        refuse_unowned("the schema", self._study, self._names.values(), existing, owned)
        for name in self._names.values():
            if name not in owned:
                values = f"({_literal(name)}, {_literal(self._study)})"
                self._execute(f"INSERT INTO {owners} (NAME, STUDY) VALUES {values}")
        self._execute(f"CREATE STAGE IF NOT EXISTS {self._name('IMEDNET_STAGE')}")

    def write_batch(self, batch: Batch) -> None:
        """Add a batch to the file of its form."""
        self._folder.mkdir(parents=True, exist_ok=True)
        key = batch.table.key
        if key not in self._sent:
            path = self._folder / f"{self._names[key]}_{self._run}.parquet"
            self._writer = self._parquet.ParquetWriter(path, schema_of(batch.table))
            self._sent[key] = (batch.table, path.name, 0)
        self._writer.write_batch(record_batch(batch))
        table, name, rows = self._sent[key]
        self._sent[key] = (table, name, rows + len(batch))
        if self._keep_raw and batch.table.is_form:
            self._add_raw(batch)

    def end_table(self, table: Table) -> None:  # noqa: ARG002  (the interface of a sink)
        """End the file of a form."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def flush(self) -> None:
        """Stage, copy, and merge everything in one transaction."""
        if self._raw_writer is not None:
            self._raw_writer.close()
            self._raw_writer = None
        for key, (table, name, rows) in self._sent.items():
            self._load(table, self._names[key], name, rows)
        if self._keep_raw:
            self._load_raw()
        self._execute("BEGIN")
        try:
            for key, (table, _, _) in self._sent.items():
                self._merge(table, self._names[key])
                self.outputs[key] = {"table": self._names[key]}
            if self._keep_raw:
                self._merge_raw()
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")
        self._tidy()

    def close(self) -> None:
        """Close the connection, if it was opened here."""
        for writer in (self._writer, self._raw_writer):
            if writer is not None:
                writer.close()
        self._writer = self._raw_writer = None
        if self._sent and not self.outputs:
            self._tidy()
        if self._owns:
            self._db.close()

    def transient(self, error: BaseException) -> bool:
        """What the connector calls a trouble of operation, such as a lost connection."""
        names = {cls.__name__ for cls in type(error).__mro__}
        return bool(names & {"OperationalError", "ServiceUnavailableError", "GatewayTimeoutError"})

    def explain(self, error: BaseException) -> str:
        """The number of the failure; texts of the server may hold values."""
        number, query = getattr(error, "errno", None), getattr(error, "sfqid", None)
        return (
            f"Snowflake: {type(error).__name__} {number or ''} (query {query or 'unknown'}). "
            "Next: look the query up in the history, then run the export again"
        )

    def _tidy(self) -> None:
        """Remove what only this run needed; what cannot be removed is named, since it holds what people answered."""
        for name in [*(self._names[key] for key in self._sent), *([RAW] if self._keep_raw else [])]:
            for statement in (
                f"DROP TABLE IF EXISTS {self._name(self._new(name))}",
                f"REMOVE @{self._name('IMEDNET_STAGE')}/{name}_{self._run}.parquet",
            ):
                try:
                    self._execute(statement)
                except self.foreign:
                    _log.warning("Snowflake did not carry out: %s", statement)

    # ---- statements

    def _load(self, table: Table, name: str, file: str, rows: int) -> None:
        """One file into one transient table; what was copied must be what was sent."""
        columns = ", ".join(f"{_quoted(c.name)} {_TYPES.get(c.kind, 'VARCHAR')}" for c in table.columns)
        new = self._name(self._new(name))
        self._execute(f"CREATE OR REPLACE TRANSIENT TABLE {new} ({columns})")
        self._execute(f"CREATE TABLE IF NOT EXISTS {self._name(name)} ({columns})")
        for column in self._missing(name, table):
            kind = _TYPES.get(column.kind, "VARCHAR")
            self._execute(f"ALTER TABLE {self._name(name)} ADD COLUMN {_quoted(column.name)} {kind}")
        if rows:
            self._copy(new, file, rows)

    def _copy(self, new: str, file: str, rows: int) -> None:
        path = (self._folder / file).as_posix().replace("'", "\\'")
        stage = self._name("IMEDNET_STAGE")
        self._execute(f"PUT 'file://{path}' @{stage} AUTO_COMPRESS=FALSE OVERWRITE=TRUE")
        copied = self._execute(
            f"COPY INTO {new} FROM @{stage}/{file} FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) "
            "MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT"
        )
        loaded = sum(int(row[3]) for row in copied if len(row) > 3)
        if loaded != rows:
            raise ExportError(
                f"Snowflake copied {loaded} of {rows} rows of {file}; nothing was merged. Next: run it again"
            )

    def _missing(self, name: str, table: Table) -> list[Column]:
        found = self._execute(f"SELECT * FROM {self._name(name)} LIMIT 0", described=True)
        return [column for column in table.columns if column.name not in found]

    def _merge(self, table: Table, name: str) -> None:
        old, new = self._name(name), self._name(self._new(name))
        names = [_quoted(column) for column in table.names]
        if not table.identity:
            self._execute(f"DELETE FROM {old}")
            self._execute(f"INSERT INTO {old} ({', '.join(names)}) SELECT {', '.join(names)} FROM {new}")
            return
        keys = [_quoted(column) for column in table.identity]
        self._execute(_merge_text(old, new, names, keys))
        same = " AND ".join(f"EQUAL_NULL(n.{key}, o.{key})" for key in keys)
        self._execute(f"DELETE FROM {old} o WHERE NOT EXISTS (SELECT 1 FROM {new} n WHERE {same})")

    # ---- the raw layer

    def _add_raw(self, batch: Batch) -> None:
        arrow = pyarrow()
        if self._raw_writer is None:
            schema = arrow.schema(
                [(name, arrow.int64() if name == "RECORD_ID" else arrow.string()) for name in _RAW_COLUMNS[:4]]
            )
            self._raw_writer = self._parquet.ParquetWriter(self._folder / f"{RAW}_{self._run}.parquet", schema)
        ids = batch.column(batch.table.identity[0])
        rows = {
            "STUDY": [self._study] * len(batch),
            "FORM": [batch.table.key] * len(batch),
            "RECORD_ID": ids,
            "RECORD": [line.decode("utf-8", "replace") for line in batch.shown()],
        }
        self._raw_writer.write_table(arrow.table(rows, schema=self._raw_writer.schema))
        self._raw_rows += len(batch)
        if batch.number == 0:
            self._forms.append(batch.table.key)

    def _load_raw(self) -> None:
        new = self._name(self._new(RAW))
        plain = "STUDY VARCHAR, FORM VARCHAR, RECORD_ID NUMBER(38,0), RECORD VARCHAR"
        self._execute(f"CREATE OR REPLACE TRANSIENT TABLE {new} ({plain})")
        kept = "STUDY VARCHAR, FORM VARCHAR, RECORD_ID NUMBER(38,0), RECORD VARIANT, LOADED_AT TIMESTAMP_NTZ"
        self._execute(f"CREATE TABLE IF NOT EXISTS {self._name(RAW)} ({kept})")
        if self._raw_rows:
            self._copy(new, f"{RAW}_{self._run}.parquet", self._raw_rows)

    def _merge_raw(self) -> None:
        old, new = self._name(RAW), self._name(self._new(RAW))
        sent = f"SELECT STUDY, FORM, RECORD_ID, PARSE_JSON(RECORD) AS RECORD, {_NOW} AS LOADED_AT FROM {new}"
        update = ", ".join(f"{name} = s.{name}" for name in ("FORM", "RECORD", "LOADED_AT"))
        self._execute(
            f"MERGE INTO {old} t USING ({sent}) s ON t.STUDY = s.STUDY AND t.RECORD_ID = s.RECORD_ID "
            f"WHEN MATCHED AND t.RECORD <> s.RECORD THEN UPDATE SET {update} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(_RAW_COLUMNS)}) "
            f"VALUES ({', '.join(f's.{name}' for name in _RAW_COLUMNS)})"
        )
        forms = ", ".join(_literal(form) for form in self._forms) or "''"
        self._execute(
            f"DELETE FROM {old} o WHERE o.STUDY = {_literal(self._study)} AND o.FORM IN ({forms}) AND NOT EXISTS "
            f"(SELECT 1 FROM {new} n WHERE n.STUDY = o.STUDY AND n.RECORD_ID = o.RECORD_ID)"
        )

    def _execute(self, statement: str, *, described: bool = False) -> list[Any]:
        cursor = self._db.cursor()
        try:
            cursor.execute(statement)
            if described:
                return [column[0] for column in cursor.description]
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def _new(self, name: str) -> str:
        return f"{name}__NEW_{self._run}"

    def _name(self, name: str) -> str:
        return f"{self._scope}.{_quoted(name)}" if self._scope else _quoted(name)


def _merge_text(old: str, new: str, names: list[str], keys: list[str]) -> str:
    """The MERGE of one table: only rows that differ are changed."""
    on = " AND ".join(f"EQUAL_NULL(t.{key}, s.{key})" for key in keys)
    others = [name for name in names if name not in keys]
    differ = " OR ".join(f"t.{name} IS DISTINCT FROM s.{name}" for name in others)
    update = ", ".join(f"{name} = s.{name}" for name in others)
    matched = f"WHEN MATCHED AND ({differ}) THEN UPDATE SET {update} " if others else ""
    values = ", ".join(f"s.{name}" for name in names)
    return (
        f"MERGE INTO {old} t USING {new} s ON {on} {matched}"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({values})"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
