"""The command line put together: the global options, and the groups of `commands/` under their names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exit_codes, plugins
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
from .connection import Connection
from .options import AsOfOption

app = typer.Typer(
    help="Read a study of the iMednet EDC and export it, verified complete. Unofficial.",
    epilog=exit_codes.TABLE,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # a traceback with local variables could show keys and answers
)


def _print_version(requested: bool) -> None:
    if requested:
        from imednet_api import SPEC_VERSION

        from .._version import distribution, version
        from ..plugins import serving

        typer.echo(f"{distribution()} {version()} (API description {SPEC_VERSION})")
        typer.echo(f"workflows: {serving()}")
        raise typer.Exit


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
    version: Annotated[  # noqa: ARG001  (its callback does the work)
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keep the global options for the command that follows."""
    if mirror_folder is None and as_of is not None:
        raise typer.BadParameter("--as-of is for --mirror: a server knows only what is")
    if mirror_folder is not None and sandbox:
        raise typer.BadParameter("give --mirror or --sandbox, and not both")
    ctx.obj = Connection(base_url, api_key_file, security_key_file, sandbox, mirror_folder, as_of)


app.command("check")(check.check)
app.command("codebook")(codebook.codebook)
app.add_typer(export.app, name="export")
app.add_typer(log.app, name="log")
app.add_typer(mirror.app, name="mirror")
app.add_typer(monitor.app, name="monitor")
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
