"""An interrupt ends a read that asks ahead, at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from imednet.sandbox import Fault, Sandbox
from support import PATIENCE, STUDY

SYNC = """
import sys
from imednet import ImednetSDK
with ImednetSDK(*sys.argv[1:4], timeout=600) as sdk:
    for number, row in enumerate(sdk.records.iter(sys.argv[4], page_size=50)):
        if number == 60:
            print("reading", flush=True)
"""
ASYNC = """
import asyncio, sys
from imednet import AsyncImednetSDK
async def main():
    async with AsyncImednetSDK(*sys.argv[1:4], timeout=600) as sdk:
        number = 0
        async for row in sdk.records.iter(sys.argv[4], page_size=50):
            number += 1
            if number == 60:
                print("reading", flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("program", [SYNC, ASYNC], ids=["sync", "async"])
def test_an_interrupt_waits_for_no_answer(own_box: Callable[..., Sandbox], program: str) -> None:
    """The read ends long before the answer that is under way; at rest it takes a tenth of a second."""
    box = own_box(faults=[Fault("latency", endpoint="records", after=6, seconds=PATIENCE)])
    keys = box.credentials
    arguments = [keys["api_key"], keys["security_key"], keys["base_url"], STUDY]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        time.sleep(0.5)
        began = time.monotonic()
        reader.send_signal(signal.SIGINT)
        _, said = reader.communicate(timeout=PATIENCE)
        took = time.monotonic() - began
    assert took < PATIENCE / 5
    assert reader.returncode != 0
    assert "KeyboardInterrupt" in said
