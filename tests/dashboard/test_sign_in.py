"""The sign-in: as documented, with keys that leave the session at once, and with clear words where it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

import imednet_streamlit
from imednet import ImednetSDK
from imednet.mirror import Mirror
from imednet.sandbox import Sandbox
from imednet_streamlit import texts
from imednet_streamlit.settings import Settings
from support import STUDY

from .conftest import KEYS, PAGES, Browser, Start, settle

APP_PATH = Path(imednet_streamlit.__file__).with_name("app.py")


def test_dashboard_login_flow() -> None:
    """The example of the authoring guide, word for word but for the path of the app."""
    with patch("imednet_streamlit.auth.ImednetSDK") as mock_sdk:
        mock_sdk.return_value = object()
        at = AppTest.from_file(str(APP_PATH))
        at.run()
        at.sidebar.text_input(key="_imednet_api_key").input("test-api-key")
        at.sidebar.text_input(key="_imednet_security_key").input("test-security-key")
        at.sidebar.text_input(key="_imednet_study_key").input("PROT-100")
        at.sidebar.button[0].click()
        at.run()
        assert at.sidebar.success[0].value == "Connected ✓"


def test_signed_in_the_session_holds_no_key(box: Sandbox, start: Start) -> None:
    browser = start(box)
    assert [one.value for one in browser.app.sidebar.success] == [texts.CONNECTED]
    held = {name: value for name, value in browser.state.items() if name != "_imednet_signed_in"}
    for key in ("demo-api-key", "demo-security-key"):
        assert key not in str(held)
        assert key not in repr(browser.state["_imednet_signed_in"])
        assert key not in browser.said()
    assert not {field.key for field in browser.app.sidebar.text_input} & set(KEYS)


def test_keys_are_masked() -> None:
    app = Browser().app.run()
    masked = [app.sidebar.text_input(key=key).proto.type for key in ("_imednet_api_key", "_imednet_security_key")]
    assert masked == [1, 1], "PASSWORD of Streamlit's protocol"


def test_keys_of_the_environment_are_never_used(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, browsers: Callable[[], Browser]
) -> None:
    monkeypatch.setenv("IMEDNET_API_KEY", "demo-api-key")
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", "demo-security-key")
    settle(monkeypatch, Settings(box.url))
    browser = browsers()
    app = browser.sign_in(_imednet_api_key="", _imednet_security_key="")
    assert [error.value for error in app.sidebar.error] == [texts.KEYS_MISSING]
    assert not app.sidebar.success
    assert not box.requests


@pytest.mark.parametrize("page", PAGES)
def test_refused_keys_end_the_sign_in_on_every_page(box: Sandbox, start: Start, page: str, tmp_path: Path) -> None:
    browser = start(box, page, state=tmp_path, _imednet_api_key="wrong")
    assert [error.value for error in browser.app.sidebar.error] == [texts.KEYS_REFUSED]
    assert not browser.app.sidebar.success
    assert "_imednet_signed_in" not in browser.state
    assert [info.value for info in browser.app.info] == [texts.PLEASE_CONNECT]


def test_disconnect_forgets_everything(box: Sandbox, start: Start) -> None:
    browser = start(box, "query_status")
    browser.open("query_status", site="302")
    leave = next(button for button in browser.app.sidebar.button if button.label == texts.DISCONNECT)
    leave.click()
    app = browser.app.run()
    assert not app.sidebar.success
    assert "_imednet_signed_in" not in browser.state
    assert not [name for name in browser.state if str(name).startswith(("quer", "_imednet_site", "_imednet_subject"))]
    assert not {"site", "subject"} & set(browser.app.query_params)
    assert "302" not in browser.said()
    asked = len(box.requests)
    assert asked
    browser.sign_in()
    assert len(box.requests) > asked, "what was read before is read again"


@pytest.mark.parametrize("page", PAGES)
def test_a_study_that_the_keys_may_not_read_is_told_on_every_page(
    box: Sandbox, start: Start, page: str, tmp_path: Path
) -> None:
    browser = start(box, page, state=tmp_path, _imednet_study_key="OTHER-1")
    assert [error.value for error in browser.app.main.error] == [texts.NOT_FOUND]


def test_a_mirror_needs_its_code(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, browsers: Callable[[], Browser], tmp_path: Path
) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        Mirror(tmp_path / "m").sync(sdk, STUDY)
    settle(monkeypatch, Settings(study_key=STUDY, mirror=tmp_path / "m", access_code="open-sesame"))
    browser = browsers()
    app = browser.sign_in(_imednet_access_code="guessed")
    assert [error.value for error in app.sidebar.error] == [texts.CODE_REFUSED]
    app = browser.sign_in(_imednet_access_code="open-sesame")
    assert [one.value for one in app.sidebar.success] == [texts.CONNECTED]
    for page in PAGES:
        app = browser.open(page)
        assert not app.error, page
        assert not app.exception, page


def test_a_mirror_without_a_code_is_closed(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, browsers: Callable[[], Browser], tmp_path: Path
) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        Mirror(tmp_path / "m").sync(sdk, STUDY)
    settle(monkeypatch, Settings(study_key=STUDY, mirror=tmp_path / "m"))
    app = browsers().sign_in(_imednet_access_code="")
    assert [error.value for error in app.sidebar.error] == [texts.CODE_REFUSED]


def test_refresh_takes_the_last_snapshot_of_a_mirror(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, browsers: Callable[[], Browser], tmp_path: Path
) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        mirror = Mirror(tmp_path / "m")
        mirror.sync(sdk, STUDY)
        settle(monkeypatch, Settings(study_key=STUDY, mirror=tmp_path / "m", access_code="open-sesame"))
        browser = browsers()
        browser.sign_in(_imednet_access_code="open-sesame")
        box.advance(30)
        mirror.sync(sdk, STUDY)
        people = sdk.workflows.monitoring.enrolment(STUDY).total or {}
    next(button for button in browser.app.sidebar.button if button.label == texts.REFRESH).click()
    app = browser.app.run()
    assert {metric.label: metric.value for metric in app.metric}[texts.SUBJECTS] == str(people["registered"])
    assert any("snapshot 2" in caption.value for caption in app.sidebar.caption)


def test_a_session_whose_connection_was_closed_is_signed_out(box: Sandbox, start: Start) -> None:
    """A browser that was away for a moment finds its session, and the SDK closed by the end of its caches."""
    browser = start(box, "query_status")
    browser.state["_imednet_signed_in"].held.close()
    app = browser.app.run()
    assert [error.value for error in app.sidebar.error] == [texts.INTERRUPTED]
    assert not app.sidebar.success
    assert not app.metric
    app = browser.sign_in()
    assert [one.value for one in app.sidebar.success] == [texts.CONNECTED]
    assert app.metric


def test_a_page_that_is_not_there_is_told(browsers: Callable[[], Browser]) -> None:
    app = browsers().open("quarry_status")
    assert [warning.value for warning in app.warning] == [texts.NO_SUCH_PAGE]
    assert [title.value for title in app.title] == [texts.HOME]
