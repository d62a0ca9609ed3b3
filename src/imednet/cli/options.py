"""Arguments and options that several commands share, as types for their parameters.

What only one group of commands takes is declared in that group's own file.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from . import completion, run_log
from .output import Format

StudyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="Key of the study (optional with --sandbox).",
        show_default=False,
        autocompletion=completion.studies,
    ),
]
"""The study; `Connection.study` fills it in where it was left out."""


def _noted(study: str) -> str:
    run_log.note(study=study)
    return study


RequiredStudyArgument = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="Key of the study.", autocompletion=completion.studies, callback=_noted),
]
"""The study, where it may not be left out: another argument follows, or the command writes."""

AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="The snapshot: a number, a day (UTC), or a time; else the last one.", show_default=False
    ),
]
"""The snapshot of a mirror."""
SiteOption = Annotated[
    str | None,
    typer.Option(
        "--site",
        help="Only this site, by number or name.",
        show_default=False,
        autocompletion=completion.names("sites"),
    ),
]
FormsOption = Annotated[
    list[str] | None,
    typer.Option("--form", help="Only this form; may be repeated.", autocompletion=completion.names("forms")),
]
SubjectOption = Annotated[str | None, typer.Option("--subject", help="Only this subject.", show_default=False)]
OutputOption = Annotated[
    Format | None,
    typer.Option("--output", "-o", help="Default: table on a terminal, jsonl in a pipe. xlsx and parquet: > FILE."),
]


def one_of(words: Any, help: str, name: str = "--by") -> Any:
    """An option that takes one of the words of a `Literal`."""
    known = get_args(words)

    def parse(word: str) -> str:
        if word not in known:
            raise typer.BadParameter(f"there is no {word!r}; there are {', '.join(known)}")
        return word

    return typer.Option(name, help=help, metavar="|".join(known), parser=parse)
