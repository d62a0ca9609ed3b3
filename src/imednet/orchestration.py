"""One function over many studies at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Protocol, TypedDict, TypeVar

from .core.context import study_context
from .errors import ConfigurationError, FilterConflictError

T_Output = TypeVar("T_Output", covariant=True)

SUCCESS = "SUCCESS"
FAILED = "FAILED"

_log = logging.getLogger("imednet")


class StudyWorkerCallable(Protocol[T_Output]):
    """What `MultiStudyOrchestrator.execute_pipeline` calls once for each study."""

    def __call__(self, sdk: Any, study_key: str, *args: Any, **kwargs: Any) -> T_Output:
        """Do the work of one study. Runs in a thread; `study_key` is also the study of its context."""
        ...  # pragma: no cover


class OrchestratorResult(TypedDict):
    """What became of one study.

    `status` is `SUCCESS` or `FAILED`, `data` what the function gave back, `error` what went wrong, `duration_seconds`
    how long it took.
    """

    status: str
    data: Any | None
    error: str | None
    duration_seconds: float


class MultiStudyOrchestrator:
    """Runs a function for each study these keys may read, some at a time.

    The SDK is shared and never changed; what fails in one study does not touch the others.

    Args:
        sdk: an `ImednetSDK`.
        max_workers: studies at a time; 1 for one after another.

    Raises:
        ConfigurationError: `max_workers` is not a whole number from 1.
    """

    def __init__(self, sdk: Any, max_workers: int = 4) -> None:
        if type(max_workers) is not int or max_workers < 1:
            raise ConfigurationError("max_workers must be a whole number, at least 1")
        self._sdk = sdk
        self._max_workers = max_workers

    @property
    def sdk(self) -> Any:
        """The SDK that all studies share."""
        return self._sdk

    @property
    def max_workers(self) -> int:
        """Studies at a time, at most."""
        return self._max_workers

    def resolve_active_studies(
        self, whitelist: Collection[str] | None = None, blacklist: Collection[str] | None = None
    ) -> list[str]:
        """Keys of the studies a run means, in the order of the server's list.

        Args:
            whitelist: only these.
            blacklist: all but these.

        Raises:
            FilterConflictError: both are given.
            ConfigurationError: one of them is text and no collection.
        """
        for name, keys in (("whitelist", whitelist), ("blacklist", blacklist)):
            if isinstance(keys, str):
                raise ConfigurationError(f"{name} must be a set of study keys, also for one: {{'ABC-01'}}")
        if whitelist and blacklist:
            raise FilterConflictError(set(whitelist), set(blacklist))
        keys = [study.study_key for study in self._sdk.studies.list(refresh=True)]
        if whitelist is not None:
            return [key for key in keys if key in whitelist]
        return [key for key in keys if key not in (blacklist or ())]

    def execute_pipeline(
        self,
        pipeline_func: StudyWorkerCallable[Any],
        whitelist: Collection[str] | None = None,
        blacklist: Collection[str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, OrchestratorResult]:
        """Call `pipeline_func(sdk, study_key, *args, **kwargs)` for each study.

        Returns:
            Study key -> what became of it, in the order of the server's list. A key of the whitelist that these keys
            may not read is in it too, as failed.

        Raises:
            FilterConflictError: both lists are given.
        """
        studies = self.resolve_active_studies(whitelist, blacklist)
        with ThreadPoolExecutor(self._max_workers, thread_name_prefix="imednet-study") as pool:
            # Each in a copy of the caller's context, so that values set there are seen and none leaks between studies.
            running = [
                pool.submit(copy_context().run, self._one, pipeline_func, study_key, args, kwargs)
                for study_key in studies
            ]
            results = {study_key: future.result() for study_key, future in zip(studies, running, strict=True)}
        for study_key in sorted(set(whitelist or ()) - set(studies)):
            error = f"{study_key!r} is not among the studies these keys may read. Next: imednet check"
            results[study_key] = OrchestratorResult(status=FAILED, data=None, error=error, duration_seconds=0.0)
        return results

    def _one(
        self, work: StudyWorkerCallable[Any], study_key: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> OrchestratorResult:
        began = time.monotonic()
        data, said = None, None
        try:
            with study_context(study_key):
                data = work(self._sdk, study_key, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  (reported as the result of this study)
            said = f"{type(error).__name__}: {error}"
            _log.warning("study %s failed: %s", study_key, type(error).__name__)
        return OrchestratorResult(
            status=SUCCESS if said is None else FAILED,
            data=data,
            error=said,
            duration_seconds=time.monotonic() - began,
        )
