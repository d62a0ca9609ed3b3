"""`imednet api GET PATH`: an answer of the API as it is, for what has no command."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from ...connection import Connection
from ...output import print_line, print_message


def api(
    ctx: typer.Context,
    method: Annotated[str, typer.Argument(metavar="GET", help="The method; only GET, which changes nothing.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="A path such as /api/v1/edc/studies, on the same host.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the query; may be repeated."),
    ] = None,
    include: Annotated[bool, typer.Option("--include", "-i", help="Also status and headers, as messages.")] = False,
) -> None:
    """Print the answer to one GET request, unchecked.

    It is one page at most, and nothing says that it is complete.

    The keys are sent to the server of this command and nowhere else; a path on another host is refused.
    """
    if method.upper() != "GET":
        raise typer.BadParameter(f"there is no {method!r} here, only GET: writing goes through `imednet records`")
    if not path.startswith(("/", "http://", "https://")):
        raise typer.BadParameter(f"a path begins with a slash, such as /api/v1/edc/studies: {path[:40]!r}")
    if "?" in path and parameter:
        raise typer.BadParameter("give parameters with --param or in the path, and not both")
    parameters: dict[str, str | list[str]] = {}
    for text in parameter or ():
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise typer.BadParameter("--param takes NAME=VALUE, such as --param size=5")
        before = parameters.get(name)
        parameters[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    connection: Connection = ctx.obj
    with connection.sdk() as sdk:
        response = sdk.client.get(path, params=parameters or None)
    if include:
        print_message(f"{response.status_code} {response.reason_phrase}")
        for name, value in response.headers.items():
            print_message(f"{name}: {value}")
    if sys.stdout.isatty():  # for people, and nothing in it can steer a terminal
        print_line(_legible(response.text))
        return
    sys.stdout.buffer.write(response.content)
    sys.stdout.buffer.flush()


def _legible(text: str) -> str:
    """JSON with a line for each value; anything else as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text
