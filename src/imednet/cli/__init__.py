"""The `imednet` command: words into calls, results into text.

`app` holds the commands, `connection` the global options, `output` the formats, and one module each command.
"""

from __future__ import annotations

import io
import signal
import sys


def main() -> None:
    """Run the command. Exit status: 0 well, 1 API or data, 2 the call, 4 an incomplete export, 130 interrupted."""
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever a terminal cannot show must not end the command
    try:
        app(prog_name="imednet")
    except ImednetError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        if isinstance(error, ExportIncompleteError):
            sys.exit(4)
        usage = (ArgumentError, ConfigurationError, ExportConfigurationError, UnknownFilterError)
        sys.exit(2 if isinstance(error, usage) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
