"""`imednet records list`: records with their answers, one column a variable where a form is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ...errors import ArgumentError
from .. import completion
from ..connection import Connection
from ..filter_check import check_expression, check_filter, known_name, nearest
from ..known_names import remember
from ..options import OutputOption, SiteOption, StudyArgument
from ..output import print_message, print_rows
from .lists import FilterOption, LimitOption, SortOption, limited_rows, typed_table

if TYPE_CHECKING:
    from imednet_api.models import Variable

    from ...sdk import ImednetSDK

FIRST: Final[tuple[str, ...]] = ("recordId", "subjectKey", "siteId", "intervalId", "recordStatus")
"""Fields that stand before the answers; the others stand behind them."""


def list_records(
    ctx: typer.Context,
    study: StudyArgument = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--form",
            help="Only this form, with a column for each variable.",
            show_default=False,
            autocompletion=completion.names("forms"),
        ),
    ] = None,
    site: SiteOption = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only this subject, by its key.")] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="Expression over answers, such as 'AESER==Yes;AESEV==Severe'.")
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            help="Only these columns, with commas between; may be repeated.",
            autocompletion=completion.names("variables"),
        ),
    ] = None,
    filter: FilterOption = None,
    record_data_filter: Annotated[str | None, typer.Option(help="The same as --where.", hidden=True)] = None,
    sort: SortOption = None,
    limit: LimitOption = None,
    output: OutputOption = None,
) -> None:
    """List records with their answers, verified complete."""
    connection: Connection = ctx.obj
    study_key = connection.study(study)
    if where and record_data_filter:
        raise typer.BadParameter("--where and --record-data-filter are the same: give one of them")
    with connection.sdk() as sdk:
        check_filter(sdk.records.operation, filter)
        variables: list[Variable] = []
        if form is not None:
            keys = [str(one.form_key) for one in sdk.forms.list(study_key)]
            form = known_name(form, keys, "form", f"imednet forms list {study_key}")
            variables = [one for one in sdk.variables.list(study_key) if one.form_key == form]
            variables.sort(key=lambda one: (one.sequence or 0, one.variable_id or 0))
        names = list(dict.fromkeys(str(one.variable_name) for one in variables if one.variable_name))
        check_expression(where or record_data_filter, names, f"records of {form}", "--where")
        named = {"form_key": form, "site_id": _site_id(sdk, study_key, site), "subject_key": subject}
        arguments = {
            "filter": filter, "record_data_filter": where or record_data_filter, "sort": sort or None,
            **{name: value for name, value in named.items() if value is not None},
        }  # fmt: skip
        rows = limited_rows(sdk.records, study_key, limit, arguments)
        if not rows and subject is not None:
            _check_subject(sdk, study_key, subject)
    wanted = [name.strip() for part in select or () for name in part.split(",") if name.strip()]
    shown = rows if form is None else [flat(row, names) for row in rows]

    def typed() -> Any:
        table = typed_table(sdk.records, rows, variables or None, form or "records")
        return table.select([one for one in wanted if one in table.column_names]) if wanted else table

    fields = dict.fromkeys(sdk.records.operation.item.FIELDS)
    columns = wanted or list(fields if form is None else flat(fields, names))
    print_rows(_selected(shown, wanted) if wanted else shown, output, typed, columns)


def flat(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """A record as one level: first what identifies it, then its answers, then its other fields.

    Args:
        row: the record as it came.
        names: variables of the form, in order; each has a column. Further answers follow them.
    """
    answers = row.get("recordData")
    fields = {name: value for name, value in row.items() if name != "recordData"}
    answers = answers if isinstance(answers, dict) else {}
    named = {name: answers.get(name) for name in dict.fromkeys([*names, *answers])}
    first = {name: fields.pop(name) for name in FIRST if name in fields}
    return {
        **first,
        **{f"data.{name}" if name in row else name: value for name, value in named.items()},
        **fields,
    }


def _selected(rows: list[dict[str, Any]], wanted: list[str]) -> list[dict[str, Any]]:
    known = dict.fromkeys(name for row in rows for name in row)
    for name in wanted:
        if rows and name not in known:
            near = nearest(name, known)
            hint = f" Did you mean {near!r}?" if near is not None else " Next: leave out --select to see all columns"
            raise ArgumentError(f"--select: there is no column {name!r}.{hint}")
    return [{name: row.get(name) for name in wanted} for row in rows]


def _site_id(sdk: ImednetSDK, study_key: str, site: str | None) -> int | None:
    """The number of a site that was named by number or name."""
    if site is None:
        return None
    sites = sdk.sites.list(study_key)
    remember(study_key, {"sites": [*(one.site_id for one in sites), *(one.site_name for one in sites)]})
    by_name = {str(one.site_name): one.site_id for one in sites}
    by_number = {str(one.site_id): one.site_id for one in sites}
    if site in by_number:
        return by_number[site]
    return by_name[known_name(site, by_name, "site", f"imednet sites list {study_key}")]


def _check_subject(sdk: ImednetSDK, study_key: str, subject: str) -> None:
    """Say so if there is no such subject; one without records is no mistake."""
    keys = [str(one.subject_key) for one in sdk.subjects.list(study_key)]
    if subject not in keys:
        known_name(subject, keys, "subject", f"imednet subjects list {study_key}")
    print_message(f"subject {subject} has no such records")
