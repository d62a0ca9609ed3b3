"""The table that every monitoring function gives: columns with titles, rows, a total, and a chart where one helps.

A table knows nothing of where it is shown. The command line, reports and the dashboard print, write and draw it as it
is, so a figure is the same in all of them.

>>> table = MonitoringTable(
...     "example", "Subjects by site", "Subjects that are not deleted.",
...     (Column("site", "Site"), Column("subjects", "Subjects", "count")),
...     [{"site": "Nordau", "subjects": 11}, {"site": "Lakeshore", "subjects": 14}],
... ).with_total({"site": "all"})
>>> table.total, table.sorted_by("-subjects").rows[0]["site"]
({'site': 'all', 'subjects': 25}, 'Lakeshore')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from ...errors import ArgumentError
from ...utils.text import whole

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | None
"""A value of a table; JSON, CSV and Excel have all of them. Days and times are texts as ISO 8601 writes them."""

Row = dict[str, Cell]

Kind = Literal["text", "count", "percent", "days", "number", "date", "moment", "yes"]
"""What the values of a column are: `percent` is 0 to 100, `days` may be negative, `yes` is true or false."""

SUMMED: Final = frozenset({"count"})
"""Kinds whose values add up to a total; means and shares do not."""


_FRAME_TYPES: Final[dict[Kind, Any]] = {
    "count": "Int64", "percent": "Float64", "number": "Float64", "days": "Float64", "yes": "boolean",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its key in the rows, as the API spells such names.
        title: its heading, for people.
        kind: what its values are.
        urgent: whether it is shown however narrow the page is.
        minor: whether it is the first to go where there is no room.
    """

    name: str
    title: str
    kind: Kind = "text"
    urgent: bool = False
    minor: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture of a table, described by the names of its columns.

    Attributes:
        mark: bars, a line, points, cells of a heat map, or points in time (`days`).
        x, y: columns along the axes; bars lie along `x`, and `y` says what each is of.
        color: the column that colours mean, and for points what each is of.
        stacked: columns whose values are drawn as parts of one bar, in place of `x`.
    """

    mark: Literal["bar", "line", "points", "heatmap", "days"]
    x: str
    y: str
    color: str | None = None
    stacked: tuple[str, ...] = ()


@dataclass(frozen=True)
class MonitoringTable:
    """A table with what people need to read it.

    Attributes:
        name: which table it is, such as `queries`.
        title: its heading.
        caption: what is counted, and by which rule.
        columns: its columns, in order.
        rows: one dictionary a row, with a value for each column.
        total: the last line, over all rows; `None` where nothing adds up.
        chart: its picture, where one helps.
        notes: what a reader must know, such as how many rows were left out.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: list[Row]
    total: Row | None = None
    chart: Chart | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Bring the values of each row into the order of the columns, and texts into a form that every output takes."""
        names = [column.name for column in self.columns]
        object.__setattr__(self, "rows", [{name: _legible(row[name]) for name in names} for row in self.rows])
        object.__setattr__(self, "title", whole(self.title))
        object.__setattr__(self, "caption", whole(self.caption))

    def __len__(self) -> int:
        """The number of rows, without the total."""
        return len(self.rows)

    def __repr__(self) -> str:
        """Its name and size; rows hold data of subjects."""
        return f"<MonitoringTable {self.name}: {len(self.rows)} rows, {len(self.columns)} columns>"

    def column(self, name: str) -> Column:
        """A column by its name. Raises ArgumentError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise ArgumentError(
            f"table {self.name!r} has no column {name!r}; there are {', '.join(column.name for column in self.columns)}"
        )

    def with_total(self, labels: Mapping[str, Cell], **computed: Cell) -> MonitoringTable:
        """The table with a last line: sums of what adds up, `labels` and `computed` for the other columns."""
        total: Row = {}
        for column in self.columns:
            if column.name in labels:
                total[column.name] = labels[column.name]
            elif column.name in computed:
                total[column.name] = computed[column.name]
            elif column.kind in SUMMED:
                total[column.name] = sum(value for row in self.rows if isinstance(value := row[column.name], int))
            else:
                total[column.name] = None
        return replace(self, total=total)

    def sorted_by(self, order: str) -> MonitoringTable:
        """The table in the order of a column, `-NAME` for the largest first; missing values come last.

        Raises:
            ArgumentError: there is no such column.
        """
        descending = order.startswith("-")
        name = self.column(order.removeprefix("-")).name
        present = [row for row in self.rows if row[name] is not None]
        missing = [row for row in self.rows if row[name] is None]
        return replace(self, rows=sorted(present, key=_order(name), reverse=descending) + missing)

    def first(self, count: int) -> MonitoringTable:
        """The first rows, with a note that says how many there are."""
        if len(self.rows) <= count:
            return self
        note = f"the first {count:,} of {len(self.rows):,} rows"
        return replace(self, rows=self.rows[:count], notes=(*self.notes, note))

    def to_rows(self) -> list[Row]:
        """Copies of the rows, without the total."""
        return [dict(row) for row in self.rows]

    def to_frame(self) -> pd.DataFrame:
        """The rows as a DataFrame. Needs pandas (extra `export`)."""
        import pandas as pd

        data = {
            column.name: pd.Series(
                [row[column.name] for row in self.rows], dtype=_FRAME_TYPES.get(column.kind, "string")
            )
            for column in self.columns
        }
        return pd.DataFrame(data)


def _legible(value: Cell) -> Cell:
    """A value without halves of characters, which neither a file nor a page can hold."""
    return whole(value) if isinstance(value, str) and not value.isascii() else value


def _order(name: str) -> Callable[[Row], tuple[str, Any]]:
    def key(row: Row) -> tuple[str, Any]:
        value = row[name]
        return ("", value) if isinstance(value, (int, float)) else ("text", str(value).casefold())

    return key


def percent(part: int | float, whole: int | float) -> float | None:
    """A share in percent with one decimal; `None` of nothing.

    >>> percent(1, 3), percent(0, 0)
    (33.3, None)
    """
    return round(100 * part / whole, 1) if whole else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which a share of the others lies, between neighbours in proportion; `None` of nothing.

    >>> quantile([1, 2, 3, 10], 0.5), quantile([4], 0.9), quantile([], 0.5)
    (2.5, 4.0, None)
    """
    if not values:
        return None
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return round(ranked[low] + (ranked[high] - ranked[low]) * (place - low), 1)


def display(value: Cell, kind: Kind) -> str:
    """A value as people read it, on a terminal, a page and in a report.

    >>> display(94.4, "percent"), display(1234, "count"), display(True, "yes"), display(None, "days")
    ('94.4 %', '1,234', 'yes', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind == "percent":
        return f"{value} %"
    if kind == "count" and isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)
