"""A whole read against simulated servers: whole or refused, whatever the server does; and at what cost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habits import HABITS, HIDING, CappedTotal, LessOrEqual, OneLast, Schedule, Server, TextAll, TextSort, records, run
from imednet.core.reading.answer import Held, guessed_bounds
from imednet.core.reading.ledger import Fetch
from imednet.core.reading.list_call import HIGHEST, LOWEST, ListCall
from imednet.core.reading.proof import Proof
from imednet.core.reading.whole_read import SplitRead, WholeRead
from imednet.errors import ArgumentError, ImednetError, IncompleteReadError, PaginationError
from imednet_api.api import operation
from imednet_api.types import Request

STATUS = "recordStatus==A"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    log = logging.getLogger("imednet")
    level = log.level
    log.setLevel(logging.ERROR)
    yield
    log.setLevel(level)


def proof_of(read: WholeRead) -> Proof:
    assert read.proof is not None
    return read.proof


def whole_or_refused(server: Server, always: set[int], **options: Any) -> None:
    """The promise of every read: what it calls proven lacks nothing that was there all the time."""
    try:
        rows, read = run(server, **options)
    except (ImednetError, httpx.DecodingError):
        return
    assert len(rows) == len(set(rows))
    assert not proof_of(read).proven or always <= set(rows)


class TestSmallCases:
    """Each of them was once read short and called proven."""

    @pytest.mark.parametrize("expression", [None, STATUS])
    @pytest.mark.parametrize("kind", [TextSort, TextAll])
    def test_numbers_sorted_as_text(self, kind: type[Server], expression: str | None) -> None:
        with pytest.raises(IncompleteReadError):
            run(kind(range(985, 2000)), records(filter=expression, page_size=500))

    @pytest.mark.parametrize("expression", [None, STATUS])
    def test_a_row_that_comes_physically_last(self, expression: str | None) -> None:
        with pytest.raises(IncompleteReadError):
            run(OneLast(range(1, 19)), records(filter=expression, page_size=5))

    def test_a_row_leaves_what_is_filtered_on_while_another_enters(self) -> None:
        def change(server: Server) -> None:
            if server.answers == 3:
                server.rows[3], server.rows[40] = "B", "A"

        server = Server(dict.fromkeys(range(1, 19), "A") | {40: "B"}, change)
        rows, read = run(server, records(filter=STATUS, page_size=5))
        assert {*range(1, 19)} - {3} <= set(rows)
        assert proof_of(read).proven

    def test_two_copies_of_which_one_has_other_rows(self) -> None:
        class Copies(Server):
            def source(self) -> dict[Any, str]:
                newest = max(self.rows)
                older = {number: "A" for number in self.rows if number != newest} | dict.fromkeys((-3, -2, -1), "A")
                return older if self.answers % 2 else self.rows

        for ahead in range(4):
            for start in range(2):
                server = Copies(range(1, 19))
                server.requests = [records().request(0, 1)] * start
                whole_or_refused(server, set(range(1, 18)), call=records(page_size=5), ahead=ahead)

    def test_a_total_that_is_capped(self) -> None:
        with pytest.raises(IncompleteReadError):
            run(CappedTotal(range(1, 19)), records(page_size=5))

    def test_less_or_equal_taken_for_less(self) -> None:
        whole_or_refused(LessOrEqual(range(1, 19)), set(range(1, 19)), call=records(page_size=5))
        server = LessOrEqual(range(1, 19))
        whole_or_refused(server, set(range(3, 15)), call=records(filter="recordId>=3;recordId<15", page_size=5))

    def test_a_deletion_that_a_late_number_balances(self) -> None:
        def change(server: Server) -> None:
            if server.answers == 3:
                del server.rows[3]
                server.rows[13] = "A"

        server = Server(set(range(1, 16)) - {13}, change)
        rows, read = run(server, records(page_size=5))
        assert set(range(1, 16)) - {3, 13} <= set(rows)
        assert proof_of(read).proven

    @pytest.mark.parametrize("what", ["study", "path"])
    def test_rows_of_another_study_or_request(self, what: str) -> None:
        class Foreign(Server):
            def row(self, key: Any, status: str, request: Request) -> dict[str, Any]:
                return {**super().row(key, status, request), "studyKey": "T" if what == "study" else "S"}

            def body(self, body: dict[str, Any]) -> bytes:
                if what == "path":
                    body["metadata"]["path"] = "/api/v1/edc/studies/S/subjects"
                return super().body(body)

        with pytest.raises(PaginationError, match=r"another (study|request)"):
            run(Foreign(range(1, 4)))


class TestCost:
    @pytest.mark.parametrize(("rows", "requests"), [(0, 1), (9, 1), (10, 2 + 2), (95, 10 + 2), (100, 11 + 2)])
    def test_a_quiet_read_costs_its_pages_and_two_small_requests(self, rows: int, requests: int) -> None:
        server = Server(range(1, rows + 1))
        found, read = run(server)
        assert found == list(range(1, rows + 1))
        proof = proof_of(read)
        assert (proof.rule, proof.total) == ("one answer" if requests == 1 else "intervals", rows)
        assert proof.requests == server.answers == requests
        assert (proof.rechecked, proof.came, proof.gone, proof.later) == (0, 0, 0, 0)

    def test_what_is_asked(self) -> None:
        server = Server(range(1, 26))
        run(server, records(filter=STATUS))
        asked = [(query.get("filter"), query["size"]) for query in (dict(request.query) for request in server.requests)]
        assert asked == [
            (STATUS, "10"), (f"{STATUS};recordId<1", "1"), (f"{STATUS};recordId>10", "10"),
            (f"{STATUS};recordId>20", "10"), (STATUS, "1"),
        ]  # fmt: skip

    def test_asking_ahead_costs_hardly_more(self) -> None:
        for numbers in (range(1, 2001), range(1, 6001, 3), [n for n in range(1, 9000) if n % 7 < 2]):
            server = Server(numbers)
            rows, read = run(server, records(page_size=50), ahead=5)
            assert rows == list(numbers)
            assert proof_of(read).requests <= 1.1 * (len(numbers) // 50 + 3)

    def test_a_change_costs_a_few_requests(self) -> None:
        def change(server: Server) -> None:
            if server.answers == 40:
                server.rows[max(server.rows) + 1] = "A"
            if server.answers == 60:
                del server.rows[7]

        server = Server(range(1, 1001), change)
        rows, read = run(server)
        assert set(rows) == set(range(1, 1002))
        proof = proof_of(read)
        assert (proof.proven, proof.gone) == (True, 1)
        assert proof.requests <= 100 + 3 + 2 + 14

    @given(st.lists(st.floats(1, 50), min_size=1, max_size=8), st.integers(0, 10**6))
    def test_guesses_are_never_longer_than_the_spans_seen(self, spans: list[float], after: int) -> None:
        guesses = guessed_bounds(after, spans, 100, 4)
        assert len(guesses) == 4
        assert after < guesses[0] <= after + max(spans) * 100
        assert guesses == sorted(set(guesses))


class TestChanges:
    def test_rows_that_come_behind_the_end_are_handed_on_last(self) -> None:
        def grow(server: Server) -> None:
            if server.answers == 6:
                server.rows[1000] = "A"

        rows, read = run(Server(range(1, 40), grow))
        assert rows == [*range(1, 40), 1000]
        assert (proof_of(read).came, proof_of(read).proven) == (1, True)

    @pytest.mark.parametrize("consistency", ["repair", "strict"])
    @pytest.mark.parametrize("balanced", [False, True])
    @pytest.mark.parametrize("when", range(3, 8))
    def test_a_deletion_while_it_is_read(self, when: int, balanced: bool, consistency: Any) -> None:
        def change(server: Server) -> None:
            if server.answers == when:
                server.rows.pop(35)
                if balanced:
                    server.rows[1000] = "A"

        server = Server(range(1, 51), change)
        if consistency == "strict" and balanced:  # what no count shows needs no second look
            whole_or_refused(server, set(range(1, 51)) - {35}, consistency=consistency)
            return
        if consistency == "strict":
            with pytest.raises(IncompleteReadError, match='consistency="repair"'):
                run(server, consistency=consistency)
            return
        rows, read = run(server, consistency=consistency)
        assert set(range(1, 51)) - {35} <= set(rows)
        assert proof_of(read).proven

    def test_a_list_that_grows_as_fast_as_it_is_read_comes_to_an_end(self) -> None:
        def grow(server: Server) -> None:
            newest = max(server.rows)
            if server.answers % 5 == 0:
                server.rows |= dict.fromkeys(range(newest + 1, newest + 61), "A")

        server = Server(range(1, 51), grow)
        rows, read = run(server)
        assert set(range(1, 51)) <= set(rows)
        assert proof_of(read).proven
        assert proof_of(read).later > 0
        assert proof_of(read).requests < 200

    def test_a_row_that_goes_and_comes_again_is_handed_on_once(self) -> None:
        def change(server: Server) -> None:
            if server.answers == 6:
                del server.rows[50]
            if server.answers == 9:
                server.rows[50] = "A"

        rows, _ = run(Server(range(1, 51), change))
        assert len(rows) == len(set(rows))


class TestPromise:
    @pytest.mark.parametrize("seed", range(300))
    def test_random_servers_and_schedules_lose_nothing_that_is_called_proven(self, seed: int) -> None:
        """50,000 of them run as `nox -s soak`; figures by habit stand in docs/reads.md."""
        kinds: list[type[Server]] = [Server, *HABITS.values()]
        schedule = Schedule(seed, kinds[seed % len(kinds)])
        try:
            rows, read = schedule.read()
        except (ImednetError, httpx.DecodingError):
            assert type(schedule.server) is not Server
            return
        assert len(rows) == len(set(rows))
        if type(schedule.server).__name__ not in HIDING:
            assert not proof_of(read).proven or schedule.always <= set(rows)
        assert proof_of(read).proven or type(schedule.server) is not Server

    def test_an_honest_server_is_read_to_the_end(self) -> None:
        for seed in range(300):
            schedule = Schedule(seed)
            rows, read = schedule.read()
            assert schedule.always <= set(rows)
            assert proof_of(read).proven

    @pytest.mark.parametrize("habit", HABITS)
    def test_a_server_at_rest_is_read_whole_or_refused(self, habit: str) -> None:
        for seed in range(6):
            numbers = set(range(1, 120)) - {seed, 2 * seed, 50 + seed}
            for call in (records(), records(filter=STATUS), records(page_size=50), records(filter="recordId>20")):
                expected = {number for number in numbers if call.filter != "recordId>20" or number > 20}
                whole_or_refused(HABITS[habit](numbers), expected, call=call, ahead=seed % 4)


class TestRules:
    def test_trusting_the_server_is_one_request_a_page_and_proves_nothing(self) -> None:
        server = Server(range(1, 51))
        rows, read = run(server, ahead=2, consistency="off")
        assert (rows, server.answers) == (list(range(1, 51)), 5)
        assert (proof_of(read).status, proof_of(read).rule) == ("unproven", "none")

    def test_an_unknown_consistency_is_an_error(self) -> None:
        with pytest.raises(ArgumentError, match="repair, strict, off"):
            run(Server([]), consistency="sometimes")

    def test_a_server_that_refuses_filters_on_the_number_is_read_twice(self) -> None:
        server = HABITS["RefusesNumberFilters"](range(1, 51))
        rows, read = run(server)
        assert rows == list(range(1, 51))
        assert (proof_of(read).status, proof_of(read).rule) == ("unproven", "twice")
        assert "refused" in (proof_of(read).reason or "")

    @pytest.mark.parametrize(
        ("expression", "rule", "rows"),
        [
            (STATUS, "intervals", range(1, 51)),
            ("recordStatus==A,recordStatus==B", "twice", range(1, 51)),
            ("recordId>0", "intervals", range(1, 51)),
            ("recordId<=25", "intervals", range(1, 26)),
            (f"{STATUS};recordId>=11;recordId<=39", "intervals", range(11, 40)),
            ("recordId==7", "one answer", [7]),
            ("recordId==77", "one answer", []),
            ("recordId>45", "one answer", range(46, 51)),
        ],
    )
    def test_the_rule_fits_the_filter(self, expression: str, rule: str, rows: Any) -> None:
        class Strict(Server):
            """Takes each attribute once, as the vendor says, and anything with an OR as it is."""

            def passes(self, key: Any, status: str, clauses: list[tuple[str, str, str]]) -> bool:
                names = [name for name, _, _ in clauses]
                assert len(names) == len(set(names))
                return super().passes(key, status, clauses)

        found, read = run(Strict(range(1, 51)), records(filter=expression))
        assert found == list(rows)
        assert (proof_of(read).rule, proof_of(read).proven) == (rule, rule != "twice")

    def test_totals_that_never_agree_are_an_error(self) -> None:
        def grow(server: Server) -> None:
            server.rows[max(server.rows) + 1] = "A"

        with pytest.raises(IncompleteReadError, match="passes"):
            run(HABITS["RefusesNumberFilters"](range(1, 51), grow))

    def test_passes_that_agree_later_are_enough(self) -> None:
        def change(server: Server) -> None:
            if server.answers == 8:
                del server.rows[1]

        _, read = run(HABITS["RefusesNumberFilters"](range(1, 51), change), records(filter=f"{STATUS},recordStatus==B"))
        assert (proof_of(read).status, proof_of(read).rechecked) == ("unproven", 2)
        assert proof_of(read).gone == 1

    def test_a_server_that_clamps_the_page_size_is_read_with_its_size(self) -> None:
        rows, read = run(HABITS["ClampedAloud"](range(1, 51)), ahead=3)
        assert rows == list(range(1, 51))
        assert proof_of(read).proven

    def test_a_size_that_changes_while_reading_is_an_error(self) -> None:
        with pytest.raises(IncompleteReadError, match="page size changed"):
            run(HABITS["FickleSize"](range(1, 90)))

    def test_the_order_of_a_list_in_one_answer_does_not_matter(self) -> None:
        rows, read = run(HABITS["AlwaysDescending"](range(1, 9)))
        assert rows == list(range(1, 9))
        assert proof_of(read).proven


class TestRevisions:
    """Codings: an identity of two parts, with later revisions in the middle of the list."""

    call = ListCall(operation("list_codings"), "S", page_size=10)
    rows: ClassVar = [(number, revision) for number in range(1, 14) for revision in (1, 2, 3)]

    def test_a_page_may_end_within_a_coding(self) -> None:
        rows, read = run(Server(self.rows), self.call)
        assert rows == self.rows
        assert (proof_of(read).rule, proof_of(read).proven) == ("intervals", True)

    def test_a_new_revision_shifts_nothing(self) -> None:
        def change(server: Server) -> None:
            if server.answers in (3, 6, 9):
                server.rows[1, 3 + server.answers] = "A"

        rows, _ = run(Server(self.rows, change), self.call)
        assert set(self.rows) <= set(rows)
        assert len(rows) == len(set(rows))

    def test_a_coding_larger_than_a_page_is_an_error(self) -> None:
        with pytest.raises(IncompleteReadError, match="more revisions than a page"):
            run(Server([(1, revision) for revision in range(30)]), self.call)


class TestResuming:
    @pytest.mark.parametrize("expression", [None, STATUS, "recordId>0"])
    def test_a_read_goes_on_where_another_stopped(self, expression: str | None) -> None:
        call = records(filter=expression)
        rows, read = run(Server(range(1, 51)), call, after=call.after(call.token(20)))
        assert rows == list(range(21, 51))
        assert proof_of(read).proven

    def test_a_token_of_another_call_is_refused(self) -> None:
        token = records().token(20)
        with pytest.raises(ArgumentError, match="belongs to another"):
            records(filter="siteId==1").after(token)

    @pytest.mark.parametrize("token", ["", "x", "bm8=", "WzEsICJ4Il0=", "ünlesbar"])
    def test_what_is_no_token_is_refused(self, token: str) -> None:
        with pytest.raises(ArgumentError, match="not the token"):
            records().after(token)

    def test_where_no_interval_can_be_asked_for_nothing_can_be_resumed(self) -> None:
        with pytest.raises(ArgumentError, match="cannot be resumed"):
            run(Server([]), ListCall(operation("list_users"), "S"), after=3)


def test_several_reads_become_one() -> None:
    server = Server(range(1, 26))
    read = SplitRead([WholeRead(records(filter=f"recordStatus=={status}"), ahead=0) for status in "AA"])
    steps = read.steps()
    step = next(steps)
    numbers = []
    try:
        while True:
            if isinstance(step, Fetch):
                step = steps.send(server.answer(step.request))
            else:
                numbers.append(step.number)
                step = steps.send(None)
    except StopIteration:
        pass
    assert read.proof is not None
    assert (read.proof.rows, read.proof.parts, read.proof.rule, read.proof.proven) == (50, 2, "intervals", True)
    assert numbers == list(range(len(numbers)))


@given(st.sets(st.integers(-5, 2**66), max_size=30) | st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_what_is_held_is_held_whole(keys: set[Any]) -> None:
    held = Held(LOWEST, HIGHEST, sorted(keys))
    assert held.keys() == keys
    assert held.count == len(keys)
    assert held.highest == max([key[0] if isinstance(key, tuple) else key for key in keys], default=LOWEST)
