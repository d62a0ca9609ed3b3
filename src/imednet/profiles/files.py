"""Files of profiles, one for each, which only their owner can read and write.

One file a profile, so that two programs that write two profiles cannot undo each other's work. The folder is
`IMEDNET_CONFIG_HOME`, else `imednet` where the system keeps settings of a user.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..constants import ENV_CONFIG_HOME
from ..errors import ConfigurationError
from ..utils.disk import partial, write_private
from ..utils.settings_file import no_such
from . import key_ring
from .profile import Profile, check_name

_MOST_BYTES: Final = 100_000


def config_folder() -> Path:
    """The folder for settings of this user; it need not be there.

    Raises:
        ConfigurationError: this user has no home folder, and `IMEDNET_CONFIG_HOME` is not set.
    """
    own = os.environ.get(ENV_CONFIG_HOME)
    if sys.platform == "win32":
        root = os.environ.get("APPDATA") or "~/AppData/Roaming"
    elif sys.platform == "darwin":
        root = "~/Library/Application Support"
    else:
        root = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    try:
        return Path(own).expanduser() if own else Path(root).expanduser() / "imednet"
    except RuntimeError:
        raise ConfigurationError(
            f"this user has no home folder to keep profiles in. Next: set {ENV_CONFIG_HOME} to a folder"
        ) from None


def profile_names() -> list[str]:
    """Names of all profiles, sorted.

    Raises:
        ConfigurationError: the folder of profiles cannot be read.
    """
    try:
        return sorted(path.stem for path in _folder().glob("*.json") if not path.name.startswith("."))
    except OSError as error:
        raise ConfigurationError(f"the folder of profiles cannot be read: {error.strerror}") from None


def read_profile(name: str) -> Profile:
    """A profile with its keys.

    Raises:
        ConfigurationError: there is no such profile, others can read or change its file, it holds something else, or
            its keys cannot be had.
    """
    profile = Profile.from_fields(name, _fields(check_name(name)))
    if profile.keys_in == "keyring":
        entry = key_ring.read_keys(name, _folder())
        if entry.base_url != profile.base_url:  # a login that did not come to its end
            raise ConfigurationError(
                f"the keyring holds keys of the profile {name!r} for another address than its file names. Next: "
                f"imednet --base-url URL login --profile {name}"
            )
        profile = replace(profile, api_key=entry.api_key, security_key=entry.security_key)
    missing = [field for field in ("api_key", "security_key") if not getattr(profile, field)]
    if missing:
        raise ConfigurationError(f"the profile {name!r} has no {missing[0]}. Next: imednet login --profile {name}")
    return profile


def describe_profile(name: str) -> Profile:
    """A profile without its keys, which are not asked for; raises ConfigurationError as `read_profile` does."""
    return replace(Profile.from_fields(name, _fields(check_name(name))), api_key=None, security_key=None)


def write_profile(profile: Profile) -> Path:
    """Keep a profile, in place of an earlier one of its name, and return its file.

    The keys come first, so that a profile whose keys could not be kept does not appear.

    Raises:
        ConfigurationError: the keyring or the folder cannot be written, or others could change what is in it.
    """
    if not profile.api_key or not profile.security_key:
        raise ConfigurationError(f"the profile {profile.name!r} has no keys to keep")
    path = _path(profile.name)
    earlier = path.exists()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_others(path.parent)
        if path.is_symlink():
            raise ConfigurationError(f"{path} is a symbolic link. Next: remove it")
        if profile.keys_in == "keyring":
            entry = key_ring.Entry(profile.api_key, profile.security_key, profile.base_url)
            key_ring.write_keys(profile.name, path.parent, entry)
        write_private(path, f"{json.dumps(profile.to_fields(), indent=2)}\n")
    except OSError as error:
        raise ConfigurationError(f"the profile cannot be written below {path.parent}: {error.strerror}") from None
    if profile.keys_in == "file" and earlier:
        with suppress(ConfigurationError):  # keys of an earlier login; without a keyring there are none
            key_ring.remove_keys(profile.name, path.parent)
    return path


def remove_profile(name: str) -> None:
    """Remove a profile and its keys, also one whose file cannot be used.

    Raises:
        ConfigurationError: there is none of this name, or its keys cannot be removed; then the profile stays.
    """
    path = _path(name)
    if not os.path.lexists(path):
        raise ConfigurationError(no_such("profile", name, profile_names()))
    try:
        in_keyring = describe_profile(name).keys_in == "keyring"
    except ConfigurationError:  # it may have been
        in_keyring = key_ring.unusable() is None
    if in_keyring:
        key_ring.remove_keys(name, path.parent)
    try:
        path.unlink()
        partial(path).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the profile {name!r} cannot be removed: {error.strerror}") from None


def _folder() -> Path:
    return config_folder() / "profiles"


def _path(name: str) -> Path:
    return _folder() / f"{check_name(name)}.json"


def _fields(name: str) -> object:
    """What the file of a profile holds; judged by the file that was opened, not by what has its name a moment later."""
    path = _path(name)
    flags = os.O_RDONLY
    for more in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # a pipe must not make us wait
        flags |= getattr(os, more, 0)
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{no_such('profile', name, profile_names())}. Next: imednet login --profile {name}"
        ) from None
    except OSError as error:
        link = error.errno in (errno.ELOOP, errno.EMLINK)
        reason = "it is a symbolic link" if link else error.strerror
        raise ConfigurationError(f"the profile {name!r} cannot be read: {path}: {reason}") from None
    with os.fdopen(handle, "rb") as file:
        _refuse_others(path.parent)
        _judge(path, os.fstat(handle))
        try:
            fields: object = json.loads(file.read(_MOST_BYTES))
        except (ValueError, RecursionError):  # whose message could show a key
            raise ConfigurationError(
                f"the profile {name!r} cannot be read: {path} is no JSON. Next: imednet login --profile {name}"
            ) from None
    return fields


def _judge(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise ConfigurationError(f"{path} is no ordinary file")
    if os.name != "posix":
        return  # a folder of the user's own settings is theirs alone
    if facts.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(f"{path} belongs to somebody else, who could have put it there")
    if facts.st_mode & 0o077:
        raise ConfigurationError(f"others can read or change {path}. Next: chmod 600 '{path}', and replace the keys")


def _refuse_others(folder: Path) -> None:
    """Raise ConfigurationError where others can put files into a folder."""
    if os.name == "posix":
        facts = folder.stat()
        if facts.st_mode & 0o022 or facts.st_uid not in (os.geteuid(), 0):
            raise ConfigurationError(f"others can put files into {folder}. Next: chmod 700 '{folder}'")
