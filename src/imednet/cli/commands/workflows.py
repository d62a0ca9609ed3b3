"""`imednet workflows list|records|audit|changes|gaps|codings`: workflows that have no group of their own.

Those about one resource are with it: `queries`, `visits`, `records`, `jobs`; those about a design in `structure`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..command_group import CommandGroup
from ..connection import Connection, own_workflows
from ..filter_check import refuse_unknown
from ..options import OutputOption, StudyArgument, SubjectOption
from ..output import print_message, print_rows

app = CommandGroup("Workflows: several calls with one purpose.")


@app.command("list")
def list_workflows(output: OutputOption = None) -> None:
    """Show which workflows there are, and which plugin serves them."""
    from ...plugins import OWN, serving

    print_message(f"served by {serving()}")
    if serving() == OWN:
        from ...workflows.namespace import described

        print_rows(described(), output)


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
        chosen = own_workflows(sdk).data_extraction.extract_records_by_criteria(
            connection.study(study),
            record_filter=_conditions(record),
            subject_filter=_conditions(subject),
            visit_filter=_conditions(visit),
        )
        if not chosen:
            for conditions in (record, subject, visit):
                refuse_unknown(sdk, connection.study(study), _conditions(conditions))
        print_rows([record.to_dict() for record in chosen], output)


def _conditions(options: list[str] | None) -> dict[str, Any]:
    """Options written `siteId=301` as keyword filters: `{"site_id": 301}`; the numbers of ids become `int`."""
    from ...core.filtering.grammar import snake

    conditions: dict[str, Any] = {}
    for option in options or ():
        name, equals, value = option.partition("=")
        if not (name and equals):
            raise typer.BadParameter("filters are written NAME=VALUE, such as siteId=301")
        if name.endswith("Id") and not value.isdecimal():
            raise typer.BadParameter(f"{name} is a whole number, such as {name}=301")
        conditions[snake(name)] = int(value) if name.endswith("Id") else value
    return conditions


@app.command("audit")
def audit(
    ctx: typer.Context,
    study: StudyArgument = None,
    since: Annotated[str | None, typer.Option(help="From this day or moment on, UTC.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="Before this day or moment, UTC.", show_default=False)] = None,
    user: Annotated[str | None, typer.Option(help="Only this login.", show_default=False)] = None,
    subject: SubjectOption = None,
    record: Annotated[int | None, typer.Option(help="Only this record.", show_default=False)] = None,
    output: OutputOption = None,
) -> None:
    """Show who saved which record, when and why."""
    from ...workflows.audit_trail import NO_VALUES

    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        print_message(NO_VALUES)
        entries = own_workflows(sdk).audit_trail.entries(
            connection.study(study), since=since, until=until, user=user, subject_key=subject, record_id=record
        )
        rows = [entry.to_row() for entry in entries]
        if not rows and since is None and until is None:
            refuse_unknown(sdk, connection.study(study), {"login": user, "record_id": record})
        print_rows(rows, output)


@app.command("changes")
def changes(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[STUDY] BEFORE AFTER",
            help="Folders of two exports with the same options. With STUDY the server is asked who saved the records.",
        ),
    ],
    output: OutputOption = None,
) -> None:
    """Show which answers changed between two exports; without STUDY no server is asked."""
    if len(words) == 2:
        from ...integrations.on_disk.snapshots import Snapshot, value_changes

        print_rows([change.to_row() for change in value_changes(*map(Snapshot, words))], output)
        return
    if len(words) != 3:
        raise typer.BadParameter("give the folders of two exports, BEFORE and AFTER, and STUDY before them if wanted")
    connection: Connection = ctx.obj
    study, before, after = words
    with connection.sdk() as sdk:
        print_rows([change.to_row() for change in own_workflows(sdk).audit_trail.changes(study, before, after)], output)


@app.command("gaps")
def gaps(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Show records whose revision numbers have gaps."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        incomplete = own_workflows(sdk).audit_trail.gaps(connection.study(study))
        print_rows(
            [
                {"recordId": record.record_id, "missing": " ".join(str(number) for number in record.missing)}
                for record in incomplete
            ],
            output,
        )


@app.command("codings")
def codings(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Show coded terms, terms without a code, and answers nobody coded."""
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        report = own_workflows(sdk).coding_reconciliation.report(connection.study(study))
        print_message(
            f"{len(report.coded)} coded, {len(report.without_code)} without a code, {len(report.uncoded)} not coded, "
            f"{len(report.recoded)} coded again, {len(report.inconsistent)} texts coded in several ways"
        )
        print_rows(report.to_rows(), output)
