"""What a read keeps of itself while it goes on, and what it and its driver say to each other."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from imednet_api.types import Request

from ...errors import ArgumentError, IncompleteReadError
from ..decoding.page import Page
from .list_call import ListCall
from .proof import Proof, Rule

Consistency = Literal["repair", "strict", "off"]
Steps = Generator["Fetch | Page", "Page | None", None]
_log = logging.getLogger("imednet")


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request whose page the read needs now, and requests it will need next, which may be sent ahead."""

    request: Request
    ahead: tuple[Request, ...] = ()


@dataclass
class Ledger:
    """What one read asks for, hands on and notes; `proof` is set at its end.

    Args:
        call: what to read.
        ahead: how many requests may be sent beyond the one that is needed.
        consistency: `repair` reads again what changed, `strict` raises, `off` trusts the server.
        after: go on after this number.

    Attributes:
        far: set by the driver where answers take their time, so that it is worth guessing what to ask ahead.
        first_page: number of the first page it hands on.
        pages: pages handed on so far.
        rows: rows handed on so far, before the tests on this side.
        requests: answers so far.
        rechecked, came, gone, later: see `Proof`.
    """

    call: ListCall
    ahead: int = 3
    consistency: Consistency = "repair"
    after: int | None = None
    far: bool = field(default=False, init=False)
    proof: Proof | None = field(default=None, init=False)
    first_page: int = field(default=0, init=False)
    pages: int = field(default=0, init=False)
    rows: int = field(default=0, init=False)
    requests: int = field(default=0, init=False)
    rechecked: int = field(default=0, init=False)
    came: int = field(default=0, init=False)
    gone: int = field(default=0, init=False)
    later: int = field(default=0, init=False)
    _kept: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)
    _from: str | None = field(default=None, init=False)
    _to: str | None = field(default=None, init=False)
    _undeclared: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        if self.consistency not in get_args(Consistency):
            raise ArgumentError(f"consistency must be one of {', '.join(get_args(Consistency))}")
        if self.after is not None and (why := self.call.why_no_intervals()):
            raise ArgumentError(f"this read cannot be resumed: {why}")

    def ask(self, request: Request, ahead: tuple[Request, ...] = ()) -> Generator[Fetch | Page, Page | None, Page]:
        """Fetch one page."""
        page = yield Fetch(request, ahead)
        assert page is not None
        if not self.requests:
            self._total = page.total
        self.requests += 1
        self._from = self._from or page.server_time
        self._to = page.server_time or self._to
        self._undeclared |= page.undeclared
        return page

    def hand_on(self, page: Page, last: int | None = None) -> Steps:
        """Yield the rows that the caller wants; a later read can go on after `last`. Only a first page may be empty."""
        self.rows += len(page.rows)
        rows = page.rows if self.call.keep is None else [row for row in page.rows if self.call.keep(row)]
        self._kept += len(rows)
        if page.rows or not self.pages:
            total = max(self._total, self.rows)
            pages = -(-total // page.size)
            yield replace(
                page, rows=rows, number=self.first_page + self.pages, total_pages=pages, total=total, last=last
            )
            self.pages += 1

    def changed(self, what: str) -> None:
        """Note that something is read again; raises where the caller wants to hear of it."""
        self.rechecked += 1
        _log.info("%s: the list changed while it was read (%s)", self.call.operation.name, what)
        if self.consistency == "strict":
            raise self.not_whole(what)

    def moved(self, before: set[Any], now: set[Any]) -> None:
        """Note which rows came and went in an interval that was read again."""
        self.came += len(now - before)
        self.gone += len(before - now)

    def not_whole(self, what: str) -> IncompleteReadError:
        """The error of a read that cannot be whole."""
        again = 'read again, or with consistency="repair"' if self.consistency == "strict" else "read again"
        return IncompleteReadError(
            f"{self.call.operation.name}: the read is not whole: {what}. The list changes while it is read, or the "
            f"server does not sort, filter or count as asked. Nothing of this read should be used. Next: {again}"
        )

    def conclude(self, rule: Rule, reason: str | None = None) -> None:
        """Set the proof."""
        self.proof = Proof(
            status="proven" if reason is None else "unproven",
            rule=rule,
            reason=reason,
            total=self._total,
            rows=self.rows,
            rechecked=self.rechecked,
            came=self.came,
            gone=self.gone,
            later=self.later,
            kept=self._kept,
            filtered_here=self.call.kept_by,
            requests=self.requests,
            server_from=self._from,
            server_to=self._to,
            undeclared=tuple(sorted(self._undeclared)),
        )
        if self.rechecked:
            name = self.call.operation.name
            _log.warning("%s: the list changed while it was read; %d places were read again", name, self.rechecked)
