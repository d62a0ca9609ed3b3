"""The sandbox on a machine where a browser shows pages of anybody, and where bodies may be of any size."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from imednet.sandbox import Request, Sandbox
from support import PATIENCE


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


def ask(box: Sandbox, method: str, path: str, body: bytes | None = None, **headers: Any) -> http.client.HTTPResponse:
    host, port = box.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


TURN = json.dumps({"roleDates": "string"}).encode()
JSON: dict[str, Any] = {"Content_Type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({**JSON, "Origin": "https://evil.example.org"}, 403),
        ({**JSON, "Origin": "null"}, 403),
        ({**JSON, "Origin": "http://localhost:1"}, 403),
        ({**JSON, "Host": "evil.example.org"}, 403),
        ({**JSON, "Host": "127.0.0.1.evil.example.org"}, 403),
        ({**JSON, "Host": "localhost:80"}, 200),
        (JSON, 200),
    ],
)
def test_the_control_answers_this_machine_and_no_page_of_a_browser(
    box: Sandbox, headers: dict[str, Any], status: int
) -> None:
    box.api.turn({"roleDates": "array"})
    assert ask(box, "POST", "/_sandbox/switches", TURN, **headers).status == status
    assert (box.api.switches["roleDates"] == "string") is (status == 200)
    if "Origin" in headers or "Host" in headers:
        assert ask(box, "GET", "/_sandbox/manifest", **headers).status == status


def test_a_page_of_the_same_origin_may_ask(box: Sandbox) -> None:
    assert ask(box, "GET", "/_sandbox/stats", Origin=box.url).status == 200


def test_bodies_are_limited(box: Sandbox) -> None:
    assert ask(box, "POST", "/_sandbox/switches", b" " * (1 << 21), **JSON).status == 413
    host, port = box.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    connection.putrequest("POST", "/api/v1/edc/studies/X/records")
    connection.putheader("Content-Length", str(500_000_000))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    answer.close()
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/_sandbox/switches", "GET, POST"),
        ("POST", "/api/v1/edc/studies/TIDEWATER-201/sites", "GET"),
        ("DELETE", "/api/v1/edc/studies/TIDEWATER-201/records", "GET, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(box: Sandbox, method: str, path: str, allowed: str) -> None:
    keys: dict[str, Any] = {
        "x_api_key": box.credentials["api_key"],
        "x_imn_security_key": box.credentials["security_key"],
    }
    answer = ask(box, method, path, **JSON, **keys)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("switches", [{}, {"postToDisabledOrSystemForm": "accepted"}])
def test_a_form_of_sites_takes_no_subject_in_any_mode(switches: dict[str, str]) -> None:
    with Sandbox(switches={**switches, "postToMainStudy": "accepted"}, lenient=bool(switches)) as box:
        item: dict[str, Any] = {"formKey": "SITEINIT", "subjectKey": "301-901", "data": {"SIVDAT": "2026-01-01"}}
        keys = box.credentials
        headers = {
            "x-api-key": keys["api_key"],
            "x-imn-security-key": keys["security_key"],
            "content-type": "application/json",
        }
        path = "/api/v1/edc/studies/TIDEWATER-201-DEV/records"
        answer = box.answer(Request("POST", path, headers, json.dumps([item]).encode()))
    assert answer.status == 400
    assert json.loads(answer.body)["metadata"]["error"]["field"]["attribute"] in ("formKey", "SIVDAT")
