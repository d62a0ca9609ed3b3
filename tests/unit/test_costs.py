"""What rows cost beside plain decoding of the same bytes in the same process: a ratio, never a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
import pytest

from imednet.core.decoding.page import Lines, Page, read_page
from imednet.sandbox import Request, Sandbox
from imednet_api.api import operation
from imednet_api.types import decode, fast_json
from support import STUDY, Ways

PATH = f"/api/v1/edc/studies/{STUDY}/records"
EXTRA = "objects with a field nobody knows"
READS: dict[str, tuple[Any, Callable[[Page], object], float, float]] = {
    # how rows are made, what is read of them, at most with the fast decoder and without it
    "objects": ("models", lambda page: page.rows, 1.3, 12.0),
    EXTRA: ("models", lambda page: page.rows, 4.0, 12.0),
    "objects, every answer read": ("models", lambda page: [row.record_data for row in page.rows], 2.3, 13.0),
    "objects, five fields read": (
        "models",
        lambda page: [
            (row.record_id, row.form_key, row.site_id, row.subject_key, row.date_modified) for row in page.rows
        ],
        1.4,
        12.0,
    ),
    "dictionaries": ("dictionaries", lambda page: page.rows, 1.3, 1.3),
    "lines for exports": (Lines(("formId",)), lambda page: page.rows, 1.0, 8.0),
}


@pytest.fixture(scope="module")
def page() -> httpx.Response:
    """A page of 500 records of the demo study."""
    with Sandbox() as box:
        keys = {"x-api-key": box.credentials["api_key"], "x-imn-security-key": box.credentials["security_key"]}
        asked = Request("GET", f"{PATH}?size=500", {**keys, "content-type": "application/json"})
        return httpx.Response(200, content=box.api.answer(asked).body, request=httpx.Request("GET", f"http://h{PATH}"))


@pytest.mark.parametrize("what", READS)
def test_rows_cost_little_more_than_plain_decoding(page: httpx.Response, what: str) -> None:
    """The quickest of many turns of each, taken in turn, so that what disturbs the machine disturbs both."""
    make, use, with_fast, without = READS[what]
    read = read_page(operation("list_records"), make, STUDY)
    if what == EXTRA:
        content = page.content.replace(b'"studyKey":', b'"brandNew": 1, "studyKey":')
        page = httpx.Response(200, content=content, request=page.request)
    ours, plain = [], []
    for _ in range(30):
        ours.append(cost(lambda: use(read(page))))
        plain.append(cost(lambda: decode(page.content)))
    most = with_fast if fast_json() is not None else without
    assert min(ours) <= most * min(plain), f"{min(ours) / min(plain):.2f} times plain decoding, at most {most}"


def test_a_request_looks_for_no_module(box: Sandbox, door: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is tried again and again, and in vain, costs a search of the disk each time."""

    class Watch:
        sought: ClassVar[list[str]] = []

        @classmethod
        def find_spec(cls, name: str, path: object = None, target: object = None) -> None:
            cls.sought.append(name)

    sdk = door(box)
    sdk.call("sites.list", STUDY)
    monkeypatch.setattr(sys, "meta_path", [Watch, *sys.meta_path])
    assert sdk.call("sites.list", STUDY)
    assert Watch.sought == []


def cost(work: Callable[[], object]) -> float:
    begun = time.process_time()
    for _ in range(3):
        work()
    return time.process_time() - begun
