"""Which setting would be used, and where it comes from; never what a key is."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ...config import Origin, find_settings
from ...constants import (
    DEFAULT_BASE_URL,
    ENV_API_KEY,
    ENV_BASE_URL,
    ENV_CONFIG_HOME,
    ENV_LOG,
    ENV_PROFILE,
    ENV_SECURITY_KEY,
    ENV_STATE_HOME,
)
from ...errors import ConfigurationError
from ...profiles import config_folder, key_ring, profile_names
from ...utils.url import normalise_base_url
from ..connection import Connection, read_secret
from .finding import Finding

VARIABLES: Final = (
    ENV_API_KEY, ENV_SECURITY_KEY, ENV_BASE_URL, ENV_PROFILE, ENV_CONFIG_HOME, ENV_STATE_HOME, ENV_LOG,
    "IMEDNET_EXPORT_URI",
)  # fmt: skip
"""Variables of the environment that mean something to this package."""
_OTHERS: Final = ("IMEDNET_DASHBOARD_", "IMEDNET_TEST_")
"""Beginnings of variables that mean something to its dashboard and its tests."""


def findings(connection: Connection) -> Iterator[Finding]:
    """Keys, address, profile, study and folders of state as the next command would have them."""
    arguments: dict[str, str | None] = {"base_url": connection.base_url}
    for name, file in (("api_key", connection.api_key_file), ("security_key", connection.security_key_file)):
        try:
            arguments[name] = None if file is None else read_secret(file, name)
            if arguments[name] == "":
                yield Finding("settings", name, f"the file {file} is empty", "problem", "put the key into it")
        except ConfigurationError as error:
            arguments[name] = None
            yield Finding("settings", name, str(error), "problem")
    try:
        found = find_settings(arguments, connection.profile)
    except ConfigurationError as error:
        yield Finding("settings", "keys and address", str(error), "problem")
        return
    profile = found.profile.name if found.profile is not None else None
    yield Finding("settings", "profile", _profile(connection, profile))
    for name, variable in (("api_key", ENV_API_KEY), ("security_key", ENV_SECURITY_KEY)):
        if found.values[name] is None:
            yield Finding(
                "settings", name, "missing", "problem",
                f"imednet login, or set {variable}. Try without: imednet --sandbox check",
            )  # fmt: skip
        else:
            yield Finding("settings", name, f"there, from {_origin(found.origins[name], variable, profile)}")
    address = found.values["base_url"] or DEFAULT_BASE_URL
    where = _origin(found.origins["base_url"], ENV_BASE_URL, profile)
    try:
        yield Finding("settings", "base_url", f"{normalise_base_url(address)}, from {where}")
    except ConfigurationError as error:
        yield Finding("settings", "base_url", f"{error} (from {where})", "problem")
    study = found.profile.study_key if found.profile is not None else None
    yield Finding("settings", "study", f"{study}, from the profile {profile!r}" if study else "named by each command")
    yield from _variables()


def keyring_finding() -> Finding:
    """Whether keys can be kept in a keyring."""
    trouble = key_ring.unusable()
    if trouble is None:
        return Finding("keys", "keyring", key_ring.backend_name())
    return Finding("keys", "keyring", f"none: {trouble}")


def folder_findings(profile_home: str | None) -> Iterator[Finding]:
    """Whether what is written can be written."""
    from ...errors import ExportConfigurationError
    from ...integrations.on_disk.folder import state_folder

    def state() -> Path:
        return state_folder("doctor", "doctor", profile_home=profile_home).parent

    places: list[tuple[str, Any]] = [("profiles", config_folder), ("state", state), ("here", Path.cwd)]
    for name, place in places:
        try:
            folder: Path = place()
            first = next((path for path in (folder, *folder.parents) if os.path.exists(path)), folder)  # noqa: PTH110
        except (ConfigurationError, ExportConfigurationError, OSError) as error:
            yield Finding("folders", name, str(error), "problem")
            continue
        there = "" if first == folder else " (not there yet)"
        if first.is_dir() and os.access(first, os.W_OK | os.X_OK):
            yield Finding("folders", name, f"{folder}{there}")
        else:
            yield Finding("folders", name, f"{folder} cannot be written", "note", "choose another folder")


def _profile(connection: Connection, used: str | None) -> str:
    try:
        names = profile_names()
    except ConfigurationError as error:
        return f"none: {error}"
    there = f"; there are {', '.join(names)}" if names else "; none is kept here"
    if used is None:
        return f"none is used{there}"
    why = "--profile" if connection.profile else ENV_PROFILE if os.environ.get(ENV_PROFILE) else "no key is given"
    return f"{used}, from {why}{there}"


def _origin(origin: Origin, variable: str, profile: str | None) -> str:
    return {
        "argument": "an argument", "environment": variable, "profile": f"the profile {profile!r}",
        "default": "the default",
    }[origin]  # fmt: skip


def _variables() -> Iterator[Finding]:
    """Variables of the environment that look as if they were for this package and mean nothing to it."""
    for name in sorted(os.environ):
        if not name.startswith("IMEDNET_") or name in VARIABLES or name.startswith(_OTHERS):
            continue
        near = difflib.get_close_matches(name, VARIABLES, 1)
        hint = f"did you mean {near[0]}?" if near else "it changes nothing"
        yield Finding("settings", name, "set, and not known", "note", hint)
