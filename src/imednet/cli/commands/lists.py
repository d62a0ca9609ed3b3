"""`imednet RESOURCE list [STUDY]`, the same for every resource."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..connection import Connection, say
from ..output import Format, OutputOption, show

if TYPE_CHECKING:
    from imednet_api.types import Operation

LIMIT_ON_A_TERMINAL = 50

RESOURCES = (
    "studies",
    "sites",
    "forms",
    "intervals",
    "variables",
    "subjects",
    "visits",
    "records",
    "record_revisions",
    "queries",
    "codings",
    "users",
)

StudyArgument = Annotated[str | None, typer.Argument(metavar="STUDY", help="Key of the study.", show_default=False)]
FilterOption = Annotated[
    str | None, typer.Option("--filter", help="Expression such as 'formKey==AE;siteId==301', sent as it is.")
]
SortOption = Annotated[
    list[str] | None, typer.Option("--sort", help="Field and direction, as in dateModified,desc; may be repeated.")
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=0, help=f"Rows to show, 0 for all. On a terminal {LIMIT_ON_A_TERMINAL}.")
]


def add_to(app: typer.Typer) -> None:
    """Add a group for each resource, with the further commands that some have."""
    from . import records as records_commands
    from . import workflows

    further: dict[str, dict[str, Any]] = {
        "queries": {"open": workflows.open_queries, "ageing": workflows.ageing},
        "visits": {"windows": workflows.windows, "diary": workflows.diary},
    }
    for resource in RESOURCES:
        name = resource.replace("_", "-")
        group = typer.Typer(help=f"Read {resource.replace('_', ' ')}.", no_args_is_help=True, rich_markup_mode=None)
        group.command("list", help=f"List {resource.replace('_', ' ')}, proven whole.")(_command(resource))
        for command, work in further.get(resource, {}).items():
            group.command(command)(work)
        if resource == "records":
            records_commands.add_to(group)
        app.add_typer(group, name=name)


def _command(resource: str) -> Any:
    """The `list` command of one resource, with the options that only it has."""
    if resource == "studies":

        def studies(
            ctx: typer.Context,
            filter: FilterOption = None,
            sort: SortOption = None,
            limit: LimitOption = None,
            output: OutputOption = None,
        ) -> None:
            _list(ctx.obj, resource, None, filter, sort, limit, output, {})

        return studies
    if resource == "users":

        def users(
            ctx: typer.Context,
            study: StudyArgument = None,
            include_inactive: Annotated[bool, typer.Option(help="Also people who left the study.")] = False,
            sort: SortOption = None,
            limit: LimitOption = None,
            output: OutputOption = None,
        ) -> None:
            _list(ctx.obj, resource, study, None, sort, limit, output, {"include_inactive": include_inactive or None})

        return users
    if resource == "records":

        def records(
            ctx: typer.Context,
            study: StudyArgument = None,
            filter: FilterOption = None,
            record_data_filter: Annotated[
                str | None, typer.Option(help="Expression over answers, such as 'AESER==Yes'.")
            ] = None,
            sort: SortOption = None,
            limit: LimitOption = None,
            output: OutputOption = None,
        ) -> None:
            _list(ctx.obj, resource, study, filter, sort, limit, output, {"record_data_filter": record_data_filter})

        return records

    def others(
        ctx: typer.Context,
        study: StudyArgument = None,
        filter: FilterOption = None,
        sort: SortOption = None,
        limit: LimitOption = None,
        output: OutputOption = None,
    ) -> None:
        _list(ctx.obj, resource, study, filter, sort, limit, output, {})

    return others


def _list(
    connection: Connection,
    resource: str,
    study: str | None,
    filter: str | None,
    sort: list[str] | None,
    limit: int | None,
    output: Format | None,
    options: dict[str, Any],
) -> None:
    study_key = None if resource == "studies" else connection.study(study)
    if limit is None and sys.stdout.isatty():
        limit = LIMIT_ON_A_TERMINAL
    with connection.sdk() as sdk:
        endpoint = getattr(sdk, resource)
        arguments = {"filter": filter, "sort": sort or None, "raw": True, **options}
        if not limit:
            rows = endpoint.list(study_key, **arguments)
            proof = rows.proof
            if not proof.proven:
                say(f"not proven complete: {proof.reason}")
        else:
            # A page of one row more than asked for tells whether there are more.
            size = None if sort else min(limit + 1, _max_size(endpoint.operation))
            rows = list(islice(endpoint.iter(study_key, page_size=size, **arguments), limit + 1))
            if len(rows) > limit:
                rows = rows[:limit]
                say(f"the first {limit} rows; --limit 0 shows all")
        show(rows, output)


def _max_size(operation: Operation) -> int:
    assert operation.page is not None
    return operation.page.max_size
