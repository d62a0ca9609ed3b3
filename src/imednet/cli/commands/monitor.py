"""`imednet monitor enrolment|missing|visits|lag|queries|...`: the monitoring tables, one command a table.

Each command shows what the function of the same subject in `workflows.monitoring` gives, and takes the same options.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from ...workflows.monitoring import groupings
from ..command_group import CommandGroup
from ..connection import Connection, own_workflows
from ..options import OutputOption, SiteOption, StudyArgument, SubjectOption, one_of
from ..output import print_message, print_monitoring
from .visits import ExitOption

app = CommandGroup("Monitoring: tables of what is done, what is missing, and who must act next.")

SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort", help="Order by this column, such as open, or -open for the largest first.", show_default=False
    ),
]
DeletedOption = Annotated[bool, typer.Option("--deleted", help="Also deleted subjects and all that belongs to them.")]
EproOption = Annotated[bool, typer.Option("--epro", help="Also forms that subjects fill in themselves.")]
ConfigurationOption = Annotated[
    Path, typer.Option("--config", help="The study's configuration: a YAML or JSON file with mappings.")
]
TopOption = Annotated[int | None, typer.Option("--top", min=1, help="Only so many rows.", show_default=False)]


LEVELS = Literal["site", "country"]


def _show(
    ctx: typer.Context,
    method: str,
    study: str | None,
    *,
    sort: str | None = None,
    top: int | None = None,
    output: Any = None,
    **options: Any,
) -> None:
    """Make the table of a method of `workflows.monitoring`, and print it."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        make = cast(Callable[..., Any], getattr(own_workflows(sdk).monitoring, method))
        table = make(connection.study(study), **options)
        if sort is not None:
            table = table.sorted_by(sort)
        if top is not None:
            table = table.first(top)
        print_monitoring(table, output)


@app.command()
def enrolment(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.EnrolmentBy, "What a row is.")] = "site",
    target: Annotated[int | None, typer.Option(min=1, help="How many subjects shall be enrolled.")] = None,
    target_date: Annotated[str | None, typer.Option(help="By which day, such as 2026-12-31.")] = None,
    site: SiteOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Show subjects and how many are enrolled: by site, month, status, or as a funnel."""
    _show(ctx, "enrolment", study, by=by, target=target, target_date=target_date, site=site,
          include_deleted=deleted, sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def missing(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.MissingBy, "What a row is.")] = "page",
    epro: EproOption = False,
    exit: ExitOption = None,
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """List the pages that visits expect and nobody has entered, the longest overdue first."""
    _show(ctx, "missing_pages", study, by=by, include_epro=epro, exit_date=exit, site=site,
          subject_key=subject, include_deleted=deleted, sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def visits(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.VisitBy, "What a row is.")] = "interval",
    days: Annotated[int, typer.Option("--days", min=0, help="Due soon means within so many days.")] = 14,
    exit: ExitOption = None,
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Count visits in, before and after their window, missed and coming."""
    _show(ctx, "visit_adherence", study, by=by, days=days, exit_date=exit, site=site,
          subject_key=subject, include_deleted=deleted, sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def lag(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.LagBy, "What a row is.")] = "site",
    late_after: Annotated[int, typer.Option(min=0, help="Days after which a page counts as late.")] = 10,
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Show how many days pass from a visit to the record of it."""
    _show(ctx, "entry_lag", study, by=by, late_after=late_after, site=site, subject_key=subject,
          include_deleted=deleted, sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def queries(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.QueryBy, "What a row is.")] = "site",
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Count queries by state, open ones by age and by who must act next."""
    _show(ctx, "query_status", study, by=by, site=site, subject_key=subject, include_deleted=deleted,
          sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def response(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.QueryBy, "What a row is.")] = "site",
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Show how long queries wait for a first answer, and for being closed."""
    _show(ctx, "query_response", study, by=by, site=site, subject_key=subject, include_deleted=deleted,
          sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def sites(
    ctx: typer.Context,
    study: StudyArgument = None,
    exit: ExitOption = None,
    site: SiteOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Compare sites: subjects, queries, missing pages, entry lag."""
    _show(ctx, "site_performance", study, exit_date=exit, site=site, include_deleted=deleted, sort=sort,
          top=top, output=output)  # fmt: skip


