"""Fixtures for the Airflow provider; run by `nox -s airflow`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider.runs import Airflow, served


@pytest.fixture
def airflow(tmp_path: Path) -> Iterator[Airflow]:
    """An Airflow with an empty database and a sandbox of its own."""
    box = served()
    (tmp_path / "out").mkdir()
    made = Airflow(tmp_path / "airflow", box, tmp_path / "out")
    assert made.run("db", "migrate").returncode == 0
    done = made.run("dags", "reserialize")
    assert done.returncode == 0, done.stderr[-2000:]
    yield made
    box.stop()


@pytest.fixture(autouse=True)
def _connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_")):
            monkeypatch.delenv(name)
