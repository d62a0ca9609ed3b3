"""What a read knows of itself: which rows came, and why they are all of them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from operator import sub
from typing import Any, Literal

from .list_call import LOWEST

Rule = Literal["single page", "fence", "ranges", "totals", "none"]


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a read counts as whole.

    Attributes:
        status: `proven`, or `unproven` where only the server's totals could be compared.
        rule: `single page`, `fence`, `ranges` or `totals`; `none` for `consistency="off"`.
        reason: why it is not proven.
        total: rows the server says there were when the read began.
        rows: rows read, growth included.
        growth: rows that came while the read went on.
        vanished: rows that were deleted, or left the list, while the read went on.
        drifts: places where rows moved meanwhile and were read again.
        kept: rows handed on; fewer than `rows` where a part of the filter was applied here.
        filtered_here: attributes whose filter was applied here, since the server takes each attribute once.
        parts: reads the call was split into, one for each value of a list.
        fence: the highest identity when the read began.
        requests: requests the read needed, further attempts not counted.
        server_from, server_to: server time of the first and last answer, as the server writes it (UTC).
        undeclared: fields of rows that the description of the API does not know.
    """

    status: Literal["proven", "unproven"]
    rule: Rule
    total: int
    rows: int
    growth: int = 0
    reason: str | None = None
    fence: int | None = None
    requests: int = 1
    server_from: str | None = None
    server_to: str | None = None
    undeclared: tuple[str, ...] = ()
    vanished: int = 0
    drifts: int = 0
    kept: int = 0
    filtered_here: tuple[str, ...] = ()
    parts: int = 1

    @property
    def proven(self) -> bool:
        """Whether the read is proven whole."""
        return self.status == "proven"

    def merged(self, other: Proof) -> Proof:
        """The proof of two reads after one another."""
        unproven = [proof for proof in (self, other) if not proof.proven]
        return replace(
            self,
            status="unproven" if unproven else "proven",
            rule=(unproven or [self])[0].rule,
            reason=unproven[0].reason if unproven else None,
            total=self.total + other.total,
            rows=self.rows + other.rows,
            growth=self.growth + other.growth,
            fence=None,
            requests=self.requests + other.requests,
            server_to=other.server_to,
            undeclared=tuple(sorted({*self.undeclared, *other.undeclared})),
            vanished=self.vanished + other.vanished,
            drifts=self.drifts + other.drifts,
            kept=self.kept + other.kept,
            parts=self.parts + other.parts,
        )


class Identities:
    """The identities read so far. Numbers that keep growing, as they do in a sorted read, cost some two bytes each."""

    def __init__(self) -> None:
        self._runs: list[array[int]] = []  # the distances between the identities of a page
        self._starts = array("q")  # the first identity of each page
        self._last = LOWEST
        self._count = 0
        self._others: set[Any] | None = None

    def __len__(self) -> int:
        return self._count if self._others is None else len(self._others)

    @property
    def highest(self) -> int | None:
        """The last identity, as long as all of them kept growing."""
        return self._last if self._others is None else None

    def take(self, identities: list[Any]) -> list[bool] | None:
        """Take in one page: which of its rows are new, `None` when all of them are."""
        if self._others is None and _fit(identities):
            beyond = bisect_right(identities, self._last) if self._count else 0
            if not beyond:
                self._append(identities)
                return None
            if all(map(self._has, identities[:beyond])):
                self._append(identities[beyond:])
                return [False] * beyond + [True] * (len(identities) - beyond)
        if self._others is None:
            self._others = {one for place in range(len(self._runs)) for one in self._page(place)}
        new = []
        for one in identities:
            new.append(one not in self._others)
            self._others.add(one)
        return None if all(new) else new

    def _append(self, identities: list[int]) -> None:
        if identities:
            gaps = list(map(sub, islice(identities, 1, None), identities))
            try:
                self._runs.append(array("H", gaps))
            except OverflowError:
                self._runs.append(array("Q", gaps))
            self._starts.append(identities[0])
            self._last = identities[-1]
            self._count += len(identities)

    def _page(self, place: int) -> Iterator[int]:
        return accumulate(self._runs[place], initial=self._starts[place])

    def _has(self, number: int) -> bool:
        place = bisect_right(self._starts, number)
        return place > 0 and number in self._page(place - 1)

    def up_to(self, fence: int) -> int:
        """How many identities do not lie above the fence."""
        if self._others is not None:
            return sum((as_number(one) or 0) <= fence for one in self._others)
        place = bisect_right(self._starts, fence)
        whole = sum(len(run) + 1 for run in self._runs[: max(0, place - 1)])
        return whole + (sum(one <= fence for one in self._page(place - 1)) if place else 0)


def _fit(identities: list[Any]) -> bool:
    """Whether these are numbers of eight bytes, each greater than the one before."""
    if not _plain(identities) or not ascending(identities):
        return False
    return not identities or (identities[0] >= LOWEST and identities[-1] < 2**63)


def _plain(identities: list[Any]) -> bool:
    return set(map(type, identities)) <= {int}


def ascending(keys: list[Any]) -> bool:
    """Whether each is greater than the one before; not where two of them cannot be compared."""
    try:
        return sorted(keys) == keys and len(set(keys)) == len(keys)
    except TypeError:
        return False


def as_numbers(identities: list[Any]) -> list[int | None]:
    """The part of each identity that grows."""
    return identities if _plain(identities) else list(map(as_number, identities))


def as_number(identity: Any) -> int | None:
    """The part of an identity that grows; `None` when it is no number."""
    found = identity[0] if isinstance(identity, tuple) else identity
    return found if type(found) is int else None
