"""`Request`, `Answer`, and the error envelopes that failures are answered with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..invent.design import Row

JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Request:
    """One request as the server sees it; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The query, decoded, in order."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)


@dataclass
class Answer:
    """What the server sends; complete and without delay unless a field below says otherwise."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON_TYPE))
    delay: float = 0.0
    """Seconds to wait before the first byte."""
    bytes_per_second: int = 0
    """Speed of sending the body; 0: no limit."""
    page: bytes | None = None
    """The body as cached by the lists, if it came from there: it may be sent compressed while it equals `body`."""
    break_after: int | None = None
    """Reset the connection after this many bytes of the body; -1: before sending anything."""


Intercept = Callable[[Request, Callable[[Request], Answer]], Answer]
"""A function called instead of the API: takes the request and the API's own `answer`, returns the answer to send."""


class Problem(Exception):
    """A failure to be answered with the vendor's error envelope."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        description: str,
        attribute: str = "",
        value: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.headers = dict(headers or {})
        self.description = description
        self.error: Row = {"code": code, "description": description}
        if attribute:
            self.error["field"] = {"attribute": attribute, "value": value}


def invalid(attribute: str, value: str, description: str = "Field raised validation errors") -> Problem:
    """A failure for a request value that is not valid."""
    return Problem(HTTPStatus.BAD_REQUEST, "1000", description, attribute, value)


def not_found() -> Problem:
    """A failure for a path that does not exist."""
    return Problem(HTTPStatus.NOT_FOUND, "1000", "Resource not found")


def problem_answer(problem: Problem, path: str, clock: str, shape: str) -> Answer:
    """The answer to a failure, its body in a shape of the switch `errorBody`."""
    answer = _answer_of_shape(problem, path, clock, shape)
    answer.headers |= problem.headers
    return answer


def _answer_of_shape(problem: Problem, path: str, clock: str, shape: str) -> Answer:
    status = int(problem.status)
    if shape == "gateway":
        return Answer(status, encoded({"message": problem.description}))
    if shape == "html":
        page = f"<html><head><title>{status}</title></head><body><h1>{problem.status.phrase}</h1></body></html>"
        return Answer(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
    if shape == "empty":
        return Answer(status, b"", {})
    if shape == "third-party":
        return Answer(status, encoded({"metadata": {"status": "ERROR", "error": {"message": problem.description}}}))
    metadata = {"status": problem.status.name, "path": path, "timestamp": clock, "error": problem.error}
    return Answer(status, encoded({"metadata": metadata}))


def encoded(body: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
