"""Commands of other distributions, registered under the entry-point group `imednet.cli_plugins`.

An entry point names a command and refers to a `typer.Typer`, a click command, a function whose parameters become typer
options, or a function that takes a list of arguments, as programs based on `argparse` do. `docs/workflows.md` says how
a command gets its SDK. Plugins that serve `sdk.workflows` are in `imednet.plugins`.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

import typer

from .._texts import one_line
from . import exit_codes
from .output import print_message

GROUP: Final = "imednet.cli_plugins"
KNOWN: Final = {"dashboard": "imednet-streamlit"}
"""Command of an optional plugin -> the distribution that provides it."""

PLUGINS: Final = "src/plugins"
"""The folder of a checkout with the plugins that are kept in this repository."""

_PASS_ARGUMENTS_ON: Final = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Settings of a command that hands its arguments to a plugin unread."""


def add_to(app: typer.Typer) -> None:
    """Add the commands of all installed plugins, and a stand-in for each known one that is not installed."""
    from ..plugins import entries_of

    installed = {point.name: point for point in entries_of(GROUP)}
    for name, point in sorted(installed.items()):
        _add_plugin(app, name, point)
    for name, package in KNOWN.items():
        if name not in installed:
            help = f"Needs the plugin {package}."
            app.command(name, help=help, context_settings={"ignore_unknown_options": True})(
                _not_installed(name, package)
            )


def _add_plugin(app: typer.Typer, name: str, point: Any) -> None:
    try:
        plugin = point.load()
        command = _adapted_command(plugin)
    except Exception as error:  # noqa: BLE001  (reported when the command is used; other commands still work)
        problem = f"the plugin {point.value} of the command {name!r} cannot be loaded ({type(error).__name__}: {error})"
        _add_broken(app, name, problem)
        return
    if isinstance(plugin, typer.Typer):
        app.add_typer(plugin, name=name)
    elif command is not None:
        help = (inspect.getdoc(plugin) or getattr(plugin, "help", None) or "").strip().partition("\n\n")[0]
        help = help or f"From the plugin {point.value}."
        app.command(name, help=help, context_settings=_PASS_ARGUMENTS_ON, add_help_option=False)(command)
    elif callable(plugin):
        app.command(name)(plugin)
    else:
        _add_broken(app, name, f"the plugin {point.value} is not a command: it is a {type(plugin).__name__}")


def _adapted_command(plugin: Any) -> Any | None:
    """A command that passes all arguments on, for plugins that parse them themselves; `None` for all others."""
    if isinstance(plugin, typer.Typer):
        return None
    if callable(getattr(plugin, "make_context", None)) and callable(getattr(plugin, "main", None)):  # a click command

        def click_command(ctx: typer.Context) -> None:
            plugin.main(args=list(ctx.args), prog_name=ctx.command_path, obj=ctx.obj, standalone_mode=False)

        return click_command
    if callable(plugin) and _takes_argument_list(plugin):

        def argument_list_command(ctx: typer.Context) -> None:
            status = plugin(list(ctx.args))
            if isinstance(status, int) and status:
                raise typer.Exit(status)

        return argument_list_command
    return None


def _takes_argument_list(plugin: Any) -> bool:
    """Whether a function takes one list of arguments, or parameters that typer cannot turn into options."""
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
    except Exception:  # noqa: BLE001  (typer raises errors of many kinds for parameters it cannot handle)
        return True
    return False


def _not_installed(name: str, package: str) -> Any:
    def command(rest: list[str] | None = typer.Argument(None, hidden=True)) -> None:  # noqa: ARG001, B008
        print_message(
            f"{name.capitalize()} plugin not found. Install it with:\n    pip install {package}\n"
            f"or, from a checkout of this repository:\n    pip install . ./{PLUGINS}/{package}"
        )
        raise typer.Exit(exit_codes.FAILED)

    return command


def _add_broken(app: typer.Typer, name: str, problem: str) -> None:
    """Add a command that only reports why its plugin cannot be used."""

    def command(rest: list[str] | None = typer.Argument(None, hidden=True)) -> None:  # noqa: ARG001, B008
        print_message(f"error: {problem}")
        raise typer.Exit(exit_codes.FAILED)

    app.command(name, help=f"broken: {one_line(problem)}", context_settings=_PASS_ARGUMENTS_ON)(command)
