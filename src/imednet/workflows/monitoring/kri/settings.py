"""Settings of the indicators of a study: which forms and variables they count, and when they are flagged.

>>> settings = KriSettings.from_dict({
...     "time_on_study": {"start": "PROC.PRDAT", "end": ["EOS.EXDAT"]},
...     "indicators": {"kri0002": {"form": "AE", "where": 'AESER == "Yes"', "least": 100}},
... })
>>> settings.thresholds("kri0002").least, settings.forms
(100.0, ('AE', 'PROC', 'EOS'))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, cast, get_args

from ....errors import ArgumentError, ConfigurationError
from ....models.mapping_expressions import Expression
from ....utils.settings_file import no_such, plain_table, read_settings
from .flags import Accrual, Thresholds
from .indicators import INDICATORS

VERSION: Final = 1

ENROLMENT_DATE: Final = "enrollmentStartDate"
"""What `time_on_study.start` says where the enrolment date of the subject is its start."""


class DateVariable(NamedTuple):
    """A variable that holds a date."""

    form: str
    variable: str


_THRESHOLD_KEYS: Final = ("thresholds", "flags", "accrual", "least", "weights", "enabled")
_INPUT_KEYS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "kri0001": (("form",), ("where",)),
    "kri0002": (("form", "where"), ()),
    "kri0003": (("form", "where"), ()),
    "kri0004": (("form", "where"), ()),
    "kri0005": (("form", "variables", "numerator", "denominator"), ()),
    "kri0006": ((), ("form", "where", "statuses")),
    "kri0007": (("form", "where"), ()),
    "kri0008": ((), ()),
    "kri0009": ((), ("limit",)),
    "kri0010": ((), ("limit",)),
    "kri0012": (("statuses",), ()),
    "kri0013": (("form", "where", "otherwise"), ()),
    "kri0014": (("form", "where"), ()),
    "kri0015": (("date", "anchor"), ("limit",)),
    "own0001": ((), ()),
    "own0002": ((), ()),
}
"""Indicator -> settings that it needs, and those it may have."""

LIMITS: Final = {"kri0009": 30, "kri0010": 10, "kri0015": 90}
"""Days beyond which a query is old, a page late, and until which a death is early."""


@dataclass(frozen=True)
class IndicatorSettings:
    """What one indicator counts, and changes to its thresholds.

    Attributes:
        form: the form whose records are counted.
        where: an expression that is true for those that count; `otherwise` for those that count as not done.
        variables: the variables whose answers are counted; `numerator` and `denominator` are the answers that count.
        statuses: words for subjects that count.
        date, anchor: two dates between which at most `limit` days may lie.
        limit: days.
        thresholds: when a score is a flag.
        weights: flag -> weight for the risk of a site.
    """

    form: str | None = None
    where: Expression | None = None
    otherwise: Expression | None = None
    variables: tuple[str, ...] = ()
    numerator: frozenset[str] = frozenset()
    denominator: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    date: DateVariable | None = None
    anchor: DateVariable | None = None
    limit: int = 0
    thresholds: Thresholds = field(default_factory=lambda: Thresholds((-3, -2, 2, 3)))
    weights: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class KriSettings:
    """Settings of the indicators of one study.

    Attributes:
        indicators: the indicators that are on -> their settings.
        start: the day a subject's time on study begins; `None` for its enrolment date. Who has none is not enrolled.
        ends: days that end it; the earliest counts, and the server's day where there is none.
        countries: number of a site -> its country; the API does not know it.
        author, changed: who settled the thresholds, and when.
    """

    indicators: Mapping[str, IndicatorSettings]
    start: DateVariable | None = None
    ends: tuple[DateVariable, ...] = ()
    countries: Mapping[int, str] = field(default_factory=dict)
    author: str | None = None
    changed: str | None = None

    @classmethod
    def from_dict(cls, given: Any) -> KriSettings:
        """Settings from plain values.

        Raises:
            ConfigurationError: names the place, what is wrong there, and the nearest name that is known.
        """
        known = ("version", "author", "changed", "time_on_study", "countries", "indicators")
        top = plain_table(given, "the settings", known)
        if top.get("version", VERSION) != VERSION:
            raise ConfigurationError(f"version: this release reads version {VERSION}, not {top['version']!r}")
        time = plain_table(top.get("time_on_study") or {}, "time_on_study", ("start", "end"))
        start = time.get("start", ENROLMENT_DATE)
        ends = time.get("end") or []
        indicators: dict[str, IndicatorSettings] = {}
        for name, entry in plain_table(top.get("indicators") or {}, "indicators").items():
            where = f"indicators.{name}"
            if name not in INDICATORS:
                raise ConfigurationError(f"indicators: {no_such('indicator', name, INDICATORS)}")
            settings = _indicator(name, plain_table({} if entry is None else entry, where), where)
            if settings is not None:
                indicators[name] = settings
        return cls(
            indicators,
            None if start == ENROLMENT_DATE else _date(start, "time_on_study.start"),
            tuple(_date(end, "time_on_study.end") for end in (ends if isinstance(ends, list) else [ends])),
            _countries(top.get("countries") or {}),
            _text_or_none(top.get("author"), "author"),
            _text_or_none(top.get("changed"), "changed"),
        )

    @classmethod
    def load(cls, path: str | Path) -> KriSettings:
        """Settings from a file, JSON if its name ends in `.json`, else YAML. Raises ConfigurationError."""
        return cls.from_dict(read_settings(path, "the settings"))

    def thresholds(self, indicator: str) -> Thresholds:
        """The thresholds of an indicator."""
        return self.indicators[indicator].thresholds

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms whose answers the indicators need."""
        dates = [self.start, *self.ends, *(one.date for one in self.indicators.values())]
        dates += [one.anchor for one in self.indicators.values()]
        named = [one.form for one in self.indicators.values()] + [date.form for date in dates if date is not None]
        return tuple(dict.fromkeys(form for form in named if form is not None))

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """All variables the settings name, with their forms."""
        found = [(date.form, date.variable) for date in (self.start, *self.ends) if date is not None]
        for one in self.indicators.values():
            found += [(date.form, date.variable) for date in (one.date, one.anchor) if date is not None]
            expressions = [expression for expression in (one.where, one.otherwise) if expression is not None]
            names = [*one.variables, *(name for expression in expressions for name in expression.variables)]
            found += [(str(one.form), name) for name in names]
        return tuple(dict.fromkeys(found))


