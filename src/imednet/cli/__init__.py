"""The `imednet` command: words into calls, results into text.

`app` holds the commands, `connection` the global options, `output` the formats, and one module each command.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the command. Exit status: 0 well, 1 API or data, 2 the call, 4 an incomplete export, 130 interrupted.

    A pipe whose reader has gone ends the command quietly; output that cannot be written is an error.
    """
    from ..errors import (
        ArgumentError,
        ConfigurationError,
        ExportConfigurationError,
        ExportIncompleteError,
        ImednetError,
        UnknownFilterError,
    )
    from .app import app

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # leave as after an error, so that nothing half-written stays
            signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    if sys.stdout is None:  # closed by whoever started it: nobody wants to see anything
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (open to the end)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (open to the end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever a terminal cannot show must not end the command
    try:
        status = _run(app)
    except ImednetError as error:
        _tell(f"error: {error}")
        usage = (ArgumentError, ConfigurationError, ExportConfigurationError, UnknownFilterError)
        status = 4 if isinstance(error, ExportIncompleteError) else 2 if isinstance(error, usage) else 1
    except KeyboardInterrupt:
        _tell("interrupted. Next: the same command again; an export, or a write with its journal, goes on where it was")
        status = 130
    except OSError as error:
        if error.errno == errno.EPIPE:
            status = 1
        else:
            _tell(f"error: the output cannot be written ({error.strerror}). Next: make room, or write elsewhere")
            status = 1
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.EPIPE and status == 0:
            _tell(f"error: the output cannot be written ({error.strerror}). Next: make room, or write elsewhere")
        status = status or 1
        _silence(sys.stdout)
    sys.exit(status)


def _run(app: Any) -> int:
    """Run the application; what it tells of a wrong call is told here, so that only one place ends the process."""
    try:
        found = app(prog_name="imednet", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1 if end.code else 0
    except Exception as error:
        show = getattr(error, "show", None)  # a wrong call: the exceptions of click
        if not callable(show):
            if type(error).__name__ == "Abort":
                raise KeyboardInterrupt from None
            raise
        show()
        return int(getattr(error, "exit_code", 1))
    return found if isinstance(found, int) else 0


def _tell(text: str) -> None:
    """A message on standard error, which may be closed; nothing in it steers a terminal."""
    from .output import harmless

    with suppress(OSError, ValueError, AttributeError):
        print(harmless(text) if sys.stderr.isatty() else text, file=sys.stderr, flush=True)  # noqa: T201


def _silence(stream: Any) -> None:
    """Let go of output that cannot be written, so that the interpreter does not try once more at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
