"""Texts of a server made fit for a message: without values, in one printable line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus


def masked(text: Any, value: Any) -> Any:
    """The text without the value, in whatever case it stands there."""
    if not isinstance(text, str) or value in (None, "") or isinstance(value, (dict, list)):
        return text
    pattern = re.escape(str(value))
    if len(str(value)) <= 2:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return re.sub(pattern, "***", text, flags=re.IGNORECASE)


def short(value: Any) -> str | None:
    """One printable line of at most 300 characters: what a server says must not flood or garble a terminal."""
    if value is None or isinstance(value, (dict, list)):
        return None
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if len(text) <= 300 else text[:297] + "..."


_SHORTEST_SECRET = 4


def without(body: Any, secrets: Iterable[str]) -> Any:
    """Decoded JSON or a text with every secret masked, also where it stands encoded for an address or a page.

    >>> without({"error": ["key s3cr+et is wrong"], "url": "?k=s3cr%2Bet"}, ["s3cr+et"])
    {'error': ['key *** is wrong'], 'url': '?k=***'}
    """
    known = {one for one in secrets if len(one) >= _SHORTEST_SECRET}
    forms = {form for one in known for form in (one, quote(one, safe=""), quote_plus(one), escape(one))}
    if not forms:
        return body
    pattern = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)), re.IGNORECASE)

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub("***", value)
        if isinstance(value, dict):
            return {cleaned(name): cleaned(inner) for name, inner in value.items()}
        return [cleaned(inner) for inner in value] if isinstance(value, list) else value

    return cleaned(body)
