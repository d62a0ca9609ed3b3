"""Faults: answers that fail on purpose, at random by rate and seed, or scripted such as «the third GET of records».

`KINDS` lists what can go wrong, `Fault` is one of them with its condition, `Faults` applies them between requests and
the API.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..invent.seeded import Dice, bell, growth
from ..study.tables import KEYS
from .api import PREFIX, Api
from .messages import Answer, Problem, Request, encoded, problem_answer

HUGE = 60_000_000
"""Length of the body of a fault `huge`, in bytes."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
ENDPOINTS = (*KEYS, "jobs")

KINDS = {
    "status": "answer with `status` (429, 500, ...) and, with `retry_after`, a header that says when to try again",
    "reset": "reset the connection before anything is sent",
    "reset-inside": "reset the connection in the middle of the body",
    "cut": "announce the whole body, send half of it, and close the connection",
    "truncate": "send half of the body as if it were all of it",
    "bad-gzip": "say that the body is compressed, although it is not",
    "html": "answer 200 with a page of HTML",
    "content-type": "send the right body as `text/plain`",
    "slow": "send `bytes_per_second`",
    "latency": "wait `seconds` before answering; with `spread`, log-normally around that",
    "repeat-page": "send the previous page instead of the requested one",
    "empty-page": "send a page without rows",
    "no-pagination": "send a page whose `pagination` is null",
    "fewer-pages": "announce one page less than there is, and a page of rows less",
    "more-pages": "announce one page more than there is, and a page of rows more",
    "repeat-row": "send the last row of the previous page instead of the first row",
    "remove-row": "remove a row of the first page from the list, so that all later rows move up",
    "drop-after-store": "carry out the request, then reset the connection: whether it was stored remains unknown",
    "huge": "send a body of 60 MB",
}
"""Kind of fault -> what the server does."""
OPTIONS = (
    "nth", "after", "every", "times", "rate", "status", "retry_after", "as_date", "seconds", "spread",
    "bytes_per_second",
)  # fmt: skip
"""Names that the words of a fault may set, besides method and list."""
_EXPECTED: dict[type, str] = {bool: "true or false", int: "a whole number"}
"""Type of an option -> the values it takes, for messages."""


