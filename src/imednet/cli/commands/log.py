"""`imednet log show|verify DIR`: who exported what, and whether the log and the files are as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import exit_codes
from ..options import OutputOption
from ..output import print_message, print_rows

app = typer.Typer(help="Read and check the extraction log of an export.", no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the manifest, as the export printed it.")]


@app.command("show")
def show_log(folder: Folder, output: OutputOption = None) -> None:
    """Every run: who, when, what, how many rows."""
    from ...integrations.on_disk import extraction_log as log

    rows = [
        {
            **{name: entry.get(name) for name in ("number", "time", "user", "host", "study", "format", "status")},
            "rows": sum(count or 0 for count in entry.get("rows", {}).values()),
            "issues": entry.get("issues"),
            "unblinded": entry.get("unblinded"),
            "hash": entry.get("hash"),
        }
        for entry in log.read(folder)
    ]
    print_rows(rows, output)


@app.command("verify")
def verify(folder: Folder) -> None:
    """Exit 0 when no entry was changed and the files are those of the last run, else 1."""
    from ...integrations.on_disk import extraction_log as log

    found = log.verify(folder)
    for problem in found.problems:
        print_message(problem)
    if found.problems:
        raise typer.Exit(exit_codes.FAILED)
    typer.echo(f"{found.entries} entries, unbroken; the files are those of the last run")
