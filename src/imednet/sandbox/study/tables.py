"""`Table`: a list of a study whose rows are computed when asked for, with later changes laid over them.

Here are also the identity of each list (`KEYS`) and the interface that computes rows (`Source`). What the rows hold is
in `records`, `users_revisions`, `queries_codings` and `study`; filters and sorting are in `server.lists`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, Protocol

from ..invent.design import Row
from .described_lists import DESCRIBED

INVENTED: dict[str, tuple[str, ...]] = {
    "studies": ("studyKey",),
    "sites": ("siteId",),
    "forms": ("formId",),
    "intervals": ("intervalId",),
    "variables": ("variableId",),
    "subjects": ("subjectId",),
    "visits": ("visitId",),
    "records": ("recordId",),
    "recordRevisions": ("recordRevisionId",),
    "queries": ("annotationId",),
    "codings": ("codingId", "revision"),
    "users": ("login", "userId"),
}
"""Path of a list of the invented study -> the fields that identify a row."""

KEYS = INVENTED | {name: tuple(facts["key"]) for name, facts in DESCRIBED.items()}
"""Path of a list -> the fields that identify a row; they also break ties when sorting."""

DEFAULT_SORT = {name: key[0] for name, key in KEYS.items()} | {"variables": "formId", "codings": "formId"}
"""Path of a list -> the field it is sorted by when a request names none."""

NESTED = ("keywords", "roles", "forms", "queryComments", "recordData")
"""Fields that hold a list or an object: they can be neither sorted nor filtered by."""


def copy_row(row: Row) -> Row:
    """A deep copy of a row."""
    return {name: deepcopy(value) if isinstance(value, (list, dict)) else value for name, value in row.items()}


class Source(Protocol):
    """Computes the rows of a list, in the order of their identity."""

    def __len__(self) -> int: ...
    def row(self, place: int) -> Row:
        """The row at a place, newly made: callers may change it."""

    def values(self, field: str) -> Iterable[Any]:
        """The values of one field in all rows, in order."""


class FixedRows:
    """A source whose rows are few enough to keep in memory."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, place: int) -> Row:
        return copy_row(self._rows[place])

    def values(self, field: str) -> Iterable[Any]:
        return (row[field] for row in self._rows)


class Table:
    """One list of a study.

    A place is the index of a row, and it never moves: a removed row leaves its place empty, an added row gets the next.
    """

    def __init__(self, name: str, source: Source, fields: Sequence[str]) -> None:
        self.name = name
        self.fields = tuple(fields)
        self.version = 0
        self.source = source
        self._size = len(source)
        self._added: list[Row] = []
        self._changed: dict[int, Row] = {}
        self._removed: set[int] = set()
        self._places_kept: tuple[tuple[int, int], Sequence[int]] = ((0, 0), ())

    @property
    def scalars(self) -> set[str]:
        """The fields the list can be sorted and filtered by."""
        return set(self.fields) - set(NESTED)

    @property
    def next_number(self) -> int:
        """A number for a new row, larger than any in the list."""
        last = self._added[-1] if self._added else self.row(self._size - 1) if self._size else None
        return int(last[KEYS[self.name][0]]) + 3 if last else 1

    @property
    def place_count(self) -> int:
        """The number of places, including empty ones."""
        return self._size + len(self._added)

    def __len__(self) -> int:
        return self.place_count - len(self._removed)

    def places(self) -> Sequence[int]:
        """The places of all rows, in the order of their identity."""
        all_places = range(self.place_count)
        if not self._removed:
            return all_places
        state = (self.place_count, len(self._removed))
        if self._places_kept[0] != state:
            self._places_kept = (state, array("l", (place for place in all_places if place not in self._removed)))
        return self._places_kept[1]

    def is_original(self, place: int) -> bool:
        """Whether the row at a place is still as generated."""
        return place < self._size and place not in self._changed

    def row(self, place: int) -> Row:
        """A copy of the row at a place; a record comes without its answers."""
        if place >= self._size:
            return copy_row(self._added[place - self._size])
        changed = self._changed.get(place)
        return copy_row(changed) if changed is not None else self.source.row(place)

    def rows(self) -> Iterator[Row]:
        """All rows, in the order of their identity."""
        return (self.row(place) for place in self.places())

    def values(self, field: str) -> Iterator[Any]:
        """The values of one field at every place, including those of removed rows."""
        if not self._changed:
            yield from self.source.values(field)
        else:
            for place, value in enumerate(self.source.values(field)):
                changed = self._changed.get(place)
                yield value if changed is None else changed.get(field)
        for row in self._added:
            yield row.get(field)

    def find(self, field: str, value: Any) -> int | None:
        """The place of the first row with this value in a field, or None."""
        for place, candidate in enumerate(self.values(field)):
            if candidate == value and place not in self._removed:
                return place
        return None

    # ---- changing

    def _require_row(self, place: int) -> None:
        if not 0 <= place < self.place_count or place in self._removed:
            raise IndexError(f"{self.name} has no row at place {place}")

    # Only places are checked: tests of clients want to be served what no real server would send.

    def add(self, row: Row) -> int:
        """Append a row and return its place; giving it a free number (`next_number`) is up to the caller."""
        self._added.append(copy_row(row))
        self.version += 1
        return self.place_count - 1

    def change(self, place: int, **fields: Any) -> Row:
        """Change fields of the row at a place, as in `change(3, siteName="Elsewhere")`; returns the row.

        Raises:
            IndexError: if there is no row at that place.
        """
        self._require_row(place)
        row = {**self.row(place), **fields}
        if place >= self._size:
            self._added[place - self._size] = row
        else:
            self._changed[place] = row
        self.version += 1
        return copy_row(row)

    def remove(self, place: int) -> None:
        """Remove the row at a place, which the real server never does: for tests of clients.

        Raises:
            IndexError: if there is no row at that place.
        """
        self._require_row(place)
        self._removed.add(place)
        self.version += 1


def number_with_gaps(first: int, rank: int, salt: int) -> int:
    """A number that grows with the rank, with gaps: `first + 3 * rank` plus 0, 1 or 2."""
    return first + 3 * rank + (rank * 2654435761 + salt * 40503 >> 9) % 3
