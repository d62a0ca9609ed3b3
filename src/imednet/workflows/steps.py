"""One rule for both doors: a workflow is written as a generator of steps, and two drivers carry the steps out.

A generator yields what it wants done (`call`, `Many`, `Pull`, `Sleep`), is sent the result, and returns what the
workflow gives. `Emit` hands something to whoever iterates. `blocking` and `awaited` make methods of it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

Steps = Generator[Any, Any, T]
"""What a workflow is: yields steps, is sent their results, returns a `T`."""

END: Final = object()
"""What a `Pull` gives when the iterator is at its end."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the SDK, such as `records.list`."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def of(self, sdk: Any) -> Any:
        """What the SDK gives: a result, or something to await."""
        target = sdk
        for part in self.name.split("."):
            target = getattr(target, part)
        return target(*self.args, **self.kwargs)


def call(name: str, *args: Any, **kwargs: Any) -> Call:
    """A call of the SDK.

    >>> call("records.list", "ABC-01").args
    ('ABC-01',)
    """
    return Call(name, args, kwargs)


@dataclass(frozen=True, slots=True)
class Many:
    """Calls side by side; the results come in their order."""

    calls: Sequence[Call]


@dataclass(frozen=True, slots=True)
class Open:
    """Begin an iteration, such as `records.pages`; gives what `Pull` takes."""

    call: Call


@dataclass(frozen=True, slots=True)
class Pull:
    """The next of an iteration, or `END`."""

    iterator: Any


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait; `by` takes the place of the clock in tests."""

    seconds: float
    by: Callable[[float], None] | None = None


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Something for whoever iterates."""

    value: T


def _do(sdk: Any, step: Any) -> Any:
    match step:
        case Call():
            return step.of(sdk)
        case Many(calls):
            with ThreadPoolExecutor(max(1, len(calls)), "imednet-workflow") as pool:
                # each in a copy of the caller's context, which may name the study
                return [one.result() for one in [pool.submit(copy_context().run, c.of, sdk) for c in calls]]
        case Open(one):
            return iter(one.of(sdk))
        case Pull(iterator):
            return next(iterator, END)
        case Sleep(seconds, by):
            return (by or time.sleep)(seconds)
    raise TypeError(f"no step: {type(step).__name__}")


async def _do_async(sdk: Any, step: Any) -> Any:
    import asyncio

    match step:
        case Call():
            return await step.of(sdk)
        case Many(calls):
            tasks = [asyncio.ensure_future(one.of(sdk)) for one in calls]
            try:
                return list(await asyncio.gather(*tasks))
            finally:
                for task in tasks:
                    task.cancel()
        case Open(one):
            return aiter(one.of(sdk))
        case Pull(iterator):
            return await anext(iterator, END)
        case Sleep(seconds, by):
            return by(seconds) if by is not None else await asyncio.sleep(seconds)
    raise TypeError(f"no step: {type(step).__name__}")


def drive(sdk: Any, steps: Generator[Any, Any, T]) -> Generator[Any, None, T]:
    """Carry out the steps over a blocking SDK; yields what is emitted, returns what the workflow gives."""
    step = _Next(steps)
    try:
        while not step.over:
            if isinstance(step.wanted, Emit):
                yield step.wanted.value
                step.send(None)
                continue
            try:
                reply = _do(sdk, step.wanted)
            except BaseException as error:  # noqa: BLE001  (the workflow decides; what it does not catch goes on)
                step.throw(error)
            else:
                step.send(reply)
    finally:
        step.close()
    result: T = step.result
    return result


class _Next(Generic[T]):
    """Where a generator of steps stands."""

    over = False
    result: Any = None

    def __init__(self, steps: Generator[Any, Any, T]) -> None:
        self._steps = steps
        self.wanted: Any = None
        self.send(None)

    def send(self, reply: Any) -> None:
        self._go(self._steps.send, reply)

    def throw(self, error: BaseException) -> None:
        self._go(self._steps.throw, error)

    def _go(self, way: Callable[[Any], Any], value: Any) -> None:
        try:
            self.wanted = way(value)
        except StopIteration as end:
            self.over, self.result = True, end.value

    def close(self) -> None:
        self._steps.close()


Method = Callable[Concatenate[Any, P], Steps[T]]


def blocking(method: Callable[Concatenate[Any, P], Steps[T]]) -> Callable[Concatenate[Any, P], T]:
    """A method of a blocking SDK."""

    @wraps(method)
    def run(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        driven = drive(self._sdk, method(self, *args, **kwargs))
        del args, kwargs  # they may hold answers, which tools that report crashes would show
        while True:
            try:
                next(driven)
            except StopIteration as end:
                result: T = end.value
                return result

    return run


def awaited(method: Callable[Concatenate[Any, P], Steps[T]]) -> Callable[Concatenate[Any, P], Awaitable[T]]:
    """A method of an asynchronous SDK."""

    @wraps(method)
    async def run(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        step = _Next(method(self, *args, **kwargs))
        del args, kwargs
        while not step.over:
            await _advance(self._sdk, step)
        result: T = step.result
        return result

    return run


def iterated(method: Callable[Concatenate[Any, P], Generator[Any, Any, None]]) -> Callable[..., Iterator[Any]]:
    """A method of a blocking SDK that gives what is emitted, one after the other."""

    @wraps(method)
    def run(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
        return drive(self._sdk, method(self, *args, **kwargs))

    return run


def iterated_async(
    method: Callable[Concatenate[Any, P], Generator[Any, Any, None]],
) -> Callable[..., AsyncIterator[Any]]:
    """A method of an asynchronous SDK that gives what is emitted, one after the other."""

    @wraps(method)
    async def run(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Any]:
        step = _Next(method(self, *args, **kwargs))
        del args, kwargs
        try:
            while not step.over:
                if isinstance(step.wanted, Emit):
                    yield step.wanted.value
                    step.send(None)
                else:
                    await _advance(self._sdk, step)
        finally:
            step.close()

    return run


async def _advance(sdk: Any, step: _Next[Any]) -> None:
    if isinstance(step.wanted, Emit):
        step.send(None)
        return
    try:
        reply = await _do_async(sdk, step.wanted)
    except BaseException as error:  # noqa: BLE001  (the workflow decides; what it does not catch goes on)
        step.throw(error)
    else:
        step.send(reply)
