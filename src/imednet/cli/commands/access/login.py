"""`imednet login`: keep the two keys of a tenant on this machine, in its keyring or in a private file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ....constants import DEFAULT_BASE_URL, ENV_API_KEY, ENV_BASE_URL, ENV_SECURITY_KEY
from ... import exit_codes
from ...connection import Connection, read_key
from ...output import print_message

if TYPE_CHECKING:
    from ....profiles import Profile


def login(
    ctx: typer.Context,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="Name to keep the keys under; else the global --profile, or default."),
    ] = None,
    study: Annotated[
        str | None, typer.Option("--study", help="Study of commands that name none.", show_default=False)
    ] = None,
    state_home: Annotated[
        Path | None,
        typer.Option("--state-home", help="Folder for manifests and logs of database targets.", show_default=False),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="keyring|file",
            show_default=False,
            help="Where to keep the keys; else the keyring, and without one a private file.",
        ),
    ] = None,
) -> None:
    """Ask for both keys, check them, and keep them.

    Without a terminal the keys come from --api-key-file and --security-key-file, or from the environment.
    """
    from ....config import check_key, load_base_url
    from ....errors import ConfigurationError
    from ....profiles import DEFAULT_PROFILE, Profile, write_profile
    from ....profiles.profile import check_name
    from ....sdk import ImednetSDK
    from ....utils.url import normalise_base_url, same_server

    connection: Connection = ctx.obj
    if connection.sandbox or connection.mirror is not None:
        raise typer.BadParameter("--sandbox and --mirror need no keys, so there is nothing to keep")
    if store not in (None, "keyring", "file"):
        raise typer.BadParameter(f"there is no store {store!r}; there are keyring, file")
    if profile is not None and connection.profile not in (None, profile):
        raise typer.BadParameter(f"two profiles are named, {connection.profile} and {profile}. Next: leave one out")
    name = check_name(profile or connection.profile or DEFAULT_PROFILE)
    base_url = load_base_url(connection.base_url)
    before = _earlier(name, replaced=base_url is not None)
    base_url = base_url or (before.base_url if before is not None else None)
    if base_url is not None:
        base_url = normalise_base_url(base_url)
    known = DEFAULT_BASE_URL if before is None else before.base_url or DEFAULT_BASE_URL
    if before is not None and connection.base_url is None and not same_server(base_url or DEFAULT_BASE_URL, known):
        raise ConfigurationError(
            f"the profile {name!r} is for {before.base_url or DEFAULT_BASE_URL}, and IMEDNET_BASE_URL names "
            f"{base_url}. Next: give --base-url before `login` to move it, or choose another name"
        )
    if before is not None:
        study = study or before.study_key
        state_home = state_home or (Path(before.state_home) if before.state_home else None)
    place = _place(store)
    print_message(f"keys for {base_url or DEFAULT_BASE_URL}, to be kept as the profile {name!r}")
    keys, from_elsewhere = {}, list[str]()
    asked = load_base_url(connection.base_url) or DEFAULT_BASE_URL
    elsewhere = not same_server(base_url or DEFAULT_BASE_URL, asked)
    for key, file, variable, title in (
        ("api_key", connection.api_key_file, ENV_API_KEY, "API key"),
        ("security_key", connection.security_key_file, ENV_SECURITY_KEY, "Security key"),
    ):
        from_environment = file is None and (os.environ.get(variable) or "").strip()
        if from_environment:
            from_elsewhere.append(variable)
            print_message(f"the {title} is that of {variable}")
            if elsewhere:
                raise ConfigurationError(
                    f"{variable} is of the address of the environment, and the profile {name!r} is for {base_url}, "
                    f"where it is not sent. Next: set {ENV_BASE_URL} with it, or unset it"
                )
        found = from_environment or read_key(file, variable, title)
        if not found:
            raise ConfigurationError(
                f"no {title.lower()}: give --{key.replace('_', '-')}-file before `login`, set {variable}, or run this "
                "on a terminal"
            )
        keys[key] = check_key(key, found.strip())
    if len(from_elsewhere) == 1:
        raise ConfigurationError(
            f"one key is that of {from_elsewhere[0]} and the other is not, so they may be of two accounts; nothing was "
            "sent. Next: give both in one way"
        )
    with ImednetSDK(keys["api_key"], keys["security_key"], base_url or DEFAULT_BASE_URL) as sdk:
        studies = [row.study_key for row in sdk.studies.list(refresh=True)]
    print_message(f"the keys are accepted; they may read {len(studies)} {'study' if len(studies) == 1 else 'studies'}")
    if study is not None and study not in studies:
        raise ConfigurationError(
            f"the keys may not read the study {study!r}; nothing was kept. Next: `imednet check` lists those they may"
        )
    home = None if state_home is None else str(state_home.expanduser().absolute())
    path = write_profile(Profile(name, place, base_url, study, home, keys["api_key"], keys["security_key"]))
    where = "in the keyring" if place == "keyring" else f"in {path}, which only you can read"
    print_message(f"kept {where}. Next: imednet{'' if name == DEFAULT_PROFILE else f' --profile {name}'} check")


def _earlier(name: str, *, replaced: bool) -> Profile | None:
    """The profile of this name as it is, for what is not given anew; `None` where there is none.

    Args:
        name: its name.
        replaced: whether the address is given, so that one that cannot be read is made anew.

    Raises:
        ConfigurationError: it cannot be read, so that nobody knows which server the new keys are for.
    """
    from ....errors import ConfigurationError
    from ....profiles import describe_profile, profile_names

    if name not in profile_names():
        return None
    try:
        return describe_profile(name)
    except ConfigurationError as error:
        if replaced:
            return None
        reason = str(error).partition(" Next:")[0].rstrip(".")
        raise ConfigurationError(
            f"{reason}, so its server is not known. Next: imednet --base-url URL login --profile {name} makes it anew"
        ) from None


def _place(store: str | None) -> Literal["keyring", "file"]:
    """Where keys will be kept, said beforehand where it is a file that nobody asked for."""
    from ....errors import ConfigurationError
    from ....profiles import config_folder, key_ring

    trouble = None if store == "file" else key_ring.unusable()
    if store == "keyring" and trouble is not None:
        raise ConfigurationError(trouble)
    if store == "keyring" or (store is None and trouble is None):
        print_message(f"the keys will be kept in the keyring ({key_ring.backend_name()})")
        return "keyring"
    if store is None:
        print_message(
            f"{trouble}\nthe keys will be kept unencrypted in a file below {config_folder()} that only you can read"
        )
        if sys.stdin.isatty() and not typer.confirm("Keep them there?", default=False, err=True):
            print_message("nothing was kept. Next: pip install keyring, or set the keys in the environment")
            raise typer.Exit(exit_codes.USAGE)
    return "file"
