"""Blocking work for asynchronous programs: in a thread of its own, with a blocking client of the same kind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from ...sdk import ImednetSDK
from .extract import Cancelled

if TYPE_CHECKING:
    from ...async_sdk import AsyncImednetSDK

T = TypeVar("T")


async def in_thread(sdk: AsyncImednetSDK | ImednetSDK, work: Callable[[ImednetSDK, Callable[[], None]], T]) -> T:
    """Run work in a thread, which is waited for even where the call is cancelled.

    Args:
        sdk: the SDK, or an asynchronous one, whose blocking twin is used.
        work: called with a blocking SDK, and with a function that raises `Cancelled` once the call was cancelled.
    """
    cancelled = threading.Event()

    def check() -> None:
        if cancelled.is_set():
            raise Cancelled

    def run() -> T:
        if isinstance(sdk, ImednetSDK):
            return work(sdk, check)
        with sdk._twin() if sdk._twin is not None else ImednetSDK(**sdk._client.inherited()) as own:
            return work(own, check)

    running = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        cancelled.set()
        while not running.done():  # however often the call is cancelled
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        running.exception()  # what cancelled work ended with is nobody's concern
        raise
