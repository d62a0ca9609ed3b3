"""Servers that fail, lie or change: no list and no export ends in success, and nothing foreign is raised."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import (
    ApiError,
    ExportIncompleteError,
    ImednetError,
    IncompleteReadError,
    InvalidAnswerError,
    PaginationError,
    RateLimitError,
    RequestError,
    ServerError,
)
from imednet.integrations import export_to_csv, export_to_parquet
from imednet.sandbox import Answer, Request, Sandbox
from imednet.sandbox.server.messages import Intercept
from support import STUDY, Ways, served

Handle = Callable[[Request], Answer]
Make = Callable[..., Sandbox]
PAGE_SIZE = 100


class Pages:
    """Counts the pages of each list of records, by the order in which their intervals are asked for first."""

    def __init__(self) -> None:
        self.seen: dict[str, list[str]] = {}

    def number(self, request: Request) -> int | None:
        """Number of a page, from 0; `None` for anything but a page, and for the small requests that count."""
        query = dict(request.query)
        if not request.path.endswith("/records") or query["size"] == "1":
            return None
        expression = query.get("filter", "")
        pages = self.seen.setdefault(re.sub(r";?recordId[<>]\d+", "", expression), [])
        if expression not in pages:
            pages.append(expression)
        return pages.index(expression)


def changed(answer: Answer, change: Callable[[dict[str, Any]], None]) -> Answer:
    body = json.loads(answer.body)
    change(body)
    return Answer(answer.status, json.dumps(body).encode(), answer.headers)


class Drifting:
    """Changes the study once, between two pages."""

    def __init__(self, change: Callable[[Sandbox], None], on_page: int = 2) -> None:
        self.box: Sandbox | None = None
        self.change = change
        self.on_page = on_page
        self.pages = Pages()
        self.lock = threading.Lock()
        self.done = False

    def __call__(self, request: Request, answer: Handle) -> Answer:
        with self.lock:
            if self.pages.number(request) == self.on_page and not self.done and self.box is not None:
                self.done = True
                self.change(self.box)
            return answer(request)


def remove(box: Sandbox) -> None:
    box.studies[STUDY].records.remove(3)


def add(box: Sandbox) -> None:
    records = box.studies[STUDY].records
    last = records.row(records.places()[-1])
    records.add({**last, "recordId": last["recordId"] + 5, "recordData": {"X": "new"}})


def remove_and_add(box: Sandbox) -> None:
    remove(box)
    add(box)


def on_page(number: int, make: Callable[[Request, Handle], Answer]) -> Intercept:
    pages = Pages()

    def intercept(request: Request, answer: Handle) -> Answer:
        return make(request, answer) if pages.number(request) == number else answer(request)

    return intercept


def repeat_a_row(body: dict[str, Any]) -> None:
    body["data"][1] = body["data"][0]


def cut_short(body: dict[str, Any]) -> None:
    del body["data"][-1]


def hide_an_error(body: dict[str, Any]) -> None:
    body["metadata"]["error"] = {"code": "9000", "description": "Unknown error"}


def lose_the_totals(body: dict[str, Any]) -> None:
    del body["pagination"]["totalPages"]


def empty(body: dict[str, Any]) -> None:
    body["data"] = []


def other_page(body: dict[str, Any]) -> None:
    body["pagination"]["currentPage"] = 1


def no_identity(body: dict[str, Any]) -> None:
    body["data"][5]["recordId"] = None


def with_body(change: Callable[[dict[str, Any]], None]) -> Callable[[Request, Handle], Answer]:
    return lambda request, answer: changed(answer(request), change)


def status(code: int, body: bytes = b'{"metadata":{"status":"INTERNAL_SERVER_ERROR","error":{"code":"9000"}}}') -> Any:
    return lambda request, answer: Answer(code, body)


def truncate(request: Request, answer: Handle) -> Answer:
    whole = answer(request)
    half = whole.body[: len(whole.body) // 2]
    return Answer(200, half, {**whole.headers, "Content-Length": str(len(whole.body))})


def cut_json(request: Request, answer: Handle) -> Answer:
    whole = answer(request)
    return Answer(200, whole.body[: len(whole.body) // 2], whole.headers)


def wrongly_compressed(request: Request, answer: Handle) -> Answer:
    whole = answer(request)
    return Answer(200, whole.body, {**whole.headers, "Content-Encoding": "gzip"})


def html(request: Request, answer: Handle) -> Answer:
    return Answer(200, b"<!DOCTYPE html><html>Please log in</html>", {"Content-Type": "text/html"})


def repeated_page(request: Request, answer: Handle) -> Answer:
    """The first page again, whichever is asked for."""
    target = re.sub(r"(%3B|&filter=)recordId%3E\d+", "", request.target)
    return answer(Request(request.method, target, request.headers))


FAULTS: dict[str, tuple[Callable[[], Intercept], type[ImednetError]]] = {
    "repeats a row": (lambda: on_page(2, with_body(repeat_a_row)), PaginationError),
    "repeats a page": (lambda: on_page(2, repeated_page), IncompleteReadError),
    "cuts a page short": (lambda: on_page(2, with_body(cut_short)), PaginationError),
    "empties a page": (lambda: on_page(2, with_body(empty)), PaginationError),
    "gives another page": (lambda: on_page(2, with_body(other_page)), PaginationError),
    "loses the totals": (lambda: on_page(2, with_body(lose_the_totals)), PaginationError),
    "gives a row no identity": (lambda: on_page(2, with_body(no_identity)), PaginationError),
    "answers 500 on page 2": (lambda: on_page(2, status(500)), ServerError),
    "answers 520 with a web page": (lambda: on_page(2, status(520, b"<html>down</html>")), ServerError),
    "answers 499": (lambda: on_page(2, status(499, b"")), ApiError),
    "answers 429 for ever": (lambda: on_page(2, status(429, b'{"message":"Limit Exceeded"}')), RateLimitError),
    "truncates a body": (lambda: on_page(2, truncate), RequestError),
    "cuts JSON": (lambda: on_page(2, cut_json), InvalidAnswerError),
    "compresses wrongly": (lambda: on_page(2, wrongly_compressed), InvalidAnswerError),
    "sends HTML": (lambda: on_page(2, html), InvalidAnswerError),
    "sends HTML at once": (lambda: on_page(0, html), InvalidAnswerError),
    "hides an error in a 200": (lambda: on_page(2, with_body(hide_an_error)), ApiError),
}


MENDED: dict[str, Callable[[], Intercept]] = {
    "removes a row between two pages": lambda: Drifting(remove),
    "removes one and adds one": lambda: Drifting(remove_and_add),
    "removes a row before the last page": lambda: Drifting(remove, 20),
}
"""What a read finds out and makes good by asking again; an error with `consistency="strict"`."""


def started(own_box: Make, intercept: Intercept) -> Sandbox:
    box = own_box(intercept=intercept)
    if isinstance(intercept, Drifting):
        intercept.box = box
    return box


@pytest.mark.parametrize("fault", FAULTS)
def test_no_list_ends_in_success(own_box: Make, door: Ways, fault: str) -> None:
    intercept, kind = FAULTS[fault]
    for method in ("list", "iter", "pages"):
        sdk = door(started(own_box, intercept()), retries=1)
        with pytest.raises(ImednetError) as caught:
            sdk.call(f"records.{method}", STUDY, page_size=PAGE_SIZE)
        assert isinstance(caught.value, kind)


@pytest.mark.parametrize("fault", MENDED)
def test_rows_that_move_are_read_again_or_an_error(own_box: Make, door: Ways, fault: str) -> None:
    """Every row that was there all the time comes once, with the trouble reported; strict refuses all of it."""
    for method in ("list", "iter", "pages"):
        box = started(own_box, MENDED[fault]())
        before = {row["recordId"] for row in served(box.studies[STUDY], "records")}
        found = door(box, max_in_flight=1).call(f"records.{method}", STUDY, page_size=PAGE_SIZE, raw=True)
        rows: Any = [row for page in found for row in page.rows] if method == "pages" else found
        after = {row["recordId"] for row in served(box.studies[STUDY], "records")}
        read = [row["recordId"] for row in rows]
        assert before & after <= set(read)
        assert len(read) == len(set(read))
        if method == "list":
            assert rows.proof.proven
            assert rows.proof.rechecked >= 1
            assert rows.proof.gone == len(before - after)
        strict = door(started(own_box, MENDED[fault]()), max_in_flight=1)
        with pytest.raises(IncompleteReadError, match='consistency="repair"'):
            strict.call(f"records.{method}", STUDY, page_size=PAGE_SIZE, consistency="strict")


@pytest.mark.parametrize("fault", MENDED)
def test_an_export_tells_what_moved(own_box: Make, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files hold every row that stayed, the manifest says how many places were read again; strict writes none."""
    monkeypatch.setattr("imednet.endpoints.lists.shared.LARGE_PAGE_SIZE", PAGE_SIZE)
    box = started(own_box, MENDED[fault]())
    with ImednetSDK(**box.credentials, max_in_flight=1) as sdk:
        report = export_to_csv(sdk, STUDY, tmp_path / "study", disabled=True)
    assert report.rows >= len(served(box.studies[STUDY], "records"))
    facts = json.loads((tmp_path / "study" / "manifest.json").read_text())["endpoints"]["records"]
    assert facts["proof"] == "proven"
    assert report.proof is not None
    assert facts["rechecked"] == report.proof.rechecked >= 1
    box = started(own_box, MENDED[fault]())
    with ImednetSDK(**box.credentials, max_in_flight=1) as sdk, pytest.raises(IncompleteReadError):
        export_to_csv(sdk, STUDY, tmp_path / "strict", consistency="strict")
    assert visible(tmp_path) == ["study"]


