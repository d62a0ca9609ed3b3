"""Fields of a form: the values each kind of field takes, and when two values are the same answer.

The values follow the vendor's page on posting records; times, partial dates and files are not documented there and are
taken as text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from .kinds import Kind, Misfit, cast, kind_of, letters_of


class FieldKind(StrEnum):
    """Kind of a form's field, which decides the values it takes."""

    TEXT = "text"
    MEMO = "memo"
    NUMBER = "number"
    RADIO = "radio"
    DROPDOWN = "dropdown"
    CHECKBOX = "checkbox"
    DATE = "date"
    DATETIME = "date-time"
    TIME = "time"
    PARTIAL = "partial date"
    FILE = "file"
    UNKNOWN = "unknown kind"


_NAMES: Final = {
    "text": FieldKind.TEXT,
    "memo": FieldKind.MEMO,
    "textarea": FieldKind.MEMO,
    "radio": FieldKind.RADIO,
    "yesno": FieldKind.RADIO,
    "dropdown": FieldKind.DROPDOWN,
    "coded": FieldKind.DROPDOWN,
    "checkbox": FieldKind.CHECKBOX,
    "file": FieldKind.FILE,
    "upload": FieldKind.FILE,
}
"""Kinds whose answers are text in an export; numbers, dates and times are recognized by `kinds.kind_of`."""
_CAST: Final = {
    FieldKind.NUMBER: Kind.NUMBER,
    FieldKind.DATE: Kind.DATE,
    FieldKind.DATETIME: Kind.DATETIME,
    FieldKind.TIME: Kind.TIME,
    FieldKind.PARTIAL: Kind.PARTIAL,
}
_OF_KIND: Final = {kind: field for field, kind in _CAST.items()}
_LARGEST: Final = 10**300
_LISTS = re.compile(r"\s*[,`;]\s*")


class UnfitValue(ValueError):
    """A value that a field does not take; the message says what the field takes and never quotes the value."""


def field_kind(variable_type: str | None) -> FieldKind:
    """The kind of a field by its variable's type; case, blanks and punctuation do not matter.

    >>> field_kind("RADIO"), field_kind("Date/Time Precision"), field_kind(None)
    (<FieldKind.RADIO: 'radio'>, <FieldKind.PARTIAL: 'partial date'>, <FieldKind.UNKNOWN: 'unknown kind'>)
    """
    return _OF_KIND.get(kind_of(variable_type)) or _NAMES.get(letters_of(variable_type), FieldKind.UNKNOWN)


def wire_value(kind: FieldKind, value: Any, choices: Iterable[str] | None = None) -> Any:
    """The value in the form it is sent: numbers as numbers, checkboxes as booleans, everything else as text.

    Numbers, dates and booleans may also be given as text, because files of items hold only text. `None` and the empty
    text clear an answer.

    Raises:
        UnfitValue: the field does not take it.

    >>> wire_value(FieldKind.NUMBER, "11"), wire_value(FieldKind.CHECKBOX, "true"), wire_value(FieldKind.MEMO, "Old")
    (11, True, 'Old')
    """
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        value = value.isoformat(sep=" ", timespec=_precision(value))
    elif isinstance(value, (date, time)):
        value = value.isoformat() if isinstance(value, date) else value.isoformat(timespec=_precision(value))
    if kind is FieldKind.NUMBER:
        return _number(value)
    if kind is FieldKind.CHECKBOX:
        return _checkbox(value, choices)
    if kind is FieldKind.UNKNOWN and isinstance(value, (bool, int, float)):
        return value
    if not isinstance(value, str):
        raise UnfitValue(f"takes text, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnfitValue("holds half a character (a lone surrogate)") from None
    if kind in _CAST:
        try:
            cast(_CAST[kind], value)
        except Misfit as misfit:
            raise UnfitValue(f"is {misfit}") from None
    if kind in (FieldKind.RADIO, FieldKind.DROPDOWN) and choices is not None:
        known = list(choices)
        if value not in known:
            raise UnfitValue(f"is not one of its {len(known)} choices")
    return value


def _precision(value: datetime | time) -> str:
    if value.microsecond:
        raise UnfitValue("takes no fractions of a second")
    return "seconds" if value.second else "minutes"


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        try:
            typed = cast(Kind.NUMBER, value)
        except Misfit as misfit:
            raise UnfitValue(f"is {misfit}") from None
        if "." not in value:
            return int(value)
        if Decimal(repr(typed)) != Decimal(value):
            raise UnfitValue("has more digits than a number of 64 bits holds")
        return float(typed)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UnfitValue(f"takes a number, not {type(value).__name__}")
    if abs(value) > _LARGEST or not math.isfinite(value):
        raise UnfitValue("takes a finite number")
    return value


def _checkbox(value: Any, choices: Iterable[str] | None) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value.casefold() in ("true", "false"):
            return value.casefold() == "true"
        known = None if choices is None else {*choices}
        if known is None or value in known or set(_LISTS.split(value)) <= known:
            return value
        raise UnfitValue("is not one of its choices")
    raise UnfitValue(f"takes true, false or the text of its choices, not {type(value).__name__}")


def same_answer(kind: FieldKind, sent: Any, stored: Any) -> bool:
    """Whether a value read back is the same answer as the value sent, by the kind of the field.

    >>> same_answer(FieldKind.NUMBER, 11, "11"), same_answer(FieldKind.CHECKBOX, True, "true")
    (True, True)
    >>> same_answer(FieldKind.TEXT, "011", "11")
    False
    """
    if sent in (None, "") or stored in (None, ""):
        return sent in (None, "") and stored in (None, "")
    if kind is FieldKind.NUMBER:
        numbers = _decimal(sent), _decimal(stored)
        return numbers[0] == numbers[1] if None not in numbers else str(sent) == str(stored)
    if kind is FieldKind.CHECKBOX:
        return _checked_boxes(sent) == _checked_boxes(stored)
    if kind is FieldKind.DATETIME:
        return _without_zero_seconds(sent) == _without_zero_seconds(stored)
    if isinstance(sent, bool) or isinstance(stored, bool):
        return _checked_boxes(sent) == _checked_boxes(stored)
    return str(sent) == str(stored)


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        return None


def _checked_boxes(value: Any) -> frozenset[str]:
    """The texts of the checked boxes, regardless of order and separator; `true` or `false` for a single box."""
    parts = [str(text) for text in value] if isinstance(value, list) else _LISTS.split(str(value))
    return frozenset(part.casefold() if part.casefold() in ("true", "false") else part for part in parts if part)


def _without_zero_seconds(value: Any) -> str:
    text = str(value).replace("T", " ")
    return text[: -len(":00")] if re.fullmatch(r".* \d\d:\d\d:00", text) else text
