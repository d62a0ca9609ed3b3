"""Commands of other distributions, registered under the entry-point group `imednet.cli_plugins`.

An entry point names a command and gives a `typer.Typer`, a command of click, a function whose parameters become options
as typer makes them, or a function of a list of arguments, as `argparse` is used with. `docs/workflows.md` says how a
command gets its SDK.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

import typer

from .._texts import short
from . import exit_codes
from .output import print_message

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
        command = _command(plugin)
    except Exception as error:  # noqa: BLE001  (told when the command is used; other commands go on)
        said = f"the plugin {point.value} of the command {name!r} cannot be loaded ({type(error).__name__}: {error})"
        app.command(name, help=f"broken: {short(said)}", context_settings=_ALL)(_failing(said))
        return
    if isinstance(plugin, typer.Typer):
        app.add_typer(plugin, name=name)
    elif command is not None:
        help = (inspect.getdoc(plugin) or getattr(plugin, "help", None) or "").strip().partition("\n\n")[0]
        app.command(name, help=help or f"Of the plugin {point.value}.", context_settings=_ALL, add_help_option=False)(
            command
        )
    elif callable(plugin):
        app.command(name)(plugin)
    else:
        said = f"the plugin {point.value} is no command: it is {type(plugin).__name__}"
        app.command(name, help=f"broken: {short(said)}", context_settings=_ALL)(_failing(said))


_ALL: Final = {"ignore_unknown_options": True, "allow_extra_args": True}


def _command(plugin: Any) -> Any | None:
    """A command that hands all words on, for plugins that read them by themselves; `None` for all others."""
    if isinstance(plugin, typer.Typer):
        return None
    if callable(getattr(plugin, "make_context", None)) and callable(getattr(plugin, "main", None)):  # of click

        def click_command(ctx: typer.Context) -> None:
            plugin.main(args=list(ctx.args), prog_name=ctx.command_path, obj=ctx.obj, standalone_mode=False)

        return click_command
    if callable(plugin) and _takes_words(plugin):

        def words_command(ctx: typer.Context) -> None:
            found = plugin(list(ctx.args))
            if isinstance(found, int) and found:
                raise typer.Exit(found)

        return words_command
    return None


def _takes_words(plugin: Any) -> bool:
    """Whether a function takes one list of arguments, or nothing that typer could make an option of."""
    try:
        parameters = list(inspect.signature(plugin).parameters.values())
    except (TypeError, ValueError):
        return True  # a builtin
    if len(parameters) == 1 and parameters[0].name in ("argv", "args", "arguments", "words"):
        return True
    try:
        trial = typer.Typer(add_completion=False)
        trial.command()(plugin)
        typer.main.get_command(trial)
    except Exception:  # noqa: BLE001  (typer raises many kinds for parameters it does not know)
        return True
    return False


def _missing(name: str, package: str) -> Any:
    def command(rest: list[str] | None = typer.Argument(None, hidden=True)) -> None:  # noqa: ARG001, B008
        print_message(
            f"{name.capitalize()} plugin not found: no installed distribution offers it ({package}, under "
            f"{GROUP}). Next: docs/workflows.md says how commands are added"
        )
        raise typer.Exit(exit_codes.FAILED)

    return command


def _failing(said: str) -> Any:
    def command(rest: list[str] | None = typer.Argument(None, hidden=True)) -> None:  # noqa: ARG001, B008
        print_message(f"error: {said}")
        raise typer.Exit(exit_codes.FAILED)

    return command
