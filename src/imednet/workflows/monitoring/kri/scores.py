"""Scores of groups: how far the rate of a site or country lies from that of the whole study.

The models are those of the R packages gsm.core and gsm.kri; docs/kri.md says which numbers were compared, and how
closely they agree.

>>> sites = [Group("S1", 6, 100), Group("S2", 5, 120), Group("S3", 20, 110)]
>>> [(one.group.name, round(one.score, 3)) for one in normal_approximation(sites, "rate")]
[('S2', -0.872), ('S1', -0.517), ('S3', 1.404)]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ....errors import ArgumentError
from ....utils.optional_library import optional_library

Kind = Literal["rate", "binary"]
"""`rate`: events over exposure, such as days; `binary`: units with a property over units at risk."""

NO_DISPERSION: Final = 1e-24
"""Below this the dispersion is rounding, where exposure is not in whole numbers, and counts as none."""


@dataclass(frozen=True)
class SubjectCount:
    """What one subject adds to its group.

    Attributes:
        subject: the subject.
        group: its group, such as a site; a text, since numbers may begin with zeros.
        numerator, denominator: its events and its exposure.
    """

    subject: str
    group: str
    numerator: float
    denominator: float


@dataclass(frozen=True)
class Group:
    """The sums of one group.

    Attributes:
        name: the group.
        numerator, denominator: the sums over its subjects; the denominator is above 0.
    """

    name: str
    numerator: float
    denominator: float

    @property
    def metric(self) -> float:
        """The rate of the group."""
        return self.numerator / self.denominator


@dataclass(frozen=True)
class Scored:
    """A group with its score.

    Attributes:
        group: the group.
        score: how far it lies from the whole; `None` where it was taken away because there is too little of it.
        overall: the rate of the whole; `None` for models without one.
        factor: the dispersion of all groups; `None` for models without one.
        fitted: what the Poisson model expects, or the odds ratio of Fisher's test; else `None`.
    """

    group: Group
    score: float | None
    overall: float | None = None
    factor: float | None = None
    fitted: float | None = None


def grouped(counts: Iterable[SubjectCount]) -> list[Group]:
    """The sums of each group, in the order of their names; groups without exposure are left out.

    Raises:
        ArgumentError: a subject is there twice; no group has any exposure; a number is missing.
    """
    sums: dict[str, tuple[list[float], list[float]]] = {}
    seen = set()
    for count in counts:
        if count.subject in seen:
            raise ArgumentError("a subject is listed twice, which would count its events twice")
        seen.add(count.subject)
        if math.isnan(count.numerator) or math.isnan(count.denominator):
            raise ArgumentError("a numerator or denominator is missing")
        numerators, denominators = sums.setdefault(count.group, ([], []))
        numerators.append(count.numerator)
        denominators.append(count.denominator)
    groups = [Group(name, math.fsum(parts[0]), math.fsum(parts[1])) for name, parts in sorted(sums.items())]
    if groups and not any(group.denominator for group in groups):
        raise ArgumentError("no group has a denominator above 0, so there is no rate")
    return [group for group in groups if group.denominator]


@dataclass(frozen=True)
class Whole:
    """The rate of all groups together, and how much they differ.

    Attributes:
        rate: events of all over exposure of all.
        variance: variance of one unit of exposure.
        factor: mean of the squared scores before they are adjusted.
    """

    rate: float
    variance: float
    factor: float


def whole_of(groups: Sequence[Group], kind: Kind) -> Whole:
    """The rate of all groups together.

    Raises:
        ArgumentError: there are more units with the property than units, so the kind cannot be `binary`.
    """
    if kind == "binary" and any(group.numerator > group.denominator for group in groups):
        raise ArgumentError("a group has more units with the property than units; the kind cannot be binary")
    rate = math.fsum(group.numerator for group in groups) / math.fsum(group.denominator for group in groups)
    variance = rate * (1 - rate) if kind == "binary" else rate
    if variance <= 0:
        return Whole(rate, 0.0, 0.0)
    squares = [(group.metric - rate) ** 2 * group.denominator / variance for group in groups]
    factor = math.fsum(squares) / len(squares)
    return Whole(rate, variance, 0.0 if factor < NO_DISPERSION else factor)


def normal_approximation(groups: Sequence[Group], kind: Kind) -> list[Scored]:
    """Scores adjusted for dispersion: z of the rate over the square root of the mean squared z of all groups.

    The dispersion is used as it is, also below 1, where it makes scores larger. No score can be larger than the square
    root of the number of groups: with fewer than 5 groups none reaches 2, with fewer than 10 none reaches 3.

    Returns:
        The groups by ascending score; those of one score in the order given.
    """
    if not groups:
        return []
    whole = whole_of(groups, kind)
    scored = []
    for group in groups:
        score = 0.0
        if whole.variance and whole.factor:
            score = (group.metric - whole.rate) / math.sqrt(whole.factor * whole.variance / group.denominator)
        scored.append(Scored(group, score, whole.rate, whole.factor))
    return sorted(scored, key=_score)


def identity(groups: Sequence[Group], column: Literal["metric", "numerator"] = "metric") -> list[Scored]:
    """The rate or the count itself as the score, ascending."""
    return sorted((Scored(group, getattr(group, column)) for group in groups), key=_score)


def poisson(groups: Sequence[Group]) -> list[Scored]:
    """Deviance residuals of a Poisson regression of the counts on the logarithm of the exposure, ascending.

    The slope is free: the R package means an offset, but fits a slope, and equal numbers need the same.

    Raises:
        ArgumentError: there are fewer than two groups, or all have the same exposure.
    """
    if len({group.denominator for group in groups}) < 2:
        raise ArgumentError("a Poisson model needs groups with different exposures")
    intercept, slope = poisson_coefficients(groups)
    scored = []
    for group in groups:
        fitted = math.exp(intercept + slope * math.log(group.denominator))
        term = group.numerator * math.log(group.numerator / fitted) if group.numerator else 0.0
        deviance = max(0.0, 2 * (term - (group.numerator - fitted)))
        scored.append(Scored(group, math.copysign(math.sqrt(deviance), group.numerator - fitted), fitted=fitted))
    return sorted(scored, key=_score)


def poisson_coefficients(groups: Sequence[Group]) -> tuple[float, float]:
    """Intercept and slope of the regression, by Newton's method to the last digits.

    Raises:
        ArgumentError: the model does not converge, as without any event.
    """
    exposures = [math.log(group.denominator) for group in groups]
    counts = [group.numerator for group in groups]
    if not any(counts):
        raise ArgumentError("a Poisson model needs at least one event")
    mean = math.fsum(counts) / math.fsum(group.denominator for group in groups)
    intercept, slope = math.log(mean), 1.0
    for _ in range(100):
        fitted = [math.exp(intercept + slope * exposure) for exposure in exposures]
        gap = [count - fit for count, fit in zip(counts, fitted, strict=True)]
        first, second = math.fsum(gap), math.fsum(g * x for g, x in zip(gap, exposures, strict=True))
        a = math.fsum(fitted)
        b = math.fsum(f * x for f, x in zip(fitted, exposures, strict=True))
        c = math.fsum(f * x * x for f, x in zip(fitted, exposures, strict=True))
        determinant = a * c - b * b
        if determinant <= 0:
            break
        step = (c * first - b * second) / determinant, (a * second - b * first) / determinant
        intercept, slope = intercept + step[0], slope + step[1]
        if max(map(abs, step)) < 1e-14 * max(1.0, abs(intercept), abs(slope)):
            return intercept, slope
    if determinant > 0 and max(map(abs, step)) < 1e-9:
        return intercept, slope
    raise ArgumentError("the Poisson model does not converge on these groups")


def fisher(groups: Sequence[Group]) -> list[Scored]:
    """Two-sided p values of Fisher's exact test of each group against all others, ascending; small is far.

    Needs scipy (extra `monitoring`). `fitted` is the conditional odds ratio, above 1 where the group is higher.
    """
    stats: Any = optional_library("scipy.stats", "monitoring")
    positive = round(math.fsum(group.numerator for group in groups))
    everything = round(math.fsum(group.denominator for group in groups))
    scored = []
    for group in groups:
        here, size = round(group.numerator), round(group.denominator)
        table = [[here, positive - here], [size - here, everything - size - (positive - here)]]
        spread = stats.hypergeom(everything, positive, size)
        low, high = max(0, size - (everything - positive)), min(size, positive)
        chances = spread.pmf(range(low, high + 1))
        mine = spread.pmf(here)
        score = min(1.0, math.fsum(float(chance) for chance in chances if chance <= mine * (1 + 1e-7)))
        odds = float(stats.contingency.odds_ratio(table, kind="conditional").statistic)
        scored.append(Scored(group, score, fitted=odds))
    return sorted(scored, key=_score)


def _score(scored: Scored) -> float:
    return scored.score if scored.score is not None else math.inf
