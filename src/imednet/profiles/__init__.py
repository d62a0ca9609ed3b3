"""Profiles: the two keys of a tenant, its address and its defaults, kept on this machine under a name.

`imednet login` writes them. `profile` says what one holds, `files` keeps them in files that only their owner can read,
`key_ring` keeps the two keys in the keyring of the system. `imednet.config` says when a profile is used at all.
"""

from __future__ import annotations

from .files import config_folder, describe_profile, profile_names, read_profile, remove_profile, write_profile
from .profile import DEFAULT_PROFILE, Profile

__all__ = [
    "DEFAULT_PROFILE",
    "Profile",
    "config_folder",
    "describe_profile",
    "profile_names",
    "read_profile",
    "remove_profile",
    "write_profile",
]