def _indicator(name: str, entry: dict[str, Any], where: str) -> IndicatorSettings | None:
    """The settings of one indicator; `None` where it is off."""
    needed, possible = _INPUT_KEYS[name]
    plain_table(entry, where, (*needed, *possible, *_THRESHOLD_KEYS))
    if not isinstance(entry.get("enabled", True), bool):
        raise ConfigurationError(f"{where}.enabled: must be true or false")
    if entry.get("enabled") is False:
        return None
    if missing := [key for key in needed if entry.get(key) in (None, "", [])]:
        raise ConfigurationError(f"{where}: needs {', '.join(missing)}")
    if name == "kri0006" and ("statuses" in entry) == ("form" in entry):
        raise ConfigurationError(f"{where}: needs either `statuses`, or `form` with `where`")
    if name == "kri0006" and "form" in entry and "where" not in entry:
        raise ConfigurationError(f"{where}: needs where")
    thresholds = _thresholds(name, entry, where)
    default = INDICATORS[name].weights
    weights = _numbers(entry.get("weights", list(default)), f"{where}.weights")
    if weights and len(weights) != len(thresholds.flags):
        raise ConfigurationError(f"{where}.weights: needs {len(thresholds.flags)} numbers, one a flag")
    return IndicatorSettings(
        form=_text_or_none(entry.get("form"), f"{where}.form"),
        where=_expression(entry.get("where"), f"{where}.where"),
        otherwise=_expression(entry.get("otherwise"), f"{where}.otherwise"),
        variables=tuple(_words(entry.get("variables"), f"{where}.variables")),
        numerator=frozenset(_words(entry.get("numerator"), f"{where}.numerator")),
        denominator=frozenset(_words(entry.get("denominator"), f"{where}.denominator")),
        statuses=frozenset(word.casefold() for word in _words(entry.get("statuses"), f"{where}.statuses")),
        date=_date(entry["date"], f"{where}.date") if "date" in entry else None,
        anchor=_date(entry["anchor"], f"{where}.anchor") if "anchor" in entry else None,
        limit=_days(entry.get("limit", LIMITS.get(name, 0)), f"{where}.limit"),
        thresholds=thresholds,
        weights=dict(zip(thresholds.flags, weights, strict=True)) if weights else {},
    )


