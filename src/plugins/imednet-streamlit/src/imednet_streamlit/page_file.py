"""The download of a page: its tables and charts as one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from imednet.reports.html import page
from imednet.reports.report import ReportSection, report_of
from imednet.workflows.monitoring import MonitoringTable, StudyData

from . import reading, texts
from .auth import SignedIn


def download(signed_in: SignedIn, name: str, title: str, data: StudyData, tables: Sequence[MonitoringTable]) -> None:
    """Offer a page as a file.

    Args:
        signed_in: who reads.
        name: the name of the page in links, which names the file, too.
        title: its heading.
        data: what the tables are made of.
        tables: the tables of the page.
    """
    filters = (f"only site {data.site}",) if data.site is not None else ()
    report = report_of(data, reading.study_name(signed_in), [ReportSection(name, title, list(tables))], filters)

    # the file is made when it is asked for, outside this run, where nothing of the session can be read
    st.download_button(
        texts.PAGE_AS_HTML,
        lambda: page(report, "interactive"),
        f"{name}.html",
        "text/html",
        key=f"{name}-html",
        on_click="ignore",
    )
