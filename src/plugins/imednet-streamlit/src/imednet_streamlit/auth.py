"""The sign-in in the side bar.

Keys stand in password fields of one form. When it is sent, they are taken out of the session and only the SDK made of
them is kept; whether they are right shows at the first read.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

import streamlit as st

from imednet import ImednetSDK
from imednet.errors import ImednetError

from . import caches, filters, texts
from .markdown import plain
from .settings import Settings
from .store import Store

if TYPE_CHECKING:
    from imednet.resource_attributes import SDKProtocol

API_KEY: Final = "_imednet_api_key"
SECURITY_KEY: Final = "_imednet_security_key"
STUDY_KEY: Final = "_imednet_study_key"
ACCESS_CODE: Final = "_imednet_access_code"
PERSON: Final = "_imednet_person"
_SIGNED_IN: Final = "_imednet_signed_in"
_REFUSED: Final = "_imednet_refused"
_SANDBOX_KEYS: Final = {API_KEY: "demo-api-key", SECURITY_KEY: "demo-security-key"}


@dataclass
class OpenSdk:
    """An SDK, and whether it is still open."""

    sdk: SDKProtocol = field(repr=False)
    open: bool = True

    def close(self) -> None:
        """Close the SDK."""
        self.open = False
        close = getattr(self.sdk, "close", None)
        if close is not None:
            close()


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is connected to a study.

    Attributes:
        held: the SDK that reads the study, from the API or from a mirror.
        study_key: the study.
        token: names this sign-in and no other; caches are kept by it.
        person: what figures and reviews of this person are kept by; a digest, of which no key can be found again.
        name: what the person calls itself, for logs that people read.
        store: what is kept between visits; `None` where nothing is.
        source: where the data come from, for people.
        began: when, by this machine (UTC).
    """

    held: OpenSdk = field(repr=False)
    study_key: str
    token: str = field(repr=False)
    person: str = field(repr=False)
    name: str
    store: Store | None = field(repr=False)
    source: str
    began: str

    @property
    def sdk(self) -> SDKProtocol:
        """The SDK."""
        return self.held.sdk


def current() -> SignedIn | None:
    """Who is signed in in this session."""
    signed_in = cast("SignedIn | None", st.session_state.get(_SIGNED_IN))
    if signed_in is not None and not signed_in.held.open:
        # a browser that lost its connection for a moment comes back to its session, whose SDK was closed meanwhile
        refuse(texts.INTERRUPTED)
        return None
    return signed_in


def side_bar(settings: Settings) -> None:
    """Show the sign-in, or who is signed in."""
    signed_in = current()
    with st.sidebar:
        if signed_in is None:
            _form(settings)
            return
        st.success(texts.CONNECTED)
        st.caption(texts.STUDY_FROM.format(study=plain(signed_in.study_key), source=signed_in.source))
        refresh, leave = st.columns(2)
        refresh.button(
            texts.REFRESH, help=texts.REFRESH_HELP, on_click=_refresh, args=(settings, signed_in), width="stretch"
        )
        leave.button(texts.DISCONNECT, on_click=disconnect, width="stretch")


def _refresh(settings: Settings, signed_in: SignedIn) -> None:
    """Forget what was read; of a mirror, take the snapshot that is the last one now."""
    caches.forget()
    if settings.mirror is None:
        return
    _kept_open.clear()
    try:
        sdk, _, source = _mirror(settings)
    except ImednetError as error:
        refuse(texts.NOT_CONNECTED.format(kind=type(error).__name__))
        return
    token = secrets.token_hex(16)
    held = _kept_open(token, OpenSdk(sdk))
    st.session_state[_SIGNED_IN] = replace(signed_in, held=held, token=token, source=source)


def _form(settings: Settings) -> None:
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(refused)
    with st.form("_imednet_sign_in", border=False):
        if settings.mirror is not None:
            st.text_input(texts.ACCESS_CODE, type="password", key=ACCESS_CODE, help=texts.ACCESS_CODE_HELP)
        else:
            shown = _SANDBOX_KEYS if settings.sandbox else {}
            st.text_input(texts.API_KEY, value=shown.get(API_KEY, ""), type="password", key=API_KEY)
            st.text_input(texts.SECURITY_KEY, value=shown.get(SECURITY_KEY, ""), type="password", key=SECURITY_KEY)
            st.text_input(texts.STUDY_KEY, value=settings.study_key or "", key=STUDY_KEY, help=texts.STUDY_KEY_HELP)
        if settings.state is not None:
            st.text_input(texts.PERSON, key=PERSON, help=texts.PERSON_HELP)
        st.form_submit_button(texts.CONNECT, on_click=_connect, args=(settings,), type="primary", width="stretch")


def _connect(settings: Settings) -> None:
    """Take the keys out of the session and make an SDK of them."""
    given = {
        name: str(st.session_state.pop(name, "") or "").strip()
        for name in (API_KEY, SECURITY_KEY, STUDY_KEY, ACCESS_CODE, PERSON)
    }
    try:
        store = Store(settings.state) if settings.state is not None else None
        if settings.mirror is not None:
            code = settings.access_code
            if not code or not hmac.compare_digest(given[ACCESS_CODE].encode(), code.encode()):
                refuse(texts.CODE_REFUSED)
                return
            sdk, study_key, source = _mirror(settings)
        else:
            if not (given[API_KEY] and given[SECURITY_KEY] and given[STUDY_KEY]):
                refuse(texts.KEYS_MISSING)
                return
            # the session keeps what it read; a cache of the SDK beside it would outlive Refresh
            sdk = ImednetSDK(given[API_KEY], given[SECURITY_KEY], settings.base_url, cache=False)
            study_key, source = given[STUDY_KEY], texts.SANDBOX if settings.sandbox else texts.API
    except ImednetError as error:
        refuse(texts.NOT_CONNECTED.format(kind=type(error).__name__))
        return
    except OSError:
        refuse(texts.STATE_UNUSABLE)
        return
    # who reads with other keys may see other sites, so nothing is shared between keys, whatever name is given
    person = store.digest(given[API_KEY], given[SECURITY_KEY], given[PERSON]) if store is not None else ""
    name = given[PERSON] or texts.NOBODY
    began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = secrets.token_hex(16)
    held = _kept_open(token, OpenSdk(sdk))
    st.session_state[_SIGNED_IN] = SignedIn(held, study_key, token, person, name, store, source, began)


def _mirror(settings: Settings) -> tuple[SDKProtocol, str, str]:
    from imednet.mirror import Mirror

    assert settings.mirror is not None
    mirror = Mirror(settings.mirror)
    return cast("SDKProtocol", mirror.sdk()), mirror.study_key, texts.MIRROR.format(number=mirror.number())


def refuse(text: str) -> None:
    """Sign out, and say why above the form."""
    disconnect()
    st.session_state[_REFUSED] = text


def disconnect() -> None:
    """Forget who is signed in, and everything that was read and chosen in this session."""
    caches.forget()
    _kept_open.clear()
    st.session_state.clear()
    for name in filters.PARAMETERS:
        st.query_params.pop(name, None)


@st.cache_resource(scope="session", on_release=OpenSdk.close, show_spinner=False)
def _kept_open(token: str, _held: OpenSdk) -> OpenSdk:  # noqa: ARG001
    """Keep an SDK open until its session signs out or ends, be it by a browser that was closed."""
    return _held
