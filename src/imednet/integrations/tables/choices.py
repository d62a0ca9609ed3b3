"""Answers of variables with choices: their codes and texts, and check boxes with several choices as one column each.

Choices come from a data dictionary, never from the values. An answer may be a choice's text or its code; of several
check boxes the server gives a list, or texts joined by commas or back-ticks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ...validation.kinds import Misfit

Choices = Sequence[tuple[str, str | None]]
"""Text and code of each choice, in order."""


class Coding:
    """The choices of one variable.

    >>> grade = Coding([("Mild", "1"), ("Severe", "3")])
    >>> grade.code("Severe"), grade.label("3"), grade.chosen("Mild, Severe")
    ('3', 'Severe', [0, 1])
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = list(choices)
        self._places: dict[str, int] = {}
        for place, (text, _) in enumerate(self.choices):
            self._places.setdefault(text, place)
        for place, (_, code) in enumerate(self.choices):
            if code is not None:
                self._places.setdefault(code, place)

    def code(self, answer: str) -> str:
        """The code of an answer, of several joined by commas; a choice without a code stands for itself."""
        return ", ".join(self.choices[place][1] or self.choices[place][0] for place in self.chosen(answer))

    def label(self, answer: str) -> str:
        """The text of an answer, of several joined by commas."""
        return ", ".join(self.choices[place][0] for place in self.chosen(answer))

    def chosen(self, answer: str) -> list[int]:
        """Places of the choices that an answer names. Raises Misfit if it names anything else."""
        if answer in self._places:
            return [self._places[answer]]
        parts = self._parts(answer)
        if any(part not in self._places for part in parts):
            raise Misfit("not among the choices")
        return list(dict.fromkeys(self._places[part] for part in parts))

    def is_chosen(self, place: int) -> Callable[[str], bool]:
        """A function that tells whether an answer names a choice."""
        return lambda answer: place in self.chosen(answer)

    def _parts(self, answer: str) -> list[str]:
        if answer.startswith("["):
            try:
                found = json.loads(answer)
            except ValueError:
                found = None
            if isinstance(found, list) and all(isinstance(part, str) for part in found):
                return found
        if "`" in answer:
            return [part for part in answer.split("`") if part]
        parts, rest = [], answer
        while rest:  # texts may hold commas themselves, so the longest known one counts
            known = max((name for name in self._places if rest == name or rest.startswith(f"{name}, ")),
                        key=len, default=rest)  # fmt: skip
            parts.append(known)
            rest = rest[len(known) + 2 :]
        return parts
