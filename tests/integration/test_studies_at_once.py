"""One function over many studies."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from imednet import FilterConflictError, ImednetSDK, MultiStudyOrchestrator, OrchestratorError
from imednet.core.context import get_current_study, study_context
from imednet.errors import ConfigurationError
from imednet.sandbox import Sandbox
from support import STUDY

TWIN = f"{STUDY}-DEV"


def count(sdk: ImednetSDK, study_key: str, form: str = "AE", *, times: int = 1) -> int:
    assert get_current_study() == study_key
    return sdk.records.count(form_key=form) * times


@pytest.mark.parametrize("workers", [1, 4])
def test_every_study_has_its_result(box: Sandbox, workers: int) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        orchestrator = MultiStudyOrchestrator(sdk, max_workers=workers)
        assert (orchestrator.sdk, orchestrator.max_workers) == (sdk, workers)
        with study_context("OUTSIDE"):
            results = orchestrator.execute_pipeline(count, None, None, "VS", times=2)
            assert get_current_study() == "OUTSIDE"
        assert list(results) == [STUDY, TWIN]
        assert {one["status"] for one in results.values()} == {"SUCCESS"}
        assert results[STUDY]["data"] == sdk.records.count(STUDY, form_key="VS") * 2
        assert all(one["error"] is None and one["duration_seconds"] > 0 for one in results.values())


def test_one_failure_does_not_touch_the_others(box: Sandbox) -> None:
    def work(sdk: ImednetSDK, study_key: str) -> str:
        if study_key == TWIN:
            raise ValueError("boom")
        return study_key

    with ImednetSDK(**box.credentials) as sdk:
        results = MultiStudyOrchestrator(sdk).execute_pipeline(work)
    assert results[STUDY]["data"] == STUDY
    assert (results[TWIN]["status"], results[TWIN]["data"], results[TWIN]["error"]) == (
        "FAILED",
        None,
        "ValueError: boom",
    )


def test_lists_choose_and_exclude_each_other(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        orchestrator = MultiStudyOrchestrator(sdk)
        assert orchestrator.resolve_active_studies(whitelist={TWIN, "NOPE"}) == [TWIN]
        assert orchestrator.resolve_active_studies(blacklist={TWIN}) == [STUDY]
        assert orchestrator.resolve_active_studies(set(), set()) == []
        with pytest.raises(FilterConflictError) as caught:
            orchestrator.execute_pipeline(count, {STUDY}, {TWIN})
        assert isinstance(caught.value, OrchestratorError)
        assert caught.value.whitelist == {STUDY}
        with pytest.raises(ConfigurationError, match="set of study keys"):
            orchestrator.resolve_active_studies(whitelist=STUDY)
        results = orchestrator.execute_pipeline(count, {STUDY, "NOPE"})
        assert results["NOPE"]["status"] == "FAILED"
        assert "may read" in str(results["NOPE"]["error"])


def test_workers_run_at_the_same_time_and_not_more_than_asked(box: Sandbox) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def work(sdk: Any, study_key: str) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.1)
        with lock:
            running[0] -= 1

    with ImednetSDK(**box.credentials) as sdk:
        MultiStudyOrchestrator(sdk, max_workers=2).execute_pipeline(work)
        assert most == [2]
        with pytest.raises(ConfigurationError, match="max_workers"):
            MultiStudyOrchestrator(sdk, max_workers=0)
