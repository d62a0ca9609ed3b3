"""Everything a session keeps of what it read."""

from __future__ import annotations

from typing import Final

import streamlit as st

from . import filters, reading, tables

REPORT: Final = "_imednet_report"
"""Where a session keeps the report it made last."""


def forget() -> None:
    """Forget all of it; other sessions keep theirs."""
    reading.forget()
    tables.forget()
    filters.forget()
    st.session_state.pop(REPORT, None)
