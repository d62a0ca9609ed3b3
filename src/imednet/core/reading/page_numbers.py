"""Lists that are read page by page: twice until two passes agree, or once where the caller trusts the server."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..decoding.page import Page
from .answer import chosen_rows
from .ledger import Fetch, Ledger, Steps

_PASSES = 4


def read_twice(read: Ledger, reason: str) -> Steps:
    """Read page after page, and all of it again until two passes find the same rows.

    A read of a single page is one answer of one moment, and proven. Two passes that agree are not a proof, since a row
    may have slipped through both: the read ends as unproven, for the reason given.
    """
    handed_on: set[Any] = set()
    previous: set[Any] | None = None
    for number in range(_PASSES):
        seen: set[Any] = set()
        rows, totals = 0, set[int]()
        page = yield from _page(read, 0, 1)
        single_page = page.total_pages <= 1
        while True:
            rows, totals = rows + len(page.identities), totals | {page.total}
            seen.update(page.identities)
            new = [identity not in handed_on for identity in page.identities]
            handed_on.update(page.identities)
            yield from read.hand_on(page if all(new) else chosen_rows(page, new))
            if page.number + 1 >= page.total_pages:
                break
            following = yield from _page(read, page.number + 1, page.total_pages)
            if following.size != page.size:
                raise read.not_whole(f"the page size changed from {page.size} to {following.size}")
            page = following
        if not number and single_page:
            read.conclude("one answer")
            return
        sound = totals == {rows} and rows == len(seen)
        if sound and seen == previous:
            read.gone = len(handed_on - seen)
            read.conclude("twice", reason)
            return
        if number:
            read.changed("two passes over the list do not agree")
        previous = seen if sound else None
    raise read.not_whole(f"no two of {_PASSES} passes over the list agreed")


def read_trusting(read: Ledger) -> Steps:
    """Read page after page and compare nothing."""
    page = yield from _page(read, 0, 1)
    yield from read.hand_on(page)
    while page.number + 1 < page.total_pages:
        page = yield from _page(read, page.number + 1, page.total_pages)
        yield from read.hand_on(page)
    read.conclude("none", 'consistency="off" trusts the server')


def _page(read: Ledger, number: int, pages: int) -> Generator[Fetch | Page, Page | None, Page]:
    """Fetch one page; the next ones may be requested ahead."""
    size = read.call.page_size
    ahead = [read.call.request(later, size) for later in range(number + 1, min(number + read.ahead + 1, pages))]
    return (yield from read.ask(read.call.request(number, size), tuple(ahead)))
