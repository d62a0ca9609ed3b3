"""The `imednet` command line: `main`, which runs a command and ends the process with an exit code.

`app` assembles the commands of `commands/`, one file per group. `connection` holds the global options, `options` the
arguments several commands share, `output` the formats, `exit_codes` the numbers a command ends with.
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

_OUTPUT_FAILED = "error: the output cannot be written ({reason}). Next: free some space, or write somewhere else"


def main() -> None:
    """Run the command line and end the process with one of `exit_codes`.

    A pipe whose reader has gone ends the command quietly; output that cannot be written is an error.
    """
    from ..errors import ImednetError
    from . import exit_codes
    from .app import app
    from .output import print_message

    for name in ("SIGTERM", "SIGHUP"):  # leave as after an error, so that no half-written file stays
        signal_number = getattr(signal, name, None)
        if signal_number is not None and signal.getsignal(signal_number) is not signal.SIG_IGN:  # not under nohup
            signal.signal(signal_number, lambda number, _: sys.exit(exit_codes.of_signal(number)))
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  (open until the process ends)
    if sys.stdout is None:  # whoever started the command closed it and wants no output
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (open until the process ends)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (open until the process ends)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # data are UTF-8 in a file or pipe; a character that a terminal lacks must not end the command
            encoding = stream.encoding if stream is sys.stderr or stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    failure: str | None = None
    try:
        status = _run(app)
    except ImednetError as error:
        print_message(f"error: {error}")
        status, failure = exit_codes.of_error(error), type(error).__name__
    except KeyboardInterrupt:
        print_message(
            "interrupted. Next: run the same command again; an export, or a write with its journal, continues where "
            "it stopped"
        )
        status = exit_codes.INTERRUPTED
    except OSError as error:
        if error.errno != errno.EPIPE:
            print_message(_OUTPUT_FAILED.format(reason=error.strerror))
        status, failure = exit_codes.FAILED, type(error).__name__
    except BaseException as error:
        _accounted(exit_codes.FAILED, type(error).__name__)
        raise
    try:
        sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.EPIPE and status == exit_codes.OK:
            print_message(_OUTPUT_FAILED.format(reason=error.strerror))
        status = status or exit_codes.FAILED
        _discard(sys.stdout)
    sys.exit(status if _accounted(status, failure) else status or exit_codes.FAILED)


def _accounted(status: int, failure: str | None) -> bool:
    """Write the account of this run, if one is kept; whether it could be written."""
    from . import run_log
    from .output import print_message

    if run_log.current is None:
        return True
    try:
        run_log.current.end(status, failure)
    except OSError as error:
        print_message(f"error: {run_log.current.path} cannot be written ({error.strerror})")
        return False
    return True


def _run(app: Any) -> int:
    """Run the application and return its exit code; messages about a wrong call are printed here.

    Without typer's standalone mode only `main` ends the process.
    """
    from .exit_codes import FAILED, INTERRUPTED, OK

    try:
        result = app(prog_name="imednet", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED if end.code else OK
    except Exception as error:
        show = getattr(error, "show", None)  # a wrong call; typer's own errors print themselves
        if not callable(show):
            if type(error).__name__ == "Abort":
                raise KeyboardInterrupt from None
            raise
        show()
        return int(getattr(error, "exit_code", FAILED))
    if result == INTERRUPTED:  # what newer versions of typer make of Ctrl+C
        raise KeyboardInterrupt
    return result if isinstance(result, int) else OK


def _discard(stream: Any) -> None:
    """Send what is left of a stream to the null device, so that the interpreter does not write it again at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
