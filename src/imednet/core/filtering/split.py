"""How a caller's filters are split: what the server applies, what becomes several reads, what is tested on the rows.

By the vendor's rule an attribute occurs once in a filter. A second condition on an attribute (the other end of a range)
is therefore tested on the rows. Several values of one attribute become one read for each value where a row never
changes its value (its number, form and subject), else a test on the rows: a row that changed from one value to another
between two reads would be lost. The proof of a read says what was done.
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
"""More values than this are tested on the rows: one wide read is cheaper than so many narrow ones."""

NEVER_ASKED = ("deleted",)
"""Attributes of rows that are in no table of filters of the vendor; requests that filtered by them were refused."""

KEPT_FOR_GOOD = ("formId", "formKey", "subjectId", "subjectKey")
"""Attributes whose value a row never changes, besides its number. Not the site: a subject may be transferred."""

Comparison = tuple[str, Any]


@dataclass
class Plan:
    """How filters are applied.

    Attributes:
        server: clauses for the server.
        parts: clauses that need a read of their own each.
        tests: tests of one row; all must hold.
        tested: attributes that the tests look at.
        texts: the tests as clauses.
    """

    server: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    tests: list[Callable[[Any], bool]] = field(default_factory=list)
    tested: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list, repr=False)

    def keep(self) -> Callable[[Any], bool] | None:
        """All tests joined into one; `None` where there are none."""
        tests = self.tests
        if not tests:
            return None
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def named_filters(
    operation: Operation, attributes: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> list[tuple[str, Any]]:
    """Keyword filters as pairs: attribute as the server spells it, and what is wanted of it. `None` is left out.

    Args:
        operation: the list, which says what can be filtered.
        attributes: snake_case keyword -> what is wanted.
        extra: attribute as the server spells it -> what is wanted; not checked.

    Raises UnknownFilterError where a keyword is neither a field nor a filterable attribute of the resource.
    """
    names = [filters.attribute_name(operation, keyword) for keyword in attributes]
    named = zip(names, attributes.values(), strict=True)
    return [pair for pair in [*named, *(extra or {}).items()] if pair[1] is not None]


def plan(operation: Operation, wanted_filters: Iterable[tuple[str, Any]], taken: Iterable[str] = ()) -> Plan:
    """Decide how to apply filters; `taken` are attributes that the expression for the server names already.

    What is wanted of an attribute is a value (equals), `(operator, value)`, a mapping `{operator: value}` of which all
    must hold, or a list of values of which one must match.

    Raises ArgumentError for a value that cannot be written in the grammar.
    """
    facts = operation.page
    assert facts is not None
    planned, taken = Plan(), set(taken)
    for name, wanted in wanted_filters:
        if isinstance(wanted, list) and len(wanted) != 1:
            _any_of(operation, name, wanted, planned, taken)
            continue
        for operator, value in comparisons(name, wanted[0] if isinstance(wanted, list) else wanted):
            text = filters.clause(name, (operator, value))  # checks the value, even if it is not sent
            # a whole read merges bounds on the number into its interval
            bound = name == facts.number and operator in ("<", "<=", ">", ">=")
            if (name in taken and not bound) or name in NEVER_ASKED:
                planned.tests.append(row_test(operation, name, operator, value))
                planned.tested.append(name)
                planned.texts.append(text)
            else:
                planned.server.append(text)
                taken.add(name)
    return planned


def comparisons(name: str, wanted: Any) -> list[Comparison]:
    """What is wanted of an attribute as operators and values; lists are handled in `plan`."""
    if isinstance(wanted, Mapping):
        if not wanted or any(operator not in filters.OPERATORS for operator in wanted):
            raise ArgumentError(f"{name}: a range is written as {{'>=': low, '<': high}}")
        return list(wanted.items())
    if isinstance(wanted, tuple):
        if len(wanted) != 2 or wanted[0] not in filters.OPERATORS:
            raise ArgumentError(f"{name}: a tuple must be (operator, value), with one of {' '.join(filters.OPERATORS)}")
        return [wanted]
    return [("==", wanted)]


def _any_of(operation: Operation, name: str, values: list[Any], planned: Plan, taken: set[str]) -> None:
    if not values:
        raise ArgumentError(f"{name}: an empty list would match nothing. Next: leave it out, or do not ask")
    if any(isinstance(value, (tuple, list, Mapping)) for value in values):
        raise ArgumentError(f"{name}: a list holds plain values, of which one must match")
    clauses = list(dict.fromkeys(filters.clause(name, value) for value in values))
    apart = len({text.casefold() for text in clauses}) == len(clauses)  # a server may ignore case
    kept = name in KEPT_FOR_GOOD or (operation.page is not None and name == operation.page.key[0])
    if kept and apart and name not in taken and not planned.parts and len(clauses) <= MOST_PARTS:
        planned.parts = clauses
        taken.add(name)
        return
    tests = [row_test(operation, name, "==", value) for value in values]
    planned.tests.append(lambda row: any(test(row) for test in tests))
    planned.tested.append(name)
    planned.texts += clauses