def visible(folder: Path) -> list[str]:
    """Files in a folder that a person would see: a spool to go on from is hidden."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted({path.parts[0] for path in found if not any(part.startswith(".") for part in path.parts)})


@pytest.mark.parametrize("export", [export_to_parquet, export_to_csv], ids=["parquet", "csv"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_export_ends_in_success(
    own_box: Make, tmp_path: Path, fault: str, export: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forms that could be read by themselves are there and whole, the others are named and have no file."""
    monkeypatch.setattr("imednet.endpoints.lists.shared.LARGE_PAGE_SIZE", PAGE_SIZE)
    intercept, kind = FAULTS[fault]
    box = started(own_box, intercept())
    with ImednetSDK(**box.credentials, retries=1, backoff_factor=0) as sdk:
        with pytest.raises(ImednetError) as caught:
            export(sdk, STUDY, tmp_path / "made" / "here")
    if not isinstance(caught.value, ExportIncompleteError):
        assert isinstance(caught.value, kind)
        assert visible(tmp_path) == []
        return
    report = caught.value.report
    assert not report.complete
    counts = Counter(row["formKey"] for row in served(box.studies[STUDY], "records"))
    for form in report.forms:
        if form.status == "SUCCESS":
            assert form.rows == counts[form.key], form.key
        else:
            assert (form.status, form.rows, form.file) == ("FAILED", None, None)
            assert counts[form.key] > 2 * PAGE_SIZE or kind is PaginationError or "at once" in fault, form.key
            assert form.error
    assert json.loads((report.folder / "manifest.json").read_text())["status"] == "incomplete"


