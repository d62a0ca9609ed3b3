"""The global options, and the SDK they stand for: keys, server, or a sandbox that lives as long as one command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..constants import ENV_API_KEY, ENV_PROFILE, ENV_SECURITY_KEY
from ..errors import ConfigurationError
from . import exit_codes, run_log
from .known_names import remember_design
from .output import print_message

if TYPE_CHECKING:
    from ..profiles import Profile
    from ..sdk import ImednetSDK
    from ..workflows.namespace import Workflows


@dataclass
class Connection:
    """The global options of one command."""

    base_url: str | None = None
    api_key_file: Path | None = None
    security_key_file: Path | None = None
    sandbox: bool = False
    mirror: Path | None = None
    as_of: str | None = None
    profile: str | None = None

    @contextmanager
    def sdk(self) -> Iterator[ImednetSDK]:
        """An open SDK, closed after the command together with its sandbox, if it has one.

        Raises:
            ConfigurationError: a key is missing or its file cannot be read.
        """
        from ..sdk import ImednetSDK

        if self.mirror is not None:
            from ..mirror import Mirror

            with Mirror(self.mirror).sdk(self.as_of) as local:
                yield local
            return
        if self.sandbox:
            from ..sandbox import Sandbox

            print_message("sandbox: an invented study on this machine; none of its data are real")
            with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
                yield sdk
            return
        ask = self.described_profile() is None
        api_key = read_key(self.api_key_file, ENV_API_KEY, "API key", ask=ask)
        security_key = read_key(self.security_key_file, ENV_SECURITY_KEY, "Security key", ask=ask)
        if self.profile and os.environ.get(ENV_API_KEY) and os.environ.get(ENV_SECURITY_KEY):
            print_message(f"{ENV_API_KEY} and {ENV_SECURITY_KEY} are set and come before the profile {self.profile!r}")
        with ImednetSDK(api_key, security_key, self.base_url, profile=self.profile) as sdk:
            yield sdk
            remember_design(sdk)

    def study(self, argument: str | None) -> str:
        """The study key to use: the STUDY argument, or that of the mirror, the sandbox or the profile without one."""
        found = self._study(argument)
        run_log.note(study=found)
        return found

    def _study(self, argument: str | None) -> str:
        if argument is not None:
            return argument
        if self.mirror is not None:
            from ..mirror import Mirror

            return Mirror(self.mirror).study_key
        if self.sandbox:
            from ..sandbox.invent.design import STUDY

            return STUDY
        profile = self.described_profile()
        if profile is not None and profile.study_key is not None:
            return profile.study_key
        raise typer.BadParameter("STUDY is missing. Next: `imednet check` lists the studies you may read")

    def described_profile(self) -> Profile | None:
        """The profile of this command without its keys: `--profile`, else `IMEDNET_PROFILE`, else `default`.

        As for the SDK, `default` is for commands that are given no key; it need not be there.

        Raises:
            ConfigurationError: one is named that is not there or cannot be used.
        """
        from ..profiles import DEFAULT_PROFILE, describe_profile, profile_names

        if self.mirror is not None or self.sandbox:
            return None
        files = (self.api_key_file, self.security_key_file)
        named = self.profile or ("" if all(files) else (os.environ.get(ENV_PROFILE) or "").strip())
        if named:
            return describe_profile(named)
        if any(files) or any((os.environ.get(name) or "").strip() for name in (ENV_API_KEY, ENV_SECURITY_KEY)):
            return None
        try:
            there = DEFAULT_PROFILE in profile_names()
        except ConfigurationError:  # without a home there are none
            return None
        return describe_profile(DEFAULT_PROFILE) if there else None

    def state_home(self) -> str | None:
        """The folder that the profile names for manifests and logs of targets that are no files."""
        profile = self.described_profile()
        return None if profile is None else profile.state_home


def own_workflows(sdk: ImednetSDK) -> Workflows:
    """The workflows of this package, whichever plugin serves `sdk.workflows`."""
    from ..workflows.namespace import Workflows

    return Workflows(sdk)


def read_secret(file: Path, name: str) -> str:
    """The text of a file that holds a key or an address; raises ConfigurationError if it cannot be read."""
    try:
        return file.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"the file given for the {name} cannot be read: {file}. Next: check its path"
        ) from None


def read_key(file: Path | None, variable: str, name: str, *, ask: bool = True) -> str | None:
    """A key from its file or from a prompt on a terminal; `None` leaves it to the environment or the profile.

    A key is never an argument of the command line, where other users of the machine could read it.
    """
    if file is not None:
        key = read_secret(file, name.lower())
        if not key:
            raise ConfigurationError(
                f"the file given for the {name.lower()} is empty: {file}. Next: put the key into it"
            )
        return key
    if (os.environ.get(variable) or "").strip() or not ask or not sys.stdin.isatty():
        return None
    print_message(f"{variable} is not set. Try without: imednet --sandbox check")
    try:
        answer: str = typer.prompt(name, hide_input=True, err=True)
    except typer.Abort:
        raise typer.Exit(exit_codes.INTERRUPTED) from None
    return answer
