"""Groups of commands that refuse what typer would drop: an option with one value that is given twice.

Of `--site 001 --site 002` typer keeps the last. Half of what was asked for would come without a word, and look whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.models import CommandFunctionType


class CommandGroup(typer.Typer):
    """A group of commands that shows its help where no command is given.

    Args:
        help: one sentence for its help.
        epilog: text below its help.
    """

    def __init__(self, help: str, *, epilog: str | None = None) -> None:
        super().__init__(
            cls=_Group,
            help=help,
            epilog=epilog,
            no_args_is_help=True,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,  # a traceback with local variables could show keys and answers
        )

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **settings: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Add a command; `settings` are those of `typer.Typer.command`."""
        return super().command(name, cls=cls or _Command, **settings)


class _Command(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        _refuse_repeated(self, ctx, given)
        return rest


class _Group(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        _refuse_repeated(self, ctx, given)
        return rest


def _refuse_repeated(command: TyperCommand | TyperGroup, ctx: Any, args: list[str]) -> None:
    if ctx.resilient_parsing:  # a line that is being completed
        return
    _, _, order = command.make_parser(ctx).parse_args(args=args)
    for parameter, times in Counter(order).items():
        of_one_value = isinstance(parameter, TyperOption) and not (
            parameter.multiple or parameter.is_flag or parameter.count
        )
        if of_one_value and times > 1:
            name = max(parameter.opts, key=len)
            raise typer.BadParameter(f"{name} takes one value and is given {times} times. Next: give it once")
