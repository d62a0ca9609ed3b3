"""What the transport promises, over real sockets, blocking and asynchronous alike: pace, retries, errors, addresses."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import trio
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.core.client import Client
from imednet.core.monitor import RequestSent, ResponseReceived
from imednet.errors import (
    ApiError,
    ArgumentError,
    BadRequestError,
    ConfigurationError,
    ForbiddenError,
    ImednetError,
    LifecycleError,
    RateLimitError,
    RequestError,
    ServerError,
)
from imednet.sandbox import Answer, Fault, Request, Sandbox
from support import STUDY, Ways

SITES = 6
SUBJECT = {
    "formKey": "REG",
    "siteName": "Lakeshore Heart Institute",
    "data": {"REGDAT": "2026-03-02", "REGINIT": "C-D", "REGYOB": 1958, "REGLANG": "French"},
}
WRITABLE = f"{STUDY}-DEV"
Handle = Callable[[Request], Answer]
Make = Callable[..., Sandbox]


def refusing(
    times: int, status: int = 429, headers: dict[str, str] | None = None
) -> Callable[[Request, Handle], Answer]:
    """A server that refuses the first requests."""
    lock = threading.Lock()
    left = [times]

    def intercept(request: Request, answer: Handle) -> Answer:
        with lock:
            left[0] -= 1
            refuse = left[0] >= 0
        body = b'{"metadata":{"error":{"code":"9000","description":"Too many requests"}}}'
        return Answer(status, body, headers or {}) if refuse else answer(request)

    return intercept


class TestPace:
    def test_a_429_pauses_every_request_of_the_client(self, own_box: Make) -> None:
        """While one request waits as the server asked, no other one is sent."""
        box = own_box(intercept=refusing(1, headers={"Retry-After": "1"}))
        arrived: list[float] = []
        with ImednetSDK(**box.credentials, on_request=lambda _: arrived.append(time.monotonic())) as sdk:
            first = threading.Thread(target=sdk.sites.list, args=(STUDY,))
            first.start()
            while not box.requests:
                time.sleep(0.01)
            time.sleep(0.2)
            sdk.forms.list(STUDY)
            first.join()
        assert len(arrived) == 3
        assert min(arrived[1:]) - arrived[0] >= 0.9

    def test_another_client_is_not_touched(self, own_box: Make) -> None:
        troubled, well = own_box(intercept=refusing(1, headers={"Retry-After": "3"})), own_box()
        with ImednetSDK(**troubled.credentials) as one, ImednetSDK(**well.credentials) as other:
            waiting = threading.Thread(target=one.sites.list, args=(STUDY,))
            waiting.start()
            while not troubled.requests:
                time.sleep(0.01)
            assert other.sites.list(STUDY)
            assert waiting.is_alive()
            waiting.join()

    def test_a_429_halves_what_is_under_way_and_successes_raise_it_again(self, own_box: Make, door: Ways) -> None:
        box = own_box(intercept=refusing(2, headers={"Retry-After": "0"}))
        one = door(box, max_in_flight=8)
        pace = one.sdk._client._pace
        one.call("sites.list", STUDY)
        assert 2 <= pace.limit < 8
        for _ in range(40):
            one.call("sites.list", STUDY)
        assert pace.limit == 8

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_requests_a_second_are_kept_to(self, own_box: Make, kind: str) -> None:
        sent: list[float] = []
        keys = own_box().credentials
        options: Any = {"requests_per_second": 20, "on_request": lambda _: sent.append(time.monotonic())}
        if kind == "sync":
            with ImednetSDK(**keys, **options) as sdk:
                sdk.records.list(STUDY)
        else:

            async def read() -> None:
                async with AsyncImednetSDK(**keys, **options) as sdk:
                    await sdk.records.list(STUDY)

            asyncio.run(read())
        assert len(sent) > 6
        assert sent[-1] - sent[0] >= (len(sent) - 1) / 20 * 0.95

    def test_many_tasks_and_threads_get_through_a_narrow_gate(self, own_box: Make) -> None:
        box = own_box()

        async def read() -> list[int]:
            async with AsyncImednetSDK(**box.credentials, max_in_flight=2) as sdk:
                return await asyncio.gather(*(sdk.sites.count(STUDY) for _ in range(60)))

        assert set(asyncio.run(read())) == {SITES}
        with ImednetSDK(**box.credentials, max_in_flight=2) as sdk:
            found: list[int] = []
            threads = [threading.Thread(target=lambda: found.append(sdk.sites.count(STUDY))) for _ in range(40)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert found == [SITES] * 40

    @pytest.mark.parametrize(
        "options", [{"requests_per_second": 0}, {"requests_per_second": True}, {"max_in_flight": 0}]
    )
    def test_impossible_paces_are_refused(self, box: Sandbox, options: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            ImednetSDK(**box.credentials, **options)


class TestRetry:
    def test_a_wait_beyond_the_cap_is_an_error_at_once(self, own_box: Make, door: Ways) -> None:
        for value in ("3600", "Wed, 21 Oct 2099 07:28:00 GMT"):
            box = own_box(intercept=refusing(9, headers={"Retry-After": value}))
            began = time.monotonic()
            with pytest.raises(RateLimitError) as caught:
                door(box).call("sites.list", STUDY)
            assert time.monotonic() - began < 300
            assert caught.value.retry_after is not None
            assert caught.value.retry_after >= 3500
            assert len(box.requests) == 1

    def test_a_refused_post_is_sent_again_and_stored_once(self, own_box: Make, door: Ways) -> None:
        box = own_box(intercept=refusing(1, headers={"Retry-After": "0"}))
        assert door(box).call("records.create", WRITABLE, [SUBJECT]).batch_id
        assert len(box.requests) == 2

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_post_is_never_sent_again_after_a_failure(self, own_box: Make, door: Ways, status: int) -> None:
        def fail_after_storing(request: Request, answer: Handle) -> Answer:
            answer(request)
            return Answer(status, b"{}")

        box = own_box(intercept=fail_after_storing)
        with pytest.raises(ServerError, match="unknown"):
            door(box, retries=5).call("records.create", WRITABLE, [SUBJECT])
        assert len(box.requests) == 1

    def test_a_post_whose_answer_was_lost_is_never_sent_again(self, own_box: Make, door: Ways) -> None:
        box = own_box(faults=[Fault("drop-after-store", method="POST")])
        before = len(box.studies[WRITABLE].rows("records"))
        with pytest.raises(RequestError, match="unknown"):
            door(box, retries=5).call("records.create", WRITABLE, [SUBJECT])
        assert len([one for one in box.requests if one.method == "POST"]) == 1
        assert len(box.studies[WRITABLE].rows("records")) <= before + 1

    def test_retries_and_timeout_of_one_call(self, own_box: Make, door: Ways) -> None:
        box = own_box(intercept=refusing(99, 503))
        one = door(box)
        with pytest.raises(ServerError):
            one.call("sites.list", STUDY, retries=0)
        assert len(box.requests) == 1
        with pytest.raises(ServerError):
            one.call("sites.count", STUDY, retries=1)
        assert len(box.requests) == 3
        slow = own_box(faults=[Fault("latency", seconds=2)])
        with pytest.raises(RequestError, match="no answer in time"):
            door(slow, retries=0).call("sites.list", STUDY, timeout=0.2)

    @pytest.mark.parametrize(
        "options", [{"timeout": 0}, {"retries": -1}, {"headers": ["a"]}, {"headers": {"a": "b\r\nc"}}]
    )
    def test_impossible_options_of_a_call_are_refused(self, box: Sandbox, door: Ways, options: dict[str, Any]) -> None:
        with pytest.raises(ArgumentError):
            door(box).call("sites.list", STUDY, **options)


class TestErrors:
    def test_an_error_says_which_call_it_was(self, own_box: Make, door: Ways) -> None:
        box = own_box(intercept=refusing(99, 503))
        with pytest.raises(ServerError) as caught:
            door(box, retries=1).call("records.list", STUDY, subject_key="301-001")
        error = caught.value
        assert (error.method, error.study_key, error.attempts) == ("GET", STUDY, 2)
        assert error.url is not None
        assert error.url.startswith(box.url)
        assert "filter=***" in error.url
        assert "301-001" not in error.url
        assert error.elapsed is not None
        assert error.elapsed > 0
        sent = {dict(one.headers).get("x-correlation-id") for one in box.requests}
        assert sent == {error.correlation_id}
        assert f"correlation id {error.correlation_id}" in str(error)
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.elapsed, again.correlation_id) == (str(error), error.elapsed, error.correlation_id)

    def test_network_trouble_says_so_too(self, door: Ways, box: Sandbox) -> None:
        one = door(box, retries=0)
        one.sdk._client.base_url = "http://127.0.0.1:9"
        with pytest.raises(RequestError) as caught:
            one.call("sites.list", STUDY)
        assert (caught.value.method, caught.value.study_key, caught.value.attempts) == ("GET", STUDY, 1)
        assert str(caught.value.correlation_id) in str(caught.value)

    def test_a_correlation_id_of_the_caller_is_used(self, own_box: Make, door: Ways) -> None:
        box = own_box()
        door(box).call("sites.list", STUDY, headers={"X-Correlation-Id": "nightly-7"})
        assert [value for name, value in box.requests[0].headers.items() if name.lower() == "x-correlation-id"] == [
            "nightly-7"
        ]

    def test_the_field_at_fault_is_named_and_its_value_is_not_shown(self, own_box: Make, door: Ways) -> None:
        body = {
            "metadata": {
                "error": {
                    "code": "1000",
                    "description": "Value 'Jane Roe' is wrong",
                    "field": {"attribute": "subjectKey", "value": "Jane Roe"},
                }
            }
        }
        box = own_box(intercept=lambda request, answer: Answer(400, json.dumps(body).encode()))
        with pytest.raises(BadRequestError) as caught:
            door(box).call("sites.list", STUDY)
        assert caught.value.field.attribute == "subjectKey"
        assert caught.value.field.value == "Jane Roe"
        shown = f"{caught.value}{caught.value!r}{caught.value.field!r}"
        assert "Jane Roe" not in shown
        assert b"Jane Roe" not in pickle.dumps(caught.value)

    @pytest.mark.parametrize(
        "body",
        [
            {"metadata": {"error": {"code": "9001", "description": "Not allowed", "field": {}}}},
            {"metadata": {"status": "ERROR", "error": {"message": "Not allowed"}}},
            {"message": "Not allowed"},
        ],
    )
    def test_all_three_shapes_of_a_failure_are_read(self, own_box: Make, door: Ways, body: dict[str, Any]) -> None:
        box = own_box(intercept=lambda request, answer: Answer(403, json.dumps(body).encode()))
        with pytest.raises(ForbiddenError, match="Not allowed") as caught:
            door(box).call("sites.list", STUDY)
        assert STUDY in str(caught.value)
        assert caught.value.description == "Not allowed"


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Another host, and the headers it was sent: `localhost` is another name than `127.0.0.1`."""
    seen: list[dict[str, str]] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            numbers = {"currentPage": 0, "size": 500, "totalPages": 0, "totalElements": 0}
            body = json.dumps({"metadata": {}, "pagination": numbers, "data": []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}", seen
    server.shutdown()
    server.server_close()


class TestAddresses:
    def test_a_redirect_on_the_same_host_is_followed_with_the_keys(self, own_box: Make, door: Ways) -> None:
        def move(request: Request, answer: Handle) -> Answer:
            if "moved" not in request.target:
                return Answer(308, b"", {"Location": request.target + "&moved=1"})
            return answer(Request(request.method, request.target.replace("&moved=1", ""), request.headers))

        box = own_box(intercept=move)
        assert len(door(box).call("sites.list", STUDY, page_size=10)) == SITES

    def test_a_redirect_that_drops_the_query_is_an_error(self, own_box: Make, door: Ways) -> None:
        """Followed, it would give rows that the filter excludes, or the first page for each one."""
        box = own_box(
            intercept=lambda request, answer: (
                Answer(302, b"", {"Location": request.path}) if "filter" in request.target else answer(request)
            )
        )
        for method in ("list", "count"):
            with pytest.raises(ApiError, match="without the query"):
                door(box).call(f"records.{method}", STUDY, form_key="AE")

    def test_a_redirect_elsewhere_is_refused(
        self, own_box: Make, door: Ways, elsewhere: tuple[str, list[dict[str, str]]]
    ) -> None:
        other, seen = elsewhere
        box = own_box(intercept=lambda request, answer: Answer(302, b"", {"Location": f"{other}/x"}))
        with pytest.raises(ApiError, match="allowed_hosts") as caught:
            door(box).call("sites.list", STUDY)
        assert caught.value.status_code == 302
        assert seen == []

    def test_an_allowed_host_gets_no_keys(
        self, own_box: Make, door: Ways, elsewhere: tuple[str, list[dict[str, str]]]
    ) -> None:
        other, seen = elsewhere
        box = own_box(intercept=lambda request, answer: Answer(302, b"", {"Location": f"{other}/x"}))
        assert door(box, allowed_hosts=["localhost"]).call("sites.list", STUDY) == []
        with Client(
            box.credentials["api_key"], box.credentials["security_key"], box.url, allowed_hosts=["localhost"]
        ) as c:
            assert c.get(f"{other}/y").status_code == 200
        assert len(seen) == 2
        for headers in seen:
            assert not {"x-api-key", "x-imn-security-key"} & headers.keys()
            assert box.credentials["api_key"] not in str(headers)

    def test_a_post_is_never_led_on(self, own_box: Make, door: Ways) -> None:
        box = own_box(intercept=lambda request, answer: Answer(307, b"", {"Location": request.target}))
        with pytest.raises(ApiError, match="redirect"):
            door(box).call("records.create", WRITABLE, [SUBJECT])
        assert len(box.requests) == 1

    def test_a_redirect_without_end_is_an_error(self, own_box: Make, door: Ways) -> None:
        box = own_box(intercept=lambda request, answer: Answer(302, b"", {"Location": request.target}))
        with pytest.raises(ApiError, match="without end"):
            door(box).call("sites.list", STUDY)
        assert len(box.requests) == 6

    @pytest.mark.parametrize("address", ["https://evil.example/x", "//evil.example/x", "http://127.0.0.1:1/x", "x"])
    def test_other_addresses_are_refused_before_anything_is_sent(self, box: Sandbox, address: str) -> None:
        with Client("k", "s", box.url) as client, pytest.raises(ArgumentError, match="another host"):
            client.get(address)

    def test_plain_http_is_refused_unless_allowed(self) -> None:
        with pytest.raises(ConfigurationError, match="allow_http"):
            ImednetSDK("k", "s", "http://edc.example.org")
        assert ImednetSDK("k", "s", "http://edc.example.org/api/", allow_http=True).config

    @pytest.mark.parametrize("key", ["..", ".", "a/b", "a?b", "a#b", "a\nb", "a\\b", "a%2e", "", " "])
    def test_a_study_key_that_would_lead_elsewhere_is_refused(self, box: Sandbox, door: Ways, key: str) -> None:
        with pytest.raises(ArgumentError):
            door(box).call("sites.list", key)


class TestObservation:
    def test_hooks_see_every_attempt_and_no_values(self, own_box: Make, door: Ways) -> None:
        box = own_box(intercept=refusing(1, 503))
        sent: list[RequestSent] = []
        received: list[ResponseReceived] = []
        one = door(box, on_request=sent.append, on_response=received.append)
        one.call("records.list", STUDY, subject_key="301-001")
        one.call("records.list", STUDY, record_status="Smith & Jones=1")
        assert [event.attempt for event in sent][:2] == [1, 2]
        assert [event.status_code for event in received][:2] == [503, 200]
        assert {event.study_key for event in sent} == {STUDY}
        assert sent[0].correlation_id == sent[1].correlation_id
        assert received[1].size > 100
        assert received[1].elapsed > 0
        told = f"{sent}{received}"
        assert "sort=recordId,asc" in told
        assert "301-001" not in told
        assert "Jones" not in told
        assert box.credentials["api_key"] not in told

    def test_a_hook_that_fails_changes_nothing(
        self, own_box: Make, door: Ways, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(event: object) -> None:
            raise RuntimeError("301-001")

        assert len(door(own_box(), on_request=fail, on_response=fail).call("sites.list", STUDY)) == SITES
        assert "a hook failed: RuntimeError" in caplog.text
        assert "301-001" not in caplog.text

    def test_log_lines_have_structure_and_no_values(
        self, box: Sandbox, door: Ways, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="imednet")
        door(box).call("records.list", STUDY, subject_key="301-001")
        lines = [line for line in caplog.records if line.name == "imednet" and hasattr(line, "imednet_correlation_id")]
        assert {line.levelname for line in lines} == {"DEBUG", "INFO"}
        assert {line.__dict__["imednet_study_key"] for line in lines} == {STUDY}
        assert "301-001" not in caplog.text
        assert box.credentials["api_key"] not in caplog.text

    def test_the_environment_turns_lines_on_and_leaves_httpx_alone(
        self, box: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ours, theirs = logging.getLogger("imednet"), logging.getLogger("httpx")
        level, handlers, before = ours.level, list(ours.handlers), (theirs.level, list(theirs.handlers))
        try:
            monkeypatch.setenv("IMEDNET_LOG", "info")
            for _ in range(2):
                with ImednetSDK(**box.credentials) as sdk:
                    sdk.sites.count(STUDY)
            assert capsys.readouterr().err.count("sites") == 2
            assert (theirs.level, list(theirs.handlers)) == before
            monkeypatch.setenv("IMEDNET_LOG", "loud")
            with pytest.raises(ConfigurationError, match="IMEDNET_LOG"):
                ImednetSDK(**box.credentials)
        finally:
            ours.setLevel(level)
            ours.handlers[:] = handlers

    def test_spans_of_opentelemetry(self, own_box: Make, door: Ways) -> None:
        provider, kept = TracerProvider(), InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(kept))
        box = own_box(intercept=refusing(1, 503))
        tracer = provider.get_tracer("test")
        door(box, tracer=tracer).call("sites.list", STUDY)
        failing = door(own_box(intercept=refusing(99, 403)), tracer=tracer)
        with pytest.raises(ForbiddenError):
            failing.call("records.list", STUDY, subject_key="301-001")
        first, second = kept.get_finished_spans()
        assert first.name == "imednet list_sites"
        assert first.attributes is not None
        assert second.attributes is not None
        assert first.attributes["imednet.attempts"] == 2
        assert first.attributes["imednet.study_key"] == STUDY
        assert second.attributes["error.type"] == "ForbiddenError"
        assert second.attributes["http.response.status_code"] == 403
        assert "301-001" not in f"{second.attributes}{second.events}{second.status.description}"


class TestRawResponses:
    def test_answers_stand_beside_the_value(self, own_box: Make, door: Ways) -> None:
        box = own_box()
        one = door(box)
        with_raw = one.call("records.with_raw_response.list", STUDY, page_size=400)
        assert with_raw.parsed == one.call("records.list", STUDY, page_size=400)
        assert len(with_raw.answers) == with_raw.parsed.proof.requests
        assert {answer.status_code for answer in with_raw.answers} == {200}
        assert json.loads(with_raw.answers[0].content)["pagination"]["size"] == 400
        assert with_raw.answers[0].headers["content-type"].startswith("application/json")
        assert "301-" not in repr(with_raw.answers)
        one.call("forms.list", STUDY)
        assert one.call("forms.with_raw_response.list", STUDY).answers
        job = one.call("records.with_raw_response.create", WRITABLE, [SUBJECT])
        assert json.loads(job.answers[0].content)["batchId"] == job.parsed.batch_id
        assert (
            one.call("jobs.with_raw_response.get", WRITABLE, job.parsed.batch_id).parsed.batch_id == job.parsed.batch_id
        )
        with pytest.raises(AttributeError, match="offers list, get, count"):
            _ = one.sdk.sites.with_raw_response.pages


class TestLifecycle:
    def test_the_wrong_way_is_named(self, box: Sandbox) -> None:
        with pytest.raises(TypeError, match="aclose"):
            AsyncImednetSDK(**box.credentials).close()
        with pytest.raises(TypeError, match="async with"), AsyncImednetSDK(**box.credentials):
            pass

        async def wrong() -> None:
            with pytest.raises(TypeError, match="close"):
                await ImednetSDK(**box.credentials).aclose()
            with pytest.raises(TypeError, match="AsyncImednetSDK"):
                async with ImednetSDK(**box.credentials):
                    pass

        asyncio.run(wrong())

    def test_an_sdk_that_was_never_used_can_be_closed_and_then_not_be_used(self, box: Sandbox) -> None:
        sdk = ImednetSDK(**box.credentials)
        sdk.close()
        with pytest.raises(ImednetError, match="closed"):
            sdk.sites.list(STUDY)

    def test_clients_of_the_caller_are_used_and_not_closed(self, box: Sandbox) -> None:
        with httpx.Client() as mine:
            with ImednetSDK(**box.credentials, http_client=mine) as sdk:
                assert sdk.sites.list(STUDY)
            assert not mine.is_closed

    def test_an_unknown_attribute_names_the_endpoints(self, box: Sandbox) -> None:
        with pytest.raises(AttributeError, match="record_revisions"):
            ImednetSDK(**box.credentials).nothing  # type: ignore[attr-defined]  # noqa: B018
        assert {"records", "jobs", "poll_job"} <= set(dir(ImednetSDK(**box.credentials)))


class TestCache:
    def test_lists_of_the_design_are_kept_unless_that_is_off(self, own_box: Make, door: Ways) -> None:
        box = own_box()
        one = door(box)
        for _ in range(3):
            one.call("forms.list", STUDY)
        assert len(box.requests) == 1
        one.call("forms.list", STUDY, refresh=True)
        one.call("forms.list", STUDY, form_type="Subject")
        assert len(box.requests) == 3
        other = door(box, cache=False)
        for _ in range(2):
            other.call("forms.list", STUDY)
        assert len(box.requests) == 5


class TestOtherLoops:
    @pytest.mark.parametrize(
        "call",
        [
            lambda sdk: sdk.sites.list(STUDY),
            lambda sdk: sdk.workflows.query_management.ageing(STUDY),
            lambda sdk: sdk.async_poll_job(STUDY, "B"),
        ],
    )
    def test_under_trio_one_clear_error_names_what_to_use(self, box: Sandbox, call: Callable[[Any], Any]) -> None:
        with pytest.raises(LifecycleError, match=r"asyncio\.run.*ImednetSDK"):
            trio.run(call, AsyncImednetSDK(**box.credentials))
