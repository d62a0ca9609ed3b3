"""True and false in the spellings servers and people use."""

from __future__ import annotations

from typing import Any, Final

_WORDS: Final = {
    **dict.fromkeys(("true", "1", "yes", "y", "t"), True),
    **dict.fromkeys(("false", "0", "no", "n", "f"), False),
}


def truth(value: Any) -> bool | None:
    """The boolean a value stands for, or `None` where it stands for neither.

    >>> truth(True), truth("true"), truth(1), truth("No"), truth("maybe"), truth(None)
    (True, True, True, False, None, None)
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, str)):
        return _WORDS.get(str(value).strip().casefold())
    return None


def may_be_true(value: Any) -> bool:
    """Whether there is a value and it does not stand for false; flags that hide something are read so.

    >>> may_be_true("true"), may_be_true("restricted"), may_be_true(0), may_be_true(None)
    (True, True, False, False)
    """
    return value is not None and truth(value) is not False


def is_true(value: Any) -> bool:
    """Whether a value stands for true; a missing or unknown one does not.

    >>> is_true("true"), is_true("false"), is_true(None)
    (True, False, False)
    """
    return truth(value) is True
