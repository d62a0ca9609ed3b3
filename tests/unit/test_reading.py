"""Whole reads against a simulated server that changes between requests: proven means whole, always."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from imednet.core.pages import Page
from imednet.core.reading import Fetch, Identities, ListCall, WholeRead
from imednet.errors import BadRequestError, ImednetError, IncompleteReadError
from imednet_api.api import operation
from imednet_api.types import Request


class Server:
    """Rows that are only identities; `change` is called before each answer."""

    def __init__(self, rows: list[Any], change: Callable[[Server], None] = lambda _: None, fence: bool = True) -> None:
        self.rows = list(rows)
        self.change = change
        self.fence = fence
        self.answers = 0
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Page:
        self.requests.append(request)
        self.answers += 1
        self.change(self)
        query = dict(request.query)
        rows = sorted(self.rows, reverse=query["sort"].endswith("desc"))
        found = re.search(r"recordId<=(\d+)", query.get("filter", ""))
        if found:
            if not self.fence:
                raise BadRequestError({}, 400)
            rows = [row for row in rows if row <= int(found.group(1))]
        number, size = int(query["page"]), int(query["size"])
        shown = rows[number * size : (number + 1) * size]
        return Page(shown, number, size, -(-len(rows) // size), len(rows), shown, "now")


def run(server: Server, call: ListCall | None = None, ahead: int = 0) -> tuple[list[Any], WholeRead]:
    """Drive a read as the real drivers do, answering requests that were asked ahead as early as possible."""
    read = WholeRead(call or ListCall(operation("list_records"), "S", page_size=10), ahead=ahead)
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
                for request in (step.request, *step.ahead):
                    if request not in under_way:
                        under_way[request] = server.answer(request)
            except BadRequestError as error:
                step = steps.throw(error)
                continue
            step = steps.send(under_way.pop(step.request))
    except StopIteration:
        return rows, read


def test_one_page_is_one_request_and_proven() -> None:
    server = Server(list(range(1, 8)))
    rows, read = run(server)
    assert (rows, server.answers) == (list(range(1, 8)), 1)
    assert read.proof is not None
    assert (read.proof.status, read.proof.rule) == ("proven", "single page")


def test_nothing_is_proven_whole_too() -> None:
    rows, read = run(Server([]))
    assert rows == []
    assert read.proof is not None
    assert read.proof.proven


def test_several_pages_are_fenced() -> None:
    server = Server(list(range(1, 96)))
    rows, read = run(server, ahead=3)
    assert rows == list(range(1, 96))
    proof = read.proof
    assert proof is not None
    assert (proof.rule, proof.total, proof.fence, proof.growth) == ("fence", 95, 95, 0)
    assert proof.requests == server.answers == 10 + 3
    assert dict(server.requests[1].query)["sort"] == "recordId,desc"
    assert dict(server.requests[-1].query)["filter"] == "recordId<=95"


def test_growth_is_kept_and_reported() -> None:
    def grow(server: Server) -> None:
        server.rows.append(max(server.rows) + 1)

    rows, read = run(Server(list(range(1, 40)), grow))
    assert rows[:40] == list(range(1, 41))
    assert read.proof is not None
    assert read.proof.proven
    assert read.proof.growth == len(rows) - read.proof.total > 0


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("when", range(3, 8))
def test_a_deletion_between_pages_is_never_missed(when: int, balanced: bool) -> None:
    """Also when an insertion balances it, so that all totals stay the same."""

    def change(server: Server) -> None:
        if server.answers == when:
            server.rows.remove(5)
            if balanced:
                server.rows.append(1000)

    with pytest.raises(IncompleteReadError):
        run(Server(list(range(1, 51)), change))


def test_without_a_fence_the_totals_rule_says_unproven() -> None:
    _, read = run(Server(list(range(1, 51)), fence=False))
    assert read.proof is not None
    assert (read.proof.status, read.proof.rule) == ("unproven", "totals")
    assert "refused" in (read.proof.reason or "")


@pytest.mark.parametrize(
    ("expression", "proven"),
    [("formKey==AE", True), ("formKey==AE,formKey==VS", False), ("recordId>5", False), ("siteId==1;formKey==AE", True)],
)
def test_a_filter_is_joined_with_the_fence_only_where_that_is_safe(expression: str, proven: bool) -> None:
    server = Server(list(range(1, 51)))
    _, read = run(server, ListCall(operation("list_records"), "S", filter=expression, page_size=10))
    assert read.proof is not None
    assert read.proof.proven is proven
    sent = [dict(request.query)["filter"] for request in server.requests]
    assert sent[0] == expression
    assert (sent[-1] == f"{expression};recordId<=50") is proven


def test_changes_under_the_totals_rule_are_errors() -> None:
    def grow(server: Server) -> None:
        server.rows.append(max(server.rows) + 1)

    with pytest.raises(IncompleteReadError):
        run(Server(list(range(1, 51)), grow, fence=False))


def test_a_server_that_clamps_the_page_size_is_read_with_its_size() -> None:
    class Clamping(Server):
        def answer(self, request: Request) -> Page:
            query = dict(request.query)
            smaller = [(name, str(min(7, int(value))) if name == "size" else value) for name, value in query.items()]
            return super().answer(Request(request.operation, request.path, tuple(smaller)))

    server = Clamping(list(range(1, 51)))
    rows, read = run(server, ahead=3)
    assert rows == list(range(1, 51))
    assert read.proof is not None
    assert read.proof.proven


def test_a_size_that_changes_while_reading_is_an_error() -> None:
    class Fickle(Server):
        def answer(self, request: Request) -> Page:
            page = super().answer(request)
            return Page(page.rows, page.number, page.size + (self.answers > 3), 99, 990, page.identities)

    with pytest.raises(IncompleteReadError, match="page size changed"):
        run(Fickle(list(range(1, 51))))


def schedule(seed: int) -> tuple[Server, Callable[[], set[int]]]:
    """A server with a random schedule of inserts and deletes, and what was there during the whole read."""
    dice = random.Random(seed)
    start = sorted(dice.sample(range(1, 400), dice.randrange(11, 60)))
    always: set[int] = set(start)

    def change(server: Server) -> None:
        for _ in range(dice.choice([0, 0, 0, 0, 0, 1, 1, 2])):
            insert = dice.random() < 0.5
            if insert or not server.rows:
                server.rows.append(max([400, *server.rows]) + dice.randrange(1, 4))
            else:
                gone = dice.choice(server.rows)
                server.rows.remove(gone)
                always.discard(gone)

    return Server(start, change), lambda: always


def test_random_schedules_never_prove_a_read_that_lacks_a_row() -> None:
    """2,000 schedules of inserts and deletes, balanced ones among them, with and without asking ahead."""
    proven = refused = 0
    for seed in range(2000):
        server, always = schedule(seed)
        try:
            rows, read = run(server, ahead=seed % 4)
        except ImednetError:
            refused += 1
            continue
        assert read.proof is not None
        assert read.proof.proven
        assert always() <= set(rows), seed
        assert len(rows) == len(set(rows)), seed
        proven += 1
    assert proven > 200
    assert refused > 200


class TestIdentities:
    def test_growing_numbers_and_anything_else_are_counted_alike(self) -> None:
        for pages in ([[1, 2], [5, 9]], [[9, 5], [2, 1]], [[(1, 1), (1, 2)], [(5, 1), (9, 9)]]):
            seen = Identities()
            for page in pages:
                seen.add(list(page), "x")
            assert len(seen) == 4
            assert seen.up_to(5) == 3

    @pytest.mark.parametrize("pages", [[[1, 1]], [[1, 2], [2, 3]], [[2, 1], [1]], [["a"], ["a"]]])
    def test_a_repetition_is_an_error(self, pages: list[list[Any]]) -> None:
        seen = Identities()
        *good, bad = pages
        for page in good:
            seen.add(page, "x")
        with pytest.raises(IncompleteReadError, match="came twice"):
            seen.add(bad, "x")

    def test_numbers_beyond_a_machine_word_are_taken(self) -> None:
        seen = Identities()
        seen.add([1, 2**70], "x")
        assert len(seen) == 2
        assert seen.up_to(5) == 1
