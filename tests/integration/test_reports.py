"""Reports as page, PDF and workbook: the same figures in all, whole or not at all, and no text of a study is alive."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from commands import imednet
from imednet import ImednetSDK
from imednet.errors import ArgumentError, ExportConfigurationError, NotFoundError
from imednet.mirror import Mirror
from imednet.models.study_config import StudyConfiguration
from imednet.reports import Report, ReportOptions, study_report, write_html, write_pdf, write_workbook
from imednet.reports.charts import draw, drawable
from imednet.reports.html import page
from imednet.reports.report import ReadLine, ReportSection
from imednet.reports.sections import SECTIONS
from imednet.sandbox import Sandbox
from imednet.workflows.monitoring import MonitoringTable
from imednet.workflows.monitoring.kri.settings import KriSettings
from imednet.workflows.monitoring.table import Chart, Column
from pages import blocks, typed
from report_pages import Page, shown
from support import STUDY

OPTIONS = ReportOptions(
    exit_date="EOS.EXDAT",
    target=60,
    target_date="2027-03-31",
    configuration=StudyConfiguration.from_dict(yaml.safe_load(blocks("configuration.md", "yaml")[0])),
    indicators=KriSettings.from_dict(yaml.safe_load(blocks("kri.md", "yaml")[0])),
)


@pytest.fixture(scope="module", params=["documented", "live"])
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    with Sandbox(dialect=request.param) as box, ImednetSDK(**box.credentials) as sdk:
        yield study_report(sdk, STUDY, OPTIONS)


def test_page_workbook_and_command_show_the_same_figures(report: Report, tmp_path: Path) -> None:
    seen = Page(page(report, "interactive"))
    write_workbook(report, tmp_path / "report.xlsx")
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    links = [row for row in book["Contents"].iter_rows(values_only=True) if row[3] in book.sheetnames]
    assert len(links) == len(list(report.tables()))
    sheets = iter(links)
    for section in report.sections:
        for place, table in enumerate(section.tables):
            _, title, count, sheet = next(sheets)[:4]
            assert (title, count) == (table.title, len(table))
            cells = list(book[sheet].iter_rows(min_row=4 + len(table.notes), values_only=True))
            if table.rows:
                assert seen.tables[f"{section.name}-{place}"][: len(shown(table.first(500)))][:3] == shown(table)[:3]
                if len(table) <= 500:
                    assert seen.tables[f"{section.name}-{place}"] == shown(table)
            assert [column.title for column in table.columns] == list(cells[0][: len(table.columns)])
            listed = [*table.rows, *([table.total] if table.total is not None and table.rows else [])]
            for row, values in zip(listed, cells[1:], strict=True):
                for column, value in zip(table.columns, values, strict=False):
                    wanted = row[column.name]
                    if isinstance(wanted, bool):
                        assert value == ("yes" if wanted else "no")
                    elif isinstance(wanted, (int, float)):
                        assert value == pytest.approx(wanted)
                    elif column.kind == "date" and hasattr(value, "isoformat"):
                        assert str(wanted) == value.isoformat()[:10]
                    else:
                        assert value == (wanted or None)


def test_figures_of_a_report_are_those_of_the_command(tmp_path: Path) -> None:
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        made = study_report(sdk, STUDY, ReportOptions(sections=("queries", "missing"), exit_date="EOS.EXDAT"))
    by_name = {table.name: table for _, table in made.tables()}
    for name, words in (("queries by form", ("queries", "--by", "form")),
                        ("missing pages by page", ("missing", "--exit", "EOS.EXDAT"))):  # fmt: skip
        done = imednet("--sandbox", "monitor", *words, "-o", "json")
        assert json.loads(done.stdout) == by_name[name].rows


def test_the_cover_says_what_was_read_and_how(report: Report) -> None:
    seen = Page(page(report, "interactive"))
    assert report.proven
    for text in ("TideWater Renal", STUDY, "2026-11-01 00:00:00", "every list is proven whole", "EOS.EXDAT",
                 "2 deleted subjects are left out"):  # fmt: skip
        assert text in seen.text
    assert {read.name for read in report.reads} >= {"records", "queries", "visits", "record revisions"}
    unproven = replace(report, reads=(replace(report.reads[0], status="unproven"), *report.reads[1:]))
    assert "not every list is proven whole" in Page(page(unproven, "interactive")).text
    assert [section.name for section in report.sections] == list(SECTIONS)


def test_notes_of_a_table_stand_with_it_and_charts_say_what_they_leave_out(report: Report) -> None:
    text = " ".join(Page(page(report, "interactive")).text.split())
    for _, table in report.tables():
        for note in table.notes:
            assert note in text, table.name
    columns = (Column("label", "L"), Column("count", "C", "count"))
    long: list[Any] = [{"label": f"L{place}", "count": place + 1} for place in range(100)]
    table = MonitoringTable("t", "t", "c.", columns, long, chart=Chart("bar", "count", "label"))
    few = replace(report, sections=(replace(report.sections[0], tables=[table]),))
    assert "the chart shows the first 30 of 100" in page(few, "interactive")


def test_the_page_is_one_file_that_asks_for_nothing(report: Report, tmp_path: Path) -> None:
    write_html(report, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    seen = Page(text)
    assert not {"link", "img", "iframe", "object", "base"} & set(seen.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"<script[^>]+src=", text)
    charts = sum(drawable(table) for _, table in report.tables())
    assert text.count('data-spec="') == text.count('type="application/json"') == charts > 15
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html"]


HOSTILE = (
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", "]]>",
    "'\"><b>bold</b>", '=HYPERLINK("http://example.org")', "+1+1", "@SUM(1)", "http://example.org/x", "datum.x + 1",
    "[link](javascript:alert(1))", "a.b[c]", "\u202eevil", "\ud800 half", "line\nbreak", "\x00\x07",
    "x" * 40_000, "a&b",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_study_is_alive(text: str, tmp_path: Path) -> None:
    table = MonitoringTable(
        text, text, text, (Column("label", text, urgent=True), Column("count", "Count", "count")),
        [{"label": text, "count": 1}, {"label": "plain", "count": 2}], chart=Chart("bar", "count", "label"),
        notes=(text,),
    ).with_total({"label": text})  # fmt: skip
    hostile = Report(
        text, text, "2026-11-01 00:00:00", "imednet", (text,), (ReadLine(text, "proven", "one answer", 1, "now"),),
        (ReportSection("enrolment", text, [table]),), (text,),
    )  # fmt: skip
    plain = replace(hostile, study_key="S", study_name="S", filters=("f",), notes=("n",), sections=(
        ReportSection("enrolment", "E", [replace(table, name="t", title="t", caption="c", notes=())]),
    ))  # fmt: skip
    whole = page(hostile, "interactive")
    seen = Page(whole)
    assert set(seen.tags) == set(Page(page(plain, "interactive")).tags)
    assert whole.count("<script") == whole.count("</script>") == 2
    (spec,) = re.findall(r'<script type="application/json" id="spec-1">(.*?)</script>', whole, re.DOTALL)
    assert json.loads(spec)["data"]["values"][1]["label"] == "plain"
    write_html(hostile, tmp_path / "r.html")
    (tmp_path / "r.html").read_text("utf-8")
    write_workbook(hostile, tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.coordinate
                assert cell.hyperlink is None or str(cell.hyperlink.location).startswith("'") or cell.hyperlink.location
                assert cell.hyperlink is None or not cell.hyperlink.target


def test_pdf_by_both_ways_or_a_word_what_is_missing(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(report, sections=report.sections[:1])
    ways = {"browser": any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "weasyprint": True}
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        ways["weasyprint"] = False
    if ways["weasyprint"]:
        write_pdf(few, tmp_path / "w.pdf")
        assert (tmp_path / "w.pdf").read_bytes().startswith(b"%PDF")
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    if ways["browser"]:
        write_pdf(few, tmp_path / "b.pdf")
        assert (tmp_path / "b.pdf").read_bytes().startswith(b"%PDF")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportConfigurationError, match="WeasyPrint or Chromium"):
        write_pdf(few, tmp_path / "none.pdf")
    assert not [path for path in tmp_path.iterdir() if "none" in path.name]


def test_a_file_stays_as_it_was_when_a_report_fails(report: Report, tmp_path: Path) -> None:
    (tmp_path / "r.xlsx").write_text("kept")
    wrong = replace(report.sections[0].tables[0], rows=[])
    huge = replace(wrong)
    object.__setattr__(huge, "rows", range(1_100_000))
    with pytest.raises(ExportConfigurationError, match="more than a sheet"):
        write_workbook(replace(report, sections=(replace(report.sections[0], tables=[huge]),)), tmp_path / "r.xlsx")
    assert (tmp_path / "r.xlsx").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["r.xlsx"]


def test_every_chart_has_an_alternative_and_neutral_names(report: Report) -> None:
    for _, table in report.tables():
        if drawable(table):
            spec = draw(table, width=500).to_dict()
            assert spec["description"].startswith(table.title)
            fields = set(re.findall(r'"field": "([^"]*)"', json.dumps(spec)))
            assert fields <= {"x", "y", "value", "label", "part", "place", "line"}
            assert len(spec["data"]["values"]) <= 3_000


def test_a_mirror_gives_the_same_report(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror")
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        mirror.sync(sdk, STUDY)
        live = study_report(sdk, STUDY, OPTIONS)
    with mirror.sdk() as local:
        kept = study_report(local, STUDY, OPTIONS)
    assert [table for _, table in kept.tables()] == [table for _, table in live.tables()]
    assert {read.rule for read in kept.reads} == {"mirror"}


def test_a_study_without_subjects_has_a_report(tmp_path: Path) -> None:
    with Sandbox(profile="empty") as box, ImednetSDK(**box.credentials) as sdk:
        made = study_report(sdk, STUDY, OPTIONS)
        narrowed = study_report(sdk, STUDY, ReportOptions(sections=("queries",)))
    write_html(made, tmp_path / "r.html")
    write_workbook(made, tmp_path / "r.xlsx")
    assert "Nothing to show" in (tmp_path / "r.html").read_text("utf-8")
    assert narrowed.filters == ("none: the whole study",)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        (ReportOptions(sections=("query",)), ArgumentError, "did you mean 'queries'"),
        (ReportOptions(sections=("events",)), ArgumentError, "needs a configuration"),
        (ReportOptions(sections=("kri",)), ArgumentError, "needs settings"),
        (replace(OPTIONS, sections=("kri",), site=301), ArgumentError, "the whole study"),
        (ReportOptions(sections=("diary",), diary_group="Diary"), ArgumentError, "no interval is in group"),
        (ReportOptions(site=999), NotFoundError, "imednet sites list"),
    ],
)
def test_what_a_report_cannot_be(box: Sandbox, options: ReportOptions, error: type[Exception], says: str) -> None:
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(error, match=says):
        study_report(sdk, STUDY, options)


def test_the_page_about_reports_runs(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(blocks("configuration.md", "yaml")[0], "utf-8")
    (tmp_path / "kri.yaml").write_text(blocks("kri.md", "yaml")[0], "utf-8")
    for line in "".join(blocks("reports.md", "sh")).splitlines():
        done = typed(line, tmp_path)
        assert done.returncode == 0, (line, done.stderr)
        assert (tmp_path / done.stdout.strip()).stat().st_size > 10_000
    with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
        names: dict[str, Any] = {"sdk": sdk, "study": STUDY, "folder": tmp_path}
        for block in blocks("reports.md", "python"):
            exec(block, names)
    wrong = imednet("--sandbox", "report", STUDY, str(tmp_path / "r.doc"))
    assert wrong.returncode == 2
    assert ".xlsx" in wrong.stderr
