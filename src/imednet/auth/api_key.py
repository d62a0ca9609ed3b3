"""The two keys of iMednet; both are needed together on every request."""

from __future__ import annotations

from typing import Any

from ..config import check_key, load_config
from ..constants import HEADER_API_KEY, HEADER_SECURITY_KEY


class ApiKeyAuth:
    """Sends `x-api-key` and `x-imn-security-key`. `repr` shows neither.

    >>> ApiKeyAuth("key-1", "key-2")
    ApiKeyAuth('***', '***')
    """

    def __init__(self, api_key: str, security_key: str) -> None:
        self._headers = {
            HEADER_API_KEY: check_key("api_key", api_key),
            HEADER_SECURITY_KEY: check_key("security_key", security_key),
        }

    def get_headers(self) -> dict[str, str]:
        """Both key headers."""
        return dict(self._headers)

    @classmethod
    def from_environment(cls) -> ApiKeyAuth:
        """Both keys from the environment. Raises ConfigurationError when one is missing."""
        config = load_config()
        return cls(config.api_key, config.security_key)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle carries no keys: where it is loaded they come from the environment."""
        return ApiKeyAuth.from_environment, ()

    def __repr__(self) -> str:
        return "ApiKeyAuth('***', '***')"