@pytest.mark.parametrize("method", ["iter", "pages"])
def test_a_read_that_failed_goes_on_failing(own_box: Make, method: str) -> None:
    """Taken up again, it must not look like a read that has no more rows."""
    box = own_box(intercept=on_page(2, html))
    with ImednetSDK(**box.credentials, retries=0) as sdk:
        rows = getattr(sdk.records, method)(STUDY, page_size=PAGE_SIZE)
        for _ in range(3):
            with pytest.raises(InvalidAnswerError):
                list(rows)
        assert rows.proof is None

    other = own_box(intercept=on_page(2, html))  # pages are numbered as they are first asked for

    async def run() -> None:
        async with AsyncImednetSDK(**other.credentials, retries=0) as sdk:
            rows = getattr(sdk.records, method)(STUDY, page_size=PAGE_SIZE)
            for _ in range(3):
                with pytest.raises(InvalidAnswerError):
                    [row async for row in rows]
            assert rows.proof is None

    asyncio.run(run())


def test_an_earlier_export_survives_a_failure(own_box: Make, tmp_path: Path) -> None:
    target = tmp_path / "study"
    box = own_box()
    with ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, target)

    def exported() -> dict[str, bytes]:
        """All but the log, which has a line for each run."""
        return {path.name: path.read_bytes() for path in target.iterdir() if path.name != "extraction-log.jsonl"}

    before = exported()
    bad = own_box(intercept=lambda one, answer: html(one, answer) if one.path.endswith("/records") else answer(one))
    with ImednetSDK(**bad.credentials, retries=0) as sdk, pytest.raises(InvalidAnswerError):
        export_to_csv(sdk, STUDY, target)
    assert exported() == before
    assert [path.name for path in tmp_path.iterdir()] == ["study"]
    partly = own_box(intercept=on_page(1, html))
    with ImednetSDK(**partly.credentials, retries=0) as sdk, pytest.raises(ExportIncompleteError) as caught:
        export_to_csv(sdk, STUDY, target)
    assert [form.key for form in caught.value.report.forms if form.status == "FAILED"] == ["DIARY"]
    assert (target / "DIARY.csv").read_bytes() == before["DIARY.csv"]
    (entry,) = [file for file in caught.value.report.manifest["files"] if file["form"] == "DIARY"]
    assert entry["stale"] is True


