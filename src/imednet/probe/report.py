"""The report of a probe: findings by question. It holds words of this package, names of fields, and shapes.

No key, no answer, no name of a person, a site, a study, a form or a variable, and no exact count of rows is in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import ConfigurationError
from ..utils import disk

FORMAT: Final = "imednet-probe/1"
UNKNOWN: Final = "unknown"

_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes:
        answer: the value of a switch of the sandbox where the question is one, else a word or a shape; `unknown` where
            the probe could not tell.
        because: what was seen, or why nothing could be.
    """

    answer: str
    because: str


@dataclass(frozen=True)
class ProbeReport:
    """What a probe settled.

    Attributes:
        made: the server's day, as `2026-11-29`.
        version: version of this package.
        requests: requests sent.
        dialect: question -> finding, for what a sandbox can imitate; the names are those of its switches.
        measures: question -> finding, for everything else.
        unasked: questions that only a write could settle.
    """

    made: str | None
    version: str
    requests: int
    dialect: Mapping[str, Finding]
    measures: Mapping[str, Finding]
    unasked: tuple[str, ...]

    def to_json(self) -> str:
        """The report as text."""

        def table(findings: Mapping[str, Finding]) -> dict[str, Any]:
            return {name: {"answer": one.answer, "because": one.because} for name, one in findings.items()}

        return json.dumps(
            {
                "format": FORMAT, "made": self.made, "version": self.version, "requests": self.requests,
                "dialect": table(self.dialect), "measures": table(self.measures), "unasked": list(self.unasked),
            },
            indent=2,
        )  # fmt: skip

    def write(self, path: str | Path) -> None:
        """Write the report, readable by its owner only.

        Raises:
            ConfigurationError: there is a file of this name, or it cannot be written.
        """
        file = Path(path)
        if file.exists():
            raise ConfigurationError(f"{file} exists and is not replaced. Next: choose another name")
        try:
            disk.write_private(file, f"{self.to_json()}\n")
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None

    @classmethod
    def read(cls, path: str | Path) -> ProbeReport:
        """A report from its file.

        Raises:
            ConfigurationError: the file cannot be read, or holds no report.
        """
        file = Path(path)
        try:
            found = json.loads(file.read_text("utf-8"))
            if found["format"] != FORMAT:
                raise ValueError
            return cls(
                found["made"], found["version"], found["requests"], _findings(found["dialect"]),
                _findings(found["measures"]), tuple(found["unasked"]),
            )  # fmt: skip
        except OSError as error:
            raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ConfigurationError(f"{file} is no report of `imednet probe`") from None


def _findings(table: Mapping[str, Mapping[str, str]]) -> dict[str, Finding]:
    return {name: Finding(one["answer"], one["because"]) for name, one in table.items()}


def unknown(because: str) -> Finding:
    """A question that could not be settled."""
    return Finding(UNKNOWN, because)


def magnitude(count: int) -> str:
    """About how many, so that the size of a study does not name it.

    >>> magnitude(0), magnitude(7), magnitude(48), magnitude(66_058)
    ('none', 'under 10', 'tens', 'ten thousands')
    """
    names = ("under 10", "tens", "hundreds", "thousands", "ten thousands", "hundred thousands")
    return "none" if count <= 0 else names[len(str(count)) - 1] if len(str(count)) <= len(names) else "millions"


def field_name(name: str) -> str:
    """The name of a field, if it looks like one and not like a text that somebody wrote.

    >>> field_name("siteId"), field_name("Jane Roe 1970")
    ('siteId', '(a name of another kind)')
    """
    return name if _FIELD.fullmatch(name) else "(a name of another kind)"


def shape(text: str) -> str:
    """The shape of a time: a 9 for each digit.

    >>> shape("2026-11-01T09:15:02.6")
    '9999-99-99T99:99:99.9'
    """
    masked = re.sub(r"[0-9]", "9", text)
    return masked if re.fullmatch(r"[-9:.T Z+]{1,40}", masked) else "(another shape)"
