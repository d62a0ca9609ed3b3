"""Sleeping, concurrent calls, and calls started ahead of need: for tasks of an event loop, and for threads.

These are the helpers whose two halves differ in more than `async` and `await`. Both are written by hand, under names
that differ by `Async` or `async_`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..errors import LifecycleError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future as Future

    AsyncFuture = asyncio.Future
    """The result of `AsyncAhead.start`, as `Future` is that of `Ahead.start`."""

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
T = TypeVar("T")

AsyncCall = Callable[[], Awaitable[T]]
Call = Callable[[], T]

_LAST_SECOND = 1.0


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of this task.

    Raises:
        LifecycleError: there is none, as under trio.
    """
    import asyncio  # here and below, because blocking programs do without

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise LifecycleError(
            "AsyncImednetSDK needs the event loop of asyncio, and none runs here. Next: start with asyncio.run(...); "
            "under trio or in a thread use ImednetSDK"
        ) from None


@overload
async def async_gather(first: AsyncCall[A], second: AsyncCall[B], /) -> tuple[A, B]: ...
@overload
async def async_gather(first: AsyncCall[A], second: AsyncCall[B], third: AsyncCall[C], /) -> tuple[A, B, C]: ...
@overload
async def async_gather(
    first: AsyncCall[A], second: AsyncCall[B], third: AsyncCall[C], fourth: AsyncCall[D], /
) -> tuple[A, B, C, D]: ...
@overload
async def async_gather(
    first: AsyncCall[A], second: AsyncCall[B], third: AsyncCall[C], fourth: AsyncCall[D], fifth: AsyncCall[E],
    sixth: AsyncCall[F], /,
) -> tuple[A, B, C, D, E, F]: ...  # fmt: skip
@overload
async def async_gather(*calls: AsyncCall[T]) -> tuple[T, ...]: ...
async def async_gather(*calls: AsyncCall[Any]) -> tuple[Any, ...]:
    """Run calls concurrently and return their results in order. If one fails, the others are cancelled."""
    import asyncio

    running_loop()
    tasks = [asyncio.ensure_future(call()) for call in calls]
    try:
        return tuple(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@overload
def gather(first: Call[A], second: Call[B], /) -> tuple[A, B]: ...
@overload
def gather(first: Call[A], second: Call[B], third: Call[C], /) -> tuple[A, B, C]: ...
@overload
def gather(first: Call[A], second: Call[B], third: Call[C], fourth: Call[D], /) -> tuple[A, B, C, D]: ...
@overload
def gather(
    first: Call[A], second: Call[B], third: Call[C], fourth: Call[D], fifth: Call[E], sixth: Call[F], /
) -> tuple[A, B, C, D, E, F]: ...
@overload
def gather(*calls: Call[T]) -> tuple[T, ...]: ...
def gather(*calls: Call[Any]) -> tuple[Any, ...]:
    """Run calls in threads and return their results in order. If one fails, those that have not begun are dropped.

    Each call sees the caller's context, which may name a study.
    """
    from concurrent.futures import ThreadPoolExecutor  # here, because it is slow to load

    with ThreadPoolExecutor(max(1, len(calls)), "imednet-gather") as pool:
        futures = [pool.submit(copy_context().run, call) for call in calls]
        try:
            return tuple(future.result() for future in futures)
        finally:
            for future in futures:
                future.cancel()


async def async_sleep(seconds: float) -> None:
    """Wait some seconds."""
    import asyncio

    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Wait some seconds."""
    time.sleep(seconds)


class AsyncAhead:
    """Starts calls before their result is needed, as tasks."""

    def start(self, call: Callable[[], Awaitable[T]]) -> AsyncFuture[T]:
        """Start a call."""
        import asyncio

        return asyncio.ensure_future(call())

    async def aclose(self) -> None:
        """Do nothing: whoever started a call has cancelled it."""


class Ahead:
    """Starts calls before their result is needed, in daemon threads, so that the end of a program does not wait."""

    def __init__(self) -> None:
        self._running: set[Future[Any]] = set()

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Start a call."""
        from concurrent.futures import Future

        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  (handed to whoever waits for the result)
                future.set_exception(error)
            finally:
                self._running.discard(future)

        self._running.add(future)
        try:
            threading.Thread(target=run, daemon=True, name="imednet-ahead").start()
        except RuntimeError:  # no more threads are to be had: it is called here and now
            run()
        return future

    def close(self) -> None:
        """Give calls that are still under way a second to end, so that no socket stays open."""
        if self._running:
            from concurrent.futures import wait

            wait(tuple(self._running), timeout=_LAST_SECOND)


async def async_cancel(futures: Iterable[AsyncFuture[T]]) -> None:
    """Cancel calls that were started ahead and whose result nobody needs."""
    import asyncio

    futures = list(futures)
    for future in futures:
        future.cancel()
    if futures:  # without any, there may be no event loop either
        await asyncio.gather(*futures, return_exceptions=True)


def cancel(futures: Iterable[Future[T]]) -> None:
    """Do nothing: a thread cannot be cancelled; the client waits for it when it is closed."""


async def async_result(future: AsyncFuture[T]) -> T:
    """The result of a call that was started ahead."""
    return await future


def result(future: Future[T]) -> T:
    """The result of a call that was started ahead."""
    return future.result()
