"""Site Performance: sites beside each other, ranked by what the reader chooses, and what lies behind one of them."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from imednet.workflows.monitoring import MonitoringTable, StudyData
from imednet.workflows.monitoring.details.query_list import query_list
from imednet.workflows.monitoring.missing_pages import missing_pages
from imednet.workflows.monitoring.site_performance import site_performance
from imednet.workflows.monitoring.table import Chart

from .. import filters, frame, page_file, reading, texts
from ..auth import SignedIn
from ..figures import Figure, cards
from ..shown import only, show
from ..tables import made


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    read = reading.pages(signed_in)
    site, rank = st.columns(2)
    with site:
        data = filters.of_site(signed_in, read)
    table = made(signed_in, data, "site performance", site_performance)
    measures = {
        column.name: column.title for column in table.columns[2:] if any(row[column.name] for row in table.rows)
    }
    total = table.total or {}
    cards(
        signed_in,
        f"sites/{data.site}",
        [
            Figure(texts.SITES, len(table)),
            Figure(texts.RECORDS, total.get("records"), good="more"),
            Figure(texts.OPEN_QUERIES, total.get("open"), good="less"),
            Figure(texts.MISSING_PAGES, total.get("missing"), good="less"),
        ],
    )
    told = frame.notes(data)
    show(table, "sites", told=told)
    if not measures:
        return
    start = list(measures).index("open") if "open" in measures else 0
    measure = rank.selectbox(
        texts.RANKING, list(measures), index=start, format_func=lambda name: measures[name], key="sites-measure"
    )
    ranked = replace(
        table,
        name=f"sites by {measure}",
        title=f"Sites by {measures[measure][:1].lower()}{measures[measure][1:]}",
        chart=Chart("bar", measure, "siteId"),
    ).sorted_by(f"-{measure}")
    chosen = show(ranked, "sites-ranked", pick=True, folded=True, told=told)
    if chosen:
        show(
            only(made(signed_in, data, "query list", query_list), {**chosen, "state": "open"}),
            "site-queries",
            told=told,
        )
        show(only(made(signed_in, data, "all missing pages", _missing), chosen), "site-missing", told=told)
    page_file.download(signed_in, "site_performance", texts.SITE_PERFORMANCE, data, [table, ranked])


def _missing(data: StudyData) -> MonitoringTable:
    return missing_pages(data, include_epro=True)  # none left out, so that the rows need no note of a whole study
