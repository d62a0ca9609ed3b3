"""Exports from asynchronous programs: in a thread of their own, with a blocking client of the same settings."""

from __future__ import annotations

import os
from collections.abc import Callable

from ...async_sdk import AsyncImednetSDK
from ...errors import ExportError
from ...sdk import ImednetSDK
from ..sink import ExportSink
from ..tables.options import ExportOptions
from .export import export_study
from .extract import Cancelled, Progress
from .in_thread import in_thread
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
    """Export a study without holding up the event loop.

    Arguments and errors are those of `export_study`. An export computes for most of its time, so it runs in a thread,
    with a blocking client of the same keys and settings; of a mirror's SDK, with one of the same snapshot. A cancelled
    export ends at its next page, and the next run continues it; the call returns once its thread has ended. `progress`
    is called in that thread.

    Raises:
        ArgumentError: the SDK has an `http_client` of its own, which a thread cannot use.

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

    def work(own: ImednetSDK, check: Callable[[], None]) -> ExportReport:
        def told(done: int, total: int) -> None:
            check()
            if progress is not None:
                progress(done, total)

        try:
            return export_study(own, study_key, sink, home=home, options=options, progress=told, sandbox=sandbox)
        except Cancelled:
            raise ExportError("the export was cancelled. Next: run it again; it continues where it stopped") from None

    return await in_thread(sdk, work)
