"""`imednet profiles`: what `imednet login` has kept on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from ....constants import DEFAULT_BASE_URL
from ... import completion, exit_codes
from ...command_group import CommandGroup
from ...options import OutputOption
from ...output import Row, print_message, print_rows

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the profile.", autocompletion=completion.profiles)
]

app = CommandGroup("List, test and remove profiles of `imednet login`.")


@app.command("list")
def list_profiles(output: OutputOption = None) -> None:
    """List all profiles and where their keys are.

    No key is shown or asked for.
    """
    from ....errors import ConfigurationError
    from ....profiles import config_folder, describe_profile, profile_names

    rows: list[Row] = []
    for name in profile_names():
        try:
            profile = describe_profile(name)
        except ConfigurationError as error:
            rows.append({"profile": name, "baseUrl": None, "study": None, "keys": f"cannot be used: {error}"})
            continue
        rows.append({
            "profile": name,
            "baseUrl": profile.base_url or DEFAULT_BASE_URL,
            "study": profile.study_key,
            "keys": profile.keys_in,
            "stateHome": profile.state_home,
        })  # fmt: skip
    if not rows:
        print_message(f"no profiles below {config_folder()}. Next: imednet login")
    print_rows(rows, output)


@app.command("test")
def test_profile(name: NameArgument) -> None:
    """Prove the keys of a profile, and of nothing else."""
    from ....profiles import read_profile
    from ....sdk import ImednetSDK

    profile = read_profile(name)
    address = profile.base_url or DEFAULT_BASE_URL
    with ImednetSDK(profile.api_key, profile.security_key, address) as sdk:
        studies = [row.study_key for row in sdk.studies.list(refresh=True)]
    print_message(
        f"{address} accepts the keys of the profile {name!r}; they may read {len(studies)} "
        f"{'study' if len(studies) == 1 else 'studies'}"
    )
    if profile.study_key is not None and profile.study_key not in studies:
        print_message(f"its study {profile.study_key!r} is not among them. Next: imednet login --profile {name}")
        raise typer.Exit(exit_codes.FAILED)


@app.command("remove")
def remove(name: NameArgument) -> None:
    """Remove a profile and its keys.

    They are gone from this machine; the server goes on accepting them.
    """
    from ....profiles import remove_profile

    remove_profile(name)
    print_message(f"removed the profile {name!r} and its keys; on the server they are as valid as before")
