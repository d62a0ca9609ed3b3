"""Texts of a study stay texts, and one person sees nothing of another's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from imednet.models.study_config import StudyConfiguration
from imednet.sandbox import Answer, Request, Sandbox
from imednet_streamlit import shown, texts
from imednet_streamlit.markdown import plain
from imednet_streamlit.store import Store
from support import STUDY

from .conftest import CONFIGURATION, PAGES, Browser, Start

Handle = Callable[[Request], Answer]
PLANTED = (
    "<script>document.title='ran'</script>",
    "![x](http://127.0.0.1:9/pixel)",
    "[link](javascript:alert(1)) :red[no] $x^2$",
    '=HYPERLINK("http://127.0.0.1:9")',
    "</textarea><img src=x onerror=alert(1)>",
    "_index",
    "a\u202eb\nc\ud800",
)
NAMED = {
    "sites": ("siteName",), "forms": ("formName",), "intervals": ("intervalName", "intervalGroupName"),
    "studies": ("studyName",), "subjects": ("subjectStatus",), "records": ("recordStatus",),
    "variables": ("label",), "queries": ("description",),
}  # fmt: skip


def planted(request: Request, answer: Handle) -> Answer:
    """A server whose texts are hostile, each row with another one."""
    given = answer(request)
    name = request.path.rsplit("/", 1)[-1]
    if given.status != 200 or name not in NAMED:
        return given
    body = json.loads(given.body)
    for place, row in enumerate(body.get("data") or []):
        for field in NAMED[name]:
            row[field] = PLANTED[place % len(PLANTED)]
        for variable in row.get("recordData") or {}:
            row["recordData"][variable] = PLANTED[place % len(PLANTED)]
    return Answer(200, json.dumps(body).encode())


@pytest.mark.parametrize("page", PAGES)
def test_hostile_texts_break_no_page_and_stay_texts(start: Start, page: str, tmp_path: Path) -> None:
    configuration = StudyConfiguration.from_dict(
        {"mappings": {"own": {"form": "AE", "fields": {"term": "AETERM", "_index": "AEOUT"}}}}
    )
    Store(tmp_path).save_version(STUDY, configuration, PLANTED[1], PLANTED[0], after=0)
    with Sandbox(intercept=planted) as box:
        browser = start(box, page, state=tmp_path, _imednet_person=PLANTED[1])
        assert not browser.app.exception
        assert not browser.app.error
        for element in (*browser.app.markdown, *browser.app.caption, *browser.app.title, *browser.app.header):
            assert "![x]" not in element.value
            assert "[link](" not in element.value
            assert not getattr(element.proto, "allow_html", False) or "<script" not in element.value


def test_hostile_answers_break_no_detail(start: Start, tmp_path: Path) -> None:
    """The timeline of a subject, a record under review, a preview, a lineage, and a report."""
    Store(tmp_path).save_version(STUDY, CONFIGURATION, "ada", "start", after=0)
    with Sandbox(intercept=planted) as box:
        browser = start(box, "subject_timeline", state=tmp_path)
        for subject in ("301-001", "302-010"):
            browser.open("subject_timeline", subject=subject)
            sound(browser)
        browser.open("review_workbench")
        browser.app.selectbox(key="review-form").set_value("AE")
        browser.app.run()
        browser.app.selectbox(key="review-decided").set_value(int(browser.app.dataframe[0].value["c0"][0]))
        sound(browser)
        browser.open("setup_wizard")
        browser.app.toggle(key="preview-read").set_value(True)
        sound(browser)
        browser.open("data_lineage")
        browser.app.selectbox(key="lineage-record").set_value(int(browser.app.dataframe[0].value["c7"][0]))
        sound(browser)
        for kind in ("html", "xlsx"):
            browser.open("publisher_wizard")
            browser.app.multiselect(key="publish-sections").set_value(["events", "queries", "records"])
            browser.app.selectbox(key="publish-kind").set_value(kind)
            browser.app.main.button[0].click()
            sound(browser)
            *_, content = browser.state["_imednet_report"]
            assert b"<script>document.title" not in content
            assert b"onerror=alert(1)>" not in content


def sound(browser: Browser) -> None:
    browser.app.run()
    assert not browser.app.exception
    assert not browser.app.error


def test_markdown_of_a_text_is_escaped() -> None:
    for text in PLANTED:
        escaped = plain(text)
        for sign in "[]()*_`<>$:!#":
            assert all(
                escaped[place - 1] == "\\" for place, found in enumerate(escaped) if found == sign
            ), (text, sign)  # fmt: skip
        assert "\n" not in escaped


def test_formulas_stay_texts_in_files(box: Sandbox) -> None:
    from imednet.workflows.monitoring import MonitoringTable
    from imednet.workflows.monitoring.table import Column

    table = MonitoringTable("t", "T", "C", (Column("a", "A"),), [{"a": text} for text in PLANTED])
    content = shown.as_workbook(table)
    import io

    import openpyxl

    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    assert shown.as_csv(table).splitlines()[0] == "a"


def of_person(request: Request, answer: Handle) -> Answer:
    """A server that shows each person other sites, by the key."""
    given = answer(request)
    if given.status != 200 or not request.path.endswith("/sites"):
        return given
    body = json.loads(given.body)
    wanted = 301 if request.headers["x-api-key"] == "demo-api-key" else 302
    for row in body["data"]:
        row["siteName"] = f"Site of {wanted}"
    return Answer(200, json.dumps(body).encode())


def test_two_people_at_once_see_only_their_own(start: Start) -> None:
    with Sandbox(intercept=of_person) as box:
        first = start(box, "site_performance")
        second = start(box, "site_performance", _imednet_api_key="demo-unblinded-key")
        for browser, own, other in ((first, "301", "302"), (second, "302", "301"), (first, "301", "302")):
            browser.app.run()
            names = set(browser.app.dataframe[0].value["c1"].dropna())
            assert names == {f"Site of {own}"}
            assert f"Site of {other}" not in browser.said()


def test_figures_of_a_last_visit_are_ones_own(start: Start, tmp_path: Path) -> None:
    with Sandbox() as box:
        visit(start, box, tmp_path, _imednet_person="Ada")
        box.advance(30)
        assert changes(visit(start, box, tmp_path, _imednet_person="Ada", _imednet_api_key="demo-unblinded-key")) == {}
        assert changes(visit(start, box, tmp_path, _imednet_person="Bob")) == {}
        assert texts.OPEN_QUERIES in changes(visit(start, box, tmp_path, _imednet_person="Ada"))


def visit(start: Start, box: Sandbox, state: Path, **fields: str) -> Browser:
    """A visit that begins in a second of its own."""
    import time

    time.sleep(1.1)
    return start(box, state=state, **fields)


def changes(browser: Browser) -> dict[str, str]:
    return {metric.label: metric.delta for metric in browser.app.metric if metric.delta}
