"""Subject Enrollment: the funnel, months against a target, sites, and the subjects behind each count."""

from __future__ import annotations

import streamlit as st

from imednet.workflows.monitoring.details.subject_list import subject_list
from imednet.workflows.monitoring.enrolment import enrolment

from .. import filters, frame, links, page_file, reading, texts
from ..auth import SignedIn
from ..figures import Figure, cards
from ..shown import only, show
from ..tables import made


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    read = reading.people(signed_in)
    site, target, day = st.columns(3)
    with site:
        data = filters.of_site(signed_in, read)
    wanted = target.number_input(texts.TARGET, min_value=1, value=None, step=1, key="enrolment-target")
    until = day.text_input(texts.TARGET_DATE, key="enrolment-until", disabled=wanted is None).strip() or None
    goal = int(wanted) if wanted is not None else None
    until = until if goal is not None else None
    by_site = made(signed_in, data, "enrolment by site", enrolment)
    funnel = made(signed_in, data, f"funnel {goal}", lambda data: enrolment(data, by="funnel", target=goal))
    months = made(
        signed_in,
        data,
        f"months {goal} {until}",
        lambda data: enrolment(data, by="month", target=goal, target_date=until),
    )
    total = by_site.total or {}
    registered, enrolled = total.get("registered"), total.get("enrolled")
    left = registered - enrolled if isinstance(registered, int) and isinstance(enrolled, int) else None
    cards(
        signed_in,
        f"enrolment/{data.site}",
        [
            Figure(texts.SUBJECTS, registered, good="more"),
            Figure(texts.ENROLLED, enrolled, good="more"),
            Figure(texts.NOT_ENROLLED, left),
            Figure(texts.SITES_ENROLLING, sum(bool(row["enrolled"]) for row in by_site.rows), good="more"),
        ],
    )
    told = frame.notes(data)
    show(funnel, "enrolment-funnel", folded=True, told=told)
    show(months, "enrolment-months", folded=True, told=told)
    chosen = show(by_site, "enrolment-sites", pick=True, told=told)
    people = only(made(signed_in, data, "subject list", subject_list), chosen)
    show(people, "subject-list", told=told)
    keys = [str(row["subjectKey"]) for row in people.rows]
    name = st.selectbox(texts.OPEN_TIMELINE, keys, index=None, key="enrolment-subject")
    if name is not None and st.button(texts.GO, key="enrolment-go"):
        links.go("subject_timeline", subject=name)
    narrowed = [] if goal is None else [f"target: {goal:,} subjects" + (f" by {until}" if until else "")]
    tables = [funnel, months, by_site]
    page_file.download(signed_in, "subject_enrollment", texts.SUBJECT_ENROLLMENT, data, tables, narrowed)
