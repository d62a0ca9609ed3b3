"""What goes wrong on the way: by rate with a seed, or as a script such as «the third GET of records»."""

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
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
ENDPOINTS = (*KEYS, "jobs")

KINDS = {
    "status": "answer with `status` (429, 500, ...) and, with `retry_after`, a header that says when to come back",
    "reset": "reset the connection before anything is sent",
    "reset-inside": "reset the connection in the middle of the body",
    "cut": "announce the whole body, send half of it, and close",
    "truncate": "send half of the body as if it were whole",
    "bad-gzip": "say that the body is compressed, although it is not",
    "html": "answer 200 with a page of HTML",
    "content-type": "send the right body as `text/plain`",
    "slow": "send `bytes_per_second`",
    "latency": "wait `seconds` before answering; with `spread`, log-normally around that",
    "repeat-page": "send the page before instead of the one asked for",
    "empty-page": "send a page without rows",
    "no-pagination": "send a page whose `pagination` is null",
    "fewer-pages": "say that there is one page less, and as many rows less",
    "more-pages": "say that there is one page more, and as many rows more",
    "repeat-row": "send the last row of the page before again instead of the first row",
    "remove-row": "take a row of the first page out of the list, so that all later ones move up",
    "drop-after-store": "do what was asked for, then reset the connection: whether it was stored cannot be seen",
    "huge": "send a body of 60 MB",
}
"""Kind of fault -> what the server does."""
OPTIONS = (
    "nth", "after", "every", "times", "rate", "status", "retry_after", "as_date", "seconds", "spread",
    "bytes_per_second",
)  # fmt: skip
"""What words of a fault may set besides method and list."""


@dataclass
class Fault:
    """One thing that goes wrong, and when.

    Args:
        kind: what happens, one of `KINDS`.
        method, endpoint: which requests it is about; the endpoint is the last part of a list's path, such as `records`.
        nth: only the nth of those, counted from 1; 0 means any.
        after: only those after so many.
        every: every so many of those.
        times: at most so often; 0 means always.
        rate: only this share, drawn with the seed of the sandbox.
        status, retry_after, as_date: of a fault `status`; the delay in seconds, as number or as HTTP date.
        seconds, spread: of a fault `latency`.
        bytes_per_second: of a fault `slow`.

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
    done: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind!r}; choose one of: {', '.join(KINDS)}")
        if self.kind == "status" and self.status not in {int(one) for one in HTTPStatus if one >= 400} | {499, 520}:
            raise ValueError(f"a fault answers with a status from 400 on, not with {self.status}")
        self.method = self.method.upper()
        if self.method and self.method not in METHODS:
            raise ValueError(f"a fault is about one of the methods {', '.join(METHODS)}, not about {self.method!r}")
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
        if not all(isinstance(one, (int, float)) and 0 <= one < 10**9 for one in (*numbers, self.every, self.rate)):
            raise ValueError(f"fault {self.kind}: numbers cannot be negative, nor endless")
        if self.rate > 1 or self.every < 1:
            raise ValueError(f"fault {self.kind}: rate is from 0 to 1, every from 1")

    @classmethod
    def read(cls, text: str) -> Fault:
        """A fault from words: `KIND [METHOD] [ENDPOINT] [name=value ...]`."""
        kind, *words = text.split() or [""]
        chosen: dict[str, Any] = {}
        known = {one.name: one.default for one in fields(cls) if one.name in OPTIONS}
        for word in words:
            name, sign, value = word.partition("=")
            if not sign:
                name = "method" if word.upper() in METHODS else "endpoint"
                if name in chosen:
                    raise ValueError(f"a fault is about one {name}; {chosen[name]!r} and {word!r} are two faults")
                chosen[name] = word
                continue
            if name not in known:
                raise ValueError(f"a fault has no {name!r}; choose from: {', '.join(known)}")
            default = known[name]
            try:
                if isinstance(default, bool):
                    chosen[name] = {"true": True, "false": False}[value]
                elif isinstance(default, str):
                    chosen[name] = value
                else:
                    chosen[name] = int(value) if isinstance(default, int) else float(value)
            except (ValueError, KeyError):
                raise ValueError(f"{name}={value} is not what a fault takes there") from None
        return cls(kind, **chosen)

    def meets(self, request: Request, dice: Dice) -> bool:
        """Whether this request is to go wrong; counts the requests it is about."""
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
    """The last part of a list's path; `jobs` for a job."""
    parts = request.path.removeprefix(PREFIX).strip("/").split("/")
    return "jobs" if len(parts) == 4 and parts[2] == "jobs" else parts[-1]


class Faults:
    """The faults of one sandbox, between requests and the API."""

    def __init__(self, api: Api, faults: list[Fault], seed: int) -> None:
        self._api = api
        self._dice = Dice(seed)
        self._lock = threading.Lock()
        self.planned = list(faults)

    def show(self) -> list[dict[str, Any]]:
        """What is planned, with how often it was met and done."""
        return [asdict(fault) for fault in self.planned]

    def answer(self, request: Request, next_answer: Callable[[Request], Answer]) -> Answer:
        """Answer a request, with what is to go wrong."""
        with self._lock:
            due = [fault for fault in self.planned if fault.meets(request, self._dice)]
        for fault in due:
            if fault.kind == "status":
                return self._refusal(request, fault)
            if fault.kind == "reset":
                return Answer(200, b"", break_after=-1)
            if fault.kind == "html":
                return Answer(200, b"<html><body>Sign in to continue</body></html>", {"Content-Type": "text/html"})
            if fault.kind == "huge":
                return Answer(200, b'{"data":"' + b"x" * HUGE + b'"}')
            if fault.kind == "remove-row":
                self._remove(request)
        answer = next_answer(request)
        for fault in due:
            answer = self._spoilt(fault, request, answer, next_answer)
        return answer

    def _refusal(self, request: Request, fault: Fault) -> Answer:
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

    def _remove(self, request: Request) -> None:
        parts = request.path.removeprefix(PREFIX).split("/")
        study = self._api.studies.get(parts[1]) if len(parts) == 3 else None
        if study is not None and parts[2] in KEYS and parts[2] != "studies" and len(study.table(parts[2])):
            table = study.table(parts[2])
            table.remove(table.places()[min(3, len(table) - 1)])

    def _spoilt(
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
            return next_answer(_page_before(request))
        elif answer.status == 200:
            self._reword(kind, request, answer, next_answer)
        return answer

    @staticmethod
    def _reword(kind: str, request: Request, answer: Answer, next_answer: Callable[[Request], Answer]) -> None:
        """Change what a page says."""
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
            before = json.loads(next_answer(_page_before(request)).body).get("data")
            page["data"][0] = (before or page["data"])[-1]
        answer.body = encoded(page)


def _page_before(request: Request) -> Request:
    """The same request for the page before."""
    parts = urlsplit(request.target)
    query = parse_qsl(parts.query, keep_blank_values=True)
    pages = [value for name, value in query if name == "page"]
    if pages and pages[-1].isdecimal():
        query = [pair for pair in query if pair[0] != "page"] + [("page", str(max(0, int(pages[-1]) - 1)))]
    return Request(request.method, f"{parts.path}?{urlencode(query)}", request.headers, request.body)
