"""Requests to answers, without a socket: keys, routes, paging, sorting, filters and the vendor's error envelopes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .design import CLOCK
from .expressions import Refused, Test, parse_answers_filter, parse_filter
from .study import DEFAULT_SORT, KEYS, Row, Study, study_rows

PREFIX = "/api/v1/edc/"
MAX_SIZE = 500
DEFAULT_SIZE = 25
_KEPT_PAGES = 4096
_KEPT_RESULTS = 32


@dataclass(frozen=True)
class Request:
    """One request as the server sees it; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query, decoded, in order."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)


@dataclass
class Answer:
    """What the server sends."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


Intercept = Callable[[Request, Callable[[Request], Answer]], Answer]
"""Stands between requests and the API: gets the request and the way to answer it, gives what is sent."""


class Problem(Exception):
    """A failure with the vendor's envelope."""

    def __init__(self, status: HTTPStatus, code: str, description: str, attribute: str = "", value: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.error: Row = {"code": code, "description": description}
        if attribute:
            self.error["field"] = {"attribute": attribute, "value": value}


def invalid(attribute: str, value: str) -> Problem:
    """A request value that is not valid."""
    return Problem(HTTPStatus.BAD_REQUEST, "1000", "Field raised validation errors", attribute, value)


class Api:
    """The API over a set of studies."""

    def __init__(self, studies: dict[str, Study], keys: list[dict[str, str]]) -> None:
        self.studies = studies
        self._sees = {(pair["apiKey"], pair["securityKey"]): pair["sees"] for pair in keys}
        self._pages: dict[tuple[str, bool], bytes] = {}
        self._results: dict[Any, tuple[list[Row], list[tuple[str, bool]]]] = {}

    def forget(self) -> None:
        """Drop what is kept of earlier answers; call it after changing rows."""
        self._pages.clear()
        self._results.clear()

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        try:
            unblinded = self._check_keys(request)
            _check_content_type(request)
            kept = (request.target, unblinded)
            body = self._pages.get(kept) if request.method == "GET" else None
            if body is None:
                body = _encoded(self._dispatch(request, unblinded))
                if len(self._pages) < _KEPT_PAGES:
                    self._pages[kept] = body
            return Answer(200, body)
        except Problem as problem:
            metadata = {
                "status": problem.status.name,
                "path": request.path,
                "timestamp": CLOCK,
                "error": problem.error,
            }
            return Answer(int(problem.status), _encoded({"metadata": metadata}))

    def _check_keys(self, request: Request) -> bool:
        pair = (request.headers.get("x-api-key", ""), request.headers.get("x-imn-security-key", ""))
        if pair not in self._sees:
            raise Problem(HTTPStatus.UNAUTHORIZED, "9001", "Insufficient permission to retrieve data")
        return self._sees[pair] == "all"

    def _dispatch(self, request: Request, unblinded: bool) -> Row:
        if not request.path.startswith(PREFIX) or request.method != "GET":
            raise Problem(HTTPStatus.NOT_FOUND, "1000", "Resource not found")
        parts = [unquote(part) for part in request.path[len(PREFIX) :].split("/")]
        if parts[0] != "studies" or len(parts) > 3 or (len(parts) == 3 and parts[2] not in KEYS):
            raise Problem(HTTPStatus.NOT_FOUND, "1000", "Resource not found")
        if len(parts) == 1:
            return self._list(request, "studies", None, unblinded)
        study = self.studies.get(parts[1])
        if study is None:
            description = "Insufficient permission to retrieve data"
            raise Problem(HTTPStatus.FORBIDDEN, "9001", description, "studyKey", parts[1])
        if len(parts) == 2:
            raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "9000", "Unknown error")
        return self._list(request, parts[2], study, unblinded)

    def _list(self, request: Request, name: str, study: Study | None, unblinded: bool) -> Row:
        query: dict[str, list[str]] = {}
        for key, value in request.query:
            query.setdefault(key, []).append(value)
        page = _number(query, "page", 0, 0, 2**31)
        size = _number(query, "size", DEFAULT_SIZE, 1, MAX_SIZE)
        rows, order = self._result(name, study, query, unblinded)
        shown = rows[page * size : (page + 1) * size]
        if name == "records" and study is not None:
            shown = [study.whole_record(row, unblinded=unblinded) for row in shown]
        return {
            "metadata": {
                "status": "OK",
                "method": "GET",
                "path": request.path,
                "timestamp": CLOCK,
                "error": {},
            },
            "pagination": {
                "currentPage": page,
                "size": size,
                "totalPages": -(-len(rows) // size),
                "totalElements": len(rows),
                "sort": [{"property": name, "direction": "DESC" if down else "ASC"} for name, down in order],
            },
            "data": shown,
        }

    def _chosen(
        self, rows: list[Row], name: str, study: Study | None, query: dict[str, list[str]], unblinded: bool
    ) -> list[Row]:
        if name == "users":
            wide = query.get("includeInactive", ["false"])[-1].lower()
            if wide not in ("true", "false"):
                raise invalid("includeInactive", wide)
            return rows if wide == "true" else [row for row in rows if row["userActiveInStudy"]]
        if "filter" in query:
            test = _filter(query["filter"][-1], name, rows)
            if name == "visits" and study is not None:
                rows = _with_groups(rows, test, study)
            else:
                rows = [row for row in rows if test(row)]
        if name == "records" and "recordDataFilter" in query and study is not None:
            text = query["recordDataFilter"][-1]
            try:
                matches = parse_answers_filter(text)
            except Refused:
                raise invalid("recordDataFilter", text) from None
            rows = [row for row in rows if matches(study.answers(row, unblinded=unblinded) or {})]
        return rows

    def _result(
        self, name: str, study: Study | None, query: dict[str, list[str]], unblinded: bool
    ) -> tuple[list[Row], list[tuple[str, bool]]]:
        """All rows a request means, in order, and the order; kept, so that a later page of the same costs nothing."""
        rows = study.rows(name) if study is not None else study_rows(self.studies)
        asked = tuple((key, tuple(values)) for key, values in sorted(query.items()) if key not in ("page", "size"))
        kept = (study.key if study else None, name, asked, unblinded, len(rows))
        found = self._results.get(kept)
        if found is None:
            order = _order(name, query.get("sort", []), rows)
            rows = self._chosen(rows, name, study, query, unblinded)
            for field_name, down in reversed([*order, *((key, False) for key in KEYS[name])]):
                rows = sorted(rows, key=lambda row: _sortable(row[field_name]), reverse=down)
            if len(self._results) >= _KEPT_RESULTS:
                self._results.clear()  # at once, since requests come from several threads
            found = self._results[kept] = (rows, order)
        return found


def _check_content_type(request: Request) -> None:
    """The documentation asks for a content type also where nothing is sent."""
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != "application/json":
        raise invalid("Content-Type", given)


def _number(query: dict[str, list[str]], name: str, default: int, low: int, high: int) -> int:
    text = query.get(name, [str(default)])[-1]
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or not low <= int(text) <= high:
        raise invalid(name, text)
    return int(text)


def _order(name: str, sort: list[str], rows: list[Row]) -> list[tuple[str, bool]]:
    order = []
    for text in sort or [f"{DEFAULT_SORT[name]},asc"]:
        field_name, _, direction = text.partition(",")
        direction = direction.lower() or "asc"
        if direction not in ("asc", "desc") or field_name not in _scalars(name, rows):
            raise invalid("sort", text)
        order.append((field_name, direction == "desc"))
    return order


def _filter(text: str, name: str, rows: list[Row]) -> Test:
    attributes = _scalars(name, rows) - {"deleted"}
    if name == "visits":
        attributes |= {"intervalGroupId", "intervalGroupName"}
    try:
        return parse_filter(text, attributes)
    except Refused:
        raise invalid("filter", text) from None


def _with_groups(rows: list[Row], test: Test, study: Study) -> list[Row]:
    """Visits can be filtered by the group of their interval, which their rows do not hold."""
    groups = {
        interval["intervalId"]: {key: interval[key] for key in ("intervalGroupId", "intervalGroupName")}
        for interval in study.rows("intervals")
    }
    return [row for row in rows if test({**row, **groups[row["intervalId"]]})]


def _scalars(name: str, rows: list[Row]) -> set[str]:
    """Fields a list can be sorted and filtered by: all that hold neither a list nor an object."""
    if not rows:
        return set(KEYS[name]) | {DEFAULT_SORT[name]}
    return {key for key, value in rows[0].items() if key not in ("keywords", "roles", "forms", "queryComments")}


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, (int, float)) else (2, str(value))


def _encoded(body: Row) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
