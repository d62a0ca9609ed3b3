"""The errors of this package, each with the sentence that says what to do next.

    ImednetError
    ├── ApiError                    the server answered with an error status
    │   ├── ValidationError         400
    │   │   └── BadRequestError     400
    │   ├── AuthenticationError     401
    │   │   └── UnauthorizedError   401
    │   ├── AuthorizationError      403
    │   │   └── ForbiddenError      403
    │   ├── NotFoundError           404, or a `get` that found nothing
    │   ├── ConflictError           409
    │   ├── RateLimitError          429
    │   └── ServerError             5xx
    ├── RequestError                no usable answer arrived
    │   └── InvalidAnswerError      an answer arrived that is not the JSON it should be
    ├── ClientError                 the call or its result is wrong
    │   ├── ConfigurationError      keys, address or settings   (also a ValueError)
    │   ├── ArgumentError           a value that cannot be sent (also a ValueError)
    │   ├── UnknownFilterError      a keyword that is no filter (also a TypeError)
    │   ├── LifecycleError          opened or closed wrongly    (also a TypeError)
    │   └── PaginationError         pages that do not fit together
    │       └── IncompleteReadError a read that cannot be shown to be complete
    ├── ExportError                 an export failed
    │   ├── ExportConfigurationError the target or the settings cannot be used
    │   ├── ExportIncompleteError   some forms were exported, others were not
    │   └── ExportBatchError        a batch could not be written
    ├── MirrorError                 a mirror cannot be read or written
    │   └── MirrorDamagedError      its files are not as they were written
    ├── JobTimeoutError             a job not over in time      (also a TimeoutError)
    ├── OrchestratorError           a run over studies that cannot begin
    │   └── FilterConflictError     both a whitelist and a blacklist
    ├── PluginLoadError             a plugin that does not load
    └── PluginMissingError          no plugin is installed      (also an ImportError)

Four more are defined beside what raises them: `NoLiveDataError` in `discovery`, `ItemsRefusedError` in
`validation.schema`, `JournalError` and `JournalInUseError` in `workflows.writing.journal`. Only `core` turns errors of
`httpx` into these.

No message holds a key or data of a person: values of filters, refused values and bodies of answers are attributes, but
appear in no `str`, no `repr` and no pickle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ._texts import mask_value, one_line

_CHECK = "Next: imednet check"
OUTCOME_UNKNOWN = "whether it was carried out is unknown, so do not send it again: read the records back first"
"""What every error of a write says that may have been carried out."""
_SECONDS_PER_DAY = 86_400


class ImednetError(Exception):
    """Base of all errors of this package. A pickle keeps the message and the attributes, except private ones."""

    _private: tuple[str, ...] = ()
    """Attributes that may hold data of a person and stay out of pickles."""

    method: str | None = None
    """HTTP method of the call that failed, where there was one."""
    url: str | None = None
    """Address of that call; values of filters and other parameters are masked."""
    study_key: str | None = None
    """Study the call was about."""
    elapsed: float | None = None
    """Seconds the call took, all attempts and waits included."""
    correlation_id: str | None = None
    """Value of the header `x-correlation-id`, which log lines also show."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        facts = {name: value for name, value in self.__dict__.items() if name not in self._private}
        return _revive, (type(self), self.args, facts)


def _revive(cls: type[ImednetError], args: tuple[Any, ...], facts: dict[str, Any]) -> ImednetError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update({**dict.fromkeys(cls._private), **facts})
    return error


class Field(NamedTuple):
    """The attribute the server rejected, and its value, which may be data of a person and is masked in `repr`."""

    attribute: str | None
    value: Any

    def __repr__(self) -> str:
        return f"Field(attribute={self.attribute!r}, value=***)"


