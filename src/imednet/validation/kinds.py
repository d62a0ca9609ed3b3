"""Types of answers in an export, and the conversion of an answer's text into a typed value.

Nothing is guessed: a text that does not have the format of its type is missing in the typed column and listed with the
reason, and the text itself is kept. Empty, null and absent answers are all the same missing value.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from typing import cast as cast_type

import attrs

from imednet_api.types import Model, utc


class Kind(StrEnum):
    """Type of a column's cells."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    INSTANT = "time in UTC"
    TIME = "time"
    PARTIAL = "partial date"
    JSON = "json"


_KINDS: Final = {
    "number": Kind.NUMBER,
    "calc": Kind.NUMBER,
    "calculated": Kind.NUMBER,
    "integer": Kind.NUMBER,
    "float": Kind.NUMBER,
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
    "time": Kind.TIME,
    "partialdate": Kind.PARTIAL,
    "precisiondate": Kind.PARTIAL,
    "datetimeprecision": Kind.PARTIAL,
}

CAST: Final = frozenset({Kind.NUMBER, Kind.DATE, Kind.DATETIME, Kind.INSTANT, Kind.TIME, Kind.PARTIAL})
"""Kinds whose cells are converted from text."""


def kind_of(variable_type: str | None) -> Kind:
    """The kind of a variable by its type; case, blanks and punctuation do not matter.

    >>> kind_of("NUMBER"), kind_of("Date/Time Precision"), kind_of("RADIO"), kind_of(None)
    (<Kind.NUMBER: 'number'>, <Kind.PARTIAL: 'partial date'>, <Kind.TEXT: 'text'>, <Kind.TEXT: 'text'>)
    """
    return _KINDS.get(letters_of(variable_type), Kind.TEXT)


def letters_of(variable_type: str | None) -> str:
    """The letters of a variable's type in lower case, by which types are compared.

    >>> letters_of("Date/Time Precision")
    'datetimeprecision'
    """
    return "".join(character for character in str(variable_type or "").casefold() if character.isalpha())


_FIELD_KINDS: Final = {"int": Kind.INTEGER, "bool": Kind.BOOLEAN, "str": Kind.TEXT, "float": Kind.NUMBER}


def field_kinds(model: type[Model]) -> dict[str, Kind]:
    """The kind of every field of a resource, by its type in the API description.

    >>> from imednet_api.models import Visit
    >>> [str(field_kinds(Visit)[name]) for name in ("visitId", "visitDate", "dateCreated")]
    ['integer', 'date', 'time in UTC']
    """
    texts = {**dict.fromkeys(model.TIMES, Kind.INSTANT), **dict.fromkeys(model.DAYS, Kind.DATE)}
    types = {field.alias: str(field.type).partition(" |")[0] for field in attrs.fields(cast_type(Any, model))}
    kinds = {name: _FIELD_KINDS.get(types[attribute], Kind.JSON) for name, attribute in model.FIELDS.items()}
    return {**kinds, **{name: kind for name, kind in texts.items() if kinds[name] is Kind.TEXT}}


