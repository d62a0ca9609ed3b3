"""Charts of monitoring tables, drawn with Altair (extra `report`).

A chart is drawn from its table and nothing else. Columns get neutral names in it, since a study's own names could mean
something to the library, and long tables are drawn by their first rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..utils.optional_library import optional_library
from ..workflows.monitoring.table import Cell, Column, Kind, MonitoringTable, Row
from ..workflows.visits import day_of

if TYPE_CHECKING:
    import altair as alt

PALETTE: Final = ("#0b6e99", "#e69f00", "#c2571a", "#8a1c4a", "#2f8f5b", "#7a5195", "#5b6b7a", "#9a8700")
"""Colours that differ for colour-blind readers too, on white and on dark ground."""

MOST_BARS: Final = 30
_MOST_CELLS: Final = 2_500
_ROWS: Final = "rows"
"""The name that a chart uses for «how many rows», where no column counts them."""


def drawable(table: MonitoringTable) -> bool:
    """Whether a table has a chart and something to draw: rows, and for bars a value above 0."""
    chart = table.chart
    if chart is None or not table.rows:
        return False
    if chart.mark == "days":
        return any(is_day(row[chart.x]) for row in table.rows)
    if chart.mark != "bar" or chart.x == _ROWS:
        return True
    return any(row[name] for row in table.rows for name in chart.stacked or (chart.x,))


def cut_off(table: MonitoringTable) -> str | None:
    """What a chart leaves out of its table, as a sentence; `None` where it shows all."""
    chart = table.chart
    if chart is not None and chart.mark == "days":
        nowhere = sum(not is_day(row[chart.x]) for row in table.rows)
        return f"{nowhere:,} rows without a whole day are not in the chart" if nowhere else None
    if chart is None or chart.mark not in ("bar", "heatmap"):
        return None
    labels = len({chart_label(row, chart.y) for row in table.rows})
    most = MOST_BARS if chart.mark == "bar" else _most_lines(table)
    return f"the chart shows the first {most:,} of {labels:,}" if labels > most else None


def _most_lines(table: MonitoringTable) -> int:
    """How many lines of a heat map are drawn."""
    assert table.chart is not None
    across = len({chart_label(row, table.chart.x) for row in table.rows})
    return max(1, _MOST_CELLS // max(1, across))


def draw(table: MonitoringTable, *, width: int | str = "container", height: int | None = None) -> alt.Chart:
    """Draw the chart of a table.

    Args:
        table: a table with a chart and at least one row.
        width: in pixels, or `"container"` for the width of the page.
        height: in pixels; by the number of rows where it is left out.
    """
    altair: Any = optional_library("altair", "report")
    chart = table.chart
    assert chart is not None
    if chart.mark == "heatmap":
        made = _heatmap(altair, table)
    elif chart.mark == "line":
        made = _line(altair, table)
    elif chart.mark == "points":
        made = _points(altair, table)
    elif chart.mark == "days":
        made = _days(altair, table)
    else:
        made = _bars(altair, table)
    sizes: dict[str, Any] = {"width": width} if height is None else {"width": width, "height": height}
    drawn: alt.Chart = made.properties(description=f"{table.title}. {table.caption}", **sizes)
    return drawn


def is_day(value: Cell) -> bool:
    """Whether a value is a whole day; partial dates have no place on an axis of time."""
    return isinstance(value, str) and day_of(value) is not None


def _column(table: MonitoringTable, name: str) -> Column:
    return Column(_ROWS, "Rows", "count") if name == _ROWS else table.column(name)


def _data(altair: Any, rows: list[Row]) -> Any:
    return altair.Data(values=rows)


def _axis(table: MonitoringTable, name: str) -> str:
    column = _column(table, name)
    return f"{column.title}, %" if column.kind == "percent" else column.title


def chart_label(row: Row, name: str) -> str:
    """The label of a row in a chart.

    A site is called by its number and name and a variable by its form and name, since two can share a name.
    """
    value = row[name]
    if name == "siteId" and value is not None and (site := row.get("siteName") or row.get("name")):
        return f"{value} {site}"
    if name == "variable" and row.get("formKey"):
        return f"{row['formKey']}.{'(none)' if value is None else value}"
    return "(none)" if value is None else str(value)


def _bars(altair: Any, table: MonitoringTable) -> Any:
    """Horizontal bars, one a label; parts of a bar where the chart stacks columns or has a colour."""
    chart = table.chart
    assert chart is not None
    label, value = chart.y, _ROWS if chart.stacked else chart.x
    rows: list[Row] = []
    order: dict[str, float] = {}
    parts = [_column(table, name).title for name in chart.stacked]
    for row in table.rows:
        text = chart_label(row, label)
        if text not in order and len(order) == MOST_BARS:
            continue
        if chart.stacked:
            pieces: list[Row] = [
                {"label": text, "value": row[name], "part": part, "place": place}
                for place, (name, part) in enumerate(zip(chart.stacked, parts, strict=True))
            ]
        elif chart.color is not None:
            pieces = [{"label": text, "value": _number(row, value), "part": chart_label(row, chart.color), "place": 0}]
        else:
            pieces = [{"label": text, "value": _number(row, value), "part": "", "place": 0}]
        pieces = [piece for piece in pieces if piece["value"] is not None]
        rows += pieces
        order[text] = order.get(text, 0) + sum(float(piece["value"] or 0) for piece in pieces)
    titles = "Count" if chart.stacked else _axis(table, value)
    encoding: dict[str, Any] = {
        "y": altair.Y("label:N", title=_axis(table, label), sort=list(order), axis=altair.Axis(labelLimit=180)),
        "x": altair.X("value:Q", title=titles, aggregate="sum", axis=_ticks(altair, table, value)),
        "tooltip": [
            altair.Tooltip("label:N", title=_axis(table, label)),
            altair.Tooltip("value:Q", title=titles, aggregate="sum"),
        ],
    }  # fmt: skip
    if chart.stacked or chart.color is not None:
        domain = parts or list(dict.fromkeys(str(row["part"]) for row in rows))
        encoding["color"] = altair.Color(
            "part:N", title=None if chart.stacked else _axis(table, chart.color or ""), sort=domain,
            scale=altair.Scale(domain=domain, range=_colours(len(domain))),
            legend=altair.Legend(orient="top", columns=1, labelLimit=140),
        )  # fmt: skip
        encoding["order"] = altair.Order("place:Q")
        encoding["tooltip"].append(altair.Tooltip("part:N", title="Part"))
        mark = {"type": "bar"}
    else:
        mark = {"type": "bar", "color": PALETTE[0]}
    made = altair.Chart(_data(altair, rows)).mark_bar(**{key: value for key, value in mark.items() if key != "type"})
    return made.encode(**encoding).properties(height={"step": 22})


def _ticks(altair: Any, table: MonitoringTable, name: str) -> Any:
    """An axis for numbers, in whole steps where only whole ones occur."""
    whole = name == _ROWS or _column(table, name).kind == "count"
    return altair.Axis(tickMinStep=1, format=",d") if whole else altair.Axis()


def _number(row: Row, name: str) -> float | int | None:
    if name == _ROWS:
        return 1
    value = row[name]
    return value if isinstance(value, (int, float)) else None


def _colours(count: int) -> list[str]:
    return [PALETTE[place % len(PALETTE)] for place in range(count)]


def _line(altair: Any, table: MonitoringTable) -> Any:
    """A line over months, and a second one for what was planned where the table has it."""
    chart = table.chart
    assert chart is not None
    lines = [(chart.y, "actual")] + [("planned", "planned")] * any(one.name == "planned" for one in table.columns)
    rows: list[Row] = [
        {"x": row[chart.x], "y": row[name], "line": word}
        for row in table.rows
        for name, word in lines
        if row[name] is not None
    ]
    domain = [word for _, word in lines]
    return (
        altair.Chart(_data(altair, rows))
        .mark_line(point=True, interpolate="step-after")
        .encode(
            x=altair.X("x:O", title=_axis(table, chart.x), axis=altair.Axis(labelAngle=-45, labelOverlap=True)),
            y=altair.Y("y:Q", title=_axis(table, chart.y)),
            color=altair.Color(
                "line:N", title=None, sort=domain, scale=altair.Scale(domain=domain, range=_colours(len(domain))),
                legend=altair.Legend(orient="top") if len(domain) > 1 else None,
            ),
            tooltip=[altair.Tooltip("x:O", title=_axis(table, chart.x)),
                     altair.Tooltip("y:Q", title=_axis(table, chart.y)), altair.Tooltip("line:N", title="Line")],
        )
        .properties(height=260)
    )  # fmt: skip


def _points(altair: Any, table: MonitoringTable) -> Any:
    """A point a row, with its label beside it."""
    chart = table.chart
    assert chart is not None
    label = chart.color or table.columns[0].name
    rows: list[Row] = [
        {"x": row[chart.x], "y": row[chart.y], "label": chart_label(row, label)}
        for row in table.rows
        if row[chart.x] is not None and row[chart.y] is not None
    ]
    return (
        altair.Chart(_data(altair, rows))
        .mark_circle(size=110, color=PALETTE[0], opacity=0.8)
        .encode(
            x=altair.X("x:Q", title=_axis(table, chart.x)),
            y=altair.Y("y:Q", title=_axis(table, chart.y)),
            tooltip=[altair.Tooltip("label:N", title=_axis(table, label)),
                     altair.Tooltip("x:Q", title=_axis(table, chart.x)),
                     altair.Tooltip("y:Q", title=_axis(table, chart.y))],
        )
        .properties(height=280)
    )  # fmt: skip


def _days(altair: Any, table: MonitoringTable) -> Any:
    """A mark a row on the axis of time."""
    chart = table.chart
    assert chart is not None
    assert chart.color is not None
    rows: list[Row] = [
        {
            "x": _local(row[chart.x]),
            "end": _local(row["end"] if is_day(row.get("end")) else row[chart.x]),
            "y": chart_label(row, chart.y),
            "part": chart_label(row, chart.color),
            "label": chart_label(row, "name"),
        }
        for row in table.rows
        if is_day(row[chart.x])
    ]
    parts = list(dict.fromkeys(str(row["part"]) for row in rows))
    return (
        altair.Chart(_data(altair, rows))
        .mark_tick(thickness=4, size=18)
        .encode(
            x=altair.X("x:T", title=_axis(table, chart.x)),
            y=altair.Y("y:N", title=_axis(table, chart.y)),
            color=altair.Color("part:N", title=None, scale=altair.Scale(domain=parts, range=_colours(len(parts))),
                               legend=altair.Legend(orient="top", columns=1, labelLimit=140)),
            tooltip=[altair.Tooltip("x:T", title=_axis(table, chart.x)), altair.Tooltip("end:T", title="To"),
                     altair.Tooltip("label:N", title="Name"), altair.Tooltip("part:N", title="State")],
        )
        .properties(height={"step": 46})
    )  # fmt: skip


def _local(day: Cell) -> str:
    """A day as the library draws it on that day everywhere.

    A day without a time is midnight of UTC to it, which is the day before in America.
    """
    return f"{str(day)[:10]}T00:00:00"


def _heatmap(altair: Any, table: MonitoringTable) -> Any:
    """Cells of two labels, coloured by a value."""
    chart = table.chart
    assert chart is not None
    assert chart.color is not None
    across = list(dict.fromkeys(chart_label(row, chart.x) for row in table.rows))
    down = list(dict.fromkeys(chart_label(row, chart.y) for row in table.rows))[: _most_lines(table)]
    shown = set(down)
    rows: list[Row] = [
        {"x": chart_label(row, chart.x), "y": chart_label(row, chart.y), "value": row[chart.color]}
        for row in table.rows
        if chart_label(row, chart.y) in shown
    ]
    kind: Kind = _column(table, chart.color).kind
    length = min(200, max(40, 16 * len(down) - 30))  # a legend that is longer than the map would be cut off
    scale = (
        altair.Scale(domain=[0, 50, 100], range=["#b3446c", "#f2e3bc", "#0b6e99"])
        if kind == "percent"
        else altair.Scale(domain=[-2, 0, 2], range=["#7a5195", "#f4f4f0", "#c2571a"])
    )
    return (
        altair.Chart(_data(altair, rows))
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=altair.X("x:N", title=_axis(table, chart.x), sort=across, axis=altair.Axis(orient="top", labelAngle=-45)),
            y=altair.Y("y:N", title=_axis(table, chart.y), sort=down, axis=altair.Axis(labelLimit=160)),
            color=altair.Color("value:Q", title=_axis(table, chart.color), scale=scale,
                               legend=altair.Legend(orient="right", gradientLength=length)),
            tooltip=[altair.Tooltip("y:N", title=_axis(table, chart.y)),
                     altair.Tooltip("x:N", title=_axis(table, chart.x)),
                     altair.Tooltip("value:Q", title=_axis(table, chart.color))],
        )
        .properties(height={"step": 16})
    )  # fmt: skip