class ApiError(ImednetError):
    """The server answered with an error status.

    Attributes:
        response: decoded JSON or text of the answer; may hold data of a person.
        status_code: HTTP status; `None` where the error is not about a single answer.
        code: the vendor's code (`"1000"` invalid value, `"9000"` unknown, `"9001"` not allowed).
        description: the vendor's text; the rejected value is masked in it.
        attribute: name of the rejected attribute of the request.
        value: the rejected value; may hold data of a person.
        method, url, path: the request; in `url` the values of parameters are masked.
        study_key: study the call was about.
        attempts: how often the request was sent.
        elapsed: seconds all attempts and waits took.
        correlation_id: value of the header `x-correlation-id`, which log lines also show.
        retry_after: seconds the server asked to wait.

    Values in `sent`, those the request carried, are masked in the vendor's text and not kept.
    """

    _private = ("response", "value")

    def __init__(
        self,
        response: Any,
        status_code: int | None = None,
        *,
        message: str | None = None,
        method: str | None = None,
        path: str | None = None,
        study_key: str | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
        sent: Iterable[str] = (),
    ) -> None:
        self.response = response
        self.status_code = status_code
        self.method = method
        self.path = path
        self.study_key = study_key
        self.attempts = attempts
        self.retry_after = retry_after
        self.code, self.description, self.attribute, self.value = _vendor_facts(response, sent)
        if isinstance(response, str) and status_code is None:  # a text of the caller, not the body of an answer
            self.description = one_line(response)
        super().__init__(message or self._sentence())

    @property
    def field(self) -> Field:
        """The rejected attribute of the request and its value."""
        return Field(self.attribute, self.value)

    def _sentence(self) -> str:
        where = f"{self.method} {self.path}: " if self.path else ""
        status = f"HTTP {self.status_code}" if self.status_code is not None else "failure"
        details = [self.description] if self.description else []
        if self.code:
            details.append(f"code {self.code}")
        if self.attribute:
            details.append(f"attribute {self.attribute!r}")
        failure = f"{where}{status}" + (f" ({', '.join(details)})" if details else "")
        attempts = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{failure}{attempts}. {self._next_step()}"

    def _next_step(self) -> str:
        if self.method == "POST":
            return f"Next: {OUTCOME_UNKNOWN}"
        return "The server gave no further reason. Next: try again later, or ask the vendor"


class ValidationError(ApiError):
    """A value of the request is invalid (HTTP 400)."""

    def _next_step(self) -> str:
        return "Next: correct the value named above; attribute names are spelled as in the answers (subjectKey)"


class BadRequestError(ValidationError):
    """The request is malformed (HTTP 400)."""


class AuthenticationError(ApiError):
    """The keys were refused (HTTP 401)."""

    def _next_step(self) -> str:
        return (
            "The API key or the security key is wrong, or they do not belong together. "
            "Next: compare both with the keys you were given, then imednet check"
        )


class UnauthorizedError(AuthenticationError):
    """The keys were refused (HTTP 401)."""


class AuthorizationError(ApiError):
    """The keys may not read this (HTTP 403)."""

    def _next_step(self) -> str:
        if self.study_key is None:
            return f"These keys may not read this. {_CHECK}"
        verb = "write to" if self.method == "POST" else "read"
        return (
            f"403: these keys may not {verb} study {self.study_key!r}, or it is misspelt: "
            f"iMednet answers 403 for unknown studies. {_CHECK}"
        )


class ForbiddenError(AuthorizationError):
    """The keys may not read this (HTTP 403)."""


class NotFoundError(ApiError):
    """There is no such path (HTTP 404), or `get` found no row."""

    def _next_step(self) -> str:
        if self.path and "/jobs/" in self.path:
            return (
                f"Study {self.study_key!r} has no job with this batch id. "
                "Next: use the batch_id, not the job_id, that records.create returned"
            )
        if self.study_key is not None:
            return (
                f"The server has no such list for study {self.study_key!r}. "
                "Next: imednet check STUDY shows which lists it has; if it has none, check the base URL"
            )
        return "The server has no such path. Next: check the base URL (it needs no path after the host)"


class ConflictError(ApiError):
    """The request conflicts with the current state (HTTP 409)."""


class RateLimitError(ApiError):
    """Too many requests (HTTP 429). `retry_after` holds the seconds the server asked to wait, if it named any."""

    def _next_step(self) -> str:
        soon = self.retry_after and self.retry_after < _SECONDS_PER_DAY
        moment = f"in {self.retry_after:g} seconds" if soon else "later"
        return f"The server asked to slow down. Next: try again {moment}, with a smaller max_in_flight"


class ServerError(ApiError):
    """The server failed (HTTP 5xx)."""

    def _next_step(self) -> str:
        if self.method == "POST":
            return f"Next: {OUTCOME_UNKNOWN}"
        return "The server failed; what was read before is not affected. Next: try again later"


class RequestError(ImednetError):
    """No usable answer arrived in any attempt.

    Attributes:
        attempts: how often the request was sent.
    """

    def __init__(self, message: str = "the request failed", *, attempts: int = 1) -> None:
        self.attempts = attempts
        super().__init__(message)


