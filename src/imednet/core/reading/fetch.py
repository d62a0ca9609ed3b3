"""A whole read over a client: two thin shells around `reading`, which decides everything."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING

from imednet_api.types import Request

from ...errors import ImednetError
from ..decoding.page import Page
from ..http_client_base import Reader
from ..protocols import AsyncRequestorProtocol, RequestorProtocol
from .intervals import Fetch
from .several import Read

_SOON = 0.01
"""Seconds. A server that answers sooner is near: asking ahead would cost more than the wait it saves."""
_SURE = 2
"""So many late answers in a row are no hiccup."""

if TYPE_CHECKING:
    from concurrent.futures import Future


def drive(client: RequestorProtocol, read: Read, reader: Reader[Page]) -> Generator[Page, None, None]:
    """Yield the pages of a whole read in order; the read's proof is set at the end.

    Once answers take their time, the next pages are asked for ahead, in threads.
    """
    under_way: dict[Request, Future[Page]] = {}
    late = 0
    study_key, options = read.call.study_key, read.call.options

    steps = read.steps()
    step = next(steps)
    while True:
        if isinstance(step, Page):
            yield step
            reply: Page | None = None
        else:
            for request in step.ahead if late >= _SURE else ():
                if request not in under_way:
                    if step.request not in under_way:
                        under_way[step.request] = client.fetch_ahead(step.request, reader, study_key, options)
                    under_way[request] = client.fetch_ahead(request, reader, study_key, options)
            try:
                began = time.monotonic()
                started = under_way.pop(step.request, None)
                reply = (
                    started.result() if started is not None else client.fetch(step.request, reader, study_key, options)
                )
                late = late + 1 if late >= _SURE or time.monotonic() - began > _SOON else 0
            except ImednetError as error:
                try:
                    step = steps.throw(error)
                except StopIteration:
                    return
                continue
        try:
            step = steps.send(reply)
        except StopIteration:
            return


async def drive_async(client: AsyncRequestorProtocol, read: Read, reader: Reader[Page]) -> AsyncGenerator[Page, None]:
    """`drive` over an event loop, asking ahead in tasks."""
    import asyncio  # here, because blocking reads do without

    under_way: dict[Request, asyncio.Future[Page]] = {}
    late = 0
    study_key, options = read.call.study_key, read.call.options

    def fetch(request: Request) -> asyncio.Future[Page]:
        return asyncio.ensure_future(client.fetch(request, reader, study_key, options))

    steps = read.steps()
    step: Fetch | Page = next(steps)
    try:
        while True:
            if isinstance(step, Page):
                yield step
                reply: Page | None = None
            else:
                for request in (step.request, *step.ahead) if late >= _SURE else ():
                    if request not in under_way:
                        under_way[request] = fetch(request)
                try:
                    began = time.monotonic()
                    started = under_way.pop(step.request, None)
                    fetched = client.fetch(step.request, reader, study_key, options) if started is None else started
                    reply = await fetched
                    late = late + 1 if late >= _SURE or time.monotonic() - began > _SOON else 0
                except ImednetError as error:
                    try:
                        step = steps.throw(error)
                    except StopIteration:
                        return
                    continue
            try:
                step = steps.send(reply)
            except StopIteration:
                return
    finally:
        for task in under_way.values():
            task.cancel()
        await asyncio.gather(*under_way.values(), return_exceptions=True)
