"""`imednet log show|verify TARGET`: the extraction log of an export, and whether log and files are unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import exit_codes
from ..command_group import CommandGroup
from ..options import OutputOption
from ..output import print_message, print_rows

app = CommandGroup("Read and check the extraction log of an export.")

FolderArgument = Annotated[
    Path,
    typer.Argument(metavar="TARGET", help="What was exported, such as study.duckdb, or the folder of its manifest."),
]


@app.command("show")
def show_log(folder: FolderArgument, output: OutputOption = None) -> None:
    """Show every run: who exported what, when, and how many rows."""
    from ...integrations.on_disk import extraction_log as log

    rows = [
        {
            **{name: entry.get(name) for name in ("number", "time", "user", "host", "study", "format", "status")},
            "rows": sum(count or 0 for count in entry.get("rows", {}).values()),
            "issues": entry.get("issues"),
            "error": entry.get("error"),
            "unblinded": entry.get("unblinded"),
            "hash": entry.get("hash"),
        }
        for entry in log.read(log.find_home(folder))
    ]
    print_rows(rows, output)


@app.command("verify")
def verify(folder: FolderArgument) -> None:
    """Check that no entry was changed and files are those of the last run.

    Exit status 0 if so, else 1.
    """
    from ...integrations.on_disk import extraction_log as log

    result = log.verify(log.find_home(folder))
    for problem in result.problems:
        print_message(problem)
    if result.problems:
        raise typer.Exit(exit_codes.FAILED)
    files = "the files are those of the last run" if result.files else "tables of a database are not looked at"
    typer.echo(f"{result.entries} entries, unbroken; {files}")
