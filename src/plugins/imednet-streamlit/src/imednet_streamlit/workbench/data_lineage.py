"""Data Lineage: from a canonical row back to its record, the rule that made it, and who saved the rule."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from imednet.models.study_config import FormMapping
from imednet.workflows.monitoring.listings import events, listing
from imednet.workflows.monitoring.table import Cell

from .. import configurations, reading, texts
from ..auth import SignedIn
from ..markdown import plain
from ..shown import show, small
from .review_workbench import answers
from .state import store_of


def page(signed_in: SignedIn) -> None:
    """Show the page."""
    if store_of(signed_in) is None:
        return
    known = configurations.versions(signed_in)
    if not known or not known[-1].configuration.mappings:
        st.info(texts.NO_CONFIGURATION)
        return
    configuration, notes = configurations.visible(known[-1].configuration, reading.variables(signed_in))
    for note in notes:
        st.caption(plain(note))
    if not configuration.mappings:
        return
    name = st.selectbox(texts.EVENT, list(configuration.mappings), key="lineage-table")
    data = reading.events(signed_in, configuration)
    table = listing(data, configuration, name)
    show(table, "lineage")
    numbers = [int(row["recordId"] or 0) for row in table.rows]
    number = st.selectbox(texts.RECORD, numbers, index=None, key="lineage-record")
    if number is None:
        return
    mapping = configuration.mappings[name]
    event = next(one for one in events(data, mapping) if one.record.record_id == number)
    st.header(texts.CANONICAL_ROW)
    small(texts.CANONICAL_ROW, _fields(mapping, event.fields))
    st.header(texts.RULE)
    version = configurations.rule_of(known, name)
    st.caption(plain(texts.VERSION_OF_RULE.format(number=version.number, author=version.author, moment=version.moment)))
    if mapping.where is not None:
        st.code(mapping.where, language=None)
    st.header(texts.RAW_RECORD)
    record = event.record
    st.caption(
        plain(f"{mapping.form} · {texts.RECORD} {record.record_id} · {texts.SUBJECT} {record.subject_key}")
    )  # fmt: skip
    small(texts.RAW_RECORD, answers(signed_in, record))


def _fields(mapping: FormMapping, values: Mapping[str, Cell]) -> list[dict[str, object]]:
    return [
        {texts.FIELD: name, texts.VALUE: values.get(name), texts.EXPRESSION: expression}
        for name, expression in mapping.fields.items()
    ]
