"""Results of indicators over time: what is new since the last run, and the risk of each site.

The server has no time travel, so results are kept: one row a group, an indicator and a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Change = Literal["new", "worse", "better", "cleared", "turned", "lost", "same"]
"""How a flag differs from the one before.

`new`: flagged, and was not or was missing; `worse` and `better`: further out or nearer on the same side; `turned`: on
the other side; `cleared`: no longer flagged; `lost`: missing, since there is too little of the group; `same`.
"""


@dataclass(frozen=True)
class Result:
    """The result of one group for one indicator on one day.

    Attributes:
        study: the study.
        indicator: the indicator, such as `kri0001`.
        level: `Site` or `Country`.
        group: the group.
        day: the day of the snapshot, as `YYYY-MM-DD`.
        numerator, denominator, metric: the sums and the rate.
        score, flag: `None` where the group is too small.
    """

    study: str
    indicator: str
    level: str
    group: str
    day: str
    numerator: float
    denominator: float
    metric: float
    score: float | None
    flag: int | None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same group and indicator on another day."""
        return self.study, self.indicator, self.level, self.group


@dataclass(frozen=True)
class Compared:
    """A result beside the one before it; `previous` is `None` where there was none."""

    current: Result
    previous: Result | None

    @property
    def change(self) -> Change:
        """How the flag differs from the one before."""
        return change_of(self.previous.flag if self.previous is not None else None, self.current.flag)

    def difference(self, name: Literal["numerator", "denominator", "metric", "score", "flag"]) -> float | None:
        """Current minus previous value; `None` where one is missing."""
        if self.previous is None:
            return None
        now, before = getattr(self.current, name), getattr(self.previous, name)
        return None if now is None or before is None else now - before


def change_of(before: int | None, now: int | None) -> Change:
    """How a flag differs from the one before.

    >>> change_of(None, 2), change_of(1, 2), change_of(-1, 1), change_of(2, 0), change_of(1, None), change_of(None, 0)
    ('new', 'worse', 'turned', 'cleared', 'lost', 'same')
    """
    if now is None:
        return "same" if before is None else "lost"
    if not before:
        return "new" if now else "same"
    if not now:
        return "cleared"
    if (before > 0) != (now > 0):
        return "turned"
    return "same" if before == now else "worse" if abs(now) > abs(before) else "better"


def compared(current: Iterable[Result], history: Iterable[Result]) -> list[Compared]:
    """Results beside the last earlier ones of the same group; rows of the current day in `history` do not count."""
    last: dict[tuple[str, str, str, str], list[Result]] = {}
    for result in history:
        last.setdefault(result.key, []).append(result)
    found = []
    for result in current:
        earlier = [one for one in last.get(result.key, ()) if one.day < result.day]
        found.append(Compared(result, max(earlier, key=lambda one: one.day) if earlier else None))
    return found


@dataclass(frozen=True)
class Risk:
    """The risk of one site over all indicators.

    Attributes:
        group: the site.
        weight: the sum of the weights of its flags.
        most: the largest sum there can be, the same for all sites.
    """

    group: str
    weight: float
    most: float

    @property
    def score(self) -> float:
        """The share of the largest sum, in percent."""
        return 100 * self.weight / self.most


def site_risk(results: Sequence[Result], weights: Mapping[str, Mapping[int, float]]) -> list[Risk]:
    """The risk of each site by the flags of its indicators.

    Args:
        results: results of one day and level.
        weights: indicator -> flag -> weight; indicators without weights do not count.
    """
    rated = [one for one in results if one.flag is not None and one.flag in weights.get(one.indicator, {})]
    most = sum(max(weights[name].values()) for name in {one.indicator for one in rated})
    sums: dict[str, float] = {}
    for one in rated:
        assert one.flag is not None
        sums[one.group] = sums.get(one.group, 0.0) + weights[one.indicator][one.flag]
    return [Risk(group, weight, most) for group, weight in sorted(sums.items())] if most else []
