"""Text from a server made safe for a message: values and secrets masked, one printable line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus


def mask_value(text: Any, value: Any) -> Any:
    """The text with every occurrence of the value masked, in upper or lower case.

    A value of one or two characters is masked only where it is a word of its own, or nothing readable would remain.
    """
    if not isinstance(text, str) or value in (None, "") or isinstance(value, (dict, list)):
        return text
    pattern = re.escape(str(value))
    if len(str(value)) <= 2:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return re.sub(pattern, "***", text, flags=re.IGNORECASE)


def one_line(value: Any) -> str | None:
    """One printable line of at most 300 characters, so that a server cannot flood or garble a terminal."""
    if value is None or isinstance(value, (dict, list)):
        return None
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if len(text) <= 300 else text[:297] + "..."


_SHORTEST_SECRET = 4
"""Shorter ones would mask ordinary parts of words."""


def mask_secrets(body: Any, secrets: Iterable[str]) -> Any:
    """Decoded JSON or text with every secret masked, also where it is encoded for a URL or an HTML page.

    >>> mask_secrets({"error": ["key s3cr+et is wrong"], "url": "?k=s3cr%2Bet"}, ["s3cr+et"])
    {'error': ['key *** is wrong'], 'url': '?k=***'}
    """
    spellings = {
        spelling
        for secret in secrets
        if len(secret) >= _SHORTEST_SECRET
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret), escape(secret))
    }
    if not spellings:
        return body
    longest_first = sorted(spellings, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(spelling) for spelling in longest_first), re.IGNORECASE)

    def masked(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub("***", value)
        if isinstance(value, dict):
            return {masked(name): masked(inner) for name, inner in value.items()}
        return [masked(inner) for inner in value] if isinstance(value, list) else value

    return masked(body)
