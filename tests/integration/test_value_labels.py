"""Choices of a data dictionary become value labels wherever a target can hold some."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import imednet
from imednet import ImednetSDK
from imednet.integrations import export_to_parquet, export_to_sav, study_frames
from imednet.sandbox import Sandbox
from imednet.validation import load_dictionary
from support import STUDY

CHOICES = "Form Key,Variable Name,Choice Text,Choice Value,Sequence\nAE,AESER,Yes,1,1\nAE,AESER,No,0,2\n"


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "CHOICES.csv"
    path.write_text(CHOICES)
    return path


def test_labels_reach_parquet_spss_and_frames(box: Sandbox, dictionary: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    stats = pytest.importorskip("pyreadstat", reason="pyreadstat is not installed")
    known = load_dictionary(dictionary).labels
    with ImednetSDK(**box.credentials) as sdk:
        export_to_parquet(sdk, STUDY, tmp_path / "p", forms=["AE"], choices=known)
        export_to_sav(sdk, STUDY, tmp_path / "s", forms=["AE"], choices=known)
        frames = study_frames(sdk, STUDY, forms=["AE"], choices=known)
    metadata = parquet.read_schema(tmp_path / "p" / "AE.parquet").field("AESER").metadata
    assert json.loads(metadata[b"choices"]) == [{"text": "Yes", "code": "1"}, {"text": "No", "code": "0"}]
    frame, facts = stats.read_sav(str(tmp_path / "s" / "AE.sav"))
    assert facts.variable_value_labels["AESER"] == {"1": "Yes", "0": "No", "Yes": "Yes", "No": "No"}
    assert set(frame["AESER"]) <= {"Yes", "No", ""}
    assert frames["AE"].attrs["choices"] == {"AESER": [("Yes", "1"), ("No", "0")]}


def test_the_record_mapper_takes_the_dictionary(box: Sandbox, dictionary: Path) -> None:
    known = load_dictionary(dictionary)
    with ImednetSDK(**box.credentials) as sdk:
        mapper = sdk.workflows.record_mapper
        assert mapper.dataframe(STUDY, "AE", dictionary=known).attrs["choices"] == {
            "AESER": [("Yes", "1"), ("No", "0")]
        }
        ((_, frame),) = mapper.frames(STUDY, forms=["AE"], dictionary=known)
    assert frame.attrs["choices"] == {"AESER": [("Yes", "1"), ("No", "0")]}


def test_the_command_takes_the_dictionary(box: Sandbox, dictionary: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    keys = {"IMEDNET_API_KEY": "demo-api-key", "IMEDNET_SECURITY_KEY": "demo-security-key", "IMEDNET_BASE_URL": box.url}
    out = tmp_path / "out"
    words = ("export", "parquet", STUDY, str(out), "--form", "AE", "--dictionary", str(dictionary))
    done = imednet(*words, **keys)
    assert done.returncode == 0, done.stderr
    assert b"choices" in parquet.read_schema(out / "AE.parquet").field("AESER").metadata
