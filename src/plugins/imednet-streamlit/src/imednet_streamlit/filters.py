"""The choice of a site, which the address of the page holds, so that it can be passed on as a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from imednet.utils.text import whole
from imednet.workflows.monitoring import StudyData

from . import texts
from .reading import SECONDS

if TYPE_CHECKING:
    from .auth import SignedIn

_SITE: Final = "_imednet_site"
_PARAMETER: Final = "site"


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=8, show_spinner=False)
def _narrowed(token: str, moment: str, lists: str, number: int, _data: StudyData) -> StudyData:  # noqa: ARG001
    return _data.of_site(number)


def forget() -> None:
    """Forget all narrowed data of this session."""
    _narrowed.clear()


def of_site(signed_in: SignedIn, data: StudyData) -> StudyData:
    """The data of the site that is chosen on this page, or of all sites."""
    labels = {whole(f"{site.site_id} {site.site_name or ''}").strip(): site.site_id for site in data.sites or ()}
    options = [texts.ALL_SITES, *labels]
    if _SITE not in st.session_state and (linked := st.query_params.get(_PARAMETER)):
        found = [label for label, number in labels.items() if linked in (str(number), label)]
        st.session_state[_SITE] = found[0] if len(found) == 1 else texts.ALL_SITES
    # a widget of another page loses its state with that page, so the choice is kept under a name of its own
    chosen = st.session_state.get(_SITE, texts.ALL_SITES)
    label = st.selectbox(texts.SITE, options, index=options.index(chosen) if chosen in options else 0)
    st.session_state[_SITE] = label
    number = labels.get(label)
    if number is None:
        st.query_params.pop(_PARAMETER, None)
        return data
    st.query_params[_PARAMETER] = str(number)
    return _narrowed(signed_in.token, data.moment.isoformat(), ",".join(sorted(data.proofs)), number, data)
