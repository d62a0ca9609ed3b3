"""`imednet mirror ...`: local copies of studies, kept in step with the server, with their history."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ...errors import ArgumentError
from .. import exit_codes, run_log
from ..command_group import CommandGroup
from ..connection import Connection
from ..export_runs import executor_at, is_many, own_folder, study_and_target
from ..options import AsOfOption, FormsOption, OutputOption, SubjectOption
from ..output import print_message, print_rows
from . import export as export_commands

if TYPE_CHECKING:
    import logging

    from ...mirror import Mirror, SyncReport

app = CommandGroup("Keep a local copy of a study in step, with every version of every row.")
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the mirror.")]
_NOT_OF_MIRRORS = ("studies", "all_studies", "executor", "plan")


@app.callback()
def refuse_global_mirror(ctx: typer.Context) -> None:
    """Refuse --mirror and --as-of before the command: each command here names its folder itself."""
    connection: Connection = ctx.obj
    if connection.mirror is not None:
        raise typer.BadParameter(
            "the folder of the mirror, and --as-of, come after the command. Next: leave --mirror out"
        )


@app.command("sync")
def sync(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="[STUDY] DIR", help="Key of the study (optional with --sandbox) and the folder."),
    ],
    reconcile: Annotated[
        bool | None,
        typer.Option("--reconcile/--no-reconcile", help="Compare all rows; else a week after the last time."),
    ] = None,
    unblind: Annotated[bool, typer.Option("--unblind", help="Hold blinded answers; needs --reason.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; written into every commit.")] = None,
    accept_deletions: Annotated[
        bool, typer.Option("--accept-deletions", help="Believe it where most rows of a list are gone.")
    ] = False,
    studies: Annotated[
        list[str] | None, typer.Option("--study", help="Several studies, each in its own folder; may be repeated.")
    ] = None,
    all_studies: Annotated[bool, typer.Option("--all-studies", help="All studies the keys may read.")] = False,
    executor: Annotated[
        str | None, typer.Option("--executor", help="Where several studies run: dask://HOST:PORT; else in threads.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Bring a mirror up to date; the first time it reads the whole study."""
    choices = {"studies": studies, "all_studies": all_studies}
    study, folder = study_and_target(words, choices)
    if reason and not unblind:
        raise typer.BadParameter("--reason needs --unblind")
    why = (reason or "") if unblind else None
    connection: Connection = ctx.obj
    if is_many(choices):
        _sync_many(connection, folder, studies, reconcile, why, accept_deletions, executor, output)
        return
    from ...mirror import Mirror

    with connection.sdk() as sdk:
        report = Mirror(folder).sync(
            sdk, connection.study(study), reconcile=reconcile, unblind=why, accept_deletions=accept_deletions
        )
    run_log.note(**_counted(report))
    _tell(report)
    print_rows(report.to_rows(), output)


def _counted(report: SyncReport) -> dict[str, Any]:
    """What a sync did, in numbers."""
    counts = (report.inserted, report.updated, report.deleted)
    inserted, updated, deleted = (sum(count.values()) for count in counts)
    return {
        "snapshot": report.snapshot, "inserted": inserted, "updated": updated, "deleted": deleted,
        "undated": sum(report.undated.values()), "requests": report.requests, "warnings": len(report.warnings),
    }  # fmt: skip


def _tell(report: SyncReport) -> None:
    for warning in report.warnings:
        print_message(f"warning: {warning}")
    what = f"snapshot {report.snapshot}" if report.snapshot is not None else "nothing had changed"
    print_message(f"{report.study}: {what}, {report.requests} requests, server time {report.server_time}")


