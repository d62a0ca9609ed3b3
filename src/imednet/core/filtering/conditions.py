"""Conditions written in Python, `F("siteId") == 301`, and tests of rows for filters the server cannot apply."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final, NoReturn

from imednet_api.types import Operation, utc

from ...errors import ArgumentError
from .grammar import clause

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operators.eq,
    "!=": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


class Condition:
    """One or several comparisons. `&` joins by AND, `|` by OR; `str()` is the expression that is sent.

    The grammar has no parentheses and AND binds tighter, so an OR cannot be joined by AND to something else.
    `repr` does not show values, which may be data of a person.
    """

    def __init__(self, text: str, kind: str = "one") -> None:
        self._text = text
        self._kind = kind

    def __and__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        if "or" in (self._kind, other._kind):
            raise ArgumentError(
                "the server's grammar has no parentheses, so an OR cannot be joined by & to something else. "
                "Next: write (a & c) | (b & c), or filter the rest in Python"
            )
        return Condition(f"{self};{other}", "and")

    def __or__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        return Condition(f"{self},{other}", "or")

    def __bool__(self) -> NoReturn:
        raise ArgumentError("join conditions with & and |, not with `and` and `or`; put each into parentheses")

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Condition({self._kind})"


class F:
    """An attribute as the server spells it, or an answer by the name of its variable.

    For `filter=` and for `record_data_filter=`. Values are quoted only where needed; `contains` works for answers only.
    The server takes each attribute once: for several values of one use a keyword, `form_key=["AE", "VS"]`.

    >>> str((F("formKey") == "AE") & (F("dateCreated") >= date(2026, 3, 1)))
    'formKey==AE;dateCreated>=2026-03-01T00:00:00Z'
    >>> str((F("aeser") == "Serious") | F("aeterm").contains("head ache"))
    'aeser==Serious,aeterm=~"head ache"'
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        return Condition(clause(self.name, ("==", value)))

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        return Condition(clause(self.name, ("!=", value)))

    def __lt__(self, value: Any) -> Condition:
        return Condition(clause(self.name, ("<", value)))

    def __le__(self, value: Any) -> Condition:
        return Condition(clause(self.name, ("<=", value)))

    def __gt__(self, value: Any) -> Condition:
        return Condition(clause(self.name, (">", value)))

    def __ge__(self, value: Any) -> Condition:
        return Condition(clause(self.name, (">=", value)))

    def contains(self, text: str) -> Condition:
        """The answer contains the text, in any case. Characters that regular expressions reserve are escaped."""
        if not isinstance(text, str):
            raise ArgumentError(f"{self.name}: contains takes text")
        escaped = re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text)
        return Condition(clause(self.name, ("=~", escaped)))

    __hash__ = None  # type: ignore[assignment]


def row_test(operation: Operation, name: str, operator: str, wanted: Any) -> Callable[[Any], bool]:
    """A test of rows (objects, dictionaries, or tuples in field order) that decides as the server would.

    Raises ArgumentError for an attribute that rows do not have.
    """
    fields = operation.item.FIELDS
    if name not in fields:
        raise ArgumentError(
            f"{name}: the server takes an attribute once in a filter, and {operation.tag} do not show this one, "
            "so further conditions cannot be tested on the rows. Next: make one call for each value"
        )
    attribute, position = fields[name], list(fields).index(name)
    test = _value_test(operator, wanted.value if isinstance(wanted, Enum) else wanted)

    def holds(row: Any) -> bool:
        if isinstance(row, dict):
            return test(row.get(name))
        return test(row[position] if isinstance(row, tuple) else getattr(row, attribute))

    return holds


def _value_test(operator: str, wanted: Any) -> Callable[[Any], bool]:
    compare = _COMPARE[operator]
    missing = operator == "!="  # a missing value differs from all others, and is neither less nor more
    if isinstance(wanted, date):
        moment = wanted if isinstance(wanted, datetime) else datetime(wanted.year, wanted.month, wanted.day, tzinfo=UTC)
        moment = moment.astimezone(UTC)

        def holds(value: Any) -> bool:
            then = utc(value)
            return missing if then is None else compare(then, moment)

        return holds
    if isinstance(wanted, bool):
        return lambda value: missing if value is None else compare(_text(value), _text(wanted))
    if isinstance(wanted, (int, float)):
        return lambda value: missing if (number := _number(value)) is None else compare(number, wanted)
    as_time, ordered = utc(wanted), operator in ("<", "<=", ">", ">=")

    def holds_text(value: Any) -> bool:
        if value is None:
            return missing
        if value == "" and ordered:  # comes before and after nothing, as a missing one
            return False
        if as_time is not None and (then := utc(value)) is not None:
            return compare(then, as_time)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and (number := _number(wanted)) is not None:
            return compare(value, number)
        return compare(_text(value), wanted)

    return holds_text


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return int(value) if str(value).lstrip("-").isdecimal() else float(value)
    except (TypeError, ValueError):
        return None
