"""Every form of a study into raw staging each morning, and only what failed again: job J2, check by check."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporting import of_form
from imednet import ImednetSDK
from imednet.errors import ExportIncompleteError
from imednet.integrations import ExportReport, export_to_json
from imednet.sandbox import Answer, Sandbox
from support import STUDY

Make = Callable[..., Sandbox]
FAILING = ("AE", "CM", "VS")


@pytest.fixture(params=["documented", "live"])
def dialect(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def load(box: Sandbox, folder: Path, **options: Any) -> ExportReport:
    with ImednetSDK(**box.credentials, retries=options.pop("retries", 1), backoff_factor=0) as sdk:
        return export_to_json(sdk, STUDY, folder, lines=True, raw=True, **options)


def records(folder: Path, report: ExportReport) -> dict[int, Any]:
    found = {}
    for form in report.forms:
        if form.file:
            for line in (folder / form.file).read_text("utf-8").split("\n"):
                if line:
                    row = json.loads(line)
                    found[row["recordId"]] = row
    return found


def asked(box: Sandbox) -> list[dict[str, str]]:
    return [dict(request.query) for request in box.requests if request.path.endswith("/records")]


def on_forms(*keys: str, fault: Callable[[Any, Any], Answer]) -> Callable[[Any, Any], Answer]:
    """A fault on every answer that has rows of these forms, and on every request for one of them."""

    def intercept(request: Any, answer: Any) -> Answer:
        found: Answer = answer(request)
        query = dict(request.query)
        if not request.path.endswith("/records"):
            return found
        named = query.get("filter", "").partition(";")[0] in {f"formKey=={key}" for key in keys}
        inside = query["size"] != "1" and any(f'"formKey":"{key}"'.encode() in found.body for key in keys)
        return fault(request, found) if named or inside else found

    return intercept


def fail(request: Any, found: Answer) -> Answer:
    return Answer(500, b'{"metadata":{"error":{"code":"9000","description":"Unknown error"}}}')


def truncate(request: Any, found: Answer) -> Answer:
    half = found.body[: len(found.body) // 2]
    return Answer(200, half, {**found.headers, "Content-Length": str(len(found.body))})


def test_j2_1_enabled_forms_are_tried_disabled_ones_on_request(own_box: Make, dialect: str, tmp_path: Path) -> None:
    box = own_box(dialect=dialect)
    report = load(box, tmp_path / "a")
    rows = {form.key: form.rows for form in report.forms}
    assert len(rows) == 28
    assert "OLDVS" not in rows
    assert report.left_out == {"OLDVS": 1}
    assert rows["SS"] == 0
    assert (rows["SITEINIT"], rows["SITETRN"], rows["ACCT"]) == (6, 72, 120)
    asked_for = load(box, tmp_path / "b", disabled=True)
    assert {form.key: form.rows for form in asked_for.forms}["OLDVS"] == 1
    assert {form.key for form in load(box, tmp_path / "c", forms=["OLDVS"]).forms} == {"OLDVS"}


def test_j2_2_every_form_has_status_count_times_and_error(own_box: Make, dialect: str, tmp_path: Path) -> None:
    box = own_box(dialect=dialect, intercept=on_forms(*FAILING, fault=fail))
    with pytest.raises(ExportIncompleteError):
        load(box, tmp_path / "x")
    states = {one["form"]: one for one in json.loads((tmp_path / "x" / "manifest.json").read_text())["forms"]}
    assert len(states) == 28
    for key, state in states.items():
        if key in FAILING:
            assert (state["status"], state["rows"], state["code"]) == ("FAILED", None, "500")
            assert "Unknown error" in state["error"]
        else:
            assert (state["status"], state["error"], state["code"]) == ("SUCCESS", None, None)
            assert state["started"] == state["ended"] == "2026-11-01 00:00:00"
    assert states["SS"]["rows"] == 0


def test_j2_3_only_what_failed_is_read_again(own_box: Make, dialect: str, tmp_path: Path) -> None:
    box = own_box(dialect=dialect, intercept=on_forms(*FAILING, fault=fail))
    with pytest.raises(ExportIncompleteError, match="Next: run the same export again") as caught:
        load(box, tmp_path / "x")
    status = {form.key: form.status for form in caught.value.report.forms}
    assert {key for key, one in status.items() if one == "FAILED"} == set(FAILING)
    assert Counter(status.values()) == {"FAILED": 3, "SUCCESS": 25}
    assert {path.stem for path in (tmp_path / "x").glob("*.jsonl")} - {"extraction-log"} == set(status) - set(FAILING)
    box._intercept, before = None, len(box.requests)
    report = load(box, tmp_path / "x")
    again = [dict(r.query).get("filter", "") for r in box.requests[before:] if r.path.endswith("/records")]
    assert again
    assert {one.partition(";")[0] for one in again} == {clause for key in FAILING for clause in of_form(box, key)}
    assert {form.status for form in report.forms} == {"SUCCESS"}
    study = box.studies[STUDY]
    served = {r["recordId"] for r in study.rows("records") if r["formKey"] != "OLDVS"}
    assert records(tmp_path / "x", report).keys() == served
    assert not list((tmp_path / "x").glob(".imednet*"))


@pytest.mark.parametrize("fault", [fail, truncate], ids=["500", "truncated"])
def test_j2_4_a_spoilt_page_fails_its_form_and_no_other(
    own_box: Make, dialect: str, tmp_path: Path, fault: Any
) -> None:
    box = own_box(dialect=dialect, intercept=on_forms("LAB", fault=fault))
    with pytest.raises(ExportIncompleteError) as caught:
        load(box, tmp_path / "x")
    counts = Counter(row["formKey"] for row in box.studies[STUDY].rows("records"))
    for form in caught.value.report.forms:
        if form.key == "LAB":
            assert form.status == "FAILED"
        else:
            assert (form.status, form.rows) == ("SUCCESS", counts[form.key])


def test_j2_4_a_form_whose_own_count_does_not_agree_is_no_success(own_box: Make, tmp_path: Path) -> None:
    """A server that counts one row more for a form than it gives: the form fails, whatever the pass says."""

    def one_more(request: Any, answer: Any) -> Answer:
        found: Answer = answer(request)
        query = dict(request.query)
        if query.get("size") == "1" and query.get("filter", "") in ("formKey==DEMO", "formId==60104"):
            body = json.loads(found.body)
            body["pagination"]["totalElements"] += 1
            body["pagination"]["totalPages"] += 1
            return Answer(200, json.dumps(body).encode(), found.headers)
        return found

    box = own_box(intercept=one_more)
    report = load(box, tmp_path / "x")  # read alone it is whole, and all forms add up
    assert report.complete
    assert [query for query in asked(box) if query.get("filter") == "formKey==DEMO" and query["size"] == "500"]


def test_j2_4_a_row_that_does_not_answer_to_its_form_is_not_lost(own_box: Make, tmp_path: Path) -> None:
    """Its form key is null, so that no filter finds it: the pass has it, and keeps it."""
    box = own_box()
    study = box.studies[STUDY]
    number = study.records.change(study.records.find("formKey", "AE") or 0, formKey=None)["recordId"]
    report = load(box, tmp_path / "x")
    assert report.complete
    assert number in records(tmp_path / "x", report)


def test_j2_5_few_requests_at_once_and_429_is_survived(own_box: Make, dialect: str, tmp_path: Path) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def watched(request: Any, answer: Any) -> Answer:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            found: Answer = answer(request)
            return found
        finally:
            with lock:
                now[0] -= 1

    box = own_box(dialect=dialect, intercept=watched, faults=["status GET records every=4 status=429"])
    report = load(box, tmp_path / "x", retries=5)
    assert report.complete
    assert 1 <= most[0] <= 8


def test_j2_6_raw_rows_are_the_servers(own_box: Make, dialect: str, tmp_path: Path) -> None:
    """Canonical JSON of what the server sends under either dialect; deleted rows are there and say so."""
    box = own_box(dialect=dialect)
    with ImednetSDK(**box.credentials) as sdk:
        served = {row["recordId"]: row for row in sdk.records.list(STUDY, raw=True)}
    report = load(box, tmp_path / "x", disabled=True)
    found = records(tmp_path / "x", report)
    assert found == served
    assert sum(row["deleted"] for row in found.values()) > 20
