"""The global options: where the keys come from, which server, or a sandbox for the length of one command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..constants import ENV_API_KEY, ENV_SECURITY_KEY
from ..errors import ConfigurationError
from .output import harmless

if TYPE_CHECKING:
    from ..sdk import ImednetSDK
    from ..workflows.namespace import Workflows


@dataclass
class Connection:
    """How a command reaches the API."""

    base_url: str | None = None
    api_key_file: Path | None = None
    security_key_file: Path | None = None
    sandbox: bool = False

    @contextmanager
    def sdk(self) -> Iterator[ImednetSDK]:
        """An SDK for one command, and the sandbox it talks to if there is one."""
        from ..sdk import ImednetSDK

        if self.sandbox:
            from ..sandbox import Sandbox

            say("sandbox: an invented study on this machine; nothing of this is real data")
            with Sandbox() as box, ImednetSDK(**box.credentials) as sdk:
                yield sdk
            return
        api_key = _key(self.api_key_file, ENV_API_KEY, "API key")
        security_key = _key(self.security_key_file, ENV_SECURITY_KEY, "Security key")
        with ImednetSDK(api_key, security_key, self.base_url) as sdk:
            yield sdk

    def study(self, given: str | None) -> str:
        """The study a command is about; the sandbox has one of its own."""
        if given is not None:
            return given
        if self.sandbox:
            from ..sandbox.invent.design import STUDY

            return STUDY
        raise typer.BadParameter("STUDY is missing. Next: `imednet check` lists the studies you may read")


def own(sdk: ImednetSDK) -> Workflows:
    """Our own workflows, whichever plugin stands behind `sdk.workflows`."""
    from ..workflows.namespace import Workflows

    return Workflows(sdk)


def say(text: str) -> None:
    """A message for people; data go to standard output, messages never."""
    with suppress(OSError, ValueError, AttributeError):  # it may be closed
        typer.echo(harmless(text) if sys.stderr.isatty() else text, err=True)


def _key(file: Path | None, variable: str, name: str) -> str | None:
    """A key from a file, else left to the environment, else asked for on a terminal. Never an argument."""
    if file is not None:
        try:
            key = file.read_text("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(f"the file of the {name.lower()} cannot be read: {file}") from None
        if not key:
            raise ConfigurationError(f"the file of the {name.lower()} is empty: {file}")
        return key
    if (os.environ.get(variable) or "").strip() or not sys.stdin.isatty():
        return None
    say(f"{variable} is not set. Try without: imednet --sandbox check")
    try:
        answer: str = typer.prompt(name, hide_input=True, err=True)
    except typer.Abort:
        raise typer.Exit(130) from None
    return answer
