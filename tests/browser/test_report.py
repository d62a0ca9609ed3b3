"""The HTML report in a browser without a network: every chart is drawn, and nothing is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from imednet import ImednetSDK
from imednet.reports import Report, ReportOptions, study_report, write_html
from imednet.reports.charts import drawable
from imednet.sandbox import Sandbox
from support import STUDY

from .conftest import AXE, CONFIGURATION, PICTURES
from .test_dashboard import faults_of


@pytest.fixture(scope="module")
def report() -> Report:
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        return study_report(sdk, STUDY, ReportOptions(exit_date="EOS.EXDAT", configuration=CONFIGURATION))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_a_report_opens_offline(chromium: Browser, report: Report, tmp_path: Path, width: int, scheme: str) -> None:
    assert AXE.name
    path = tmp_path / "report.html"
    write_html(report, path)
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True  # type: ignore[arg-type]
    )  # fmt: skip
    page = context.new_page()
    asked: list[str] = []
    broken: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if not request.url.startswith("data:") else None)
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(path.as_uri())
    wanted = sum(drawable(table) for _, table in report.tables())
    page.locator("article canvas, article svg").nth(wanted - 1).wait_for()
    assert page.locator("article canvas, article svg").count() >= wanted > 20
    assert asked == [path.as_uri()]
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert faults_of(page) == []
    if PICTURES is not None:
        name = "report-narrow" if width < 700 else "report-dark" if scheme == "dark" else "report"
        page.screenshot(path=Path(PICTURES) / f"{name}.png")
    context.close()
