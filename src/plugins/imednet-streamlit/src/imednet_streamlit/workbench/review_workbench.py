"""Review Workbench: records that are new or changed since a person's last review, and the log of what was decided.

What a decision is about is fixed when the page is shown: the numbers and digests that stood there are what is written,
whatever was read, or reviewed in another window, meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import streamlit as st

from imednet.workflows.monitoring import MonitoringTable
from imednet.workflows.monitoring.details.query_list import query_list
from imednet.workflows.monitoring.table import Row
from imednet_api.models import Record

from .. import configurations, reading, texts
from ..auth import SignedIn
from ..figures import Figure, cards
from ..reading import Reviewed
from ..shown import only, show, small
from ..store import Store
from ..tables import made
from .review_log import STATUSES, left_table, log_table, records_table
from .state import store_of

_OPEN = (texts.REVIEW_NEW, texts.REVIEW_CHANGED)
_TOLD: Final = "_imednet_written"
_PROBLEM: Final = "_imednet_not_written"
_RECORD, _ALL, _STATUS, _ASSIGNED, _COMMENT = (
    f"review-{name}" for name in ("decided", "all", "decision", "assignee", "comment")
)


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    store = store_of(signed_in)
    if store is None:
        return
    records = {one.record_id: one for one in reading.review(signed_in, store.secret)}
    people = reading.people(signed_in)
    if told := st.session_state.pop(_TOLD, None):
        st.success(told)
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(problem)
    entries = store.reviews(signed_in.study_key)
    # who reads with other keys may see other sites; a log of records one cannot read is not one's own to read
    everybody = [entry for entry in entries if entry.record_id in records]
    mine = [entry for entry in everybody if entry.person == signed_in.person]
    table = records_table(records.values(), mine, everybody)
    counts = left_table(table)
    total = counts.total or {}
    cards(
        signed_in,
        "review",
        [
            Figure(texts.REVIEW_NEW, total.get("new"), good="less"),
            Figure(texts.REVIEW_CHANGED, total.get("changed"), good="less"),
            Figure(texts.REVIEW_DONE, total.get("reviewed"), good="more"),
        ],
    )
    shown = _filtered(table)
    show(shown, "review")
    on_page = {number: records[number] for number in (int(row["recordId"] or 0) for row in shown.rows)}
    _one(signed_in, store, on_page)
    _decide(signed_in, store, on_page)
    queries = made(signed_in, people, "query list", query_list)
    if (number := st.session_state.get(_RECORD)) is not None:
        st.caption(texts.QUERIES_OF_RECORD)
        show(only(queries, {"recordId": number}), "review-queries")
    show(counts, "review-left")
    show(log_table(everybody), "review-log")
    if hidden := len(entries) - len(everybody):
        st.caption(texts.LOG_OF_OTHERS.format(count=hidden))


def _filtered(table: MonitoringTable) -> MonitoringTable:
    state, form, site, assigned = st.columns(4)
    chosen = state.selectbox(
        texts.STATE, [texts.REVIEW_OPEN, texts.REVIEW_NEW, texts.REVIEW_CHANGED, texts.REVIEW_DONE, texts.ALL],
        key="review-state",
    )  # fmt: skip
    forms = sorted({str(row["formKey"]) for row in table.rows})
    sites = sorted({str(row["siteId"]) for row in table.rows if row["siteId"] is not None})
    people = sorted({str(row["assigned"]) for row in table.rows if row["assigned"]})
    of_form = form.selectbox(texts.FORM, [texts.ALL, *forms], key="review-form")
    at_site = site.selectbox(texts.SITE, [texts.ALL, *sites], key="review-site")
    of_person = assigned.selectbox(texts.ASSIGNED, [texts.ALL, *people], key="review-assigned")
    states = {texts.REVIEW_OPEN: _OPEN, texts.ALL: (*_OPEN, texts.REVIEW_DONE)}.get(chosen, (chosen,))

    def wanted(row: Row) -> bool:
        return (
            row["state"] in states
            and of_form in (texts.ALL, row["formKey"])
            and at_site in (texts.ALL, str(row["siteId"]))
            and of_person in (texts.ALL, row["assigned"])
        )

    return replace(table, rows=[row for row in table.rows if wanted(row)])


def _one(signed_in: SignedIn, store: Store, shown: Mapping[int, Reviewed]) -> None:
    """One record: its answers, blinded ones hidden; only as they are in the list that decisions are about."""
    if st.session_state.get(_RECORD) not in (None, *shown):
        st.session_state[_RECORD] = None
    number = st.selectbox(
        texts.RECORD, [None, *shown], key=_RECORD, format_func=lambda one: texts.CHOOSE if one is None else str(one)
    )
    if number is None:
        return
    record = reading.record(signed_in, number, shown[number].mark)
    if reading.reviewed(record, store.secret).mark != shown[number].mark:
        st.warning(texts.CHANGED_MEANWHILE)
        return
    small(texts.ANSWERS, answers(signed_in, record))


def _decide(signed_in: SignedIn, store: Store, shown: Mapping[int, Reviewed]) -> None:
    """Write a decision about the chosen record, or about all that the filters leave."""
    with st.form("review-write"):
        st.checkbox(texts.MARK_ALL.format(count=len(shown)), key=_ALL)
        which, status = st.columns(2)
        status.selectbox(texts.MARK, STATUSES, key=_STATUS)
        which.text_input(texts.ASSIGNED, key=_ASSIGNED)
        status.text_input(texts.COMMENT, key=_COMMENT)
        st.form_submit_button(
            texts.WRITE, type="primary", disabled=not shown, on_click=_write, args=(signed_in, store, shown)
        )


def _write(signed_in: SignedIn, store: Store, shown: Mapping[int, Reviewed]) -> None:
    """Write what was decided about what was shown."""
    state = st.session_state
    number = state.get(_RECORD)
    if state[_ALL]:
        about = list(shown.values())
    elif isinstance(number, int) and number in shown:
        about = [shown[number]]
    else:
        state[_PROBLEM] = texts.NOTHING_CHOSEN
        return
    count = store.review(
        signed_in.study_key, signed_in.person, signed_in.name,
        [(one.record_id, one.form_key, one.mark) for one in about],
        state[_STATUS], state[_ASSIGNED].strip(), state[_COMMENT].strip(),
    )  # fmt: skip
    state[_TOLD] = texts.WRITTEN.format(count=count)
    state[_ALL], state[_ASSIGNED], state[_COMMENT], state[_RECORD] = False, "", "", None


def answers(signed_in: SignedIn, record: Record) -> list[dict[str, object]]:
    """The answers of a record by variable, of those variables that are known and not blinded."""
    variables = reading.variables(signed_in)
    form = record.form_key or next(
        (one.form_key for one in variables.value if record.form_id is not None and one.form_id == record.form_id), None
    )
    shown = configurations.open_names(variables)
    labels = {str(one.variable_name).casefold(): one.label for one in variables.value if one.form_key == form}
    return [
        {
            texts.VARIABLE: name,
            texts.LABEL: labels.get(name.casefold()),
            texts.ANSWER: value if (str(form), name.casefold()) in shown else texts.BLINDED,
        }
        for name, value in (record.record_data or {}).items()
    ]
