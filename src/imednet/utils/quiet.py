"""Dictionaries, lists and text whose `repr` hides their content, since crash reporters print local variables."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


class QuietDict(dict[Any, Any]):
    """A dictionary whose `repr` shows only its keys."""

    def __repr__(self) -> str:
        return f"QuietDict({', '.join(map(str, self))})"


class QuietList(list[Any]):
    """A list whose `repr` shows only its length."""

    def __repr__(self) -> str:
        return f"QuietList({len(self)})"


class QuietText(str):
    """A string whose `repr` shows only its length."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"QuietText({len(self)})"


def quiet(value: T) -> T:
    """The value, equal and usable as before; a dictionary, list or string becomes one that hides its content.

    >>> quiet({"subject_key": "301-001"}), quiet(["301-001"]), quiet("301-001") == "301-001"
    (QuietDict(subject_key), QuietList(1), True)
    """
    kinds: dict[type, type] = {dict: QuietDict, list: QuietList, str: QuietText}
    kind = kinds.get(type(value))
    return value if kind is None else cast(T, kind(value))
