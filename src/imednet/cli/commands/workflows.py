"""Commands that read for a purpose: subjects, queries, visits, the audit trail, codings, jobs; and what serves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..connection import Connection, own, say
from ..output import OutputOption, show
from .lists import StudyArgument

app = typer.Typer(help="Workflows: several calls with one purpose.", no_args_is_help=True, rich_markup_mode=None)
jobs = typer.Typer(help="Jobs of batches that were written.", no_args_is_help=True, rich_markup_mode=None)

SubjectArgument = Annotated[str, typer.Argument(metavar="SUBJECT", help="Key of the subject.")]
ExitOption = Annotated[
    str | None, typer.Option("--exit", help="FORM.VARIABLE of the day a subject left, such as EOS.EXDAT.")
]
DaysOption = Annotated[int, typer.Option("--days", min=0, help="Mark what is due in so many days.")]
TextOption = Annotated[str | None, typer.Option(show_default=False)]


@app.command("list")
def listed(output: OutputOption = None) -> None:
    """Show which workflows there are, and which plugin serves them."""
    from ...plugins import OWN, serving

    say(f"served by {serving()}")
    if serving() == OWN:
        from ...workflows.namespace import described

        show(described(), output)


@app.command("records")
def records(
    ctx: typer.Context,
    study: StudyArgument = None,
    record: Annotated[list[str] | None, typer.Option("--record", help="NAME=VALUE of the record; repeatable.")] = None,
    subject: Annotated[list[str] | None, typer.Option("--subject", help="NAME=VALUE of its subject.")] = None,
    visit: Annotated[list[str] | None, typer.Option("--visit", help="NAME=VALUE of its visit.")] = None,
    output: OutputOption = None,
) -> None:
    """List records chosen by facts of the record, its subject and its visit, such as --subject siteId=301."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        found = own(sdk).data_extraction.extract_records_by_criteria(
            connection.study(study), record_filter=_pairs(record), subject_filter=_pairs(subject),
            visit_filter=_pairs(visit),
        )  # fmt: skip
        show([row.to_dict() for row in found], output)


def _pairs(words: list[str] | None) -> dict[str, Any]:
    """`siteId=301` as a filter; numbers of identifiers are numbers."""
    from ...core.filtering.grammar import snake

    found: dict[str, Any] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise typer.BadParameter("filters are written NAME=VALUE, such as siteId=301")
        found[snake(name)] = int(value) if name.endswith("Id") and value.isdecimal() else value
    return found


