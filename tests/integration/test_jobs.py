"""Waiting for jobs, blocking and asynchronous."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import pytest

from imednet.core.context import study_context
from imednet.core.polling import is_over, waits
from imednet.errors import ArgumentError, ImednetError, JobTimeoutError
from imednet.models import Job
from imednet.sandbox import Answer, Request, Sandbox
from support import PATIENCE, STUDY, Ways

Handle = Callable[[Request], Answer]
Make = Callable[..., Sandbox]
WRITABLE = f"{STUDY}-DEV"
SUBJECT = {
    "formKey": "REG",
    "siteName": "Lakeshore Heart Institute",
    "data": {"REGDAT": "2026-03-02", "REGINIT": "C-D", "REGYOB": 1958, "REGLANG": "French"},
}


def poll(door: Ways, box: Sandbox, batch: str, **options: float) -> Job:
    one = door(box)
    job: Job = one.call("async_poll_job" if one.kind == "async" else "poll_job", WRITABLE, batch, **options)
    return job


def stating(*states: dict[str, object]) -> Callable[[Request, Handle], Answer]:
    """A job that goes through these states; the last one stays."""
    left = list(states)

    def intercept(request: Request, answer: Handle) -> Answer:
        if "/jobs/" not in request.path:
            return answer(request)
        state = left.pop(0) if len(left) > 1 else left[0]
        return Answer(200, json.dumps({"jobId": "J", "batchId": "B", **state}).encode())

    return intercept


def test_a_write_and_its_job_to_the_end(own_box: Make, door: Ways) -> None:
    """The study of the context serves all of them."""
    box = own_box(switches={"jobSeconds": "3"})
    one = door(box)
    with study_context(WRITABLE):
        job = one.call("records.create", None, [SUBJECT])
        assert one.call("jobs.get", None, job.batch_id).batch_id == job.batch_id
        method = "async_poll_job" if one.kind == "async" else "poll_job"
        done = one.call(method, None, job.batch_id, interval=0.2, timeout=PATIENCE)
    assert str(done.state).upper() == "COMPLETED"


@pytest.mark.parametrize("state", ["completed", "FAILED", "Cancelled", " completed "])
def test_terminal_states_end_it_in_any_case(own_box: Make, door: Ways, state: str) -> None:
    box = own_box(intercept=stating({"state": "created"}, {"state": state}))
    assert poll(door, box, "B", interval=0.05).state == state


def test_an_unknown_state_ends_only_with_a_date(own_box: Make, door: Ways) -> None:
    box = own_box(
        intercept=stating(
            {"state": "SUCCESS"}, {"state": ""}, {}, {"state": "SUCCESS", "dateFinished": "2026-01-01 00:00:00"}
        )
    )
    assert poll(door, box, "B", interval=0.05).date_finished
    assert len(box.requests) == 4


def test_a_job_that_takes_too_long_is_a_timeout_and_of_ours(own_box: Make, door: Ways) -> None:
    box = own_box(intercept=stating({"state": "running"}))
    with pytest.raises(JobTimeoutError, match="do not send the records again") as caught:
        poll(door, box, "B", interval=0.05, timeout=0.2)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, ImednetError)
    assert caught.value.job.state == "running"
    assert pickle.loads(pickle.dumps(caught.value)).job.state == "running"


@pytest.mark.parametrize("options", [{"interval": 0}, {"interval": -1}, {"timeout": -1}, {"timeout": float("nan")}])
def test_impossible_waits_are_refused(own_box: Make, door: Ways, options: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match="interval"):
        poll(door, own_box(intercept=stating({"state": "running"})), "B", **options)


def test_waits_add_up_to_the_timeout() -> None:
    assert sum(waits(5, 300)) == 300
    assert max(waits(5, 300)) == 15
    assert max(waits(20, 300)) == 20
    assert next(waits(0.5, 300)) == 0.5
    assert not list(waits(5, 0))
    assert is_over(Job(state="completed"))
    assert not is_over(Job(state="OPEN"))
