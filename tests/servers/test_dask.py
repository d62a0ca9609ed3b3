"""Many studies on a Dask cluster of processes: the SDK goes along without keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import distributed
import pytest

from commands import imednet
from imednet import ImednetSDK, MultiStudyOrchestrator
from imednet.mirror import Mirror
from imednet.sandbox import Sandbox
from support import STUDY
from working import records_of

dask: Any = distributed


@pytest.mark.filterwarnings("ignore")  # of the cluster's own sockets
@pytest.mark.parametrize("keys", [True, False])
def test_studies_on_a_cluster(box: Sandbox, keys: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if keys:
        monkeypatch.setenv("IMEDNET_API_KEY", "demo-api-key")
        monkeypatch.setenv("IMEDNET_SECURITY_KEY", "demo-security-key")
    cluster = dask.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, dask.Client(cluster) as client, ImednetSDK(**box.credentials) as sdk:
        orchestrator = MultiStudyOrchestrator(sdk, executor=client.get_executor(pure=False))
        results = orchestrator.execute_pipeline(records_of, None, None, "AE")
        assert list(results) == [STUDY, f"{STUDY}-DEV"]
        if keys:
            assert {one["status"] for one in results.values()} == {"SUCCESS"}
            assert results[STUDY]["data"] == sdk.records.count(STUDY, form_key="AE")
        else:
            assert {one["status"] for one in results.values()} == {"FAILED"}
            # the cluster says that the SDK could not be made, and why in its log
            assert all("deserializ" in str(one["error"]).casefold() for one in results.values())


@pytest.mark.filterwarnings("ignore")  # of the cluster's own sockets
def test_the_commands_export_and_mirror_studies_on_a_cluster(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = box.credentials
    given = {"IMEDNET_API_KEY": keys["api_key"], "IMEDNET_SECURITY_KEY": keys["security_key"]}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with dask.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        address = cluster.scheduler_address.removeprefix("tcp://")
        done = imednet(
            "export", "csv", "--all-studies", str(tmp_path / "out"), "--form", "AE", "--executor", f"dask://{address}",
            **given, IMEDNET_BASE_URL=keys["base_url"],
        )  # fmt: skip
        synced = imednet(
            "mirror", "sync", "--all-studies", str(tmp_path / "mirrors"), "--executor", f"dask://{address}",
            **given, IMEDNET_BASE_URL=keys["base_url"],
        )  # fmt: skip
    assert synced.returncode == 0, synced.stderr
    assert {json.loads(line)["snapshot"] for line in synced.stdout.splitlines()} == {1}
    assert Mirror(tmp_path / "mirrors" / STUDY).verify() == []
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["status"] for line in done.stdout.splitlines()} == {"SUCCESS"}
    assert (tmp_path / "out" / STUDY / "AE.csv").exists()
