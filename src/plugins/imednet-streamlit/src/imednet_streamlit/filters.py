"""The choices of a site and a subject, which the address of the page holds, so that it can be passed on as a link.

A choice is kept while pages change, since a widget loses its value with its page. A site or subject that is not there
(any more) stays chosen and is an error; all sites in its place would be figures of something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from imednet.utils.text import whole
from imednet.workflows.base import not_found
from imednet.workflows.monitoring import StudyData

from . import texts
from .reading import SECONDS

if TYPE_CHECKING:
    from .auth import SignedIn

SITE: Final = "site"
SUBJECT: Final = "subject"
PARAMETERS: Final = (SITE, SUBJECT)
_NOTHING: Final = ""
PAGE: Final = "_imednet_page"
"""Where a session keeps the name of the page that is shown."""


@st.cache_resource(ttl=SECONDS, scope="session", max_entries=8, show_spinner=False)
def _narrowed(token: str, moment: str, lists: str, number: int, _data: StudyData) -> StudyData:  # noqa: ARG001
    return _data.of_site(number)


def forget() -> None:
    """Forget all narrowed data of this session."""
    _narrowed.clear()


def of_site(signed_in: SignedIn, data: StudyData) -> StudyData:
    """The data of the site that is chosen on this page, or of all sites.

    Raises:
        NotFoundError: the chosen site is not among those of the study.
    """
    labels = {str(site.site_id): whole(f"{site.site_id} {site.site_name or ''}").strip() for site in data.sites or ()}
    chosen = _choice(SITE, texts.SITE, labels, texts.ALL_SITES)
    if chosen is None:
        return data
    number = next((site.site_id for site in data.sites or () if str(site.site_id) == chosen), None)
    if number is None:
        raise not_found("site", data.study_key)
    return _narrowed(signed_in.token, data.moment.isoformat(), ",".join(sorted(data.proofs)), number, data)


def subject(data: StudyData) -> str | None:
    """The subject that is chosen on this page."""
    keys = {whole(str(one.subject_key)): whole(str(one.subject_key)) for one in data.subjects or ()}
    return _choice(SUBJECT, texts.SUBJECT, keys, texts.CHOOSE)


def choose(name: str, value: str) -> None:
    """Choose a site or a subject for whatever page comes next."""
    st.session_state[f"_imednet_{name}"] = value
    for key in [key for key in st.session_state if str(key).startswith(f"_imednet_{name}_on_")]:
        del st.session_state[key]


def keep_in_address() -> None:
    """Write what is chosen into the address, which a change of the page empties."""
    for name in PARAMETERS:
        if kept := st.session_state.get(f"_imednet_{name}"):
            st.query_params[name] = kept


def _choice(name: str, title: str, labels: dict[str, str], nothing: str) -> str | None:
    """A choice by a widget whose value outlives its page; also one that is not among the labels."""
    # a key of one page: Streamlit gives a widget of another page its default, whatever its key holds
    kept, widget = f"_imednet_{name}", f"_imednet_{name}_on_{st.session_state.get(PAGE)}"
    if widget not in st.session_state:
        st.session_state[widget] = st.session_state.get(kept, st.query_params.get(name, _NOTHING))
    options = [_NOTHING, *labels]
    if st.session_state[widget] not in options:
        options.append(st.session_state[widget])
    chosen: str = st.selectbox(
        title,
        options,
        key=widget,
        format_func=lambda value: (
            nothing if value == _NOTHING else labels.get(value, texts.NOT_THERE.format(name=value))
        ),
    )
    st.session_state[kept] = chosen
    if chosen == _NOTHING:
        st.query_params.pop(name, None)
        return None
    st.query_params[name] = chosen
    return chosen
