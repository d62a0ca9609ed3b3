"""Arguments and options that several commands share, as types for their parameters.

What only one group of commands takes is declared in that group's own file.
"""

from __future__ import annotations

from typing import Annotated

import typer

from .output import Format

StudyArgument = Annotated[str | None, typer.Argument(metavar="STUDY", help="Key of the study.", show_default=False)]
"""The study, which may be left out with `--sandbox`; `Connection.study` fills it in."""

RequiredStudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="Key of the study.")]
"""The study, of a command that needs it because another argument follows or because it writes."""

SubjectOption = Annotated[str | None, typer.Option("--subject", help="Only this subject.", show_default=False)]
OutputOption = Annotated[
    Format | None, typer.Option("--output", "-o", help="Default: table on a terminal, jsonl in a pipe.")
]
