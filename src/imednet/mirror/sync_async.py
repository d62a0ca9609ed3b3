"""Syncs from asynchronous programs: in a thread of their own, with a blocking client of the same settings."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from ..errors import MirrorError
from ..integrations.run.extract import Cancelled
from ..sdk import ImednetSDK
from .sync import Progress, SyncReport

if TYPE_CHECKING:
    from ..async_sdk import AsyncImednetSDK
    from .mirror import Mirror


async def in_thread(
    mirror: Mirror,
    sdk: AsyncImednetSDK | ImednetSDK,
    study_key: str,
    reconcile: bool | None,
    unblind: str | None,
    progress: Progress | None,
) -> SyncReport:
    """`mirror.sync` in a thread, which is waited for even where the call is cancelled."""
    cancelled = threading.Event()

    def told(name: str, done: int, total: int) -> None:
        if cancelled.is_set():
            raise Cancelled
        if progress is not None:
            progress(name, done, total)

    def work() -> SyncReport:
        try:
            if isinstance(sdk, ImednetSDK):
                return mirror.sync(sdk, study_key, reconcile=reconcile, unblind=unblind, progress=told)
            keys = sdk.config
            with ImednetSDK(keys.api_key, keys.security_key, **sdk._client.settings()) as own:
                return mirror.sync(own, study_key, reconcile=reconcile, unblind=unblind, progress=told)
        except Cancelled:
            raise MirrorError("the sync was cancelled; the mirror is as it was. Next: run it again") from None

    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait([running])
        running.exception()  # what a cancelled sync ended with is nobody's concern
        raise
