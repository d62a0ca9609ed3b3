"""Which part of a caller's filters the server is asked for, which one is split, which one is looked at here.

The vendor's rule is that an attribute occurs once in a filter. A second condition on one attribute (the other end of a
range) is therefore tested on the rows that come. Several values of one attribute become one read for each value where
a row keeps its value for good (its number, form and subject), else a test on the rows: a row that went from one value
to another between two reads would be lost. The proof of a read says what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from imednet_api.types import Operation

from ...errors import ArgumentError
from . import grammar as filters
from .conditions import row_test

MOST_PARTS = 20
"""More values than these are looked at here: reading more widely is cheaper than so many reads."""

NEVER_ASKED = ("deleted",)
"""Shown in rows and in no table of attributes that the server filters by; clients that asked for it were refused."""

KEPT_FOR_GOOD = ("formId", "formKey", "subjectId", "subjectKey")
"""Attributes whose value a row keeps, besides its own number. Not the site: a subject may be transferred."""

Comparison = tuple[str, Any]


@dataclass
class Plan:
    """How filters are applied.

    Attributes:
        server: clauses for the server.
        parts: clauses of which each needs a read of its own.
        tests: tests of rows; all must hold.
        tested: attributes they look at.
        texts: what they test, as clauses.
    """

    server: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    tests: list[Callable[[Any], bool]] = field(default_factory=list)
    tested: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list, repr=False)

    def keep(self) -> Callable[[Any], bool] | None:
        """All tests as one, `None` where there are none."""
        tests = self.tests
        if not tests:
            return None
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def wishes_of(
    operation: Operation, attributes: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> list[tuple[str, Any]]:
    """What is wished, by the names of the server.

    Args:
        operation: the list, which says what can be filtered.
        attributes: snake_case keyword -> wish.
        extra: attribute as the server spells it -> wish; taken without a look at whether it exists.

    Raises UnknownFilterError where a keyword is neither a field nor a filterable attribute of the resource.
    """
    names = [filters.attribute_name(operation, keyword) for keyword in attributes]
    named = zip(names, attributes.values(), strict=True)
    return [pair for pair in [*named, *(extra or {}).items()] if pair[1] is not None]


def plan(operation: Operation, wishes: Iterable[tuple[str, Any]], taken: Iterable[str] = ()) -> Plan:
    """How to apply wishes; `taken` are attributes that the server is asked about already.

    A wish is a value (equals), `(operator, value)`, a mapping `{operator: value}` of which all must hold, or a list of
    values of which one must match.

    Raises ArgumentError for a value that cannot be written in the grammar.
    """
    facts = operation.page
    assert facts is not None
    made, taken = Plan(), set(taken)
    for name, wish in wishes:
        if isinstance(wish, list) and len(wish) != 1:
            _any_of(operation, name, wish, made, taken)
            continue
        for operator, value in comparisons(name, wish[0] if isinstance(wish, list) else wish):
            text = filters.clause(name, (operator, value))  # checked, also where it is not sent
            bound = name == facts.number and operator in ("<", "<=", ">", ">=")  # a whole read takes these apart
            if (name in taken and not bound) or name in NEVER_ASKED:
                made.tests.append(row_test(operation, name, operator, value))
                made.tested.append(name)
                made.texts.append(text)
            else:
                made.server.append(text)
                taken.add(name)
    return made


def comparisons(name: str, wish: Any) -> list[Comparison]:
    """A wish that is no list as operators and values."""
    if isinstance(wish, Mapping):
        if not wish or any(operator not in filters.OPERATORS for operator in wish):
            raise ArgumentError(f"{name}: a range is written as {{'>=': low, '<': high}}")
        return list(wish.items())
    if isinstance(wish, tuple):
        if len(wish) != 2 or wish[0] not in filters.OPERATORS:
            raise ArgumentError(f"{name}: a tuple must be (operator, value), with one of {' '.join(filters.OPERATORS)}")
        return [wish]
    return [("==", wish)]


def _any_of(operation: Operation, name: str, values: list[Any], made: Plan, taken: set[str]) -> None:
    if not values:
        raise ArgumentError(f"{name}: an empty list would match nothing. Next: leave it out, or do not ask")
    if any(isinstance(value, (tuple, list, Mapping)) for value in values):
        raise ArgumentError(f"{name}: a list holds plain values, of which one must match")
    clauses = list(dict.fromkeys(filters.clause(name, value) for value in values))
    apart = len({text.casefold() for text in clauses}) == len(clauses)  # a server may compare without regard to case
    kept = name in KEPT_FOR_GOOD or (operation.page is not None and name == operation.page.key[0])
    if kept and apart and name not in taken and not made.parts and len(clauses) <= MOST_PARTS:
        made.parts = clauses
        taken.add(name)
        return
    tests = [row_test(operation, name, "==", value) for value in values]
    made.tests.append(lambda row: any(test(row) for test in tests))
    made.tested.append(name)
    made.texts += clauses
