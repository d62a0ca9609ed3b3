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

from ..constants import ENV_API_KEY, ENV_SECURITY_KEY
from ..errors import ConfigurationError
from . import exit_codes
from .output import print_message

if TYPE_CHECKING:
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
        api_key = _key(self.api_key_file, ENV_API_KEY, "API key")
        security_key = _key(self.security_key_file, ENV_SECURITY_KEY, "Security key")
        with ImednetSDK(api_key, security_key, self.base_url) as sdk:
            yield sdk

    def study(self, argument: str | None) -> str:
        """The study key to use: the STUDY argument, or that of the mirror or the sandbox where it was left out."""
        if argument is not None:
            return argument
        if self.mirror is not None:
            from ..mirror import Mirror

            return Mirror(self.mirror).study_key
        if self.sandbox:
            from ..sandbox.invent.design import STUDY

            return STUDY
        raise typer.BadParameter("STUDY is missing. Next: `imednet check` lists the studies you may read")


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


def _key(file: Path | None, variable: str, name: str) -> str | None:
    """A key from its file or from a prompt on a terminal; `None` leaves it to the environment variable.

    A key is never an argument of the command line, where other users of the machine could read it.
    """
    if file is not None:
        key = read_secret(file, name.lower())
        if not key:
            raise ConfigurationError(
                f"the file given for the {name.lower()} is empty: {file}. Next: put the key into it"
            )
        return key
    if (os.environ.get(variable) or "").strip() or not sys.stdin.isatty():
        return None
    print_message(f"{variable} is not set. Try without: imednet --sandbox check")
    try:
        answer: str = typer.prompt(name, hide_input=True, err=True)
    except typer.Abort:
        raise typer.Exit(exit_codes.INTERRUPTED) from None
    return answer