def test_a_server_that_only_grows_ends_in_success(own_box: Make, door: Ways) -> None:
    """Every row that was there at the start is in the result, and what came is reported."""
    lock = threading.Lock()
    boxes: list[Sandbox] = []
    requests = itertools.count()

    def grow(request: Request, answer: Handle) -> Answer:
        with lock:
            if request.path.endswith("/records") and boxes and next(requests) % 5 == 4:
                add(boxes[0])
            return answer(request)

    box = own_box(intercept=grow)
    start = served(box.studies[STUDY], "records")
    boxes.append(box)
    rows = door(box).call("records.list", STUDY, page_size=PAGE_SIZE, raw=True)
    assert {row["recordId"] for row in start} <= {row["recordId"] for row in rows}
    assert rows.proof.proven
    assert rows.proof.rechecked > 0
    assert rows.proof.total < rows.proof.rows == len(rows)


@pytest.mark.parametrize("retries", [0, 3])
def test_a_503_costs_retries_and_one_more_requests(own_box: Make, door: Ways, retries: int) -> None:
    box = own_box(intercept=status(503))
    with pytest.raises(ServerError) as caught:
        door(box, retries=retries).call("sites.list", STUDY)
    assert len(box.requests) == retries + 1
    assert caught.value.attempts == retries + 1


def test_trouble_that_passes_is_waited_out(own_box: Make, door: Ways) -> None:
    """500, a web page, a cut body and 429 with Retry-After, one after another, and then the rows."""
    faults: list[Any] = [status(500), html, truncate, lambda *_: Answer(429, b"{}", {"Retry-After": "0"})]

    def passing(request: Request, answer: Handle) -> Answer:
        return faults.pop(0)(request, answer) if faults else answer(request)

    box = own_box(intercept=passing)
    assert len(door(box, retries=4).call("sites.list", STUDY)) == 6
    assert len(box.requests) == 5


def test_a_wait_that_is_too_long_is_an_error_at_once(own_box: Make, door: Ways) -> None:
    box = own_box(intercept=lambda *_: Answer(429, b"{}", {"Retry-After": "3600"}))
    with pytest.raises(RateLimitError, match="3600 seconds") as caught:
        door(box).call("sites.list", STUDY)
    assert (caught.value.retry_after, len(box.requests)) == (3600.0, 1)


def test_a_server_that_refuses_filters_is_read_but_not_proven(own_box: Make, door: Ways) -> None:
    def refuse(request: Request, answer: Handle) -> Answer:
        if "filter" in dict(request.query):
            return Answer(400, b'{"metadata":{"error":{"code":"1000","description":"no filter"}}}')
        return answer(request)

    rows = door(own_box(intercept=refuse)).call("records.list", STUDY)
    assert rows.proof.status == "unproven"
    assert "refused" in rows.proof.reason


