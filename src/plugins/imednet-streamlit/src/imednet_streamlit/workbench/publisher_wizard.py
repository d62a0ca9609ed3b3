"""Publisher Wizard: sections of a report are chosen and looked at, and the report is made as HTML, PDF or Excel."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import streamlit as st

from imednet.models.study_config import StudyConfiguration
from imednet.reports import Report, ReportOptions, study_report, write_html, write_pdf, write_workbook
from imednet.reports.sections import SECTIONS

from .. import configurations, reading, texts
from ..auth import SignedIn
from ..caches import REPORT
from ..markdown import plain
from ..shown import show, small

_KINDS: Final[dict[str, Callable[[Report, Path], None]]] = {
    "html": write_html, "xlsx": write_workbook, "pdf": write_pdf,
}  # fmt: skip


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    known = configurations.versions(signed_in)
    configuration = known[-1].configuration if known else StudyConfiguration()
    configuration, notes = configurations.visible(configuration, reading.variables(signed_in))
    sites = [str(site.site_id) for site in reading.people(signed_in).sites or ()]
    can = [name for name, one in SECTIONS.items() if one.wanted(ReportOptions(configuration=configuration))]
    with st.form("publish"):
        names = st.multiselect(
            texts.SECTIONS, can, default=can[:5], format_func=lambda name: SECTIONS[name].title, key="publish-sections"
        )
        left, right = st.columns(2)
        site = left.selectbox(texts.SITE, [texts.ALL_SITES, *sites], key="publish-site")
        kind = right.selectbox(texts.KIND, list(_KINDS), format_func=str.upper, key="publish-kind")
        sent = st.form_submit_button(texts.MAKE, type="primary")
    for note in notes:
        st.caption(plain(note))
    if sent and not names:
        st.error(texts.NO_SECTION)
    if sent and names:
        if kind == "pdf" and importlib.util.find_spec("weasyprint") is None:
            st.error(texts.NOT_INSTALLED)
            return
        options = ReportOptions(
            tuple(names), None if site == texts.ALL_SITES else int(site), configuration=configuration
        )
        with st.spinner(texts.READING_RECORDS):
            report = study_report(signed_in.sdk, signed_in.study_key, options)
            content = written(report, kind)
        if signed_in.store is not None:
            signed_in.store.keep_report(
                signed_in.study_key, signed_in.name, kind, ", ".join(names), report.server_time, content
            )
        st.session_state[REPORT] = (report, kind, site, content)  # not before it stands in the log
    if (made := st.session_state.get(REPORT)) is not None:
        _preview(signed_in, *made)
    _log(signed_in)


def written(report: Report, kind: str) -> bytes:
    """The content of a report as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"report.{kind}"
        _KINDS[kind](report, path)
        return path.read_bytes()


def _preview(signed_in: SignedIn, report: Report, kind: str, site: str, content: bytes) -> None:
    tables = [table for _, table in report.tables()]
    st.success(texts.MADE.format(tables=len(tables), sections=len(report.sections)))
    st.caption(plain(texts.REPORT_OF.format(moment=report.server_time, filters="; ".join(report.filters))))
    title = signed_in.study_key + ("" if site == texts.ALL_SITES else f"_{site}")
    name = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in title)
    if not report.proven:
        st.warning(texts.UNPROVEN)
    st.download_button(
        f"{texts.DOWNLOAD} ({kind.upper()})", content, f"{name}.{kind}", key="publish-download", on_click="ignore"
    )
    titles = {f"{section.title}: {table.title}": table for section, table in report.tables()}
    chosen = st.selectbox(texts.PREVIEW, list(titles), index=None, key="publish-preview")
    if chosen is not None:
        show(titles[chosen], "publish-table")


def _log(signed_in: SignedIn) -> None:
    if signed_in.store is None or not (entries := signed_in.store.reports(signed_in.study_key)):
        return
    st.header(texts.PUBLISH_LOG)
    rows = [
        {
            "Made (UTC)": one.moment, "By": one.author, "File": one.kind, "Sections": one.sections,
            "Server time": one.server_time, "SHA-256": one.digest,
        }
        for one in entries
    ]  # fmt: skip
    small(texts.PUBLISH_LOG, rows)
