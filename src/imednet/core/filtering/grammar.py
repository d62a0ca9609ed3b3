"""Filter expressions: written from keywords, and joined with the interval that a whole read asks for.

The grammar is the strict part of what the vendor documents: `attribute operator value` without spaces, `;` for AND,
each attribute once, quotes only where a value needs them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from math import isfinite
from typing import Any, Final

from imednet_api.types import Operation

from ...errors import ArgumentError, UnknownFilterError
from ...utils.quiet import quiet

OPERATORS: Final = ("==", "!=", "<=", ">=", "<", ">")
_ROUNDED: Final = {"<": 1, ">=": 1, ">": 0, "<=": 0}
"""Seconds to add to a time whose fraction was cut, so that the comparison means the same."""
FilterValue = str | int | float | bool | datetime | date | Enum | None
Filter = FilterValue | tuple[str, FilterValue] | Mapping[str, FilterValue] | Sequence[FilterValue]
"""A value (equals), `(operator, value)`, a range `{">=": low, "<": high}`, or a list of which one must match. `None`
leaves the filter out.
"""

_PARAMETERS: Final = (
    "filter", "filters", "page_size", "sort", "refresh", "raw", "consistency", "timeout", "retries", "headers"
)  # fmt: skip
_DAYS: Final = ("startDate", "dueDate", "endDate", "visitDate")
"""Attributes that the server compares with days; all other dates are times."""
_BARE: Final = re.compile(r"""[^\s"'();,=<>!~]+""")
_QUOTED: Final = re.compile(r"""\"[^\"]*\"|'[^']*'""")
_CONNECTOR_WORD: Final = re.compile(r"(?<![A-Za-z0-9])(and|or)(?![A-Za-z0-9])", re.IGNORECASE)
_CONNECTOR: Final = re.compile(r"[;,]|(?<![A-Za-z0-9])(?:and|or)(?![A-Za-z0-9])", re.IGNORECASE)
_CLAUSE: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(==|!=|<=|>=|=~|<|>)")


def attribute_name(operation: Operation, keyword: str) -> str:
    """The server's name for a keyword. Raises UnknownFilterError, with the nearest name, when there is none."""
    facts = operation.page
    assert facts is not None
    if keyword == "study":
        raise UnknownFilterError(
            f"{operation.tag} have no filter 'study'. Did you mean 'study_key'? {_bypass_hint(keyword)}"
        )
    if "filter" not in operation.query_parameters:
        raise UnknownFilterError(f"the server cannot filter {operation.tag}: read them all and choose from the list")
    known = {attribute: name for name, attribute in operation.item.FIELDS.items()}
    known |= {snake(name): name for name in facts.filterable}
    if keyword in known:
        return known[keyword]
    if keyword in _PARAMETERS:
        raise UnknownFilterError(
            f"this method takes no {keyword}=; list() and iter() take all of {', '.join(_PARAMETERS)}"
        )
    options = [*known, "study_key", *_PARAMETERS]
    near = difflib.get_close_matches(keyword, options, n=1, cutoff=0.5) or [
        option for option in options if option.startswith(keyword)
    ]
    by_wire_name = [attribute for attribute, name in known.items() if name == keyword]
    hint = f" Did you mean {(by_wire_name or near)[0]!r}?" if by_wire_name or near else ""
    raise UnknownFilterError(f"{operation.tag} have no filter {keyword!r}.{hint} {_bypass_hint(keyword)}")


def clause(name: str, value: Any) -> str:
    """One `attribute operator value`.

    >>> clause("subjectStatus", "Screen Failed"), clause("dateModified", (">=", date(2026, 3, 1)))
    ('subjectStatus=="Screen Failed"', 'dateModified>=2026-03-01T00:00:00Z')
    """
    if not _CLAUSE.fullmatch(f"{name}=="):
        raise ArgumentError(f"{name!r} cannot be the name of an attribute")
    operator, value = value if isinstance(value, tuple) else ("==", value)
    return f"{name}{operator}{literal(name, value, operator)}"


def literal(name: str, value: Any, operator: str = "==") -> str:
    """A value as the grammar writes it: booleans as in JSON, times in UTC with `Z`, quotes only where needed."""
    if value is None:
        raise ArgumentError(f"{name}: the server has no filter for missing values. Next: filter the rows in Python")
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if name in _DAYS:
            raise ArgumentError(f"{name} is a day without a time. Next: pass a date, as in value.date()")
        return _time(name, value, operator)
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z" if name.startswith("date") else value.isoformat()
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise ArgumentError(f"{name}: a filter takes finite numbers")
        return str(int(value)) if value.is_integer() else float.__repr__(value)
    if not isinstance(value, str):
        raise ArgumentError(f"{name}: a filter takes text, numbers, booleans and dates, not {type(value).__name__}")
    if any(not character.isprintable() for character in value):
        raise ArgumentError(f"{name}: the value holds a line break or a control character")
    if _BARE.fullmatch(value) and value.lower() not in ("and", "or"):
        return value
    quote = '"' if '"' not in value else "'"
    if quote in value:
        raise ArgumentError(
            f"{name}: the grammar cannot hold a value with both kinds of quotes. Next: filter in Python"
        )
    return f"{quote}{value}{quote}"


