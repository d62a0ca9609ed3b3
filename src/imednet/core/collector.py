"""Python's collector of cycles at rest while very many objects are made, none of which is part of a cycle.

Else it looks through all of them again and again while they become more, which is a seventh of what a long list or an
export costs.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

_AT_ONCE = 0.05
"""Seconds between two pages of a server that is near."""
_LONGEST = 5.0
"""Seconds; nothing else in the process misses the collector for so long."""


@contextmanager
def uncollected() -> Iterator[None]:
    """The collector rests meanwhile, unless it was off before."""
    was = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was:
            gc.enable()


class UncollectedPages:
    """The collector rests while one page follows another at once, and for some seconds at most.

    Where answers take their time it works as ever: there it is the wait that costs, and who waits may have other work
    that needs the collector.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._timer: threading.Timer | None = None
        self._paused = False

    def __enter__(self) -> Self:
        return self

    def came(self) -> None:
        """Say that a page came."""
        now = time.monotonic()
        at_once = self._last is not None and now - self._last <= _AT_ONCE
        self._last = now
        if not at_once:
            self._resume()
        elif self._timer is None and gc.isenabled():
            self._timer = threading.Timer(_LONGEST, self._resume)  # also where the next page never comes
            self._timer.daemon = True
            self._timer.start()
            self._paused = True
            gc.disable()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            gc.enable()

    def __exit__(self, *_: object) -> None:
        self._resume()
        if self._timer is not None:
            self._timer.cancel()
