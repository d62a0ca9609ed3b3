"""One list of one study as the caller wants it, and the requests that read it."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from imednet_api.types import Operation, PageFacts, Request

from ...errors import ArgumentError
from .. import filters
from ..options import AS_CLIENT, CallOptions

LOWEST = -(2**63)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A filter taken apart: identities above `above` and up to `until`, and what else it demands."""

    above: int
    until: int | None
    rest: str | None


@dataclass(frozen=True, slots=True)
class ListCall:
    """One list of one study, with the caller's filter.

    Attributes:
        filter: what the server is asked to filter.
        query: further parameters of this list alone.
        page_size: rows a request.
        keep: what is filtered here instead, a test of one row.
        kept_by: attributes that `keep` looks at.
        kept_for: what it tests, as clauses.
        options: what the caller wants otherwise than the client.
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

    def request(
        self,
        number: int,
        size: int,
        *,
        newest: bool = False,
        below: int | None = None,
        above: int | None = None,
    ) -> Request:
        """One page, in the order of a whole read.

        Args:
            newest: turn the order round.
            below: only identities up to this one: the fence.
            above: only identities beyond this one, which takes the place of what the filter says of the identity.
        """
        if above is not None:
            bounds = self.bounds()
            expression = filters.joined(bounds.rest if bounds else self.filter, f"{self.facts.fence}>{above}")
        else:
            fence = f"{self.facts.fence}<={below}" if below is not None else None
            expression = filters.joined(self.filter, fence)
        query: list[tuple[str, Any]] = [("page", number), ("size", size)]
        direction = "desc" if newest else "asc"
        query += [("sort", f"{name},{direction}") for name in self.facts.order]
        if expression is not None:
            query.append(("filter", expression))
        path = {} if self.study_key is None else {"study_key": self.study_key}
        return self.operation.request(path=path, query=[*query, *self.query])

    def bounds(self) -> Bounds | None:
        """What the filter says of the identity and what it says else; `None` when it cannot be taken apart."""
        clauses = filters.clauses_if_conjunction(self.filter) if self.filter else []
        if clauses is None:
            return None
        above, until, rest = LOWEST, 2**63, []
        for name, operator, value in clauses:
            if name != self.facts.fence:
                rest.append(f"{name}{operator}{value}")
                continue
            if operator not in ("<", "<=", ">", ">=", "==") or not value.lstrip("-").isdecimal():
                return None
            number = int(value)
            if operator in (">", ">=", "=="):
                above = max(above, number - (operator != ">"))
            if operator in ("<", "<=", "=="):
                until = min(until, number - (operator == "<"))
        return Bounds(above, until if until < 2**63 else None, ";".join(rest) or None)

    def why_no_ranges(self) -> str | None:
        """Why no range of identities can be asked for; `None` when it can."""
        if self.facts.fence is None:
            return "this list has no number that only grows"
        if self.bounds() is None:
            return "the filter is not a plain AND, so a range of identities cannot be joined to it safely"
        return None

    def must_read_by_ranges(self) -> bool:
        """Whether pages may shift though no row is made or deleted, or the fence cannot be joined to the filter.

        Identifiers and keys of a row and the time it was made never change; everything else may. A row whose identity
        has two parts (a coding and its revision) can be followed by a new one in the middle of the list.
        """
        if any(name == "recordDataFilter" for name, _ in self.query) or len(self.facts.key) > 1:
            return True
        clauses = filters.clauses_if_conjunction(self.filter) if self.filter else []
        names = [name for name, _, _ in clauses or []]
        return self.facts.fence in names or not all(map(filters.is_settled, names))

    def token(self, after: int) -> str:
        """Where to go on later: `pages(resume=token)` reads what comes after this identity."""
        text = json.dumps([self._digest(), after], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode()

    def after(self, token: str) -> int:
        """The identity to go on after. Raises ArgumentError for a token of another call, or no token at all."""
        try:
            digest, after = json.loads(base64.urlsafe_b64decode(token.encode()))
            if type(after) is not int:
                raise TypeError
        except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
            raise ArgumentError("resume is no token of a page: give page.token of an earlier read") from None
        if digest != self._digest():
            raise ArgumentError("resume belongs to another list, study or filter: repeat the call it came from")
        return after

    def _digest(self) -> int:
        """Tells calls apart, and is so short that many filters share it: it does not tell what a call filters by."""
        facts = (self.operation.name, self.study_key, self.filter, self.query, self.kept_for)
        return zlib.crc32(repr(facts).encode("utf-8", "surrogatepass")) & 0xFFF
