"""Text that files and databases can hold: JSON may carry a lone surrogate, half a character, which they cannot."""

from __future__ import annotations


def writable(text: str) -> bool:
    r"""Whether a text can be encoded as UTF-8.

    >>> writable("Größe"), writable("a\ud800")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(text: str) -> str:
    r"""The text with a question mark in place of each lone surrogate.

    >>> whole("a\ud800")
    'a?'
    """
    return text.encode("utf-8", "replace").decode()
