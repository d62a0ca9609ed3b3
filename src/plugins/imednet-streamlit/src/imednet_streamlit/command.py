"""`imednet dashboard`: starts the dashboard on this machine and opens it in the browser."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from imednet.cli.connection import Connection

from .settings import Settings

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_KEYS: Final = ("IMEDNET_API_KEY", "IMEDNET_SECURITY_KEY")
_FLAGS: Final = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
}


def dashboard(
    ctx: typer.Context,
    study: Annotated[
        str | None, typer.Argument(metavar="[STUDY]", help="The study that the sign-in proposes.", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8501,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Show the invented study of the sandbox.")] = False,
    mirror: Annotated[
        Path | None, typer.Option(help="Show a mirror in place of the API; readers need the code that is printed.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Folder for configurations, reviews and figures of earlier visits.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine's open it to a network.")
    ] = "127.0.0.1",
) -> None:
    """Show a study in the browser: figures, charts, and what to do next."""
    connection: Connection = ctx.obj
    mirror = mirror or connection.mirror
    sandbox = sandbox or connection.sandbox
    if sandbox and mirror is not None:
        raise typer.BadParameter("--sandbox and --mirror are two sources. Next: leave one out")
    if connection.as_of is not None:
        raise typer.BadParameter("the dashboard shows the last snapshot of a mirror. Next: leave --as-of out")
    _check_port(host, port)
    with ExitStack() as stack:
        settings = Settings(connection.base_url, study, state=state.absolute() if state is not None else None)
        if sandbox:
            settings = stack.enter_context(_sandbox(settings))
        elif mirror is not None:
            settings = _mirror(settings, mirror)
            typer.echo(f"access code of the mirror: {settings.access_code}")
        if host not in _LOOPBACK:
            typer.echo("note: keys travel unencrypted to this address. Next: put it behind a proxy with TLS", err=True)
        status = _run(settings, host, port, browse=not no_browser)
    raise typer.Exit(status)


@contextmanager
def _sandbox(settings: Settings) -> Iterator[Settings]:
    """Settings for a sandbox that is served as long as the block lasts."""
    from imednet.sandbox import Sandbox
    from imednet.sandbox.invent.design import STUDY

    typer.echo("sandbox: an invented study on this machine; none of its data are real", err=True)
    with Sandbox() as box:
        address = box.credentials["base_url"]
        yield Settings(address, settings.study_key or STUDY, state=settings.state, sandbox=True)


def _mirror(settings: Settings, folder: Path) -> Settings:
    """Settings for a mirror. Raises ImednetError where the folder is none."""
    from imednet.mirror import Mirror

    study = Mirror(folder).study_key
    if settings.study_key not in (None, study):
        raise typer.BadParameter(f"the mirror is of study {study}. Next: leave STUDY out")
    return Settings(None, study, folder.absolute(), secrets.token_urlsafe(9), settings.state)


def _check_port(host: str, port: int) -> None:
    """Refuse a port that another program listens at."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            if os.name == "posix":  # elsewhere it would allow a port that is in use
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        raise typer.BadParameter(
            f"cannot listen at {host}:{port} ({error.strerror or 'no such address'}). Next: --port {port % 65535 + 1}"
        ) from None


def _run(settings: Settings, host: str, port: int, *, browse: bool) -> int:
    """Run the app until it ends or somebody ends it; its exit code."""
    kept = {name: value for name, value in os.environ.items() if name not in _KEYS}
    flags = {**_FLAGS, "server.port": str(port), "server.address": host}
    command = [sys.executable, "-m", "imednet_streamlit.server"]
    command += [word for name, value in flags.items() for word in (f"--{name}", value)]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with _ended_by_signals():
        child = subprocess.Popen(  # noqa: S603
            command, env=kept | settings.environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        try:
            typer.echo(f"dashboard at {address} (Ctrl+C ends it)")
            if browse:
                threading.Thread(target=_open, args=(address, host, port, child), daemon=True).start()
            return child.wait()
        except (KeyboardInterrupt, _Ended):
            return 0
        finally:
            _end(child)


class _Ended(BaseException):
    """Somebody ended this program by a signal."""


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn the signals that end a program into an exception, so that the app ends with it."""

    def ended(*_: object) -> None:
        raise _Ended

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # one that is ignored, as `nohup` has it, stays ignored
    before = {one: signal.signal(one, ended) for one in numbers if signal.getsignal(one) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the app, in any case within some seconds."""
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(10)
    if child.poll() is None:
        child.kill()
        child.wait()


def _open(address: str, host: str, port: int, child: subprocess.Popen[bytes]) -> None:
    """Open a browser as soon as the app answers."""
    while child.poll() is None:
        with suppress(OSError), socket.create_connection((host, port), 1):
            webbrowser.open(address)
            return
        time.sleep(0.2)