class Misfit(ValueError):
    """A text that does not fit its kind; the message is the reason and never quotes the text."""


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
_PARTIAL = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise Misfit("not a plain number")
    value = float(text)
    # Fractions are rounded anyway; a whole number that a float cannot hold exactly is refused.
    if abs(value) >= 2**53 and Decimal(value) != Decimal(text):
        raise Misfit("more digits than a number of 64 bits holds")
    return value


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise Misfit("not a date as YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misfit("not a day in the calendar") from None


def _datetime(text: str) -> datetime:
    if not _DATETIME.fullmatch(text):
        raise Misfit("not a date and time as YYYY-MM-DD HH:MM")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Misfit("not a day in the calendar, or not a time of day") from None


def _instant(text: str) -> datetime:
    if _MOMENT.fullmatch(text):  # the documented form, of which a study has a million
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            raise Misfit("not a day in the calendar, or not a time of day") from None
    moment = utc(text)
    if moment is None:
        raise Misfit("not a time as YYYY-MM-DD HH:MM:SS")
    return moment


def _time(text: str) -> time:
    if not _TIME.fullmatch(text):
        raise Misfit("not a time as HH:MM")
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Misfit("not a time of day") from None


def _partial(text: str) -> str:
    if not _PARTIAL.fullmatch(text):
        raise Misfit("not a date as YYYY, YYYY-MM or YYYY-MM-DD")
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    except ValueError:
        raise Misfit("not a month or day in the calendar") from None
    return text


_CASTS: Final[dict[Kind, Callable[[str], Any]]] = {
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.INSTANT: _instant,
    Kind.TIME: _time,
    Kind.PARTIAL: _partial,
}


def cast(kind: Kind, text: str) -> Any:
    """The typed value of a non-empty text.

    Raises Misfit, whose message is the reason, if the text does not fit the kind.

    >>> cast(Kind.NUMBER, "12.5"), cast(Kind.PARTIAL, "2024-03"), cast(Kind.DATE, "2024-02-29")
    (12.5, '2024-03', datetime.date(2024, 2, 29))
    """
    return _CASTS[kind](text)


def earliest(text: str) -> date:
    """The first day that a partial date can mean. Raises Misfit if it is none.

    >>> earliest("2024-02"), latest("2024-02"), precision("2024-02")
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29), 'month')
    """
    return _date(_partial(text) + "-01-01"[len(text) - 4 :] if len(text) < _WHOLE_DATE else text)


def latest(text: str) -> date:
    """The last day that a partial date can mean. Raises Misfit if it is none."""
    first = earliest(text)
    month = first.month if precision(text) != "year" else 12
    return first if len(text) == _WHOLE_DATE else first.replace(month=month, day=monthrange(first.year, month)[1])


def precision(text: str) -> str:
    """How exact a partial date is: `year`, `month` or `day`. Raises Misfit if it is none."""
    return {4: "year", 7: "month", _WHOLE_DATE: "day"}[len(_partial(text))]


_WHOLE_DATE: Final = 10
"""Characters of a whole date."""
_MOST_KNOWN = 100_000
_MOST_MOMENTS = 10_000
"""Converted texts that are kept: of times few, because hardly any comes twice."""


class Caster:
    """Converter of texts that converts each distinct text once.

    Args:
        convert: turns a text into a value, or raises Misfit.
        most_known: converted texts that are kept.

    Attributes:
        reasons: text that does not fit -> reason.
    """

    def __init__(self, convert: Callable[[str], Any], most_known: int = _MOST_KNOWN) -> None:
        self._cast = convert
        self._most_known = most_known
        self._known: dict[str | None, Any] = {None: None, "": None}
        self.reasons: dict[str, str] = {}

    @classmethod
    def of(cls, kind: Kind) -> Caster:
        """A converter into a kind of `CAST`."""
        return cls(_CASTS[kind], _MOST_MOMENTS if kind is Kind.INSTANT else _MOST_KNOWN)

    def unfit(self, texts: Iterable[str | None]) -> set[str]:
        """The texts of a column that do not fit. Converts all of them, so call it before `values`."""
        if len(self._known) > self._most_known:  # a column of ever new texts must not fill the memory
            self._known = {None: None, "": None}
            self.reasons.clear()
        distinct = set(texts)
        for text in distinct - self._known.keys():
            assert text is not None
            try:
                self._known[text] = self._cast(text)
            except Misfit as misfit:
                self._known[text] = None
                self.reasons[text] = str(misfit)
        return {text for text in distinct if text is not None and text in self.reasons} if self.reasons else set()

    def values(self, texts: Iterable[str | None]) -> list[Any]:
        """The typed values of a column that `unfit` has seen; `None` for missing texts and those that do not fit."""
        return list(map(self._known.__getitem__, texts))
