"""The dashboard in a real browser: sign-in, every page, filters, what lies behind a bar, downloads, two people."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page

from imednet import ImednetSDK
from imednet.sandbox import Sandbox
from support import STUDY

from .conftest import AXE, Visit, Visitor, running

TITLES = (
    "Home", "Query Status", "Subject Enrollment", "Site Performance", "Data Completeness", "Subject Timeline",
    "Setup Wizard", "Review Workbench", "Publisher Wizard", "Data Lineage",
)  # fmt: skip


def metric(page: Page, label: str) -> str:
    card = page.get_by_test_id("stMetric").filter(has_text=label)
    return card.get_by_test_id("stMetricValue").inner_text()


def downloaded(visitor: Visitor, name: str, place: int = 0) -> tuple[str, bytes]:
    with visitor.page.expect_download() as waiting:
        visitor.page.get_by_role("button", name=name, exact=True).nth(place).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def faults_of(page: Page) -> list[str]:
    """Serious faults that axe-core finds, with the elements they are in."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['target']}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def test_keys_are_not_in_the_page_after_the_sign_in(visit: Visit) -> None:
    visitor = visit()
    visitor.page.goto(visitor.address)
    visitor.page.get_by_role("button", name="Connect").wait_for()
    visitor.settle()
    visitor.picture("dashboard-sign-in")
    visitor.sign_in()
    assert visitor.page.locator("input[type=password]").count() == 0
    assert "demo-api-key" not in visitor.page.content()
    assert "demo-security-key" not in visitor.page.content()
    visitor.page.reload()
    visitor.page.get_by_role("button", name="Connect").wait_for()
    assert visitor.page.get_by_text("Connected ✓").count() == 0, "a reload ends the session"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_every_page_is_drawn_and_has_no_serious_fault(visit: Visit, width: int, scheme: str) -> None:
    visitor = visit(width, scheme=scheme)
    visitor.sign_in()
    found: dict[str, list[str]] = {}
    for title in TITLES:
        visitor.go(title)
        if title == "Subject Timeline":
            visitor.page.get_by_role("combobox", name="Subject").click()
            visitor.page.get_by_role("option", name="301-002").click()
            visitor.page.get_by_role("heading", name="Timeline of 301-002").wait_for()
            visitor.settle()
        assert visitor.page.get_by_test_id("stException").count() == 0
        assert visitor.page.locator("[data-testid=stAlertContentError]").count() == 0
        wide = visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert wide, f"{title} does not fit"
        if faults := faults_of(visitor.page):
            found[title] = faults
        name = title.lower().replace(" ", "-")
        visitor.picture(f"dashboard-{name}" + ("-narrow" if width < 700 else "-dark" if scheme == "dark" else ""))
    assert found == {}


def test_a_link_opens_its_page_and_site(visit: Visit) -> None:
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        total = sdk.workflows.monitoring.query_status(STUDY, site=302).total or {}
    visitor = visit()
    visitor.sign_in(path="/?page=query_status&site=302")
    visitor.page.get_by_role("heading", name="Query Status", level=1).wait_for()
    visitor.settle()
    assert metric(visitor.page, "Open queries") == str(total["open"])
    assert "site=302" in visitor.page.url
    visitor.go("Data Completeness")
    assert "site=302" in visitor.page.url


def test_a_filter_and_a_click_on_a_bar_lead_to_rows(visit: Visit) -> None:
    visitor = visit()
    visitor.sign_in(path="/query_status")
    page = visitor.page
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="open", exact=True).click()
    visitor.settle()
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.scroll_into_view_if_needed()
    size = chart.bounding_box()
    assert size is not None
    page.mouse.click(size["x"] + size["width"] * 0.45, size["y"] + 75)  # the first bar
    page.get_by_role("combobox", name="Show the rows behind: Site").and_(page.locator(":not([value='(everything)'])"))
    visitor.settle()
    name, content = downloaded(visitor, "CSV", 1)
    assert name == "query_list.csv"
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        first = sdk.workflows.monitoring.query_status(STUDY).rows[0]
    assert {row["siteId"] for row in rows} == {str(first["siteId"])}
    assert len(rows) == first["open"]


def test_downloads_hold_the_figures_of_the_page(visit: Visit) -> None:
    visitor = visit()
    visitor.sign_in(path="/site_performance")
    name, content = downloaded(visitor, "CSV")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    name_of_book, book = downloaded(visitor, "Excel")
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    assert (name, name_of_book) == ("site_performance.csv", "site_performance.xlsx")
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        table = sdk.workflows.monitoring.site_performance(STUDY)
    assert [int(row["open"]) for row in rows] == [row["open"] for row in table.rows]
    assert sheet is not None
    assert sheet.cell(1, 1).value == table.title
    assert metric(visitor.page, "Missing pages") == str((table.total or {})["missing"])
    page_name, text = downloaded(visitor, "This page as HTML")
    assert page_name == "site_performance.html"
    assert text.startswith(b"<!doctype html>")
    assert b"Site performance" in text


def test_two_people_at_once_see_only_their_own(visit: Visit) -> None:
    """Two browsers on one server: choices, figures and sessions of one are nothing to the other."""
    first, second = visit(), visit()
    first.sign_in("Ada", "/?page=query_status&site=301")
    second.sign_in("Bob", "/?page=query_status&site=302")
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        counts = {
            site: str((sdk.workflows.monitoring.query_status(STUDY, site=site).total or {})["open"])
            for site in (301, 302)
        }
    assert metric(first.page, "Open queries") == counts[301]
    assert metric(second.page, "Open queries") == counts[302]
    second.page.get_by_role("button", name="Disconnect").click()
    second.page.get_by_role("button", name="Connect").wait_for()
    first.go("Site Performance")
    assert first.page.get_by_text("Connected ✓").count() == 1


def test_the_keyboard_reaches_the_sign_in_and_the_pages(visit: Visit) -> None:
    visitor = visit()
    visitor.page.goto(visitor.address)
    name = visitor.page.get_by_role("textbox", name="Your name")
    name.wait_for()
    visitor.settle()
    name.focus()
    visitor.page.keyboard.type("Ada")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_text("Connected ✓").wait_for()
    link = visitor.page.get_by_test_id("stSidebar").get_by_role("link", name="Query Status")
    link.focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("heading", name="Query Status", level=1).wait_for()


def test_without_a_folder_nothing_is_kept(visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running("--sandbox") as url:
        visitor = visit(at=url)
        visitor.page.goto(url)
        visitor.page.get_by_role("button", name="Connect").click()
        visitor.page.get_by_text("Connected ✓").wait_for()
        visitor.settle()
    assert not list(tmp_path.iterdir())
