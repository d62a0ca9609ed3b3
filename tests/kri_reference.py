"""Differences between the risk indicators here and reference results: the largest one of each kind of number."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, cast

from imednet.workflows.monitoring.kri.bounds import normal_bounds, poisson_bounds
from imednet.workflows.monitoring.kri.flags import Accrual, Thresholds, flagged, summarized
from imednet.workflows.monitoring.kri.scores import (
    Group,
    Kind,
    Scored,
    SubjectCount,
    fisher,
    grouped,
    identity,
    normal_approximation,
    poisson,
)
from imednet.workflows.monitoring.kri.snapshots import Result, compared, site_risk

FOLDER = Path(__file__).resolve().parent / "kri"
Row = dict[str, str]


def rows(name: str) -> list[Row]:
    """The rows of a file of reference results."""
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    """A number of a file; `None` for `NA`."""
    return None if text in ("NA", "") else float(text)


class Differences:
    """The largest difference of each kind of number, and how many were compared."""

    def __init__(self) -> None:
        self.largest: dict[str, float] = {}
        self.compared: dict[str, int] = {}

    def add(self, kind: str, mine: float | None, wanted: float | None) -> None:
        """Compare a number, relative to the wanted one where that is above 1."""
        assert (mine is None) == (wanted is None), (kind, mine, wanted)
        self.compared[kind] = self.compared.get(kind, 0) + 1
        if mine is not None and wanted is not None:
            both_infinite = math.isnan(mine) and math.isnan(wanted)
            gap = 0.0 if both_infinite or mine == wanted else abs(mine - wanted) / max(1.0, abs(wanted))
            self.largest[kind] = max(self.largest.get(kind, 0.0), gap)


def kind_of(text: str) -> Kind:
    """The kind of an indicator; `identity` counts as rate."""
    return "binary" if text == "binary" else "rate"


def definitions() -> dict[str, Row]:
    """Indicator -> its definition, site and country."""
    return {row["ID"]: row for row in rows("derived/kri_definitions.csv")}


def thresholds(row: Row) -> Thresholds:
    """The thresholds of a definition."""
    values = tuple(float(part) for part in row["Threshold"].split(","))
    flags = tuple(int(part) for part in row["Flag"].split(",")) if row["Flag"] else (-2, -1, 0, 1, 2)
    return Thresholds(values, flags, cast(Accrual, row["AccrualMetric"]), float(row["AccrualThreshold"]))


def scored(row: Row, groups: list[Group]) -> list[Scored]:
    """Groups with the score of a definition."""
    if row["AnalysisType"] == "identity":
        column: Literal["metric", "numerator"] = "numerator" if row["ScoreCol"] == "Numerator" else "metric"
        return identity(groups, column)
    return normal_approximation(groups, kind_of(row["AnalysisType"]))


def subjects(indicator: str) -> Iterator[SubjectCount]:
    """The subjects of an indicator, grouped by site or country."""
    row = definitions()[indicator]
    digits = indicator[-4:]
    name = "derived/input_enroll_0012.csv" if digits == "0012" else "derived/input_subjects_wide.csv"
    for subject in rows(name):
        yield SubjectCount(
            subject["SubjectID"], subject[row["GroupLevel"]], float(subject[f"n{digits}"]), float(subject[f"d{digits}"])
        )


def pipeline(differences: Differences) -> None:
    """From subjects to the summary, for each indicator, site and country; flags and order must be equal."""
    wanted: dict[str, list[Row]] = {}
    for row in rows("derived/summary_all.csv"):
        wanted.setdefault(row["ID"], []).append(row)
    analyzed: dict[tuple[str, str], Row] = {
        (row["ID"], row["GroupID"]): row for row in rows("derived/analyzed_all.csv")
    }
    for indicator, expected in wanted.items():
        definition = definitions()[indicator]
        found = scored(definition, grouped(subjects(indicator)))
        for one in found:
            reference = analyzed[indicator, one.group.name]
            differences.add("overall rate", one.overall, number(reference["OverallMetric"]))
            differences.add("dispersion", one.factor, number(reference["Factor"]))
            differences.add("score before accrual", one.score, number(reference["Score"]))
        summary = summarized(flagged(found, thresholds(definition)))
        ordered = sorted(expected, key=lambda row: int(row["Row"]))
        assert [row.scored.group.name for row in summary] == [row["GroupID"] for row in ordered], indicator
        for mine, reference in zip(summary, ordered, strict=True):
            assert mine.flag == (None if reference["Flag"] == "NA" else int(reference["Flag"])), indicator
            group = mine.scored.group
            differences.add("numerator", group.numerator, number(reference["Numerator"]))
            differences.add("denominator", group.denominator, number(reference["Denominator"]))
            differences.add("rate", group.metric, number(reference["Metric"]))
            differences.add("score", mine.scored.score, number(reference["Score"]))


def snapshots(differences: Differences) -> None:
    """All groups, indicators and days of the reporting results: scores, flags and order from the sums alone."""
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in rows("upstream/reportingResults.csv"):
        parts.setdefault((row["MetricID"], row["SnapshotDate"]), []).append(row)
    for (metric, day), expected in parts.items():
        definition = definitions()[metric.removeprefix("Analysis_")]
        groups = sorted(
            (Group(row["GroupID"], float(row["Numerator"]), float(row["Denominator"])) for row in expected),
            key=lambda group: group.name,
        )
        summary = summarized(flagged(scored(definition, groups), thresholds(definition)))
        assert [one.scored.group.name for one in summary] == [row["GroupID"] for row in expected], (metric, day)
        for mine, reference in zip(summary, expected, strict=True):
            assert mine.flag == (None if reference["Flag"] == "NA" else int(reference["Flag"])), (metric, day)
            differences.add("score of three snapshots", mine.scored.score, number(reference["Score"]))


def funnel(differences: Differences) -> None:
    """The funnel lines of the last snapshot, point by point."""
    results = [row for row in rows("upstream/reportingResults.csv") if row["SnapshotDate"] == "2025-04-01"]
    parts: dict[str, list[Row]] = {}
    for row in rows("upstream/reportingBounds_subset.csv"):
        parts.setdefault(row["MetricID"], []).append(row)
    for metric, expected in parts.items():
        definition = definitions()[metric.removeprefix("Analysis_")]
        groups = [
            Group(row["GroupID"], float(row["Numerator"]), float(row["Denominator"]))
            for row in results
            if row["MetricID"] == metric
        ]
        made = normal_bounds(groups, kind_of(definition["AnalysisType"]), thresholds(definition).values)
        assert len(made) == len(expected), metric
        for point, reference in zip(made, expected, strict=True):
            assert point.threshold == float(reference["Threshold"])
            differences.add("bounds: denominator", point.denominator, number(reference["Denominator"]))
            differences.add("bounds: its logarithm", point.log_denominator, number(reference["LogDenominator"]))
            differences.add("bounds: numerator", point.numerator, number(reference["Numerator"]))
            differences.add("bounds: rate", point.metric, number(reference["Metric"]))


def one_data_set(differences: Differences) -> None:
    """Both kinds on one data set, and the special cases."""
    groups = grouped(
        SubjectCount(row["SubjectID"], row["GroupID"], float(row["Numerator"]), float(row["Denominator"]))
        for row in rows("upstream/analyticsInput.csv")
    )
    wanted: dict[str, list[Row]] = {}
    for row in rows("derived/analyticsInput_rate_binary.csv"):
        wanted.setdefault(row["Type"], []).append(row)
    for kind, expected in wanted.items():
        compare_scores(differences, "both kinds", normal_approximation(groups, kind_of(kind)), expected)
    cases: dict[str, list[Group]] = {}
    for row in rows("derived/edge_cases_input.csv"):
        if float(row["Denominator"]):
            group = Group(row["GroupID"], float(row["Numerator"]), float(row["Denominator"]))
            cases.setdefault(row["Case"], []).append(group)
    special: dict[tuple[str, str], list[Row]] = {}
    for row in rows("derived/edge_cases.csv"):
        special.setdefault((row["Case"], row["Type"]), []).append(row)
    for (case, kind), expected in special.items():
        compare_scores(differences, "special cases", normal_approximation(cases[case], kind_of(kind)), expected)


def compare_scores(differences: Differences, kind: str, found: Iterable[Scored], expected: list[Row]) -> None:
    """Scores, rates and dispersion beside a reference in the same order."""
    listed = list(found)
    assert len(listed) == len(expected)
    for mine, reference in zip(listed, expected, strict=True):
        assert mine.group.name == reference["GroupID"], kind
        for value, name in ((mine.score, "Score"), (mine.overall, "OverallMetric"), (mine.factor, "Factor")):
            differences.add(kind, value, number(reference[name]))


def identities(differences: Differences) -> None:
    """The rate or the count as the score."""
    base = definitions()
    parts: dict[str, list[Row]] = {}
    for row in rows("derived/identity_on_input_0007.csv"):
        parts.setdefault(row["Case"], []).append(row)
    groups = grouped(subjects("kri0007"))
    for case, expected in parts.items():
        definition = base[case]
        summary = summarized(flagged(scored(definition, groups), thresholds(definition)))
        assert [one.scored.group.name for one in summary] == [row["GroupID"] for row in expected], case
        for mine, reference in zip(summary, expected, strict=True):
            assert mine.flag == (None if reference["Flag"] == "NA" else int(reference["Flag"])), case
            differences.add("identity", mine.scored.score, number(reference["Score"]))


def other_models(differences: Differences) -> None:
    """Poisson with its bounds, and Fisher's test."""
    groups = grouped(
        SubjectCount(row["SubjectID"], row["GroupID"], float(row["Numerator"]), float(row["Denominator"]))
        for row in rows("upstream/analyticsInput.csv")
    )
    expected = {row["GroupID"]: row for row in rows("derived/poisson_analyticsInput.csv")}
    for one in poisson(groups):
        differences.add("Poisson: score", one.score, number(expected[one.group.name]["Score"]))
        differences.add("Poisson: expected count", one.fitted, number(expected[one.group.name]["PredictedCount"]))
    listed = rows("derived/poisson_bounds_analyticsInput.csv")
    made = poisson_bounds(groups, (-7, -5, 5, 7))
    assert len(made) == len(listed)
    for point, reference in zip(made, listed, strict=True):
        assert point.threshold == float(reference["Threshold"])
        differences.add("Poisson: bounds", point.numerator, number(reference["Numerator"]))
    tests = {row["GroupID"]: row for row in rows("derived/fisher_kri0007.csv")}
    for one in fisher(grouped(subjects("kri0007"))):
        differences.add("Fisher: p value", one.score, number(tests[one.group.name]["Score"]))