class InvalidAnswerError(RequestError):
    """An answer arrived that is not the JSON it should be: a web page, a truncated or garbled body."""


class ClientError(ImednetError):
    """The call or its result is wrong."""


class ConfigurationError(ClientError, ValueError):
    """Keys, address or settings are missing or cannot be used."""


class ArgumentError(ClientError, ValueError):
    """A value that cannot be sent to the server."""


class UnknownFilterError(ClientError, TypeError):
    """A keyword that is neither a field nor a filterable attribute of the resource."""


class LifecycleError(ClientError, TypeError):
    """An SDK opened or closed the wrong way, or used after it was closed."""


class PaginationError(ClientError):
    """Pages that are malformed or do not fit together."""


class IncompleteReadError(PaginationError):
    """A read that cannot be shown to be complete; none of its rows should be used."""


class ExportError(ImednetError):
    """An export failed; no half-written file was left."""


class ExportConfigurationError(ExportError):
    """The target or the settings of an export cannot be used; nothing was written."""


class ExportIncompleteError(ExportError):
    """Some tables could not be read; the others were exported, and the next run reads only what failed.

    Attributes:
        report: the `ExportReport`, with the outcome of each form.
    """

    _private = ("report",)

    def __init__(self, message: str, *, report: Any = None) -> None:
        self.report = report
        super().__init__(message)


class ExportBatchError(ExportError):
    """A batch could not be written after all attempts.

    Attributes:
        batch_id: the batch, so that a run can be resumed at it.
    """

    def __init__(self, batch_id: str, message: str = "the batch could not be written") -> None:
        self.batch_id = batch_id
        super().__init__(f"batch {batch_id}: {message}")


class MirrorError(ImednetError):
    """A mirror cannot be read or written, or is not of the study or the kind that was asked for."""


class MirrorDamagedError(MirrorError):
    """Files of a mirror are missing or are not as they were written."""


class PluginLoadError(ImednetError):
    """A plugin that cannot be loaded or lacks what a plugin must provide."""


class PluginMissingError(ImednetError, ImportError):
    """A plugin that is not installed was used."""


class JobTimeoutError(ImednetError, TimeoutError):
    """A job was not over in time; it continues on the server.

    Attributes:
        job: the job as it was last seen.
    """

    def __init__(self, message: str = "the job was not over in time", *, job: Any = None) -> None:
        self.job = job
        super().__init__(message)


class OrchestratorError(ImednetError):
    """A run over many studies that cannot begin. A failure in one study is in the result of that study instead."""


class FilterConflictError(OrchestratorError):
    """Both a whitelist and a blacklist of studies were given.

    Attributes:
        whitelist, blacklist: the two sets of study keys.
    """

    def __init__(self, whitelist: set[str], blacklist: set[str]) -> None:
        self.whitelist = whitelist
        self.blacklist = blacklist
        super().__init__(
            f"both a whitelist ({len(whitelist)} studies) and a blacklist ({len(blacklist)}) are given. Next: give one"
        )


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def get_error_class(status_code: int) -> type[ApiError]:
    """The error class of an HTTP status.

    >>> get_error_class(403).__name__, get_error_class(520).__name__, get_error_class(418).__name__
    ('ForbiddenError', 'ServerError', 'ApiError')
    """
    if 500 <= status_code <= 599:
        return ServerError
    return _BY_STATUS.get(status_code, ApiError)


def _vendor_facts(body: Any, sent: Iterable[str] = ()) -> tuple[str | None, str | None, str | None, Any]:
    """Code, description, attribute and value from the body of an error.

    Three shapes are read: the vendor's (`metadata.error.description`), that of a third-party description of the API
    (`metadata.error.message`), and a gateway's `{"message": ...}`.
    """
    body = body if isinstance(body, dict) else {}
    metadata = body.get("metadata")
    error = metadata.get("error") if isinstance(metadata, dict) else None
    error = error if isinstance(error, dict) else {}
    field = error.get("field")
    field = field if isinstance(field, dict) else {}
    description = error.get("description") or error.get("message") or body.get("message")
    value = field.get("value")
    rejected = value if isinstance(value, list) else [value]
    for secret in [*rejected, *sent]:
        description = mask_value(description, secret)
    return (
        one_line(error.get("code")),
        one_line(description),
        one_line(field.get("attribute")),
        value,
    )
