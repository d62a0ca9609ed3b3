"""The I/O of a whole read: fetches what `whole_read` asks for, and sends requests ahead where the server is far."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING

from imednet_api.types import Request

from ...errors import ImednetError
from ..concurrency import async_cancel, async_result, cancel, result
from ..decoding.page import Page
from ..http_client_base import Reader
from ..protocols import AsyncReadingClient, ReadingClient
from .ledger import Fetch
from .whole_read import Read

if TYPE_CHECKING:
    from ..concurrency import AsyncFuture, Future

_SOON = 0.01
"""Seconds. A server that answers sooner is near: asking ahead would cost more than the wait it saves."""
_LATE_IN_A_ROW = 2
"""This many late answers in a row are more than a hiccup."""


class _Latency:
    """Marks the server of a read as far when this thread waits long for its answers, its own work not counted."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._late = 0
        self._began = 0.0

    def asked(self) -> None:
        self._began = time.monotonic() - time.thread_time()

    def answered(self) -> None:
        waited = time.monotonic() - time.thread_time() - self._began
        self._late = self._late + 1 if waited > _SOON else 0
        if self._late >= _LATE_IN_A_ROW:
            self._read.far = True


async def async_drive(client: AsyncReadingClient, read: Read, reader: Reader[Page]) -> AsyncGenerator[Page, None]:
    """Yield the pages of a whole read in order; the read's proof is set at the end.

    Once answers take their time, the next requests are sent ahead.
    """
    under_way: dict[Request, AsyncFuture[Page]] = {}
    latency = _Latency(read)
    study_key, options = read.call.study_key, read.call.options
    steps = read.steps()
    step: Fetch | Page = next(steps)
    try:
        while True:
            reply: Page | None = None
            problem: ImednetError | None = None
            if isinstance(step, Page):
                yield step
            else:
                ahead = step.ahead if read.far else ()
                for request in (step.request, *ahead) if ahead else ():
                    if request not in under_way:
                        under_way[request] = client.fetch_ahead(request, reader, study_key, options)
                latency.asked()
                future = under_way.pop(step.request, None)
                try:
                    reply = await (
                        async_result(future) if future else client.fetch(step.request, reader, study_key, options)
                    )
                except ImednetError as error:
                    problem = error
                latency.answered()
            try:
                step = steps.send(reply) if problem is None else steps.throw(problem)
            except StopIteration:
                if read.proof is not None:
                    read.proof = client.vouch(read.proof, read.call)
                return
    finally:
        await async_cancel(under_way.values())


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


def drive(client: ReadingClient, read: Read, reader: Reader[Page]) -> Generator[Page, None, None]:
    """Yield the pages of a whole read in order; the read's proof is set at the end.

    Once answers take their time, the next requests are sent ahead.
    """
    under_way: dict[Request, Future[Page]] = {}
    latency = _Latency(read)
    study_key, options = read.call.study_key, read.call.options
    steps = read.steps()
    step: Fetch | Page = next(steps)
    try:
        while True:
            reply: Page | None = None
            problem: ImednetError | None = None
            if isinstance(step, Page):
                yield step
            else:
                ahead = step.ahead if read.far else ()
                for request in (step.request, *ahead) if ahead else ():
                    if request not in under_way:
                        under_way[request] = client.fetch_ahead(request, reader, study_key, options)
                latency.asked()
                future = under_way.pop(step.request, None)
                try:
                    reply = result(future) if future else client.fetch(step.request, reader, study_key, options)
                except ImednetError as error:
                    problem = error
                latency.answered()
            try:
                step = steps.send(reply) if problem is None else steps.throw(problem)
            except StopIteration:
                if read.proof is not None:
                    read.proof = client.vouch(read.proof, read.call)
                return
    finally:
        cancel(under_way.values())