def results_of(name: str) -> list[Result]:
    """The reporting results of a file."""
    return [
        Result(
            row["StudyID"], row["MetricID"].removeprefix("Analysis_"), row["GroupLevel"], row["GroupID"],
            row["SnapshotDate"], float(row["Numerator"]), float(row["Denominator"]), float(row["Metric"]),
            number(row["Score"]), None if row["Flag"] == "NA" else int(row["Flag"]),
        )
        for row in rows(name)
    ]  # fmt: skip


def changes(differences: Differences) -> None:
    """Each result beside the one before it."""
    history = results_of("upstream/reportingResults.csv")
    current = [one for one in history if one.day == "2025-04-01"]
    by_key = {(one.current.indicator, one.current.group): one for one in compared(current, history)}
    for row in rows("derived/flag_changes.csv"):
        mine = by_key[row["MetricID"].removeprefix("Analysis_"), row["GroupID"]]
        assert (mine.previous.day if mine.previous else "NA") == row["SnapshotDate_Previous"]
        for name in ("numerator", "denominator", "metric", "score", "flag"):
            title = name.capitalize()
            before = getattr(mine.previous, name) if mine.previous is not None else None
            differences.add("changes: previous", before, number(row[f"{title}_Previous"]))
            if f"{title}_Change" in row:
                differences.add("changes", mine.difference(cast(Any, name)), number(row[f"{title}_Change"]))


def risks(differences: Differences) -> None:
    """The risk of each site."""
    weights: dict[str, dict[int, float]] = {}
    for row in rows("derived/risk_weights.csv"):
        weights.setdefault(row["MetricID"].removeprefix("Analysis_"), {})[int(row["Flag"])] = float(row["Weight"])
    current = [one for one in results_of("upstream/reportingResults.csv") if one.day == "2025-04-01"]
    found = {risk.group: risk for risk in site_risk(current, weights)}
    expected = rows("derived/risk_score.csv")
    assert set(found) == {row["GroupID"] for row in expected}
    for row in expected:
        differences.add("site risk: weight", found[row["GroupID"]].weight, number(row["Numerator"]))
        differences.add("site risk: largest sum", found[row["GroupID"]].most, number(row["Denominator"]))
        differences.add("site risk: score", found[row["GroupID"]].score, number(row["Score"]))


def measured() -> Differences:
    """All of the above."""
    differences = Differences()
    for part in (pipeline, snapshots, funnel, one_data_set, identities, other_models, changes, risks):
        part(differences)
    return differences


if __name__ == "__main__":
    found = measured()
    for kind, largest in found.largest.items():
        print(f"| {kind} | {found.compared[kind]:,} | {largest:.1e} |")
