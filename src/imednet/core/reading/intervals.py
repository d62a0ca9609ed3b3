"""The read by intervals, of every list whose rows have a number that only grows.

An answer to "the first N rows with a number above A, sorted by it", with rows r1 < ... < rk and a total T, is a
statement about one moment: the rows above A and up to rk are exactly these, and T rows lie above A. The stretch from A
to rk is its interval; it reaches to infinity where the answer is not full (k < N and k = T). A read is whole when the
intervals of its answers cover everything: a row that was in the list all the time lies in some interval, and was in
that answer.

Totals test that the server sorts, filters and counts as asked. For two answers above A < B, T(A) - T(B) must be the
number of rows held in between: a *seam*. Where a seam does not agree, something changed between the two answers, or the
server does not do as asked, and the interval is read again with both its counts right after each other. At the end the
whole list is counted; where that does not agree either, the interval at fault is found by halving.
"""

from __future__ import annotations

from collections.abc import Generator

from imednet_api.types import Request

from ..decoding.page import Page
from .answer import Answer, Held, NotCredible, as_number, guessed_bounds
from .ledger import Fetch, Ledger, Steps
from .list_call import HIGHEST, LOWEST, Bound

AnswerSteps = Generator[Fetch | Page, Page | None, Answer]
CountSteps = Generator[Fetch | Page, Page | None, int]
BoundSteps = Generator[Fetch | Page, Page | None, Bound]
PieceSteps = Generator[Fetch | Page, Page | None, tuple[list[Answer], int]]

_TRIES = 5
"""How often an interval, or an answer that cannot be true, is requested."""
_AUDITS = 8
"""How often the whole list is counted at the end, while people keep working on it."""
_SPANS = 8
"""How many of the last answers a guess of the next bounds uses."""


