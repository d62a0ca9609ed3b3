"""A whole read: which page next, and whether the read is whole. Pure; `driving` moves the bytes.

A read of more than one page is fenced. Before it, the highest identity L0 and the total T0 are asked for; after it, the
rows up to L0 are counted again (T1). New rows get higher identities, so the rows up to L0 can only become fewer: when
T0, T1 and the number of distinct identities read up to L0 agree, none was lost between two pages. Comparing totals
alone would miss a deletion that an insertion balances. Rows above L0 came during the read; they are kept and reported.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from imednet_api.types import Operation, Request

from ..errors import BadRequestError, IncompleteReadError
from . import filters
from .pages import Page


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a read counts as whole.

    Attributes:
        status: `proven`, or `unproven` where only the server's totals could be compared.
        rule: `single page`, `fence` or `totals`.
        reason: why the fence could not be used, where it could not.
        total: rows the server says there were when the read began.
        rows: rows read, growth included.
        growth: rows that came while the read went on.
        fence: the highest identity when the read began.
        requests: requests the read needed, further attempts not counted.
        server_from, server_to: server time of the first and last answer, as the server writes it (UTC).
        undeclared: fields of rows that the description of the API does not know.
    """

    status: Literal["proven", "unproven"]
    rule: Literal["single page", "fence", "totals"]
    total: int
    rows: int
    growth: int = 0
    reason: str | None = None
    fence: int | None = None
    requests: int = 1
    server_from: str | None = None
    server_to: str | None = None
    undeclared: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the read is proven whole."""
        return self.status == "proven"


@dataclass(frozen=True, slots=True)
class Fetch:
    """A page the read needs now, and pages it will need next, which may be asked for ahead."""

    request: Request
    ahead: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class ListCall:
    """One list of one study, with the caller's filter."""

    operation: Operation
    study_key: str | None
    filter: str | None = field(default=None, repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    page_size: int = 500

    def request(self, number: int, size: int, *, newest: bool = False, below: int | None = None) -> Request:
        """One page, in the order of a whole read; `newest` turns the order round, `below` sets the fence."""
        facts = self.operation.page
        assert facts is not None
        fence = f"{facts.fence}<={below}" if below is not None else None
        expression = filters.joined(self.filter, fence)
        query: list[tuple[str, Any]] = [("page", number), ("size", size)]
        direction = "desc" if newest else "asc"
        query += [("sort", f"{name},{direction}") for name in facts.order]
        if expression is not None:
            query.append(("filter", expression))
        path = {} if self.study_key is None else {"study_key": self.study_key}
        return self.operation.request(path=path, query=[*query, *self.query])

    def why_no_fence(self) -> str | None:
        """Why the read cannot be fenced; `None` when it can."""
        facts = self.operation.page
        assert facts is not None
        if facts.fence is None:
            return "this list has no number that only grows"
        if self.filter is None:
            return None
        names = filters.attributes_if_conjunction(self.filter)
        if names is None:
            return "the filter is not a plain AND, so the fence cannot be joined to it safely"
        if facts.fence in names:
            return "the filter is on the identity itself, which may occur once"
        return None

    def why_unsettled(self) -> str | None:
        """Why rows may enter or leave the list while it is read though none is made or deleted; `None` when none can.

        Identifiers and keys of a row and the time it was made never change; everything else may.
        """
        if any(name == "recordDataFilter" for name, _ in self.query):
            return "the filter is on answers, which may change while the read goes on"
        names = filters.attributes_if_conjunction(self.filter) or [] if self.filter else []
        changing = [name for name in names if not name.endswith(("Id", "Key")) and name != "dateCreated"]
        return f"the filter is on {changing[0]}, which may change while the read goes on" if changing else None


class Identities:
    """The identities read so far: refuses a repetition, counts those up to a fence.

    Numbers that keep growing, as they do in a sorted read, cost eight bytes each.
    """

    def __init__(self) -> None:
        self._numbers = array("q")
        self._others: set[Any] | None = None

    def __len__(self) -> int:
        return len(self._numbers) if self._others is None else len(self._others)

    def add(self, identities: list[Any], name: str) -> None:
        """Take in one page. Raises IncompleteReadError when a row is there twice."""
        if self._others is None and all(type(one) is int and -(2**63) <= one < 2**63 for one in identities):
            start = self._numbers[-1:].tolist() + identities
            if all(left < right for left, right in pairwise(start)):
                self._numbers.extend(identities)
                return
        if self._others is None:
            self._others = set(self._numbers)
        before = len(self._others)
        self._others.update(identities)
        if len(self._others) != before + len(identities):
            raise IncompleteReadError(
                f"{name}: a row came twice, so rows moved between pages and others may be missing. "
                "Nothing of this read should be used. Next: read again"
            )

    def up_to(self, fence: int) -> int:
        """How many identities do not lie above the fence."""
        if self._others is not None:
            return sum((_number(one) or 0) <= fence for one in self._others)
        return bisect_right(self._numbers, fence)


def _number(identity: Any) -> int | None:
    found = identity[0] if isinstance(identity, tuple) else identity
    return found if isinstance(found, int) else None


@dataclass
class WholeRead:
    """One whole read. `steps()` yields what to fetch and, in between, pages to hand on; `proof` is set at its end.

    Args:
        call: what to read.
        ahead: how many pages may be asked for beyond the one that is needed.
    """

    call: ListCall
    ahead: int = 3
    proof: Proof | None = field(default=None, init=False)
    _requests: int = field(default=0, init=False)
    _from: str | None = field(default=None, init=False)
    _to: str | None = field(default=None, init=False)
    _undeclared: set[str] = field(default_factory=set, init=False)

    @property
    def _name(self) -> str:
        return self.call.operation.name

    def steps(self) -> Generator[Fetch | Page, Page | None, None]:
        """The read, step by step. Send the page for each `Fetch`; throw in what a fetch raised."""
        first = yield from self._ask(self.call.request(0, self.call.page_size))
        if first.number != 0:
            raise IncompleteReadError(f"{self._name}: the server gave page {first.number} when asked for page 0")
        if first.total_pages <= 1:
            seen = Identities()
            seen.add(first.identities, self._name)
            yield first
            self._conclude("proven", "single page", first.total, len(seen))
            return
        yield from self._several(first)

    def _several(self, first: Page) -> Generator[Fetch | Page, Page | None, None]:
        """More than one page. The first one is read again: what was read before the fence proves nothing."""
        reason = self.call.why_no_fence()
        fence: int | None = None
        total = first.total
        if reason is None:
            newest = yield from self._ask(self.call.request(0, 1, newest=True))
            total = newest.total
            fence = _number(newest.identities[0]) if newest.identities else 0
            reason = "the identity is not a number" if fence is None else None
        seen = Identities()
        totals = {total}
        number, last = 0, first.total_pages - 1
        while True:
            window = range(number + 1, min(number + self.ahead, last) + 1)
            ahead = tuple(self.call.request(later, first.size) for later in window)
            page = yield from self._ask(self.call.request(number, first.size), ahead)
            self._check_place(page, number, first.size)
            seen.add(page.identities, self._name)
            totals.add(page.total)
            yield page
            last = page.total_pages - 1
            beyond = fence is not None and all((_number(one) or 0) > fence for one in page.identities)
            if number >= last or beyond:  # what lies beyond the fence may grow faster than it can be read
                break
            number += 1
        if fence is not None:
            try:
                below = yield from self._ask(self.call.request(0, 1, below=fence))
            except BadRequestError:
                reason = "the server refused the filter that counts below the fence"
            else:
                self._conclude_fenced(fence, total, below.total, seen)
                return
        if totals != {len(seen)}:
            raise self._not_whole(f"the total changed or does not fit: {sorted(totals)}, {len(seen)} rows read")
        self._conclude("unproven", "totals", total, len(seen), reason=reason)

    def _ask(self, request: Request, ahead: tuple[Request, ...] = ()) -> Generator[Fetch | Page, Page | None, Page]:
        page = yield Fetch(request, ahead)
        assert page is not None
        self._requests += 1
        self._from = self._from or page.server_time
        self._to = page.server_time or self._to
        self._undeclared |= page.undeclared
        return page

    def _check_place(self, page: Page, number: int, size: int) -> None:
        if page.number != number:
            raise self._not_whole(f"the server gave page {page.number} when asked for page {number}")
        if page.size != size:
            raise self._not_whole(f"the page size changed from {size} to {page.size} while reading")

    def _conclude_fenced(self, fence: int, before: int, after: int, seen: Identities) -> None:
        found = seen.up_to(fence)
        facts = self.call.operation.page
        assert facts is not None
        reason = self.call.why_unsettled()
        if len(facts.key) > 1 and before <= found <= after and before < after:
            reason = "rows were added below the fence: a row of this list can have later revisions"
        elif not before == after == found:
            raise self._not_whole(
                f"{before} rows stood below the fence at the beginning, {after} at the end, {found} were read"
            )
        growth = len(seen) - before
        status: Literal["proven", "unproven"] = "proven" if reason is None else "unproven"
        self._conclude(status, "fence", before, len(seen), growth=growth, fence=fence, reason=reason)

    def _not_whole(self, what: str) -> IncompleteReadError:
        return IncompleteReadError(
            f"{self._name}: the read is not whole: {what}. Rows were deleted or moved meanwhile, or the server "
            "does not page soundly. Nothing of this read should be used. Next: read again"
        )

    def _conclude(
        self,
        status: Literal["proven", "unproven"],
        rule: Literal["single page", "fence", "totals"],
        total: int,
        rows: int,
        *,
        growth: int = 0,
        fence: int | None = None,
        reason: str | None = None,
    ) -> None:
        self.proof = Proof(
            status=status,
            rule=rule,
            total=total,
            rows=rows,
            growth=growth,
            reason=reason,
            fence=fence,
            requests=self._requests,
            server_from=self._from,
            server_to=self._to,
            undeclared=tuple(sorted(self._undeclared)),
        )
