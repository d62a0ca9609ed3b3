"""The `imednet` command: words into calls, results into text.

`app` holds the commands, `connection` the global options, `output` the formats, and one module each command.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command. Exit status: 0 well, 1 the API or the data, 2 the call, 130 interrupted."""
    from ..errors import ArgumentError, ConfigurationError, ExportConfigurationError, ImednetError, UnknownFilterError
    from .app import app

    try:
        app(prog_name="imednet")
    except ImednetError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        usage = (ArgumentError, ConfigurationError, ExportConfigurationError, UnknownFilterError)
        sys.exit(2 if isinstance(error, usage) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