class Intervals:
    """One read by intervals, over the ledger of the read.

    Its attributes say where the read starts and ends, which intervals are held, and which bounds were asked ahead.
    """

    def __init__(self, read: Ledger) -> None:
        self.read = read
        self.call = read.call
        self.split = len(read.call.facts.key) > 1
        self.size = read.call.page_size
        self.in_force = 0
        bounds = read.call.bounds()
        assert bounds is not None
        self.exact = bounds.exact and read.after is None
        self.start: Bound = bounds.above if read.after is None else max(bounds.above, read.after)
        self.until = self.wanted_until = bounds.until
        self.held: list[Held] = []
        self.planned: list[int] = []
        self.spans: list[float] = []

    def steps(self) -> Steps:
        """Read until the list, or the part of it the caller wants, is covered."""
        if self.exact:
            yield from self._one_number()
            return
        if self.start >= self.until:
            yield from self.read.hand_on_none(self.call.beyond(self.start, 1))
            self.read.conclude("one answer")
            return
        answer = yield from self._first()
        single_answer = answer.reach == HIGHEST
        yield from self._walk(answer)
        if not single_answer:
            yield from self._audit()
        self.read.conclude("one answer" if single_answer else "intervals")

    def _walk(self, answer: Answer) -> Steps:
        """Hand on this answer and all that follow."""
        patience = self._patience(answer)
        while answer.reach < self.until:
            patience -= 1
            if patience == 0 and self.until == HIGHEST:
                self.until = yield from self._newest(answer)
                patience = self._patience(answer)
            answer = yield from self._next(answer)
        beyond = yield from self._beyond(self.until)
        yield from self._seam(answer.up_to(self.until), beyond)

    # ---- one interval after another

    def _one_number(self) -> Steps:
        """Read the rows of one number by the caller's filter: they come in one answer, or the server is at fault."""
        page = yield from self.read.ask(self.call.request(0, self.size))
        if page.total > len(page.rows) or any(as_number(identity) != self.until for identity in page.identities):
            raise self.read.not_whole("one row has more revisions than a page, or the server does not filter by it")
        yield from self._hand_on(Answer.of(page, LOWEST, split=True))
        self.read.conclude("one answer")

    def _first(self) -> AnswerSteps:
        """The first answer. Rows below it would mean that the server does not sort by the number."""
        for _ in range(_TRIES):
            answer = yield from self._answer(self.start)
            if answer.reach == HIGHEST or self.start != LOWEST:
                return answer
            below = yield from self.read.ask(self.call.below(answer.numbers[0]))
            if not below.total:
                return answer
            self.read.changed("rows lie below the first one")
        raise self.read.not_whole("rows lie below the first one")

    def _next(self, answer: Answer) -> AnswerSteps:
        """Fetch the next answer, and hand on this one once the seam between the two agrees."""
        self.spans = [*self.spans[1 - _SPANS :], answer.span]
        self.planned = [guess for guess in self.planned if guess > answer.above]
        bound = int(answer.reach)
        if self.planned and self.planned[0] <= bound:
            bound = self.planned.pop(0)
        following = yield from self._answer(bound, self._ahead(answer, bound))
        beyond = yield from self._seam(answer.up_to(bound), following.total)
        if beyond != following.total:  # the list has changed since that answer
            following = yield from self._answer(bound)
        return following

    def _ahead(self, answer: Answer, bound: int) -> tuple[Request, ...]:
        """Requests beyond the next one, at guessed bounds; none where the server is near."""
        if not self.read.far:
            return ()
        count = min(self.read.ahead, answer.beyond // answer.page.size) - len(self.planned)
        after = self.planned[-1] if self.planned else bound
        guessed = guessed_bounds(after, self.spans, answer.page.size, count)
        self.planned += [guess for guess in guessed if guess < self.until]
        return tuple([self.call.beyond(guess, self.size) for guess in self.planned])

    def _seam(self, piece: Answer, beyond: int) -> CountSteps:
        """Hand on a piece if the counts around it agree, else read it again; returns the count beyond it."""
        if piece.total - beyond == len(piece.numbers):
            yield from self._hand_on(piece)
            return beyond
        self.read.changed(f"counts around an interval do not agree, after {self.read.rows} rows")
        pieces, beyond = yield from self._read_again(piece.above, piece.reach, beyond)
        self.read.moved(set(piece.keys), {key for again in pieces for key in again.keys})
        for again in pieces:
            yield from self._hand_on(again)
        return beyond

    def _read_again(self, above: Bound, upto: Bound, beyond: int) -> PieceSteps:
        """Read an interval in pieces, each between two equal counts of what lies beyond it; also the last count.

        With a single count, a change in between could hide, at each try, that the server does not do as asked.
        """
        pieces: list[Answer] = []
        counts = {upto: beyond}
        tries = _TRIES
        while above < upto and tries:
            answer = yield from self._answer(above)
            piece = answer.up_to(upto)
            before = counts.get(piece.reach)
            after = counts[piece.reach] = yield from self._beyond(piece.reach)
            if before == after == piece.total - len(piece.numbers):
                pieces.append(piece)
                above, tries = piece.reach, _TRIES
            else:
                tries -= 1
        if above < upto:
            raise self.read.not_whole(f"counts around an interval did not agree, {_TRIES} times in a row")
        return pieces, counts[upto]

    def _beyond(self, bound: Bound) -> CountSteps:
        """Count the rows above a number; there are none beyond the end."""
        return 0 if bound == HIGHEST else (yield from self._count(bound))

    # ---- the end

    def _patience(self, answer: Answer) -> int:
        """How many answers a list of this length may take before it must be growing as fast as it is read."""
        return 2 * (answer.total // answer.page.size) + 10

    def _newest(self, answer: Answer) -> BoundSteps:
        """Find where to stop in a list that grows as fast as it is read: a number beyond which there is nothing now.

        The newest row is only a hint, since a server may not reverse the order; the count beyond it is the proof.
        """
        page = yield from self.read.ask(self.call.beyond(answer.reach, 1, newest=True))
        newest = as_number(page.identities[0]) if page.identities else None
        if newest is not None and newest > answer.reach:
            for reserve in (1, 8, 64):
                stop = newest + reserve * answer.page.size
                if not ((yield from self._count(stop)) or (yield from self._count(stop))):
                    return stop
        return HIGHEST

    def _audit(self) -> Steps:
        """Count the list; find by halving which intervals do not agree with it, and read them again."""
        total = yield from self._count(self.start)
        for _ in range(_AUDITS):
            if self.until == HIGHEST and total == self._count_held():
                return
            later = yield from self._later()
            total = yield from self._count(self.start)
            # Beyond a place to stop the list may grow between any two counts.
            grown = 0 if self.until == HIGHEST else (yield from self._count(self.until)) - later
            if 0 <= total - later - self._count_held() <= max(0, grown):
                return
            if self.read.consistency == "strict":
                self.read.changed(f"{total - later} rows are in the list, {self._count_held()} were read")
            yield from self._search(0, len(self.held), total, later)
            total = yield from self._count(self.start)
        raise self.read.not_whole(f"the list and the rows read did not agree in number, {_AUDITS} times in a row")

    def _later(self) -> CountSteps:
        """Count the rows beyond the end of the read; rows that were added after the last one are read first."""
        if self.until == HIGHEST:
            end = self.held[-1].highest
            behind = yield from self._answer(end)
            if behind.numbers:
                self.held[-1].upto = end
                rows = self.read.rows
                yield from self._walk(behind)
                self.read.came += self.read.rows - rows
        if self.until == HIGHEST:
            return 0
        later = yield from self._count(self.until)
        self.read.later = later if self.wanted_until == HIGHEST else 0
        return later

    def _search(self, low: int, high: int, above_low: int, above_high: int) -> Steps:
        """Find intervals that do not agree and read them again; the totals are above the first and beyond the last."""
        if above_low - above_high == self._count_held(low, high):
            return
        if high - low > 1:
            middle = (low + high) // 2
            above = yield from self._count(self.held[middle].above)
            yield from self._search(low, middle, above_low, above)
            yield from self._search(middle, high, above, above_high)
            return
        interval = self.held[low]
        self.read.changed(f"{interval.count} rows were read of an interval with {above_low - above_high}")
        pieces, _ = yield from self._read_again(interval.above, interval.upto, above_high)
        before, now = interval.keys(), {key for piece in pieces for key in piece.keys}
        self.read.moved(before, now)
        self.held[low] = Held(interval.above, interval.upto, sorted(before | now), len(now))
        for piece in pieces:
            yield from self.read.hand_on(piece.without(before), self._resumable())

    # ---- single steps

    def _answer(self, above: Bound, ahead: tuple[Request, ...] = ()) -> AnswerSteps:
        """Fetch the rows above a number; an answer that cannot be true is requested again."""
        for _ in range(_TRIES):
            page = yield from self.read.ask(self.call.beyond(above, self.size), ahead)
            self.in_force = self.in_force or page.size
            try:
                if page.size != self.in_force:  # such as the answer to another request
                    raise NotCredible(f"the page size changed from {self.in_force} to {page.size}")
                return Answer.of(page, above, split=self.split)
            except NotCredible as error:
                problem = str(error)
        raise self.read.not_whole(f"{problem}, {_TRIES} times in a row")

    def _count(self, above: Bound) -> CountSteps:
        """Count the rows above a number."""
        page = yield from self.read.ask(self.call.beyond(above, 1))
        if any((as_number(identity) or 0) <= above for identity in page.identities):
            raise self.read.not_whole("the server does not filter by the number")
        return page.total

    def _hand_on(self, piece: Answer) -> Steps:
        self.held.append(Held(piece.above, piece.reach, piece.keys))
        yield from self.read.hand_on(piece.page, self._resumable())

    def _resumable(self) -> int | None:
        """The number up to which all rows were handed on."""
        end = self.held[-1].highest if self.held[-1].upto == HIGHEST else self.held[-1].upto
        return None if end == LOWEST else int(end)

    def _count_held(self, low: int = 0, high: int | None = None) -> int:
        return sum([interval.count for interval in self.held[low:high]])
