"""Links from one page to another, which keep what is chosen in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from . import filters

_PAGES: Final = "_imednet_pages"


def remember(pages: Mapping[str, StreamlitPage]) -> None:
    """Keep the pages of this run under their names."""
    st.session_state[_PAGES] = dict(pages)


def link(name: str, label: str | None = None) -> None:
    """Show a link to a page, by its title where there is no label."""
    st.page_link(st.session_state[_PAGES][name], label=label)


def go(name: str, **parameters: str) -> None:
    """Change to a page at once, with choices that its address holds."""
    for parameter, value in parameters.items():
        filters.choose(parameter, value)
    st.switch_page(st.session_state[_PAGES][name], query_params={"page": name, **parameters})
