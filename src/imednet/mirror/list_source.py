"""One list of a study on the server, as a mirror asks for it: its head, its changes, its counts, all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

from imednet_api.types import utc

from ..core.decoding.page import Lines, Page, read_page
from ..core.filtering.grammar import joined
from ..core.reading.answer import as_number
from ..core.reading.fetch import drive
from ..core.reading.list_call import HIGHEST, LOWEST, Bound, ListCall
from ..core.reading.proof import Proof
from ..core.reading.whole_read import WholeRead
from ..errors import BadRequestError
from ..resources import RESOURCES
from ..sdk import ImednetSDK

OVERLAP: Final = timedelta(minutes=15)
"""Rows that were changed this long before the last known change are read again: a change may become visible late."""
_DATES: Final = ("dateModified", "dateCoded", "dateCreated")
_DIGITS: Final = 19
FORM_FIELDS: Final = ("formId", "formKey")


class ReadRow(NamedTuple):
    """One row as it was read: its key in the mirror, its line, and the form it is of, if it is a record."""

    key: str
    line: bytes
    group: tuple[Any, ...]


@dataclass(frozen=True)
class Head:
    """The rows that were changed last, and the count of the list, from one answer.

    Attributes:
        rows: the rows, the latest change first.
        dates: when each was changed.
        total: rows of the list.
        whole: whether these are all rows of the list.
        digest: digest of the answer.
        server_time: as the server writes it.
    """

    rows: Sequence[ReadRow]
    dates: Sequence[datetime]
    total: int
    whole: bool
    digest: str
    server_time: str | None

    @property
    def newest(self) -> datetime | None:
        """The latest change, never later than the server's own time, so that a date in the future hides nothing.

        `None` where the server tells no time.
        """
        now = utc(self.server_time)
        return min(self.dates[0], now) if now is not None and self.dates else None

    def reaches(self, moment: datetime) -> bool:
        """Whether it has all rows that were changed at a moment or later."""
        return self.whole or (bool(self.dates) and self.dates[-1] < moment)

    @property
    def proof(self) -> Proof:
        """The proof of the list, where the head is all of it."""
        return Proof(
            "proven", "one answer", self.total, len(self.rows), server_from=self.server_time, server_to=self.server_time
        )


class ListSource:
    """A list of a study.

    Attributes:
        date: the field that says when a row was changed last; `None` where rows have none.
        number: the field by which ranges can be counted; `None` where rows have no number.
        requests: requests sent so far.
        head_rows: rows of a head, and of a range that is read rather than halved.
    """

    head_rows: ClassVar[int] = 500

    def __init__(self, sdk: ImednetSDK, study_key: str, name: str) -> None:
        resource = RESOURCES[name]
        endpoint = getattr(sdk, name)
        self._client = sdk._client
        (self._call,) = endpoint._calls(study_key, attributes=resource.wide)
        facts, fields = self._call.facts, self._call.operation.item.FIELDS
        self.name = name
        self.date = next((field for field in _DATES if field in fields), None)
        self.number = facts.number if "filter" in self._call.operation.query_parameters else None
        self._extra = FORM_FIELDS if name == "records" else ()
        shown = (*self._extra, self.date) if self.date else self._extra
        self._read = read_page(self._call.operation, Lines(shown), self._call.study_key)
        self.requests = 0

    def head(self) -> Head | None:
        """The rows that were changed last. `None` where the server does not sort by date, or rows have no date."""
        if self.date is None:
            page = self._fetch(self._call.request(0, self.head_rows))
            if page.total > len(page.rows):
                return None
            return self._head(page, [])
        try:
            page = self._fetch(self._call.recent(self.date, self.head_rows))
        except BadRequestError:
            return None
        whole = page.total == len(page.rows)
        dates = [utc(row[-1]) for row in page.rows]
        known = [date for date in dates if date is not None]
        if not whole and (len(known) < len(dates) or known != sorted(known, reverse=True)):
            return None
        return self._head(page, known if len(known) == len(dates) else [])

    def _head(self, page: Page, dates: list[datetime]) -> Head:
        rows = list(self._rows(page))
        digest = hashlib.blake2b(str(page.total).encode(), digest_size=16)
        for row in sorted(rows, key=lambda row: row.key):  # rows of one time may come in any order
            digest.update(row.line)
        return Head(rows, dates, page.total, page.total == len(rows), digest.hexdigest(), page.server_time)

    def all_rows(self, tell: Callable[[int, int], None] | None = None) -> RowStream:
        """All rows."""
        return RowStream(self, self._call, tell)

    def changed_since(self, moment: datetime) -> RowStream:
        """The rows changed at a moment or later. Raises BadRequestError where the server refuses to filter by it."""
        return self.filtered(f"{self.date}>={moment.strftime('%Y-%m-%dT%H:%M:%SZ')}")

    def between(self, above: Bound, until: Bound) -> RowStream:
        """The rows whose number is above one and up to another."""
        clauses = [f"{self.number}>{above}"] if above != LOWEST else []
        clauses += [f"{self.number}<={until}"] if until != HIGHEST else []
        return self.filtered(joined(*clauses))

    def filtered(self, expression: str | None) -> RowStream:
        """The rows that meet a filter."""
        return RowStream(self, replace(self._call, filter=joined(self._call.filter, expression)), None)

    def count(self, above: Bound = LOWEST) -> int:
        """Rows the server has, or those above a number."""
        return self._fetch(self._call.request(0, 1) if above == LOWEST else self._call.beyond(above, 1)).total

    def _fetch(self, request: Any) -> Page:
        self.requests += 1
        return self._client.fetch(request, self._read, self._call.study_key)

    def _rows(self, page: Page) -> Iterator[ReadRow]:
        shown = len(self._extra)
        for row, identity in zip(page.rows, page.identities, strict=True):
            yield ReadRow(key_of(identity), bytes(row[0]), form_of(row[1 : 1 + shown]) if shown else ())


class RowStream:
    """Rows of one read; `proof` is set at its end."""

    def __init__(self, source: ListSource, call: ListCall, tell: Callable[[int, int], None] | None) -> None:
        self._source = source
        self._call = call
        self._tell = tell
        self.proof: Proof | None = None

    def __iter__(self) -> Iterator[ReadRow]:
        source = self._source
        read = WholeRead(self._call, ahead=source._client.max_in_flight - 1)
        count = 0
        try:
            for page in drive(source._client, read, source._read):
                count += len(page.rows)
                if self._tell is not None:
                    self._tell(count, max(count, page.total))
                yield from source._rows(page)
        finally:
            source.requests += read.requests
        self.proof = read.proof


def form_of(values: Iterable[Any]) -> tuple[Any, ...]:
    """The form of a record by its id and key; a list or an object identifies none."""
    return tuple([None if isinstance(value, (list, dict)) else value for value in values])


def key_of(identity: Any) -> str:
    """The key of a row in the mirror: its identity as text, its parts joined by a slash.

    >>> key_of(5000017), key_of((12, 3)), key_of(("", "wsmith1"))
    ('5000017', '12/3', '/wsmith1')
    """
    return "/".join(map(str, identity)) if isinstance(identity, tuple) else str(identity)


def number_of(key: str) -> int | None:
    """The number of a row by its key; `None` where it has none.

    >>> number_of("12/3"), number_of("/wsmith1")
    (12, None)
    """
    return int(key) if key.isdecimal() and key.isascii() and len(key) < _DIGITS else as_number(key.partition("/")[0])
