"""`imednet RESOURCE list [STUDY]`: a group of commands for each resource, and its `list` command.

Further commands of a group are in the file of that group: `queries`, `visits`, `records`.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...resources import RESOURCES
from ..command_group import CommandGroup
from ..connection import Connection
from ..filter_check import check_filter
from ..known_names import remember
from ..options import OutputOption, StudyArgument
from ..output import Format, print_message, print_rows

if TYPE_CHECKING:
    from imednet_api.models import Variable
    from imednet_api.types import Operation

LIMIT_ON_A_TERMINAL = 50


FilterOption = Annotated[
    str | None, typer.Option("--filter", help="Expression such as 'formKey==AE;siteId==301', sent as it is.")
]
SortOption = Annotated[
    list[str] | None, typer.Option("--sort", help="Field and direction, as in dateModified,desc; may be repeated.")
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=0, help=f"Rows to show, 0 for all. On a terminal {LIMIT_ON_A_TERMINAL}.")
]


def add_groups(app: typer.Typer) -> dict[str, typer.Typer]:
    """Add a group with a `list` command for each resource; returns the groups by resource."""
    groups: dict[str, typer.Typer] = {}
    for resource in (entry.name for entry in RESOURCES.values() if entry.listed):
        words = resource.replace("_", " ")
        group = CommandGroup(f"Read {words}.")
        if resource != "records":
            group.command("list", help=f"List {words}, verified complete.")(_list_command(resource))
        app.add_typer(group, name=resource.replace("_", "-"))
        groups[resource] = group
    return groups


def _list_command(resource: str) -> Any:
    """The `list` command of one resource; studies and users have options of their own, and so have records."""
    if resource == "studies":

        def list_studies(
            ctx: typer.Context,
            filter: FilterOption = None,
            sort: SortOption = None,
            limit: LimitOption = None,
            output: OutputOption = None,
        ) -> None:
            _print_list(ctx.obj, resource, None, filter, sort, limit, output, {})

        return list_studies
    if resource == "users":

        def list_users(
            ctx: typer.Context,
            study: StudyArgument = None,
            include_inactive: Annotated[bool, typer.Option(help="Also people who left the study.")] = False,
            sort: SortOption = None,
            limit: LimitOption = None,
            output: OutputOption = None,
        ) -> None:
            options = {"include_inactive": include_inactive or None}
            _print_list(ctx.obj, resource, study, None, sort, limit, output, options)

        return list_users

    def list_resource(
        ctx: typer.Context,
        study: StudyArgument = None,
        filter: FilterOption = None,
        sort: SortOption = None,
        limit: LimitOption = None,
        output: OutputOption = None,
    ) -> None:
        _print_list(ctx.obj, resource, study, filter, sort, limit, output, {})

    return list_resource


def _print_list(
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
    with connection.sdk() as sdk:
        endpoint = getattr(sdk, resource)
        check_filter(endpoint.operation, filter)
        rows = limited_rows(endpoint, study_key, limit, {"filter": filter, "sort": sort or None, **options})
        if resource == "sites" and study_key is not None and filter is None and not limit:
            remember(study_key, {"sites": [row.get(field) for field in ("siteId", "siteName") for row in rows]})
        print_rows(rows, output, lambda: typed_table(endpoint, rows), list(endpoint.operation.item.FIELDS))


def typed_table(endpoint: Any, rows: list[Any], variables: list[Variable] | None = None, form: str = "records") -> Any:
    """Rows of a list as an Arrow table with the types of the description and, for records, of the form's variables."""
    from ...integrations.tables.frames import frame_of_rows

    table = frame_of_rows(rows, endpoint.operation.item, variables=variables, form=form, backend="arrow")
    issues = json.loads(table.schema.metadata[b"issues"])
    if issues:
        print_message(
            f"{len(issues)} values do not fit the type of their column and are missing there; the metadata `issues` of "
            "the file holds them"
        )
    return table


def limited_rows(endpoint: Any, study_key: str | None, limit: int | None, arguments: dict[str, Any]) -> list[Any]:
    """Rows of a list as dictionaries, as many as were asked for, with a message that says if there are more.

    Args:
        endpoint: the list.
        study_key: the study.
        limit: rows, 0 for all; `None` for all in a pipe and a screenful on a terminal.
        arguments: what the list takes besides.
    """
    if limit is None and sys.stdout.isatty():
        limit = LIMIT_ON_A_TERMINAL
    if not limit:
        rows = endpoint.list(study_key, raw=True, **arguments)
        if not rows.proof.proven:
            print_message(f"not proven complete: {rows.proof.reason}")
        return list(rows)
    # A page of one row more than asked for tells whether there are more.
    size = None if arguments.get("sort") else min(limit + 1, _max_page_size(endpoint.operation))
    found = list(islice(endpoint.iter(study_key, page_size=size, raw=True, **arguments), min(limit + 1, sys.maxsize)))
    if len(found) > limit:
        print_message(f"the first {limit} rows; --limit 0 shows all")
    return found[:limit]


def _max_page_size(operation: Operation) -> int:
    assert operation.page is not None
    return operation.page.max_size
