"""Keys in the keyring of the system: Keychain, Credential Locker, Secret Service or KWallet, through `keyring`.

A keyring that only looks like one is refused: those of `keyrings.alt` write plain files, the null backend loses what it
is given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Final

from ..errors import ConfigurationError

SERVICE: Final = "imednet"
"""Under this name the keys of all profiles are in the keyring."""

PATIENCE: Final = 60.0
"""Seconds a keyring has for an answer: enough to type its password, and an end where nobody sees that it asks."""

_REFUSED: Final = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")


def unusable() -> str | None:
    """Why no keyring can be used here; `None` where one can."""
    try:
        _backend()
    except ConfigurationError as error:
        return str(error)
    return None


def backend_name() -> str:
    """The name of the keyring that is used; raises ConfigurationError where there is none."""
    backend = _backend()
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


@dataclass(frozen=True)
class Entry:
    """What the keyring holds of a profile: both keys, and the address that they are for. `repr` shows no key."""

    api_key: str = field(repr=False)
    security_key: str = field(repr=False)
    base_url: str | None


def entry_name(profile: str, folder: Path) -> str:
    """The user of an entry: the profile, and which folder of settings it is of, since each may have one of its name."""
    return f"{profile}@{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]}"


def read_keys(profile: str, folder: Path) -> Entry:
    """The entry of a profile.

    Raises:
        ConfigurationError: there is no keyring, it is locked or does not answer, or it holds no keys for this profile.
    """
    user = entry_name(profile, folder)
    text = _asked("read", profile, lambda backend: backend.get_password(SERVICE, user))
    try:
        return Entry(**json.loads(text or "{}"))
    except (ValueError, TypeError):
        raise ConfigurationError(
            f"the keyring holds no keys of the profile {profile!r}. Next: imednet login --profile {profile}"
        ) from None


def write_keys(profile: str, folder: Path, entry: Entry) -> None:
    """Keep both keys and their address in one entry, and read them back; raises ConfigurationError."""
    user, text = entry_name(profile, folder), json.dumps(asdict(entry))
    _asked("write", profile, lambda backend: backend.set_password(SERVICE, user, text))
    if read_keys(profile, folder) != entry:
        raise ConfigurationError("the keyring did not keep the keys. Next: imednet login --store file")


def remove_keys(profile: str, folder: Path) -> None:
    """Remove the entry of a profile; none being there is no error."""
    user = entry_name(profile, folder)

    def remove(backend: Any) -> None:
        if backend.get_password(SERVICE, user) is not None:
            backend.delete_password(SERVICE, user)

    _asked("remove", profile, remove)


def _backend() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ConfigurationError(
            "the library for keyrings is not installed. Next: pip install keyring, or imednet login --store file"
        ) from None
    try:
        chosen = keyring.get_keyring()
    except Exception as error:  # noqa: BLE001  (a backend that a file of settings names may fail in any way)
        raise ConfigurationError(f"the keyring cannot be loaded ({type(error).__name__})") from None
    for backend in getattr(chosen, "backends", None) or [chosen]:  # a chain asks several, one after the other
        module = type(backend).__module__
        if not any(module == name or module.startswith(f"{name}.") for name in _REFUSED):
            return backend
    raise ConfigurationError("this system has no keyring that keeps secrets. Next: imednet login --store file")


def _asked(what: str, profile: str, ask: Callable[[Any], Any]) -> Any:
    backend = _backend()
    answer: Future[Any] = Future()

    def wait_for_it() -> None:
        try:
            answer.set_result(ask(backend))
        except BaseException as error:  # noqa: BLE001  (handed on to whoever waits)
            answer.set_exception(error)

    Thread(target=wait_for_it, name="imednet-keyring", daemon=True).start()  # one that never answers holds up no exit
    try:
        return answer.result(PATIENCE)
    except Exception as error:  # noqa: BLE001  (each system's keyring has errors of its own)
        why = (
            type(error).__name__ if answer.done() else f"no answer in {PATIENCE:.0f} s; it may be asking to be unlocked"
        )
        raise ConfigurationError(
            f"the keyring could not {what} the keys of the profile {profile!r} ({why}). "
            "Next: unlock the keyring, or imednet login --store file"
        ) from None
