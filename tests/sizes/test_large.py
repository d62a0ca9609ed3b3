"""A million records: any page at once, and little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from imednet.sandbox.server.lists import PAGE_MEMORY

WORK = """
import json, resource, sys
from imednet.sandbox import Request, Sandbox

box = Sandbox("large")
KEYS = {"x-api-key": "demo-api-key", "x-imn-security-key": "demo-security-key", "content-type": "application/json"}
LIST = "/api/v1/edc/studies/TIDEWATER-201/"

def page(text):
    box.reset_stats()
    answer = box.answer(Request("GET", LIST + text, KEYS))
    found = json.loads(answer.body)
    return {
        "status": answer.status, "rows": len(found["data"]), "bodies": box.stats()["bodies"],
        **{name: found["pagination"][name] for name in ("totalPages", "totalElements")},
    }

found = {"cold": page("records?size=500&page=2007"), "warm": page("records?size=500&page=2007")}
found["fence"] = page("records?size=500&page=1003&filter=recordId%3E5000001&sort=recordId,asc")
found["form"] = page("records?size=500&page=3&filter=formKey==AE")
found["recent"] = page("records?size=500&filter=dateModified%3E=2026-10-31T00:00:00Z&sort=dateModified,desc")
for name in ("subjects", "visits", "recordRevisions", "queries", "codings", "users"):
    found[name] = page(name + "?size=500&page=1")
for number in range(0, 2000, 8):
    page(f"records?size=500&page={number}")
try:  # the peak since this program began; where the kernel does not say, its parent may be in it
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    found["megabytes"] = int(status["VmHWM"].split()[0]) // 1024
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["megabytes"] = peak // (2**20 if sys.platform == "darwin" else 1024)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What a process of its own saw; it asks for an eighth of all pages of records too."""
    done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_a_cold_page_makes_its_own_bodies_and_a_warm_one_none(found: dict[str, Any]) -> None:
    assert found["cold"]["totalElements"] > 1_000_000
    assert found["cold"]["totalPages"] == 2008
    assert 0 < found["cold"]["bodies"] == found["cold"]["rows"] <= 500
    assert found["warm"] == {**found["cold"], "bodies": 0}


def test_filters_make_no_bodies_but_those_they_show(found: dict[str, Any]) -> None:
    for name in ("fence", "form", "recent"):
        assert found[name]["bodies"] == found[name]["rows"] == 500, name
    assert 0.0035 < found["recent"]["totalElements"] / found["cold"]["totalElements"] < 0.0045


def test_every_list_is_there(found: dict[str, Any]) -> None:
    """Within one hundredth, or three standard deviations, of the means of the design."""
    expected = {
        "subjects": 18300,
        "visits": 496_689,
        "recordRevisions": 2_308_692,
        "queries": 65_246,
        "codings": 168_263,
    }
    for name, count in expected.items():
        assert found[name]["status"] == 200
        assert found[name]["totalElements"] == pytest.approx(
            count, rel=0.03 if name in ("queries", "codings") else 0.01
        ), name


def test_memory(found: dict[str, Any]) -> None:
    """The whole process, with every list asked for and all pages kept that ever are: those read here are a third."""
    assert found["megabytes"] + PAGE_MEMORY / 2**20 * 2 / 3 < 600
