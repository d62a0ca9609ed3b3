"""The medium study: its volumes are those of the design, every Python builds it alike, an export has its price."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from builds import assert_same_everywhere, pythons
from imednet import ImednetSDK
from imednet.integrations import export_to_parquet
from imednet.sandbox import Sandbox, build
from imednet.sandbox.invent.sizes import SIZES
from imednet.sandbox.server.manifest import manifest_of
from support import STUDY

Row = dict[str, Any]


@pytest.fixture(scope="module")
def medium() -> Row:
    return manifest_of(build(SIZES["medium"]))


def test_builds_are_the_same_in_every_process_and_version(medium: Row, tmp_path: Path) -> None:
    """The manifest of this process, which is of one version, and of a process of each other version found."""
    others = pythons()
    del others[f"{sys.version_info.major}.{sys.version_info.minor}"]
    assert_same_everywhere("medium", medium, others, tmp_path)


# Expected means and what a draw may differ: a hundredth for the first three, three standard deviations for the others.
EXACT = {"sites": 40, "subjects": 1200, "users": 115}
WITHIN_ONE_PERCENT = {"records": 66275, "visits": 32570, "recordRevisions": 152432}
FORMS = {
    "REG": 1200, "ICF": 1189, "ELIG": 1189, "DEMO": 1189, "MH": 3163, "VS": 6533, "LAB": 3828, "ECG": 2331,
    "ABPM": 2884, "RAND": 912, "PROC": 839, "IMG": 1419, "DISCH": 839, "PHONE": 830, "FU": 2753, "QOL": 2884,
    "DIARY": 20213, "AE": 2056, "AEACT": 1234, "CM": 5745, "PD": 699, "DD": 126, "UNS": 252, "EOS": 612,
    "SITEINIT": 40, "SITETRN": 480,
    "ACCT": 800, "OLDVS": 36,
}  # fmt: skip
DEFECTS = {
    "D01": 38853, "D02": 3885, "D03": 3885, "D04": 66, "D05": 7, "D06": 442, "D07": 184, "D08": 258, "D09": 3290,
    "D10": 795, "D11": 6, "D12": 1, "D13": 33, "D14": 31, "D15": 20, "D16": 5, "D17": 2926, "D18": 702, "D19": 12,
    "D20": 49, "D21": 3639, "D22": 2547, "D23": 1819, "D24": 1554, "D25": 8305, "D26": 475, "D27": 29, "D28": 10,
    "D29": 57, "D30": 33, "D31": 133, "D32": 66, "D33": 525, "D34": 13255, "D35": 13, "D36": 1326, "D37": 22, "D38": 43,
    "D39": 43, "D40": 4573, "D41": 10, "D42": 883,
}  # fmt: skip
PLANTED = {"D17": 30, "D18": 25, "D20": 15, "D21": 60, "D22": 60, "D23": 160, "D24": 110, "D40": 80}
"""Cases that the scripted subjects add to those drawn, where they are many."""


def test_medium_has_the_volumes_of_the_design(medium: Row) -> None:
    manifest = medium["study"][STUDY]
    counts = {name: one["count"] for name, one in manifest["lists"].items()}
    assert {name: counts[name] for name in EXACT} == EXACT
    for name, expected in WITHIN_ONE_PERCENT.items():
        assert abs(counts[name] - expected) <= expected * 0.01, (name, counts[name], expected)
    for name, expected in {"queries": 4308, "codings": 11034}.items():
        assert abs(counts[name] - expected) <= 3 * expected**0.5, (name, counts[name], expected)
    off = {}
    for form, expected in FORMS.items():
        count = sum(manifest["records"]["forms"][form].values())
        if abs(count - expected) > 3 * expected**0.5:
            off[form] = (count, expected)
    for defect, expected in DEFECTS.items():
        count = manifest["defects"][defect]
        if not -3 * expected**0.5 - 1 <= count - expected <= 3 * expected**0.5 + PLANTED.get(defect, 4):
            off[defect] = (count, expected)
    assert not off
    recent = dict.fromkeys((1, 7, 30), 0)
    deleted = 0
    for day, ids in manifest["calendar"].items():
        age = (date(2026, 11, 1) - date.fromisoformat(day)).days
        for days in recent:
            recent[days] += (len(ids["changed"]) + len(ids["deleted"])) if age <= days else 0
        deleted += len(ids["deleted"])
    shares = {days: count / counts["records"] for days, count in recent.items()}
    assert shares == pytest.approx({1: 0.004, 7: 0.025, 30: 0.09}, rel=0.15)
    assert deleted / recent[30] == pytest.approx(0.05, abs=0.015)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(size="medium") as box:
        yield box


def test_j2_7_medium_costs_133_and_29_record_requests(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        sdk.records.list(STUDY)  # the server makes its pages, so that it answers at once from now on
        before = len(box.requests)
        report = export_to_parquet(sdk, STUDY, tmp_path / "x")
    total = len(box.studies[STUDY].records)
    assert report.rows + sum(report.left_out.values()) == total
    paths = [request.path.rpartition("/")[2] for request in box.requests[before:]]
    assert Counter(paths)["records"] <= 133 + 29
    assert set(paths) == {"records", "forms", "variables"}
    assert not list((tmp_path / "x").glob(".imednet*"))
