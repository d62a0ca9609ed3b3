"""The command line put together: the global options, and the groups of `commands/` under their names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import completion, exit_codes, plugins, run_log
from .command_group import CommandGroup
from .commands import (
    check,
    codebook,
    export,
    jobs,
    lists,
    log,
    mirror,
    monitor,
    queries,
    records,
    report,
    sandbox,
    snapshots,
    structure,
    subject_data,
    visits,
    workflows,
)
from .commands.access import api, doctor, login, probe, profiles
from .connection import Connection
from .options import AsOfOption

app = CommandGroup(
    "Read a study of the iMednet EDC and export it, verified complete. Unofficial.", epilog=exit_codes.TABLE
)


def _print_version(requested: bool) -> None:
    if requested:
        from imednet_api import SPEC_VERSION

        from .._version import distribution, version
        from ..plugins import serving

        typer.echo(f"{distribution()} {version()} (API description {SPEC_VERSION})")
        typer.echo(f"workflows: {serving()}")
        raise typer.Exit


def _command(ctx: typer.Context) -> str:
    """The command that follows the global options, such as `mirror sync`."""
    options = {name: not getattr(one, "is_flag", False) for one in ctx.command.params for name in one.opts}
    group = getattr(ctx.command, "commands", {}).get(ctx.invoked_subcommand)
    return run_log.command_of(sys.argv[1:], ctx.invoked_subcommand, options, list(getattr(group, "commands", {})))


@app.callback()
def connect(
    ctx: typer.Context,
    base_url: Annotated[
        str | None,
        typer.Option(help="Address of the server; else IMEDNET_BASE_URL, else production.", show_default=False),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="File with the API key; else IMEDNET_API_KEY, else a prompt.")
    ] = None,
    security_key_file: Annotated[
        Path | None, typer.Option(help="File with the security key; else IMEDNET_SECURITY_KEY, else a prompt.")
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Run this command against a sandbox of its own; no keys needed.")
    ] = False,
    mirror_folder: Annotated[
        Path | None,
        typer.Option("--mirror", help="Read this mirror in place of a server; no keys needed.", show_default=False),
    ] = None,
    as_of: AsOfOption = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="Profile of `imednet login`, for what is given nowhere else; else IMEDNET_PROFILE.",
            show_default=False,
            autocompletion=completion.profiles,
        ),
    ] = None,
    run_log_file: Annotated[
        Path | None,
        typer.Option(
            "--run-log",
            help="Add one line of JSON to this file: command, counts, seconds, exit code.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001  (its callback does the work)
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keep the global options for the command that follows."""
    if mirror_folder is None and as_of is not None:
        raise typer.BadParameter("--as-of is for --mirror: a server knows only what is")
    if mirror_folder is not None and sandbox:
        raise typer.BadParameter("give --mirror or --sandbox, and not both")
    if run_log_file is not None:
        run_log.begin(run_log_file, _command(ctx))
    ctx.obj = Connection(base_url, api_key_file, security_key_file, sandbox, mirror_folder, as_of, profile)


app.command("api")(api.api)
app.command("check")(check.check)
app.command("codebook")(codebook.codebook)
app.add_typer(export.app, name="export")
app.add_typer(log.app, name="log")
app.command("doctor")(doctor.doctor)
app.command("login")(login.login)
app.add_typer(mirror.app, name="mirror")
app.add_typer(monitor.app, name="monitor")
app.command("probe")(probe.probe)
app.add_typer(profiles.app, name="profiles")
app.command("report")(report.report)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(snapshots.app, name="snapshots")
app.add_typer(structure.app, name="structure")
app.add_typer(structure.dictionary, name="dictionary")
app.command("subject-data")(subject_data.subject_data)
app.add_typer(workflows.app, name="workflows")
app.add_typer(jobs.app, name="jobs")
groups = lists.add_groups(app)
queries.add_to(groups["queries"])
visits.add_to(groups["visits"])
records.add_to(groups["records"])
plugins.add_to(app)
