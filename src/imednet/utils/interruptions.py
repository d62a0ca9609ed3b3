"""Exceptions raised by signal handlers, such as those of soft time limits, told apart from failures of the work."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any


def raised_from_outside(error: BaseException) -> BaseException | None:
    """The exception a signal handler raised, if this error is one or was caused by one; else `None`.

    Soft time limits (`signal.alarm`, Celery, pytest-timeout) are such handlers. Their exception must reach whoever set
    the limit unchanged: it is neither an error of ours nor the failure of one study or one form.
    """
    handlers = set(_handlers())
    candidate: BaseException | None = error
    while candidate is not None:
        trace = candidate.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code in handlers or _looks_like_handler(trace.tb_frame):
                return candidate
            trace = trace.tb_next
        candidate = candidate.__cause__ or candidate.__context__
    return None


def _looks_like_handler(frame: FrameType) -> bool:
    """Whether a frame received a number and a frame, as signal handlers do.

    Finds a handler that was replaced since it ran, as soft time limits do when they end.
    """
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    arguments = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
    if code.co_flags & inspect.CO_VARARGS:
        rest = frame.f_locals.get(code.co_varnames[count])
        arguments += rest if isinstance(rest, tuple) else ()
    return any(isinstance(first, int) and isinstance(second, FrameType) for first, second in pairwise(arguments))


def _handlers() -> Iterator[CodeType]:
    """The code of every signal handler written in Python."""
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        handler = getattr(handler, "func", handler)  # functools.partial
        handler = getattr(handler, "__func__", handler)
        if callable(handler) and not hasattr(handler, "__code__") and not isinstance(handler, type):
            handler = handler.__call__.__func__ if hasattr(handler.__call__, "__func__") else handler
        code = getattr(handler, "__code__", None)
        if isinstance(code, CodeType):
            yield code
