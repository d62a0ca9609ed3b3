"""`imednet visits windows|diary`: visits in, before and after their window, and how diaries are kept.

`imednet visits list` is in `lists`, like that of every resource.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ..connection import Connection, own_workflows
from ..options import OutputOption, StudyArgument
from ..output import print_message, print_rows

ExitOption = Annotated[
    str | None, typer.Option("--exit", help="FORM.VARIABLE of the day a subject left, such as EOS.EXDAT.")
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group `visits`."""
    group.command("windows")(windows)
    group.command("diary")(diary)


def windows(
    ctx: typer.Context,
    study: StudyArgument = None,
    exit: ExitOption = None,
    days: Annotated[int, typer.Option("--days", min=0, help="Mark what is due in so many days.")] = 14,
    state: Annotated[list[str] | None, typer.Option("--state", help="Only these, such as missed; repeatable.")] = None,
    counts: Annotated[bool, typer.Option("--counts", help="Count by interval and site.")] = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Also disabled intervals.")] = False,
    output: OutputOption = None,
) -> None:
    """Show which visits are in their window, late, early, missed or coming."""
    from ...workflows.visits import STATES, counted

    if unknown := [name for name in state or () if name not in STATES]:
        raise typer.BadParameter(f"there is no state {unknown[0]!r}; there are {', '.join(STATES)}")
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        visits = own_workflows(sdk).visits.windows(
            connection.study(study), exit_date=exit, days=days, include_disabled=disabled
        )
        visits = [visit for visit in visits if not state or visit.state in state]
        if exit is None:
            print_message("visits of subjects who left count as missed, since --exit was not given")
        print_rows([row.to_row() for row in (counted(visits) if counts else visits)], output)


def diary(
    ctx: typer.Context,
    study: StudyArgument = None,
    exit: ExitOption = None,
    group: Annotated[str, typer.Option(help="Group of the intervals that are diary days.")] = "ePRO",
    output: OutputOption = None,
) -> None:
    """Show how each subject keeps its diary: days with a record, of the days that were due."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        diaries = own_workflows(sdk).visits.diary_compliance(connection.study(study), group, exit_date=exit)
        print_rows([subject.to_row() for subject in diaries], output)
