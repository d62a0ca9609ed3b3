"""`imednet sandbox serve`: the sandbox as a server of its own."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from .connection import say

app = typer.Typer(help="A local server over an invented study.", no_args_is_help=True, rich_markup_mode=None)


@app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="An address of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    size: Annotated[str, typer.Option(help="demo: 48 subjects, about 2,800 records.")] = "demo",
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same data.", show_default=False)] = None,
) -> None:
    """Serve until interrupted; the first line printed says where."""
    from ..sandbox import Sandbox
    from ..sandbox.server import DEFAULT_SEED

    try:
        box = Sandbox(size, host=host, port=port, seed=DEFAULT_SEED if seed is None else seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        raise typer.BadParameter(f"port {port} of {host} cannot be used: {error.strerror}") from None
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with box:
        typer.echo(f"sandbox ready at {box.url}")
        keys = box.credentials
        say(f"keys: IMEDNET_API_KEY={keys['api_key']} IMEDNET_SECURITY_KEY={keys['security_key']} (invented)")
        while not stopped.wait(0.2):
            pass
    say("sandbox stopped")
