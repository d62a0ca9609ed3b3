"""Texts that can be written: JSON may hold half a character (a lone surrogate), which no file and no database can."""

from __future__ import annotations


def writable(text: str) -> bool:
    r"""Whether a text can be encoded.

    >>> writable("Größe"), writable("a\ud800")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(text: str) -> str:
    r"""A text with a question mark in place of each half character.

    >>> whole("a\ud800")
    'a?'
    """
    return text.encode("utf-8", "replace").decode()
