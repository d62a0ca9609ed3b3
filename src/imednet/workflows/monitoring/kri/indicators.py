"""The indicators: what each counts, of what, and when it is flagged.

Numbers, thresholds and weights are those of gsm.kri 1.6.1. They are starting values for large drug studies; settings
change them. Two indicators are of this package, since the API has no values of the past and knows windows of visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .flags import Thresholds

Model = Literal["rate", "binary", "metric", "numerator"]
"""`rate` and `binary` are normal approximations; `metric` and `numerator` are themselves the score."""


@dataclass(frozen=True)
class Indicator:
    """One indicator.

    Attributes:
        name: its number, such as `kri0001`.
        title: what it is called.
        numerator, denominator: what is counted, and of what.
        model: how a score is made.
        thresholds: when the score is a flag.
        weights: weight of each flag for the risk of a site, in the order of the flags; empty where it has none.
    """

    name: str
    title: str
    numerator: str
    denominator: str
    model: Model
    thresholds: Thresholds
    weights: tuple[float, ...] = ()


def _two_sided(low: float, high: float, least: float) -> Thresholds:
    return Thresholds((low - 1, low, high, high + 1), accrual="Denominator", least=least)


def _upper(least: float) -> Thresholds:
    return Thresholds((2, 3), (0, 1, 2), "Numerator", least)


_SAFETY: Final = Thresholds((-2, -1, 2, 3), accrual="Denominator", least=30)
_PROTOCOL: Final = _two_sided(-2, 2, 30)

INDICATORS: Final = {
    one.name: one
    for one in (
        Indicator("kri0001", "Adverse events", "adverse events", "days on study", "rate", _SAFETY, (32, 16, 0, 1, 2)),
        Indicator("kri0002", "Serious adverse events", "serious adverse events", "days on study", "rate", _SAFETY,
                  (8, 0, 0, 4, 8)),
        Indicator("kri0003", "Non-important deviations", "non-important deviations", "days on study", "rate", _PROTOCOL,
                  (8, 4, 0, 8, 16)),
        Indicator("kri0004", "Important deviations", "important deviations", "days on study", "rate", _PROTOCOL,
                  (0, 0, 0, 16, 32)),
        Indicator("kri0005", "Abnormal laboratory results", "results of grade 3 or 4", "results with a grade",
                  "binary", _upper(10), (0, 1, 2)),
        Indicator("kri0006", "Study discontinuation", "subjects who left early", "enrolled subjects", "binary",
                  _upper(3), (0, 16, 32)),
        Indicator("kri0007", "Treatment discontinuation", "subjects whose treatment stopped", "enrolled subjects",
                  "binary", _upper(3), (0, 16, 32)),
        Indicator("kri0008", "Query rate", "queries", "data points", "rate", _upper(30), (0, 1, 2)),
        Indicator("kri0009", "Slow query resolution", "queries older than the limit", "queries", "binary", _upper(30),
                  (0, 1, 2)),
        Indicator("kri0010", "Late data entry", "pages entered after the limit", "pages with a lag", "binary",
                  _upper(30), (0, 1, 2)),
        Indicator("kri0012", "Screen failures", "subjects who failed screening", "subjects screened", "binary",
                  _two_sided(-2, 2, 3), (0, 0, 0, 8, 16)),
        Indicator("kri0013", "Sample collection", "samples taken", "samples due", "metric",
                  Thresholds((0.85, 0.9), (-2, -1, 0), "Difference", 3)),
        Indicator("kri0014", "Ineligible subjects", "ineligible subjects", "enrolled subjects", "numerator",
                  Thresholds((1.5, 2.5), (0, 1, 2), "Denominator", 3), (0, 8, 16)),
        Indicator("kri0015", "Early deaths", "deaths within the limit", "enrolled subjects", "numerator",
                  Thresholds((1, 2), (0, 1, 2), "Denominator", 1), (0, 8, 16)),
        Indicator("own0001", "Changed records", "records whose data were changed", "records", "binary", _upper(30),
                  (0, 1, 2)),
        Indicator("own0002", "Visits outside their window", "visits early, late or missed", "visits due", "binary",
                  _upper(10), (0, 1, 2)),
    )
}  # fmt: skip
"""Indicator by its name. `kri0011` is not among them: the API has no values of the past, so `own0001` stands for it."""
