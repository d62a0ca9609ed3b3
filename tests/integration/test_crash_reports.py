"""What tools that report crashes would send: local variables of our frames hold no value of a filter and no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import ImednetError
from imednet.sandbox import Answer, Sandbox
from support import STUDY

SECRET = "SECRET-SUBJECT"
ITEM: dict[str, Any] = {"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": SECRET}}
TWIN = f"{STUDY}-DEV"
LIBRARIES = ("imednet", "httpx", "httpcore", "tenacity")


def shown(error: BaseException) -> list[str]:
    """Where the secret stands in a local variable of a frame of ours, of this error or of one it came of."""
    found, seen, left = [], set[int](), [error]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        left += [other for other in (one.__cause__, one.__context__) if other is not None]
        trace = one.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if any(f"/{name}/" in code.co_filename for name in LIBRARIES):
                for name, value in trace.tb_frame.f_locals.items():
                    if SECRET in repr(value):
                        found.append(f"{code.co_filename}: {code.co_name}: {name}")
            trace = trace.tb_next
    return found


TROUBLES: dict[str, dict[str, Any]] = {
    "a failure": {"faults": ["status GET status=500", "status POST status=400"]},
    "a broken connection": {"faults": ["reset GET", "reset POST"]},
    "an unsound answer": {"intercept": lambda request, answer: Answer(200, b"{}")},
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "list": lambda sdk: sdk.records.list(STUDY, subject_key=SECRET),
    "several values": lambda sdk: sdk.records.list(STUDY, subject_key=[SECRET, "b"]),
    "a range": lambda sdk: sdk.records.list(STUDY, subject_key={">": SECRET}),
    "an expression": lambda sdk: sdk.records.list(STUDY, filter=f'subjectKey=="{SECRET}"'),
    "count": lambda sdk: sdk.records.count(STUDY, subject_key=SECRET),
    "create": lambda sdk: sdk.records.create(TWIN, [ITEM]),
    "get": lambda sdk: sdk._client.get(f"/api/v1/edc/studies/{STUDY}/records", params={"filter": SECRET}),
    "submit": lambda sdk: sdk.workflows.record_update.submit(TWIN, [ITEM]),
    "update a visit": lambda sdk: sdk.workflows.record_update.update_scheduled_record(
        TWIN, "VS", SECRET, "Baseline", {"VSORRES": SECRET}
    ),
    "new": lambda sdk: sdk.workflows.record_update.create_new_record(TWIN, "AE", "301-901", {"AETERM": SECRET}),
    "change": lambda sdk: sdk.workflows.record_update.update_existing_record(TWIN, "AE", SECRET, {"AETERM": SECRET}),
    "register": lambda sdk: sdk.workflows.register_subjects.register_subjects(
        TWIN, [{"siteName": SECRET, "data": {"DMSEX": SECRET}}], form="DM"
    ),
    "plan": lambda sdk: sdk.workflows.record_update.plan(TWIN, [{**ITEM, "subjectKey": SECRET}]),
    "an item that is none": lambda sdk: sdk.records.create(TWIN, [{"data": {"A": SECRET}}, {"AETERM": SECRET}]),
    "an address": lambda sdk: sdk.records.create(TWIN, [ITEM], email_notify=SECRET),
    "answers": lambda sdk: sdk.records.list(STUDY, record_data_filter=f"AETERM=={SECRET}"),
    "answers that are none": lambda sdk: sdk.records.list(STUDY, record_data_filter=f"AETERM={SECRET};A=={SECRET},B"),
    "an item": lambda sdk: sdk.subjects.get(STUDY, SECRET),
    "an unknown filter": lambda sdk: sdk.records.list(STUDY, nope=SECRET),
    "a value that cannot be sent": lambda sdk: sdk.records.list(STUDY, subject_key=f"{SECRET}\n"),
}


@pytest.fixture(scope="module")
def boxes() -> Iterator[dict[str, Sandbox]]:
    made = {name: Sandbox(**options).start() for name, options in TROUBLES.items()}
    yield made
    for box in made.values():
        box.stop()


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_frames_of_an_error_hold_no_values(boxes: dict[str, Sandbox], trouble: str, what: str, kind: str) -> None:
    keys = boxes[trouble].credentials

    async def over_a_loop() -> None:
        async with AsyncImednetSDK(**keys, retries=1, backoff_factor=0) as sdk:
            await CALLS[what](sdk)

    def call() -> None:
        if kind == "async":
            asyncio.run(over_a_loop())
        else:
            with ImednetSDK(**keys, retries=1, backoff_factor=0) as sdk:
                CALLS[what](sdk)

    if (trouble, what) == ("an unsound answer", "get"):
        call()  # the answer itself is what was asked for
        return
    with pytest.raises(ImednetError) as caught:
        call()
    assert shown(caught.value) == []
    assert SECRET not in str(caught.value)


def test_a_leak_is_seen() -> None:
    """The test above sees what it must see: a frame of a library that holds the secret."""

    def refusing(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    with httpx.Client(transport=httpx.MockTransport(refusing)) as client, pytest.raises(httpx.ConnectError) as caught:
        client.get("https://example.org", params={"filter": SECRET})
    assert shown(caught.value)
