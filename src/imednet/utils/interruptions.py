"""Exceptions that interrupt a piece of work from outside, such as those of signal handlers and soft time limits."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType, FrameType
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
            if trace.tb_frame.f_code in handlers or _handles_a_signal(trace.tb_frame):
                return seen
            trace = trace.tb_next
        seen = seen.__cause__ or seen.__context__
    return None


def _handles_a_signal(frame: FrameType) -> bool:
    """Whether a frame was given the number of a signal and a frame, as handlers are: it may be one no longer."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    given = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
    if code.co_flags & inspect.CO_VARARGS:
        rest = frame.f_locals.get(code.co_varnames[count])
        given += rest if isinstance(rest, tuple) else ()
    return any(isinstance(one, int) and isinstance(other, FrameType) for one, other in pairwise(given))


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
