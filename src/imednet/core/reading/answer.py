"""One answer of a list, read as a statement: the rows above one number and up to another are exactly these."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise
from math import isinf
from statistics import fmean, pstdev
from typing import Any

from ..decoding.page import Page
from .list_call import HIGHEST, Bound


class NotCredible(Exception):
    """An answer that cannot be true, such as one with a row that was not asked for."""


class NoNumbers(Exception):
    """Rows without a number, for which no interval can be asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows above `above`, up to and including `reach`, which is infinite where the answer is not full.

    Attributes:
        page: its rows and identities.
        numbers: the numbers of its rows, ascending.
        total: rows above `above` that the server counted.
        split: whether several rows may share a number, as the revisions of a coding do.
    """

    page: Page
    numbers: list[int]
    above: Bound
    reach: Bound
    total: int
    split: bool = False

    @classmethod
    def of(cls, page: Page, above: Bound, *, split: bool = False) -> Answer:
        """Read a page as the answer to a request for the rows above a number.

        Raises NotCredible where it cannot be true, NoNumbers where a row has no number.
        """
        numbers = as_numbers(page.identities)
        if numbers is None:
            raise NoNumbers
        if len(numbers) < page.size and numbers != sorted(numbers):  # the order of a whole list does not matter
            order = sorted(range(len(numbers)), key=numbers.__getitem__)
            rows, identities = (
                [page.rows[at] for at in order],
                [page.identities[at] for at in order],
            )
            page, numbers = replace(page, rows=rows, identities=identities), [numbers[at] for at in order]
        if numbers and min(numbers) <= above:
            raise NotCredible("a row came that was not asked for")
        if not all(a < b or (split and a == b) for a, b in pairwise(numbers)):
            raise NotCredible("the rows are not sorted by their number")
        if len(numbers) < page.size:
            return cls(page, numbers, above, HIGHEST, page.total, split)
        reach = numbers[-1]
        if split:  # further rows of the last number may come in the next answer
            whole = bisect_right(numbers, reach - 1)
            if not whole:
                raise NotCredible("one row has more revisions than a page holds")
            page, numbers = first_rows(page, whole), numbers[:whole]
            reach = numbers[-1]
        return cls(page, numbers, above, reach, page.total, split)

    @property
    def keys(self) -> list[Any]:
        """The identity of each row; its number where no other row can share it."""
        return self.page.identities if self.split else self.numbers

    @property
    def beyond(self) -> int:
        """How many rows the server counted beyond `reach`."""
        return max(0, self.total - len(self.numbers))

    @property
    def span(self) -> float:
        """The average distance between the numbers of two rows."""
        start = self.numbers[0] - 1 if isinf(self.above) else self.above
        return (self.numbers[-1] - start) / len(self.numbers)

    def up_to(self, bound: Bound) -> Answer:
        """The part of the answer up to a bound."""
        if bound >= self.reach:
            return self
        count = bisect_right(self.numbers, bound)
        return replace(self, page=first_rows(self.page, count), numbers=self.numbers[:count], reach=bound)

    def without(self, keys: set[Any]) -> Page:
        """The page without the rows of these keys."""
        return chosen_rows(self.page, [key not in keys for key in self.keys])


class Held:
    """An interval whose rows were handed on. It remembers their numbers in a byte or two each.

    Attributes:
        above, upto: the interval.
        count: rows in it by the newest answer.
    """

    def __init__(self, above: Bound, upto: Bound, keys: Sequence[Any], count: int | None = None) -> None:
        self.above = above
        self.upto = upto
        self.count = len(keys) if count is None else count
        self._first = keys[:1]
        self._distances: array[int] | None = None
        self._keys: Sequence[Any] = ()
        for code in "BHIQ" if keys and type(keys[0]) is int else "":
            try:
                self._distances = array(code, [b - a for a, b in pairwise(keys)])
                break
            except OverflowError:
                continue
        else:
            self._keys = keys

    def keys(self) -> set[Any]:
        """The keys of all rows that were ever handed on from the interval."""
        if self._distances is None:
            return set(self._keys)
        return set(accumulate(chain(self._first, self._distances)))

    @property
    def highest(self) -> Bound:
        """The highest number in the interval, or its lower bound where it is empty."""
        if self._distances is None:
            return max((as_number(key) or 0 for key in self._keys), default=self.above)
        return int(self._first[0]) + sum(self._distances)


def guessed_bounds(after: Bound, spans: Sequence[float], size: int, many: int) -> list[int]:
    """Guess where the next answers begin: by the mean of the last spans, less two standard deviations.

    An overlap costs a few rows twice, a gap costs a request; so guesses are on the short side, and the more so the
    fewer spans they rest on.
    """
    mean = fmean(spans)
    margin = max(2 * pstdev(spans) / mean, 0.1 / len(spans))
    step = max(1, int(mean * (1 - margin) * size))
    return [int(after) + step * number for number in range(1, many + 1)]


def as_number(identity: Any) -> int | None:
    """The part of an identity that grows, a number or a text of digits; `None` when there is none."""
    first = identity[0] if isinstance(identity, tuple) else identity
    if type(first) is str and first.isdecimal() and first.isascii() and len(first) < 20:
        return int(first)
    return first if type(first) is int else None


def as_numbers(identities: list[Any]) -> list[int] | None:
    """The numbers of rows; `None` where one has none."""
    if set(map(type, identities)) <= {int}:
        return identities
    numbers = [number for identity in identities if (number := as_number(identity)) is not None]
    return numbers if len(numbers) == len(identities) else None


def first_rows(page: Page, count: int) -> Page:
    """A page cut to its first rows."""
    return replace(page, rows=page.rows[:count], identities=page.identities[:count])


def chosen_rows(page: Page, chosen: list[bool]) -> Page:
    """A page with the chosen ones of its rows."""
    pairs = [pair for pair, keep in zip(zip(page.rows, page.identities, strict=True), chosen, strict=True) if keep]
    return replace(page, rows=[row for row, _ in pairs], identities=[identity for _, identity in pairs])
