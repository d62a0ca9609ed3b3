"""The language of mappings: how a canonical field follows from the answers of a record.

An expression is written as Python writes one, and is read with Python's own parser, but nothing of it is ever run as
Python: what is not listed here is refused when the expression is read.

- a variable by its name, such as `AETERM`, in any case; `field("Pain Level")` where it is no word
- texts, numbers, `True`, `False`, `None` (missing)
- `==` `!=` `<` `<=` `>` `>=` `in ("a", "b")` `not in`, `and` `or` `not`
- `+` `-` `*` `/` on numbers; answers that are no numbers give a missing value
- `A if CONDITION else B`; a condition is a comparison, `empty(X)`, or several of them, and never an answer alone
- `lookup("severity", AESEV)` in a table of the configuration; `empty(X)`, `number(X)`, `lower(X)`, `first(X, Y, ...)`,
  `day(X)` (the day of a complete date, else missing), `days(X, Y)` (days from one to the other)

A comparison with a missing value is false, also `!=`; ask with `empty`. Texts are compared without blanks at their
ends. What cannot be computed is missing; it is never an error of the study's data and never a guess.

>>> serious = Expression('AESER == "Yes" and not empty(AETERM)')
>>> serious({"aeser": "Yes ", "AETERM": "Headache"}), serious({"AESER": None})
(True, False)
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from ..errors import ArgumentError
from ..utils.days import written_day

Value = str | int | float | bool | None
"""What an expression gives."""

Lookups = Mapping[str, Mapping[str, Value]]

_Answers = Mapping[str, Any]
_Node = Callable[[_Answers], Value]

LONGEST: Final = 2_000
"""Characters of an expression; a longer one is refused."""
_MOST_NODES: Final = 500
_DEEPEST: Final = 100

_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], float]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?")


class Expression:
    """An expression of the language, ready to be applied to the answers of records.

    Attributes:
        text: what was written.
        variables: the variables it names, as they are written.
        is_condition: whether it gives true or false, and nothing else.

    Args:
        text: the expression.
        lookups: the tables that `lookup` may name.

    Raises:
        ArgumentError: it is not of the language; the message says which part and where.
    """

    def __init__(self, text: str, lookups: Lookups | None = None) -> None:
        self.text = text
        self.variables: tuple[str, ...] = ()
        self._lookups = lookups or {}
        self.is_condition = False
        self._node = self._read(text)

    def __call__(self, answers: Mapping[str, Any]) -> Value:
        """The value for the answers of one record; names are found in any case."""
        return self._node({name.casefold(): value for name, value in answers.items()})

    def __repr__(self) -> str:
        """The text of the expression."""
        return f"Expression({self.text!r})"

    def _read(self, text: str) -> _Node:
        if not isinstance(text, str) or not text.strip():
            raise ArgumentError("an expression is a text such as AETERM, and not empty")
        if len(text) > LONGEST:
            raise ArgumentError(f"an expression may have {LONGEST:,} characters; this one has {len(text):,}")
        try:
            tree = ast.parse(text.strip(), mode="eval")
            size = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            where = getattr(error, "offset", None)
            hint = "; equal is written ==" if re.search(r"[^=!<>]=[^=]", text) else ""
            raise ArgumentError(
                f"cannot read the expression {text[:80]!r}{f', at character {where}' if where else ''}{hint}"
            ) from None
        if size > _MOST_NODES:
            raise ArgumentError(f"an expression may have {_MOST_NODES} parts; this one has {size}")
        if _depth(tree.body) > _DEEPEST:
            raise ArgumentError(f"an expression may be nested {_DEEPEST} deep")
        self.is_condition = _is_condition(tree.body)
        return self._made(tree.body)

    def _made(self, node: ast.expr) -> _Node:
        """A function that computes a part of the expression."""
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, (str, bool, int, float)):
                if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) > 1e300:
                    raise self._refused(node, "this number is too large")
                return lambda _: value
            case ast.Name(id=name):
                return self._variable(name)
            case ast.BoolOp(op=op, values=values):
                parts = [self._condition(value) for value in values]
                if isinstance(op, ast.And):
                    return lambda answers: all(_true(part(answers)) for part in parts)
                return lambda answers: any(_true(part(answers)) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self._condition(operand)
                return lambda answers: not _true(inner(answers))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._made(operand)
                return lambda answers: None if (number := _number(inner(answers))) is None else -number
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return self._computed(_ARITHMETIC[type(op)], self._made(left), self._made(right))
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition, yes, no = self._condition(test), self._made(body), self._made(orelse)
                return lambda answers: yes(answers) if _true(condition(answers)) else no(answers)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name, arguments)
            case _:
                raise self._refused(node, "this is not part of the language")

    def _condition(self, node: ast.expr) -> _Node:
        """A function that computes a part that must be true or false; an answer alone is neither."""
        if not _is_condition(node):
            raise self._refused(
                node, 'a condition is needed, such as AESER == "Yes" or not empty(AESER), and this is none'
            )
        return self._made(node)

    def _variable(self, name: str) -> _Node:
        if name not in self.variables:
            self.variables = (*self.variables, name)
        key = name.casefold()
        return lambda answers: _answer(answers.get(key))

    @staticmethod
    def _computed(operation: Callable[[Any, Any], float], left: _Node, right: _Node) -> _Node:
        def compute(answers: _Answers) -> Value:
            first, second = _number(left(answers)), _number(right(answers))
            if first is None or second is None:
                return None
            try:
                found = operation(first, second)
            except (ZeroDivisionError, OverflowError):
                return None
            return found if abs(found) < 1e300 else None

        return compute

    def _comparison(self, node: ast.Compare) -> _Node:
        if len(node.ops) != 1:
            raise self._refused(node, "write one comparison, and join several with `and`")
        (op,), (right,) = node.ops, node.comparators
        left = self._made(node.left)
        if isinstance(op, (ast.In, ast.NotIn)):
            if not isinstance(right, (ast.Tuple, ast.List)):
                raise self._refused(node, 'after `in` comes a list such as ("Yes", "No")')
            values = [self._made(element) for element in right.elts]
            wanted = isinstance(op, ast.In)

            def within(answers: _Answers) -> Value:
                value = left(answers)
                return (
                    not _missing(value) and any(_compared(operator.eq, value, one(answers)) for one in values) is wanted
                )

            return within
        if type(op) not in _COMPARISONS:
            raise self._refused(node, "this comparison is not part of the language")
        compare, other = _COMPARISONS[type(op)], self._made(right)
        return lambda answers: _compared(compare, left(answers), other(answers))

    def _call(self, node: ast.Call, name: str, arguments: list[ast.expr]) -> _Node:
        if name == "field":
            if (
                len(arguments) != 1
                or not isinstance(arguments[0], ast.Constant)
                or not isinstance(arguments[0].value, str)
            ):
                raise self._refused(node, 'write field("NAME") with the name of a variable')
            return self._variable(arguments[0].value)
        if name == "lookup":
            return self._lookup(node, arguments)
        parts = [self._made(argument) for argument in arguments]
        if name == "first" and parts:
            return lambda answers: next((value for part in parts if not _missing(value := part(answers))), None)
        if name == "days" and len(parts) == 2:
            return lambda answers: _days(parts[0](answers), parts[1](answers))
        functions: dict[str, Callable[[Value], Value]] = {
            "empty": _missing, "number": _number, "lower": _lower, "day": _day,
        }  # fmt: skip
        if name not in functions or len(parts) != 1:
            known = "empty, number, lower, day, days, first, field, lookup"
            raise self._refused(node, f"the functions are {known}, each with its own arguments")
        function, inner = functions[name], parts[0]
        return lambda answers: function(inner(answers))

    def _lookup(self, node: ast.Call, arguments: list[ast.expr]) -> _Node:
        if len(arguments) != 2 or not isinstance(arguments[0], ast.Constant):
            raise self._refused(node, 'write lookup("TABLE", VARIABLE)')
        table = self._lookups.get(str(arguments[0].value))
        if table is None:
            known = ", ".join(sorted(self._lookups)) or "none"
            raise self._refused(node, f"there is no table {str(arguments[0].value)[:60]!r}; there are {known}")
        inner = self._made(arguments[1])
        words = {key.strip().casefold(): value for key, value in table.items()}

        def look_up(answers: _Answers) -> Value:
            value = inner(answers)
            return None if _missing(value) else words.get(_text(value).casefold())

        return look_up

    def _refused(self, node: ast.expr, why: str) -> ArgumentError:
        part = ast.get_source_segment(self.text.strip(), node) or self.text
        return ArgumentError(f"{why}: {part[:80]!r}, at character {node.col_offset + 1} of the expression")


def _is_condition(node: ast.expr) -> bool:
    """Whether a part of an expression can only be true or false."""
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Call(func=ast.Name(id="empty")):
            return True
        case ast.Constant(value=value):
            return isinstance(value, bool)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_condition(body) and _is_condition(orelse)
        case _:
            return False


def _depth(node: ast.AST) -> int:
    """How deep a part of an expression is nested."""
    deepest, level = 0, [node]
    while level:
        deepest += 1
        level = [child for parent in level for child in ast.iter_child_nodes(parent) if isinstance(child, ast.expr)]
    return deepest


def _answer(value: Any) -> Value:
    """An answer as a value of the language; lists and objects count as missing."""
    if isinstance(value, str):
        return value.strip() or None
    return value if isinstance(value, (bool, int, float)) else None


def _missing(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _true(value: Value) -> bool:
    return value is True


def _number(value: Value) -> int | float | None:
    """The number a value is or spells in digits; `12,5`, `<5` and `1e3` are none.

    >>> _number("12.50"), _number("12,5"), _number(True)
    (12.5, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value if abs(value) < 1e300 else None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        text = value.strip()
        return float(text) if "." in text else int(text)
    return None


def _text(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value).strip()


def _lower(value: Value) -> Value:
    return None if _missing(value) else _text(value).casefold()


def _day(value: Value) -> Value:
    """The day of a complete date or time, as `YYYY-MM-DD`; `None` of a partial one."""
    if not isinstance(value, str):
        return None
    day = written_day(value.strip())
    return None if day is None else day.isoformat()


def _days(first: Value, second: Value) -> Value:
    start, end = _day(first), _day(second)
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    return (date.fromisoformat(end) - date.fromisoformat(start)).days


def _compared(compare: Callable[[Any, Any], bool], left: Value, right: Value) -> bool:
    """Compare two values; with a missing one it is false.

    A number is compared as a number, and no text that spells none is equal to it. Two texts are equal as they are
    written (`"007"` is not `"7"`), and are ordered as numbers if both spell one, else letter by letter, as dates are.

    >>> _compared(operator.eq, "7.0", 7), _compared(operator.eq, "007", "7"), _compared(operator.lt, "9", "10")
    (True, False, True)
    """
    if _missing(left) or _missing(right):
        return False
    if isinstance(left, bool) or isinstance(right, bool):
        return compare(_text(left).casefold(), _text(right).casefold())
    numbers = _number(left), _number(right)
    equality = compare in (operator.eq, operator.ne)
    if None not in numbers and not (equality and isinstance(left, str) and isinstance(right, str)):
        return compare(*numbers)
    if isinstance(left, str) and isinstance(right, str) and (equality or numbers == (None, None)):
        return compare(_text(left), _text(right))
    return compare is operator.ne  # a number beside a text that spells none