@dataclass
class Fault:
    """One thing that goes wrong, and the requests it happens to.

    Args:
        kind: what happens; one of `KINDS`.
        method, endpoint: the requests it applies to; the endpoint is the last part of a list's path, such as `records`.
        nth: only the nth of those, counted from 1; 0 means all.
        after: only those after the first so many.
        every: only every so many of those.
        times: at most so many times; 0 means no limit.
        rate: only this share of those, drawn with the seed of the sandbox.
        status, retry_after, as_date: for a fault `status`; `retry_after` in seconds, sent as a number or an HTTP date.
        seconds, spread: for a fault `latency`.
        bytes_per_second: for a fault `slow`.

    Raises:
        ValueError: for a kind, method, endpoint, status or number that cannot be.

    >>> Fault.read("status GET records nth=3 status=429 retry_after=1").nth
    3
    """

    kind: str
    method: str = ""
    endpoint: str = ""
    nth: int = 0
    after: int = 0
    every: int = 1
    times: int = 0
    rate: float = 1.0
    status: int = 503
    retry_after: float | None = None
    as_date: bool = False
    seconds: float = 0.05
    spread: float = 0.0
    bytes_per_second: int = 100_000
    seen: int = 0
    """Number of requests that method and endpoint applied to so far."""
    done: int = 0
    """Number of times the fault has happened so far."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind!r}; choose one of: {', '.join(KINDS)}")
        if self.kind == "status" and self.status not in {int(status) for status in HTTPStatus if status >= 400} | {
            499,
            520,
        }:
            raise ValueError(f"status of a fault must be a known HTTP status from 400 on, not {self.status}")
        self.method = self.method.upper()
        if self.method and self.method not in METHODS:
            raise ValueError(f"there is no method {self.method!r}; choose one of: {', '.join(METHODS)}")
        if self.endpoint and self.endpoint not in ENDPOINTS:
            raise ValueError(f"there is no list {self.endpoint!r}; choose one of: {', '.join(ENDPOINTS)}")
        numbers = (
            self.nth,
            self.after,
            self.times,
            self.bytes_per_second,
            self.seconds,
            self.spread,
            self.retry_after or 0,
        )
        if not all(
            isinstance(number, (int, float)) and 0 <= number < 10**9 for number in (*numbers, self.every, self.rate)
        ):
            raise ValueError(f"fault {self.kind}: numbers must be from 0 to less than 1,000,000,000")
        if self.rate > 1 or self.every < 1:
            raise ValueError(f"fault {self.kind}: rate must be from 0 to 1, every at least 1")

    @classmethod
    def read(cls, text: str) -> Fault:
        """Parse a fault from words: `KIND [METHOD] [ENDPOINT] [name=value ...]`.

        Raises:
            ValueError: for words that are not a fault; the message says which and what is allowed.
        """
        kind, *words = text.split() or [""]
        chosen: dict[str, Any] = {}
        known = {option.name: option.default for option in fields(cls) if option.name in OPTIONS}
        for word in words:
            name, sign, value = word.partition("=")
            if not sign:
                name = "method" if word.upper() in METHODS else "endpoint"
                if name in chosen:
                    raise ValueError(
                        f"a fault is about one {name}, not both {chosen[name]!r} and {word!r}; write two faults"
                    )
                chosen[name] = word
                continue
            if name not in known:
                raise ValueError(f"a fault has no option {name!r}; choose from: {', '.join(known)}")
            default = known[name]
            try:
                if isinstance(default, bool):
                    chosen[name] = {"true": True, "false": False}[value]
                elif isinstance(default, str):
                    chosen[name] = value
                else:
                    chosen[name] = int(value) if isinstance(default, int) else float(value)
            except (ValueError, KeyError):
                expected = _EXPECTED.get(type(default), "a number")
                raise ValueError(f"a fault has {name}={value}, but {name} must be {expected}") from None
        return cls(kind, **chosen)

    def meets(self, request: Request, dice: Dice) -> bool:
        """Whether the fault happens to this request; counts the requests that method and endpoint apply to."""
        if self.method and request.method != self.method:
            return False
        if self.endpoint and self.endpoint != endpoint_of(request):
            return False
        self.seen += 1
        if (self.nth and self.seen != self.nth) or self.seen <= self.after or (self.seen - self.after) % self.every:
            return False
        if self.times and self.done >= self.times:
            return False
        if self.rate < 1 and not dice.chance(self.rate, self.kind, self.method, self.endpoint, self.seen):
            return False
        self.done += 1
        return True


def endpoint_of(request: Request) -> str:
    """The last part of a list's path, such as `records`; `jobs` for a job."""
    parts = request.path.removeprefix(PREFIX).strip("/").split("/")
    return "jobs" if len(parts) == 4 and parts[2] == "jobs" else parts[-1]


