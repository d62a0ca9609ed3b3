"""Servers, callers and bystanders that are odd in ways that once went unnoticed."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import ArgumentError, BadRequestError, IncompleteReadError, ServerError
from imednet.sandbox import Answer, Request, Sandbox
from support import STUDY, Ways, served

Handle = Callable[[Request], Answer]
Make = Callable[..., Sandbox]


def test_a_list_tested_here_is_neither_kept_nor_taken_from_what_is_kept(box: Sandbox, door: Ways) -> None:
    one = door(box)
    words = sorted({row["formType"] for row in served(box.studies[STUDY], "forms")})[:1]
    narrow = one.call("forms.list", STUDY, form_type=[*words, "none such"])
    everything = one.call("forms.list", STUDY)
    assert 0 < len(narrow) < len(everything) == len(served(box.studies[STUDY], "forms"))
    assert one.call("forms.list", STUDY, form_type=["none", "such"]) == []


@pytest.mark.parametrize("lie", ["empty", "not sorted", "lagging"])
def test_a_wrong_answer_about_the_newest_row_loses_nothing(own_box: Make, door: Ways, lie: str) -> None:
    def intercept(request: Request, answer: Handle) -> Answer:
        if "desc" not in request.target:
            return answer(request)
        if lie == "not sorted":
            return answer(Request(request.method, request.target.replace("desc", "asc"), request.headers))
        if lie == "lagging":
            return answer(Request(request.method, request.target.replace("page=0", "page=2000"), request.headers))
        body = json.loads(answer(request).body)
        body["data"], body["pagination"]["totalElements"], body["pagination"]["totalPages"] = [], 0, 0
        return Answer(200, json.dumps(body).encode())

    def renumbered(request: Request, answer: Handle) -> Answer:
        found = intercept(request, answer)
        if lie == "lagging" and "desc" in request.target:
            body = json.loads(found.body)
            body["pagination"]["currentPage"] = 0
            return Answer(200, json.dumps(body).encode())
        return found

    box = own_box(intercept=renumbered)
    expected = [row["recordId"] for row in served(box.studies[STUDY], "records")]
    rows = door(box).call("records.list", STUDY)
    assert [row.record_id for row in rows] == expected
    assert rows.proof.proven


def test_growth_of_many_pages_is_read_whole(own_box: Make, door: Ways) -> None:
    lock = threading.Lock()
    boxes: list[Sandbox] = []
    done: list[bool] = []

    def grow(request: Request, answer: Handle) -> Answer:
        with lock:
            if "recordId%3E" in request.target and boxes and not done:
                done.append(True)
                records = boxes[0].studies[STUDY].records
                last = records.row(records.places()[-1])
                for number in range(1, 1201):
                    records.add({**last, "recordId": last["recordId"] + number})
        return answer(request)

    box = own_box(intercept=grow)
    boxes.append(box)
    rows = door(box).call("records.list", STUDY)
    assert rows.proof.proven
    assert len(rows) == len(served(box.studies[STUDY], "records"))


def test_an_interrupted_iterator_does_not_end_as_if_it_were_complete(own_box: Make) -> None:
    def slow(request: Request, answer: Handle) -> Answer:
        if "recordId%3E" in request.target and "size=100" in request.target:
            time.sleep(1)
        return answer(request)

    async def read(sdk: AsyncImednetSDK) -> None:
        rows = sdk.records.iter(STUDY, page_size=100)
        while True:
            try:
                await asyncio.wait_for(anext(rows), 0.3)
            except TimeoutError:
                continue

    async def main() -> None:
        async with AsyncImednetSDK(**own_box(intercept=slow).credentials) as sdk:
            with pytest.raises(IncompleteReadError, match="interrupted"):
                await read(sdk)

    asyncio.run(main())


def test_resuming_behind_the_end_stays_behind_the_end(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        for endpoint in (sdk.sites, sdk.codings):
            token = None
            for page in endpoint.pages(STUDY):
                token = page.token
            for _ in range(3):
                for page in endpoint.pages(STUDY, resume=token):
                    assert page.rows == []
                    token = page.token
        token = next(iter(sdk.records.pages(STUDY, site_id=[301, 302]))).token
        with pytest.raises(ArgumentError, match="another list, study or filter"):
            sdk.records.pages(STUDY, resume=token, site_id=[301, 303])


def test_values_that_a_server_may_hold_for_the_same_are_not_read_twice(own_box: Make, door: Ways) -> None:
    one = door(own_box(switches={"filterCase": "insensitive"}))
    rows = one.call("records.list", STUDY, form_key=["AE", "ae"])
    assert len({row.record_id for row in rows}) == len(rows) == one.call("records.count", STUDY, form_key=["AE", "ae"])


@pytest.mark.parametrize("data", [["x"], "x", {"AGE": 45, "INIT": ["JD"]}, None])
@pytest.mark.parametrize("status", [400, 503])
def test_a_failed_write_of_any_shape_is_an_error_of_ours_without_its_values(
    own_box: Make, door: Ways, data: Any, status: int
) -> None:
    said = {"metadata": {"error": {"description": "Subject 301-777: AGE 45 is invalid, initials JD"}}}
    box = own_box(intercept=lambda request, answer: Answer(status, json.dumps(said).encode()))
    item = {"formKey": "AE", "subjectKey": "301-777", "data": data}
    with pytest.raises(BadRequestError if status == 400 else ServerError) as caught:
        door(box).call("records.create", STUDY, [item])
    assert "301-777" not in str(caught.value)
    if isinstance(data, dict):
        assert "45" not in str(caught.value).partition("(correlation")[0]
        assert "JD" not in str(caught.value)
    assert len(box.requests) == 1


class BrokenTracer:
    """Fails where it can."""

    def __init__(self, where: str) -> None:
        self.where = where

    def start_as_current_span(self, *_: object, **__: object) -> BrokenTracer:
        return self._fail("start")

    def __enter__(self) -> BrokenTracer:
        return self._fail("enter")

    def __exit__(self, *_: object) -> None:
        self._fail("exit")

    def set_attributes(self, *_: object) -> None:
        self._fail("set")

    def _fail(self, where: str) -> BrokenTracer:
        if where == self.where:
            raise RuntimeError("exporter down")
        return self


@pytest.mark.parametrize("where", ["start", "enter", "exit", "set", "never"])
def test_a_broken_tracer_changes_nothing(box: Sandbox, door: Ways, where: str) -> None:
    assert door(box, tracer=BrokenTracer(where)).call("sites.list", STUDY)


def test_threads_come_back_to_full_width_after_refusals(own_box: Make) -> None:
    """Places that successes give back are taken by those who wait."""
    lock, seen, most = threading.Lock(), [0], [0]
    under_way = [0]

    def refuse_some(request: Request, answer: Handle) -> Answer:
        with lock:
            seen[0] += 1
            number = seen[0]
            under_way[0] += 1
            if number > 120:
                most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1
        return Answer(429, b"{}", {"Retry-After": "0"}) if 8 <= number < 30 else answer(request)

    with ImednetSDK(**own_box(intercept=refuse_some).credentials, max_in_flight=8, retries=9) as sdk:
        threads = [threading.Thread(target=sdk.sites.count, args=(STUDY,)) for _ in range(250)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most[0] >= 4
