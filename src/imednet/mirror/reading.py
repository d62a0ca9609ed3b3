"""The reading half of a sync: what changed in each list since the last snapshot, spooled on disk.

A list is asked in this order, and no further than needed:

1. its head, the 500 rows that were changed last: if it is the answer of last time, nothing changed;
2. if the head does not reach back to the last snapshot, the rows changed since then, by a filter on the date;
3. its count: where it is not what these rows make it, counts over ranges of numbers, halved each time, lead to ranges
   whose rows are read again. Rows that are gone are found like this, and rows that came late under an old number.

Where the server does not sort or filter by date, all rows are read and compared.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, Literal

from imednet_api.types import utc

from ..core.reading.list_call import HIGHEST, LOWEST
from ..core.reading.proof import Proof
from ..errors import BadRequestError, IncompleteReadError, NotFoundError
from ..integrations.run.spool import Spool
from .commits import ListState
from .list_source import OVERLAP, Head, ListSource, ReadRow, number_of
from .versions import Versions

Mode = Literal["unchanged", "some", "all", "absent", "lost"]
REQUIRED: Final = frozenset({"studies", "sites", "forms", "variables", "subjects", "records"})
"""Lists that every study has: a 404 for one of them is a failure, never an empty list."""
_SEARCHES: Final = 4
"""How often ranges are searched while people keep working on the list."""
_SPOOLED: Final = 2_000
COMPARE_EVERY: Final = timedelta(days=7)
_log = logging.getLogger("imednet")


@dataclass
class ListChange:
    """What was read of a list.

    Attributes:
        name: the list.
        mode: `unchanged`; `some` rows were read; `all` of them; the server has no such list (`absent`), or has it no
            more (`lost`).
        groups: keys of the spool that hold its rows.
        gone: keys of rows that are no longer there, where some rows were read; else they are found by comparison.
        keys: keys of the rows that were read, where some were.
        head: the head.
        proof: proof of the read of all rows.
        highest: the highest number that was read.
        rows: rows that the list has.
        compared: whether all rows were read to find changes that have no date.
    """

    name: str
    mode: Mode = "unchanged"
    groups: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    head: Head | None = None
    proof: Proof | None = None
    highest: int | None = None
    rows: int = 0
    compared: bool = False

    @property
    def server_time(self) -> str | None:
        """Server time of the last answer that was used."""
        if self.proof is not None and self.proof.server_to is not None:
            return self.proof.server_to
        return self.head.server_time if self.head is not None else None


class _NoNumber(Exception):
    """A row without a number."""


class ChangeReader:
    """Reads what changed in the lists of a study.

    Args:
        spool: where rows go; a line is the row's key as JSON, a tab, and the row.
        versions: the rows of the last snapshot.
        number: number of that snapshot.
        strip: removes from a row what the mirror must not hold, given its list and its form.
        tell: called with a list, the rows read and the rows there are.
    """

    def __init__(
        self,
        spool: Spool,
        versions: Versions,
        number: int,
        strip: Callable[[str, tuple[Any, ...], bytes], bytes],
        tell: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self._spool = spool
        self._versions = versions
        self._number = number
        self._strip = strip
        self._tell = tell
        self.warnings: list[str] = []

    def read(
        self, source: ListSource, known: ListState | None, tables: Sequence[str], compare: bool | None = None
    ) -> ListChange:
        """Read what changed in a list.

        Args:
            source: the list.
            known: its state at the last snapshot; `None` at the first.
            tables: tables that hold its rows.
            compare: read all rows, whatever the head says; `None` to do so when that was last done a week ago.

        Raises:
            IncompleteReadError: the list and its rows do not agree, however often they are read.
        """
        change = ListChange(source.name)
        if known is not None and known.absent:
            known = None
        if self._tell is not None:
            self._tell(source.name, 0, known.count if known is not None else 0)
        try:
            change.head = head = source.head()
        except NotFoundError:
            if source.name in REQUIRED:
                raise
            self._absent(change, known)
            return change
        if known is not None and known.lost:
            compare = True
        same = known is not None and not known.lost and head is not None and _same(head, known)
        if head is not None and head.whole:
            if not same or compare:
                self._take_all(change, head.rows, head.proof)
                change.rows = head.total
                change.compared = bool(compare) and known is not None
        elif known is None or compare or (compare is None and _is_due(head, known)):
            self._read_all(source, change)
            change.compared = known is not None
        elif not same:
            self._read_some(source, change, known, tables)
        return change

    def read_again(self, source: ListSource, change: ListChange) -> None:
        """Read all rows of a list that the server has, whatever was read of it; nothing of them is hidden here."""
        if change.mode not in ("absent", "lost"):
            self._read_all(source, change, strip=False)

    def _absent(self, change: ListChange, known: ListState | None) -> None:
        """Take note of a list that the server does not have."""
        change.mode = "absent" if known is None else "lost"
        what = "has no such list" if known is None else "no longer has this list; its rows stay as they were"
        self.warnings.append(f"{change.name}: the server {what}")

    # ---- all rows

    def _read_all(self, source: ListSource, change: ListChange, *, strip: bool = True) -> None:
        tell = self._tell
        stream = source.all_rows(None if tell is None else lambda done, total: tell(source.name, done, total))
        self._take_all(change, stream, None, strip=strip)
        assert stream.proof is not None
        change.proof, change.rows = stream.proof, stream.proof.rows

    def _take_all(
        self, change: ListChange, rows: Iterable[ReadRow], proof: Proof | None, *, strip: bool = True
    ) -> None:
        for group in change.groups:  # of an attempt to read some
            self._spool.drop(group)
        change.groups.clear()
        change.mode, change.proof, change.keys, change.gone = "all", proof, set(), set()
        self._take(change, rows, remember=False, strip=strip)

    # ---- some rows

    def _read_some(self, source: ListSource, change: ListChange, known: ListState, tables: Sequence[str]) -> None:
        """Read the rows that were changed, then those that the count says are gone or came late."""
        head, newest = change.head, utc(known.newest)
        if head is None or newest is None:
            reason = "rows have no date of change"
            if source.date:
                reason = "it does not sort by the date of change" if head is None else "its answers have no time"
            self._compare_instead(source, change, reason)
            return
        change.mode = "some"
        total = head.total
        since = newest - OVERLAP
        if not head.reaches(since):
            try:
                self._take(change, source.changed_since(since))
            except BadRequestError:
                self._compare_instead(source, change, f"the server refuses to filter by {source.date}")
                return
            left_out = {row.key for row, date in zip(head.rows, head.dates, strict=True) if date >= since} - change.keys
            if len(left_out) > source.head_rows // 2:
                self._compare_instead(source, change, f"its filter by {source.date} leaves out changed rows")
                return
            total = source.count()
        self._take(change, [row for row in head.rows if row.key not in change.keys])
        current = self._current(tables, change.keys)
        change.rows = known.count + len(change.keys - current)
        if total == change.rows:
            return
        if source.number is None:
            self._compare_instead(source, change, "rows are gone, and it cannot count ranges of them")
            return
        read = len(change.keys)
        try:
            self._search(source, change, tables, change.keys - current)
        except BadRequestError:
            self._compare_instead(source, change, f"the server refuses to filter by {source.number}")
            return
        except _NoNumber:
            self._compare_instead(source, change, "rows are gone, and rows without a number cannot be counted by range")
            return
        if not change.gone and len(change.keys) == read and total != change.rows:  # no range differs, and yet the whole
            again = source.head()
            if again is None or again.total != change.rows:
                raise self._disagree(source)

    def _compare_instead(self, source: ListSource, change: ListChange, reason: str) -> None:
        self.warnings.append(f"{source.name}: {reason}, so all rows are read and compared")
        _log.warning("mirror: %s: %s, so all rows are read and compared", source.name, reason)
        self._read_all(source, change)

    def _current(self, tables: Sequence[str], keys: Collection[str]) -> set[str]:
        found = self._versions.current_keys(tables, keys, self._number)
        return {key for some in found.values() for key in some}

    def _search(self, source: ListSource, change: ListChange, tables: Sequence[str], new: set[str]) -> None:
        """Find by counting which ranges of numbers the server and the mirror do not agree on, and read them."""
        numbers = self._versions.numbers(tables, self._number)
        if len(numbers) + len(new) != change.rows:
            raise _NoNumber
        for key in new:
            numbers.append(_numbered(key))
        numbers.sort()
        for _ in range(_SEARCHES):
            total = source.count()
            if total == len(numbers):
                change.rows = total
                return
            for above, until in list(_deviating(source, numbers, LOWEST, HIGHEST, total, 0, 0, len(numbers))):
                rows = {row.key: row for row in source.between(above, until)}
                held = self._versions.keys_between(tables, above, until, self._number) - change.gone
                held |= {key for key in new if above < _numbered(key) <= until}
                change.gone |= held - rows.keys()
                change.gone -= rows.keys()
                new = (new - change.gone) | (rows.keys() - held)
                self._take(change, [row for key, row in rows.items() if key not in change.keys])
                start, end = bisect_right(numbers, above), bisect_right(numbers, until)
                numbers[start:end] = sorted(map(_numbered, rows))
        raise self._disagree(source)

    def _disagree(self, source: ListSource) -> IncompleteReadError:
        return IncompleteReadError(
            f"{source.name}: the rows of the mirror and the counts of the server do not agree, however often they are "
            "asked for. Nothing was written. Next: run the sync again, or with --reconcile, which reads all rows"
        )

    # ---- the spool

    def _take(self, change: ListChange, rows: Iterable[ReadRow], *, remember: bool = True, strip: bool = True) -> None:
        """Spool rows, those of each form apart."""
        held: dict[str, list[bytes]] = {}
        terms = change.name == "codings"
        for count, row in enumerate(rows, 1):
            group = change.name if not row.group else group_name(change.name, row.group)
            line = self._strip(change.name, row.group, row.line) if strip and (row.group or terms) else row.line
            held.setdefault(group, []).append(spooled(row.key, line))
            if remember:
                change.keys.add(row.key)
            number = number_of(row.key)
            if number is not None and (change.highest is None or number > change.highest):
                change.highest = number
            if count % _SPOOLED == 0:
                self._put(change, held)
        self._put(change, held)

    def _put(self, change: ListChange, held: dict[str, list[bytes]]) -> None:
        for group, lines in held.items():
            self._spool.append(group, lines)
            change.groups.add(group)
        held.clear()

    def take_more(self, change: ListChange, rows: Iterable[ReadRow]) -> None:
        """Spool further rows of a list, as they are: by the design that is written, nothing of them is hidden."""
        self._take(change, rows, strip=False)


@lru_cache(maxsize=1024)
def group_name(name: str, group: tuple[Any, ...]) -> str:
    """The key in the spool of the rows of a list that are of one form."""
    return json.dumps([name, *group])


def spooled(key: str, line: bytes) -> bytes:
    """A row as it stands in the spool; `unspooled` reads it."""
    return (b'"%b"' % key.encode() if key.isalnum() else json.dumps(key).encode()) + b"\t" + line


def unspooled(entry: bytes) -> tuple[str, bytes]:
    r"""The key of a row of the spool, and its line with the line break.

    >>> unspooled(spooled("5000017", b'{"recordId": 5000017}') + b"\n")
    ('5000017', b'{"recordId": 5000017}\n')
    """
    key, _, line = entry.partition(b"\t")
    return (json.loads(key) if b"\\" in key else key[1:-1].decode()), line


def _is_due(head: Head | None, known: ListState) -> bool:
    """Whether all rows were last read a week ago, by the server's clock."""
    now, last = utc(head.server_time if head is not None else None), utc(known.whole)
    return now is not None and (last is None or now - last >= COMPARE_EVERY)


