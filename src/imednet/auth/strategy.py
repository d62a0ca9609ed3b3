"""The interface every authentication implements."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class AuthStrategy(Protocol):
    """Provides the headers that prove who sends a request; called for each request, so that keys may rotate."""

    def get_headers(self) -> dict[str, str]:
        """Headers to add to a request."""
        ...  # pragma: no cover
