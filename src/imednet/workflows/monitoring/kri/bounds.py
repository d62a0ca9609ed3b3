"""Lines of a funnel plot: which rate a group of each size would need to reach a threshold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ....utils.optional_library import optional_library
from .scores import Group, Kind, poisson_coefficients, whole_of

_STEPS: Final = 250


@dataclass(frozen=True)
class BoundPoint:
    """A point of a line.

    Attributes:
        threshold: the score that the line stands for; 0 is the middle.
        denominator: the exposure.
        numerator: the events that a group of this exposure needs to have this score.
    """

    threshold: float
    denominator: float
    numerator: float

    @property
    def metric(self) -> float:
        """The rate."""
        return self.numerator / self.denominator

    @property
    def log_denominator(self) -> float:
        """The natural logarithm of the exposure."""
        return math.log(self.denominator)


def normal_bounds(groups: Sequence[Group], kind: Kind, thresholds: Iterable[float]) -> list[BoundPoint]:
    """The lines of the normal approximation, through all groups, also those too small for a score.

    There are none where no group has an event (or, for `binary`, where every unit has the property): nothing differs.
    """
    if not groups:
        return []
    whole = whole_of(groups, kind)
    if not whole.variance:
        return []
    smallest, largest = (pick(group.denominator for group in groups) for pick in (min, max))
    points = []
    for threshold in _with_middle(thresholds):
        for x in _along(smallest, largest, 1.0):
            if x <= 0:
                continue
            numerator = (whole.rate + threshold * math.sqrt(whole.factor * whole.variance / x)) * x
            if numerator >= 0:
                points.append(BoundPoint(threshold, x, numerator))
    return points


def poisson_bounds(groups: Sequence[Group], thresholds: Iterable[float] = (-5, 5)) -> list[BoundPoint]:
    """The lines of the Poisson model: counts whose deviance residual is the threshold. Needs scipy.

    Where no count is so low that its residual is a negative threshold, the line has no point.
    """
    intercept, slope = poisson_coefficients(groups)
    lambertw: Any = optional_library("scipy.special", "monitoring").lambertw
    logs = [math.log(group.denominator) for group in groups]
    points = []
    for threshold in _with_middle(thresholds):
        for x in _along(min(logs), max(logs), 0.05):
            fitted = math.exp(intercept + slope * x)
            count = fitted
            if threshold:
                rest = threshold**2 - 2 * fitted
                if threshold < 0 and rest >= 0:
                    continue
                branch = 0 if threshold > 0 else -1
                count = rest / (2 * float(lambertw(rest / (2 * math.e * fitted), branch).real))
            points.append(BoundPoint(threshold, math.exp(x), count))
    return points


def _with_middle(thresholds: Iterable[float]) -> list[float]:
    """The thresholds in their order, and 0 behind them unless it is among them."""
    listed = list(thresholds)
    return listed if 0 in listed else [*listed, 0]


def _along(smallest: float, largest: float, single: float) -> list[float]:
    """Equal steps from one below the smallest to one above the largest value.

    >>> len(_along(10, 260, 1.0)), _along(5, 5, 1.0)
    (253, [4.0, 5.0, 6.0])
    """
    step = (largest - smallest) / _STEPS or single
    first, last = smallest - step, largest + step
    count = math.floor((last - first) / step + 1e-10)
    return [min(first + place * step, last) for place in range(count + 1)]
