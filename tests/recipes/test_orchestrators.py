"""The recipes of docs/dlt.md in Dagster and in Prefect, as they stand but for the study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pytest

from imednet.sandbox import Sandbox
from pages import blocks
from support import STUDY


def recipe(word: str) -> dict[str, Any]:
    """The names that a block of the page defines."""
    (text,) = (block for block in blocks("dlt.md", "python") if f"from {word} import" in block)
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(text.replace("ABC-01", STUDY).replace("600", "1"), names)  # a failure is told at once
    return names


@pytest.fixture(autouse=True)
def _keys(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the sandbox, and folders that are gone after the test."""
    for name, value in box.credentials.items():
        monkeypatch.setenv(f"IMEDNET_{name.upper()}", str(value))
    monkeypatch.setenv("IMEDNET_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    monkeypatch.chdir(tmp_path)


def events(pipeline: str, name: str) -> int:
    """Adverse events in the destination."""
    with dlt.pipeline(pipeline, destination="duckdb", dataset_name=name).sql_client() as client:
        ((count,),) = client.execute_sql("SELECT count(*) FROM form_ae") or ((0,),)
    return int(count)


def test_ten_lines() -> None:
    text = blocks("dlt.md", "python")[0].replace("ABC-01", STUDY)
    exec(text, {})
    assert events("trial_abc", "abc_01") == 67


def test_dagster() -> None:
    dagster = pytest.importorskip("dagster", reason="dagster is not installed")
    names = recipe("dagster")
    for loaded in (True, False):
        done = dagster.materialize([names["abc_01"]])
        (event,) = done.get_asset_materialization_events()
        assert done.success
        assert event.materialization.metadata["loaded"].value is loaded
    assert events("trial_abc", "abc_01") == 67


def test_prefect() -> None:
    pytest.importorskip("prefect", reason="prefect is not installed")
    from prefect.testing.utilities import prefect_test_harness

    names = recipe("prefect")
    with prefect_test_harness():
        assert names["nightly"]([STUDY]) == {STUDY: True}
        assert names["nightly"]([STUDY]) == {STUDY: False}
    assert events("trial_tidewater_201", "tidewater_201") == 67
