"""Query Status: open and closed queries, their ages and their trend, and the queries behind each count."""

from __future__ import annotations

from typing import Final, cast

import streamlit as st

from imednet.workflows.monitoring.details.query_list import query_list
from imednet.workflows.monitoring.groupings import QueryBy
from imednet.workflows.monitoring.query_tables import query_status
from imednet.workflows.monitoring.query_trend import query_trend

from .. import filters, frame, page_file, reading, texts
from ..auth import SignedIn
from ..figures import Figure, cards
from ..shown import only, show
from ..tables import made

_BY: Final = {"site": "Site", "form": "Form", "variable": "Variable", "opener": "Opener", "kind": "Kind"}
_STATES: Final = ("open", "closed", "unknown")


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    choosing = st.columns(3)
    with choosing[1]:
        by = cast(
            QueryBy, st.selectbox(texts.GROUP_BY, list(_BY), format_func=lambda name: _BY[name], key="queries-by")
        )
    with choosing[2]:
        state = st.selectbox(texts.STATE, [texts.ALL, *_STATES], key="queries-state")
    read = reading.pages(signed_in) if by in ("form", "variable") else reading.people(signed_in)
    with choosing[0]:
        data = filters.of_site(signed_in, read)
    status = made(signed_in, data, f"queries by {by}", lambda data: query_status(data, by=by))
    trend = made(signed_in, data, "query trend", query_trend)
    total = status.total or {}
    cards(
        signed_in,
        f"queries/{data.site}",
        [
            Figure(texts.OPEN_QUERIES, total.get("open"), good="less"),
            Figure(texts.WAIT_FOR_SITE, total.get("waitsForSite"), good="less"),
            Figure(texts.OLDEST_DAYS, total.get("oldestDays"), "days", good="less"),
            Figure(texts.CLOSED_QUERIES, total.get("closed"), good="more"),
        ],
    )
    told = frame.notes(data)
    chosen = show(status, f"queries-{by}", pick=True, told=told)
    if state != texts.ALL:
        chosen |= {"state": state}
    listed = made(signed_in, data, "query list", query_list)
    show(only(listed, chosen), "query-list", told=told)
    show(trend, "query-trend", folded=True, told=told)
    page_file.download(signed_in, "query_status", texts.QUERY_STATUS, data, [status, trend])
