"""Everything a session keeps of what it read."""

from __future__ import annotations

from . import filters, reading, tables


def forget() -> None:
    """Forget all of it; other sessions keep theirs."""
    reading.forget()
    tables.forget()
    filters.forget()
