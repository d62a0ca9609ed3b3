"""DataFrames: one function makes them all, whether rows come from an export or from a list that was read.

Types come from the study's design and from the API description, never from the values. Times in UTC have no zone in a
DataFrame, because Stata, SPSS and SAS know none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from imednet_api.models import Record, Variable
from imednet_api.types import Model

from ...errors import ArgumentError
from ...validation.kinds import Kind
from .._optional import _require_optional_dep
from .arrow import pyarrow, record_batch, schema_of
from .batches import Batch, Issue, Reader, without_zone
from .choices import Choices
from .layout import Column, Shape, Table, form_table, model_table
from .options import ExportOptions

Backend = Literal["pandas", "polars", "arrow"]
_TYPES = {
    Kind.INTEGER: "Int64",
    Kind.BOOLEAN: "boolean",
    Kind.NUMBER: "Float64",
    Kind.DATE: "datetime64[us]",
    Kind.DATETIME: "datetime64[us]",
    Kind.INSTANT: "datetime64[us]",
}
_SHAPE = Shape(values="typed")


def check_backend(backend: str) -> None:
    """Raise ArgumentError for a library that makes no frames here."""
    if backend not in get_args(Backend):
        raise ArgumentError(f"backend must be one of {', '.join(get_args(Backend))}, not {backend!r}")


def frame(table: Table, batches: Iterable[Batch], backend: Backend = "pandas") -> Any:
    """The rows of a table as a frame of pandas or polars, or as an Arrow table.

    Text with choices is an ordered categorical in pandas: the choices in their order, then whatever else is there.

    Returns:
        A frame; `frame.attrs` of pandas holds `form`, `labels` (column -> label), `variables` (column -> variable) and
        `choices` (column -> text and code of each).
    """
    if backend != "pandas":
        schema = schema_of(table)
        rows = pyarrow().Table.from_batches([record_batch(batch, schema) for batch in batches], schema)
        return rows if backend == "arrow" else _require_optional_dep("polars", "polars").from_arrow(rows)
    pandas = _require_optional_dep("pandas", "export")
    cells: list[list[Any]] = [[] for _ in table.columns]
    for batch in batches:
        for collected, more in zip(cells, batch.columns, strict=True):
            collected.extend(more)
    found = pandas.DataFrame(
        {column.name: _series(pandas, column, cells.pop(0)) for column in table.columns}  # freed one by one
    )
    columns = table.columns
    found.attrs["form"] = table.key
    found.attrs["labels"] = {column.name: column.label for column in columns if column.label}
    found.attrs["variables"] = {column.name: column.source for column in columns if column.part == "answer"}
    found.attrs["choices"] = {column.name: list(column.choices) for column in columns if column.choices}
    return found


def _series(pandas: Any, column: Column, cells: list[Any]) -> Any:
    if column.kind is Kind.INSTANT:
        cells = list(without_zone(cells))
    if column.kind is Kind.TIME:
        cells = [None if cell is None else cell.isoformat() for cell in cells]
    if column.choices and column.kind is Kind.TEXT:
        known = [code or text if column.coded else text for text, code in column.choices]
        others = {cell for cell in cells if cell is not None}.difference(known)
        categories = list(dict.fromkeys([*known, *sorted(others)]))
        return pandas.Series(cells, dtype=pandas.CategoricalDtype(categories, ordered=True))
    return pandas.Series(cells, dtype=_TYPES.get(column.kind, "string"))


def frame_of_rows(
    rows: Sequence[Any],
    model: type[Model],
    *,
    variables: Iterable[Variable] | None = None,
    form: str = "records",
    labels: bool = False,
    choices: Mapping[tuple[str, str], Choices] | None = None,
    backend: Backend = "pandas",
) -> Any:
    """Rows that were read as a frame.

    Args:
        rows: rows of a list, typed or as dictionaries.
        model: the resource they are of.
        variables: the variables of the form, for records: each has a column of its type. Without them each answer that
            any record has becomes a column of text.
        form: the form's key.
        labels: name columns by the labels of the variables.
        choices: `(form key, variable name)` -> text and code of each choice.
        backend: the library.

    Returns:
        A frame as `frame` makes it; `attrs["issues"]` of pandas, and `issues` in the metadata of an Arrow schema as
        JSON, list the values that fit no column, each with its record, variable, text and reason.
    """
    check_backend(backend)
    dicts = [row if isinstance(row, dict) else row.to_dict() for row in rows]
    if model is Record:
        given = _answered(dicts) if variables is None else list(variables)
        options = ExportOptions(choices=choices, names="label" if labels else "name", unblind="already read")
        table, _ = form_table(form, given, options, _SHAPE)
    else:
        table = model_table(form, model, _SHAPE)
    batch, issues = Reader(table).batch(0, [json.dumps(row).encode() for row in dicts])
    found = frame(table, [batch], backend)
    listed = [_issue(issue) for issue in issues]
    if backend == "pandas":
        found.attrs["issues"] = listed
    elif backend == "arrow":
        found = found.replace_schema_metadata({**(found.schema.metadata or {}), "issues": json.dumps(listed)})
    return found


def _answered(rows: Iterable[Mapping[str, Any]]) -> list[Variable]:
    """A variable of text for each answer that any record has, in the order in which they come."""
    answers = (row.get("recordData") for row in rows)
    names = dict.fromkeys(name for one in answers if isinstance(one, dict) for name in one)
    return [Variable(variable_name=name, variable_id=number) for number, name in enumerate(names, 1)]


def _issue(issue: Issue) -> dict[str, Any]:
    return {
        "recordId": issue.record_id,
        "variable": issue.variable,
        "value": issue.value,
        "reason": issue.reason,
    }
