"""Home: what is connected, key figures, the blocks of the configuration, and where to find what."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from imednet.models.study_config import StudyConfiguration, Widget
from imednet.reports.charts import draw, drawable
from imednet.workflows.monitoring import MonitoringTable
from imednet.workflows.monitoring.enrolment import enrolment
from imednet.workflows.monitoring.listings import listing
from imednet.workflows.monitoring.query_tables import query_status
from imednet.workflows.monitoring.table import Chart

from .. import configurations, frame, links, reading, texts
from ..auth import SignedIn
from ..figures import Figure, cards
from ..markdown import plain
from ..shown import show
from ..tables import made

_LINKS = {
    "query_status": texts.QUERY_STATUS, "subject_enrollment": texts.SUBJECT_ENROLLMENT,
    "site_performance": texts.SITE_PERFORMANCE, "data_completeness": texts.DATA_COMPLETENESS,
    "subject_timeline": texts.SUBJECT_TIMELINE, "setup_wizard": texts.SETUP_WIZARD,
    "review_workbench": texts.REVIEW_WORKBENCH, "publisher_wizard": texts.PUBLISHER_WIZARD,
    "data_lineage": texts.DATA_LINEAGE,
}  # fmt: skip


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    data = reading.people(signed_in)
    known = configurations.versions(signed_in)
    blocks = _Blocks.of(signed_in, known[-1].configuration) if known else None
    st.header(plain(reading.study_name(signed_in)))
    frame.notes(data)
    subjects = made(signed_in, data, "enrolment", enrolment).total or {}
    queries = made(signed_in, data, "queries", query_status).total or {}
    cards(
        signed_in,
        "home",
        [
            Figure(texts.SITES, len(data.sites or ())),
            Figure(texts.SUBJECTS, subjects.get("registered"), good="more"),
            Figure(texts.ENROLLED, subjects.get("enrolled"), good="more"),
            Figure(texts.OPEN_QUERIES, queries.get("open"), good="less"),
            Figure(texts.OLDEST_DAYS, queries.get("oldestDays"), "days", good="less"),
        ],
    )
    if blocks is not None:
        blocks.show()
    for name, title in _LINKS.items():
        links.link(name, f"**{title}**: {texts.ABOUT[title]}")


@dataclass(frozen=True)
class _Blocks:
    """Blocks that a configuration asks for, each with its table; made before anything is shown."""

    blocks: list[tuple[Widget, MonitoringTable]]
    notes: list[str]

    @classmethod
    def of(cls, signed_in: SignedIn, configuration: StudyConfiguration) -> _Blocks | None:
        if not configuration.widgets:
            return None
        shown, notes = configurations.visible(configuration, reading.variables(signed_in))
        data = reading.events(signed_in, shown)
        return cls([(widget, listing(data, shown, widget.table)) for widget in shown.widgets], notes)

    def show(self) -> None:
        for note in self.notes:
            st.caption(plain(note))
        for place, (widget, table) in enumerate(self.blocks):
            _block(widget, table, f"widget-{place}")


def _block(widget: Widget, table: MonitoringTable, key: str) -> None:
    if widget.kind == "metric":
        st.metric(plain(widget.title), texts.COUNTS.format(count=len(table)), border=True)
        return
    column = next((one for one in table.columns if widget.by in (one.name, one.name.removeprefix("field "))), None)
    chart = Chart("bar", "rows", column.name) if column is not None and widget.by is not None else None
    titled = replace(table, title=widget.title, chart=chart)
    if widget.kind == "table":
        show(titled, key)
    elif drawable(titled):
        st.header(plain(widget.title))
        st.altair_chart(draw(titled), width="stretch")
