"""`imednet doctor`: what is installed here, which settings would be used, and whether the server answers."""

from __future__ import annotations

from typing import Annotated

import typer

from ....errors import ConfigurationError
from ... import exit_codes
from ...connection import Connection
from ...diagnosis import network, packages, settings
from ...diagnosis.finding import Finding
from ...output import print_line, print_message, to_json

_MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


def doctor(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="All findings as JSON.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no server.")] = False,
) -> None:
    """Say which settings would be used and why, and what will not work.

    At most one small request is sent. Nothing is changed, and no key is shown.
    """
    connection: Connection = ctx.obj
    if connection.sandbox or connection.mirror is not None:
        raise typer.BadParameter("--sandbox and --mirror need none of what a doctor looks at")
    found: list[Finding] = [*packages.findings(), *settings.findings(connection), settings.keyring_finding()]
    by_name = {finding.name: finding for finding in found if finding.area == "settings"}
    try:
        home = connection.state_home()
    except ConfigurationError:
        home = None
    found += settings.folder_findings(home)
    usable = all(name in by_name and by_name[name].state == "ok" for name in ("api_key", "security_key"))
    if not offline and "base_url" in by_name and by_name["base_url"].state == "ok":
        base_url = by_name["base_url"].value.partition(",")[0]
        found += network.findings(connection, base_url, keys=usable)
    problems = [finding for finding in found if finding.state == "problem"]
    if as_json:
        print_line(to_json({"problems": len(problems), "findings": [finding.as_row() for finding in found]}, indent=2))
    else:
        _print(found)
        print_message(f"{len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'} found")
    if problems:
        raise typer.Exit(exit_codes.FAILED)


def _print(found: list[Finding]) -> None:
    width = max(len(finding.name) for finding in found)
    area = None
    for finding in found:
        if finding.area != area:
            area = finding.area
            print_line(f"\n{area}" if finding is not found[0] else area)
        step = f" Next: {finding.step}" if finding.step else ""
        ended = "" if not step or finding.value.endswith((".", "?", "!")) else "."
        print_line(f"  {_MARKS[finding.state]:<8}{finding.name:<{width}}  {finding.value}{ended}{step}")
