"""A whole study over a server where one answer in twenty goes wrong: every list is what the manifest says."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from typing import Any

import pytest

from imednet import ImednetSDK
from imednet.sandbox import Fault, Sandbox
from support import LISTS, STUDY

TROUBLE = [
    Fault("status", status=500), Fault("status", status=502), Fault("status", status=503), Fault("status", status=520),
    Fault("status", status=429, retry_after=0), Fault("reset"), Fault("reset-inside"), Fault("cut"), Fault("truncate"),
    Fault("bad-gzip"), Fault("html"), Fault("content-type"), Fault("repeat-page"), Fault("empty-page"),
    Fault("no-pagination"), Fault("fewer-pages"), Fault("more-pages"), Fault("repeat-row"),
    Fault("latency", seconds=0.02),
]  # fmt: skip


def digest(rows: list[dict[str, Any]]) -> str:
    """The hash as the manifest of the sandbox defines it."""
    lines = [
        json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for row in rows
    ]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def test_a_full_extract_of_medium_equals_the_manifest(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for fault in TROUBLE:
        fault.rate = 0.05 / len(TROUBLE)
    with Sandbox(size="medium", faults=TROUBLE) as box:
        expected = box.manifest(ledger=False)["study"][STUDY]["lists"]
        with ImednetSDK(**box.unblinded_credentials, retries=6, backoff_factor=0) as sdk:
            for attribute, name in LISTS.items():
                options = {"include_inactive": True} if name == "users" else {}
                size = 25 if expected[name]["count"] < 5_000 else 200
                rows = getattr(sdk, attribute).list(STUDY, raw=True, page_size=size, **options)
                order = {"variables": "formId", "codings": "formId"}.get(name)
                listed = sorted(rows, key=lambda row: row[order]) if order else rows
                assert (len(listed), digest(listed)) == (expected[name]["count"], expected[name]["sha256"]), name
        happened = Counter(fault.kind for fault in TROUBLE for _ in range(fault.done))
    assert len(happened) >= 15
    assert 0.03 < sum(happened.values()) / len(box.requests) < 0.08
