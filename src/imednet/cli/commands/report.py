"""`imednet report STUDY FILE`: the monitoring tables as one HTML file, a PDF or a workbook, by the name of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..connection import Connection
from ..options import RequiredStudyArgument, SiteOption, SubjectOption
from ..output import print_line, print_message
from .monitor import DeletedOption
from .visits import ExitOption

_KINDS = (".html", ".pdf", ".xlsx")


def report(
    ctx: typer.Context,
    study: RequiredStudyArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to write: FILE.html, FILE.pdf or FILE.xlsx.")],
    sections: Annotated[
        str | None,
        typer.Option(
            help="Names of sections, with commas; all that can be made where it is left out.", show_default=False
        ),
    ] = None,
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    exit: ExitOption = None,
    target: Annotated[int | None, typer.Option(min=1, help="How many subjects shall be enrolled.")] = None,
    target_date: Annotated[str | None, typer.Option(help="By which day, such as 2026-12-31.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="The study's configuration, for listings of events.")
    ] = None,
    kri: Annotated[Path | None, typer.Option("--kri", help="Settings of the key risk indicators.")] = None,
) -> None:
    """Write a report of a study: one file that opens without a network."""
    from ...models.study_config import StudyConfiguration
    from ...reports import ReportOptions, study_report, write_html, write_pdf, write_workbook
    from ...workflows.monitoring.kri.settings import KriSettings

    kind = file.suffix.lower()
    if kind not in _KINDS:
        raise typer.BadParameter(f"the name of the file must end in {', '.join(_KINDS)}")
    if not file.absolute().parent.is_dir() or file.is_dir():
        raise typer.BadParameter(f"{file} cannot be written: name a file in a folder that is there")
    options = ReportOptions(
        tuple(name.strip() for name in (sections or "").split(",") if name.strip()),
        site,
        subject,
        deleted,
        exit,
        target,
        target_date,
        configuration=StudyConfiguration.load(config) if config is not None else StudyConfiguration(),
        indicators=KriSettings.load(kri) if kri is not None else KriSettings({}),
    )
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        made = study_report(sdk, study, options)
    {".html": write_html, ".pdf": write_pdf, ".xlsx": write_workbook}[kind](made, file)
    tables = sum(len(section.tables) for section in made.sections)
    whole = "every list is proven whole" if made.proven else "not every list is proven whole"
    print_message(f"{tables} tables in {len(made.sections)} sections; {whole}")
    print_line(str(file))