def _thresholds(name: str, entry: dict[str, Any], where: str) -> Thresholds:
    default = INDICATORS[name].thresholds
    changes: dict[str, Any] = {}
    if "thresholds" in entry:
        changes["values"] = tuple(_numbers(entry["thresholds"], f"{where}.thresholds"))
    if "flags" in entry:
        changes["flags"] = tuple(_whole(flag, f"{where}.flags") for flag in _list(entry["flags"], f"{where}.flags"))
    if "accrual" in entry:
        if entry["accrual"] not in get_args(Accrual):
            raise ConfigurationError(f"{where}.accrual: must be one of {', '.join(get_args(Accrual))}")
        changes["accrual"] = cast(Accrual, entry["accrual"])
    if "least" in entry:
        changes["least"] = _numbers([entry["least"]], f"{where}.least")[0]
    try:
        return replace(default, **changes)
    except ArgumentError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _date(given: Any, where: str) -> DateVariable:
    form, dot, variable = given.partition(".") if isinstance(given, str) else ("", "", "")
    if not (form and dot and variable):
        raise ConfigurationError(f"{where}: is written FORM.VARIABLE, such as EOS.EXDAT")
    return DateVariable(form, variable)


def _countries(given: Any) -> dict[int, str]:
    if not isinstance(given, dict) or not all(
        isinstance(name, str) and str(site).isdecimal() for site, name in given.items()
    ):
        raise ConfigurationError("countries: must be a table of numbers of sites and names of countries")
    return {int(site): name for site, name in given.items()}


def _expression(given: Any, where: str) -> Expression | None:
    if given is None:
        return None
    try:
        expression = Expression(given)
    except ArgumentError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    if not expression.is_condition:
        raise ConfigurationError(f'{where}: must be true or false, such as AESER == "Yes"; {given!r} is an answer')
    return expression


def _list(given: Any, where: str) -> list[Any]:
    if not isinstance(given, list):
        raise ConfigurationError(f"{where}: must be a list")
    return given


def _words(given: Any, where: str) -> list[str]:
    return [str(word).strip() for word in _list(given if given is not None else [], where)]


def _numbers(given: Any, where: str) -> list[float]:
    numbers = _list(given, where)
    if any(isinstance(one, bool) or not isinstance(one, (int, float)) or not abs(one) < 1e300 for one in numbers):
        raise ConfigurationError(f"{where}: must be numbers")
    return [float(one) for one in numbers]


def _whole(given: Any, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise ConfigurationError(f"{where}: must be a whole number")
    return given


def _days(given: Any, where: str) -> int:
    if (days := _whole(given, where)) < 0:
        raise ConfigurationError(f"{where}: must not be below 0")
    return days


def _text_or_none(given: Any, where: str) -> str | None:
    if given is not None and not isinstance(given, (str, int)) and not hasattr(given, "isoformat"):
        raise ConfigurationError(f"{where}: must be a text")
    return None if given is None else str(given)
