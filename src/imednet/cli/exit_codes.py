"""Exit codes of the `imednet` command, and the error each one stands for.

Every number a command ends with is named here; `main` in `__init__` turns errors into them.
"""

from __future__ import annotations

from typing import Final

from ..errors import (
    ArgumentError,
    ConfigurationError,
    ExportConfigurationError,
    ExportIncompleteError,
    ImednetError,
    UnknownFilterError,
)

OK: Final = 0
FAILED: Final = 1
"""The API refused, the data are not as expected, or the output could not be written."""
USAGE: Final = 2
"""The command line, the keys or the settings are wrong. Typer uses the same number for options it does not know."""
CHANGED: Final = 3
"""A comparison of designs, dictionaries or probes found a difference, so that a scheduler can act on it."""
INCOMPLETE: Final = 4
"""An export left some forms out because they could not be read; the next run reads only those."""
INTERRUPTED: Final = 130
"""Ctrl-C, as a shell counts it: 128 and the number of SIGINT."""

TABLE: Final = (
    "Exit status: 0 done; 1 the API refused, data are not as expected, or output could not be written; 2 wrong command "
    "line, keys or settings; 3 a comparison found a difference; 4 some forms or studies could not be exported; "
    "130 interrupted."
)
"""The same for `--help`; docs/cli.md has them as a table."""

_USAGE_ERRORS: Final = (ArgumentError, ConfigurationError, ExportConfigurationError, UnknownFilterError)


def of_error(error: ImednetError) -> int:
    """The exit code of a command that ended with an error of this package.

    >>> of_error(ConfigurationError("no api_key")), of_error(ExportIncompleteError("AE is missing"))
    (2, 4)
    """
    if isinstance(error, ExportIncompleteError):
        return INCOMPLETE
    return USAGE if isinstance(error, _USAGE_ERRORS) else FAILED


def of_signal(number: int) -> int:
    """The exit code of a command that a signal ended, as a shell counts it.

    >>> of_signal(15)
    143
    """
    return 128 + number
