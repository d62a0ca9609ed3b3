"""The day that a text of the server begins with."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T].*)?")


def written_day(text: str) -> date | None:
    """The day of a date or a time; `None` where it is partial or no date.

    >>> written_day("2026-02-03 10:00:00"), written_day("2026-02"), written_day("2026-02-031"), written_day("UNK")
    (datetime.date(2026, 2, 3), None, None, None)
    """
    written = _DAY.fullmatch(text)
    try:
        return date.fromisoformat(written[1]) if written else None
    except ValueError:
        return None
