"""Configuration of a client: both keys and the base URL, from arguments or the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from .constants import ENV_API_KEY, ENV_BASE_URL, ENV_SECURITY_KEY
from .errors import ConfigurationError


@dataclass(frozen=True)
class Config:
    """Both keys and the base URL. `repr` masks the keys.

    >>> Config("key-1", "key-2")
    Config(api_key='***', security_key='***', base_url=None)
    """

    api_key: str
    security_key: str
    base_url: str | None = field(default=None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the keys; loading reads them from the environment or raises ConfigurationError."""
        return load_config, (None, None, self.base_url)

    def __repr__(self) -> str:
        return f"Config(api_key='***', security_key='***', base_url={self.base_url!r})"


def load_config(
    api_key: str | None = None,
    security_key: str | None = None,
    base_url: str | None = None,
) -> Config:
    """Configuration from arguments, else from `IMEDNET_API_KEY`, `IMEDNET_SECURITY_KEY` and `IMEDNET_BASE_URL`.

    Arguments win over the environment; a blank value counts as missing.

    Raises:
        ConfigurationError: a key is missing, or holds a line break or another character a header cannot carry.

    >>> load_config("key-1", "key-2", "https://edc.example.org").base_url
    'https://edc.example.org'
    """
    settings = {
        "api_key": (_stripped(api_key) or _stripped(os.environ.get(ENV_API_KEY)), ENV_API_KEY),
        "security_key": (_stripped(security_key) or _stripped(os.environ.get(ENV_SECURITY_KEY)), ENV_SECURITY_KEY),
    }
    missing = [name for name, (value, _) in settings.items() if value is None]
    if missing:
        variables = " and ".join(settings[name][1] for name in missing)
        raise ConfigurationError(
            f"no {' and no '.join(missing)}: pass {'it' if len(missing) == 1 else 'them'} or set {variables}. "
            "Try without: imednet --sandbox check"
        )
    keys = {name: check_key(name, value) for name, (value, _) in settings.items() if value is not None}
    return Config(keys["api_key"], keys["security_key"], load_base_url(base_url))


def load_base_url(base_url: str | None = None) -> str | None:
    """The base URL from the argument, else from `IMEDNET_BASE_URL`; `None` when neither is given."""
    return _stripped(base_url) or _stripped(os.environ.get(ENV_BASE_URL))


def check_key(name: str, value: str) -> str:
    """The key, if a header can carry it; else raises ConfigurationError, whose message does not hold the key."""
    if not value.isascii() or not value.isprintable():
        raise ConfigurationError(f"{name} holds a line break or a character that no key has. Next: copy it again")
    return value


def _stripped(value: str | None) -> str | None:
    """The text without blanks around it, or `None` where nothing is left."""
    if value is not None and not isinstance(value, str):
        raise ConfigurationError("keys and base URL must be text")
    return value.strip() or None if value is not None else None