class Faults:
    """The faults of one sandbox, applied between requests and the API."""

    def __init__(self, api: Api, faults: list[Fault], seed: int) -> None:
        self._api = api
        self._dice = Dice(seed)
        self._lock = threading.Lock()
        self.planned = list(faults)

    def show(self) -> list[dict[str, Any]]:
        """The planned faults as objects, with their counts `seen` and `done`."""
        return [asdict(fault) for fault in self.planned]

    def answer(self, request: Request, next_answer: Callable[[Request], Answer]) -> Answer:
        """Answer a request, with the faults that are due."""
        with self._lock:
            due = [fault for fault in self.planned if fault.meets(request, self._dice)]
        for fault in due:
            if fault.kind == "status":
                return self._status_answer(request, fault)
            if fault.kind == "reset":
                return Answer(200, b"", break_after=-1)
            if fault.kind == "html":
                return Answer(200, b"<html><body>Sign in to continue</body></html>", {"Content-Type": "text/html"})
            if fault.kind == "huge":
                return Answer(200, b'{"data":"' + b"x" * HUGE + b'"}')
            if fault.kind == "remove-row":
                self._remove_row(request)
        answer = next_answer(request)
        for fault in due:
            answer = self._with_fault(fault, request, answer, next_answer)
        return answer

    def _status_answer(self, request: Request, fault: Fault) -> Answer:
        if fault.status in (499, 520):
            return Answer(fault.status, b"")
        codes = {400: "1000", 401: "9001", 403: "9001", 404: "1000"}
        status = HTTPStatus(fault.status)
        problem = Problem(status, codes.get(fault.status, "9000"), status.phrase)
        answer = problem_answer(problem, request.path, self._api.clock, self._api.switches["errorBody"])
        if fault.retry_after is not None:
            answer.headers["Retry-After"] = f"{fault.retry_after:g}"
            if fault.as_date:
                when = datetime.now(UTC) + timedelta(seconds=fault.retry_after)
                answer.headers["Retry-After"] = format_datetime(when, usegmt=True)
        return answer

    def _remove_row(self, request: Request) -> None:
        parts = request.path.removeprefix(PREFIX).split("/")
        study = self._api.studies.get(parts[1]) if len(parts) == 3 else None
        if study is not None and parts[2] in KEYS and parts[2] != "studies" and len(study.table(parts[2])):
            table = study.table(parts[2])
            table.remove(table.places()[min(3, len(table) - 1)])

    def _with_fault(
        self, fault: Fault, request: Request, answer: Answer, next_answer: Callable[[Request], Answer]
    ) -> Answer:
        kind, body = fault.kind, answer.body
        if kind == "latency":
            factor = growth(fault.spread * bell(self._dice.bits("latency", fault.seen))) if fault.spread else 1.0
            answer.delay += fault.seconds * factor
        elif kind == "slow":
            answer.bytes_per_second = fault.bytes_per_second
        elif kind == "drop-after-store":
            answer.break_after = -1
        elif kind == "reset-inside":
            answer.break_after = len(body) // 2
        elif kind == "cut":
            answer.headers["Content-Length"] = str(len(body))
            answer.body = body[: len(body) // 2]
        elif kind == "truncate":
            answer.body = body[: len(body) // 2]
        elif kind == "bad-gzip":
            answer.page = None
            answer.headers["Content-Encoding"] = "gzip"
        elif kind == "content-type":
            answer.headers["Content-Type"] = "text/plain"
        elif kind == "repeat-page":
            return next_answer(_previous_page(request))
        elif answer.status == 200:
            self._change_page(kind, request, answer, next_answer)
        return answer

    @staticmethod
    def _change_page(kind: str, request: Request, answer: Answer, next_answer: Callable[[Request], Answer]) -> None:
        """Change the rows or the pagination of a page; answers that are no page stay as they are."""
        page = json.loads(answer.body)
        pagination = page.get("pagination") if isinstance(page, dict) else None
        if not pagination:
            return
        if kind == "empty-page":
            page["data"] = []
        elif kind == "no-pagination":
            page["pagination"] = None
        elif kind in ("fewer-pages", "more-pages"):
            step = -1 if kind == "fewer-pages" else 1
            if pagination["totalPages"] + step < 1:
                return
            pagination["totalPages"] += step
            pagination["totalElements"] += step * pagination["size"]
        elif kind == "repeat-row" and page["data"]:
            previous = json.loads(next_answer(_previous_page(request)).body).get("data")
            page["data"][0] = (previous or page["data"])[-1]
        answer.body = encoded(page)


def _previous_page(request: Request) -> Request:
    """The same request, for the previous page."""
    parts = urlsplit(request.target)
    query = parse_qsl(parts.query, keep_blank_values=True)
    pages = [value for name, value in query if name == "page"]
    if pages and pages[-1].isdecimal():
        query = [pair for pair in query if pair[0] != "page"] + [("page", str(max(0, int(pages[-1]) - 1)))]
    return Request(request.method, f"{parts.path}?{urlencode(query)}", request.headers, request.body)
