"""Risk indicators equal the reference results, flags and order exactly, and their settings say what is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imednet.errors import ArgumentError, ConfigurationError
from imednet.workflows.monitoring.kri.bounds import normal_bounds
from imednet.workflows.monitoring.kri.flags import Thresholds, flagged
from imednet.workflows.monitoring.kri.history import keep, read_history
from imednet.workflows.monitoring.kri.indicators import INDICATORS
from imednet.workflows.monitoring.kri.scores import Group, Scored, SubjectCount, grouped, normal_approximation, poisson
from imednet.workflows.monitoring.kri.settings import KriSettings
from imednet.workflows.monitoring.kri.snapshots import Result, change_of, compared, site_risk
from kri_reference import Differences, definitions, measured, number, results_of, rows, thresholds

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.fixture(scope="module")
def differences() -> Differences:
    """Compares everything; flags, order and the numbers of rows are compared exactly while it runs."""
    return measured()


def test_numbers_equal_the_reference(differences: Differences) -> None:
    for kind, largest in differences.largest.items():
        assert largest <= (1e-8 if kind.startswith("Poisson") else 1e-9), kind
    assert differences.compared["score"] == len(rows("derived/summary_all.csv"))
    assert differences.compared["bounds: rate"] == len(rows("upstream/reportingBounds_subset.csv"))


def test_the_page_tells_the_differences(differences: Differences) -> None:
    table = dict(re.findall(r"^\| ([A-Za-z][^|]*?) \| [\d,]+ \| ([\d.e+-]+) \|$", (DOCS / "kri.md").read_text(), re.M))
    assert set(table) == set(differences.largest)
    for kind, largest in differences.largest.items():
        assert float(table[kind]) >= largest * 0.95, f"{kind}: the page says {table[kind]}, measured {largest:.1e}"


def test_definitions_are_those_of_the_reference() -> None:
    for row in definitions().values():
        if row["GroupLevel"] == "Site" and row["ID"] in INDICATORS:
            mine = INDICATORS[row["ID"]]
            assert mine.thresholds == thresholds(row), row["ID"]
            weights = tuple(float(part) for part in row["RiskScoreWeight"].split(",")) if row["RiskScoreWeight"] else ()
            assert mine.weights == weights


def test_flags_on_and_beside_thresholds() -> None:
    for row in rows("derived/flag_boundaries.csv"):
        values = tuple(float(part) for part in row["Threshold"].split("|"))
        flags = tuple(int(part) for part in row["FlagValues"].split("|"))
        for name, closed in (("Flag", True), ("FlagLater", False)):
            wanted = None if row[name] == "NA" else int(row[name])
            assert Thresholds(values, flags, closed_left=closed).flag(number(row["Score"])) == wanted


def test_too_little_takes_score_and_flag_away() -> None:
    for row in rows("derived/flag_accrual.csv"):
        least: Any = row["AccrualMetric"]
        limits = Thresholds((-3, -2, 2, 3), accrual=least, least=float(row["AccrualThreshold"]))
        group = Group(row["GroupID"], float(row["Numerator"]), float(row["Denominator"]))
        (found,) = flagged([Scored(group, number(row["ScoreIn"]))], limits)
        assert found.scored.score == number(row["Score"])
        assert found.flag == (None if row["Flag"] == "NA" else int(row["Flag"]))


def test_what_counts_as_changed() -> None:
    history = results_of("upstream/reportingResults.csv")
    current = {(one.current.indicator, one.current.group): one for one in
               compared([one for one in history if one.day == "2025-04-01"], history)}  # fmt: skip
    for row in rows("derived/flag_changes.csv"):
        one = current[row["MetricID"].removeprefix("Analysis_"), row["GroupID"]]
        before, now = one.previous.flag if one.previous else None, one.current.flag
        assert (before is not None and now is not None and before != now) == (row["FlagChange_overtime"] == "TRUE")
        assert (before != now and not (before is None and now == 0)) == (row["FlagChange_report"] == "TRUE")


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 5000)), min_size=1, max_size=40), st.booleans())
def test_scores_keep_their_invariants(pairs: list[tuple[int, int]], binary: bool) -> None:
    groups = [Group(f"G{place:03}", min(n, d) if binary else n, d) for place, (n, d) in enumerate(pairs)]
    scored = normal_approximation(groups, "binary" if binary else "rate")
    assert sorted(one.group.name for one in scored) == [group.name for group in groups]
    values = [one.score for one in scored if one.score is not None]
    assert values == sorted(values)
    whole = sum(group.denominator for group in groups)
    if any(values):
        assert sum(value**2 for value in values) == pytest.approx(len(groups), rel=1e-6)
        assert sum(one.group.denominator**0.5 * (one.score or 0) for one in scored) == pytest.approx(0, abs=1e-3)
    for one in scored:
        limit = (len(groups) * (1 - one.group.denominator / whole)) ** 0.5
        assert abs(one.score or 0) <= limit + 1e-6
    for point in normal_bounds(groups, "binary" if binary else "rate", (-2, 2)):
        assert point.numerator >= 0


@given(st.sampled_from([None, -2, -1, 0, 1, 2]), st.sampled_from([None, -2, -1, 0, 1, 2]))
def test_every_pair_of_flags_has_one_change(before: int | None, now: int | None) -> None:
    change = change_of(before, now)
    assert (change == "same") == (before == now or (before is None and now == 0) or (before == 0 and now == 0))
    if change == "new":
        assert now
        assert not before
    if change == "turned":
        assert before
        assert now
        assert (before > 0) != (now > 0)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ([SubjectCount("1", "A", 1, 2), SubjectCount("1", "A", 1, 2)], "listed twice"),
        ([SubjectCount("1", "A", 1, 0)], "no rate"),
        ([SubjectCount("1", "A", float("nan"), 1)], "missing"),
    ],
)
def test_subjects_that_cannot_be_counted(counts: list[SubjectCount], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        grouped(counts)


def test_groups_that_have_no_model() -> None:
    with pytest.raises(ArgumentError, match="cannot be binary"):
        normal_approximation([Group("A", 3, 2), Group("B", 1, 2)], "binary")
    with pytest.raises(ArgumentError, match="different exposures"):
        poisson([Group("A", 1, 2), Group("B", 3, 2)])
    with pytest.raises(ArgumentError, match="at least one event"):
        poisson([Group("A", 0, 2), Group("B", 0, 4)])
    assert normal_approximation([], "rate") == []
    assert site_risk([], {}) == []


# ---- settings and history


@pytest.mark.parametrize(
    ("given_settings", "says"),
    [
        ({"indicator": {}}, "did you mean 'indicators'"),
        ({"version": 2}, "reads version 1"),
        ({"indicators": {"kri001": {}}}, "did you mean 'kri00"),
        ({"indicators": {"kri0002": {"form": "AE"}}}, "kri0002: needs where"),
        ({"indicators": {"kri0001": {"from": "AE"}}}, "did you mean 'form'"),
        ({"indicators": {"kri0001": {"form": "AE", "where": "AESER = 1"}}}, "equal is written =="),
        ({"indicators": {"kri0001": {"form": "AE", "thresholds": [1, 2]}}}, "2 thresholds need 3 flags"),
        ({"indicators": {"kri0001": {"form": "AE", "weights": [1]}}}, "one a flag"),
        ({"indicators": {"kri0001": {"form": "AE", "accrual": "People"}}}, "Numerator"),
        ({"indicators": {"kri0006": {}}}, "either"),
        ({"indicators": {"kri0006": {"form": "EOS"}}}, "needs where"),
        ({"indicators": {"kri0010": {"limit": "ten"}}}, "whole number"),
        ({"indicators": {"kri0015": {"date": "EOS", "anchor": "RAND.RANDDTC"}}}, "FORM.VARIABLE"),
        ({"time_on_study": {"start": "PROC"}}, "FORM.VARIABLE"),
        ({"countries": {"A": "Norway"}}, "numbers of sites"),
        ({"indicators": {"kri0001": {"form": "AE", "where": "AESER"}}}, "must be true or false"),
        ({"indicators": {"kri0001": {"form": "AE", "enabled": "no"}}}, "enabled: must be true or false"),
        ({"indicators": {"kri0010": False}}, "must be a table"),
        ({"indicators": {"kri0010": {"limit": -1}}}, "not be below 0"),
        ({"indicators": {"kri0001": {"form": "AE", "thresholds": [float("nan")] * 4}}}, "must be numbers"),
        ([], "table of names"),
    ],
)
def test_settings_say_what_is_wrong(given_settings: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        KriSettings.from_dict(given_settings)


def test_an_indicator_can_be_off_and_weights_follow_flags() -> None:
    settings = KriSettings.from_dict({"indicators": {"kri0001": {"form": "AE", "enabled": False}, "kri0010": None}})
    assert list(settings.indicators) == ["kri0010"]
    assert settings.indicators["kri0010"].weights == {0: 0, 1: 1, 2: 2}
    assert settings.indicators["kri0010"].limit == 10


def test_history_keeps_days_and_replaces_a_day(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    first = Result('S, "1"', "kri0001", "Site", "007", "2026-11-01", 1, 3, 1 / 3, None, None)
    keep(file, [first])
    later = Result('S, "1"', "kri0001", "Site", "007", "2026-11-02", 2, 3, 2 / 3, 0.1, -2)
    keep(file, [later])
    keep(file, [later])
    assert read_history(file) == [first, later]
    other = replace(later, indicator="kri0002")
    keep(file, [other])  # a run with fewer indicators takes nothing of the others away
    assert read_history(file) == [first, later, other]
    keep(file, [later])
    assert read_history(file) == [first, other, later]
    (pair,) = compared([later], read_history(file))
    assert (pair.previous, pair.change, pair.difference("numerator"), pair.difference("score")) == (
        first,
        "new",
        1,
        None,
    )
    file.write_text(file.read_text().rsplit(",", 3)[0])
    with pytest.raises(ConfigurationError, match="line 4"):
        read_history(file)
    file.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="no results"):
        keep(file, [later])
    assert file.read_text() == "a,b\n1,2\n"
