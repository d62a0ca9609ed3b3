"""`imednet export FORMAT [STUDY] TARGET`: a whole study written to disk, a database or a warehouse.

One command per format, each a thin call of `imednet.integrations`; `imednet.cli.export_runs` runs it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import ExportConfigurationError
from ..command_group import CommandGroup
from ..connection import read_secret
from ..export_runs import (
    Placed,
    command,
    folder_of,
    no_snapshot,
    own_file,
    own_folder,
    run,
    run_to_folder,
    study_and_target,
)
from ..options import StudyArgument

app = CommandGroup("Write a whole study to a target, verified complete.")

StudyAndTarget = Annotated[
    list[str],
    typer.Argument(metavar="[STUDY] TARGET", help="Key of the study (optional with --sandbox) and where to write."),
]
LongOption = Annotated[bool, typer.Option("--long", help="One table of record, form, variable and value.")]
RawOption = Annotated[bool, typer.Option("--raw", help="Records as the server sent them, instead of tidy rows.")]
AddressFileOption = Annotated[
    Path | None,
    typer.Option("--uri-file", help="File with the address of the database; else IMEDNET_EXPORT_URI, else a prompt."),
]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder for manifest and log; else one in your state folder.")
]
SchemaOption = Annotated[str | None, typer.Option("--schema", help="Schema of the tables.")]

ENV_ADDRESS = "IMEDNET_EXPORT_URI"


@command(app, "parquet", "One Parquet file per form, typed, with labels; needs the extra `export`.")
def parquet(
    ctx: typer.Context,
    words: StudyAndTarget,
    choices: dict[str, Any],
    partition: Annotated[bool, typer.Option("--partition", help="Folders study=KEY/form=KEY, as in Hive.")] = False,
    long: LongOption = False,
) -> None:
    """Parquet."""
    from ...integrations.parquet import ParquetSink

    study, target = study_and_target(words, choices)

    def place(key: str, many: bool) -> Placed:
        if partition:
            no_snapshot(choices)
            return lambda: ParquetSink(target, hive=True), ParquetSink.home(target, key)
        folder = folder_of(target, key, many, choices, "parquet-long" if long else "parquet")
        return lambda: ParquetSink(folder), folder

    run(ctx.obj, study, place, choices, long)


@command(app, "csv", "One CSV file per form, answers as sent, with read.R and read.sas.")
def csv(
    ctx: typer.Context,
    words: StudyAndTarget,
    choices: dict[str, Any],
    excel_safe: Annotated[
        bool, typer.Option("--excel-safe", help="Put an apostrophe before text that looks like a formula; alters data.")
    ] = False,
    long: LongOption = False,
) -> None:
    """CSV."""
    from ...integrations.files import CsvSink

    run_to_folder(
        ctx.obj, words, choices, lambda folder: CsvSink(folder, excel_safe=excel_safe, readers=not long), long
    )


@command(app, "json", "One JSON file per form.")
def json(ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any], raw: RawOption = False) -> None:
    """JSON."""
    from ...integrations.files import JsonSink

    run_to_folder(ctx.obj, words, choices, lambda folder: JsonSink(folder, raw_records=raw))


@command(app, "jsonl", "One JSON Lines file per form.")
def jsonl(
    ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any], raw: RawOption = False, long: LongOption = False
) -> None:
    """JSON Lines."""
    from ...integrations.files import JsonLinesSink

    run_to_folder(ctx.obj, words, choices, lambda folder: JsonLinesSink(folder, raw_records=raw), long)


@command(app, "sav", "One SPSS file per form, typed and labelled; needs the extra `stats`.")
def sav(ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any]) -> None:
    """SPSS."""
    from ...integrations.spss_sas import SavSink

    run_to_folder(ctx.obj, words, choices, SavSink)


@command(app, "xpt", "One SAS transport file per form, typed and labelled; needs the extra `stats`.")
def xpt(
    ctx: typer.Context,
    words: StudyAndTarget,
    choices: dict[str, Any],
    xpt_version: Annotated[
        int, typer.Option("--xpt-version", help="5 for submissions; 8 for long names, labels and texts.")
    ] = 5,
) -> None:
    """SAS transport."""
    from ...integrations.spss_sas import XptSink

    version: Any = xpt_version  # XptSink names the versions there are
    run_to_folder(ctx.obj, words, choices, lambda folder: XptSink(folder, version=version))


@command(app, "excel", "One workbook with a sheet per form; needs the extra `export`.")
def excel(ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any]) -> None:
    """Excel."""
    from ...integrations.excel import ExcelSink
    from ...integrations.on_disk.folder import beside

    study, target = study_and_target(words, choices)

    def place(key: str, many: bool) -> Placed:
        no_snapshot(choices)
        path = own_file(target, key) if many else target
        return lambda: ExcelSink(path), beside(path)

    run(ctx.obj, study, place, choices)


@command(app, "duckdb", "One DuckDB file with a table per form; needs the extra `duckdb`.")
def duckdb(
    ctx: typer.Context,
    words: StudyAndTarget,
    choices: dict[str, Any],
    schema: Annotated[str, typer.Option("--schema", help="Schema of the tables.")] = "main",
    storage_version: Annotated[
        str, typer.Option("--storage-version", help="The oldest DuckDB version that must be able to read the file.")
    ] = "v1.2.0",
    long: LongOption = False,
) -> None:
    """DuckDB."""
    from ...integrations.duckdb import DuckDbSink, duckdb_home

    study, target = study_and_target(words, choices)

    def place(key: str, many: bool) -> Placed:
        no_snapshot(choices)
        path = own_file(target, key) if many else target
        return (
            lambda: DuckDbSink(path, schema=schema, storage_version=storage_version), duckdb_home(path, schema)
        )  # fmt: skip

    run(ctx.obj, study, place, choices, long)


@command(app, "sql", "A SQL database with a table per form, through SQLAlchemy; needs the extra `export`.")
def sql(
    ctx: typer.Context,
    choices: dict[str, Any],
    study: StudyArgument = None,
    uri_file: AddressFileOption = None,
    schema: SchemaOption = None,
    prefix: Annotated[str, typer.Option("--prefix", help="Text put before the name of every table.")] = "",
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Tables and columns in lower case.")] = False,
    home: HomeOption = None,
    long: LongOption = False,
) -> None:
    """SQL."""
    from ...integrations.on_disk.folder import state_folder
    from ...integrations.relational.engine import place_of
    from ...integrations.sql import SqlSink

    uri = _address(uri_file)
    kind = "sql-long" if long else "sql"

    def place(key: str, many: bool) -> Placed:
        no_snapshot(choices)
        own = f"{prefix}{key}_" if many else prefix
        folder = (
            state_folder(kind, key, place_of(uri), schema or "", own, profile_home=ctx.obj.state_home())
            if home is None
            else _home(home, key, many)
        )
        return lambda: SqlSink(uri, schema=schema, prefix=own, lowercase=lowercase), folder

    run(ctx.obj, study, place, choices, long)


@command(app, "mongodb", "A MongoDB collection with a document per record; needs the extra `mongodb`.")
def mongodb(
    ctx: typer.Context,
    choices: dict[str, Any],
    study: StudyArgument = None,
    uri_file: AddressFileOption = None,
    database: Annotated[str, typer.Option("--database", help="The database.")] = "imednet",
    collection: Annotated[str, typer.Option("--collection", help="The collection of records.")] = "records",
    home: HomeOption = None,
) -> None:
    """MongoDB."""
    from ...integrations.document import MongoDBSink
    from ...integrations.on_disk.folder import state_folder

    uri = _address(uri_file)

    def place(key: str, many: bool) -> Placed:
        no_snapshot(choices)
        folder = (
            state_folder("mongodb", key, uri, database, collection, profile_home=ctx.obj.state_home())
            if home is None
            else _home(home, key, many)
        )
        return lambda: MongoDBSink(uri, database=database, collection=collection), folder

    run(ctx.obj, study, place, choices)


@command(app, "neo4j", "A Neo4j graph of sites, subjects, visits and records; needs the extra `neo4j`.")
def neo4j(
    ctx: typer.Context,
    choices: dict[str, Any],
    study: StudyArgument = None,
    uri_file: AddressFileOption = None,
    user: Annotated[
        str | None, typer.Option("--user", help="User; the password comes from NEO4J_PASSWORD or a prompt.")
    ] = None,
    database: Annotated[str, typer.Option("--database", help="The database.")] = "neo4j",
    home: HomeOption = None,
) -> None:
    """Neo4j."""
    from ...integrations.graph import Neo4jSink
    from ...integrations.on_disk.folder import state_folder

    uri = _address(uri_file)
    auth = (user, _environment_or_prompt("NEO4J_PASSWORD", "Password of Neo4j")) if user else None

    def place(key: str, many: bool) -> Placed:
        no_snapshot(choices)
        folder = (
            state_folder("neo4j", key, uri, database, profile_home=ctx.obj.state_home())
            if home is None
            else _home(home, key, many)
        )
        return lambda: Neo4jSink(uri, auth=auth, database=database), folder

    run(ctx.obj, study, place, choices)


@command(app, "snowflake", "A Snowflake schema with a table per form; needs the extra `snowflake`.")
def snowflake(
    ctx: typer.Context,
    choices: dict[str, Any],
    study: StudyArgument = None,
    connection: Annotated[
        str,
        typer.Option(
            "--connection", help="Name of a connection in Snowflake's connections.toml, which names the key pair."
        ),
    ] = "default",
    database: Annotated[str | None, typer.Option("--database", help="Database; else the connection's.")] = None,
    schema: SchemaOption = None,
    home: HomeOption = None,
) -> None:
    """Snowflake."""
    from ...integrations.on_disk.folder import state_folder
    from ...integrations.warehouse import SnowflakeSink

    def place(key: str, many: bool) -> Placed:
        no_snapshot(choices)
        if many:
            raise typer.BadParameter("each study needs a schema of its own: run the command once for each")
        folder = home or state_folder(
            "snowflake", key, connection, database or "", schema or "", profile_home=ctx.obj.state_home()
        )
        return lambda: SnowflakeSink(connection, database=database, schema=schema), folder

    run(ctx.obj, study, place, choices)


def _home(home: Path, key: str, many: bool) -> Path:
    """The folder of manifest and log that was asked for, one for each of several studies."""
    return own_folder(home, key) if many else home


def _address(file: Path | None) -> str:
    """The address of a database, which may hold a password: never an argument, never shown."""
    if file is not None:
        return read_secret(file, "address")
    return _environment_or_prompt(ENV_ADDRESS, "Address of the database", ", or give a file with --uri-file")


def _environment_or_prompt(variable: str, name: str, alternative: str = "") -> str:
    """A secret from an environment variable, or typed at a terminal without being shown."""
    value = (os.environ.get(variable) or "").strip()
    if value:
        return value
    if not sys.stdin.isatty():
        raise ExportConfigurationError(f"{name.lower()} is missing. Next: set {variable}{alternative}")
    answer: str = typer.prompt(name, hide_input=True, err=True)
    return answer
