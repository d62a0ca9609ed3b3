"""Values that travel as they are and show nothing of themselves: tools that report crashes print local variables."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


class QuietDict(dict[Any, Any]):
    """A dictionary whose `repr` has its names alone."""

    def __repr__(self) -> str:
        return f"QuietDict({', '.join(map(str, self))})"


class QuietList(list[Any]):
    """A list whose `repr` has its length alone."""

    def __repr__(self) -> str:
        return f"QuietList({len(self)})"


class QuietText(str):
    """A text whose `repr` has its length alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"QuietText({len(self)})"


def quiet(value: T) -> T:
    """The same value for whoever uses it; a dictionary, list or text is one that shows nothing of itself.

    >>> quiet({"subject_key": "301-001"}), quiet(["301-001"]), quiet("301-001") == "301-001"
    (QuietDict(subject_key), QuietList(1), True)
    """
    kinds: dict[type, type] = {dict: QuietDict, list: QuietList, str: QuietText}
    kind = kinds.get(type(value))
    return value if kind is None else cast(T, kind(value))
