"""Texts of a server made fit for a message: without values, in one printable line."""

from __future__ import annotations

import re
from typing import Any


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
