"""A report as one HTML file that opens without a network: charts with their library inside, a table behind each.

All texts from a study are escaped, in the page as in the descriptions of charts. Nothing in the file asks for anything
outside of it, and a policy in its head forbids it to.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from ..utils import disk
from ..utils.optional_library import optional_library
from ..utils.text import whole
from ..workflows.monitoring.table import MonitoringTable, Row, display
from .charts import cut_off, draw, drawable
from .report import Report

MOST_ROWS: Final = {"interactive": 500, "pictures": 60}
"""Rows of one table on a page and on paper; the workbook has all."""

_RIGHT: Final = frozenset({"count", "percent", "days", "number"})

_STYLE: Final = (Path(__file__).with_name("report.css")).read_text("utf-8")

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:"
)

_DRAW: Final = """
for (const place of document.querySelectorAll('.chart[data-spec]')) {
  const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
  vegaEmbed(place, spec, {actions: false, renderer: 'svg', ast: true}).catch(() => {
    place.textContent = 'The chart could not be drawn; its table follows.';
  });
}
"""


def write_html(report: Report, path: str | Path) -> None:
    """Write a report as one HTML file, whole or not at all. Needs the extra `report`."""
    disk.write_whole(Path(path), page(report, "interactive"))


def page(report: Report, charts: Literal["interactive", "pictures"]) -> str:
    """The page of a report.

    Args:
        report: the report.
        charts: with the library that draws them, or as pictures (SVG) that need none, for PDF.
    """
    specs: list[str] = []
    parts = [_cover(report)]
    for section in report.sections:
        parts.append(f'<section id="{section.name}"><h2>{_text(section.title)}</h2>')
        parts += [
            _table(table, f"{section.name}-{place}", charts, specs, report.notes)
            for place, table in enumerate(section.tables)
        ]
        parts.append("</section>")
    scripts = _scripts(specs) if charts == "interactive" else ""
    return whole(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{_text(report.study_key)}: study report</title><style>{_STYLE}</style></head><body>"
        f'<a class="skip" href="#content">Skip to content</a>{_header(report)}'
        f'<main id="content">{"".join(parts)}</main>'
        f"<footer>Made by {_text(report.made_by)}. Figures are those of the server at {_text(report.server_time)} UTC."
        f"</footer>{scripts}</body></html>\n"
    )


def _header(report: Report) -> str:
    links = "".join(f'<li><a href="#{one.name}">{_text(one.title)}</a></li>' for one in report.sections)
    return (
        f"<header><h1>{_text(report.study_name)}</h1><p class=caption>{_text(report.study_key)} &middot; server time "
        f'{_text(report.server_time)} UTC</p></header><nav aria-label="Sections"><ul>{links}</ul></nav>'
    )


def _cover(report: Report) -> str:
    status = "proven" if report.proven else "unproven"
    words = "every list is proven whole" if report.proven else "not every list is proven whole; the table says which"
    rows = "".join(
        f"<tr><td>{_text(read.name)}</td><td class={read.status}>{_text(read.status)}</td><td>{_text(read.rule)}</td>"
        f'<td class="right">{read.rows:,}</td><td>{_text(read.server_time)}</td></tr>'
        for read in report.reads
    )
    notes = "".join(f"<p class=note>{_text(note)}.</p>" for note in report.notes)
    return (
        f"<dl><dt>Study</dt><dd>{_text(report.study_name)} ({_text(report.study_key)})</dd>"
        f"<dt>Server time</dt><dd>{_text(report.server_time)} UTC</dd>"
        f"<dt>Filters</dt><dd>{_text('; '.join(report.filters))}</dd>"
        f"<dt>Completeness of the reads</dt><dd class={status}>{words}</dd>"
        f"<dt>Made by</dt><dd>{_text(report.made_by)}</dd></dl>{notes}"
        f"<details><summary>Each list that was read</summary><div class=scroll tabindex=0 role=region "
        f'aria-label="Lists that were read"><table><thead><tr><th scope=col>List</th><th scope=col>Read</th>'
        f'<th scope=col>Rule</th><th scope=col class="right">Rows</th><th scope=col>Server time</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _table(table: MonitoringTable, name: str, charts: str, specs: list[str], told: Sequence[str]) -> str:
    shown = table.first(MOST_ROWS[charts])
    picture = _chart(table, charts, specs) if drawable(table) else ""
    listed = [note for note in shown.notes if note not in told]
    if picture and (cut := cut_off(table)):
        listed.append(cut)
    notes = "".join(f"<p class=note>{_text(note)}.</p>" for note in listed)
    head = "".join(
        f"<th scope=col{' class=right' if column.kind in _RIGHT else ''}>{_text(column.title)}</th>"
        for column in table.columns
    )
    body = "".join(f"<tr>{_cells(table, row)}</tr>" for row in shown.rows)
    foot = f"<tfoot><tr>{_cells(table, table.total)}</tr></tfoot>" if table.total is not None and table.rows else ""
    if not table.rows:
        inner = "<p class=note>Nothing to show.</p>"
    else:
        inner = (
            f'<div class=scroll tabindex=0 role=region aria-label="{_text(table.title)}"><table><thead><tr>{head}</tr>'
            f"</thead><tbody>{body}</tbody>{foot}</table></div>"
        )
    long = len(table.rows) > 40
    wrapped = f"<details><summary>Table: {len(table.rows):,} rows</summary>{inner}</details>" if long else inner
    return (
        f'<article id="{name}"><h3>{_text(table.title)}</h3><p class=caption>{_text(table.caption)}</p>{notes}{picture}'
        f"{wrapped}</article>"
    )


def _cells(table: MonitoringTable, row: Row) -> str:
    return "".join(
        f"<td{' class=right' if column.kind in _RIGHT else ''}>{_text(display(row[column.name], column.kind))}</td>"
        for column in table.columns
    )


def _chart(table: MonitoringTable, charts: str, specs: list[str]) -> str:
    if charts == "pictures":
        return f"<div class=chart>{picture(table)}</div>"
    spec = draw(table).to_dict()
    spec.pop("$schema", None)
    specs.append(json.dumps(spec, ensure_ascii=False))
    name = f"spec-{len(specs)}"
    return f'<div class=chart data-spec="{name}" role=img tabindex=0 aria-label="Chart: {_text(table.title)}"></div>'


def picture(table: MonitoringTable, width: int = 900) -> str:
    """The chart of a table as SVG."""
    optional_library("altair", "report")
    converter: Any = optional_library("vl_convert", "report")
    return str(converter.vegalite_to_svg(draw(table, width=width).to_json()))


def _scripts(specs: list[str]) -> str:
    """The library that draws, once, and the charts."""
    if not specs:
        return ""
    data = "".join(
        f'<script type="application/json" id="spec-{place}">{_json(spec)}</script>'
        for place, spec in enumerate(specs, 1)
    )
    return f"{data}<script type=module>{_library()}\n{_DRAW}</script>"


@cache
def _library() -> str:
    """The library that draws, as code that may stand within `<script>`; making it takes a second."""
    converter: Any = optional_library("vl_convert", "report")
    code = converter.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # code may hold `</script` in a text; in JSON every `<` can be written otherwise
    return re.sub(r"</(?=script)", r"<\\/", code, flags=re.IGNORECASE)


def _json(text: str) -> str:
    return (
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def _text(text: str) -> str:
    """A text as HTML shows it: escaped, and without control characters."""
    return html.escape("".join(sign if sign >= " " or sign in "\n\t" else "\ufffd" for sign in text), quote=True)
