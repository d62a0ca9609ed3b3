"""A simulated server whose rows change between requests, and a driver of reads; used by the suite and the soak."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from imednet.core.decoding.page import Page
from imednet.core.reading.intervals import Consistency, Fetch, WholeRead
from imednet.core.reading.list_call import ListCall
from imednet.errors import BadRequestError
from imednet_api.api import operation
from imednet_api.types import Request


class Server:
    """Rows that are only identities; `change` is called before each answer.

    A filter on `recordStatus` lets through the rows in `matching`, all others let through every row.
    """

    def __init__(self, rows: list[Any], change: Callable[[Server], None] = lambda _: None, fence: bool = True) -> None:
        self.rows = list(rows)
        self.matching = set(rows)
        self.change = change
        self.fence = fence
        self.answers = 0
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Page:
        self.requests.append(request)
        self.answers += 1
        self.change(self)
        query = dict(request.query)
        rows = sorted(self.rows, reverse="desc" in query["sort"])
        expression = query.get("filter", "")
        if "recordStatus" in expression:
            rows = [row for row in rows if row in self.matching]
        for sign, number in re.findall(r"(?:recordId|codingId)(<=|>)(-?\d+)", expression):
            if not self.fence:
                raise BadRequestError({}, 400)
            rows = [row for row in rows if (head(row) <= int(number)) is (sign == "<=")]
        number, size = int(query["page"]), int(query["size"])
        shown = rows[number * size : (number + 1) * size]
        return Page(shown, number, size, -(-len(rows) // size), len(rows), shown, "now")


def head(row: Any) -> int:
    """The growing part of an identity."""
    found: int = row[0] if isinstance(row, tuple) else row
    return found


def records(**options: Any) -> ListCall:
    """A list of records in pages of ten."""
    return ListCall(operation("list_records"), "S", **{"page_size": 10, **options})


def run(server: Server, call: ListCall | None = None, ahead: int = 0, **options: Any) -> tuple[list[Any], WholeRead]:
    """Drive a read as the real drivers do, answering requests that were asked ahead in an order of chance."""
    read = WholeRead(call or records(), ahead=ahead, **options)
    dice = random.Random(ahead)
    under_way: dict[Request, Page] = {}
    rows: list[Any] = []
    steps = read.steps()
    step: Fetch | Page = next(steps)
    try:
        while True:
            if isinstance(step, Page):
                rows += step.rows
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
        return rows, read


@dataclass
class Schedule:
    """One random schedule of inserts, deletes (balanced ones among them) and updates.

    Attributes:
        always: rows that were there, and let through by the filter, during the whole read.
        call: what is read: all rows, or those of a status that changes meanwhile.
    """

    seed: int
    always: set[int] = field(default_factory=set)
    consistency: Consistency = "repair"

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)
        start = sorted(dice.sample(range(1, 400), dice.randrange(11, 60)))
        busy = dice.choice([0.02, 0.1, 0.5])
        self.call = records(filter="recordStatus==Complete") if self.seed % 3 == 0 else records()
        self.always = set(start)

        def change(server: Server) -> None:
            while dice.random() < busy:
                what = dice.choice(["insert", "delete", "balanced", "update", "update"])
                if what in ("delete", "balanced") and server.rows:
                    gone = dice.choice(server.rows)
                    server.rows.remove(gone)
                    self.always.discard(gone)
                if what in ("insert", "balanced"):
                    new = max([400, *server.rows]) + dice.randrange(1, 4)
                    server.rows.append(new)
                    server.matching.add(new)
                if what == "update" and self.seed % 3 == 0 and server.rows:
                    row = dice.choice(server.rows)
                    server.matching ^= {row}
                    self.always.discard(row)

        self.server = Server(start, change)

    def read(self) -> tuple[list[Any], WholeRead]:
        """The rows a read brings. Raises what the read raises."""
        return run(self.server, self.call, ahead=self.seed % 4, consistency=self.consistency)
