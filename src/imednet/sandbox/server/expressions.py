"""Filters: the grammar of `filter` and the smaller one of `recordDataFilter`, as strict as the switches say.

An expression becomes a tree of tests of single fields. `lists` evaluates the tree, because it can read a field of many
rows at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from .switches import Switches

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_TOKEN = re.compile(
    rf"""(?P<space>[ ]+)|(?P<open>\()|(?P<close>\))|(?P<connector>[;,])"""
    rf"""|(?P<clause>(?P<name>{_NAME})(?P<before>[ ]*)(?P<operator>==|!=|<=|>=|=~|<|>)(?P<after>[ ]*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|[^\s"'();,=<>!~]+))|(?P<word>and|or)(?=[ ])"""
)
_ANSWER_NAME = r"[^\s\"'();,=<>!~][^\"'();,=<>!~]*?"
_ANSWER_CLAUSE = re.compile(
    rf"""({_ANSWER_NAME})(==|!=|<=|>=|=~|<|>)("[^"]*"|'[^']*'|(?<==~)(?:\\.|[^;,\\])+|[^\s"'();,=<>!~]+)"""
)
_ORDERED = ("<", "<=", ">", ">=")
TIMES = ("dateCreated", "dateModified", "dateCoded")
DAYS = ("startDate", "dueDate", "endDate", "visitDate")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NESTED_REPETITION = re.compile(r"[+*?}][^()]*\)[+*{]")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Refused(Exception):
    """Raised for an expression that the server answers with 400."""


class Test(NamedTuple):
    """A comparison of one field with a value."""

    name: str
    operator: str
    value: str


@dataclass(frozen=True)
class Tree:
    """Tests and trees joined by `kind`, which is `and` or `or`."""

    kind: str
    parts: tuple[Test | Tree, ...]


def parse_filter(text: str, attributes: set[str], switches: Switches | None = None) -> Tree:
    """The tree of a `filter`. AND (`;`, `and`) binds tighter than OR (`,`, `or`).

    Raises:
        Refused: for an expression that the server does not accept.
    """
    reader = _Reader(text, attributes, switches or Switches())
    tree = reader.parse_or()
    if reader.rest:
        raise Refused
    return tree


class _Reader:
    """Parses an expression from left to right."""

    def __init__(self, text: str, attributes: set[str], switches: Switches) -> None:
        self._switches = switches
        self._attributes = attributes
        self._seen: set[str] = set()
        self.rest = self._tokens(text)

    def _tokens(self, text: str) -> list[tuple[str, Any]]:
        spaces_accepted = self._switches["filterSpaces"] == "accepted"
        tokens: list[tuple[str, Any]] = []
        position, space = 0, False
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                raise Refused
            position = token.end()
            kind = token.lastgroup or ""
            if token["space"]:
                space = True
                # A word connector has a blank on both sides; elsewhere the strict server wants none.
                if (
                    not spaces_accepted
                    and not re.match(r"(and|or) ", text[position:])
                    and not (tokens and tokens[-1][0] == "word")
                ):
                    raise Refused
                continue
            if token["clause"]:
                if (token["before"] or token["after"]) and not spaces_accepted:
                    raise Refused
                tokens.append(("test", (token["name"], token["operator"], token["value"])))
            elif token["word"]:
                if not space:
                    raise Refused
                tokens.append(("word", ";" if token["word"] == "and" else ","))
            else:
                tokens.append((kind, token.group()))
            space = False
        if text.endswith(" ") and not spaces_accepted:
            raise Refused
        return [("connector", value) if kind == "word" else (kind, value) for kind, value in tokens]

    def _take(self, kind: str, value: str | None = None) -> bool:
        if self.rest and self.rest[0][0] == kind and value in (None, self.rest[0][1]):
            self.rest.pop(0)
            return True
        return False

    def parse_or(self) -> Tree:
        """Parse parts joined by OR."""
        parts: list[Test | Tree] = [self._parse_and()]
        while self._take("connector", ","):
            parts.append(self._parse_and())
        return Tree("or", tuple(parts))

    def _parse_and(self) -> Tree:
        parts = [self._parse_part()]
        while self._take("connector", ";"):
            parts.append(self._parse_part())
        return Tree("and", tuple(parts))

    def _parse_part(self) -> Test | Tree:
        if self.rest and self.rest[0][0] == "open":
            if not self._switches.on("filterParentheses"):
                raise Refused
            self.rest.pop(0)
            inner = self.parse_or()
            if not self._take("close"):
                raise Refused
            return inner
        if not self.rest or self.rest[0][0] != "test":
            raise Refused
        _, (name, operator, value) = self.rest.pop(0)
        return self._checked_test(name, operator, value)

    def _checked_test(self, name: str, operator: str, value: str) -> Test | Tree:
        if operator == "=~":
            raise Refused
        is_known = name in self._attributes
        if not is_known and self._switches.on("filterCase"):
            name = next((known for known in self._attributes if known.lower() == name.lower()), name)
            is_known = name in self._attributes
        if not is_known:
            if not self._switches.on("filterUnknownAttribute"):
                raise Refused
            return Tree("and", ())  # holds for every row
        if name in self._seen and not self._switches.on("filterRepeatAttribute"):
            raise Refused
        self._seen.add(name)
        unquoted = _unquoted(value)
        if (name in TIMES and not _is_time(unquoted)) or (name in DAYS and not _is_day(unquoted)):
            raise Refused  # neither a time as it appears in answers nor part of a date is accepted
        return Test(name, operator, unquoted)


def parse_answers_filter(text: str, switches: Switches | None = None) -> Tree:
    """The tree of a `recordDataFilter`: one kind of connector; `=~` searches by a regular expression and ignores case.

    Raises:
        Refused: for an expression that the server does not accept.
    """
    tests: list[Test] = []
    connectors: list[str] = []
    position = 0
    if switches is not None and switches["filterSpaces"] == "accepted":
        text = re.sub(r" *(==|!=|<=|>=|=~|<|>|;|,) *", r"\1", text)
    while True:
        clause = _ANSWER_CLAUSE.match(text, position)
        if clause is None or clause[1].endswith(" "):
            raise Refused
        if clause[2] == "=~":
            _pattern(_unquoted(clause[3]))
        tests.append(Test(clause[1], clause[2], _unquoted(clause[3])))
        position = clause.end()
        if position == len(text):
            break
        if text[position] not in ";,":
            raise Refused
        connectors.append(text[position])
        position += 1
    if len(set(connectors)) < 2:
        return Tree("or" if "," in connectors else "and", tuple(tests))
    if switches is None or not switches.on("recordDataMixedConnector"):
        raise Refused
    groups: list[list[Test | Tree]] = [[tests[0]]]
    for connector, test in zip(connectors, tests[1:], strict=True):
        if connector == ",":
            groups.append([])
        groups[-1].append(test)
    return Tree("or", tuple(Tree("and", tuple(group)) for group in groups))


def holds(tree: Test | Tree, row: dict[str, Any], switches: Switches | None = None) -> bool:
    """Whether a row passes the tests of a tree."""
    if isinstance(tree, Test):
        if switches is not None and switches.on("filterCase"):
            row = {name.lower(): value for name, value in row.items()}
            return check(tree, switches)(row.get(tree.name.lower()))
        return check(tree, switches)(row.get(tree.name))
    decide = any if tree.kind == "or" and tree.parts else all
    return decide(holds(part, row, switches) for part in tree.parts)


def check(test: Test, switches: Switches | None = None) -> Callable[[Any], bool]:
    """The function that applies a test to a value."""
    operator, wanted = test.operator, test.value
    if operator == "=~":
        pattern = _pattern(wanted)
        return lambda value: isinstance(value, str) and pattern.search(value) is not None
    if operator in _ORDERED:
        return _comparison(operator, wanted)
    fold = switches is not None and switches.on("filterCase")
    moment = _moment(wanted)
    same = {wanted.lower(), moment.lower()} if fold else {wanted, moment}
    equal = operator == "=="
    if fold:
        return lambda value: ((text := _text(value)) is not None and text.lower() in same) is equal
    return lambda value: (_text(value) in same) is equal


def _is_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None and _moment(text) != text


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value


def _pattern(value: str) -> re.Pattern[str]:
    if len(value) > 200 or _NESTED_REPETITION.search(value):
        raise Refused  # nested repetitions may take exponential time
    try:
        return re.compile(value, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        raise Refused from None


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _comparison(operator: str, wanted: str) -> Callable[[Any], bool]:
    compare: Callable[[Any, Any], bool] = {
        "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    }[operator]  # fmt: skip
    number: float | int | None
    try:
        number = (float(wanted) if "." in wanted else int(wanted)) if len(wanted) < 400 else None
    except ValueError:
        number = None
    text = _moment(wanted)

    def passes(value: Any) -> bool:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return number is not None and compare(value, number)
        return isinstance(value, str) and bool(value) and compare(value, text)

    return passes


def _moment(text: str) -> str:
    """A time of a filter (ISO with zone) in the format that rows have; other text unchanged."""
    if _TIME.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
        except (ValueError, OverflowError):
            return text
        return moment.replace(tzinfo=None).isoformat(sep=" ")  # keeps the fraction of a second, which no row has
    return text
