"""The pages of the dashboard, and links to them: `?page=query_status&site=301`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from . import filters, links, texts
from .auth import SignedIn
from .frame import in_frame
from .monitoring import data_completeness, home, query_status, site_performance, subject_enrollment, subject_timeline
from .workbench import data_lineage, publisher_wizard, review_workbench, setup_wizard

Page = Callable[[SignedIn], None]

PAGES: Final[dict[str, dict[str, tuple[str, Page]]]] = {
    texts.MONITORING: {
        "home": (texts.HOME, home.page),
        "query_status": (texts.QUERY_STATUS, query_status.page),
        "subject_enrollment": (texts.SUBJECT_ENROLLMENT, subject_enrollment.page),
        "site_performance": (texts.SITE_PERFORMANCE, site_performance.page),
        "data_completeness": (texts.DATA_COMPLETENESS, data_completeness.page),
        "subject_timeline": (texts.SUBJECT_TIMELINE, subject_timeline.page),
    },
    texts.WORKBENCH: {
        "setup_wizard": (texts.SETUP_WIZARD, setup_wizard.page),
        "review_workbench": (texts.REVIEW_WORKBENCH, review_workbench.page),
        "publisher_wizard": (texts.PUBLISHER_WIZARD, publisher_wizard.page),
        "data_lineage": (texts.DATA_LINEAGE, data_lineage.page),
    },
}
"""Section -> name in links -> title and page."""

_LINKED: Final = "_imednet_linked"
_PARAMETER: Final = "page"


def page_named(side_bar: DeltaGenerator) -> StreamlitPage:
    """The page that the address names, not yet run; a part of the side bar gets links to all pages.

    Nothing that can be filled in may stand before this is called: a link changes the page at once, and what was typed
    or clicked until then is lost.
    """
    built = {
        section: {
            name: st.Page(in_frame(title, page), title=title, url_path=name, default=name == "home")
            for name, (title, page) in pages.items()
        }
        for section, pages in PAGES.items()
    }
    everything = {name: page for pages in built.values() for name, page in pages.items()}
    links.remember(everything)
    current = st.navigation(list(everything.values()), position="hidden")
    with side_bar:
        for section, pages in built.items():
            st.caption(section)
            for name in pages:
                links.link(name)
    wanted = st.query_params.get(_PARAMETER)
    known = everything.get(wanted or "")
    if not st.session_state.get(_LINKED):
        st.session_state[_LINKED] = True
        if wanted is not None and known is None:
            st.warning(texts.NO_SUCH_PAGE)
        elif known is not None and known.url_path != current.url_path:
            st.switch_page(known, query_params=dict(st.query_params.items()))
    name = current.url_path or "home"
    st.query_params[_PARAMETER] = st.session_state[filters.PAGE] = name
    filters.keep_in_address()
    return current
