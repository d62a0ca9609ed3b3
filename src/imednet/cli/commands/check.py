"""`imednet check [STUDY]`: prove the keys and show what they may read."""

from __future__ import annotations

from typing import Any

import typer

from ..connection import Connection, own, say
from ..output import OutputOption, show
from .lists import RESOURCES, StudyArgument


def check(ctx: typer.Context, study: StudyArgument = None, output: OutputOption = None) -> None:
    """Prove that the keys work and show what they may read: all studies, or the lists of one."""
    from ...errors import ApiError, ForbiddenError, NotFoundError

    connection: Connection = ctx.obj
    _owners()
    with connection.sdk() as sdk:
        if study is None:
            rows: list[dict[str, Any]] = sdk.studies.list(raw=True, refresh=True)
            say(f"the keys are accepted; they may read {len(rows)} {'study' if len(rows) == 1 else 'studies'}")
            show([{name: row.get(name) for name in ("studyKey", "studyName", "studyType")} for row in rows], output)
            return
        counts: list[dict[str, Any]] = []
        refused: list[ApiError] = []
        for resource in RESOURCES[1:]:
            name = resource.replace("_", "-")
            try:
                counts.append({"list": name, "rows": getattr(sdk, resource).count(study), "status": "readable"})
            except (ForbiddenError, NotFoundError) as error:  # some keys may not read every list
                refused.append(error)
                counts.append({"list": name, "rows": None, "status": f"refused ({error.status_code})"})
        if len(refused) == len(counts):
            raise refused[0]
        say(
            f"the keys are accepted; they may read {len(counts) - len(refused)} of {len(counts)} lists of study {study}"
        )
        show(counts, output)
        for one in own(sdk).drift.report(study):
            what = f"{one.resource}, {one.field}: {one.kind} {one.detail}".rstrip()
            say(f"differs from the description of the API: {what}")


def _owners() -> None:
    """Say where two distributions provide the import name, so that either may answer."""
    from importlib.metadata import packages_distributions

    from ..._version import distribution

    owners = sorted({distribution(), *packages_distributions().get("imednet", [])})
    if len(owners) > 1:
        say(f"warning: {' and '.join(owners)} both provide the import imednet. Next: uninstall all but one")
