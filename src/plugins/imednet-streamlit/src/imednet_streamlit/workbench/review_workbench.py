"""Review Workbench: records that are new or changed since a person's last review, and the log of what was decided."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from imednet.workflows.monitoring import MonitoringTable
from imednet.workflows.monitoring.details.query_list import query_list
from imednet.workflows.monitoring.table import Row

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


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    store = store_of(signed_in)
    if store is None:
        return
    if told := st.session_state.pop("_imednet_written", None):
        st.success(told)
    study = signed_in.study_key
    records = {one.record_id: one for one in reading.review(signed_in, store.secret)}
    everybody = store.reviews(study)
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
    _decide(signed_in, store, shown, records)
    _one(signed_in, shown)
    show(counts, "review-left")
    show(log_table(everybody), "review-log")


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


def _decide(signed_in: SignedIn, store: Store, shown: MonitoringTable, records: dict[int, Reviewed]) -> None:
    """Write a decision about one record, or about all that the filters leave."""
    numbers = [int(row["recordId"] or 0) for row in shown.rows]
    with st.form("review-write", clear_on_submit=True):
        which, status = st.columns(2)
        record = which.selectbox(
            texts.RECORD,
            [None, *numbers],
            format_func=lambda number: texts.MARK_FORM if number is None else str(number),
        )
        word = status.selectbox(texts.MARK, STATUSES)
        assigned = which.text_input(texts.ASSIGNED)
        comment = status.text_input(texts.COMMENT)
        sent = st.form_submit_button(texts.WRITE, type="primary", disabled=not numbers)
    if sent:
        about = [records[number] for number in (numbers if record is None else [record])]
        count = store.review(
            signed_in.study_key, signed_in.person, signed_in.name,
            [(one.record_id, one.form_key, one.mark) for one in about], word, assigned.strip(), comment.strip(),
        )  # fmt: skip
        st.session_state["_imednet_written"] = texts.WRITTEN.format(count=count)
        st.rerun()


def _one(signed_in: SignedIn, shown: MonitoringTable) -> None:
    """One record: its answers, blinded ones hidden, and the queries on it."""
    numbers = [int(row["recordId"] or 0) for row in shown.rows]
    number = st.selectbox(texts.ANSWERS, numbers, index=None, key="review-record")
    if number is None:
        return
    small(texts.ANSWERS, answers(signed_in, number))
    st.caption(texts.QUERIES_OF_RECORD)
    queries = made(signed_in, reading.people(signed_in).data, "query list", query_list)
    show(only(queries, {"recordId": number}), "review-queries")


def answers(signed_in: SignedIn, number: int) -> list[dict[str, object]]:
    """The answers of a record by variable; those of blinded variables are hidden."""
    record = reading.record(signed_in, number)
    form = str(record.form_key)
    variables = reading.variables(signed_in)
    hidden = configurations.blinded_names(variables)
    labels = {str(one.variable_name).casefold(): one.label for one in variables if one.form_key == form}
    return [
        {
            texts.VARIABLE: name,
            texts.LABEL: labels.get(name.casefold()),
            texts.ANSWER: texts.BLINDED if (form, name.casefold()) in hidden else value,
        }
        for name, value in (record.record_data or {}).items()
    ]
