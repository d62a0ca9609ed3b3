"""The dashboard in a real browser: sign-in, every page, filters, what lies behind a bar, downloads, two people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Locator, Page

from imednet import ImednetSDK
from imednet.sandbox import Answer, Request, Sandbox
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


def pointed_at(page: Page, chart: Locator, text: str, step: int) -> str | None:
    """Move the mouse over a chart, `step` pixels at a time, until its tooltip has a text; the tooltip."""
    chart.scroll_into_view_if_needed()
    size = chart.bounding_box()
    assert size is not None
    tooltip = page.locator("#vg-tooltip-element")
    places = [(x, y) for y in range(60, int(size["height"]), 11) for x in range(60, int(size["width"]), step)]
    for across, down in places * 3:  # a busy machine may draw a tooltip when the mouse has gone on
        page.mouse.move(size["x"] + across, size["y"] + down)
        if tooltip.count() and tooltip.is_visible() and text in tooltip.inner_text():
            return tooltip.inner_text()
    return None


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
    assert pointed_at(page, chart, "301", 40) is not None
    page.mouse.down()
    page.mouse.up()
    page.get_by_text("301 Lakeshore Heart Institute", exact=True).first.wait_for()
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


def of_person(request: Request, answer: Callable[[Request], Answer]) -> Answer:
    """A server that names its sites after the key they are read with."""
    given = answer(request)
    if given.status != 200 or not request.path.endswith("/sites"):
        return given
    body = json.loads(given.body)
    for row in body["data"]:
        row["siteName"] = f"Seen by {request.headers['x-api-key']}"
    return Answer(200, json.dumps(body).encode())


def test_two_people_at_once_see_only_their_own(visit: Visit) -> None:
    """Two browsers with different keys on one server; what one does with its session is nothing to the other."""
    with Sandbox(intercept=of_person) as box, running(STUDY, IMEDNET_BASE_URL=box.url) as url:
        first, second = visit(at=url), visit(at=url)
        keys = {"API_key": "demo-api-key", "Security_key": "demo-security-key"}
        first.sign_in(path="/site_performance", **keys)
        second.sign_in(path="/site_performance", **{**keys, "API_key": "demo-unblinded-key"})
        for visitor, own in ((first, "demo-api-key"), (second, "demo-unblinded-key"), (first, "demo-api-key")):
            _, content = downloaded(visitor, "CSV")
            names = {row["siteName"] for row in csv.DictReader(io.StringIO(content.decode()))}
            assert names - {""} == {f"Seen by {own}"}
        asked = len(box.requests)
        second.page.get_by_role("button", name="Disconnect").click()
        second.page.get_by_role("button", name="Connect").wait_for()
        first.go("Query Status")
        first.go("Site Performance")
        read = [request for request in box.requests[asked:] if request.path.endswith("/records")]
        assert not read, "what the first one keeps is still there"
        first.page.get_by_role("button", name="Refresh").click()
        first.settle()
        assert metric(first.page, "Sites") == "6", "and its connection is still open"


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_a_day_is_that_day_everywhere(visit: Visit, zone: str) -> None:
    visitor = visit(zone=zone)
    visitor.sign_in(path="/subject_timeline?subject=301-002")
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        visits = sdk.visits.list(STUDY, subject_key="301-002")
    day = date.fromisoformat(next(str(one.visit_date) for one in visits if one.visit_date)[:10])
    told = pointed_at(visitor.page, visitor.page.get_by_test_id("stVegaLiteChart").first, "Screening", 3)
    assert told is not None
    assert f"{day:%b} {day.day:02}, {day.year}" in told


def test_texts_of_a_study_are_no_links_and_ask_for_nothing(visit: Visit) -> None:
    planted = (
        "https://evil.example/p www.evil.example a@evil.example ![x](http://evil.example/i) <img src=//evil.example>"
    )

    def hostile(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        given = answer(request)
        body = json.loads(given.body)
        for row in body.get("data") or []:
            for name in {"studyName", "siteName", "formName", "subjectStatus", "intervalName"} & set(row):
                row[name] = planted
        return Answer(given.status, json.dumps(body).encode())

    with Sandbox(intercept=hostile) as box, running(STUDY, IMEDNET_BASE_URL=box.url) as url:
        visitor = visit(at=url)
        visitor.sign_in(API_key="demo-api-key", Security_key="demo-security-key")
        for title in TITLES:
            visitor.go(title)
            links = visitor.page.locator("a[href*='evil']:not([href^='#']), img[src*='evil'], a[href^='mailto']")
            assert links.count() == 0, links.first.get_attribute("href")
            assert visitor.page.locator("[data-testid=stAlertContentError]").count() == 0


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
