"""What all pages of the workbench need: a folder for what they keep."""

from __future__ import annotations

import streamlit as st

from .. import texts
from ..auth import SignedIn
from ..store import Store


def store_of(signed_in: SignedIn) -> Store | None:
    """The store of this dashboard; without one the page says how to start it with one."""
    if signed_in.store is None:
        st.info(texts.NEEDS_STATE)
    return signed_in.store
