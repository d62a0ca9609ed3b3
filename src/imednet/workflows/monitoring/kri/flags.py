"""Flags: which threshold the score of a group has reached, and what is too little to be flagged."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from ....errors import ArgumentError
from .scores import Scored

Accrual = Literal["Numerator", "Denominator", "Difference"]
"""What must be large enough for a score: the events, the exposure, or the exposure without the events."""

FLAGS: Final = (-2, -1, 0, 1, 2)
"""Flags of four thresholds, where none are named."""

URGENT_FIRST: Final = (2, -2, 1, -1, 0)
"""The order in which flags are listed."""


@dataclass(frozen=True)
class Thresholds:
    """When a score becomes a flag.

    Attributes:
        values: the thresholds, ascending.
        flags: the flags between them, one more than there are thresholds.
        accrual: what must reach `least`.
        least: below this a group has no score and no flag, but still counts among all.
        closed_left: whether a score on a threshold has reached it from below also where it is negative, as the released
            R packages have it; a later one treats both sides alike.

    Raises:
        ArgumentError: the numbers of thresholds and flags do not fit, or a setting for accrual is missing.
    """

    values: tuple[float, ...]
    flags: tuple[int, ...] = FLAGS
    accrual: Accrual | None = None
    least: float | None = None
    closed_left: bool = True

    def __post_init__(self) -> None:
        """Sort the thresholds, and check that flags fit."""
        object.__setattr__(self, "values", tuple(sorted(self.values)))
        if len(self.flags) != len(self.values) + 1:
            raise ArgumentError(
                f"{len(self.values)} thresholds need {len(self.values) + 1} flags, not {len(self.flags)}"
            )
        if (self.accrual is None) != (self.least is None):
            raise ArgumentError("accrual needs both: what is counted, and how much is enough")

    def flag(self, score: float | None) -> int | None:
        """The flag of a score; `None` of none.

        >>> Thresholds((-3, -2, 2, 3)).flag(-3), Thresholds((-3, -2, 2, 3), closed_left=False).flag(-3)
        (-1, -2)
        """
        if score is None:
            return None
        find = bisect_right if self.closed_left or score >= 0 else bisect_left
        return self.flags[find(self.values, score)]

    def enough(self, scored: Scored) -> bool:
        """Whether a group is large enough for a score."""
        if self.accrual is None or self.least is None:
            return True
        group = scored.group
        amount = {
            "Numerator": group.numerator,
            "Denominator": group.denominator,
            "Difference": group.denominator - group.numerator,
        }[self.accrual]
        return amount >= self.least


@dataclass(frozen=True)
class Flagged:
    """A group with its score and its flag; both are `None` where the group is too small."""

    scored: Scored
    flag: int | None


def flagged(scored: Sequence[Scored], thresholds: Thresholds) -> list[Flagged]:
    """Flags of groups, in the order of the scores, or the urgent ones first where the flags are the usual five."""
    found = [(one, thresholds.flag(one.score)) for one in scored]
    masked = [
        Flagged(one, flag) if thresholds.enough(one) else Flagged(replace(one, score=None), None) for one, flag in found
    ]
    return sorted(masked, key=_urgency) if set(thresholds.flags) == set(URGENT_FIRST) else masked


def summarized(rows: Sequence[Flagged]) -> list[Flagged]:
    """The order of a summary: the urgent flags first, those of one flag by descending rate."""
    by_rate = sorted(rows, key=lambda row: -abs(row.scored.group.metric))
    return sorted(by_rate, key=_urgency)


def _urgency(row: Flagged) -> int:
    return URGENT_FIRST.index(row.flag) if row.flag in URGENT_FIRST else len(URGENT_FIRST)