def test_redirects_are_not_followed(own_box: Make, door: Ways) -> None:
    elsewhere = own_box()
    box = own_box(intercept=lambda *_: Answer(302, b"", {"Location": elsewhere.url + "/steal"}))
    with pytest.raises(ApiError, match="redirect"):
        door(box).call("sites.list", STUDY)
    assert elsewhere.requests == []


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_no_server_and_no_answer_are_named(door: Ways, box: Sandbox, silent_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(RequestError, match=r"cannot be reached.*Next: check the network"):
        door(box, base_url=f"http://127.0.0.1:{port}", retries=0).call("sites.list", STUDY)
    with pytest.raises(RequestError, match=r"no answer in time.*larger timeout"):
        door(box, base_url=f"http://127.0.0.1:{silent_port}", retries=0, timeout=0.2).call("sites.list", STUDY)


class TestWrites:
    """The write is proven on the example payloads; it is sent once, whatever happens."""

    ITEM: ClassVar[dict[str, Any]] = {
        "formKey": "AE",
        "subjectKey": "301-001",
        "siteName": "",
        "data": {"AETERM": "Headache"},
    }

    def answering(self, own_box: Make, code: int, payload: Any) -> Sandbox:
        return own_box(intercept=lambda *_: Answer(code, json.dumps(payload).encode()))

    @pytest.mark.parametrize("code", [200, 202])
    @pytest.mark.parametrize("variant", ["Response", "ResponseListVariant", "ResponseNoBatchVariant"])
    def test_every_form_of_the_answer_is_a_job(
        self, own_box: Make, door: Ways, spec: dict[str, Any], code: int, variant: str
    ) -> None:
        payload = spec["components"]["examples"][f"RecordsPost{variant}"]["value"]
        box = self.answering(own_box, code, payload)
        job = door(box).call("records.create", STUDY, [self.ITEM], email_notify="a@b.org")
        assert job.to_dict() == (payload[0] if isinstance(payload, list) else payload)
        (request,) = box.requests
        assert json.loads(request.body) == [{"formKey": "AE", "subjectKey": "301-001", "data": {"AETERM": "Headache"}}]
        assert request.headers["x-email-notify"] == "a@b.org"

    def test_an_empty_list_is_a_job_of_which_nothing_is_known(self, own_box: Make, door: Ways) -> None:
        assert door(self.answering(own_box, 200, [])).call("records.create", STUDY, [self.ITEM]).batch_id is None

    @pytest.mark.parametrize("fault", [status(500), status(503), truncate, html])
    def test_a_write_is_never_sent_again(self, own_box: Make, door: Ways, fault: Any) -> None:
        box = own_box(intercept=fault)
        with pytest.raises(ImednetError):
            door(box, retries=3).call("records.create", STUDY, [self.ITEM])
        assert [request.method for request in box.requests] == ["POST"]

    def test_a_write_that_was_refused_for_its_rate_is_sent_again(self, own_box: Make, door: Ways) -> None:
        refused = b'{"metadata":{"status":"TOO_MANY_REQUESTS","error":{"code":"9001","description":"Too many"}}}'
        answers = [Answer(429, refused), Answer(202, b'{"jobId":"j","batchId":"b","state":"created"}')]
        box = own_box(intercept=lambda *_: answers.pop(0))
        assert door(box).call("records.create", STUDY, [self.ITEM]).batch_id == "b"

    @pytest.mark.parametrize(
        "items", [[], {"formKey": "AE"}, [{"formKey": "AE"}], [{"formKey": "AE", "recordData": {}}], "x"]
    )
    def test_what_is_no_list_of_items_is_refused(self, own_box: Make, door: Ways, items: Any) -> None:
        box = own_box()
        with pytest.raises(ValueError, match="records_data"):
            door(box).call("records.create", STUDY, items)
        assert box.requests == []

    @pytest.mark.parametrize("state", ["Completed", "Created", "Failed", "Running", "UnknownState"])
    def test_jobs_are_read_as_they_come(self, own_box: Make, door: Ways, spec: dict[str, Any], state: str) -> None:
        payload = spec["components"]["examples"][f"JobsGet{state}"]["value"]
        box = self.answering(own_box, 200, payload)
        assert door(box).call("jobs.get", STUDY, payload["batchId"]).to_dict() == payload
        assert box.requests[0].path.endswith(f"/{STUDY}/jobs/{payload['batchId']}")


def test_the_disk_is_full(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves nothing and says what to do next."""
    resource = pytest.importorskip("resource", reason="limits of file sizes exist on Unix only")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal = pytest.importorskip("signal")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        with ImednetSDK(**box.credentials) as sdk, pytest.raises(ImednetError, match="Next: make room"):
            export_to_csv(sdk, STUDY, tmp_path / "study")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_pytest_httpx_can_stand_in_for_the_server(httpx_mock: Any) -> None:
    """Users test with pytest-httpx; nothing of ours stands in the way."""
    page = {
        "metadata": {"status": "OK", "error": {}},
        "pagination": {"currentPage": 0, "size": 500, "totalPages": 1, "totalElements": 1},
        "data": [{"studyKey": "S", "siteId": 1}],
    }
    httpx_mock.add_response(json=page)
    with ImednetSDK("key", "other", "https://edc.example.org") as sdk:
        (site,) = sdk.sites.list("S")
    assert site.site_id == 1
    (request,) = httpx_mock.get_requests()
    assert isinstance(request, httpx.Request)
    assert request.url.host == "edc.example.org"