def _same(head: Head, known: ListState) -> bool:
    """Whether the head is that of the last snapshot, and reaches back to it, so that nothing changed.

    A head that is full of rows of one burst may hide a change at the same second.
    """
    if (head.digest, head.total) != (known.head, known.total):
        return False
    asked = utc(known.asked)
    return head.whole or (asked is not None and bool(head.dates) and head.dates[-1] < asked - OVERLAP)


def _numbered(key: str) -> int:
    number = number_of(key)
    if number is None:
        raise _NoNumber
    return number


def _deviating(
    source: ListSource,
    numbers: Sequence[int],
    above: float,
    until: float,
    total_above: int,
    total_beyond: int,
    low: int,
    high: int,
) -> Iterator[tuple[float, float]]:
    """Ranges of numbers in which the server has another count of rows than `numbers[low:high]`, by halving."""
    if total_above - total_beyond == high - low:
        return
    middle = low
    if high - low > source.head_rows:
        bound = numbers[(low + high) // 2 - 1]
        middle = bisect_right(numbers, bound, low, high)
    if not low < middle < high:
        yield above, until
        return
    total_middle = source.count(bound)
    yield from _deviating(source, numbers, above, bound, total_above, total_middle, low, middle)
    yield from _deviating(source, numbers, bound, until, total_middle, total_beyond, middle, high)
