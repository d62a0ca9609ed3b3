"""`imednet codebook [STUDY] OUT.html|md|xlsx`: what a study asks, and how much of it is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..connection import Connection
from ..options import FormsOption
from ..output import print_message


def codebook(
    ctx: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="[STUDY] OUT", help="The study, and a file ending in .html, .md or .xlsx.")
    ],
    form: FormsOption = None,
    dictionary: Annotated[
        Path | None, typer.Option("--dictionary", help="The study's data dictionary; its choices are listed.")
    ] = None,
) -> None:
    """Write a codebook: forms, variables, types, choices, counts, per cent answered and ranges."""
    from ...integrations.codebook import codebook as build
    from ...validation.dictionary import load_dictionary

    if len(words) > 2:
        raise typer.BadParameter("too many arguments: give a STUDY and a file")
    connection: Connection = ctx.obj
    study, target = connection.study(words[0] if len(words) == 2 else None), Path(words[-1])
    choices = load_dictionary(dictionary).labels if dictionary is not None else None
    with connection.sdk() as sdk:
        book = build(sdk, study, forms=form or None, choices=choices)
    book.save(target)
    print_message(f"{len(book.forms)} forms, {book.report.rows:,} records: {target}")
