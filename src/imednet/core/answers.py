"""What an answer means: a value to read, or one of our errors."""

from __future__ import annotations

from typing import Any

import httpx

from imednet_api.types import decode

from ..errors import ApiError, get_error_class
from .retry import retry_after_seconds


def decoded(response: httpx.Response) -> Any:
    """The answer as JSON.

    Raises an `httpx.DecodingError` where it is not, so that the one retry layer treats it as the network trouble it
    mostly is: a cut body, or the page of a proxy.
    """
    try:
        return decode(response.content)
    except ValueError:
        raise not_json(response) from None


def not_json(response: httpx.Response) -> httpx.DecodingError:
    """The error for a success whose body is not the JSON it should be. Its text says what came, never the body."""
    start = response.content[:512].lstrip().lower()
    if start.startswith(b"<"):
        what = "a web page came instead of data: a proxy or a login page stands between"
    elif not start:
        what = "the answer is empty"
    else:
        what = "the answer is not whole JSON"
    return httpx.DecodingError(what, request=response.request)


def failure(response: httpx.Response, *, study_key: str | None, attempts: int) -> ApiError:
    """Our error for an answer that is no success."""
    try:
        body = decode(response.content)
    except ValueError:
        body = response.text
    request = response.request
    status = response.status_code
    message = None
    if 300 <= status < 400:
        message = f"{request.method} {request.url.path}: HTTP {status}, a redirect, which is not followed because both "
        message += "keys would travel along. Next: check the base URL"
    return get_error_class(status)(
        body,
        status,
        message=message,
        method=request.method,
        path=request.url.path,
        study_key=study_key,
        attempts=attempts,
        retry_after=retry_after_seconds(response),
    )


def hidden_failure(metadata: Any, response: httpx.Response, study_key: str | None) -> ApiError | None:
    """The error that hides in the metadata of a success, or `None` when there is none."""
    error = metadata.get("error") if isinstance(metadata, dict) else None
    if not error:
        return None
    request = response.request
    return ApiError(
        {"metadata": metadata},
        response.status_code,
        method=request.method,
        path=request.url.path,
        study_key=study_key,
    )
