"""`imednet check [STUDY]`: whether the keys work, and what they may read."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...resources import RESOURCES
from ..connection import Connection, own_workflows
from ..options import OutputOption
from ..output import print_message, print_rows


def check(
    ctx: typer.Context,
    study: Annotated[
        str | None,
        typer.Argument(metavar="STUDY", help="Key of a study; without it, all studies are listed.", show_default=False),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Prove that the keys work and show what they may read: all studies, or the lists of one."""
    from ...errors import ApiError, ForbiddenError, NotFoundError

    connection: Connection = ctx.obj
    _warn_of_two_distributions()
    with connection.sdk() as sdk:
        if study is None:
            rows: list[dict[str, Any]] = sdk.studies.list(raw=True, refresh=True)
            studies = f"{len(rows)} {'study' if len(rows) == 1 else 'studies'}"
            print_message(f"the keys are accepted; they may read {studies}")
            shown = ("studyKey", "studyName", "studyType")
            print_rows([{name: row.get(name) for name in shown} for row in rows], output)
            return
        counts: list[dict[str, Any]] = []
        refused: list[ApiError] = []
        for resource in RESOURCES.values():
            if not resource.listed or resource.name == "studies":
                continue
            name = resource.name.replace("_", "-")
            try:
                counts.append({"list": name, "rows": getattr(sdk, resource.name).count(study), "status": "readable"})
            except (ForbiddenError, NotFoundError) as error:  # some keys may not read every list
                refused.append(error)
                counts.append({"list": name, "rows": None, "status": f"refused ({error.status_code})"})
        if len(refused) == len(counts):
            raise refused[0]
        print_message(
            f"the keys are accepted; they may read {len(counts) - len(refused)} of {len(counts)} lists of study {study}"
        )
        print_rows(counts, output)
        for difference in own_workflows(sdk).drift.report(study):
            text = f"{difference.resource}, {difference.field}: {difference.kind} {difference.detail}".rstrip()
            print_message(f"differs from the description of the API: {text}")


def _warn_of_two_distributions() -> None:
    """Print a warning where two distributions provide the import `imednet`, so that either may be loaded."""
    from importlib.metadata import packages_distributions

    from ..._version import distribution

    owners = sorted({distribution(), *packages_distributions().get("imednet", [])})
    if len(owners) > 1:
        print_message(f"warning: {' and '.join(owners)} both provide the import imednet. Next: uninstall all but one")
