"""A kept record costs at most twice its own bytes, and never keeps its page."""

from __future__ import annotations

import gc
import json
import tracemalloc

import httpx

from imednet.core.pages import models, read_page
from imednet.sandbox import Request, Sandbox
from imednet_api.api import operation
from support import STUDY


def test_kept_records_cost_at_most_twice_their_bytes(box: Sandbox) -> None:
    """Measured over all records of the demo study, page by page, with everything else let go."""
    keys = {
        "x-api-key": box.credentials["api_key"],
        "x-imn-security-key": box.credentials["security_key"],
        "content-type": "application/json",
    }
    read = read_page(operation("list_records"), models, STUDY)
    request = httpx.Request("GET", "http://h/p")
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
