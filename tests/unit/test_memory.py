"""A kept record costs at most twice its own bytes, and never keeps its page; an answer goes once it was read."""

from __future__ import annotations

import gc
import json
import tracemalloc
import weakref
from typing import Any

import httpx

from imednet.core.decoding.page import read_page
from imednet.sandbox import Request, Sandbox
from imednet_api.api import operation
from support import STUDY, Ways


def test_kept_records_cost_at_most_twice_their_bytes(box: Sandbox) -> None:
    """Measured over all records of the demo study, page by page, with everything else let go."""
    keys = {
        "x-api-key": box.credentials["api_key"],
        "x-imn-security-key": box.credentials["security_key"],
        "content-type": "application/json",
    }
    read = read_page(operation("list_records"), "models", STUDY)
    request = httpx.Request("GET", f"http://h/api/v1/edc/studies/{STUDY}/records")
    bodies = [
        box.api.answer(Request("GET", f"/api/v1/edc/studies/{STUDY}/records?size=500&page={page}", keys)).body
        for page in range(6)
    ]
    own = sum(
        len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode())
        for body in bodies
        for row in json.loads(body)["data"]
    )
    read(httpx.Response(200, content=bodies[0], request=request))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [read(httpx.Response(200, content=body, request=request)).rows for body in bodies]
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert sum(map(len, kept)) > 2000
    assert after - before <= 2 * own, (after - before) / own


def test_an_answer_goes_once_it_was_read(box: Sandbox, door: Ways) -> None:
    """Without waiting for the collector of cycles: an answer is a whole page of bytes."""
    answers: list[weakref.ref[httpx.Response]] = []

    def note(response: httpx.Response) -> None:
        answers.append(weakref.ref(response))

    async def note_too(response: httpx.Response) -> None:
        note(response)

    blocking = door(box).kind == "sync"
    client: Any = (
        httpx.Client(event_hooks={"response": [note]})
        if blocking
        else httpx.AsyncClient(event_hooks={"response": [note_too]})
    )
    sdk = door(box, http_client=client, max_in_flight=1)
    gc.collect()
    gc.disable()
    try:
        rows = sdk.call("records.list", STUDY)
        left = [answer for answer in answers if answer() is not None]
    finally:
        gc.enable()
        sdk.run(client.close if blocking else client.aclose)
    assert len(rows) > 2000
    assert len(answers) > 5
    assert len(left) <= 1
