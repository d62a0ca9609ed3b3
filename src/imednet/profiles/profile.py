"""What a profile holds, and the rules of its name and its values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from ..errors import ConfigurationError
from ..utils.disk import reserved

DEFAULT_PROFILE: Final = "default"
"""The profile that is used where none is named and no key is given."""

KeyPlace = Literal["keyring", "file"]
"""Where the keys of a profile are."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """A tenant under a name. `repr` shows neither key.

    Attributes:
        name: lower-case letters, digits, `.`, `_` and `-`.
        keys_in: `keyring`, or `file` for the file of the profile itself.
        base_url: address of the server; `None` is production.
        study_key: the study of commands that name none.
        state_home: folder for manifests and logs of targets that are no files.
        api_key, security_key: the keys; `None` while they are in the keyring.

    Raises:
        ConfigurationError: the name or a value cannot be used.

    >>> Profile("trial-a", "file", api_key="key-1", security_key="key-2")
    Profile(name='trial-a', keys_in='file', base_url=None, study_key=None, state_home=None)
    """

    name: str
    keys_in: KeyPlace
    base_url: str | None = None
    study_key: str | None = None
    state_home: str | None = None
    api_key: str | None = field(default=None, repr=False)
    security_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.keys_in not in get_args(KeyPlace):
            raise ConfigurationError(f"the profile {self.name!r} does not say where its keys are")

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a profile holds keys and is not pickled. Next: pickle its name, and read it again")

    def to_fields(self) -> dict[str, str]:
        """The fields that are in its file: the keys only where they are kept there."""
        fields = {
            "keysIn": self.keys_in, "baseUrl": self.base_url, "studyKey": self.study_key, "stateHome": self.state_home,
        }  # fmt: skip
        if self.keys_in == "file":
            fields |= {"apiKey": self.api_key, "securityKey": self.security_key}
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_fields(cls, name: str, fields: Any) -> Profile:
        """A profile from the fields of its file; raises ConfigurationError, whose message holds no value."""
        known = ("keysIn", "baseUrl", "studyKey", "stateHome", "apiKey", "securityKey")
        if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
            raise ConfigurationError(f"the file of the profile {name!r} does not hold a table of texts")
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise ConfigurationError(
                f"the file of the profile {name!r} holds {len(unknown)} unknown field(s); known are {', '.join(known)}"
            )
        return cls(name, fields.get("keysIn", ""), *(fields.get(field) for field in known[1:]))


def check_name(name: str) -> str:
    """The name, if a profile can have it; else raises ConfigurationError.

    >>> check_name("trial-a")
    'trial-a'
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or reserved(name):
        raise ConfigurationError(
            "the name of a profile has 1 to 64 lower-case letters, digits, dots, hyphens and underscores, and begins "
            "with a letter or a digit"
        )
    return name
