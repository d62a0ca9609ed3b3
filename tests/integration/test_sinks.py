"""Every sink: a study in, read back with the target's own driver, equal to the sandbox's own dictionaries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporting import NAMES, differences, expected, long_rows, long_target, target
from imednet.sandbox import Sandbox
from support import STUDY


def keyed(box: Sandbox, values: str) -> dict[Any, Any]:
    return {row["field", "recordId"]: row for rows in expected(box, values).values() for row in rows}


@pytest.mark.parametrize("name", NAMES)
def test_the_study_comes_back_cell_by_cell_and_follows_its_changes(
    own_box: Callable[..., Sandbox], tmp_path: Path, name: str
) -> None:
    """A second run changes nothing; after a day exactly what changed has changed."""
    box, one = own_box(), target(name, tmp_path)
    report = one.export(box)
    assert differences(one, box, report) == []
    assert report.proof is not None
    assert report.proof.proven
    first = {form: one.read(form) for form in expected(box, "text")}
    again = one.export(box)
    assert {form: one.read(form) for form in first} == first
    assert [form.rows for form in again.forms] == [form.rows for form in report.forms]
    before = keyed(box, one.values)
    box.advance(1)
    changed = {number for number, row in keyed(box, one.values).items() if before.get(number) != row}
    assert len(changed) > 10
    report = one.export(box)
    assert differences(one, box, report) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_wide_study_survives_or_every_loss_is_listed(
    own_box: Callable[..., Sandbox], tmp_path: Path, name: str
) -> None:
    """132 forms, 3,300 variables, names and labels that break tables."""
    box, one = own_box(profile="wide"), target(name, tmp_path)
    report = one.export(box)
    assert differences(one, box, report) == []
    assert report.complete


def test_the_long_format_has_every_answer_once(own_box: Callable[..., Sandbox], tmp_path: Path) -> None:
    box, one = own_box(), long_target(tmp_path)
    for _ in range(2):
        one.export(box)
        rows = [(row["recordId"], row["form"], row["variable"], row["value"]) for row in one.read("answers")]
        assert len(rows) == len(set(rows))
        assert set(rows) == long_rows(box)
        box.advance(1)


def test_raw_lines_are_the_servers_records_untouched(box: Sandbox, tmp_path: Path) -> None:
    """Canonical JSON of every record, blinded answers taken out, deleted ones kept."""
    from imednet import ImednetSDK
    from imednet.integrations import export_to_json

    served = {row["recordId"]: row for row in box.studies[STUDY].rows("records", unblinded=False)}
    with ImednetSDK("demo-unblinded-key", box.credentials["security_key"], box.url) as sdk:
        report = export_to_json(sdk, STUDY, tmp_path / "raw", lines=True, raw=True, disabled=True)
    found = {}
    for form in report.forms:
        for line in (report.folder / str(form.file)).read_text("utf-8").split("\n"):
            if line:
                row = json.loads(line)
                found[row["recordId"]] = row
    assert found == served
    assert sum(row["deleted"] for row in found.values()) > 20
