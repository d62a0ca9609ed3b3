"""Exports from asynchronous programs: in a thread of their own, with a blocking client of the same settings."""

from __future__ import annotations

import asyncio
import os
import threading

from ...async_sdk import AsyncImednetSDK
from ...errors import ExportError
from ...sdk import ImednetSDK
from ..sink import ExportSink
from ..tables.options import ExportOptions
from .export import export_study
from .extract import Cancelled, Progress
from .report import ExportReport


async def export_study_async(
    sdk: AsyncImednetSDK | ImednetSDK,
    study_key: str,
    sink: ExportSink,
    *,
    home: str | os.PathLike[str],
    options: ExportOptions | None = None,
    progress: Progress | None = None,
    sandbox: bool = False,
) -> ExportReport:
    """Write a study to a sink without holding up the event loop; arguments and errors as of `export_study`.

    An export computes for most of its time, so it runs in a thread. From an `AsyncImednetSDK` it takes the keys and the
    settings for a client of its own. A cancelled export ends at its next page, and the next run continues it; the call
    returns once its thread has ended. `progress` is called in that thread.

    >>> from imednet import AsyncImednetSDK
    >>> from imednet.integrations import CsvSink
    >>> from imednet.sandbox import Sandbox
    >>> import asyncio, tempfile
    >>> async def main(folder):
    ...     with Sandbox() as box:
    ...         async with AsyncImednetSDK(**box.credentials) as sdk:
    ...             report = await export_study_async(sdk, "TIDEWATER-201", CsvSink(folder), home=folder)
    ...             return report.complete
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(main(f"{folder}/study"))
    True
    """
    cancelled = threading.Event()

    def told(done: int, total: int) -> None:
        if cancelled.is_set():
            raise Cancelled
        if progress is not None:
            progress(done, total)

    def work() -> ExportReport:
        try:
            return export()
        except Cancelled:
            raise ExportError("the export was cancelled. Next: run it again; it continues where it stopped") from None

    def export() -> ExportReport:
        if isinstance(sdk, ImednetSDK):
            return export_study(sdk, study_key, sink, home=home, options=options, progress=told, sandbox=sandbox)
        keys = sdk.config
        with ImednetSDK(keys.api_key, keys.security_key, **sdk._client.settings()) as own:
            return export_study(own, study_key, sink, home=home, options=options, progress=told, sandbox=sandbox)

    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        cancelled.set()
        await asyncio.wait([running])
        running.exception()  # what a cancelled export ended with is nobody's concern
        raise
