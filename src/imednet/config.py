"""Configuration of a client: both keys and the base URL, from arguments, the environment or a profile."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from .constants import DEFAULT_BASE_URL, ENV_API_KEY, ENV_BASE_URL, ENV_PROFILE, ENV_SECURITY_KEY
from .errors import ConfigurationError
from .utils.url import normalise_base_url

if TYPE_CHECKING:
    from .profiles import Profile

_LOG = logging.getLogger("imednet")

Origin = Literal["argument", "environment", "profile", "default"]
"""Where a setting comes from."""
_VARIABLES: Final = {"api_key": ENV_API_KEY, "security_key": ENV_SECURITY_KEY, "base_url": ENV_BASE_URL}


@dataclass(frozen=True)
class Config:
    """Both keys and the base URL. `repr` masks the keys.

    Attributes:
        api_key, security_key: the keys.
        base_url: address of the server; `None` is production.
        profile: the profile that something here comes from.
        state_home: that profile's folder for manifests and logs of targets that are no files.

    >>> Config("key-1", "key-2")
    Config(api_key='***', security_key='***', base_url=None)
    """

    api_key: str
    security_key: str
    base_url: str | None = field(default=None)
    profile: str | None = field(default=None)
    state_home: str | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the keys; loading takes them from the environment or the profile."""
        return partial(load_config, profile=self.profile), (None, None, self.base_url)

    def __repr__(self) -> str:
        profile = "" if self.profile is None else f", profile={self.profile!r}"
        return f"Config(api_key='***', security_key='***', base_url={self.base_url!r}{profile})"


def load_config(
    api_key: str | None = None,
    security_key: str | None = None,
    base_url: str | None = None,
    *,
    profile: str | None = None,
) -> Config:
    """Configuration from arguments, else from the environment, else from a profile that `imednet login` made.

    Each setting is looked for in this order: the argument; `IMEDNET_API_KEY`, `IMEDNET_SECURITY_KEY` and
    `IMEDNET_BASE_URL`; the profile. The profile is the argument, else `IMEDNET_PROFILE`, else, where neither key is
    given, the one called `default`. A blank value counts as missing.

    Keys go only where they belong: one key of a profile beside another from elsewhere is refused, and so are the keys
    of a profile for an address that is not its own.

    Raises:
        ConfigurationError: a key is missing, or holds a line break or another character a header cannot carry; the
            profile cannot be read; keys and address belong to different places.

    >>> load_config("key-1", "key-2", "https://edc.example.org").base_url
    'https://edc.example.org'
    """
    settings = find_settings({"api_key": api_key, "security_key": security_key, "base_url": base_url}, profile)
    missing = [name for name in ("api_key", "security_key") if settings.values[name] is None]
    if missing:
        variables = " and ".join(_VARIABLES[name] for name in missing)
        raise ConfigurationError(
            f"no {' and no '.join(missing)}: pass {'it' if len(missing) == 1 else 'them'}, set {variables}, or keep "
            "both with `imednet login`. Try without: imednet --sandbox check"
        )
    keys = {name: check_key(name, settings.values[name] or "") for name in ("api_key", "security_key")}
    found = settings.profile
    origin = (None, None) if found is None else (found.name, found.state_home)
    return Config(keys["api_key"], keys["security_key"], settings.values["base_url"], *origin)


@dataclass(frozen=True)
class Settings:
    """What was found for each setting and where: `api_key`, `security_key` and `base_url`. `repr` shows no value."""

    values: dict[str, str | None] = field(repr=False)
    origins: dict[str, Origin]
    profile: Profile | None
    """The profile that was looked at."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("settings hold keys and are not pickled. Next: pickle the Config, which leaves them out")


def find_settings(arguments: dict[str, str | None], profile: str | None = None) -> Settings:
    """The settings of `load_config` with the place of each, a missing key being no error.

    Raises:
        ConfigurationError: as `load_config`, but for missing keys.
    """
    values = {name: _stripped(value) for name, value in arguments.items()}
    origins: dict[str, Origin] = dict.fromkeys(values, "argument")
    named = _stripped(profile)
    in_arguments = values["api_key"] is not None and values["security_key"] is not None
    for name, variable in _VARIABLES.items():
        if values[name] is None:
            values[name], origins[name] = _stripped(os.environ.get(variable)), "environment"
    if named is None and not in_arguments:  # a program that brings both keys does not ask which profile is set
        named = _stripped(os.environ.get(ENV_PROFILE))
    if named is None and values["api_key"] is None and values["security_key"] is None:
        named = _default_profile()
    stored = _read_profile(named) if named is not None else None
    if stored is not None:
        _refuse_mixture(stored, values, origins)
        for name in values:
            if values[name] is None:
                values[name], origins[name] = getattr(stored, name), "profile"
    for name, value in values.items():
        if value is None:
            origins[name] = "default"
    return Settings(values, origins, stored)


def _default_profile() -> str | None:
    """The name of the default profile, if there is one; where profiles cannot be looked for there is none."""
    from .profiles import DEFAULT_PROFILE, profile_names  # here, since programs that bring their keys need no profiles

    try:
        return DEFAULT_PROFILE if DEFAULT_PROFILE in profile_names() else None
    except ConfigurationError:
        return None


def _read_profile(name: str) -> Profile:
    from .profiles import read_profile

    return read_profile(name)


def _refuse_mixture(profile: Profile, values: dict[str, str | None], origins: dict[str, Origin]) -> None:
    """Raise ConfigurationError where keys would meet a key or an address of another place."""
    given = [name for name in ("api_key", "security_key") if values[name] is not None]
    where = {"argument": "an argument", "environment": "the environment"}
    if len(given) == 1:
        raise ConfigurationError(
            f"{given[0]} comes from {where[origins[given[0]]]} and the other key from the profile {profile.name!r}; "
            "the two belong together. Next: give both or neither"
        )
    own = normalise_base_url(profile.base_url or DEFAULT_BASE_URL, allow_http=True)
    address = values["base_url"]
    if given:
        if "environment" in (origins[name] for name in given):
            if address is None and own != DEFAULT_BASE_URL:
                raise ConfigurationError(
                    f"{ENV_API_KEY} and {ENV_SECURITY_KEY} are set, and the profile {profile.name!r} is for {own}, "
                    "where they are not sent. Next: unset them, or set IMEDNET_BASE_URL to the server they are for"
                )
            _LOG.warning(
                "%s and %s are set and are used in place of the keys of the profile %r",
                ENV_API_KEY, ENV_SECURITY_KEY, profile.name,
            )  # fmt: skip
        return
    if address is not None and normalise_base_url(address, allow_http=True) != own:
        raise ConfigurationError(
            f"the base URL comes from {where[origins['base_url']]} and is not that of the profile {profile.name!r}, "
            f"whose keys are sent only to {own}. Next: leave it out, or make a profile for it with "
            "imednet --base-url URL login --profile NAME"
        )


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
        raise ConfigurationError("keys, base URL and profile must be text")
    return value.strip() or None if value is not None else None
