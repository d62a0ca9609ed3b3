"""A monitoring table on a page: heading, chart, search, rows by pages, downloads, and what lies behind a bar or a cell.

The chart, the table and the files are made of the same `MonitoringTable` as reports and the command line.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import altair
import pandas as pd
import streamlit as st

from imednet.reports.charts import chart_label, cut_off, draw, drawable
from imednet.reports.workbook import write_table
from imednet.utils.csv_text import guarded, write_csv
from imednet.utils.text import whole
from imednet.workflows.monitoring import MonitoringTable
from imednet.workflows.monitoring.table import Cell, Kind, Row, display

from . import texts
from .markdown import plain

ROWS_A_PAGE: Final = 500
_PICKED: Final = "picked"
_FORMATS: Final[dict[Kind, str]] = {"count": "%,d", "percent": "%.1f %%", "number": "%g", "days": "%g"}
_AXES: Final = {"bar": {"label": "y"}, "heatmap": {"y": "y", "x": "x"}}
"""Mark -> field of its data -> axis of the chart whose column it holds."""


def show(
    table: MonitoringTable, key: str, *, pick: bool = False, folded: bool = False, told: Sequence[str] = ()
) -> dict[str, Cell]:
    """Show a table.

    Args:
        table: the table.
        key: names it among all tables of the dashboard.
        pick: whether a bar or a cell can be chosen.
        folded: whether the rows below the chart are folded away at first.
        told: notes that the page has told already.

    Returns:
        What was chosen: names of columns with their values; empty where everything is shown.
    """
    st.header(plain(table.title))
    st.caption(plain(table.caption))
    for note in table.notes:
        if note not in told:
            st.caption(f"⚠ {plain(note)}")
    if not table.rows:
        st.info(texts.NO_ROWS)
        return {}
    choosing = pick and table.chart is not None and table.chart.mark in _AXES
    if drawable(table):
        _chart(table, key, choosing=choosing)
    chosen = _behind(table, key) if choosing else {}
    with st.expander(texts.ROWS) if folded else st.container():
        _rows(table, key)
    return chosen


def small(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Show a few rows of texts, named by their headings."""
    texts_of = [{name: None if value is None else whole(str(value)) for name, value in row.items()} for row in rows]
    st.dataframe(pd.DataFrame(texts_of, dtype="string"), hide_index=True, placeholder="", alt=title)


def only(table: MonitoringTable, chosen: Mapping[str, Cell]) -> MonitoringTable:
    """The rows of a table that have the chosen values, without its notes, which count all rows.

    Raises ArgumentError if the table lacks a column.
    """
    for name in chosen:
        table.column(name)
    rows = [row for row in table.rows if all(row[name] == value for name, value in chosen.items())]
    return replace(table, rows=rows, total=None, notes=())


def _dimensions(table: MonitoringTable) -> dict[str, str]:
    """Field of the chart's data -> column it holds."""
    chart = table.chart
    assert chart is not None
    return {field: getattr(chart, axis) for field, axis in _AXES[chart.mark].items()}


def _chart(table: MonitoringTable, key: str, *, choosing: bool) -> None:
    drawn: Any = draw(table)
    options: dict[str, Any] = {"width": "stretch"}
    if choosing:
        drawn = drawn.add_params(altair.selection_point(name=_PICKED, fields=list(_dimensions(table))))
        options |= {"key": f"{key}-chart", "on_select": _clicked(table, key), "selection_mode": _PICKED}
    st.altair_chart(drawn, **options)
    if (left_out := cut_off(table)) is not None:
        st.caption(plain(left_out))


def _clicked(table: MonitoringTable, key: str) -> Callable[[], None]:
    """What a click in the chart does: it sets the choice below the chart."""

    def clicked() -> None:
        points = st.session_state[f"{key}-chart"].selection.get(_PICKED) or [{}]
        for field, column in _dimensions(table).items():
            st.session_state[f"{key}-{column}"] = points[-1].get(field, texts.EVERYTHING)

    return clicked