def _sync_many(
    connection: Connection,
    folder: Path,
    studies: list[str] | None,
    reconcile: bool | None,
    unblind: str | None,
    accept_deletions: bool,
    address: str | None,
    output: Any,
) -> None:
    """Sync the mirrors of several studies side by side, and print one row for each; one that fails stops no other."""
    from ...orchestration import SUCCESS, MultiStudyOrchestrator

    def work(study_key: str, sdk: Any, logger: logging.Logger) -> dict[str, Any]:
        from ...mirror import Mirror

        report = Mirror(own_folder(folder, study_key)).sync(
            sdk, study_key, reconcile=reconcile, unblind=unblind, accept_deletions=accept_deletions
        )
        for warning in report.warnings:
            logger.warning("%s", warning)
        return _counted(report)

    if (folder / "snapshots" / "_delta_log").is_dir():
        raise ArgumentError(
            f"{folder} is the mirror of one study. Next: choose the folder that the mirrors of all studies are in"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with connection.sdk() as sdk, executor_at(address) as executor:
        results = MultiStudyOrchestrator(sdk, executor=executor).execute_pipeline(work, whitelist=studies or None)
    nothing = dict.fromkeys(("snapshot", "inserted", "updated", "deleted", "undated", "requests", "warnings"))
    rows = [
        {"study": key, "status": result["status"], **(result["data"] or nothing), "error": result["error"]}
        for key, result in results.items()
    ]
    print_rows(rows, output)
    run_log.note(studies=len(results), failed=sum(result["status"] != SUCCESS for result in results.values()))
    if failed := [key for key, result in results.items() if result["status"] != SUCCESS]:
        print_message(f"{len(failed)} of {len(results)} mirrors were not brought up to date: {', '.join(failed)}")
        raise typer.Exit(exit_codes.INCOMPLETE if len(failed) < len(results) else exit_codes.FAILED)


@app.command("status")
def status(folder: FolderArgument, output: OutputOption = None) -> None:
    """Show the snapshots of a mirror, oldest first."""
    from ...mirror import Mirror

    print_rows([snapshot.to_row() for snapshot in Mirror(folder).snapshots], output)


@app.command("changes")
def changes(
    folder: FolderArgument,
    since: Annotated[str, typer.Option("--since", help="After this snapshot: a number, a day (UTC), or a time.")] = "0",
    until: Annotated[str | None, typer.Option("--until", help="Up to this snapshot; else the last one.")] = None,
    form: FormsOption = None,
    lists: Annotated[list[str] | None, typer.Option("--list", help="Also this list, such as subjects.")] = None,
    subject: SubjectOption = None,
    updates: Annotated[bool, typer.Option("--updates", help="Only rows that were there before and after.")] = False,
    output: OutputOption = None,
) -> None:
    """Show which cells changed: before, after, when, who and why.

    A change that no revision explains is marked.
    """
    from ...mirror import Mirror
    from ...mirror.changes import RowOperation

    mirror = Mirror(folder)
    print_message(f"after {_named(mirror, since)}, up to {_named(mirror, until)}")
    found = mirror.changes(
        since, until, forms=form or None, lists=[name.replace("-", "_") for name in lists or ()], subject_key=subject,
        operations=["update"] if updates else get_args(RowOperation),
    )  # fmt: skip
    rows = [change.to_row() for change in found]
    unexplained = len({(row["form"], row["key"], row["snapshot"]) for row in rows if row["explained"] is False})
    print_message(f"{len(rows)} cells changed" + (f"; {unexplained} changes are in no revision" if unexplained else ""))
    print_rows(rows, output)


@app.command("history")
def history(
    folder: FolderArgument,
    record: Annotated[str, typer.Argument(metavar="RECORD", help="The recordId, or the identity in another list.")],
    of: Annotated[str, typer.Option("--list", help="The list the row is of.")] = "records",
    output: OutputOption = None,
) -> None:
    """Show every version of a row that a sync saw."""
    from ...mirror import Mirror

    rows = [version.to_row() for version in Mirror(folder).history(record, of=of.replace("-", "_"))]
    print_rows(rows, output)


@app.command("verify")
def verify(folder: FolderArgument) -> None:
    """Check that commits, files and rows are as they were written.

    Exit status 0 if so, else 1.
    """
    from ...mirror import Mirror

    mirror = Mirror(folder)
    if problems := mirror.verify():
        for problem in problems:
            print_message(problem)
        raise typer.Exit(exit_codes.FAILED)
    typer.echo(f"{mirror.number()} snapshots, unchanged")


@app.command("sql")
def sql(
    folder: FolderArgument,
    query: Annotated[str, typer.Argument(metavar="SELECT", help="For a form AE: ae, ae_history, ae_as_of(1).")],
    as_of: AsOfOption = None,
    output: OutputOption = None,
) -> None:
    """Ask a mirror in SQL (DuckDB)."""
    from ...mirror import Mirror
    from ...mirror.versions import duckdb

    mirror = Mirror(folder)
    if as_of is not None:
        print_message(f"as of {_named(mirror, as_of)}")
    with mirror.connect(as_of) as database:
        try:
            result = database.execute(query)
            if (described := getattr(result, "description", None)) is None:
                raise ArgumentError("the text holds no query. Next: SELECT ... FROM ae")
            names = [column[0] for column in described]
            if twice := [name for name, times in Counter(names).items() if times > 1]:
                raise ArgumentError(f"two columns have the name {twice[0]!r}. Next: name them, as in a.x AS before")
            rows = [dict(zip(names, map(_plain, row), strict=True)) for row in result.fetchall()]
        except duckdb().Error as error:
            raise ArgumentError(f"DuckDB cannot run this: {_about(error)}") from None
    print_rows(rows, output)


def _named(mirror: Mirror, as_of: str | None) -> str:
    """A snapshot by its number, and the server's time of it, so that a day on which nothing was synced is seen."""
    number = 0 if as_of is not None and as_of.strip() == "0" else mirror.number(as_of)
    moment = next((one.server_time for one in mirror.snapshots if one.number == number), None)
    return f"snapshot {number} ({moment:%Y-%m-%d %H:%M:%S} UTC)" if moment is not None else f"snapshot {number}"


def _about(error: Exception) -> str:
    """What is wrong with a query. Errors of values quote answers, so only those of names and grammar are told."""
    from ...mirror.database import NO_SNAPSHOT

    kind = type(error).__name__
    harmless = kind in ("ParserException", "CatalogException", "BinderException") or NO_SNAPSHOT in str(error)
    return str(error).splitlines()[0] if harmless else f"{kind}, whose text may hold answers and is not shown"


def _plain(cell: Any) -> Any:
    """A cell of DuckDB as JSON has it; dates, times and decimals as text."""
    return cell if cell is None or isinstance(cell, (str, int, float, bool)) else str(cell)


# ---- exports of a mirror

export_app = CommandGroup("Write a mirror as of a snapshot to any target; no keys, no network.")
app.add_typer(export_app, name="export")


@export_app.callback()
def choose(ctx: typer.Context, folder: FolderArgument) -> None:
    """Keep the folder for the command that follows."""
    ctx.obj = Connection(mirror=folder)


def _of_mirror(function: Callable[..., None]) -> Callable[..., None]:
    """An export command that reads the mirror, with `--as-of` and without what is for servers."""
    known = inspect.signature(function).parameters
    kept = [parameter for name, parameter in known.items() if name not in _NOT_OF_MIRRORS]
    as_of = inspect.Parameter("as_of", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=AsOfOption)

    def command(ctx: typer.Context, **given: Any) -> None:
        ctx.obj = Connection(mirror=ctx.obj.mirror, as_of=given.pop("as_of"))
        left_out = {name: known[name].default for name in _NOT_OF_MIRRORS}
        function(ctx, **given, **left_out)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in kept[1:]]
    command.__signature__ = inspect.Signature([kept[0], *parameters, as_of])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in (*kept, as_of)}
    return command


for _registered in export_commands.app.registered_commands:
    assert _registered.callback is not None
    export_app.command(_registered.name, help=_registered.help)(_of_mirror(_registered.callback))
