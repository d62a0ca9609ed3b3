"""Log lines, spans, hooks and correlation ids of requests. None of them shows a key or a filter value."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from ..constants import ENV_LOG
from ..errors import ConfigurationError, ImednetError
from ..utils.interruptions import raised_from_outside

log = logging.getLogger("imednet")
log.addHandler(logging.NullHandler())

E = TypeVar("E", bound=ImednetError)


@dataclass(frozen=True, slots=True)
class RequestSent:
    """One attempt that is about to be sent.

    Attributes:
        method: HTTP method.
        url: the address; values of filters and other parameters are masked.
        study_key: the study that was asked for.
        attempt: number of the attempt, from 1.
        correlation_id: the same for all attempts of a call; sent as `x-correlation-id`.
    """

    method: str
    url: str
    study_key: str | None
    attempt: int
    correlation_id: str


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """The end of one attempt.

    Attributes:
        request: the attempt.
        status_code: HTTP status; `None` where no response came.
        elapsed: seconds the attempt took.
        size: bytes of the response, decompressed.
        error: class name of the transport's error, where no response came.
    """

    request: RequestSent
    status_code: int | None
    elapsed: float
    size: int = 0
    error: str | None = None


@dataclass(slots=True)
class Call:
    """One API call, made of one or more attempts."""

    name: str
    method: str
    url: str
    study_key: str | None
    correlation_id: str
    began: float = field(default_factory=time.monotonic)
    attempts: int = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the call began, waits included."""
        return time.monotonic() - self.began

    def marked(self, error: E) -> E:
        """The error, with the facts of the call as attributes and its correlation id in the message."""
        known = {"method": self.method, "url": self.url, "study_key": self.study_key, "attempts": self.attempts}
        for name, value in known.items():
            if getattr(error, name, "") is None or (name == "attempts" and hasattr(error, name)):
                setattr(error, name, value)
        error.elapsed = self.elapsed
        if error.correlation_id is None:
            error.correlation_id = self.correlation_id
            text = str(error.args[0]) if error.args else ""
            error.args = (f"{text} (correlation id {self.correlation_id})", *error.args[1:])
        return error


class Monitor:
    """Logs and traces the requests of one client."""

    def __init__(
        self,
        tracer: Any | None = None,
        on_request: Callable[[RequestSent], object] | None = None,
        on_response: Callable[[ResponseReceived], object] | None = None,
    ) -> None:
        self.tracer = tracer
        self.on_request = on_request
        self.on_response = on_response

    @contextmanager
    def call(self, call: Call) -> Iterator[Call]:
        """Cover one call, all attempts and waits included."""
        if self.tracer is None:
            with self._recorded(call, None):
                yield call
            return
        with self._span(f"imednet {call.name}") as span, self._recorded(call, span):
            yield call

    @contextmanager
    def _span(self, name: str) -> Iterator[Any]:
        """A span of the tracer; errors of the tracer are logged and ignored."""
        span = manager = None
        try:
            manager = self.tracer.start_as_current_span(  # type: ignore[union-attr]
                name, record_exception=False, set_status_on_exception=False
            )
            span = manager.__enter__()
        except Exception as error:
            if raised_from_outside(error) is not None:
                raise
            log.warning("the tracer failed: %s", type(error).__name__)
        try:
            yield span
        finally:
            if span is not None and manager is not None:
                try:
                    manager.__exit__(None, None, None)
                except Exception as error:
                    if raised_from_outside(error) is not None:
                        raise
                    log.warning("the tracer failed: %s", type(error).__name__)

    @contextmanager
    def _recorded(self, call: Call, span: Any) -> Iterator[None]:
        """Set the attributes of the span and write the log line when the call ends."""
        facts: dict[str, Any] = {
            "http.request.method": call.method,
            "url.full": call.url,
            "imednet.study_key": call.study_key,
            "imednet.correlation_id": call.correlation_id,
        }
        failed: str | None = None
        try:
            yield
        except BaseException as error:
            failed = type(error).__name__
            facts["http.response.status_code"] = getattr(error, "status_code", None)
            raise
        finally:
            if span is not None:
                facts |= {"imednet.attempts": call.attempts, "error.type": failed}
                known = {name: value for name, value in facts.items() if value is not None}
                self._hook(span.set_attributes, known)
            if log.isEnabledFor(logging.INFO):
                end = failed or "done"
                self._log(logging.INFO, call, "%s in %d ms, attempts: %d", end, call.elapsed * 1000, call.attempts)

    def sent(self, call: Call) -> RequestSent:
        """Count an attempt that begins, and call the hook."""
        call.attempts += 1
        sent = RequestSent(call.method, call.url, call.study_key, call.attempts, call.correlation_id)
        self._hook(self.on_request, sent)
        return sent

    def received(self, call: Call, sent: RequestSent, began: float, response: httpx.Response | Exception) -> None:
        """Log an attempt that ended, and call the hook."""
        elapsed = time.monotonic() - began
        if self.on_response is not None:
            self._hook(
                self.on_response,
                ResponseReceived(sent, None, elapsed, error=type(response).__name__)
                if isinstance(response, Exception)
                else ResponseReceived(sent, response.status_code, elapsed, len(response.content)),
            )
        if log.isEnabledFor(logging.DEBUG):
            end = type(response).__name__ if isinstance(response, Exception) else response.status_code
            self._log(logging.DEBUG, call, "attempt %d: %s in %d ms", call.attempts, end, elapsed * 1000)

    def _log(self, level: int, call: Call, text: str, *facts: Any) -> None:
        extra = {
            "imednet_method": call.method,
            "imednet_url": call.url,
            "imednet_study_key": call.study_key,
            "imednet_correlation_id": call.correlation_id,
            "imednet_attempts": call.attempts,
            "imednet_elapsed": round(call.elapsed, 4),
        }
        log.log(level, f"%s %s [%s] {text}", call.method, call.url, call.correlation_id, *facts, extra=extra)

    @staticmethod
    def _hook(hook: Callable[[Any], object] | None, event: Any) -> None:
        """Call a hook. Its errors are logged and ignored: observing a request must not change it."""
        if hook is None:
            return
        try:
            hook(event)
        except Exception as error:
            if raised_from_outside(error) is not None:
                raise
            log.warning("a hook failed: %s", type(error).__name__)


def log_as_asked() -> None:
    """Write the package's log lines to standard error if `IMEDNET_LOG` is `info`, `debug` or `warning`."""
    level = (os.environ.get(ENV_LOG) or "").strip().upper()
    if not level:
        return
    if level not in ("DEBUG", "INFO", "WARNING"):
        raise ConfigurationError(f"{ENV_LOG} must be info, debug or warning")
    if not any(isinstance(handler, _EnvironmentHandler) for handler in log.handlers):
        handler = _EnvironmentHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        log.addHandler(handler)
    log.setLevel(level)


class _EnvironmentHandler(logging.StreamHandler[Any]):
    """The handler of `IMEDNET_LOG`; its own class, so that it is added only once."""