@app.command()
def records(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.StatusBy, "What a row is, together with the status.")] = "form",
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Count records by status."""
    _show(ctx, "record_status", study, by=by, site=site, subject_key=subject, include_deleted=deleted,
          sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def completeness(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.CompletenessBy, "What a row is; a cell is a subject with a form.")] = "form",
    exit: ExitOption = None,
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Show how many of the pages that visits expect are there."""
    _show(ctx, "completeness", study, by=by, exit_date=exit, site=site, subject_key=subject,
          include_deleted=deleted, sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def coding(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.CodingBy, "What a row is.")] = "form",
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Show which terms are coded, coded again, without a code, and not coded."""
    _show(ctx, "coding_backlog", study, by=by, site=site, subject_key=subject, include_deleted=deleted,
          sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def changes(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.ChangesBy, "What a row is.")] = "role",
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Count saved states of records by user, role, reason, site or form."""
    _show(ctx, "data_changes", study, by=by, site=site, subject_key=subject, include_deleted=deleted,
          sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def diary(
    ctx: typer.Context,
    study: StudyArgument = None,
    by: Annotated[str, one_of(groupings.DiaryBy, "What a row is.")] = "subject",
    group: Annotated[str, typer.Option(help="Group of the intervals that are diary days.")] = "ePRO",
    exit: ExitOption = None,
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Show diary days that were due, and those that have a record."""
    _show(ctx, "diary", study, by=by, group=group, exit_date=exit, site=site, subject_key=subject,
          include_deleted=deleted, sort=sort, top=top, output=output)  # fmt: skip


@app.command("events")
def listing(
    ctx: typer.Context,
    config: ConfigurationOption,
    study: StudyArgument = None,
    table: Annotated[str, typer.Option(help="The mapping, such as adverse_events or deviations.")] = "adverse_events",
    serious: Annotated[bool, typer.Option("--serious", help="Only serious ones.")] = False,
    site: SiteOption = None,
    subject: SubjectOption = None,
    deleted: DeletedOption = False,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """List adverse events, deviations or the rows of any other mapping."""
    from ...models.study_config import StudyConfiguration

    configuration = StudyConfiguration.load(config)
    _show(ctx, "listing", study, configuration=configuration, table=table, serious=serious, site=site,
          subject_key=subject, include_deleted=deleted, sort=sort, top=top, output=output)  # fmt: skip


@app.command()
def casebook(
    ctx: typer.Context,
    subject: Annotated[str, typer.Option("--subject", help="Key of the subject.")],
    study: StudyArgument = None,
    sort: SortOption = None,
    output: OutputOption = None,
) -> None:
    """Show all there is of one subject, in the order of its visits: answers, queries, codings, saved states."""
    print_message("the casebook holds answers of a subject")
    _show(ctx, "casebook", study, subject_key=subject, sort=sort, output=output)


@app.command()
def kri(
    ctx: typer.Context,
    config: Annotated[Path, typer.Option("--config", help="Settings of the indicators: a YAML or JSON file.")],
    study: StudyArgument = None,
    level: Annotated[str, one_of(LEVELS, "What a group is.", "--level")] = "site",
    history: Annotated[
        Path | None,
        typer.Option("--history", help="CSV file of earlier runs; this one is added.", show_default=False),
    ] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only groups with a flag, or one that changed.")] = False,
    risk: Annotated[bool, typer.Option("--risk", help="The risk of each site over all indicators.")] = False,
    exit: ExitOption = None,
    sort: SortOption = None,
    top: TopOption = None,
    output: OutputOption = None,
) -> None:
    """Show key risk indicators: rates, scores, flags, and which are new since the last run."""
    from ...workflows.monitoring.kri.history import keep, read_history
    from ...workflows.monitoring.kri.settings import KriSettings

    settings = KriSettings.load(config)
    earlier = read_history(history) if history is not None else []
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        found = own_workflows(sdk).monitoring.kri(
            connection.study(study), settings, level="Country" if level == "country" else "Site", history=earlier,
            exit_date=exit,
        )  # fmt: skip
    if history is not None:
        keep(history, found.current())
    table = found.risk() if risk else found.table(flagged_only=flagged)
    if sort is not None:
        table = table.sorted_by(sort)
    print_monitoring(table if top is None else table.first(top), output)
