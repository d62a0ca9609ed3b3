"""What an export into files promises: its manifest, blinding, odd records, replacing. `test_sinks` has the cells."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imednet import ImednetSDK
from imednet.errors import ExportConfigurationError
from imednet.integrations import ExportReport, export_to_csv, export_to_parquet
from imednet.integrations.on_disk import extraction_log as log
from imednet.integrations.tables.naming import file_stems
from imednet.sandbox import Sandbox
from support import STUDY, served


@pytest.fixture(scope="module")
def exported(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportReport]:
    folder = tmp_path_factory.mktemp("export")
    with ImednetSDK(**box.credentials) as sdk:
        return {
            "parquet": export_to_parquet(sdk, STUDY, folder / "parquet", disabled=True),
            "csv": export_to_csv(sdk, STUDY, folder / "csv", disabled=True),
        }


def test_the_torture_is_in_the_data(box: Sandbox) -> None:
    """The defects this proof leans on are really there."""
    answers = [record["recordData"] or {} for record in served(box.studies[STUDY], "records")]
    values = [value for data in answers for value in data.values()]
    for planted in ("", None, "12,5", "<5", "1e3", "007", " 72 ", "ND", "=SUM(A1:A9)", 0.1, True, "E\u0301 É", "עברית"):
        assert any(value == planted and type(value) is type(planted) for value in values), planted
    assert any("\r\n" in str(value) for value in values)
    assert max(len(str(value)) for value in values) >= 65_536
    names = {variable["variableName"] for variable in box.studies[STUDY].rows("variables")}
    spelled = {name for data in answers for name in data} - names - {"unvnum", "dateCreated", "dateModified"}
    assert {name for name in spelled if name.upper() in names}
    assert {name for name in spelled if name.startswith("OLD")}
    assert sum(record["deleted"] for record in served(box.studies[STUDY], "records")) > 20


def test_rows_equal_totals_and_the_manifest_says_so(box: Sandbox, exported: dict[str, ExportReport]) -> None:
    total = len(box.studies[STUDY].rows("records"))
    for report in exported.values():
        assert report.proof is not None
        assert report.rows == report.proof.total == total
        assert report.proof.proven
        manifest = json.loads((report.folder / "manifest.json").read_text("utf-8"))
        assert manifest == report.manifest
        assert manifest["study"] == STUDY
        assert "sandbox" not in manifest
        records = manifest["endpoints"]["records"]
        assert (records["serverTotal"], records["rows"], records["proof"]) == (total, total, "proven")
        assert records["requests"] == 8
        assert len(manifest["forms"]) == 29
        assert {form["form"]: form["rows"] for form in manifest["forms"]}["SS"] == 0
        assert sum(form["rows"] for form in manifest["forms"]) == total
        assert len([file for file in manifest["files"] if not file["form"].startswith("_")]) == 29
        for file in manifest["files"]:
            content = (report.folder / file["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
        present = {path.name for path in report.folder.iterdir()}
        assert present == {"manifest.json", "extraction-log.jsonl", *(file["file"] for file in manifest["files"])}
        assert manifest["serverTime"] == {"from": "2026-11-01 00:00:00", "to": "2026-11-01 00:00:00"}
        assert manifest["specVersion"] == "1.3.6"


def test_blinded_answers_are_left_out_and_named(box: Sandbox, tmp_path: Path) -> None:
    """Also where the keys may see them, and in whatever case they are spelled."""
    with ImednetSDK("demo-unblinded-key", box.credentials["security_key"], box.url) as sdk:
        assert any("RANDARM" in (record.record_data or {}) for record in sdk.records.list(STUDY, form_key="RAND"))
        report = export_to_parquet(sdk, STUDY, tmp_path / "x")
    assert report.blinded == report.manifest["blindedVariablesLeftOut"] == ["RAND.RANDARM"]
    assert not any("RANDARM" in name.upper() for name in pq.read_table(report.folder / "RAND.parquet").column_names)


def test_unblinding_needs_a_reason_which_is_logged(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK("demo-unblinded-key", box.credentials["security_key"], box.url) as sdk:
        with pytest.raises(ExportConfigurationError, match="reason"):
            export_to_parquet(sdk, STUDY, tmp_path / "x", unblind=" ")
        report = export_to_parquet(sdk, STUDY, tmp_path / "x", unblind="DSMB meeting 4")
    assert report.blinded == []
    table = pq.read_table(report.folder / "RAND.parquet")
    assert set(table.column("RANDARM").to_pylist()) >= {"Treatment", "Sham control"}
    assert table.schema.field("RANDARM").metadata == {
        **(table.schema.field("RANDARM").metadata or {}),
        b"blinded": b"true",
    }
    (entry,) = log.read(report.folder)
    assert entry["unblinded"] == "DSMB meeting 4"


def test_records_of_unlisted_forms_go_to_unassigned(own_box: Callable[..., Sandbox], tmp_path: Path) -> None:
    box = own_box()
    study = box.studies[STUDY]
    last = study.records.row(len(study.records) - 1)
    answers = [{"X": "1", "recordId": "clash", "data.recordId": "clash too"}, None]
    strays = [
        {**last, "recordId": last["recordId"] + 5 + place, "formId": 99, "formKey": key, "recordData": answers[place]}
        for place, key in enumerate(["GONE", None])
    ]
    for stray in strays:
        study.records.add(stray)
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_parquet(sdk, STUDY, tmp_path / "x", disabled=True)
    table = pq.read_table(report.folder / "_unassigned.parquet")
    assert table.column("recordId").to_pylist() == [stray["recordId"] for stray in strays]
    assert [json.loads(cell) if cell else cell for cell in table.column("undeclared").to_pylist()] == answers
    assert report.rows == len(study.records)


@pytest.mark.parametrize(
    "answers", [None, {}, {"AETERM": [1, {"a": "b"}]}, {"aeterm": "x", "AETERM": "y"}, ["no object"]]
)
def test_any_shape_of_answers_is_kept(own_box: Callable[..., Sandbox], tmp_path: Path, answers: Any) -> None:
    box = own_box()
    study = box.studies[STUDY]
    place = study.records.find("formKey", "AE") or 0
    number = study.records.change(place, recordData=answers)["recordId"]
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_parquet(sdk, STUDY, tmp_path / "x")
    rows = pq.read_table(report.folder / "AE.parquet").to_pylist()
    row = next(row for row in rows if row["recordId"] == number)
    if isinstance(answers, list):
        assert json.loads(json.loads(row["undeclared"])["recordData"]) == answers
    elif answers and "aeterm" in answers:
        assert (row["AETERM"], json.loads(row["undeclared"])) == ("y", {"aeterm": "x"})
    else:
        assert row["AETERM"] == (json.dumps(answers["AETERM"], separators=(",", ":")) if answers else None)


def test_half_a_character_is_a_listed_loss(own_box: Callable[..., Sandbox], tmp_path: Path) -> None:
    """A lone surrogate is sound JSON, and no file can hold it: the cell is missing and its escaped text is listed."""
    box = own_box()

    def spoilt(request: Any, answer: Any) -> Any:
        found = answer(request)
        found.body = found.body.replace(b'"AETERM":"', b'"AETERM":"\\ud800', 1)
        return found

    box._intercept = spoilt
    with ImednetSDK(**box.credentials) as sdk:
        report = export_to_csv(sdk, STUDY, tmp_path / "x")
    with (report.folder / "_issues.csv").open(encoding="utf-8", newline="") as file:
        issues = [row for row in csv.DictReader(file) if "half a character" in row["reason"]]
    assert issues
    assert all(row["variable"] == "AETERM" and row["value"].startswith('"\\ud800') for row in issues)


def test_an_export_refuses_what_it_did_not_write(box: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "x"
    with ImednetSDK(**box.credentials) as sdk:
        export_to_csv(sdk, STUDY, target)
        with pytest.raises(ExportConfigurationError, match=r"as csv, and this is .* as parquet.*Next"):
            export_to_parquet(sdk, STUDY, target)
        assert (target / "AE.csv").exists()
        (target / "mine.txt").write_text("mine")
        for wrong in (target, target / "mine.txt"):
            with pytest.raises(ExportConfigurationError, match="Next"):
                export_to_csv(sdk, STUDY, wrong)
    assert (target / "mine.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_two_exports_of_one_study_are_equal(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        first, second = (export_to_csv(sdk, STUDY, tmp_path / name).manifest for name in ("a", "b"))
    assert first == second


def test_file_names_are_safe_and_unique_on_every_system() -> None:
    keys = ["AE", "ae", "Ae", "CON", "con", "LPT1", "A/B", "A\\B", "..", "", "é", "x" * 300, "a.b", "AE_2", "nul.txt"]
    names = file_stems(keys)
    assert len({name.casefold() for name in names}) == len(keys)
    for name in names:
        stem = name
        assert stem.isascii()
        assert len(name) < 100
        assert stem.upper() not in ("CON", "PRN", "AUX", "NUL", "LPT1", "COM1")
        assert not set(stem) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
