"""HTML reports as their readers see them."""

from __future__ import annotations

import html.parser

from imednet.workflows.monitoring import MonitoringTable
from imednet.workflows.monitoring.table import display


class Page(html.parser.HTMLParser):
    """The tables of a page, by the id of the article they stand in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[str] = []
        self.text = ""
        self._article = ""
        self._cell: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "article":
            self._article = str(dict(attrs)["id"])
        elif tag == "tr" and self._article:
            self.tables.setdefault(self._article, []).append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            if self._article:
                self.tables[self._article][-1].append("".join(self._cell))
            self._cell = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell is not None:
            self._cell.append(data)


def shown(table: MonitoringTable) -> list[list[str]]:
    """What a reader sees of a table."""
    rows = [*table.rows, *([table.total] if table.total is not None and table.rows else [])]
    return [[column.title for column in table.columns]] + [
        [display(row[column.name], column.kind) for column in table.columns] for row in rows
    ]
