"""Subject Timeline: visits, events and queries of one subject in time."""

from __future__ import annotations

import streamlit as st

from imednet.models.study_config import StudyConfiguration
from imednet.workflows.monitoring.details.query_list import query_list
from imednet.workflows.monitoring.details.timeline import timeline
from imednet.workflows.monitoring.missing_pages import missing_pages

from .. import configurations, filters, frame, page_file, reading, texts
from ..auth import SignedIn
from ..markdown import plain
from ..shown import show


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    site, person = st.columns(2)
    with site:
        data = filters.of_site(signed_in, reading.people(signed_in))
    with person:
        name = filters.subject(data)
    if name is None:
        st.info(texts.CHOOSE_SUBJECT)
        return
    data.of_subject(name)  # an error where the site that is chosen has no such subject
    known = configurations.versions(signed_in)
    configuration = known[-1].configuration if known else StudyConfiguration()
    shown, notes = configurations.visible(configuration, reading.variables(signed_in))
    if not shown.mappings:
        notes = [*notes, texts.NO_MAPPINGS]
    one = reading.subject(signed_in, name, shown)
    pages = reading.pages(signed_in)
    told = frame.notes(pages)
    for note in notes:
        st.caption(plain(note))
    events = timeline(one, shown)
    show(events, "timeline", told=told)
    subject = pages.of_subject(name)
    queries, missing = query_list(subject), missing_pages(subject, include_epro=True)
    show(queries, "timeline-queries", told=told)
    show(missing, "timeline-missing", told=told)
    page_file.download(signed_in, "subject_timeline", texts.SUBJECT_TIMELINE, one, [events, queries, missing])
