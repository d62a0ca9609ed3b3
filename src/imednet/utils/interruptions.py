"""Exceptions that interrupt a piece of work from outside, such as those of signal handlers and soft time limits."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import CodeType
from typing import Any


def raised_from_outside(error: BaseException) -> BaseException | None:
    """The error that a handler of a signal raised, if this is it or was made of it; it says nothing of the work.

    A soft time limit (`signal.alarm`, Celery, pytest-timeout) is such a handler. What it raises must reach whoever set
    it as it is: no error of ours, and no failure of one study or one form among others.
    """
    handlers = set(_handlers())
    seen: BaseException | None = error
    while seen is not None:
        trace = seen.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in handlers:
                return seen
            trace = trace.tb_next
        seen = seen.__cause__ or seen.__context__
    return None


def _handlers() -> Iterator[CodeType]:
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        handler = getattr(handler, "func", handler)  # functools.partial
        handler = getattr(handler, "__func__", handler)
        if callable(handler) and not hasattr(handler, "__code__") and not isinstance(handler, type):
            handler = handler.__call__.__func__ if hasattr(handler.__call__, "__func__") else handler
        code = getattr(handler, "__code__", None)
        if isinstance(code, CodeType):
            yield code
