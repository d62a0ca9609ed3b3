"""`imednet probe`: it tells how a server answers, in few requests that only read; its report holds nobody's data."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import imednet
from imednet import ImednetSDK
from imednet.errors import ConfigurationError, ForbiddenError
from imednet.probe import MOST_REQUESTS, ProbeReport, probe
from imednet.probe.asking import Asker, BudgetSpent
from imednet.probe.report import magnitude
from imednet.probe.spelling import QUESTIONS as SPELLING
from imednet.probe.strictness import QUESTIONS as STRICTNESS
from imednet.probe.strictness import UNASKED
from imednet.sandbox import Answer, Dialect, Request, Sandbox
from imednet.sandbox.server.switches import CONTENT, SWITCHES
from pages import blocks
from support import STUDY

ASKED = [*SPELLING, *STRICTNESS]
Own = Callable[..., Sandbox]


def probed(box: Sandbox, **options: Any) -> ProbeReport:
    with ImednetSDK(**box.credentials, backoff_factor=0) as sdk:
        return probe(sdk, STUDY, **{"requests_per_second": None, **options})


def setting(number: int) -> dict[str, str]:
    """One of the settings that together have every value of every switch."""
    return {name: SWITCHES[name].values[number % len(SWITCHES[name].values)] for name in ASKED}


def test_every_switch_is_asked_or_needs_a_write() -> None:
    assert {*ASKED, *UNASKED} == set(SWITCHES) - set(CONTENT)
    seen = {(name, setting(number)[name]) for number in range(8) for name in ASKED}
    assert seen == {(name, value) for name in ASKED for value in SWITCHES[name].values}


@pytest.mark.parametrize("number", range(8))
def test_the_report_tells_the_settings_that_are_on(number: int, own_box: Own) -> None:
    box = own_box(switches=setting(number))
    report = probed(box)
    assert {name: finding.answer for name, finding in report.dialect.items()} == setting(number)
    assert report.requests == len(box.requests) <= MOST_REQUESTS
    assert {request.method for request in box.requests} == {"GET"}


@pytest.mark.parametrize("number", range(8))
def test_a_sandbox_answers_as_the_probed_server_does(number: int, own_box: Own, tmp_path: Path) -> None:
    probed(own_box(switches=setting(number))).write(tmp_path / "report.json")
    like_it = own_box(dialect=Dialect.from_probe(tmp_path / "report.json"))
    assert {name: like_it.api.switches[name] for name in ASKED} == setting(number)


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_the_report_holds_no_name_key_or_answer(dialect: str, own_box: Own) -> None:
    box = own_box(dialect=dialect)
    text = probed(box).to_json()
    told: set[str] = set(box.credentials.values())  # type: ignore[arg-type]
    with ImednetSDK(**box.credentials) as sdk:
        told |= {STUDY, *(row.study_name or "" for row in sdk.studies.list())}
        for site in sdk.sites.list(STUDY):
            told |= {str(site.site_name), str(site.site_id)}
        for form in sdk.forms.list(STUDY):
            told |= {str(form.form_name), str(form.form_key), str(form.form_id)}
        told |= {str(row.subject_key) for row in sdk.subjects.list(STUDY)}
        told |= {
            str(part) for row in sdk.users.list(STUDY) for part in (row.login, row.email, row.first_name, row.last_name)
        }
        told |= {str(row.variable_name) for row in sdk.variables.list(STUDY)}
        for record in sdk.records.list(STUDY, raw=True):
            told |= {str(record["recordId"]), *(str(value) for value in (record["recordData"] or {}).values())}
        exact = [str(sdk.records.count(STUDY)), str(sdk.subjects.count(STUDY)), str(sdk.queries.count(STUDY))]
    words = set(re.findall(r"[^\s\"',:;{}\[\]]+", text))
    ours = {"Subject", "null"}  # words of the description, which some answers are too
    leaked = {name for name in told - ours if len(name) > 3 and (name in words or (" " in name and name in text))}
    assert not leaked
    assert not words & set(exact)


def test_what_a_hostile_server_plants_is_not_in_the_report(own_box: Own) -> None:
    """Names of fields, words, error texts, times and headers that hold a person."""

    def planted(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        given = answer(request)
        body = json.loads(given.body)
        for row in body.get("data", []):
            row["Jane Roe planted-secret"] = "planted-secret"
            for field in (
                "siteEnrollmentStatus",
                "formType",
                "timeline",
                "subjectStatus",
                "recordStatus",
                "dateCreated",
            ):
                if field in row:
                    row[field] = "planted-secret"
        if "error" in body["metadata"] and body["metadata"]["error"]:
            body["metadata"]["error"] = {"code": "planted-secret", "description": "planted-secret"}
        body["metadata"]["timestamp"] = "planted-secret"
        headers = {**given.headers, "x-planted-secret": "planted-secret"}
        return Answer(given.status, json.dumps(body).encode(), headers)

    report = probed(own_box(intercept=planted))
    assert "planted-secret" not in report.to_json()
    assert "Jane" not in report.to_json()
    assert report.dialect["siteStatus"].answer == "unknown"


@pytest.mark.parametrize(
    "fault",
    ["status GET records every=1 status=500", "status GET sites every=2 status=429 retry_after=0", "reset GET users"],
)
def test_trouble_costs_no_more_requests_than_are_allowed(fault: str, own_box: Own) -> None:
    box = own_box(faults=[fault])
    report = probed(box)
    assert report.requests == len(box.requests) <= MOST_REQUESTS
    assert report.measures["rate: refusals"].answer != "none" or "429" not in fault


def test_questions_that_were_not_reached_stay_open(own_box: Own) -> None:
    box = own_box()
    report = probed(box, most_requests=15)
    assert len(box.requests) <= 15
    assert report.dialect["sizeOver500"].answer == "unknown"
    assert report.dialect["roleDates"].answer == "array"


def test_wrong_keys_or_study_are_an_error_and_no_empty_report(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk, pytest.raises(ForbiddenError):
        probe(sdk, "NO-SUCH-STUDY")


def test_the_pace_is_kept(box: Sandbox) -> None:
    waits: list[float] = []
    with ImednetSDK(**box.credentials) as sdk:
        ask = Asker(sdk, STUDY, 10, 2.0, waits.append)
        for _ in range(3):
            ask.list("sites", ("size", "1"))
        assert [round(wait, 1) for wait in waits] == [0.5, 0.5] or all(0.3 < wait <= 0.5 for wait in waits)
        assert len(waits) == 2
        ask.close()


def test_an_empty_study_leaves_questions_open(own_box: Own) -> None:
    box = own_box(profile="empty")
    with ImednetSDK(**box.credentials) as sdk:
        key = str(sdk.studies.list()[0].study_key)
        report = probe(sdk, key, requests_per_second=None)
    assert report.dialect["valueTypes"].answer == "unknown"
    assert report.dialect["sizeOver500"].answer == "refused"


def test_the_command_shows_the_report_before_it_is_written(box: Sandbox, tmp_path: Path) -> None:
    keys = box.credentials
    environment = {
        "IMEDNET_BASE_URL": box.url, "IMEDNET_API_KEY": keys["api_key"], "IMEDNET_SECURITY_KEY": keys["security_key"],
        "XDG_CACHE_HOME": str(tmp_path),
    }  # fmt: skip
    out = tmp_path / "report.json"
    before = len(box.requests)
    asked = imednet("probe", STUDY, "--out", str(out), **environment)
    assert (asked.returncode, asked.stdout, out.exists()) == (2, "", False)
    assert "--yes" in asked.stderr
    assert len(box.requests) == before, "a server is not asked for a report that nobody would see"
    done = imednet("probe", STUDY, "--out", str(out), "--yes", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == out.read_text().strip()
    assert json.loads(done.stdout)["format"] == "imednet-probe/1"
    again = imednet("probe", STUDY, "--out", str(out), "--yes", **environment)
    assert (again.returncode, "is not replaced" in again.stderr) == (2, True)
    changed = json.loads(out.read_text())
    changed["dialect"]["sizeOver500"]["answer"] = "clamped"
    (tmp_path / "other.json").write_text(json.dumps(changed))
    same = imednet("probe", "--compare", str(out), str(out))
    assert (same.returncode, same.stdout) == (0, "")
    different = imednet("probe", "--compare", str(out), str(tmp_path / "other.json"), "-o", "json")
    assert different.returncode == 3
    assert json.loads(different.stdout) == [{"question": "sizeOver500", "first": "refused", "second": "clamped"}]
    assert imednet("probe", "--compare", str(out), str(tmp_path / "nothing.json")).returncode == 2


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": "other/1"}', '{"format": "imednet-probe/1"}'])
def test_a_file_that_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="no report"):
        ProbeReport.read(file)
    with pytest.raises(ValueError, match=r".+"):
        Dialect.from_probe(file)
    served = imednet("sandbox", "serve", "--like", str(file))
    assert (served.returncode, "cannot be used" in served.stderr) == (2, True)


def test_a_report_comes_back_as_it_was(box: Sandbox, tmp_path: Path) -> None:
    report = probed(box)
    report.write(tmp_path / "r.json")
    assert ProbeReport.read(tmp_path / "r.json") == report
    if os.name == "posix":
        assert (tmp_path / "r.json").stat().st_mode & 0o077 == 0


def test_counts_are_magnitudes() -> None:
    assert [magnitude(count) for count in (0, 1, 9, 10, 999, 10**7)] == [
        "none", "under 10", "under 10", "tens", "hundreds", "millions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"metadata": {"status": "BAD_REQUEST", "error": {"code": "1000", "description": "no"}}}, "refused"),
        ({"message": "hello"}, "unknown"),
        (None, "unknown"),
    ],
)
def test_what_is_no_page_is_no_yes_and_an_outage_is_no_refusal(answer: Any, expected: str, own_box: Own) -> None:
    """HTTP 200 with an error in it, with something else, and a server that fails."""

    def spoilt(request: Request, real: Callable[[Request], Answer]) -> Answer:
        if "filter=" not in request.target and "page=100000" not in request.target:
            return real(request)
        return Answer(200, json.dumps(answer).encode()) if answer is not None else Answer(503, b"")

    report = probed(own_box(intercept=spoilt))
    asked = {**report.dialect, **report.measures}
    told = {
        name: asked[name].answer for name in ("filterSpaces", "filterParentheses", "filter: <=", "page: past the end")
    }
    assert set(told.values()) == {expected}, told


def test_redirects_count(own_box: Own) -> None:
    def moved(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        if request.target.endswith("moved=1"):
            return answer(Request(request.method, request.target.rpartition("&")[0], request.headers))
        return Answer(307, b"", {"Location": f"{request.target}&moved=1"})

    box = own_box(intercept=moved)
    report = probed(box)
    assert report.requests == len(box.requests) <= MOST_REQUESTS
    assert report.dialect["roleDates"].answer == "array"


@pytest.mark.parametrize(("named", "most"), [("900", 4), ("0", 5), (None, 5)])
def test_a_server_that_wants_no_more_is_asked_no_further(named: str | None, most: int, own_box: Own) -> None:
    def tired(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        headers = {} if named is None else {"Retry-After": named}
        return answer(request) if len(box.requests) <= 3 else Answer(429, b"{}", headers)

    box = own_box(intercept=tired)
    waits: list[float] = []
    with ImednetSDK(**box.credentials) as sdk:
        ask = Asker(sdk, STUDY, MOST_REQUESTS, None, waits.append)
        for _ in range(3):
            ask.list("sites", ("size", "1"))
        with pytest.raises(BudgetSpent):
            ask.list("sites", ("size", "1"))
        ask.close()
    assert len(box.requests) == most
    assert sum(waits) <= 5


@pytest.mark.parametrize(("named", "more"), [("900", 1), ("0", 2)])
def test_a_whole_probe_ends_where_the_server_wants_no_more(named: str, more: int, own_box: Own) -> None:
    """Each question that is left stays open, and none of them asks."""
    answers = 4

    def tired(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        return answer(request) if len(box.requests) <= answers else Answer(429, b"{}", {"Retry-After": named})

    box = own_box(intercept=tired)
    report = probed(box)
    assert len(box.requests) == answers + more
    assert report.dialect["wrongStudyKey"].answer == "unknown"


@pytest.mark.parametrize(
    "spoil",
    [{"metadata": None}, {"metadata": {"timestamp": "Jane Roe 1970"}}, {"pagination": None}, {"data": None},
     {"data": [1]}, {"data": [{"recordId": True, "siteId": "x", "roles": 7, "recordData": []}]}],
)  # fmt: skip
def test_an_odd_answer_leaves_a_question_open_and_ends_nothing(spoil: dict[str, Any], own_box: Own) -> None:
    seen: list[int] = []

    def odd(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        seen.append(1)
        given = answer(request)
        if len(seen) > 1 and given.status == 200:
            given.body = json.dumps({**json.loads(given.body), **spoil}).encode()
        return given

    report = probed(own_box(intercept=odd))
    assert report.dialect["wrongStudyKey"].answer == "403"
    assert "Jane" not in report.to_json()


def test_the_page_runs(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its commands, as they stand but for the study, and its program."""
    keys = box.credentials
    environment = {
        "IMEDNET_BASE_URL": box.url, "IMEDNET_API_KEY": keys["api_key"], "IMEDNET_SECURITY_KEY": keys["security_key"],
    }  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks("probe.md", "sh")).replace("ABC-01", STUDY).splitlines():
        done = imednet(*line.split()[1:], "--yes", **environment)
        assert done.returncode == 0, (line, done.stderr)
    exec(blocks("probe.md", "python")[0], {})
