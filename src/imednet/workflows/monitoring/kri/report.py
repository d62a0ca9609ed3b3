"""Results of the indicators of a study, as tables: flags with what changed, the risk of sites, and funnel lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ....errors import ArgumentError
from ..study_data import StudyData
from ..table import Chart, Column, MonitoringTable, Row
from .bounds import BoundPoint, normal_bounds
from .flags import Flagged, flagged, summarized
from .indicators import INDICATORS
from .inputs import Inputs
from .scores import Group, Kind, Scored, grouped, identity, normal_approximation
from .settings import KriSettings
from .snapshots import Compared, Result, compared, site_risk

Level = Literal["Site", "Country"]

_FEW: Final = 10
"""Below so many groups no score can reach 3."""


@dataclass(frozen=True)
class KriReport:
    """The indicators of a study on one day.

    Attributes:
        study_key: the study.
        level: what the groups are.
        day: the server's day, as `YYYY-MM-DD`.
        results: each group and indicator beside the one before.
        names: group -> its name, where it has one.
        groups: indicator -> its groups with their sums, for the funnel lines.
        notes: what a reader must know.
        settings: what was counted.
        has_history: whether an earlier run is known, so that something can be new.
    """

    study_key: str
    level: Level
    day: str
    results: tuple[Compared, ...] = field(repr=False)
    names: dict[str, str] = field(repr=False)
    groups: dict[str, list[Group]] = field(repr=False)
    notes: tuple[str, ...] = ()
    settings: KriSettings = field(default_factory=lambda: KriSettings({}), repr=False)
    has_history: bool = False

    def current(self) -> list[Result]:
        """The results of this day, to be kept for the next comparison."""
        return [one.current for one in self.results]

    def table(self, *, flagged_only: bool = False) -> MonitoringTable:
        """Each group of each indicator: sums, score, flag, and how the flag changed."""
        rows: list[Row] = []
        for one in self.results:
            result = one.current
            if flagged_only and not result.flag and (not self.has_history or one.change == "same"):
                continue
            rows.append(
                {
                    "indicator": result.indicator,
                    "title": INDICATORS[result.indicator].title,
                    "group": result.group,
                    "name": self.names.get(result.group),
                    "numerator": result.numerator,
                    "denominator": result.denominator,
                    "metric": result.metric,
                    "score": result.score,
                    "flag": result.flag,
                    "previousFlag": one.previous.flag if one.previous is not None else None,
                    "previousDay": one.previous.day if one.previous is not None else None,
                    "change": one.change if self.has_history else None,
                }
            )
        return MonitoringTable(
            f"kri by {self.level.lower()}",
            f"Key risk indicators by {self.level.lower()}",
            "Scores are the distance of a rate from that of the whole study, adjusted for how much groups differ; "
            "flags 2 and -2 are the furthest. No score: too little of the group. The change is to the last run kept.",
            (
                Column("indicator", "Indicator", urgent=True),
                Column("title", "Title"),
                Column("group", self.level, urgent=True),
                Column("name", "Name"),
                Column("numerator", "Numerator", "number", minor=True),
                Column("denominator", "Denominator", "number", minor=True),
                Column("metric", "Rate", "number"),
                Column("score", "Score", "number"),
                Column("flag", "Flag", "number", urgent=True),
                Column("previousFlag", "Flag before", "number"),
                Column("previousDay", "Run before", "date", minor=True),
                Column("change", "Change", urgent=True),
            ),
            rows,
            chart=Chart("heatmap", "indicator", "group", color="flag"),
            notes=self.notes,
        )

    def risk(self) -> MonitoringTable:
        """The risk of each site over all indicators, the highest first."""
        weights = {name: one.weights for name, one in self.settings.indicators.items() if one.weights}
        rows: list[Row] = [
            {
                "group": risk.group, "name": self.names.get(risk.group), "weight": risk.weight, "most": risk.most,
                "percent": round(risk.score, 1),
            }
            for risk in site_risk(self.current(), weights)
        ]  # fmt: skip
        return MonitoringTable(
            "kri risk",
            f"Risk by {self.level.lower()}",
            "Weights of the flags of all indicators, as a share of the largest sum there can be.",
            (
                Column("group", self.level, urgent=True),
                Column("name", "Name"),
                Column("weight", "Sum of weights", "number"),
                Column("most", "Largest sum", "number", minor=True),
                Column("percent", "Risk", "percent", urgent=True),
            ),
            rows,
            chart=Chart("bar", "percent", "group"),
            notes=self.notes,
        ).sorted_by("-percent")

    def bounds(self, indicator: str) -> list[BoundPoint]:
        """The funnel lines of an indicator; none for those whose count is the score."""
        model = INDICATORS[indicator].model
        if model not in ("rate", "binary") or not self.groups.get(indicator):
            return []
        kind: Kind = "binary" if model == "binary" else "rate"
        return normal_bounds(self.groups[indicator], kind, self.settings.thresholds(indicator).values)


def kri_report(
    data: StudyData, settings: KriSettings, *, level: Level = "Site", history: Iterable[Result] = ()
) -> KriReport:
    """Make the indicators of a study.

    Args:
        data: the study, with the lists of `inputs.lists_for` and the answers of `settings.forms`.
        settings: which indicators, and what they count.
        level: sites or countries.
        history: results of earlier runs.

    Raises:
        ArgumentError: the settings name what the study does not have, or no country for any site.
    """
    if level == "Country" and not settings.countries:
        raise ArgumentError("the API does not know countries. Next: name them in the settings, countries: {SITE: NAME}")
    inputs = Inputs(data, settings)

    def group_of(subject_id: int) -> str | None:
        site = data.site_of(subject_id)
        if level == "Country":
            return settings.countries.get(site) if site is not None else None
        return str(site) if site is not None else None

    unknown = sorted(set(settings.countries) - {site.site_id for site in data.sites or ()})
    if unknown and data.sites:
        raise ArgumentError(
            f"the settings name a country for sites the study does not have: {', '.join(map(str, unknown))}"
        )
    notes = [*data.notes, *inputs.notes()]
    earlier = list(history)
    results: list[Result] = []
    groups: dict[str, list[Group]] = {}
    for indicator in settings.indicators:
        measured = inputs.measured(indicator)
        notes += [f"{indicator}, {INDICATORS[indicator].numerator}: {note}" for note in measured.notes]
        counts = list(measured.grouped(group_of))
        if without := len(measured.counts) - len(counts):
            notes.append(f"{indicator}: {without} subjects without a {level.lower()} are left out")
        if not any(count.denominator for count in counts):
            notes.append(f"{indicator}: nothing to count")
            continue
        groups[indicator] = grouped(counts)
        if empty := sorted({count.group for count in counts} - {group.name for group in groups[indicator]}):
            notes.append(f"{indicator}: no {INDICATORS[indicator].denominator} in {', '.join(empty)}, so no row")
        results += [
            _result(data, indicator, level, one)
            for one in summarized(flagged(_scored(indicator, groups[indicator]), settings.thresholds(indicator)))
        ]
    fewest = min((len(found) for found in groups.values()), default=0)
    if 0 < fewest < _FEW:
        most = math.sqrt(fewest)
        notes.insert(
            0,
            f"with {fewest} groups no score can pass {most:.2f}, so some flags cannot occur; look at the rates",
        )
    names = {str(one.site_id): one.site_name for one in data.sites or () if one.site_name} if level == "Site" else {}
    today = data.today.isoformat()
    before = any((one.study, one.level) == (data.study_key, level) and one.day < today for one in earlier)
    return KriReport(
        data.study_key, level, today, tuple(compared(results, earlier)), names, groups, tuple(notes),
        settings, before,
    )  # fmt: skip


def _scored(indicator: str, groups: Sequence[Group]) -> list[Scored]:
    model = INDICATORS[indicator].model
    if model == "metric" or model == "numerator":
        return identity(groups, model)
    return normal_approximation(groups, model)


def _result(data: StudyData, indicator: str, level: Level, one: Flagged) -> Result:
    group = one.scored.group
    return Result(
        data.study_key, indicator, level, group.name, data.today.isoformat(), group.numerator, group.denominator,
        group.metric, one.scored.score, one.flag,
    )  # fmt: skip
