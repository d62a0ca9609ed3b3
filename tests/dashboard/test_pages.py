"""Pages: the figures of the monitoring tables, what lies behind them, and clear words for what goes wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from commands import imednet
from imednet import ImednetSDK
from imednet.reports import Report, ReportOptions, study_report, write_html, write_workbook
from imednet.reports.charts import chart_label
from imednet.reports.report import report_of
from imednet.sandbox import Answer, Request, Sandbox
from imednet.workflows.monitoring import MonitoringTable, StudyData
from imednet.workflows.monitoring.table import Column
from imednet_streamlit import reading, shown, texts
from imednet_streamlit.store import Store
from report_pages import Page
from report_pages import shown as shown_in_report
from support import STUDY

from .conftest import CONFIGURATION, PAGES, Browser, Start

MONITORING = PAGES[:6]
HUNG_UP = Answer(200, b"", break_after=-1)


def figures(browser: Browser) -> dict[str, str]:
    return {metric.label: metric.value for metric in browser.app.metric}


def frames(browser: Browser) -> list[Any]:
    return [one.value for one in browser.app.dataframe]


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_a_page_shows_the_figures_of_the_tables(start: Start, dialect: str) -> None:
    with Sandbox(dialect=dialect) as box, ImednetSDK(**box.credentials) as sdk:
        monitoring = sdk.workflows.monitoring
        queries = monitoring.query_status(STUDY).total or {}
        people = monitoring.enrolment(STUDY).total or {}
        sites = monitoring.site_performance(STUDY)
        forms = monitoring.completeness(STUDY).total or {}
        browser = start(box, "query_status")
        assert figures(browser)[texts.OPEN_QUERIES] == str(queries["open"])
        assert figures(browser)[texts.CLOSED_QUERIES] == str(queries["closed"])
        listed = frames(browser)[1]
        assert len(listed) == queries["queries"]
        assert (listed["c1"] == "open").sum() == queries["open"]
        browser.open("subject_enrollment")
        assert figures(browser)[texts.ENROLLED] == str(people["enrolled"])
        browser.open("site_performance")
        table = frames(browser)[0]
        assert table["c0"].tolist() == [row["siteId"] for row in sites.rows]
        assert table["c7"].tolist() == [row["open"] for row in sites.rows]
        browser.open("data_completeness")
        assert figures(browser)[texts.EXPECTED_PAGES] == f"{forms['expected']:,}"
        assert figures(browser)[texts.MISSING_PAGES] == str(forms["missing"])


def test_page_report_workbook_and_command_show_the_same_figures(box: Sandbox, start: Start, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        report = study_report(sdk, STUDY, ReportOptions(("queries", "sites")))
    write_html(report, tmp_path / "report.html")
    write_workbook(report, tmp_path / "report.xlsx")
    html = Page((tmp_path / "report.html").read_text("utf-8"))
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    keys = {name: str(value) for name, value in box.credentials.items()}
    environment = {
        "IMEDNET_API_KEY": keys["api_key"], "IMEDNET_SECURITY_KEY": keys["security_key"],
        "IMEDNET_BASE_URL": keys["base_url"],
    }  # fmt: skip
    sites, queries = report.sections[1].tables[0], report.sections[0].tables[0]
    for table, words, page, article in (
        (queries, ("queries",), "query_status", "queries-0"), (sites, ("sites",), "site_performance", "sites-0"),
    ):  # fmt: skip
        command = json.loads(imednet("monitor", *words, STUDY, "-o", "json", **environment).stdout)
        frame = frames(start(box, page))[0].astype(object)
        on_page = [
            dict(zip((column.name for column in table.columns), row, strict=True))
            for row in frame.where(frame.notna(), None).values.tolist()
        ]
        assert on_page == command == table.rows
        assert html.tables[article] == shown_in_report(table)
        sheet = next(book[name] for name in book.sheetnames if book[name].cell(1, 1).value == table.title)
        in_book = [list(row) for row in sheet.iter_rows(min_row=5 + len(table.notes), values_only=True)]
        in_book = [row[: len(table.columns)] for row in in_book[: len(table)]]
        assert in_book == [[row[column.name] for column in table.columns] for row in table.rows]


def test_a_site_narrows_a_page_and_stands_in_its_address(box: Sandbox, start: Start) -> None:
    browser = start(box)
    browser.open("query_status", site="302")
    with ImednetSDK(**box.credentials) as sdk:
        total = sdk.workflows.monitoring.query_status(STUDY, site=302).total or {}
    assert figures(browser)[texts.OPEN_QUERIES] == str(total["open"])
    assert browser.app.query_params["site"] == "302"
    assert browser.app.query_params["page"] == "query_status"
    browser.open("site_performance")
    assert frames(browser)[0]["c0"].tolist() == [302]


def test_a_bar_leads_to_its_rows(box: Sandbox, start: Start) -> None:
    browser = start(box, "query_status")
    chosen = browser.app.selectbox(key="queries-site-siteId")
    label = next(option for option in chosen.options if option.startswith("301"))
    chosen.set_value(label)
    browser.app.selectbox(key="queries-state").set_value("open")
    browser.app.run()
    status, listed = frames(browser)[:2]
    assert set(listed["c3"]) == {301}
    assert len(listed) == status.set_index("c0").loc[301, "c2"]


def test_a_cell_leads_to_its_missing_pages(box: Sandbox, start: Start) -> None:
    browser = start(box, "data_completeness")
    with ImednetSDK(**box.credentials) as sdk:
        cells = sdk.workflows.monitoring.completeness(STUDY, by="cell").rows
    cell = next(row for row in cells if (row["missing"] or 0) == 1)
    browser.app.selectbox(key="completeness-cells-subjectKey").set_value(cell["subjectKey"])
    browser.app.selectbox(key="completeness-cells-formKey").set_value(cell["formKey"])
    browser.app.run()
    missing = frames(browser)[2]
    assert len(missing) == 1
    assert (missing["c0"][0], missing["c3"][0]) == (cell["subjectKey"], cell["formKey"])


def test_search_and_pages_of_a_long_table(box: Sandbox, start: Start, tmp_path: Path) -> None:
    browser = start(box, "review_workbench", state=tmp_path)
    assert len(frames(browser)[0]) == shown.ROWS_A_PAGE
    browser.app.number_input(key="review-page").set_value(6)
    browser.app.run()
    records = 2786
    assert len(frames(browser)[0]) == records - 5 * shown.ROWS_A_PAGE
    browser.app.text_input(key="review-search").input("301-001")
    browser.app.run()
    assert set(frames(browser)[0]["c2"]) == {"301-001"}


def test_files_of_a_table_are_those_of_the_command_line(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        table: MonitoringTable = sdk.workflows.monitoring.site_performance(STUDY)
    rows = list(csv.DictReader(io.StringIO(shown.as_csv(table))))
    assert [int(row["open"]) for row in rows] == [row["open"] for row in table.rows]
    sheet = openpyxl.load_workbook(io.BytesIO(shown.as_workbook(table))).active
    assert sheet is not None
    assert sheet.cell(1, 1).value == table.title


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_without_data(start: Start, page: str, tmp_path: Path) -> None:
    with Sandbox(profile="empty") as box:
        browser = start(box, page, state=tmp_path, _imednet_study_key=next(iter(studies(box))))
        assert not browser.app.exception
        assert not browser.app.error
        assert not browser.app.warning


@pytest.mark.parametrize("page", MONITORING)
def test_every_page_opens_without_queries(start: Start, page: str) -> None:
    with Sandbox(intercept=emptied("queries")) as box:
        browser = start(box, page)
        assert not browser.app.exception
        assert not browser.app.error
        if texts.OPEN_QUERIES in figures(browser):
            assert figures(browser)[texts.OPEN_QUERIES] == "0"


@pytest.mark.parametrize("page", MONITORING)
def test_a_server_that_is_gone_is_told_and_no_zero_is_shown(start: Start, page: str) -> None:
    gone: list[bool] = []
    with Sandbox(intercept=lambda request, answer: HUNG_UP if gone else answer(request)) as box:
        browser = start(box, page)
        gone.append(True)
        press(browser, texts.REFRESH)
    assert [error.value for error in browser.app.error] == [texts.UNREACHABLE]
    assert not browser.app.metric
    assert not browser.app.dataframe


def test_what_was_read_stays_while_the_server_is_gone(start: Start) -> None:
    with Sandbox() as box:
        browser = start(box, "query_status")
        before = figures(browser)
    browser.open("query_status")
    assert figures(browser) == before


@pytest.mark.parametrize("page", PAGES)
def test_an_unknown_error_is_told_by_its_kind_alone(
    box: Sandbox, start: Start, page: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("demo-api-key and an answer")

    monkeypatch.setattr("imednet_streamlit.reading.study_name", broken)
    browser = start(box, page)
    assert [error.value for error in browser.app.error] == [texts.FAILED.format(kind="RuntimeError")]
    assert "demo-api-key" not in browser.said()
    assert "demo-api-key" not in caplog.text
    assert "RuntimeError in" in caplog.text


def test_refresh_reads_again(box: Sandbox, start: Start) -> None:
    browser = start(box, "data_completeness")
    asked = len(box.requests)
    browser.app.run()
    assert len(box.requests) == asked
    before = sorted({request.path for request in box.requests})
    press(browser, texts.REFRESH)
    assert sorted({request.path for request in box.requests[asked:]}) == before, "every list, also those of the design"


def test_a_list_that_is_not_proven_whole_is_told(box: Sandbox, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def unproven(data: StudyData) -> reading.Read[StudyData]:
        proof = replace(data.proofs["queries"], status="unproven", reason="nothing was compared")
        proofs = {**data.proofs, "queries": proof}
        return reading.Read(replace(data, proofs=proofs), proofs, datetime.now(UTC))

    monkeypatch.setattr(reading, "_of_study", unproven)
    browser = start(box, "query_status")
    told = [caption.value.replace("\\", "") for caption in browser.app.caption]
    assert any(texts.UNPROVEN in text for text in told)
    assert "⚠ the list of queries is not proven whole: nothing was compared" in told


def studies(box: Sandbox) -> list[str]:
    with ImednetSDK(**box.credentials) as sdk:
        return [str(study.study_key) for study in sdk.studies.list()]


def press(browser: Browser, label: str) -> None:
    """Press a button of the side bar."""
    next(button for button in browser.app.sidebar.button if button.label == label).click()
    browser.app.run()


def emptied(name: str) -> Callable[[Request, Callable[[Request], Answer]], Answer]:
    """A server whose list of this name is empty."""

    def intercept(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        given = answer(request)
        if not request.path.endswith(f"/{name}") or given.status != 200:
            return given
        body = json.loads(given.body)
        body["data"] = []
        body["pagination"] |= {"totalElements": 0, "totalPages": 0}
        return Answer(200, json.dumps(body).encode())

    return intercept


def choose(browser: Browser, key: str, value: object) -> None:
    browser.app.selectbox(key=key).set_value(value)
    browser.app.run()


def test_every_choice_in_a_row_counts(box: Sandbox, start: Start) -> None:
    browser = start(box, "query_status")
    with ImednetSDK(**box.credentials) as sdk:
        counts = {row["siteId"]: row["open"] for row in sdk.workflows.monitoring.query_status(STUDY).rows}
    for site in (301, 302, 303, 304, None, 305):
        choose(browser, "_imednet_site_on_query_status", "" if site is None else str(site))
        expected = sum(value or 0 for value in counts.values()) if site is None else counts[site]  # type: ignore[misc]
        assert figures(browser)[texts.OPEN_QUERIES] == str(expected), site
        assert browser.app.query_params.get("site") == (None if site is None else str(site))
    browser.open("subject_timeline")
    for subject in ("305-001", "305-002", "305-003"):
        choose(browser, "_imednet_subject_on_subject_timeline", subject)
        assert browser.app.header[0].value.replace("\\", "") == f"Timeline of {subject}"
    browser.open("site_performance")
    assert frames(browser)[0]["c0"].tolist() == [305], "a choice stays while pages change"


@pytest.mark.parametrize("page", ["query_status", "site_performance", "data_completeness", "subject_timeline"])
@pytest.mark.parametrize("address", [{"site": "999"}, {"site": "30"}, {"site": "Universitätsklinikum Nordau"}])
def test_a_site_that_is_not_there_is_told_and_no_figure_is_shown(
    box: Sandbox, start: Start, page: str, address: dict[str, str]
) -> None:
    browser = start(box)
    browser.open(page, **address)
    assert [error.value for error in browser.app.error] == [texts.GONE]
    assert not browser.app.metric
    assert not browser.app.dataframe
    assert browser.app.query_params["site"] == address["site"]


def test_a_subject_of_another_site_is_told(box: Sandbox, start: Start) -> None:
    browser = start(box)
    browser.open("subject_timeline", subject="301-001", site="302")
    assert [error.value for error in browser.app.error] == [texts.GONE]
    assert not browser.app.dataframe


def test_the_timeline_that_is_asked_for_opens(box: Sandbox, start: Start) -> None:
    """Also where that of another subject was open before."""
    browser = start(box)
    browser.open("subject_timeline", subject="301-001")
    browser.open("subject_enrollment")
    choose(browser, "enrolment-subject", "304-001")
    next(button for button in browser.app.main.button if button.label == texts.GO).click()
    browser.app.run()
    assert browser.app.header[0].value.replace("\\", "") == "Timeline of 304-001"
    assert browser.app.query_params["subject"] == "304-001"


@pytest.mark.parametrize("by", ["site", "form", "variable", "opener", "kind"])
def test_the_rows_behind_every_bar_are_as_many_as_it_counts(box: Sandbox, start: Start, by: str) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        table = sdk.workflows.monitoring.query_status(STUDY, by=by)  # type: ignore[arg-type]
    assert table.chart is not None
    browser = start(box, "query_status")
    choose(browser, "queries-by", by)
    for row in table.rows[:3] + [row for row in table.rows if row[table.chart.y] is None][:3]:
        choose(browser, f"queries-{by}-{table.chart.y}", chart_label(row, table.chart.y))
        assert len(frames(browser)[1]) == row["queries"], row


def test_a_subject_that_is_not_there_is_told(box: Sandbox, start: Start) -> None:
    browser = start(box)
    browser.open("subject_timeline", subject="301-999")
    assert [error.value for error in browser.app.error] == [texts.GONE]
    assert not browser.app.dataframe


def test_rows_behind_a_bar_are_those_of_the_bar_whatever_was_opened_before(box: Sandbox, start: Start) -> None:
    """Two reads of one moment differ in their lists: queries name their form only where the records were read."""
    browser = start(box, "query_status")
    choose(browser, "queries-by", "form")
    status = frames(browser)[0]
    label = str(status["c0"][0])
    option = next(one for one in browser.app.selectbox(key="queries-form-formKey").options if one.startswith(label))
    choose(browser, "queries-form-formKey", option)
    listed = frames(browser)[1]
    assert len(listed) == status.set_index("c0").loc[label].iloc[-1]


@pytest.mark.parametrize("name", ["sites", "subjects", "queries", "variables", "visits", "records", "studies"])
@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_figures_beside_a_list_it_could_not_read(
    start: Start, page: str, name: str, tmp_path: Path
) -> None:
    Store(tmp_path).save_version(STUDY, CONFIGURATION, "ada", "start", after=0)
    with Sandbox(faults=[f"status GET {name} status=403"]) as box:
        browser = start(box, page, state=tmp_path)
        if browser.app.error:
            assert [error.value for error in browser.app.error] == [texts.FORBIDDEN]
            assert not browser.app.metric
            assert not any(texts.PROVEN in caption.value for caption in browser.app.caption)
        else:
            asked = {request.path.rsplit("/", 1)[-1] for request in box.requests}
            assert name not in asked


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_how_old_its_data_are(box: Sandbox, start: Start, page: str, tmp_path: Path) -> None:
    browser = start(box, page, state=tmp_path)
    assert any("server time" in caption.value and texts.PROVEN in caption.value for caption in browser.app.caption)


def test_one_unproven_list_is_enough(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that only a part of the page is made of, and in the file of the page."""
    fetched = reading._fetch_pages

    def unproven(*args: object) -> reading.Read[StudyData]:
        read = fetched(*args)  # type: ignore[arg-type]
        proofs = {**read.proofs, "records": replace(read.proofs["records"], status="unproven", reason="no")}
        return reading.Read(replace(read.value, proofs=proofs), proofs, read.finished)

    monkeypatch.setattr(reading, "_fetch_pages", unproven)
    made: list[Report] = []
    monkeypatch.setattr("imednet_streamlit.page_file.report_of", lambda *args: made.append(report_of(*args)))
    with Sandbox() as box:
        browser = start(box)
        browser.open("subject_timeline", subject="301-001")
    told = " ".join(caption.value for caption in browser.app.caption)
    assert texts.UNPROVEN in told
    assert texts.PROVEN not in told
    assert not made[-1].proven
    assert made[-1].filters == ("only subject 301-001",)


def test_a_long_table_is_sorted_as_a_whole(box: Sandbox, start: Start, tmp_path: Path) -> None:
    browser = start(box, "review_workbench", state=tmp_path)
    numbers = sorted((record.record_id for record in all_records(box)), reverse=True)
    choose(browser, "review-sort", "Record ↓")
    assert frames(browser)[0]["c0"].tolist() == numbers[: shown.ROWS_A_PAGE]


def all_records(box: Sandbox) -> list[Any]:
    with ImednetSDK(**box.credentials) as sdk:
        return list(sdk.records.list(STUDY))


def test_csv_runs_nothing_in_a_spreadsheet() -> None:
    table = MonitoringTable("t", "T", "C", (Column("a", "A"), Column("b", "B", "number")), [{"a": "=1+1", "b": -1}])
    assert shown.as_csv(table) == "a,b\n'=1+1,-1\n"
