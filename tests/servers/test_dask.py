"""Many studies on a Dask cluster of processes: the SDK goes along without keys."""

from __future__ import annotations

from typing import Any

import distributed
import pytest

from imednet import ImednetSDK, MultiStudyOrchestrator
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
