"""`imednet snapshots list|verify|changes DIR`: the dated folders that `export ... --snapshot` writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import ArgumentError
from .. import exit_codes
from ..command_group import CommandGroup
from ..options import OutputOption
from ..output import print_message, print_rows

if TYPE_CHECKING:
    from ...integrations.on_disk.snapshots import Snapshot

app = CommandGroup("Read and compare dated exports.")

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder that was given to `imednet export ... --snapshot`.")
]


@app.command("list")
def list_snapshots(folder: FolderArgument, output: OutputOption = None) -> None:
    """Show the snapshots in a folder, oldest first."""
    from ...integrations.on_disk.folder import MANIFEST, read_object

    rows = []
    for path in _dated(folder):
        manifest = read_object(path / MANIFEST) or {}
        states = [state for state in manifest.get("forms") or [] if isinstance(state, dict) and state.get("records")]
        rows.append({
            "snapshot": path.name,
            "study": manifest.get("study"),
            "format": manifest.get("format"),
            "status": manifest.get("status") or "unfinished",
            "forms": len(states) or None,
            "rows": sum(state.get("rows") or 0 for state in states) if states else None,
            "taken": (manifest.get("serverTime") or {}).get("to"),
        })  # fmt: skip
    print_rows(rows, output)


@app.command("verify")
def verify(folder: FolderArgument) -> None:
    """Check that no snapshot in a folder was changed; exit status 0 if so, else 1."""
    from ...integrations.on_disk import extraction_log as log

    paths, wrong = _dated(folder), 0
    for path in paths:
        problems = log.verify(path).problems
        wrong += bool(problems)
        for problem in problems:
            print_message(f"{path.name}: {problem}")
    if wrong:
        raise typer.Exit(exit_codes.FAILED)
    typer.echo(f"{len(paths)} snapshots, unchanged")


@app.command("changes")
def changes(
    folder: FolderArgument,
    before: Annotated[str | None, typer.Argument(help="Name of the earlier snapshot; else the last but one.")] = None,
    after: Annotated[str | None, typer.Argument(help="Name of the later snapshot; else the last one.")] = None,
    output: OutputOption = None,
) -> None:
    """Show which answers changed between two snapshots; no server is asked."""
    from ...integrations.on_disk.snapshots import value_changes

    paths = _dated(folder)
    if before is None and len(paths) < 2:
        raise ArgumentError(f"{folder} has {len(paths)} snapshots, and a comparison takes two")
    first = _snapshot(folder, before or paths[-2].name)
    second = _snapshot(folder, after or paths[-1].name)
    rows: list[dict[str, Any]] = [change.to_row() for change in value_changes(first, second)]
    print_message(f"{first.folder.name} to {second.folder.name}: {len(rows)} changes")
    print_rows(rows, output)


def _dated(folder: Path) -> list[Path]:
    from ...integrations.on_disk.snapshots import dated_folders

    paths = dated_folders(folder)
    if not paths:
        raise ArgumentError(f"{folder} has no snapshots. Next: imednet export parquet STUDY {folder} --snapshot")
    return paths


def _snapshot(folder: Path, name: str) -> Snapshot:
    from ...integrations.on_disk.snapshots import Snapshot

    return Snapshot(folder / name)
