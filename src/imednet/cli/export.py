"""`imednet export parquet|csv [STUDY] DIR`: a whole study on disk, proven whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .connection import Connection, say

if TYPE_CHECKING:
    from ..integrations.study_export import ExportReport, Progress

app = typer.Typer(help="Write a whole study to disk, proven whole.", no_args_is_help=True, rich_markup_mode=None)

Words = Annotated[
    list[str],
    typer.Argument(metavar="[STUDY] DIR", help="Key of the study (optional with --sandbox) and the folder to write."),
]


@app.command("parquet")
def parquet(ctx: typer.Context, words: Words) -> None:
    """One Parquet file a form, and a manifest.json."""
    _export(ctx.obj, words, "parquet")


@app.command("csv")
def csv(ctx: typer.Context, words: Words) -> None:
    """One CSV file a form, and a manifest.json."""
    _export(ctx.obj, words, "csv")


def _export(connection: Connection, words: list[str], file_format: str) -> None:
    from ..integrations import export_study

    if len(words) > 2:
        raise typer.BadParameter("give a STUDY and a DIR, nothing more")
    study_key = connection.study(words[0] if len(words) == 2 else None)
    with connection.sdk() as sdk, _progress() as progress:
        report = export_study(
            sdk, study_key, Path(words[-1]), file_format, progress=progress, sandbox=connection.sandbox
        )
    _summary(report)


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


def _summary(report: ExportReport) -> None:
    width = max(len(form.key) for form in report.forms) + 2
    typer.echo(f"{'form':<{width}}{'rows':>9}  file")
    for form in report.forms:
        typer.echo(f"{form.key:<{width}}{form.rows:>9,}  {form.file or '(no records)'}")
    proof = report.proof
    total = proof.total - proof.vanished + proof.growth
    typer.echo(f"{'all':<{width}}{report.rows:>9,}  = {total:,} on the server, {proof.status} ({proof.rule})")
    typer.echo(f"files: {report.folder}")
    if proof.growth:
        say(f"{proof.growth} records came while the export ran; they are in the files")
    if proof.vanished:
        say(f"{proof.vanished} records were deleted while the export ran; they may be in the files")
    if not proof.proven:
        say(f"not proven whole, only the totals agree: {proof.reason}")
    if report.blinded:
        say(f"left out because they are blinded: {', '.join(report.blinded)}")
