"""`MultiStudyOrchestrator`: one function run for many studies, several at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

from .core.context import study_context
from .core.options import is_number
from .errors import ConfigurationError, FilterConflictError
from .utils.interruptions import raised_from_outside

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

T = TypeVar("T")
T_Output = TypeVar("T_Output", covariant=True)

SUCCESS = "SUCCESS"
FAILED = "FAILED"
SKIPPED = "SKIPPED"

_log = logging.getLogger("imednet")


class StudyWorkerCallable(Protocol[T_Output]):
    """The function that `MultiStudyOrchestrator.execute_pipeline` calls for each study."""

    def __call__(self, study_key: str, sdk: Any, logger: logging.Logger, *args: Any, **kwargs: Any) -> T_Output:
        """Do the work of one study.

        `study_key` is also the study of the context it runs in, so that calls of the SDK may leave it out; `logger` is
        named `imednet.study.KEY`.
        """
        ...  # pragma: no cover


class OrchestratorResult(TypedDict):
    """The outcome of one study.

    `status` is `SUCCESS`, `FAILED` or `SKIPPED`, `data` what the function returned, `error` type and message of what it
    raised, `duration_seconds` how long it took.
    """

    status: str
    data: Any | None
    error: str | None
    duration_seconds: float


OnResult = Callable[[str, OrchestratorResult], None]
"""Called with a study and its outcome, as soon as that is known, in the thread of the caller."""


class MultiStudyOrchestrator:
    """Runs a function for each study the keys may read, several at a time.

    All studies share the SDK, which is never changed. A failure in one study does not affect the others.

    Args:
        sdk: an `ImednetSDK`.
        max_workers: studies at a time; 1 for one after another.
        executor: any `concurrent.futures.Executor` to use instead of our own threads, such as a process pool or
            `dask_client.get_executor(pure=False)`; it is not shut down. Where it sends work to another process, the
            SDK is pickled without its keys: workers read theirs from the environment.
        study_timeout: seconds a study may take; one that takes longer is reported as failed. Threads cannot be
            stopped, so its work continues unseen.
        on_result: called with each study and its outcome, as soon as that is known.

    Raises:
        ConfigurationError: `max_workers` is not a whole number above 0, or `study_timeout` not a number above 0.
    """

    def __init__(
        self,
        sdk: Any,
        max_workers: int = 4,
        *,
        executor: Executor | None = None,
        study_timeout: float | None = None,
        on_result: OnResult | None = None,
    ) -> None:
        if type(max_workers) is not int or max_workers < 1:
            raise ConfigurationError("max_workers must be a whole number, at least 1")
        if study_timeout is not None and not (is_number(study_timeout) and study_timeout > 0):
            raise ConfigurationError("study_timeout must be a number of seconds above 0")
        self._sdk = sdk
        self._max_workers = max_workers
        self._executor = executor
        self._study_timeout = study_timeout
        self._on_result = on_result

    @property
    def sdk(self) -> Any:
        """The SDK that all studies share."""
        return self._sdk

    @property
    def max_workers(self) -> int:
        """The most studies worked on at a time."""
        return self._max_workers

    def resolve_active_studies(
        self, whitelist: Collection[str] | None = None, blacklist: Collection[str] | None = None
    ) -> list[str]:
        """Keys of the studies a run covers, in the order of the server's list.

        Args:
            whitelist: only these.
            blacklist: all but these.

        Raises:
            FilterConflictError: both are given.
            ConfigurationError: one of them is a string, not a collection.

        A key of the whitelist that the server does not list is left out, with a warning in the log.
        """
        return self._resolved(whitelist, blacklist)[0]

    def _resolved(
        self, whitelist: Collection[str] | None, blacklist: Collection[str] | None
    ) -> tuple[list[str], list[str]]:
        """Keys of the studies a run covers, and keys of the whitelist that the server does not list."""
        for name, keys in (("whitelist", whitelist), ("blacklist", blacklist)):
            if isinstance(keys, str):
                raise ConfigurationError(f"{name} must be a set of study keys, also for one: {{'ABC-01'}}")
        if whitelist and blacklist:
            raise FilterConflictError(set(whitelist), set(blacklist))
        keys = [study.study_key for study in self._sdk.studies.list(refresh=True)]
        if whitelist is not None:
            unknown = sorted(set(whitelist) - set(keys))
            if unknown:
                _log.warning("these keys may not read %s, which the whitelist names", ", ".join(map(repr, unknown)))
            return [key for key in keys if key in whitelist], unknown
        return [key for key in keys if key not in (blacklist or ())], []

    def execute_pipeline(
        self,
        pipeline_func: StudyWorkerCallable[Any],
        whitelist: Collection[str] | None = None,
        blacklist: Collection[str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, OrchestratorResult]:
        """Call `pipeline_func(study_key, sdk, logger, *args, **kwargs)` for each study.

        Returns:
            Study key -> outcome, in the order of the server's list. A study of the whitelist that the server does not
            list is `SKIPPED`, with a warning in its `error`.

        Raises:
            FilterConflictError: both lists are given.
        """
        from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

        studies, unknown = self._resolved(whitelist, blacklist)
        threads = None if self._executor else ThreadPoolExecutor(self._max_workers, thread_name_prefix="imednet-study")
        started: dict[str, float] = {}
        results: dict[str, OrchestratorResult] = {}
        try:
            running: dict[Future[OrchestratorResult], str] = {}
            for study_key in studies:
                if threads is not None:
                    # Each study runs in a copy of the caller's context: it sees values set there and leaks none.
                    context = copy_context()
                    call = (context.run, run_study, pipeline_func, study_key, self._sdk, args, kwargs)
                    work = partial(_record_start, started, *call)
                    running[threads.submit(work, study_key)] = study_key
                else:
                    assert self._executor is not None
                    started[study_key] = time.monotonic()
                    future = self._executor.submit(run_study, pipeline_func, study_key, self._sdk, args, kwargs)
                    running[future] = study_key
            while running:
                seconds = self._seconds_to_next_timeout(running.values(), started)
                done, _ = wait(running, timeout=seconds, return_when=FIRST_COMPLETED)
                for future in done:
                    self._report(results, running.pop(future), _result(future))
                for future, study_key in list(running.items()):
                    if not done and self._is_late(study_key, started):
                        future.cancel()
                        del running[future]
                        limit = f"{self._study_timeout:g} seconds"
                        late = OrchestratorResult(
                            status=FAILED,
                            data=None,
                            error=f"TimeoutError: not done in {limit}; its work may continue unseen",
                            duration_seconds=time.monotonic() - started[study_key],
                        )
                        self._report(results, study_key, late)
        finally:
            if threads is not None:
                threads.shutdown(wait=self._study_timeout is None, cancel_futures=True)
        ordered = {study_key: results[study_key] for study_key in studies}
        for study_key in unknown:
            warning = f"warning: these keys may not read {study_key!r}, which the whitelist names. Next: imednet check"
            ordered[study_key] = OrchestratorResult(status=SKIPPED, data=None, error=warning, duration_seconds=0.0)
        return ordered

    def _seconds_to_next_timeout(self, studies: Collection[str], started: dict[str, float]) -> float | None:
        """Seconds until the next study exceeds its time; short while none has begun, `None` without a limit."""
        if self._study_timeout is None:
            return None
        moments = [started[study] for study in studies if study in started]
        return max(0.0, min(moments) + self._study_timeout - time.monotonic()) if moments else 0.05

    def _is_late(self, study_key: str, started: dict[str, float]) -> bool:
        limit = self._study_timeout
        return limit is not None and study_key in started and time.monotonic() - started[study_key] >= limit

    def _report(self, results: dict[str, OrchestratorResult], study_key: str, result: OrchestratorResult) -> None:
        results[study_key] = result
        if self._on_result is not None:
            self._on_result(study_key, result)


def _record_start(started: dict[str, float], run: Callable[..., T], *rest: Any) -> T:
    """Call `run(*rest)` without its last argument, the study key, and note when that began."""
    *call, study_key = rest
    started[study_key] = time.monotonic()
    return run(*call)


def _result(future: Future[OrchestratorResult]) -> OrchestratorResult:
    """The outcome a worker returned, or FAILED where it could not start, such as a process without keys."""
    try:
        return future.result()
    except Exception as error:
        if raised_from_outside(error) is not None:
            raise
        message = f"{type(error).__name__}: {error}"
        return OrchestratorResult(status=FAILED, data=None, error=message, duration_seconds=0.0)


def run_study(
    work: StudyWorkerCallable[Any], study_key: str, sdk: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> OrchestratorResult:
    """Do the work of one study, in whatever process; an exception becomes its outcome."""
    started = time.monotonic()
    data, message = None, None
    try:
        with study_context(study_key):
            data = work(study_key, sdk, logging.getLogger(f"imednet.study.{study_key}"), *args, **kwargs)
    except Exception as error:
        if raised_from_outside(error) is not None:
            raise
        message = f"{type(error).__name__}: {error}"
        _log.warning("study %s failed: %s", study_key, type(error).__name__)
    return OrchestratorResult(
        status=SUCCESS if message is None else FAILED,
        data=data,
        error=message,
        duration_seconds=time.monotonic() - started,
    )
