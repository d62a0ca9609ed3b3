"""The state of a running read, and the messages between it and its driver in `fetch`."""

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
    """The state of one read: what it asks for, hands on and counts; `proof` is set at its end.

    Args:
        call: what to read.
        ahead: how many requests may be sent beyond the one that is needed now.
        consistency: `repair` reads again what changed, `strict` raises, `off` trusts the server.
        after: the number after which the read begins, to resume an earlier one.

    Attributes:
        far: set by the driver where answers take long, so that sending requests ahead is worth it.
        first_page: number of the first page it hands on.
        pages: pages handed on so far.
        rows: rows read so far, before the caller's `keep` test.
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
        if self.after is not None and (reason := self.call.why_no_intervals()):
            raise ArgumentError(f"this read cannot be resumed: {reason}")

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
        """Yield a page with the rows the caller wants, unless it is empty and not the first.

        A later read can resume after `last`.
        """
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

    def hand_on_none(self, request: Request) -> Steps:
        """Yield an empty page, where no row can be what the caller asks for; wrong keys or a wrong study still show."""
        page = yield from self.ask(request)
        self._total = 0
        yield from self.hand_on(replace(page, rows=[]))

    def changed(self, reason: str) -> None:
        """Note that something is read again. Raises IncompleteReadError for `consistency="strict"`."""
        self.rechecked += 1
        _log.info("%s: the list changed while it was read (%s)", self.call.operation.name, reason)
        if self.consistency == "strict":
            raise self.not_whole(reason)

    def moved(self, before: set[Any], now: set[Any]) -> None:
        """Count the rows that came and went in an interval that was read again."""
        self.came += len(now - before)
        self.gone += len(before - now)

    def not_whole(self, reason: str) -> IncompleteReadError:
        """The error for a read that is not whole."""
        step = 'read again, or with consistency="repair"' if self.consistency == "strict" else "read again"
        return IncompleteReadError(
            f"{self.call.operation.name}: the read is not whole: {reason}. The list changes while it is read, or the "
            f"server does not sort, filter or count as asked. Nothing of this read should be used. Next: {step}"
        )

    def conclude(self, rule: Rule, reason: str | None = None) -> None:
        """Set the proof at the end of the read; `reason` says why it is unproven."""
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
