"""`imednet probe STUDY`: what a live server's answers settle about the API, in a report without data of the study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ... import exit_codes
from ...connection import Connection
from ...options import OutputOption, StudyArgument
from ...output import Row, print_line, print_message, print_rows


def probe(
    ctx: typer.Context,
    study: StudyArgument = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file for the report; it is shown before.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the report without asking.")] = False,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A B", help="Compare two reports; no server is asked.", show_default=False),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Find out how a server answers, by reading.

    At most 60 GET requests, 2 a second.

    The report holds no key, no answer, and no name of a person, site, study, form or variable. `--compare` ends with 3
    where two reports differ.
    """
    from ....probe import MOST_REQUESTS, REQUESTS_PER_SECOND, ProbeReport, compare_reports
    from ....probe import probe as ask

    if compare is not None:
        if study is not None or out is not None:
            raise typer.BadParameter("--compare takes two reports and asks no server")
        rows = compare_reports(*map(ProbeReport.read, compare))
        print_message(f"{len(rows) or 'no'} question{'' if len(rows) == 1 else 's'} answered differently")
        print_rows(list[Row](map(dict, rows)), output)
        if rows:
            raise typer.Exit(exit_codes.CHANGED)
        return
    connection: Connection = ctx.obj
    if connection.mirror is not None:
        raise typer.BadParameter("a mirror is no server: leave out --mirror")
    if out is not None and out.exists():
        raise typer.BadParameter(f"{out} exists and is not replaced; choose another name")
    if out is not None and not yes and not sys.stdin.isatty():
        raise typer.BadParameter(
            "there is nobody to ask whether the report may be written; look at it without --out first, or add --yes"
        )
    study_key = connection.study(study)
    print_message(
        f"asking at most {MOST_REQUESTS} times, {REQUESTS_PER_SECOND:g} times a second, and only reading; this takes "
        "about half a minute"
    )
    with connection.sdk() as sdk:
        report = ask(sdk, study_key)
    print_line(report.to_json())
    open_questions = [name for name, finding in report.dialect.items() if finding.answer == "unknown"]
    print_message(
        f"{report.requests} requests; {len(report.dialect) - len(open_questions)} of {len(report.dialect)} questions "
        f"settled{', open: ' + ', '.join(open_questions) if open_questions else ''}"
    )
    if out is None:
        return
    if not yes and not typer.confirm(f"Write this to {out}?", default=False, err=True):
        print_message("nothing was written")
        return
    report.write(out)
    print_message(f"written to {out}")
