"""`imednet queries open|ageing`: open queries, how old they are, and who must act next.

`imednet queries list` is in `lists`, like that of every resource.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..connection import Connection, own_workflows
from ..options import OutputOption, StudyArgument, SubjectOption
from ..output import print_rows


def add_to(group: typer.Typer) -> None:
    """Add the commands to the group `queries`."""
    group.command("open")(open_queries)
    group.command("ageing")(ageing)


def open_queries(
    ctx: typer.Context,
    study: StudyArgument = None,
    site: Annotated[str | None, typer.Option(help="Only this site, by number or name.", show_default=False)] = None,
    subject: SubjectOption = None,
    output: OutputOption = None,
) -> None:
    """List open queries, the oldest first: age, days since the last word, who must act next."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        narrowed: dict[str, Any] = {"subject_key": subject} if subject else {}
        if site is not None:
            narrowed["site"] = site
        queries = own_workflows(sdk).query_management.get_open_queries(connection.study(study), **narrowed)
        print_rows([query.to_row() for query in queries], output)


def ageing(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Count queries by site: open, closed, unknown; open ones by age and by who must act next."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        sites = own_workflows(sdk).query_management.ageing(connection.study(study))
        print_rows([site.to_row() for site in sites], output)
