"""One list of one study as a caller asks for it, and the requests that read it."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from imednet_api.types import Operation, PageFacts, Request

from ...errors import ArgumentError
from ..filtering import grammar as filters
from ..options import AS_CLIENT, CallOptions

Bound = int | float
"""A number of an identity, or an infinity where a range has no end on that side."""
LOWEST, HIGHEST = -inf, inf
_WHOLE = re.compile(r"-?[0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """A filter split into bounds and rest: numbers above `above` and up to `until`, and all other conditions.

    `exact` is set where the filter asks for a single number.
    """

    above: Bound
    until: Bound
    rest: str | None = field(repr=False)
    exact: bool = False

    @property
    def two_sided(self) -> bool:
        """Whether two conditions on the number are needed, where the server takes one."""
        return self.above != LOWEST and self.until != HIGHEST and not self.exact


@dataclass(frozen=True, slots=True)
class ListCall:
    """One list of one study, with the caller's filter.

    Attributes:
        filter: the expression for the server.
        query: further query parameters of this list.
        page_size: rows per request.
        keep: a test of one row, for filters that the server does not apply.
        kept_by: attributes that `keep` tests.
        kept_for: the tests of `keep`, as clauses.
        options: settings of this call.
    """

    operation: Operation
    study_key: str | None
    filter: str | None = field(default=None, repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    page_size: int = 500
    keep: Callable[[Any], bool] | None = field(default=None, repr=False)
    kept_by: tuple[str, ...] = ()
    kept_for: tuple[str, ...] = field(default=(), repr=False)
    options: CallOptions = AS_CLIENT

    @property
    def facts(self) -> PageFacts:
        """How the list is paged."""
        facts = self.operation.page
        assert facts is not None
        return facts

    def request(self, number: int, size: int, *, newest: bool = False) -> Request:
        """One page of the list as the caller filters it, in the order of the identity; `newest` reverses it."""
        return self._request(number, size, self.filter, newest=newest)

    def beyond(self, above: Bound, size: int, *, newest: bool = False) -> Request:
        """The first rows above a number; bounds on the number in the caller's filter are left out."""
        return self._request(0, size, self._with(">", above), newest=newest)

    def below(self, number: int) -> Request:
        """One row below a number, for the count of those below."""
        return self._request(0, 1, self._with("<", number))

    def recent(self, field: str, size: int) -> Request:
        """The rows with the latest values of a field, such as `dateModified`, in one answer with the count of all."""
        return self._request(0, size, self.filter, sort=(f"{field},desc",))

    def counts(self) -> list[Request]:
        """Requests that count the rows: the total of the first, minus that of the second if there is one."""
        bounds = self.bounds()
        if bounds is None or not bounds.two_sided:
            return [self.request(0, 1)]
        return [self.beyond(bounds.above, 1), self.beyond(bounds.until, 1)]

    def _with(self, operator: str, number: Bound) -> str | None:
        bounds = self.bounds()
        clause = f"{self.facts.number}{operator}{number}" if number not in (LOWEST, HIGHEST) else None
        return filters.joined(bounds.rest if bounds else self.filter, clause)

    def _request(
        self, number: int, size: int, expression: str | None, *, newest: bool = False, sort: tuple[str, ...] = ()
    ) -> Request:
        query: list[tuple[str, Any]] = [("page", number), ("size", size)]
        direction = "desc" if newest else "asc"
        query += [("sort", part) for part in sort or [f"{name},{direction}" for name in self.facts.order]]
        if expression is not None:
            query.append(("filter", expression))
        path = {} if self.study_key is None else {"study_key": self.study_key}
        return self.operation.request(path=path, query=[*query, *self.query])

    def bounds(self) -> Bounds | None:
        """The filter split into bounds on the number and the rest; `None` when it cannot be split."""
        clauses = filters.clauses_if_conjunction(self.filter) if self.filter else []
        if clauses is None:
            return None
        above, until, rest, exact = LOWEST, HIGHEST, [], False
        for name, operator, value in clauses:
            if name != self.facts.number:
                rest.append(f"{name}{operator}{value}")
                continue
            if operator not in ("<", "<=", ">", ">=", "==") or not _WHOLE.fullmatch(value):
                return None
            number = int(value)
            exact = exact or operator == "=="
            if operator in (">", ">=", "=="):
                above = max(above, number - (operator != ">"))
            if operator in ("<", "<=", "=="):
                until = min(until, number - (operator == "<"))
        return Bounds(above, until, ";".join(rest) or None, exact)

    def why_no_intervals(self) -> str | None:
        """Why the list cannot be read by intervals; `None` when it can."""
        if self.facts.number is None:
            return "this list has no number that only grows"
        if self.bounds() is None:
            return "the filter is not a plain AND, so no interval of numbers can be joined to it safely"
        return None

    def token(self, after: int) -> str:
        """A token for `pages(resume=token)`, which reads what comes after this identity."""
        text = json.dumps([self._digest(), after], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode()

    def after(self, token: str) -> int:
        """The identity in a token. Raises ArgumentError for the token of another call, or a text that is no token."""
        try:
            digest, after = json.loads(base64.urlsafe_b64decode(token.encode()))
            if type(after) is not int:
                raise TypeError
        except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
            raise ArgumentError("resume is not the token of a page: pass page.token of an earlier read") from None
        if digest != self._digest():
            raise ArgumentError("resume belongs to another list, study or filter: repeat the call it came from")
        return after

    def _digest(self) -> int:
        """A checksum that tells calls apart, and is so short that it does not reveal what a call filters by."""
        facts = (self.operation.name, self.study_key, self.filter, self.query, self.kept_for)
        return zlib.crc32(repr(facts).encode("utf-8", "surrogatepass")) & 0xFFF
