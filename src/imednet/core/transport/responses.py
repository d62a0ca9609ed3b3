"""What a response means: JSON to read, or the error to raise for it."""

from __future__ import annotations

import re
from typing import Any

import httpx

from imednet_api.types import decode

from ..._texts import mask_secrets
from ...constants import HEADER_CORRELATION_ID
from ...errors import OUTCOME_UNKNOWN, ApiError, ImednetError, get_error_class
from ...utils.url import SAFE_PARAMETERS
from ..retry import retry_after_seconds


def decoded(response: httpx.Response) -> Any:
    """The body of a response as decoded JSON.

    Raises `httpx.DecodingError` where it is not JSON, so that the retry loop treats it as the network error it mostly
    is: a body cut off, or the page of a proxy.
    """
    try:
        return decode(response.content)
    except ValueError:
        raise not_json(response) from None


class UnsoundAnswer(httpx.DecodingError):
    """A success that contradicts itself or is not what was asked for. It is retried; in the end `error` is raised."""

    def __init__(self, error: ImednetError, response: httpx.Response) -> None:
        super().__init__("the answer is unsound", request=response.request)
        self.error = error


def not_json(response: httpx.Response) -> httpx.DecodingError:
    """The error for a success whose body is not JSON. It says what kind of body came, never what is in it."""
    start = response.content[:512].lstrip().lower()
    if start.startswith(b"<"):
        reason = "a web page came instead of data: a proxy or a login page stands between"
    elif not start:
        reason = "the answer is empty"
    else:
        reason = "the answer is not whole JSON"
    return httpx.DecodingError(reason, request=response.request)


def failure(response: httpx.Response, *, study_key: str | None, attempts: int) -> ApiError:
    """The error of the SDK for a response that is not a success."""
    try:
        body = decode(response.content)
    except ValueError:
        body = response.content.decode("utf-8", "replace")
    request = response.request
    body = mask_secrets(body, _keys_sent(request))
    status = response.status_code
    message = None
    if response.content[:512].lstrip().startswith(b"<"):
        message = (
            f"{request.method} {request.url.path}: HTTP {status} with a web page instead of data: a proxy, gateway "
        )
        message += "or login page stands between. Next: check the proxy and the base URL"
        if request.method == "POST":
            message += f"; {OUTCOME_UNKNOWN}"
    if 300 <= status < 400:
        message = f"{request.method} {request.url.path}: HTTP {status}, a redirect "
        message += "to another host, without the query or without end, "
        message += "which is not followed. Next: check the base URL, or allow the host with allowed_hosts="
        if request.method == "POST":
            message += f"; {OUTCOME_UNKNOWN}"
    return get_error_class(status)(
        body,
        status,
        message=message,
        method=request.method,
        path=request.url.path,
        study_key=study_key,
        attempts=attempts,
        retry_after=retry_after_seconds(response),
        sent=_values_sent(request),
    )


_HEADERS_WITHOUT_SECRETS = frozenset({
    "accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent",
    HEADER_CORRELATION_ID,
})  # fmt: skip


def _keys_sent(request: httpx.Request) -> list[str]:
    """Values of all headers that may hold a secret, whatever their names; of `Bearer TOKEN` also the token."""
    values = [value for name, value in request.headers.items() if name.lower() not in _HEADERS_WITHOUT_SECRETS]
    return [part for value in values for part in {value, value.rpartition(" ")[2]}]


def _values_sent(request: httpx.Request) -> list[str]:
    """Texts of a request that may be data of a person: whole filters, the values in them, and answers to be written."""
    texts: list[str] = []
    for name, value in request.url.params.multi_items():
        if name not in SAFE_PARAMETERS:
            texts += [value, *(part.strip("\"' ") for part in re.split(r"[;,]|==|!=|<=|>=|=~|<|>", value))]
    if request.method == "POST":
        try:
            items = decode(request.content)
        except (ValueError, httpx.RequestNotRead):
            items = []
        texts += _texts_in(items)
    return sorted({text for text in texts if text.strip()}, key=len, reverse=True)


_STUDY_NAMES = ("formKey", "formId", "formName", "intervalName", "intervalId", "siteId", "siteName")
"""Members of an item that name parts of the study and no person."""


def _texts_in(value: Any) -> list[str]:
    """All scalars of a body as texts, except names of parts of the study."""
    if isinstance(value, dict):
        return [text for name, inner in value.items() if name not in _STUDY_NAMES for text in _texts_in(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts_in(inner)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def hidden_failure(metadata: Any, response: httpx.Response, study_key: str | None) -> ApiError | None:
    """The error in the metadata of a success, or `None` when there is none."""
    error = metadata.get("error") if isinstance(metadata, dict) else None
    if not error:
        return None
    request = response.request
    return ApiError(
        mask_secrets({"metadata": metadata}, _keys_sent(request)),
        response.status_code,
        method=request.method,
        path=request.url.path,
        study_key=study_key,
        sent=_values_sent(request),
    )
