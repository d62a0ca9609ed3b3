"""Lists whose rows are made when they are asked for, with what was changed since on top."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, Protocol

from ..invent.design import Row

KEYS: dict[str, tuple[str, ...]] = {
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
"""Path of a list -> what tells its rows apart and breaks ties of its sorting."""

DEFAULT_SORT = {name: key[0] for name, key in KEYS.items()} | {"variables": "formId", "codings": "formId"}
"""Path of a list -> what it is sorted by when a request does not say."""

NESTED = ("keywords", "roles", "forms", "queryComments", "recordData")
"""Fields that hold a list or an object: nothing to sort or filter by."""


def own(row: Row) -> Row:
    """A copy of a row that shares nothing with it."""
    return {name: deepcopy(value) if isinstance(value, (list, dict)) else value for name, value in row.items()}


class Source(Protocol):
    """Rows as the generator makes them, in the order of their identity."""

    def __len__(self) -> int: ...
    def row(self, place: int) -> Row:
        """The row at a place, made anew."""

    def values(self, field: str) -> Iterable[Any]:
        """One field of all rows, in order."""


class Fixed:
    """Rows that are few enough to be kept."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, place: int) -> Row:
        return own(self._rows[place])

    def values(self, field: str) -> Iterable[Any]:
        return (row[field] for row in self._rows)


class Table:
    """One list of a study. Places never move: a removed row leaves its place empty, an added one gets the next."""

    def __init__(self, name: str, source: Source, fields: Sequence[str]) -> None:
        self.name = name
        self.fields = tuple(fields)
        self.version = 0
        self.source = source
        self._size = len(source)
        self._added: list[Row] = []
        self._changed: dict[int, Row] = {}
        self._removed: set[int] = set()
        self._kept: tuple[tuple[int, int], Sequence[int]] = ((0, 0), ())

    @property
    def scalars(self) -> set[str]:
        """Fields the list can be sorted and filtered by."""
        return set(self.fields) - set(NESTED)

    @property
    def next_number(self) -> int:
        """A free number, larger than any other."""
        last = self._added[-1] if self._added else self.row(self._size - 1) if self._size else None
        return int(last[KEYS[self.name][0]]) + 3 if last else 1

    @property
    def room(self) -> int:
        """How many places there are, empty ones too."""
        return self._size + len(self._added)

    def __len__(self) -> int:
        return self.room - len(self._removed)

    def places(self) -> Sequence[int]:
        """Places of all rows, in the order of their identity."""
        everything = range(self.room)
        if not self._removed:
            return everything
        state = (self.room, len(self._removed))
        if self._kept[0] != state:
            self._kept = (state, array("l", (place for place in everything if place not in self._removed)))
        return self._kept[1]

    def is_original(self, place: int) -> bool:
        """Whether the row at a place is as the study was made."""
        return place < self._size and place not in self._changed

    def row(self, place: int) -> Row:
        """A row, without the answers if it is a record. It is the caller's own: changing it changes nothing here."""
        if place >= self._size:
            return own(self._added[place - self._size])
        changed = self._changed.get(place)
        return own(changed) if changed is not None else self.source.row(place)

    def rows(self) -> Iterator[Row]:
        """All rows."""
        return (self.row(place) for place in self.places())

    def values(self, field: str) -> Iterator[Any]:
        """One field of every place, removed ones too."""
        if not self._changed:
            yield from self.source.values(field)
        else:
            for place, value in enumerate(self.source.values(field)):
                changed = self._changed.get(place)
                yield value if changed is None else changed.get(field)
        for row in self._added:
            yield row.get(field)

    def find(self, field: str, value: Any) -> int | None:
        """The place of the first row with this value."""
        for place, found in enumerate(self.values(field)):
            if found == value and place not in self._removed:
                return place
        return None

    # ---- changing

    def _there(self, place: int) -> None:
        if not 0 <= place < self.room or place in self._removed:
            raise IndexError(f"{self.name} has no row at place {place}")

    # Nothing is checked but places: tests of clients want to be served what no server should serve.

    def add(self, row: Row) -> int:
        """Put a row at the end and give its place; a number that grows is the caller's business."""
        self._added.append(own(row))
        self.version += 1
        return self.room - 1

    def change(self, place: int, **fields: Any) -> Row:
        """Change fields of the row at a place, as in `change(3, siteName="Elsewhere")`; gives the row.

        Raises:
            IndexError: when there is no row at that place.
        """
        self._there(place)
        row = {**self.row(place), **fields}
        if place >= self._size:
            self._added[place - self._size] = row
        else:
            self._changed[place] = row
        self.version += 1
        return own(row)

    def remove(self, place: int) -> None:
        """Take the row at a place out, as the real server never does: for tests of clients.

        Raises:
            IndexError: when there is no row at that place.
        """
        self._there(place)
        self._removed.add(place)
        self.version += 1


def numbered(first: int, rank: int, salt: int) -> int:
    """A number that grows with the rank, with gaps: `first + 3 * rank` and a little."""
    return first + 3 * rank + (rank * 2654435761 + salt * 40503 >> 9) % 3
