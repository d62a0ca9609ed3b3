"""Whole reads against a simulated server that changes between requests: proven means whole, always."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changing import Schedule, Server, records, run
from imednet.core.decoding.page import Page
from imednet.core.reading.intervals import WholeRead
from imednet.core.reading.list_call import ListCall
from imednet.core.reading.proof import Identities, ascending
from imednet.core.reading.several import SplitRead
from imednet.errors import ArgumentError, ImednetError, IncompleteReadError
from imednet_api.api import operation
from imednet_api.types import Request


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
    assert {dict(request.query)["filter"] for request in server.requests[2:-1]} == {"recordId<=95"}
    assert dict(server.requests[-1].query)["filter"] == "recordId>95"


def test_growth_is_kept_and_reported() -> None:
    def grow(server: Server) -> None:
        server.rows.append(max(server.rows) + 1)

    rows, read = run(Server(list(range(1, 40)), grow))
    assert rows[:40] == list(range(1, 41))
    assert read.proof is not None
    assert read.proof.proven
    assert read.proof.growth == len(rows) - read.proof.total > 0


@pytest.mark.parametrize("consistency", ["repair", "strict"])
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("when", range(4, 8))
def test_a_deletion_between_pages_is_repaired_or_an_error(when: int, balanced: bool, consistency: Any) -> None:
    """Also when an insertion balances it, so that the total of the list stays the same."""

    def change(server: Server) -> None:
        if server.answers == when:
            server.rows.remove(5)
            if balanced:
                server.rows.append(1000)

    server = Server(list(range(1, 51)), change)
    if consistency == "strict":
        with pytest.raises(IncompleteReadError, match='consistency="repair"'):
            run(server, consistency=consistency)
        return
    rows, read = run(server)
    assert rows == [*range(1, 51), *([1000] if balanced else [])]
    proof = read.proof
    assert proof is not None
    assert (proof.proven, proof.drifts, proof.vanished, proof.growth) == (True, 1, 1, int(balanced))
    assert proof.requests == 5 + 3 + 2
    repair = next(
        dict(request.query) for request in server.requests[:-1] if ">" in dict(request.query).get("filter", "")
    )
    assert (repair["filter"], repair["size"]) == (f"recordId>{10 * (when - 3)}", "2")


def test_trusting_the_server_is_one_request_a_page_and_proves_nothing() -> None:
    server = Server(list(range(1, 51)))
    rows, read = run(server, ahead=2, consistency="off")
    assert (rows, server.answers) == (list(range(1, 51)), 5)
    assert read.proof is not None
    assert (read.proof.status, read.proof.rule) == ("unproven", "none")


def test_an_unknown_consistency_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="repair, strict, off"):
        run(Server([]), consistency="sometimes")


def test_without_a_fence_the_totals_rule_says_unproven() -> None:
    _, read = run(Server(list(range(1, 51)), fence=False))
    assert read.proof is not None
    assert (read.proof.status, read.proof.rule) == ("unproven", "totals")
    assert "refused" in (read.proof.reason or "")


@pytest.mark.parametrize(
    ("expression", "rule", "sent"),
    [
        ("formKey==AE", "fence", "formKey==AE;recordId>50"),
        ("formKey==AE,formKey==VS", "totals", "formKey==AE,formKey==VS"),
        ("recordStatus==Complete", "ranges", "recordStatus==Complete;recordId>40"),
        ("recordId>0", "ranges", "recordId>40"),
        ("formId==1;recordId>=1;recordId<=99", "ranges", "formId==1;recordId>40"),
        ("formId!=1;formKey==AE", "fence", "formId!=1;formKey==AE;recordId>50"),
        ("siteId==1", "ranges", "siteId==1;recordId>40"),
        ("recordId!=5", "totals", "recordId!=5"),
    ],
)
def test_the_rule_fits_the_filter(expression: str, rule: str, sent: str) -> None:
    server = Server(list(range(1, 51)))
    rows, read = run(server, records(filter=expression))
    assert rows == list(range(1, 51)) or "recordId" in expression
    assert read.proof is not None
    assert (read.proof.rule, read.proof.proven) == (rule, rule != "totals")
    assert dict(server.requests[0].query)["filter"] == expression
    assert dict(server.requests[-1].query)["filter"] == sent


def test_a_range_ends_where_the_filter_ends() -> None:
    class Simple(Server):
        def answer(self, request: Request) -> Page:
            query = dict(request.query)
            if query["filter"] == "recordId<=25":
                page = Server(self.rows[:25]).answer(request)
                self.requests.append(request)
                return page
            return super().answer(request)

    rows, read = run(Simple(list(range(1, 51))), records(filter="recordId<=25"))
    assert rows == list(range(1, 26))
    assert read.proof is not None
    assert (read.proof.proven, read.proof.total) == (True, 25)


def test_totals_that_never_agree_are_an_error() -> None:
    def grow(server: Server) -> None:
        server.rows.append(max(server.rows) + 1)

    with pytest.raises(IncompleteReadError, match="3 times"):
        run(Server(list(range(1, 51)), grow, fence=False))


def test_totals_that_agree_the_second_time_are_enough() -> None:
    def change(server: Server) -> None:
        if server.answers == 5:
            server.rows.remove(1)

    rows, read = run(Server(list(range(1, 51)), change), records(filter="a==1,b==2"))
    assert sorted(rows) == list(range(1, 51))
    assert read.proof is not None
    assert (read.proof.status, read.proof.drifts, read.proof.vanished) == ("unproven", 1, 1)


class TestRevisions:
    """Codings: an identity of two parts, with later revisions in the middle of the list."""

    call = ListCall(operation("list_codings"), "S", page_size=10)
    rows: ClassVar = [(number, revision) for number in range(1, 14) for revision in (1, 2, 3)]

    def test_a_page_may_end_within_a_coding(self) -> None:
        rows, read = run(Server(self.rows), self.call)
        assert rows == self.rows
        assert read.proof is not None
        assert (read.proof.rule, read.proof.proven) == ("ranges", True)

    def test_a_new_revision_shifts_nothing(self) -> None:
        def change(server: Server) -> None:
            server.rows.append((1, 3 + server.answers))

        rows, _ = run(Server(self.rows, change), self.call)
        assert set(self.rows) <= set(rows)
        assert len(rows) == len(set(rows))

    def test_a_coding_larger_than_a_page_is_an_error(self) -> None:
        with pytest.raises(IncompleteReadError, match="more revisions than a page"):
            run(Server([(1, revision) for revision in range(30)]), self.call)


class TestResuming:
    @pytest.mark.parametrize("expression", [None, "recordStatus==Complete", "recordId>0"])
    def test_a_read_goes_on_where_another_stopped(self, expression: str | None) -> None:
        server = Server(list(range(1, 51)))
        call = records(filter=expression)
        token = call.token(20)
        rows, read = run(server, call, after=call.after(token))
        assert rows == list(range(21, 51))
        assert read.proof is not None
        assert read.proof.proven

    def test_a_token_of_another_call_is_refused(self) -> None:
        token = records().token(20)
        with pytest.raises(ArgumentError, match="belongs to another"):
            records(filter="siteId==1").after(token)

    @pytest.mark.parametrize("token", ["", "x", "bm8=", "WzEsICJ4Il0=", "ünlesbar"])
    def test_what_is_no_token_is_refused(self, token: str) -> None:
        with pytest.raises(ArgumentError, match="no token"):
            records().after(token)

    def test_where_no_range_can_be_asked_for_nothing_can_be_resumed(self) -> None:
        with pytest.raises(ArgumentError, match="cannot be resumed"):
            run(Server([]), ListCall(operation("list_users"), "S"), after=3)


def test_several_reads_become_one() -> None:
    server = Server(list(range(1, 26)))
    read = SplitRead([WholeRead(records(filter=f"siteId=={site}"), ahead=0) for site in (1, 2)])
    steps = read.steps()
    step = next(steps)
    try:
        while True:
            step = steps.send(None if isinstance(step, Page) else server.answer(step.request))
    except StopIteration:
        pass
    assert read.proof is not None
    assert (read.proof.rows, read.proof.parts, read.proof.proven) == (50, 2, True)


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


def test_300_random_schedules_lose_and_double_nothing() -> None:
    """10,000 of them run as `nox -s soak`."""
    completed = 0
    for seed in range(300):
        schedule = Schedule(seed)
        try:
            rows, read = schedule.read()
        except ImednetError:
            continue
        assert read.proof is not None
        assert read.proof.proven
        assert schedule.always <= set(rows), seed
        assert len(rows) == len(set(rows)), seed
        completed += 1
    assert completed >= 297


def test_300_random_schedules_are_whole_or_an_error_in_strict() -> None:
    refused = 0
    for seed in range(300):
        schedule = Schedule(seed, consistency="strict")
        try:
            rows, read = schedule.read()
        except IncompleteReadError:
            refused += 1
            continue
        assert read.proof is not None
        assert (read.proof.proven, read.proof.drifts) == (True, 0)
        assert schedule.always <= set(rows), seed
        assert len(rows) == len(set(rows)), seed
    assert 30 < refused < 270


class TestIdentities:
    def test_growing_numbers_and_anything_else_are_counted_alike(self) -> None:
        for pages in ([[1, 2], [5, 9]], [[9, 5], [2, 1]], [[(1, 1), (1, 2)], [(5, 1), (9, 9)]]):
            seen = Identities()
            for page in pages:
                assert seen.take(list(page)) is None
            assert len(seen) == 4
            assert seen.up_to(5) == 3

    @pytest.mark.parametrize(
        ("pages", "new"),
        [
            ([[1, 1]], [True, False]),
            ([[1, 2], [2, 3]], [False, True]),
            ([[2, 1], [1]], [False]),
            ([["a"], ["a", "b"]], [False, True]),
        ],
    )
    def test_a_repetition_is_seen(self, pages: list[list[Any]], new: list[bool]) -> None:
        seen = Identities()
        *good, bad = pages
        for page in good:
            seen.take(page)
        assert seen.take(bad) == new

    @given(
        st.lists(
            st.lists(st.integers(-1, 40) | st.integers(0, 2**65), max_size=6).flatmap(
                lambda page: st.sampled_from([page, sorted(page), sorted(set(page))])
            ),
            max_size=6,
        ),
        st.integers(-1, 2**65),
    )
    def test_any_pages_are_counted_as_a_set_counts_them(self, pages: list[list[int]], fence: int) -> None:
        seen, known = Identities(), set[int]()
        for page in pages:
            new = [one not in known and one not in page[:place] for place, one in enumerate(page)]
            known.update(page)
            assert seen.take(list(page)) == (None if all(new) else new)
            assert len(seen) == len(known)
            assert seen.up_to(fence) == sum(one <= fence for one in known)
            if seen.highest is not None and known:
                assert seen.highest == max(known)

    @pytest.mark.parametrize(
        ("keys", "grow"),
        [
            ([], True), ([3], True), ([3, 5, 9], True), ([3, 5, 5], False), ([3, 9, 5], False),
            ([(1, 2), (1, 3), (2, 0)], True), ([(1, 3), (1, 2)], False),
            ([(1, "a"), (1, 2)], False), ([1, None], False),
        ],
    )  # fmt: skip
    def test_what_grows(self, keys: list[Any], grow: bool) -> None:
        assert ascending(keys) is grow

    def test_numbers_beyond_a_machine_word_are_taken(self) -> None:
        seen = Identities()
        assert seen.take([1, 2**70]) is None
        assert len(seen) == 2
        assert seen.up_to(5) == 1
