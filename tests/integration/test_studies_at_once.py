"""One function over many studies."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from imednet import FilterConflictError, ImednetSDK, MultiStudyOrchestrator, OrchestratorError
from imednet.core.context import get_current_study, study_context
from imednet.errors import ConfigurationError
from imednet.sandbox import Sandbox
from support import STUDY
from working import forms_of

TWIN = f"{STUDY}-DEV"


def count(study_key: str, sdk: ImednetSDK, logger: logging.Logger, form: str = "AE", *, times: int = 1) -> int:
    assert get_current_study() == study_key
    assert logger.name == f"imednet.study.{study_key}"
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
    def work(study_key: str, sdk: ImednetSDK, logger: logging.Logger) -> str:
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
        assert orchestrator.resolve_active_studies(whitelist={TWIN}) == [TWIN]
        assert orchestrator.resolve_active_studies(blacklist={TWIN}) == [STUDY]
        assert orchestrator.resolve_active_studies(set(), set()) == []
        with pytest.raises(FilterConflictError) as caught:
            orchestrator.execute_pipeline(count, {STUDY}, {TWIN})
        assert isinstance(caught.value, OrchestratorError)
        assert caught.value.whitelist == {STUDY}
        with pytest.raises(ConfigurationError, match="set of study keys"):
            orchestrator.resolve_active_studies(whitelist=STUDY)
        found = orchestrator.execute_pipeline(count, {STUDY, "NOPE"})
        assert {key: one["status"] for key, one in found.items()} == {STUDY: "SUCCESS", "NOPE": "SKIPPED"}


def test_workers_run_at_the_same_time_and_not_more_than_asked(box: Sandbox) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def work(study_key: str, sdk: Any, logger: logging.Logger) -> None:
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


@pytest.mark.parametrize("keys", [True, False])
def test_other_processes_take_their_keys_from_the_environment(
    box: Sandbox, keys: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if keys:
        monkeypatch.setenv("IMEDNET_API_KEY", "demo-api-key")
        monkeypatch.setenv("IMEDNET_SECURITY_KEY", "demo-security-key")
    with ImednetSDK(**box.credentials) as sdk, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        results = MultiStudyOrchestrator(sdk, executor=pool).execute_pipeline(forms_of)
    assert list(results) == [STUDY, TWIN]
    for study_key, result in results.items():
        if keys:
            assert (result["status"], result["data"]) == ("SUCCESS", (study_key, 29)), result["error"]
        else:
            assert result["status"] == "FAILED"
            assert "IMEDNET_API_KEY" in str(result["error"]) or "BrokenProcessPool" in str(result["error"])


def test_a_study_that_takes_too_long_is_reported_and_the_others_are_told_at_once(box: Sandbox) -> None:
    go = threading.Event()
    told: list[tuple[str, str]] = []

    def work(study_key: str, sdk: Any, logger: logging.Logger) -> str:
        if study_key == STUDY:
            go.wait(20)
        return study_key

    with ImednetSDK(**box.credentials) as sdk:
        orchestrator = MultiStudyOrchestrator(
            sdk, study_timeout=0.3, on_result=lambda key, result: told.append((key, result["status"]))
        )
        try:
            results = orchestrator.execute_pipeline(work)
        finally:
            go.set()
        assert told == [(TWIN, "SUCCESS"), (STUDY, "FAILED")]
        assert list(results) == [STUDY, TWIN]
        assert "not done in 0.3 seconds" in str(results[STUDY]["error"])
        with ThreadPoolExecutor(1) as pool:
            assert (
                MultiStudyOrchestrator(sdk, executor=pool, study_timeout=9).execute_pipeline(count)[TWIN]["status"]
                == "SUCCESS"
            )
        with pytest.raises(ConfigurationError, match="study_timeout"):
            MultiStudyOrchestrator(sdk, study_timeout=0)
