"""The dashboard in Streamlit's own test runner, against a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

import imednet_streamlit
from imednet.models.study_config import StudyConfiguration
from imednet.sandbox import Sandbox
from imednet_streamlit.settings import Settings
from pages import blocks
from support import PATIENCE, STUDY

APP = Path(imednet_streamlit.__file__).with_name("app.py")
KEYS = {"_imednet_api_key": "demo-api-key", "_imednet_security_key": "demo-security-key", "_imednet_study_key": STUDY}
CONFIGURATION = StudyConfiguration.from_dict(yaml.safe_load(blocks("configuration.md", "yaml")[0]))
PAGES = (
    "home", "query_status", "subject_enrollment", "site_performance", "data_completeness", "subject_timeline",
    "setup_wizard", "review_workbench", "publisher_wizard", "data_lineage",
)  # fmt: skip


class Browser:
    """Somebody who uses the dashboard."""

    def __init__(self) -> None:
        self.app = AppTest.from_file(str(APP), default_timeout=PATIENCE)

    def open(self, page: str = "home", **parameters: str) -> AppTest:
        """Open a page by its address, as a link does, in the session that is there."""
        self.app.query_params.clear()
        for name, value in {"page": page, **parameters}.items():
            self.app.query_params[name] = value
        if "_imednet_linked" in self.app.session_state:
            del self.app.session_state["_imednet_linked"]
        return self.app.run()

    def sign_in(self, **fields: str) -> AppTest:
        """Fill the form in the side bar and press Connect."""
        self.app.run()
        there = {field.key for field in self.app.sidebar.text_input}
        for key, text in {**KEYS, **fields}.items():
            if key in there:
                self.app.sidebar.text_input(key=key).input(text)
        self.app.sidebar.button[0].click()
        return self.app.run()

    def leave(self) -> None:
        """Close what is still open, as the end of a session does."""
        signed_in = self.state.get("_imednet_signed_in")
        if signed_in is not None:
            signed_in.held.close()

    @property
    def state(self) -> dict[str, Any]:
        """Everything the session holds."""
        return dict(self.app.session_state._state.filtered_state)

    def said(self) -> str:
        """All texts on the page and in the side bar, as they were sent to the browser."""
        return "\n".join(str(element.proto) for element in self.app.main) + "\n".join(
            str(element.proto) for element in self.app.sidebar
        )


Start = Callable[..., Browser]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def browsers() -> Iterator[Callable[[], Browser]]:
    """Makes people who use the dashboard; those who are signed in leave at the end of the test."""
    made: list[Browser] = []

    def one() -> Browser:
        made.append(Browser())
        return made[-1]

    yield one
    for browser in made:
        browser.leave()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, browsers: Callable[[], Browser]) -> Start:
    """Somebody who is signed in to the study of a sandbox."""

    def started(box: Sandbox, page: str = "home", *, state: Path | None = None, **fields: str) -> Browser:
        settle(monkeypatch, Settings(box.url, state=state))
        browser = browsers()
        browser.open(page)
        browser.sign_in(**fields)
        return browser

    return started


def settle(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Start the dashboard with these settings and no others."""
    for name in ("BASE_URL", "STUDY", "MIRROR", "ACCESS_CODE", "STATE", "SANDBOX"):
        monkeypatch.delenv(f"IMEDNET_DASHBOARD_{name}", raising=False)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
