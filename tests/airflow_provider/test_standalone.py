"""A whole Airflow with scheduler, triggerer and API: deferred tasks, and a Dag that a change of the study starts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from airflow_provider.runs import API, PATIENCE, SECURITY, Airflow
from imednet import ImednetSDK

TWIN = "TIDEWATER-201-DEV"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def running(airflow: Airflow) -> Iterator[Airflow]:
    """`airflow standalone`, a process group that ends with the test."""
    port = free_port()
    airflow.more = {
        "AIRFLOW__API__PORT": str(port), "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    }  # fmt: skip
    log = (airflow.home / "standalone.out").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "airflow", "standalone"], env=airflow.environment, stdin=subprocess.DEVNULL, stdout=log,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            printed = (airflow.home / "standalone.out").read_text("utf-8", "replace")
            assert server.poll() is None, printed[-3000:]
            assert "FileNotFoundError" not in printed, printed[-3000:]
            try:
                socket.create_connection(("127.0.0.1", port), 0.3).close()
                break
            except OSError:
                time.sleep(0.5)
        yield airflow
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


def runs(airflow: Airflow, dag: str) -> list[dict[str, str]]:
    """The runs of a Dag."""
    done = airflow.run("dags", "list-runs", dag, "-o", "json")
    text = done.stdout[done.stdout.find("[{") :] if "[{" in done.stdout else "[]"
    found: list[dict[str, str]] = json.loads(text)
    return found


def waited(airflow: Airflow, dag: str, count: int = 1) -> list[dict[str, str]]:
    """The runs of a Dag once so many have ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = runs(airflow, dag)
        if len([one for one in found if one["state"] in ("success", "failed")]) >= count:
            return found
        time.sleep(2)
    raise TimeoutError((airflow.home / "standalone.out").read_text()[-4000:])


def put(airflow: Airflow, number: int) -> None:
    """Change the study from outside."""
    with ImednetSDK(API, SECURITY, airflow.box.url) as sdk:
        data = {"AENUM": number, "AETERM": "Sneeze"}
        sdk.records.create(TWIN, [{"formKey": "AE", "subjectKey": "301-901", "data": data}])


def test_the_triggerer_waits_for_jobs_and_watches_the_study(running: Airflow) -> None:
    assert running.run("dags", "unpause", "imednet_write").returncode == 0
    assert running.run("dags", "unpause", "imednet_on_change").returncode == 0
    end = time.monotonic() + PATIENCE
    while not any("imednet_seen_" in text for place, text in running.kept() if place == "variable"):
        assert time.monotonic() < end, "the watcher never looked"
        time.sleep(1)
    assert runs(running, "imednet_on_change") == [], "what is there is no change"
    done = running.run("dags", "trigger", "imednet_write", "--logical-date", "2026-11-01T05:00:00+00:00")
    assert done.returncode == 0, done.stderr[-2000:]
    (written,) = waited(running, "imednet_write")
    assert written["state"] == "success", (running.home / "standalone.out").read_text()[-4000:]
    with ImednetSDK(API, SECURITY, running.box.url) as sdk:
        coughs = sdk.records.list(TWIN, form_key="AE", record_data_filter='AETERM=="Cough"')
    assert len(coughs) == 1
    first = waited(running, "imednet_on_change")
    assert {one["state"] for one in first} == {"success"}, "the write raised the asset"
    put(running, 11)
    later = waited(running, "imednet_on_change", len(first) + 1)
    assert {one["state"] for one in later} == {"success"}
    searched = dict(running.kept())
    assert any(place.endswith("standalone.out") for place in searched)
    leaked = [place for place, text in running.kept() if API in text or SECURITY in text]
    assert leaked == [], "in no log, XCom, variable or rendered template"
