"""Snowflake: one Parquet file per form is staged, copied into a transient table and merged by record id."""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from imednet_api.types import decode

from ..errors import ExportConfigurationError, ExportError
from ..utils.text import whole
from ..validation.kinds import Kind
from ._optional import _require_optional_dep
from .on_disk.folder import ExportFolder, file_entries
from .relational.tables import refuse_unowned
from .sink import ExportSink
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
    Kind.INSTANT: "TIMESTAMP_NTZ",
    Kind.TIME: "TIME",
}
RAW: Final = "IMEDNET_RAW"
OWNED: Final = "IMEDNET_TABLES"
"""Table that lists the tables that exports created, and their study."""
_CURRENT_TIME: Final = "CURRENT_TIMESTAMP()::TIMESTAMP_NTZ"
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of a half of a character, with or without its other half."""
_log = logging.getLogger("imednet")
_RAW_COLUMNS: Final = ("STUDY", "FORM", "RECORD_ID", "RECORD", "LOADED_AT")


class SnowflakeSink(ExportSink):
    """A schema in Snowflake: one table per form, and `IMEDNET_RAW` with one VARIANT per record.

    For each form a Parquet file is put on a stage under a name that is new for each run (`PUT`) and copied into a
    transient table (`COPY INTO`), whose row count must equal the rows sent. From there it is merged into the form's
    table by record id (`MERGE`): changed rows are updated, new rows inserted, and rows that the study no longer has
    deleted. All merges happen in one transaction.

    Args:
        connection: name of a connection in Snowflake's `connections.toml`, or an open connection.
        database, schema: where the tables go; by default those of the connection.
        raw: also write `IMEDNET_RAW`.
        **parameters: parameters of Snowflake's connector in place of a named connection: `account`, `user`,
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
        self._owns_connection = connection is None or isinstance(connection, str)
        if isinstance(connection, str):
            parameters["connection_name"] = connection
        parameters |= {name: value for name, value in (("database", database), ("schema", schema)) if value}
        try:
            self._connection: Any = connector.connect(**parameters) if self._owns_connection else connection
        except connector.errors.Error as error:
            raise ExportConfigurationError(
                f"Snowflake refuses the connection (error {error.errno}). "
                "Next: check account, user, private key and role; passwords are not taken from a command line"
            ) from None
        self._scope = ".".join(_quoted(name) for name in (database, schema) if name)
        self._run_id = secrets.token_hex(6).upper()
        self._names: dict[str, str] = {}
        self._staged_files: dict[str, tuple[Table, str, int]] = {}
        self._writer: Any = None
        self._schema: Any = None
        self._raw_writer: Any = None
        self._raw_rows = 0
        self._raw_forms: list[str] = []

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:
        """Choose the table names, refuse to replace tables that no export created, and create the stage."""
        assert home is not None
        self._study, self._folder = tables.study_key, home.staging
        namer = Namer(longest=200, clean=True, upper=True, taken=[RAW, OWNED])
        owners = self._name(OWNED)
        self._execute(f"CREATE TABLE IF NOT EXISTS {owners} (NAME VARCHAR, STUDY VARCHAR)")
        owned = {str(name): str(study) for name, study in self._execute(f"SELECT NAME, STUDY FROM {owners}")}
        places = {str(one.get("form")): str(one.get("table")) for one in file_entries(home.manifest())}
        namer.keep({key: name for key, name in places.items() if owned.get(name) == self._study})
        self._names = {key: namer.name(key, key) for key in tables.all_keys}
        scope = f" IN SCHEMA {self._scope}" if self._scope else ""
        existing = [str(row[1]) for row in self._execute(f"SHOW TABLES{scope}")]
        written = [self._names[key] for key in tables.keys]
        refuse_unowned("the schema", self._study, written, existing, owned)
        self._existing, self._owned = set(existing), {name for name, study in owned.items() if study == self._study}
        for name in written:
            if name not in owned:
                values = f"({_literal(name)}, {_literal(self._study)})"
                self._execute(f"INSERT INTO {owners} (NAME, STUDY) VALUES {values}")
        self._execute(f"CREATE STAGE IF NOT EXISTS {self._name('IMEDNET_STAGE')}")

    def write_batch(self, batch: Batch) -> None:
        """Add a batch to its table's file, and the records of a form to the raw file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        key = batch.table.key
        if key not in self._staged_files:
            path = self._folder / f"{self._names[key]}_{self._run_id}.parquet"
            self._schema = schema_of(batch.table, zones=False)
            self._writer = self._parquet.ParquetWriter(path, self._schema)
            self._staged_files[key] = (batch.table, path.name, 0)
        self._writer.write_batch(record_batch(batch, self._schema))
        table, name, rows = self._staged_files[key]
        self._staged_files[key] = (table, name, rows + len(batch))
        if self._keep_raw and batch.table.is_form:
            self._add_raw(batch)

    def end_table(self, table: Table) -> None:  # noqa: ARG002  (the interface of a sink)
        """Close the table's file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def flush(self) -> None:
        """Stage and copy all files, then merge all tables in one transaction."""
        if self._raw_writer is not None:
            self._raw_writer.close()
            self._raw_writer = None
        for key, (table, name, rows) in self._staged_files.items():
            self._load_file(table, self._names[key], name, rows)
        if self._keep_raw:
            self._load_raw()
        self._execute("BEGIN")
        try:
            for key, (table, _, _) in self._staged_files.items():
                self._merge(table, self._names[key])
                self.outputs[key] = {"table": self._names[key]}
            if self._keep_raw:
                self._merge_raw()
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")
        for key, facts in self.gone.items():
            self._remove(key, str(facts.get("table") or self._names.get(key)))
        self._remove_temporary()

    def earlier_rows(self, table: Table) -> Iterator[Sequence[Any]]:
        """The rows that a table of the export itself has before this run."""
        name = self._names[table.key]
        if name not in self._existing:
            return
        there = self._execute(f"SELECT * FROM {self._name(name)} LIMIT 0", described=True)
        cells = ", ".join(_quoted(column) if column in there else "NULL" for column in table.names)
        yield from self._execute(f"SELECT {cells} FROM {self._name(name)}")

    def _remove(self, key: str, name: str) -> None:
        """Drop the table of a form that was asked to go, and its records in the raw layer."""
        if name in self._owned and name not in (self._names[written] for written in self._staged_files):
            self._execute(f"DROP TABLE IF EXISTS {self._name(name)}")
            self._execute(f"DELETE FROM {self._name(OWNED)} WHERE NAME = {_literal(name)}")
        if self._keep_raw:
            of_form = f"STUDY = {_literal(self._study)} AND FORM = {_literal(key)}"
            self._execute(f"DELETE FROM {self._name(RAW)} WHERE {of_form}")

    def close(self) -> None:
        """Close the files, and the connection if this sink opened it."""
        for writer in (self._writer, self._raw_writer):
            if writer is not None:
                writer.close()
        self._writer = self._raw_writer = None
        if self._staged_files and not self.outputs:
            self._remove_temporary()
        if self._owns_connection:
            self._connection.close()

    def transient(self, error: BaseException) -> bool:
        """Whether the error is one of operation, such as a lost connection."""
        names = {cls.__name__ for cls in type(error).__mro__}
        return bool(names & {"OperationalError", "ServiceUnavailableError", "GatewayTimeoutError"})

    def explain(self, error: BaseException) -> str:
        """The number of the failure and the query id alone, because the server's message may quote values."""
        number, query = getattr(error, "errno", None), getattr(error, "sfqid", None)
        return (
            f"Snowflake: {type(error).__name__} {number or ''} (query {query or 'unknown'}). "
            "Next: look up the query in Snowflake's query history, then run the export again"
        )

    def _remove_temporary(self) -> None:
        """Drop transient tables and staged files; log what cannot be removed, because it holds subjects' answers."""
        for name in [*(self._names[key] for key in self._staged_files), *([RAW] if self._keep_raw else [])]:
            for statement in (
                f"DROP TABLE IF EXISTS {self._name(self._transient_name(name))}",
                f"REMOVE @{self._name('IMEDNET_STAGE')}/{name}_{self._run_id}.parquet",
            ):
                try:
                    self._execute(statement)
                except self.foreign:
                    _log.warning(
                        "Snowflake could not remove temporary data; run this statement yourself: %s", statement
                    )

    # ---- statements

    def _load_file(self, table: Table, name: str, file: str, rows: int) -> None:
        """Copy one file into its transient table; create the form's table and add the columns it lacks."""
        columns = ", ".join(f"{_quoted(c.name)} {_TYPES.get(c.kind, 'VARCHAR')}" for c in table.columns)
        new = self._name(self._transient_name(name))
        self._execute(f"CREATE OR REPLACE TRANSIENT TABLE {new} ({columns})")
        self._execute(f"CREATE TABLE IF NOT EXISTS {self._name(name)} ({columns})")
        for column in self._missing_columns(name, table):
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
                f"Snowflake copied {loaded} of {rows} rows of {file}; nothing was merged. Next: run the export again"
            )

    def _missing_columns(self, name: str, table: Table) -> list[Column]:
        existing = self._execute(f"SELECT * FROM {self._name(name)} LIMIT 0", described=True)
        return [column for column in table.columns if column.name not in existing]

    def _merge(self, table: Table, name: str) -> None:
        old, new = self._name(name), self._name(self._transient_name(name))
        names = [_quoted(column) for column in table.names]
        if not table.identity:
            self._execute(f"DELETE FROM {old}")
            self._execute(f"INSERT INTO {old} ({', '.join(names)}) SELECT {', '.join(names)} FROM {new}")
            return
        keys = [_quoted(column) for column in table.identity]
        self._execute(_merge_statement(old, new, names, keys))
        same_row = " AND ".join(f"EQUAL_NULL(n.{key}, o.{key})" for key in keys)
        self._execute(f"DELETE FROM {old} o WHERE NOT EXISTS (SELECT 1 FROM {new} n WHERE {same_row})")

    # ---- the raw layer

    def _add_raw(self, batch: Batch) -> None:
        arrow = pyarrow()
        if self._raw_writer is None:
            schema = arrow.schema(
                [(name, arrow.int64() if name == "RECORD_ID" else arrow.string()) for name in _RAW_COLUMNS[:4]]
            )
            self._raw_writer = self._parquet.ParquetWriter(self._folder / f"{RAW}_{self._run_id}.parquet", schema)
        ids = batch.column(batch.table.identity[0])
        rows = {
            "STUDY": [self._study] * len(batch),
            "FORM": [batch.table.key] * len(batch),
            "RECORD_ID": ids,
            "RECORD": [_parsable(line) for line in batch.shown()],
        }
        self._raw_writer.write_table(arrow.table(rows, schema=self._raw_writer.schema))
        self._raw_rows += len(batch)
        if batch.number == 0:
            self._raw_forms.append(batch.table.key)

    def _load_raw(self) -> None:
        new = self._name(self._transient_name(RAW))
        plain = "STUDY VARCHAR, FORM VARCHAR, RECORD_ID NUMBER(38,0), RECORD VARCHAR"
        self._execute(f"CREATE OR REPLACE TRANSIENT TABLE {new} ({plain})")
        kept = "STUDY VARCHAR, FORM VARCHAR, RECORD_ID NUMBER(38,0), RECORD VARIANT, LOADED_AT TIMESTAMP_NTZ"
        self._execute(f"CREATE TABLE IF NOT EXISTS {self._name(RAW)} ({kept})")
        if self._raw_rows:
            self._copy(new, f"{RAW}_{self._run_id}.parquet", self._raw_rows)

    def _merge_raw(self) -> None:
        old, new = self._name(RAW), self._name(self._transient_name(RAW))
        sent = f"SELECT STUDY, FORM, RECORD_ID, PARSE_JSON(RECORD) AS RECORD, {_CURRENT_TIME} AS LOADED_AT FROM {new}"
        update = ", ".join(f"{name} = s.{name}" for name in ("FORM", "RECORD", "LOADED_AT"))
        self._execute(
            f"MERGE INTO {old} t USING ({sent}) s ON t.STUDY = s.STUDY AND t.RECORD_ID = s.RECORD_ID "
            f"WHEN MATCHED AND t.RECORD <> s.RECORD THEN UPDATE SET {update} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(_RAW_COLUMNS)}) "
            f"VALUES ({', '.join(f's.{name}' for name in _RAW_COLUMNS)})"
        )
        forms = ", ".join(_literal(form) for form in self._raw_forms) or "''"
        self._execute(
            f"DELETE FROM {old} o WHERE o.STUDY = {_literal(self._study)} AND o.FORM IN ({forms}) AND NOT EXISTS "
            f"(SELECT 1 FROM {new} n WHERE n.STUDY = o.STUDY AND n.RECORD_ID = o.RECORD_ID)"
        )

    def _execute(self, statement: str, *, described: bool = False) -> list[Any]:
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement)
            if described:
                return [column[0] for column in cursor.description]
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def _transient_name(self, name: str) -> str:
        return f"{name}__NEW_{self._run_id}"

    def _name(self, name: str) -> str:
        return f"{self._scope}.{_quoted(name)}" if self._scope else _quoted(name)


def _merge_statement(old: str, new: str, names: list[str], keys: list[str]) -> str:
    """The MERGE statement of one table; only rows that differ are updated."""
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


def _parsable(line: bytes) -> str:
    r"""A record as `PARSE_JSON` takes it, which refuses half a character that is written as an escape.

    >>> _parsable(b'{"recordData":{"A":"x\\ud800"}}')
    '{"recordData": {"A": "x?"}}'
    """
    text = line.decode("utf-8", "replace")
    return whole(json.dumps(decode(text.encode()), ensure_ascii=False)) if _HALF.search(text) else text


def _literal(value: str) -> str:
    return "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
