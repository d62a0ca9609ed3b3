"""Files of settings: YAML and JSON read into plain tables, and errors that name the place and the nearest name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from .optional_library import optional_library


def read_settings(path: str | Path, what: str) -> Any:
    """Plain values from a file, JSON if its name ends in `.json`, else YAML.

    Raises:
        ConfigurationError: the file cannot be read, or is neither.
    """
    file = Path(path)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"cannot read {file}: {why}") from None
    return read_json(text, what) if file.suffix.lower() == ".json" else read_yaml(text, what)


def read_json(text: str, what: str) -> Any:
    """Plain values from JSON; raises ConfigurationError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{what} is no JSON: {error}") from None


def read_yaml(text: str, what: str) -> Any:
    """Plain values from YAML, whose tags and aliases are refused; raises ConfigurationError."""
    yaml: Any = optional_library("yaml", "monitoring")
    try:
        # nine lines of aliases can stand for a billion values
        aliases = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        repeated = [] if aliases else _repeated(yaml.compose(text, Loader=yaml.SafeLoader))
        found = None if aliases or repeated else yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{what} is no YAML: {getattr(error, 'problem', None) or 'too deep'}{where}") from None
    if aliases:
        raise ConfigurationError(f"{what}: aliases (*name) are not taken; write the values out")
    if repeated:
        raise ConfigurationError(f"{what}: {', '.join(repeated[:3])} is there twice, and only one of them would count")
    return found


def _repeated(node: Any) -> list[str]:
    """Keys that a table of YAML holds twice, with their lines."""
    found, waiting = [], [node]
    while waiting:
        here = waiting.pop()
        children = getattr(here, "value", None)
        if not isinstance(children, list):
            continue
        seen = set()
        for child in children:
            if not isinstance(child, tuple):
                waiting.append(child)
                continue
            key = getattr(child[0], "value", None)
            if isinstance(key, str) and key in seen:
                found.append(f"{key!r} in line {child[0].start_mark.line + 1}")
            seen.add(key if isinstance(key, str) else None)
            waiting.append(child[1])
    return found


def plain_table(given: Any, where: str, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A mapping of settings with texts as keys, and no others than `known`; raises ConfigurationError."""
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        hint = "; YAML takes Yes, No, On and Off for true and false: write such words in quotes"
        odd = isinstance(given, dict) and any(isinstance(name, bool) for name in given)
        raise ConfigurationError(f"{where}: must be a table of names and values{hint if odd else ''}")
    if known is not None:
        for name in given:
            if name not in known:
                raise ConfigurationError(f"{where}: {no_such('setting', name, known)}")
    return given


def no_such(kind: str, name: str, known: Iterable[str]) -> str:
    """That there is no such name, and the nearest one that is known."""
    near = difflib.get_close_matches(name, list(known), 1)
    there = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(map(str, known)) or 'none'}"
    return f"there is no {kind} {name[:60]!r}{there}"