@app.command("audit")
def audit(
    ctx: typer.Context,
    study: StudyArgument = None,
    since: Annotated[str | None, typer.Option(help="From this day or moment on, UTC.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="Before this day or moment, UTC.", show_default=False)] = None,
    user: Annotated[str | None, typer.Option(help="Only this login.", show_default=False)] = None,
    subject: Annotated[str | None, typer.Option(help="Only this subject.", show_default=False)] = None,
    record: Annotated[int | None, typer.Option(help="Only this record.", show_default=False)] = None,
    output: OutputOption = None,
) -> None:
    """Show who saved which record, when and why."""
    from ...workflows.audit_trail import NO_VALUES

    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        say(NO_VALUES)
        trail = own(sdk).audit_trail.entries(
            connection.study(study), since=since, until=until, user=user, subject_key=subject, record_id=record
        )
        show([one.to_row() for one in trail], output)


@app.command("changes")
def changes(
    ctx: typer.Context,
    study: Annotated[str, typer.Argument(metavar="STUDY")],
    before: Annotated[Path, typer.Argument(help="Folder of an earlier export.")],
    after: Annotated[Path, typer.Argument(help="Folder of a later export, made alike.")],
    output: OutputOption = None,
) -> None:
    """Show which answers changed between two exports, with who saved the records meanwhile."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        show([one.to_row() for one in own(sdk).audit_trail.changes(study, before, after)], output)


@app.command("gaps")
def gaps(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Show records whose revisions are not numbered without a hole."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        found = own(sdk).audit_trail.gaps(connection.study(study))
        show([{"recordId": one.record_id, "missing": " ".join(map(str, one.missing))} for one in found], output)


@app.command("codings")
def codings(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Show coded terms, terms without a code, and answers nobody coded."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        report = own(sdk).coding_reconciliation.report(connection.study(study))
        say(
            f"{len(report.coded)} coded, {len(report.without_code)} without a code, {len(report.uncoded)} not coded, "
            f"{len(report.recoded)} coded again, {len(report.inconsistent)} texts coded in several ways"
        )
        show(report.to_rows(), output)


def subject_data(
    ctx: typer.Context,
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Key of the study.")],
    subject: SubjectArgument,
    output: OutputOption = None,
) -> None:
    """Show everything about one subject, records in the order of visits. `--output json` is whole."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        data = own(sdk).subject_data.get_all_subject_data(study, subject)
        for warning in data.warnings:
            say(f"warning: {warning}")
        if output == "json":
            typer.echo(json.dumps(data.to_dict(), ensure_ascii=False, indent=2))
            return
        visits = {one.visit_id: one for one in data.visits}
        show(
            [
                {
                    "formKey": row.form_key,
                    "intervalName": visits[row.visit_id].interval_name if row.visit_id in visits else None,
                    "visitDate": visits[row.visit_id].visit_date if row.visit_id in visits else None,
                    "recordId": row.record_id,
                    "parentRecordId": row.parent_record_id,
                    "recordStatus": row.record_status,
                    "deleted": row.deleted,
                    "recordData": row.record_data,
                }
                for row in data.records
            ],
            output,
        )
        counts = f"{len(data.visits)} visits, {len(data.records)} records, {len(data.queries)} queries"
        say(f"{counts}, {len(data.codings)} codings, {len(data.revisions)} revisions")


def open_queries(
    ctx: typer.Context,
    study: StudyArgument = None,
    site: Annotated[str | None, typer.Option(help="Only this site, by number or name.", show_default=False)] = None,
    subject: Annotated[str | None, typer.Option(help="Only this subject.", show_default=False)] = None,
    output: OutputOption = None,
) -> None:
    """List open queries, the oldest first: age, days since the last word, who must act next."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        narrowed: dict[str, Any] = {"subject_key": subject} if subject else {}
        if site is not None:
            narrowed["site"] = int(site) if site.isdecimal() else site
        found = own(sdk).query_management.get_open_queries(connection.study(study), **narrowed)
        show([one.to_row() for one in found], output)


def ageing(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Count queries by site: open, closed, unknown; open ones by age and by who must act next."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        found = own(sdk).query_management.ageing(connection.study(study))
        show([one.to_row() for one in found], output)


def windows(
    ctx: typer.Context,
    study: StudyArgument = None,
    exit: ExitOption = None,
    days: DaysOption = 14,
    state: Annotated[list[str] | None, typer.Option("--state", help="Only these, such as missed; repeatable.")] = None,
    counts: Annotated[bool, typer.Option("--counts", help="Count by interval and site.")] = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Also disabled intervals.")] = False,
    output: OutputOption = None,
) -> None:
    """Show which visits are in their window, late, early, missed or coming."""
    from ...workflows.visits import STATES, counted

    if unknown := [one for one in state or () if one not in STATES]:
        raise typer.BadParameter(f"there is no state {unknown[0]!r}; there are {', '.join(STATES)}")
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        found = own(sdk).visits.windows(connection.study(study), exit_date=exit, days=days, include_disabled=disabled)
        found = [one for one in found if not state or one.state in state]
        if exit is None:
            say("visits of subjects that left count as missed, since no --exit was given")
        show([one.to_row() for one in (counted(found) if counts else found)], output)


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
        found = own(sdk).visits.diary_compliance(connection.study(study), group, exit_date=exit)
        show([one.to_row() for one in found], output)


@jobs.command("get")
def job(
    ctx: typer.Context,
    study: Annotated[str, typer.Argument(metavar="STUDY")],
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="batchId of what writing gave.")],
    output: OutputOption = None,
) -> None:
    """Show the state of one batch."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        show([sdk.jobs.get(study, batch).to_dict()], output)


@jobs.command("wait")
def wait(
    ctx: typer.Context,
    study: Annotated[str, typer.Argument(metavar="STUDY")],
    batches: Annotated[list[str], typer.Argument(metavar="BATCH...", help="One or several batches.")],
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks, at first.")] = 5,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds in all.")] = 300,
    output: OutputOption = None,
) -> None:
    """Wait until batches are over."""
    from ...core.polling import JobPoller
    from ...errors import JobTimeoutError

    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        found = JobPoller(sdk.jobs.get).run_many(study, batches, interval, timeout)
        late = [one for one in found.values() if isinstance(one, JobTimeoutError)]
        show([(one.job if isinstance(one, JobTimeoutError) else one).to_dict() for one in found.values()], output)
        if late:
            raise late[0]
