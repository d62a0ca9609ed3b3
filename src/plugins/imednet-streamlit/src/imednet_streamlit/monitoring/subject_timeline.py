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
from ..shown import only, show
from ..tables import made

_PARAMETER = "subject"


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    read = reading.people(signed_in)
    frame.age(read)
    site, person = st.columns(2)
    with site:
        data = filters.of_site(signed_in, read.data)
    keys = [str(subject.subject_key) for subject in data.subjects or ()]
    linked = st.query_params.get(_PARAMETER)
    name = person.selectbox(texts.SUBJECT, keys, index=keys.index(linked) if linked in keys else None)
    if name is None:
        st.info(texts.CHOOSE_SUBJECT)
        return
    st.query_params[_PARAMETER] = name
    known = configurations.versions(signed_in)
    configuration = known[-1].configuration if known else StudyConfiguration()
    shown, notes = configurations.visible(configuration, reading.variables(signed_in))
    if not shown.mappings:
        notes = [*notes, texts.NO_MAPPINGS]
    for note in notes:
        st.caption(plain(note))
    one = reading.subject(signed_in, name, shown)
    events = timeline(one, shown)
    pages = reading.pages(signed_in).data
    told = frame.notes(pages)
    show(events, "timeline", told=told)
    queries = only(made(signed_in, pages, "query list", query_list), {"subjectKey": name})
    missing = only(made(signed_in, pages, "missing pages", missing_pages), {"subjectKey": name})
    show(queries, "timeline-queries", told=told)
    show(missing, "timeline-missing", told=told)
    page_file.download(signed_in, "subject_timeline", texts.SUBJECT_TIMELINE, one, [events, queries, missing])
