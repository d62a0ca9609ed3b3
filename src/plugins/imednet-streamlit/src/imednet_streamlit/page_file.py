"""The download of a page: its tables and charts as one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from imednet.reports.html import page
from imednet.reports.report import ReportSection, report_of
from imednet.workflows.monitoring import MonitoringTable, StudyData

from . import reading, texts
from .auth import SignedIn


def download(
    signed_in: SignedIn,
    name: str,
    title: str,
    data: StudyData,
    tables: Sequence[MonitoringTable],
    filters: Sequence[str] = (),
) -> None:
    """Offer a page as a file.

    Args:
        signed_in: who reads.
        name: the name of the page in links, which names the file, too.
        title: its heading.
        data: what the tables are made of; the cover names all lists that the page used.
        tables: the tables of the page.
        filters: what they were narrowed to beside the site and the subject of the data, as sentences.
    """
    told = [
        *([f"only site {data.site}"] if data.site is not None else []),
        *([f"only subject {data.subject_key}"] if data.subject_key is not None else []),
        *filters,
    ]
    made_of = replace(data, proofs=reading.proofs_so_far())
    sections = [ReportSection(name, title, list(tables))]
    report = report_of(made_of, reading.study_name(signed_in), sections, tuple(told))
    # the file is made when it is asked for, outside this run, where nothing of the session can be read
    st.download_button(
        texts.PAGE_AS_HTML,
        lambda: page(report, "interactive"),
        f"{name}.html",
        "text/html",
        key=f"{name}-html",
        on_click="ignore",
    )
