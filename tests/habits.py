"""Simulated servers with bad habits, lists that change between answers, and a driver of reads over both.

Every answer is bytes that go through the page reader of the SDK, as they would behind a socket.
"""

from __future__ import annotations

import json
import operator
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from imednet.core.decoding.page import Page, read_page
from imednet.core.reading.ledger import Consistency, Fetch
from imednet.core.reading.list_call import ListCall
from imednet.core.reading.whole_read import WholeRead
from imednet.core.transport.responses import UnsoundAnswer
from imednet.errors import BadRequestError
from imednet_api.api import operation
from imednet_api.types import Request

Rows = dict[Any, str]
"""Number of a row (or number and revision) -> its status; in the order in which the server keeps them."""
_COMPARE = {"==": operator.eq, "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_ATTEMPTS = 3


def records(**options: Any) -> ListCall:
    """A list of records in pages of ten."""
    return ListCall(operation("list_records"), "S", **{"page_size": 10, **options})


class Server:
    """Answers lists of records or codings honestly; a habit is a subclass that does one thing otherwise.

    Args:
        rows: what the list holds; numbers, or numbers with the status of their row.
        change: called before each answer, to change `rows`.
    """

    def __init__(self, rows: Any, change: Callable[[Server], None] = lambda _: None) -> None:
        self.rows: Rows = dict(rows) if isinstance(rows, dict) else dict.fromkeys(rows, "A")
        self.change = change
        self.dice = random.Random(len(self.rows))
        self.requests: list[Request] = []

    @property
    def answers(self) -> int:
        return len(self.requests)

    def answer(self, request: Request) -> Page:
        """One page, read and checked as the client does it, and asked for again as the client does it."""
        reader = read_page(request.operation, "dictionaries", "S")
        url = f"https://h.org{request.path}?{httpx.QueryParams(list(request.query))}"
        for attempt in range(_ATTEMPTS):
            self.requests.append(request)
            self.change(self)
            content = self.content(request)
            try:
                return reader(httpx.Response(200, content=content, request=httpx.Request("GET", url)))
            except UnsoundAnswer as error:
                if attempt + 1 == _ATTEMPTS:
                    raise error.error from None
            except httpx.DecodingError:
                if attempt + 1 == _ATTEMPTS:
                    raise
        raise AssertionError

    # ---- what a habit may do otherwise

    def source(self) -> Rows:
        """The copy of the rows that answers."""
        return self.rows

    def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
        """Whether a row passes a filter."""
        return all(
            _COMPARE[sign](number_of(key), int(value)) if name.endswith("Id") else _COMPARE[sign](status, value)
            for name, sign, value in clauses
        )

    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        """Rows in the order that was asked for."""
        return sorted(rows, reverse=descending)

    def total(self, found: list[Any], expression: str) -> int:
        """How many rows the server says there are."""
        return len(found)

    def sized(self, size: int) -> tuple[int, int]:
        """Rows a page that are given, and that are told."""
        return size, size

    def shown(self, page: list[Any], found: list[Any]) -> list[Any]:
        """The rows of one page."""
        return page

    def row(self, key: Any, status: str, request: Request) -> dict[str, Any]:
        """One row as JSON."""
        named = dict(zip(request.operation.page.key, key if isinstance(key, tuple) else (key,), strict=True))  # type: ignore[union-attr]
        return {"studyKey": "S", **named, "recordStatus": status}

    def body(self, body: dict[str, Any]) -> bytes:
        """The bytes of an answer."""
        return json.dumps(body).encode()

    def content(self, request: Request) -> bytes:
        """The bytes of the answer to a request."""
        query = dict(request.query)
        expression = query.get("filter", "")
        either = [re.findall(r"(\w+)(==|<=|>=|<|>)([^;]+)", part) for part in expression.split(",")]
        held = self.source()
        found = [key for key, status in held.items() if any(self.passes(key, status, clauses) for clauses in either)]
        found = self.ordered(found, descending="desc" in query["sort"])
        size, told = self.sized(int(query["size"]))
        number = int(query["page"])
        page = self.shown(found[number * size : (number + 1) * size], found)
        total = self.total(found, expression)
        return self.body(
            {
                "metadata": {"status": "OK", "path": request.path, "timestamp": "now", "error": {}},
                "pagination": {
                    "currentPage": number, "size": told, "totalPages": -(-total // told), "totalElements": total,
                },
                "data": [self.row(key, held.get(key, "A"), request) for key in page],
            }
        )  # fmt: skip


def number_of(key: Any) -> int:
    """The number of a row, the first part of a revision."""
    found: int = key[0] if isinstance(key, tuple) else key
    return found


# ---------------------------------------------------------------------------------------------- habits


class TextSort(Server):
    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        return sorted(rows, key=str, reverse=descending)


class TextAll(TextSort):
    def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
        texts = {True: str(key), False: status}
        return all(_COMPARE[sign](texts[name.endswith("Id")], value) for name, sign, value in clauses)


class Unsorted(Server):
    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        return rows


class Shuffled(Server):
    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        return self.dice.sample(rows, len(rows))


class OneLast(Server):
    """The third row comes physically last, all others in order."""

    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        found = sorted(rows, reverse=descending)
        third: list[Any] = vars(self).setdefault("third", sorted(self.rows)[2:3])
        return [row for row in found if row not in third] + [row for row in found if row in third]


class AlwaysDescending(Server):
    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        return sorted(rows, reverse=True)


class AlwaysAscending(Server):
    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        return sorted(rows)


class CappedTotal(Server):
    def total(self, found: list[Any], expression: str) -> int:
        return min(10, len(found))


class CachedTotals(Server):
    """A total is counted once for each expression."""

    def total(self, found: list[Any], expression: str) -> int:
        kept: dict[str, int] = vars(self).setdefault("kept", {})
        return kept.setdefault(re.sub(r"-?\d+", "", expression), len(found))


class CachedExactTotals(Server):
    def total(self, found: list[Any], expression: str) -> int:
        kept: dict[str, int] = vars(self).setdefault("kept", {})
        return kept.setdefault(expression, len(found))


class TotalOfAll(Server):
    def total(self, found: list[Any], expression: str) -> int:
        return len(self.rows)


class TotalOffByOne(Server):
    def total(self, found: list[Any], expression: str) -> int:
        return len(found) + (self.dice.random() < 0.3)


class ClampedAloud(Server):
    def sized(self, size: int) -> tuple[int, int]:
        return min(size, 4), min(size, 4)


class ClampedSilently(Server):
    def sized(self, size: int) -> tuple[int, int]:
        return min(size, 4), size


class FickleSize(Server):
    def sized(self, size: int) -> tuple[int, int]:
        told = self.dice.randrange(1, size + 1)
        return told, told


class GreaterOrEqual(Server):
    def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
        return super().passes(
            key, status, [(name, {">": ">="}.get(sign, sign), value) for name, sign, value in clauses]
        )


class LessOrEqual(Server):
    """`<` is taken for `<=`, and `<=` for `<`."""

    def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
        taken = {"<": "<=", "<=": "<"}
        return super().passes(key, status, [(name, taken.get(sign, sign), value) for name, sign, value in clauses])


class NoFilters(Server):
    def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
        return True


class NoNumberFilter(Server):
    def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
        return super().passes(key, status, [clause for clause in clauses if not clause[0].endswith("Id")])


class FirstFilterOnly(Server):
    def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
        return super().passes(key, status, clauses[:1])


class RefusesNumberFilters(Server):
    def content(self, request: Request) -> bytes:
        if re.search(r"Id[<>]", dict(request.query).get("filter", "")):
            raise BadRequestError({}, 400)
        return super().content(request)


class RepeatsARow(Server):
    def shown(self, page: list[Any], found: list[Any]) -> list[Any]:
        return [*page[:-1], page[0]] if len(page) > 1 else page


class RowsTwice(Server):
    """A join that gives some rows twice, counted twice."""

    def ordered(self, rows: list[Any], *, descending: bool) -> list[Any]:
        return sorted([*rows, *[row for row in rows if number_of(row) % 7 == 0]], reverse=descending)


class HidesARow(Server):
    """A row is counted and never shown; the next one comes in its place."""

    def shown(self, page: list[Any], found: list[Any]) -> list[Any]:
        hidden: list[Any] = vars(self).setdefault("hidden", sorted(self.rows)[3:4])
        if not set(hidden) & set(page):
            return page
        later = [row for row in found if page and row not in page and row > page[-1]]
        return [row for row in page if row not in hidden] + later[:1]


class SkipsARow(Server):
    """Now and then a row of a page is left out, and the next one comes in its place."""

    def shown(self, page: list[Any], found: list[Any]) -> list[Any]:
        later = [row for row in found if page and row not in page and row > page[-1]]
        if len(page) > 2 and later and self.dice.random() < 0.3:
            gone = self.dice.choice(page[:-1])
            return [row for row in page if row != gone] + later[:1]
        return page


class OnePageLate(Server):
    """Pages are counted from one, and page 0 is taken for page 1."""

    def content(self, request: Request) -> bytes:
        query = [(name, str(max(0, int(value) - 1)) if name == "page" else value) for name, value in request.query]
        return super().content(Request(request.operation, request.path, tuple(query)))


class TellsOneBased(Server):
    def body(self, body: dict[str, Any]) -> bytes:
        body["pagination"]["currentPage"] += 1
        return super().body(body)


class TextNumbers(Server):
    def row(self, key: Any, status: str, request: Request) -> dict[str, Any]:
        return {**super().row(key, status, request), "recordId": str(key)}


class TextNumbersSortedAsText(TextSort):
    def row(self, key: Any, status: str, request: Request) -> dict[str, Any]:
        return {**super().row(key, status, request), "recordId": str(key)}


class FloatNumbers(Server):
    def row(self, key: Any, status: str, request: Request) -> dict[str, Any]:
        return {**super().row(key, status, request), "recordId": float(key)}


class NullNumbers(Server):
    def row(self, key: Any, status: str, request: Request) -> dict[str, Any]:
        return {**super().row(key, status, request), "recordId": None if key % 11 == 0 else key}


class ForeignRows(Server):
    def row(self, key: Any, status: str, request: Request) -> dict[str, Any]:
        return {**super().row(key, status, request), "studyKey": "S" if self.dice.random() < 0.97 else "T"}


class ForeignPath(Server):
    def body(self, body: dict[str, Any]) -> bytes:
        if self.dice.random() < 0.1:
            body["metadata"]["path"] = body["metadata"]["path"].replace("/S/", "/T/")
        return super().body(body)


class ByteOrderMark(Server):
    def body(self, body: dict[str, Any]) -> bytes:
        return b"\xef\xbb\xbf" + super().body(body)


class StrayPages(Server):
    def body(self, body: dict[str, Any]) -> bytes:
        return b"<html>" if self.dice.random() < 0.15 else super().body(body)


class EmptyObjects(Server):
    def body(self, body: dict[str, Any]) -> bytes:
        return b"{}" if self.dice.random() < 0.15 else super().body(body)


class CutBodies(Server):
    def body(self, body: dict[str, Any]) -> bytes:
        whole = super().body(body)
        return whole[: self.dice.randrange(len(whole))] if self.dice.random() < 0.15 else whole


class RepeatsAnAnswer(Server):
    """Now and then the answer before comes again, to another request."""

    def body(self, body: dict[str, Any]) -> bytes:
        before: bytes | None = vars(self).get("before")
        whole = super().body(body)
        vars(self)["before"] = whole
        return before if before is not None and self.dice.random() < 0.2 else whole


class Lagging(Server):
    """Answers from a copy that is some changes behind."""

    behind = 3

    def source(self) -> Rows:
        states: list[Rows] = vars(self).setdefault("states", [dict(self.rows)])
        if states[-1] != self.rows:
            states.append(dict(self.rows))
        return states[max(0, len(states) - 1 - self.behind)]


class LagsNowAndThen(Lagging):
    @property
    def behind(self) -> int:  # type: ignore[override]
        return self.dice.choice([0, 0, 1, 4])


class TwoCopies(Lagging):
    """Answers from two copies in turn, one of them some changes behind."""

    @property
    def behind(self) -> int:  # type: ignore[override]
        return 4 * (self.answers % 2)


HABITS: dict[str, type[Server]] = {
    name: kind
    for name, kind in list(globals().items())
    if isinstance(kind, type) and issubclass(kind, Server) and kind is not Server
}
"""All habits by name. Two are left out, since nobody can see them from outside: an answer that is not full and lies
about its own total, and a row that one of two copies never had.
"""

HIDING = ("OneLast", "HidesARow", "SkipsARow", "RepeatsAnAnswer")
"""Habits that give a wrong row here and there though everything else is right. At rest all of them are found; where the
list changes as well, one change at the right moment and another one later can cover for it, in less than one of
fifty of such schedules.
"""


# ---------------------------------------------------------------------------------------------- reads


def run(server: Server, call: ListCall | None = None, ahead: int = 0, **options: Any) -> tuple[list[Any], WholeRead]:
    """The keys of the rows that a read brings, and the read; requests sent ahead are answered in an order of chance."""
    read = WholeRead(call or records(), ahead=ahead, **options)
    read.far = ahead > 0
    dice = random.Random(ahead)
    under_way: dict[Request, Page] = {}
    keys: list[Any] = []
    steps = read.steps()
    step: Fetch | Page = next(steps)
    try:
        while True:
            if isinstance(step, Page):
                keys += step.identities
                step = steps.send(None)
                continue
            try:
                wanted = [request for request in (step.request, *step.ahead) if request not in under_way]
                dice.shuffle(wanted)
                for request in wanted:
                    under_way[request] = server.answer(request)
            except BadRequestError as error:
                step = steps.throw(error)
                continue
            step = steps.send(under_way.pop(step.request))
    except StopIteration:
        return [int(key) if isinstance(key, str) else key for key in keys], read


@dataclass
class Schedule:
    """A server, a list and what happens to it while it is read, all drawn from one seed.

    Attributes:
        always: rows that were in the list, and let through by the filter, in every state of it.
    """

    seed: int
    kind: type[Server] = Server
    most: int = 1
    consistency: Consistency = "repair"
    always: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        dice = self.dice = random.Random(self.seed)
        numbers = dice.sample(range(1, dice.choice([60, 400, 1200])), dice.randrange(3, 50))
        filtered = dice.random() < 0.4
        self.start: Rows = {number: dice.choice("AAAB") if filtered else "A" for number in numbers}
        self.often = dice.choice([0.02, 0.05, 0.1]) if self.most == 1 else 1.0
        expression = "recordStatus==A" if filtered else None
        self.call = records(filter=expression, page_size=dice.choice([3, 5, 10]))
        self.always = {number for number, status in self.start.items() if status == "A"}
        self.server = self.kind(self.start, self._change)

    def _change(self, server: Server) -> None:
        dice = self.dice
        if dice.random() >= self.often:
            return
        for _ in range(dice.randrange(1, self.most + 1)):
            what = dice.choice(["insert", "late", "delete", "delete", "balanced", "update", "update", "bulk", "back"])
            if what in ("delete", "balanced", "back", "bulk") and server.rows:
                for gone in dice.sample(sorted(server.rows), min(len(server.rows), 8 if what == "bulk" else 1)):
                    del server.rows[gone]
                    self.always.discard(gone)
                    if what == "back":
                        server.rows[gone] = "A"
                if what == "bulk" and dice.random() < 0.8:
                    return
            if what in ("insert", "balanced"):
                server.rows[max([0, *server.rows]) + dice.randrange(1, 4)] = "A"
            if what in ("late", "balanced"):
                server.rows.setdefault(dice.randrange(1, max([60, *server.rows])), "A")
            if what == "update" and server.rows:
                row = dice.choice(sorted(server.rows))
                server.rows[row] = dice.choice("AB") if self.call.filter else "A"
        self.always = {number for number in self.always if server.rows.get(number) == "A"}

    def read(self) -> tuple[list[Any], WholeRead]:
        """The rows a read brings. Raises what the read raises."""
        return run(self.server, self.call, ahead=self.seed % 4, consistency=self.consistency)
