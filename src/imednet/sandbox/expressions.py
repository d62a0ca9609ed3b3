"""Filters as the strict server takes them: no spaces, no parentheses, each attribute once, values case sensitive."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
Test = Callable[[Row], bool]

_CLAUSE = re.compile(r"""([A-Za-z_][A-Za-z0-9_ ]*?)(==|!=|<=|>=|=~|<|>)("[^"]*"|'[^']*'|[^\s"'();,=<>!~]+)""")
_ORDERED = ("<", "<=", ">", ">=")


class Refused(Exception):
    """An expression that the server answers with 400."""


def parse_filter(text: str, attributes: set[str]) -> Test:
    """A test for rows. AND (`;`) binds tighter than OR (`,`)."""
    seen: set[str] = set()
    alternatives: list[list[Test]] = [[]]
    for connector, name, operator, value in _clauses(text):
        if name not in attributes or name in seen or operator == "=~":
            raise Refused
        seen.add(name)
        if connector == ",":
            alternatives.append([])
        alternatives[-1].append(_test(name, operator, value))
    return lambda row: any(all(test(row) for test in tests) for tests in alternatives)


def parse_answers_filter(text: str) -> Test:
    """A test for `recordData`; one kind of connector, `=~` searches a regular expression and ignores case."""
    found = list(_clauses(text))
    connectors = {connector for connector, *_ in found if connector}
    if len(connectors) > 1:
        raise Refused
    tests = [_test(name, operator, value) for _, name, operator, value in found]
    decide = any if connectors == {","} else all
    return lambda row: decide(test(row) for test in tests)


def _clauses(text: str) -> list[tuple[str, str, str, str]]:
    """Connector before it, attribute, operator and bare value of each clause."""
    found: list[tuple[str, str, str, str]] = []
    at = 0
    connector = ""
    while True:
        clause = _CLAUSE.match(text, at)
        if clause is None or clause.group(1).endswith(" "):
            raise Refused
        value = clause.group(3)
        quoted = value[0] in "\"'"
        found.append((connector, clause.group(1), clause.group(2), value[1:-1] if quoted else value))
        at = clause.end()
        if at == len(text):
            return found
        if text[at] not in ";,":
            raise Refused
        connector = text[at]
        at += 1


def _test(name: str, operator: str, value: str) -> Test:
    if operator == "=~":
        try:
            pattern = re.compile(value, re.IGNORECASE)
        except re.error:
            raise Refused from None
        return lambda row: isinstance(row.get(name), str) and pattern.search(row[name]) is not None
    if operator in _ORDERED:
        return lambda row: _ordered(row.get(name), operator, value)
    return lambda row: (_text(row.get(name)) == value) is (operator == "==")


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _ordered(actual: Any, operator: str, wanted: str) -> bool:
    left: Any
    right: Any
    if isinstance(actual, (int, float)) and not isinstance(actual, bool):
        left = actual
        try:
            right = float(wanted) if "." in wanted else int(wanted)
        except ValueError:
            return False
    elif isinstance(actual, str) and actual:
        left, right = actual, _moment(wanted)
    else:
        return False
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])


def _moment(text: str) -> str:
    """A time of a filter (ISO with zone) as times of rows are written; other text as it is."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text