def _behind(table: MonitoringTable, key: str) -> dict[str, Cell]:
    chosen: dict[str, Cell] = {}
    columns = list(_dimensions(table).values())
    for place, name in zip(st.columns(len(columns)), columns, strict=True):
        labels: dict[str, Row] = {}
        for row in table.rows:
            labels.setdefault(chart_label(row, name), row)
        options = [texts.EVERYTHING, *labels]
        if st.session_state.get(f"{key}-{name}") not in options:
            st.session_state[f"{key}-{name}"] = texts.EVERYTHING
        heading = f"{texts.BEHIND}: {table.column(name).title}"
        label = place.selectbox(plain(heading), options, key=f"{key}-{name}", help=texts.BEHIND_HELP)
        if label in labels:
            row = labels[label]
            chosen[name] = row[name]
            if name == "variable" and "formKey" in row:  # two forms may have a variable of one name
                chosen["formKey"] = row["formKey"]
    return chosen


def _rows(table: MonitoringTable, key: str) -> None:
    searching, csv, excel = st.columns([4, 1, 1], vertical_alignment="bottom")
    sought = searching.text_input(texts.SEARCH, key=f"{key}-search")
    name = table.name.replace(" ", "_")
    csv.download_button(
        texts.CSV,
        lambda: as_csv(table),
        f"{name}.csv",
        "text/csv",
        key=f"{key}-csv",
        on_click="ignore",
        width="stretch",
    )
    excel.download_button(
        texts.EXCEL, lambda: as_workbook(table), f"{name}.xlsx", key=f"{key}-xlsx", on_click="ignore", width="stretch"
    )  # fmt: skip
    found = [row for row in table.rows if _has(table, row, sought)] if sought else table.rows
    first = 0
    if len(found) > ROWS_A_PAGE:
        found = _sorted(table, found, key)
        pages = -(-len(found) // ROWS_A_PAGE)
        page = st.number_input(f"{texts.PAGE} (1 – {pages:,})", 1, pages, key=f"{key}-page")
        first = (int(page) - 1) * ROWS_A_PAGE
    part = replace(table, rows=found[first : first + ROWS_A_PAGE])
    frame = part.to_frame()
    names = {column.name: f"c{place}" for place, column in enumerate(table.columns)}
    st.dataframe(
        frame.rename(columns=names),
        hide_index=True,
        column_config={names[column.name]: _column(column.title, column.kind) for column in table.columns},
        key=f"{key}-rows",
        placeholder="",
        alt=table.title,
    )
    told = [texts.ROWS_FOUND.format(found=len(found), rows=len(table.rows))]
    if len(found) > ROWS_A_PAGE:
        told.append(texts.SHOWN.format(first=first + 1, last=first + len(part.rows)))
    if table.total is not None and not sought:
        told += [
            f"{column.title}: {display(table.total[column.name], column.kind)}"
            for column in table.columns
            if column.kind in ("count", "percent") and table.total[column.name] is not None
        ]
    st.caption(plain(" · ".join(told)))


def _sorted(table: MonitoringTable, rows: list[Row], key: str) -> list[Row]:
    """All rows in the order of a column; a click on a heading sorts only those of the page that is shown."""
    orders = {texts.AS_LISTED: ""} | {
        f"{column.title} {arrow}": f"{sign}{column.name}"
        for column in table.columns
        for arrow, sign in (("↓", "-"), ("↑", ""))
    }
    order = orders[st.selectbox(texts.SORT, list(orders), key=f"{key}-sort")]
    return replace(table, rows=rows).sorted_by(order).rows if order else rows


def _column(title: str, kind: Kind) -> Any:
    if kind == "yes":
        return st.column_config.CheckboxColumn(title)
    if kind in _FORMATS:
        return st.column_config.NumberColumn(title, format=_FORMATS[kind])
    return st.column_config.TextColumn(title)


def _has(table: MonitoringTable, row: Row, sought: str) -> bool:
    wanted = sought.casefold()
    return any(wanted in display(row[column.name], column.kind).casefold() for column in table.columns)


def as_csv(table: MonitoringTable) -> str:
    """The rows of a table as CSV that a spreadsheet opens without running anything."""
    file = io.StringIO()
    rows = ({name: guarded(value) for name, value in row.items()} for row in table.rows)
    write_csv(file, [column.name for column in table.columns], rows)
    return file.getvalue()


def as_workbook(table: MonitoringTable) -> bytes:
    """A table as a workbook of one sheet."""
    file = io.BytesIO()
    write_table(table, file)
    return file.getvalue()
