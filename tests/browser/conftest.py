"""The dashboard as users start it, and Debian's Chromium, which reaches nothing but this machine.

`nox -s browser` installs what they need and says in IMEDNET_TEST_BROWSER where axe-core is. With IMEDNET_TEST_PICTURES
set to a folder, pictures of the pages are kept there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from imednet.models.study_config import StudyConfiguration
from imednet_streamlit.store import Store
from pages import blocks
from support import PATIENCE, STUDY

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
WAIT = PATIENCE * 1000
CONFIGURATION = StudyConfiguration.from_dict(yaml.safe_load(blocks("configuration.md", "yaml")[0]))
AXE = Path(os.environ.get("IMEDNET_TEST_BROWSER", ""))
PICTURES = os.environ.get("IMEDNET_TEST_PICTURES")


@contextmanager
def running(*words: str, **environment: str) -> Iterator[str]:
    """The dashboard on a free port; its address."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    command = [sys.executable, "-m", "imednet", "dashboard", "--no-browser", "--port", str(port), *words]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment
    ) as process:
        try:
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                assert process.poll() is None, "the dashboard ended"
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dashboard on the sandbox, with a configuration."""
    state = tmp_path_factory.mktemp("state")
    Store(state).save_version(STUDY, CONFIGURATION, "Grace", "forms of the CRF", after=0)
    with running("--sandbox", "--state", str(state)) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield browser
        browser.close()


class Visitor:
    """Somebody with a browser; what it asked for outside this machine and what went wrong in pages is kept."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.outside: list[str] = []
        self.broken: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT)
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:", self.address.replace("http", "ws", 1))):
            self.outside.append(url)

    def sign_in(self, name: str = "Ada", path: str = "/", **fields: str) -> None:
        """Open a page and connect, with the keys that the form proposes or with others, by their labels."""
        self.page.goto(self.address + path)
        if self.narrow:
            self.page.get_by_test_id("stExpandSidebarButton").click()
        self.page.get_by_role("button", name="Connect").wait_for()
        field = self.page.get_by_role("textbox", name="Your name")
        if field.count():
            field.fill(name)
        for label, text in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)
        self.page.keyboard.press("Tab")
        self.page.get_by_role("button", name="Connect").click()
        self.page.get_by_text("Connected ✓").wait_for()
        self.settle()

    @property
    def narrow(self) -> bool:
        size = self.page.viewport_size
        return size is not None and size["width"] < 700

    def go(self, title: str) -> None:
        """Choose a page in the side bar."""
        if self.narrow and self.page.get_by_test_id("stExpandSidebarButton").is_visible():
            self.page.get_by_test_id("stExpandSidebarButton").click()
        self.page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
        self.page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
        if self.narrow:
            self.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
        self.settle()

    def settle(self) -> None:
        """Wait until the page is made and its charts are drawn."""
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(state="attached")
        self.page.locator("[data-stale=true]").first.wait_for(state="detached")
        for chart in self.page.locator("[data-testid=stVegaLiteChart]").all():
            chart.locator("canvas, svg").first.wait_for()
        self.page.wait_for_timeout(500)

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page, where pictures are wanted."""
        if PICTURES is not None:
            size = self.page.viewport_size
            assert size is not None
            height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
            self.page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), 2000)})
            self.settle()
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png")
            self.page.set_viewport_size(size)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Visit]:
    """Makes visitors, each with a browser of its own; none may ask for anything outside this machine."""
    made: list[Visitor] = []

    def visitor(width: int = 1280, *, scheme: str = "light", at: str = address, zone: str = "UTC") -> Visitor:
        size = {"width": width, "height": 900 if width > 700 else 844}
        context = chromium.new_context(
            viewport=size, color_scheme=scheme, timezone_id=zone, accept_downloads=True  # type: ignore[arg-type]
        )  # fmt: skip
        made.append(Visitor(context, at))
        return made[-1]

    yield visitor
    for one in made:
        one.context.close()
    assert [one.outside for one in made] == [[] for _ in made]
    assert [one.broken for one in made] == [[] for _ in made]
