"""Commands of other distributions, registered under the entry-point group `imednet.cli_plugins`.

An entry point names a command and gives a `typer.Typer`, or a function that becomes a command.
"""

from __future__ import annotations

from typing import Any, Final

import typer

from .connection import say

GROUP: Final = "imednet.cli_plugins"
KNOWN: Final = {"dashboard": "imednet-streamlit"}
"""Commands of optional plugins -> the distribution that has them."""


def add_to(app: typer.Typer) -> None:
    """Add the commands of all plugins that are installed; those that are not say how to get them."""
    from ..plugins import entries_of

    there = {point.name: point for point in entries_of(GROUP)}
    for name, point in sorted(there.items()):
        _add(app, name, point)
    for name, package in KNOWN.items():
        if name not in there:
            help = f"Needs the plugin {package}."
            app.command(name, help=help, context_settings={"ignore_unknown_options": True})(_missing(name, package))


def _add(app: typer.Typer, name: str, point: Any) -> None:
    try:
        plugin = point.load()
    except Exception as error:  # noqa: BLE001  (told when the command is used; other commands go on)
        said = f"the plugin {point.value} of the command {name!r} cannot be loaded ({type(error).__name__}: {error})"
        app.command(name, help="A plugin that cannot be loaded.")(_failing(said))
        return
    if isinstance(plugin, typer.Typer):
        app.add_typer(plugin, name=name)
    elif callable(plugin):
        app.command(name)(plugin)
    else:
        app.command(name, help="A plugin that is no command.")(_failing(f"the plugin {point.value} is no command"))


def _missing(name: str, package: str) -> Any:
    def command(rest: list[str] | None = typer.Argument(None, hidden=True)) -> None:  # noqa: ARG001, B008
        say(f"{name.capitalize()} plugin not found. Install it with:\n  pip install {package}")
        raise typer.Exit(1)

    return command


def _failing(said: str) -> Any:
    def command() -> None:
        say(f"error: {said}")
        raise typer.Exit(1)

    return command
