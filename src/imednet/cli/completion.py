"""Completion of names in a shell: of studies, forms, sites and variables that commands saw last, and of profiles.

Nothing is asked of a server, and a name that cannot be found out completes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import typer

from . import known_names

Completer = Callable[[typer.Context, str], list[str]]


def studies(ctx: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001  (the signature of a completer)
    """Keys of studies."""
    return _beginning(known_names.known_studies(), incomplete)


def profiles(ctx: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001
    """Names of profiles."""
    from ..errors import ConfigurationError
    from ..profiles import profile_names

    try:
        return _beginning(profile_names(), incomplete)
    except ConfigurationError:
        return []


def names(kind: str) -> Completer:
    """A completer for a kind of `known_names.KINDS`, of the study that the command names."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        found = _beginning(known_names.known(kind, _study(ctx)), last)
        return [f"{before}{comma}{name}" for name in found]

    return complete


def _study(ctx: typer.Context) -> str | None:
    given: Any = ctx.params.get("study")
    if not isinstance(given, str):
        words = ctx.params.get("words")
        given = words[0] if isinstance(words, (list, tuple)) and words else None
    return str(given) if given else None


def _beginning(found: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in found if name.startswith(incomplete)]
