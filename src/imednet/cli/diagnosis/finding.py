"""One thing that was looked at, and whether it is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """What was found. Neither `value` nor `step` ever holds a key.

    Attributes:
        area: what it belongs to, such as `settings`.
        name: what was looked at.
        value: what was found, and why.
        state: `problem` where something will not work, `note` where it may not.
        step: what to do next.
    """

    area: str
    name: str
    value: str
    state: State = "ok"
    step: str | None = None

    def as_row(self) -> dict[str, str | None]:
        """The finding as JSON has it."""
        return {"area": self.area, "name": self.name, "value": self.value, "state": self.state, "next": self.step}
