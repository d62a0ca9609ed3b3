"""`imednet export FORMAT [STUDY] TARGET`: a whole study written to disk, a database or a warehouse.

One command per format, each a thin call of `imednet.integrations`. `imednet.cli.summary` prints the result.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import ExportConfigurationError, ExportIncompleteError
from ..connection import Connection, read_secret
from ..options import StudyArgument
from ..output import print_rows
from ..summary import print_summary

if TYPE_CHECKING:
    from ...integrations import ExportOptions, ExportSink
    from ...integrations.run.extract import Progress

app = typer.Typer(
    help="Write a whole study to a target, verified complete.", no_args_is_help=True, rich_markup_mode=None
)

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

# Options of every format: parameter -> type, option, default.
_SHARED: dict[str, Any] = {
    "form": (list[str] | None, typer.Option("--form", help="Only this form; may be repeated."), None),
    "variable": (list[str] | None, typer.Option("--variable", help="Only this variable; may be repeated."), None),
    "entity": (
        list[str] | None,
        typer.Option("--entity", help="Also this list (sites, subjects, visits, ...), or all; may be repeated."),
        None,
    ),
    "disabled": (bool, typer.Option("--disabled", help="Also disabled forms."), False),
    "names": (str, typer.Option("--names", help="Name columns by variable `name` or by `label`."), "name"),
    "values": (
        str | None,
        typer.Option(
            "--values", help="`text` as sent, `typed`, `both`, `code` or `label`; each target has its own default."
        ),
        None,
    ),
    "context": (
        bool | None,
        typer.Option("--context/--no-context", help="Also interval, visit date, site name and subject status."),
        None,
    ),
    "split_multi": (
        bool,
        typer.Option("--split-multi", help="One column for each choice of a check box; needs --dictionary."),
        False,
    ),
    "deleted": (str, typer.Option("--deleted", help="`keep` deleted records, `drop` them, or `only` them."), "keep"),
    "unblind": (bool, typer.Option("--unblind", help="Also blinded variables; needs --reason."), False),
    "reason": (
        str | None,
        typer.Option("--reason", help="Why the data are unblinded; written to the extraction log."),
        None,
    ),
    "dictionary": (
        Path | None,
        typer.Option("--dictionary", help="The study's data dictionary; its choices become value labels."),
        None,
    ),
    "fresh": (
        bool,
        typer.Option("--fresh", help="Read everything again, whatever an earlier run left."),
        False,
    ),
    "prune": (
        bool,
        typer.Option("--prune", help="Remove tables of forms that the study no longer has."),
        False,
    ),
    "max_retries": (
        int,
        typer.Option("--max-retries", min=0, help="Retries after a temporary failure of the target."),
        3,
    ),
    "plan": (bool, typer.Option("--plan", help="Show requests, rows and bytes; write nothing."), False),
}


def _command(name: str, help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a command that also has the options of `_SHARED`; its function receives them as the dict `choices`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "choices"]
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter(key, keyword, default=default, annotation=Annotated[kind, option])
            for key, (kind, option, default) in _SHARED.items()
        ]

        def command(*args: Any, **kwargs: Any) -> None:
            function(*args, choices={key: kwargs.pop(key) for key in _SHARED}, **kwargs)

        parameters = [p.replace(kind=keyword) if p.default is not p.empty else p for p in own]
        command.__signature__ = inspect.Signature([*parameters, *shared])  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in (*parameters, *shared)}
        app.command(name, help=help)(command)
        return function

    return decorate


@_command("parquet", "One Parquet file per form, typed, with labels; needs the extra `export`.")
def parquet(
    ctx: typer.Context,
    words: StudyAndTarget,
    choices: dict[str, Any],
    partition: Annotated[bool, typer.Option("--partition", help="Folders study=KEY/form=KEY, as in Hive.")] = False,
    long: LongOption = False,
) -> None:
    """Parquet."""
    from ...integrations.parquet import ParquetSink

    study, target = _study_and_target(ctx.obj, words)
    home = ParquetSink.home(target, study) if partition else target
    _run(ctx.obj, study, lambda: ParquetSink(target, hive=partition), home, choices, long)


@_command("csv", "One CSV file per form, answers as sent, with read.R and read.sas.")
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

    _run_to_folder(
        ctx.obj, words, choices, lambda folder: CsvSink(folder, excel_safe=excel_safe, readers=not long), long
    )


@_command("json", "One JSON file per form.")
def json(ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any], raw: RawOption = False) -> None:
    """JSON."""
    from ...integrations.files import JsonSink

    _run_to_folder(ctx.obj, words, choices, lambda folder: JsonSink(folder, raw_records=raw))


@_command("jsonl", "One JSON Lines file per form.")
def jsonl(
    ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any], raw: RawOption = False, long: LongOption = False
) -> None:
    """JSON Lines."""
    from ...integrations.files import JsonLinesSink

    _run_to_folder(ctx.obj, words, choices, lambda folder: JsonLinesSink(folder, raw_records=raw), long)


@_command("sav", "One SPSS file per form, typed and labelled; needs the extra `stats`.")
def sav(ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any]) -> None:
    """SPSS."""
    from ...integrations.spss_sas import SavSink

    _run_to_folder(ctx.obj, words, choices, SavSink)


@_command("xpt", "One SAS transport file per form, typed and labelled; needs the extra `stats`.")
def xpt(ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any]) -> None:
    """SAS transport."""
    from ...integrations.spss_sas import XptSink

    _run_to_folder(ctx.obj, words, choices, XptSink)


@_command("excel", "One workbook with a sheet per form; needs the extra `export`.")
def excel(ctx: typer.Context, words: StudyAndTarget, choices: dict[str, Any]) -> None:
    """Excel."""
    from ...integrations.excel import ExcelSink
    from ...integrations.on_disk.folder import beside

    study, target = _study_and_target(ctx.obj, words)
    _run(ctx.obj, study, lambda: ExcelSink(target), beside(target), choices)


@_command("duckdb", "One DuckDB file with a table per form; needs the extra `duckdb`.")
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

    study, target = _study_and_target(ctx.obj, words)

    def sink() -> ExportSink:
        return DuckDbSink(target, schema=schema, storage_version=storage_version)

    _run(ctx.obj, study, sink, duckdb_home(target, schema), choices, long)


@_command("sql", "A SQL database with a table per form, through SQLAlchemy; needs the extra `export`.")
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
    from ...integrations.sql import SqlSink

    study, uri = ctx.obj.study(study), _address(uri_file)
    kind = "sql-long" if long else "sql"
    folder = home or state_folder(kind, study, uri, schema or "", prefix)

    def sink() -> ExportSink:
        return SqlSink(uri, schema=schema, prefix=prefix, lowercase=lowercase)

    _run(ctx.obj, study, sink, folder, choices, long)


@_command("mongodb", "A MongoDB collection with a document per record; needs the extra `mongodb`.")
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

    study, uri = ctx.obj.study(study), _address(uri_file)
    folder = home or state_folder("mongodb", study, uri, database, collection)
    _run(ctx.obj, study, lambda: MongoDBSink(uri, database=database, collection=collection), folder, choices)


@_command("neo4j", "A Neo4j graph of sites, subjects, visits and records; needs the extra `neo4j`.")
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

    study, uri = ctx.obj.study(study), _address(uri_file)
    auth = (user, _environment_or_prompt("NEO4J_PASSWORD", "Password of Neo4j")) if user else None
    folder = home or state_folder("neo4j", study, uri, database)
    _run(ctx.obj, study, lambda: Neo4jSink(uri, auth=auth, database=database), folder, choices)


@_command("snowflake", "A Snowflake schema with a table per form; needs the extra `snowflake`.")
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

    study = ctx.obj.study(study)
    folder = home or state_folder("snowflake", study, connection, database or "", schema or "")
    _run(ctx.obj, study, lambda: SnowflakeSink(connection, database=database, schema=schema), folder, choices)


# ---- shared by all formats


def _study_and_target(connection: Connection, words: list[str]) -> tuple[str, Path]:
    """The arguments `[STUDY] TARGET`; one word alone is the target."""
    if len(words) > 2:
        raise typer.BadParameter("too many arguments: give a STUDY and a TARGET")
    return connection.study(words[0] if len(words) == 2 else None), Path(words[-1])


def _run_to_folder(
    connection: Connection,
    words: list[str],
    choices: dict[str, Any],
    make_sink: Callable[[Path], ExportSink],
    long: bool = False,
) -> None:
    """Run an export into a folder that also holds its manifest and log."""
    study, target = _study_and_target(connection, words)
    _run(connection, study, lambda: make_sink(target), target, choices, long)


def _run(
    connection: Connection,
    study: str,
    make_sink: Callable[[], ExportSink],
    home: Path,
    choices: dict[str, Any],
    long: bool = False,
) -> None:
    """Run an export, or print its plan; `home` is the folder of manifest and log."""
    from ...integrations import export_study

    options = _options(choices)
    if choices["plan"]:
        _print_plan(connection, study, options)
        return
    sink = make_sink()
    if long:
        from ...integrations.long import LongSink

        sink = LongSink(sink)
    with connection.sdk() as sdk, _progress() as progress:
        try:
            report = export_study(
                sdk, study, sink, home=home, options=options, progress=progress, sandbox=connection.sandbox
            )
        except ExportIncompleteError as error:
            print_summary(error.report)
            raise
    print_summary(report)


def _options(choices: dict[str, Any]) -> ExportOptions:
    from ...integrations import ExportOptions

    if choices["reason"] and not choices["unblind"]:
        raise typer.BadParameter("--reason needs --unblind")
    labels = None
    if choices["dictionary"] is not None:
        from ...validation.dictionary import load_dictionary

        labels = load_dictionary(choices["dictionary"]).labels
    return ExportOptions(
        choices=labels,
        forms=choices["form"] or None,
        variables=choices["variable"] or None,
        entities=tuple(name.replace("-", "_") for name in choices["entity"] or ()),
        disabled=choices["disabled"],
        names=choices["names"],
        values=choices["values"],
        context=choices["context"],
        split_multi=choices["split_multi"],
        deleted=choices["deleted"],
        unblind=(choices["reason"] or "") if choices["unblind"] else None,
        fresh=choices["fresh"],
        prune=choices["prune"],
        max_retries=choices["max_retries"],
    )


def _print_plan(connection: Connection, study: str, options: ExportOptions) -> None:
    from ...integrations.run.plan import plan_export

    with connection.sdk() as sdk:
        reads = plan_export(sdk, study, options)
    rows = [{"list": read.name, "rows": read.rows, "requests": read.requests, "bytes": read.bytes} for read in reads]
    print_rows(rows, None)


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


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("records", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
