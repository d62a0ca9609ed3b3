"""Connections that are given up under way, and a process that may start no more threads."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

import pytest

from imednet import ImednetSDK
from imednet.sandbox import Fault, Sandbox
from support import STUDY

Make = Callable[..., Sandbox]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a socket being opened is not closed
def test_reads_go_on_while_connections_are_given_up(own_box: Make) -> None:
    """As the time limit of one request does, whose client other threads use too: their reads are sent again."""
    box = own_box(faults=[Fault("latency", seconds=0.002, rate=1.0)])
    with ImednetSDK(**box.credentials, timeout=1, retries=30, backoff_factor=0) as sdk:
        failed: list[BaseException] = []

        def read() -> None:
            try:
                for _ in range(50):
                    assert len(sdk.sites.list(STUDY, refresh=True)) == 6
            except BaseException as error:  # noqa: BLE001  (shown by the test)
                failed.append(error)

        def give_up() -> None:
            for _ in range(20):
                time.sleep(0.02)
                sdk.client._drop_connections()

        readers = [threading.Thread(target=read) for _ in range(4)]
        breaker = threading.Thread(target=give_up)
        for thread in (*readers, breaker):
            thread.start()
        for thread in (*readers, breaker):
            thread.join()
    gc.collect()
    assert failed == []


def test_a_list_is_read_where_no_more_threads_are_to_be_had(own_box: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a server that is far away are asked for ahead, in threads."""
    box = own_box(faults=[Fault("latency", seconds=0.03, rate=1.0)])
    real, refused = threading.Thread.start, list[str]()

    def start(thread: threading.Thread) -> None:
        if thread.name == "imednet-ahead":
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with ImednetSDK(**box.credentials) as sdk:
        rows = sdk.records.list(STUDY, page_size=100)
    assert (len(rows), rows.proof.status) == (len(box.studies[STUDY].records), "proven")
    assert refused
