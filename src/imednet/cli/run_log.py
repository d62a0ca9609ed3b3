"""`--run-log FILE`: a line of JSON for each run, for whoever watches a schedule.

A line says which command ran, how it ended, and what it counted. It holds no key, no answer, and no argument but the
study. One process runs one command, so that there is one run to keep account of.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..utils.disk import open_private


class RunLog:
    """The account of one run.

    Args:
        path: the file that the line is added to; made for its owner alone if it is not there.
        command: the command, such as `mirror sync`.
    """

    def __init__(self, path: Path, command: str) -> None:
        self.path = path
        self._facts: dict[str, Any] = {"command": command}
        self._began = time.monotonic()
        self._at = datetime.now(UTC)

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add what the command counted."""
        self._facts.update({name: value for name, value in facts.items() if value is not None})

    def end(self, status: int, error: str | None) -> None:
        """Write the line.

        Args:
            status: the exit code.
            error: the kind of the error that ended the command.

        Raises:
            OSError: the file cannot be written.
        """
        from .._version import version

        line = {
            "time": self._at.isoformat(timespec="seconds"), **self._facts,
            "seconds": round(time.monotonic() - self._began, 1), "exit": status,
            **({"error": error} if error else {}), "version": version(),
        }  # fmt: skip
        handle = open_private(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, f"{json.dumps(line, ensure_ascii=False)}\n".encode())  # in one go, beside other runs
        finally:
            with suppress(OSError):
                os.close(handle)


current: RunLog | None = None
"""The account of this process's command; `None` where none is asked for."""


def begin(path: Path, command: str) -> None:
    """Keep account of the command of this process."""
    global current
    current = RunLog(path, command)


def note(**facts: Any) -> None:
    """Add what the command counted, if somebody asked for an account."""
    if current is not None:
        current.note(facts)


def command_of(words: Sequence[str], invoked: str | None, options: Mapping[str, bool], group: Sequence[str]) -> str:
    """The command among the words of a command line: the invoked one, and that of its group.

    Args:
        words: the words after the program's name.
        invoked: name of the command or group, as the parser found it.
        options: name of each global option -> whether it takes a value.
        group: names of the commands of that group; none where it is no group.

    >>> command_of(["--profile", "mirror", "mirror", "sync", "ABC-01"], "mirror", {"--profile": True}, ["sync"])
    'mirror sync'
    """
    place = 0
    while place < len(words) and words[place] != invoked:
        place += 2 if options.get(words[place]) else 1
    following = words[place + 1] if place + 1 < len(words) else ""
    return f"{invoked} {following}" if following in group else str(invoked)
