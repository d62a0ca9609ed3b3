"""A whole read: which page next, and whether the read is whole. Pure; `driving` moves the bytes.

Three rules, and for each the reason why a read that obeys it lacks no row:

*fence*: the highest identity L0 is asked for first, then pages of the rows up to L0. New rows get higher identities,
so these rows can only become fewer. Two pages that report the same total were therefore cut from the same rows, and
fit together. Where the total fell between two pages, rows moved up and may have slipped through between them: the range
from the last row of the one to the first row of the other is asked for by identity and put between them.

*ranges*: each page is asked for as "identities beyond the last one read". Nothing that happens to other rows can shift
it. Used where rows may enter and leave the list by a mere change, where a row may get a later revision, and to go on
with an earlier read. The price: no page can be asked for ahead.

*totals*: where neither can be asked of the server, all totals and the number of distinct rows must agree. A deletion
that an insertion balances cannot be seen, so such a read is called unproven.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from imednet_api.types import Request

from ...errors import ArgumentError, BadRequestError, IncompleteReadError
from ..decoding.page import Page
from .list_call import LOWEST, ListCall
from .proof import Identities, Proof, Rule, as_number, as_numbers, ascending

Consistency = Literal["repair", "strict", "off"]
Steps = Generator["Fetch | Page", "Page | None", None]

_ROUNDS = 3
_BEFORE_ALL = -1
_log = logging.getLogger("imednet")


@dataclass(frozen=True, slots=True)
class Fetch:
    """A page the read needs now, and pages it will need next, which may be asked for ahead."""

    request: Request
    ahead: tuple[Request, ...] = ()


@dataclass
class WholeRead:
    """One whole read. `steps()` yields what to fetch and, in between, pages to hand on; `proof` is set at its end.

    Args:
        call: what to read.
        ahead: how many pages may be asked for beyond the one that is needed.
        consistency: `repair` reads again what moved, `strict` raises, `off` trusts the server.
        after: go on after this identity.
        fence_first: ask for the highest identity before the first page: one request less where there are many pages.
    """

    call: ListCall
    ahead: int = 3
    consistency: Consistency = "repair"
    after: int | None = None
    fence_first: bool = False
    proof: Proof | None = field(default=None, init=False)
    _seen: Identities = field(default_factory=Identities, init=False)
    _handed: int = field(default=0, init=False)
    _rows: int = field(default=0, init=False)
    _kept: int = field(default=0, init=False)
    _drifts: int = field(default=0, init=False)
    _unsorted: bool = field(default=False, init=False)
    _requests: int = field(default=0, init=False)
    _from: str | None = field(default=None, init=False)
    _to: str | None = field(default=None, init=False)
    _undeclared: set[str] = field(default_factory=set, init=False)
    _window: dict[tuple[int, int, int | None], Request] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if self.consistency not in get_args(Consistency):
            raise ArgumentError(f"consistency must be one of {', '.join(get_args(Consistency))}")
        if self.after is not None and (why := self.call.why_no_ranges()):
            raise ArgumentError(f"this read cannot be resumed: {why}")

    @property
    def _name(self) -> str:
        return self.call.operation.name

    def steps(self) -> Steps:
        """The read, step by step. Send the page for each `Fetch`; throw in what a fetch raised."""
        if self.after is not None:
            bounds = self.call.bounds()
            assert bounds is not None
            yield from self._by_ranges(None, max(self.after, bounds.above), self.call.page_size)
            return
        if self.fence_first and self._can_be_fenced():
            newest = yield from self._ask(self.call.request(0, 1, newest=True))
            fence = as_number(newest.identities[0]) if newest.identities else None
            if newest.total > self.call.page_size and fence is not None:
                yield from self._below(fence, -(-newest.total // self.call.page_size) - 1, self.call.page_size)
                return
        first = yield from self._ask(self.call.request(0, self.call.page_size))
        if first.total_pages <= 1:
            yield from self._hand_on(first)
            self._conclude("single page", first.total)
        elif self.consistency == "off":
            yield from self._trusting(first)
        elif (reason := self.call.why_no_ranges()) is not None:
            yield from self._by_totals(first, reason)
        elif self.call.must_read_by_ranges():
            yield from self._by_ranges(first, LOWEST, first.size)
        else:
            yield from self._fenced(first)

    # ---- the rules

    def _fenced(self, first: Page) -> Steps:
        """Pages below a fence. The first one is read again: what was read before the fence proves nothing."""
        newest = yield from self._ask(self.call.request(0, 1, newest=True))
        fence = as_number(newest.identities[0]) if newest.identities else LOWEST
        numbers = as_numbers(first.identities)
        if fence is None or None in numbers:
            yield from self._by_totals(first, "the identity is not a number")
            return
        if fence < max(number or 0 for number in numbers):  # the server does not sort as asked, or most rows went
            self._drifted("the newest row is older than those of the first page")
            yield from self._by_ranges(first, LOWEST, first.size)
            return
        yield from self._below(fence, first.total_pages - 1, first.size, first)

    def _can_be_fenced(self) -> bool:
        return self.consistency != "off" and self.call.why_no_ranges() is None and not self.call.must_read_by_ranges()

    def _below(self, fence: int, last: int, size: int, first: Page | None = None) -> Steps:
        """All pages below the fence, what slipped through between them, and what came meanwhile."""
        totals: list[int] = []
        number = 0
        while number <= last:
            try:
                page = yield from self._next(number, last, size, below=fence)
            except BadRequestError:
                if number:
                    raise
                if first is None:
                    first = yield from self._ask(self.call.request(0, self.call.page_size))
                yield from self._by_totals(first, "the server refused the filter of the fence")
                return
            moved = page.total - totals[-1] if totals else 0
            if moved or self._overlaps(page):
                self._drifted(f"{page.total - moved} rows stood below the fence, then {page.total}")
                yield from self._bridge(page, fence, abs(moved))
            totals.append(page.total)
            yield from self._hand_on(page)
            number, last = number + 1, page.total_pages - 1
        stand = totals[-1]
        if self._drifts:
            now = yield from self._ask(self.call.request(0, 1, below=fence))
            stand = now.total
        found = self._seen.up_to(fence)
        if self._unsorted or not stand <= found <= max(totals):
            self._drifted(f"{stand} rows stand below the fence, {found} were read")
            yield from self._range(_BEFORE_ALL, fence, size)
        growth = yield from self._growth(fence, size)
        self._conclude("fence", totals[0], growth=growth, vanished=totals[0] - stand, fence=fence)

    def _overlaps(self, page: Page) -> bool:
        """Whether a page begins with rows that were handed on before, or is not sorted."""
        highest, numbers = self._seen.highest, as_numbers(page.identities)
        if highest is None or None in numbers:
            return True
        return not ascending(numbers) or bool(numbers and (numbers[0] or 0) <= highest)

    def _bridge(self, page: Page, fence: int, moved: int) -> Steps:
        """What slipped through between the rows so far and the next page, where `moved` rows went meanwhile."""
        highest = self._seen.highest
        numbers = [number for number in as_numbers(page.identities) if number is not None]
        if highest is None or numbers != sorted(numbers):
            self._unsorted = True  # where rows may be missing cannot be told, so all are read again at the end
        elif not numbers:
            yield from self._range(highest, fence, page.size)
        elif not moved:  # the same total, and yet a row was there before: nothing this page says is trusted
            yield from self._range(highest, numbers[-1], page.size)
        elif numbers[0] > highest:
            yield from self._range(highest, numbers[0] - 1, min(moved + 1, page.size))

    def _growth(self, fence: int, size: int) -> Generator[Fetch | Page, Page | None, int]:
        """Rows that came meanwhile, all that there are when they are asked for; how many were handed on."""
        before, cursor, left = self._rows, fence, 1
        while left > 0:
            try:
                page = yield from self._ask(self.call.request(0, size, above=cursor))
            except BadRequestError:
                break
            problem = self._disorder(page, cursor)
            if problem is not None:
                raise self._not_whole(problem)
            left = page.total if cursor == fence else left
            left -= len(page.identities)
            yield from self._hand_on(page)
            if page.total_pages <= 1:
                break
            cursor = self._whole_identities(page)[1]
        return self._rows - before

    def _by_ranges(self, first: Page | None, after: int, size: int) -> Steps:
        """All pages by ranges. The first one has come already, unless an earlier read is gone on with."""
        bounds = self.call.bounds()
        assert bounds is not None
        cursor, total = after, None
        if first is not None:
            problem = self._disorder(first, LOWEST)
            if problem is not None:
                yield from self._by_totals(first, problem)
                return
            page, cursor = self._whole_identities(first)
            total = first.total
            yield from self._hand_on(page)
        try:
            asked = yield from self._range(cursor, bounds.until, size)
        except BadRequestError:
            if first is None:
                raise
            yield from self._by_totals(first, "the server refused a filter on the identity")
            return
        total = asked if total is None else total
        if first is None and bounds.until is not None:
            total = self._rows  # what the server counted goes beyond the filter
        gone = max(0, total - self._rows)
        if gone and self.consistency == "strict":
            raise self._not_whole(f"{total} rows were in the list, {self._rows} were found")
        self._conclude("ranges", total, growth=max(0, self._rows - total), vanished=gone)

    def _range(self, cursor: int, until: int | None, size: int) -> Generator[Fetch | Page, Page | None, int]:
        """Hand on all rows beyond `cursor` and up to `until`; how many the server had beyond it."""
        total: int | None = None
        while True:
            page = yield from self._ask(self.call.request(0, size, above=cursor))
            problem = self._disorder(page, cursor)
            if problem is not None:
                raise self._not_whole(problem)
            total = page.total if total is None else total
            whole, reached = self._whole_identities(page)
            if until is not None:
                whole = _only(whole, [(as_number(one) or 0) <= until for one in whole.identities])
            yield from self._hand_on(whole)
            if page.total_pages <= 1 or (until is not None and reached >= until):
                return total
            cursor = reached

    def _by_totals(self, first: Page, reason: str) -> Steps:
        """All totals must agree with the rows; where they do not, everything is read again, up to three times."""
        last = first.total_pages - 1
        for _ in range(_ROUNDS):
            totals: set[int] = set()
            number, seen, twice = 0, Identities(), False
            while number <= last:
                page = yield from self._next(number, last, first.size)
                totals.add(page.total)
                twice = twice or seen.take(page.identities) is not None
                yield from self._hand_on(page)
                number, last = number + 1, page.total_pages - 1
            if not twice and totals == {len(seen)}:
                self._conclude("totals", first.total, vanished=self._rows - len(seen), reason=reason)
                return
            self._drifted(f"the totals do not agree: {sorted(totals)}, {len(seen)} rows read")
        raise self._not_whole(f"the totals do not agree, {_ROUNDS} times in a row")

    def _trusting(self, first: Page) -> Steps:
        """As the server says."""
        page, number, last = first, 0, first.total_pages - 1
        while True:
            yield from self._hand_on(page, trust=True)
            if number >= last:
                break
            number += 1
            page = yield from self._next(number, last, first.size)
            last = page.total_pages - 1
        self._conclude("none", first.total, reason='consistency="off" trusts the server')

    # ---- steps of them

    def _ask(self, request: Request, ahead: tuple[Request, ...] = ()) -> Generator[Fetch | Page, Page | None, Page]:
        page = yield Fetch(request, ahead)
        assert page is not None
        self._requests += 1
        self._from = self._from or page.server_time
        self._to = page.server_time or self._to
        self._undeclared |= page.undeclared
        return page

    def _next(
        self, number: int, last: int, size: int, below: int | None = None
    ) -> Generator[Fetch | Page, Page | None, Page]:
        """One page of several; the next ones are asked for ahead."""
        places = [(later, size, below) for later in range(number, min(number + self.ahead, last) + 1)]
        made = self._window  # each request is made once, though it is asked for ahead of several pages
        self._window = {place: made.get(place) or self.call.request(place[0], size, below=below) for place in places}
        request, *ahead = self._window.values()
        page = yield from self._ask(request, tuple(ahead))
        if page.size != size:
            raise self._not_whole(f"the page size changed from {size} to {page.size} while reading")
        return page

    def _hand_on(self, page: Page, *, trust: bool = False) -> Steps:
        """Yield the rows that were not yet handed on and that the caller wants."""
        new = self._seen.take(page.identities)
        if new is not None and not trust:
            page = _only(page, new)
        if not page.rows and self._handed:
            return
        self._rows += len(page.rows)
        rows = page.rows if self.call.keep is None else [row for row in page.rows if self.call.keep(row)]
        self._kept += len(rows)
        last = self._seen.highest
        if len(self.call.facts.key) > 1 and page.identities:
            last = as_number(page.identities[-1])
        if not len(self._seen):
            last = self.after
        resumable = last is not None and not trust and self.call.why_no_ranges() is None
        yield replace(page, rows=rows, number=self._handed, last=last if resumable else None)
        self._handed += 1

    def _disorder(self, page: Page, cursor: int) -> str | None:
        """Why a page is no range beyond the cursor; `None` when it is."""
        numbers = as_numbers(page.identities)
        if None in numbers:
            return "the identity is not a number"
        if not ascending([cursor, *numbers] if len(self.call.facts.key) == 1 else [(cursor,), *page.identities]):
            return "the server does not filter or sort by identity"
        return None

    def _whole_identities(self, page: Page) -> tuple[Page, int]:
        """The page without rows of an identity that may go on in the next one, and the last number it holds."""
        numbers = [number or 0 for number in as_numbers(page.identities)]
        if not numbers:
            return page, LOWEST
        if len(self.call.facts.key) == 1 or page.total_pages <= 1:
            return page, numbers[-1]
        whole = [number < numbers[-1] for number in numbers]
        if not any(whole):
            raise self._not_whole("one row has more revisions than a page holds")
        page = _only(page, whole)
        return page, as_number(page.identities[-1]) or 0

    def _drifted(self, what: str) -> None:
        self._drifts += 1
        _log.info("%s: rows moved while they were read (%s)", self._name, what)
        if self.consistency == "strict":
            raise self._not_whole(what)

    def _not_whole(self, what: str) -> IncompleteReadError:
        again = 'read again, or with consistency="repair"' if self.consistency == "strict" else "read again"
        return IncompleteReadError(
            f"{self._name}: the read is not whole: {what}. Rows were deleted or moved meanwhile, or the server "
            f"does not page soundly. Nothing of this read should be used. Next: {again}"
        )

    def _conclude(
        self,
        rule: Rule,
        total: int,
        *,
        growth: int = 0,
        vanished: int = 0,
        fence: int | None = None,
        reason: str | None = None,
    ) -> None:
        self.proof = Proof(
            status="proven" if reason is None else "unproven",
            rule=rule,
            total=total,
            rows=self._rows,
            growth=growth,
            reason=reason,
            fence=fence,
            requests=self._requests,
            server_from=self._from,
            server_to=self._to,
            undeclared=tuple(sorted(self._undeclared)),
            vanished=max(0, vanished),
            drifts=self._drifts,
            kept=self._kept,
            filtered_here=self.call.kept_by,
        )
        if self._drifts:
            _log.warning(
                "%s: %d rows went while they were read; %d places were read again", self._name, vanished, self._drifts
            )


def _only(page: Page, chosen: list[bool]) -> Page:
    """A page with some of its rows."""
    pairs = [pair for pair, one in zip(zip(page.rows, page.identities, strict=True), chosen, strict=True) if one]
    return replace(page, rows=[row for row, _ in pairs], identities=[identity for _, identity in pairs])
