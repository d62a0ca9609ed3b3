"""Authentication with the two keys of iMednet, which every request needs together."""

from __future__ import annotations

from typing import Any

from ..config import check_key, load_config
from ..constants import HEADER_API_KEY, HEADER_SECURITY_KEY


class ApiKeyAuth:
    """The headers `x-api-key` and `x-imn-security-key`. `repr` shows neither key.

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
        """Pickle without the keys; loading reads them from the environment."""
        return ApiKeyAuth.from_environment, ()

    def __repr__(self) -> str:
        return "ApiKeyAuth('***', '***')"
