"""The interface of an authentication."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class AuthStrategy(Protocol):
    """Gives the headers that prove who sends a request; asked once a request, so that keys may rotate."""

    def get_headers(self) -> dict[str, str]:
        """Headers to add to a request."""
        ...  # pragma: no cover