def _time(name: str, value: datetime, operator: str) -> str:
    """A time in UTC. The server keeps whole seconds, so a fraction is rounded to where it changes no answer."""
    if value.tzinfo is None:
        raise ArgumentError(f"{name}: a time needs a zone, as in datetime(2026, 3, 1, tzinfo=UTC)")
    if value.microsecond and operator not in _ROUNDED:
        raise ArgumentError(f"{name}: the server keeps whole seconds, so no time equals one with a fraction")
    try:
        moment = value.astimezone(UTC)
        if moment.microsecond:
            moment = moment.replace(microsecond=0) + timedelta(seconds=_ROUNDED[operator])
    except OverflowError:
        raise ArgumentError(f"{name}: the time lies beyond the calendar") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def clauses_if_conjunction(expression: str) -> list[tuple[str, str, str]] | None:
    """Attribute, operator and value of each clause of a plain AND; `None` for anything else.

    >>> clauses_if_conjunction('formKey==AE;subjectKey=="01,001"'), clauses_if_conjunction("a==1,b==2")
    ([('formKey', '==', 'AE'), ('subjectKey', '==', '"01,001"')], None)
    """
    bare = _QUOTED.sub(lambda match: "_" * len(match.group()), expression)
    if any(sign in bare for sign in "\"'(),") or _CONNECTOR_WORD.search(bare):
        return None
    clauses, start = [], 0
    for part in bare.split(";"):
        match = _CLAUSE.match(part)
        if match is None:
            return None
        value = expression[start + match.end() : start + len(part)].strip()
        clauses.append((match.group(1), match.group(2), value))
        start += len(part) + 1
    return clauses


def alternatives(expression: str) -> list[list[tuple[str, str, str]]] | None:
    """Attribute, operator and value of each clause, as an OR of ANDs; `None` for what is no such thing.

    >>> alternatives('formKey==AE;siteId>300,recordId==7')
    [[('formKey', '==', 'AE'), ('siteId', '>', '300')], [('recordId', '==', '7')]]
    """
    bare = _QUOTED.sub(lambda match: "_" * len(match.group()), expression)
    if any(sign in bare for sign in "\"'()"):
        return None
    found: list[list[tuple[str, str, str]]] = [[]]
    start = 0
    for match in [*_CONNECTOR.finditer(bare), None]:
        end = len(bare) if match is None else match.start()
        part = _CLAUSE.match(bare[start:end])
        if part is None:
            return None
        value = expression[start + part.end() : end].strip()
        quotes = value[:1] if value[:1] in ('"', "'") and len(value) > 1 and value[-1] == value[0] else ""
        found[-1].append((part.group(1), part.group(2), value[1:-1] if quotes else value))
        if match is not None:
            start = match.end()
            if match.group().casefold() in (",", "or"):
                found.append([])
    return found


def joined(*expressions: str | None) -> str | None:
    """Join expressions by AND; `None` where there are none."""
    return ";".join(part for part in expressions if part) or None


def check_record_data_filter(expression: str) -> None:
    """Refuse a record data filter that mixes both connectors, as the server does.

    Raises ArgumentError, which never holds the expression: its values are answers.
    """
    expression = quiet(expression)
    bare = quiet(_QUOTED.sub("", expression))
    if ";" in bare and "," in bare:
        raise ArgumentError("record_data_filter mixes `;` and `,`: the server takes one kind of connector")


def sort_fields(operation: Operation, sort: str | Iterable[str]) -> list[tuple[str, bool]]:
    """A caller's `sort` as pairs: attribute of the model, whether it is descending.

    Raises ArgumentError for a field the resource does not have, or a direction that is neither `asc` nor `desc`.
    """
    fields = operation.item.FIELDS
    known = {**fields, **{attribute: attribute for attribute in fields.values()}}
    sorting = []
    parts = [sort] if isinstance(sort, str) else sort
    if not isinstance(parts, Iterable) or not all(isinstance(part, str) for part in parts):
        raise ArgumentError("sort must be text such as 'dateModified,desc', or a list of such")
    for part in parts:
        name, _, direction = part.partition(",")
        name, direction = name.strip(), direction.strip().lower() or "asc"
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ArgumentError(
                f"{operation.tag} have no field {name!r} to sort by." + (f" Did you mean {near[0]!r}?" if near else "")
            )
        if direction not in ("asc", "desc"):
            raise ArgumentError(f"sort direction {direction!r} must be asc or desc, as in sort='{name},desc'")
        sorting.append((known[name], direction == "desc"))
    return sorting


def snake(name: str) -> str:
    """snake_case of a name of the API."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _bypass_hint(keyword: str) -> str:
    return f"To send it anyway: filters={{'{_camel(keyword)}': value}}"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
