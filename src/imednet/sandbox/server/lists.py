"""Pages of lists: rows are filtered, sorted, cut into pages and encoded; results and encoded pages are cached.

The grammar of filters is in `expressions`, the spelling of rows in `dialect`, the rows themselves in `study`.
"""

from __future__ import annotations

import re
import threading
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import compress
from typing import Any, Generic, TypeVar

from ..invent.design import Row
from ..study.records import Records, blind
from ..study.study import Study
from ..study.tables import DEFAULT_SORT, KEYS, Table
from .dialect import RowSpelling, TypedAnswers
from .expressions import Refused, Test, Tree, check, holds, parse_answers_filter, parse_filter
from .messages import encoded, invalid
from .switches import Switches

MAX_SIZE = 500
DEFAULT_SIZE = 25
PAGE_MEMORY = 256 << 20
"""Size of the cache of encoded pages, in bytes."""
ROW_MEMORY = 160 << 20
"""Size of the cache of encoded rows, in bytes."""
RESULT_MEMORY = 16 << 20
"""Size of the cache of filtered and sorted lists, counting 4 for each row."""
GROUPS = ("intervalGroupId", "intervalGroupName")
"""Fields that visits can be filtered by although only intervals have them."""

Query = dict[str, list[str]]
Order = list[tuple[str, bool]]
Key = TypeVar("Key")
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """A cache of the values used last, up to a total weight."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """The value of a key, or None."""
        with self._lock:
            entry = self._held.get(key)
            if entry is not None:
                self._held.move_to_end(key)
            return entry[0] if entry else None

    def put(self, key: Key, value: Value, weight: int) -> None:
        """Keep a value; the least recently used ones make room for it."""
        with self._lock:
            if key in self._held or weight > self._limit:
                return
            self._held[key] = (value, weight)
            self._weight += weight
            while self._weight > self._limit:
                self._weight -= self._held.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._held.clear()
            self._weight = 0


class Lists:
    """Makes the pages of all lists of all studies."""

    def __init__(self, switches: Switches, write_lock: AbstractContextManager[Any]) -> None:
        self._switches = switches
        self._write_lock = write_lock
        self._spelling = RowSpelling(switches)
        self._typed_answers: dict[str, TypedAnswers] = {}
        self._pages: Cache[Any, bytes] = Cache(PAGE_MEMORY)
        self._rows: Cache[Any, bytes] = Cache(ROW_MEMORY)
        self._results: Cache[Any, tuple[Sequence[int], Order]] = Cache(RESULT_MEMORY)

    def forget(self) -> None:
        """Empty the caches, after a change of switches."""
        self._pages.clear()
        self._rows.clear()
        self._results.clear()

    def page(
        self,
        path: str,
        target: str,
        table: Table,
        study: Study | None,
        query: Query,
        unblinded: bool,
        clock: str,
    ) -> bytes:
        """The encoded body of one page."""
        key = (target, unblinded, table.version, clock)
        body = self._pages.get(key)
        if body is None:
            with self._write_lock:  # rows must not change while the page is made
                body = self._page(path, table, study, query, unblinded, clock)
                self._pages.put(key, body, len(body) + 300)
        return body

    def zipped(self, page: bytes) -> bytes:
        """A page compressed by gzip."""
        key = ("zipped", id(page), hash(page))
        body = self._pages.get(key)
        if body is None:
            compressor = zlib.compressobj(1, zlib.DEFLATED, 31)  # 31: with the header of gzip
            body = compressor.compress(page) + compressor.flush()
            self._pages.put(key, body, len(body) + 300)
        return body

    def _page(self, path: str, table: Table, study: Study | None, query: Query, unblinded: bool, clock: str) -> bytes:
        page = _number(query, "page", 0, 0, 2**31)
        size = _number(query, "size", DEFAULT_SIZE, 1, MAX_SIZE if not self._switches.on("sizeOver500") else 10**9)
        size = min(size, MAX_SIZE)
        places, order = self._result(table, study, query, unblinded)
        total = len(places)
        head = {
            "metadata": {"status": "OK", "method": "GET", "path": path, "timestamp": clock, "error": {}},
            "pagination": {
                "currentPage": page,
                "size": size,
                "totalPages": -(-total // size) or int(self._switches["emptyTotalPages"]),
                "totalElements": total,
                "sort": [{"property": name, "direction": "DESC" if down else "ASC"} for name, down in order],
            },
        }
        rows = [self._row(table, study, place, unblinded) for place in places[page * size : (page + 1) * size]]
        return encoded(head)[:-1] + b',"data":[' + b",".join(rows) + b"]}"

    def _row(self, table: Table, study: Study | None, place: int, unblinded: bool) -> bytes:
        """One encoded row. Unchanged rows are cached: making one costs as much as reading a hundred."""
        if not table.is_original(place):
            return encoded(self._visible_row(table, study, place, unblinded))
        key = (study.key if study else None, table.name, place, unblinded)
        row = self._rows.get(key)
        if row is None:
            row = encoded(self._visible_row(table, study, place, unblinded))
            self._rows.put(key, row, len(row) + 200)
        return row

    def _visible_row(self, table: Table, study: Study | None, place: int, unblinded: bool) -> Row:
        if not isinstance(table, Records) or study is None:
            return self._spelling.row(table.name, table.row(place))
        row = table.full_row(place)
        row["recordData"] = self._data(study, row["formKey"], row["recordData"], unblinded)
        return self._spelling.row(table.name, row)

    def _data(self, study: Study, form_key: str, data: Row | None, unblinded: bool) -> Row | None:
        """Answers as this caller sees them: blinded if need be, and in the dialect."""
        switches = self._switches
        if not data or not isinstance(data, dict):
            return data
        if not unblinded and switches["blindedValues"] != "shown":
            hidden = study.design.data["blindedVariables"]
            data = blind(data, hidden, "***" if switches["blindedValues"] == "masked" else None)
        if switches["valueTypes"] == "typed":
            if study.key not in self._typed_answers:
                self._typed_answers[study.key] = TypedAnswers(study.design)
            data = self._typed_answers[study.key].data(form_key, data)
        if switches["recordDataCase"] == "lower":
            data = {name if name in META else name.lower(): value for name, value in data.items()}
        return data

    # ---- filtering and sorting

    def _result(self, table: Table, study: Study | None, query: Query, unblinded: bool) -> tuple[Sequence[int], Order]:
        parameters = tuple(
            (name, tuple(values)) for name, values in sorted(query.items()) if name not in ("page", "size")
        )
        key = (study.key if study else None, table.name, parameters, unblinded, table.version)
        result = self._results.get(key)
        if result is None:
            order = self._order(table, query.get("sort", []))
            places = self._sorted(table, study, self._chosen(table, study, query, unblinded), order)
            result = (places, order)
            self._results.put(key, result, 64 if isinstance(places, range) else 4 * len(places) + 64)
        return result

    def _order(self, table: Table, sort: list[str]) -> Order:
        order: Order = []
        for text in sort:
            field, _, direction = text.partition(",")
            direction = direction.lower() or "asc"
            if direction not in ("asc", "desc"):
                raise invalid("sort", text)
            if field in table.scalars:
                order.append((field, direction == "desc"))
            elif not self._switches.on("sortUnknown"):
                raise invalid("sort", text)
        return order or [(DEFAULT_SORT[table.name], False)]

    def _sorted(self, table: Table, study: Study | None, places: Sequence[int], order: Order) -> Sequence[int]:
        """Sort places, which come in the order of the identity; that order also breaks ties."""
        keys = KEYS[table.name]
        if order[0][0] == keys[0] and len(keys) == 1:
            return places[::-1] if order[0][1] else places
        ordered = list(places)
        for field, down in reversed(order):
            values = [_sortable(value) for value in self._values(table, study, field)]
            ordered.sort(key=values.__getitem__, reverse=down)
        return array("l", ordered)

    def _chosen(self, table: Table, study: Study | None, query: Query, unblinded: bool) -> Sequence[int]:
        places = table.places()
        if table.name == "users":
            include_inactive = query.get("includeInactive", ["false"])[-1].lower()
            if include_inactive not in ("true", "false"):
                raise invalid("includeInactive", include_inactive)
            active = list(table.values("userActiveInStudy"))
            return places if include_inactive == "true" else array("l", (place for place in places if active[place]))
        if "filter" in query:
            text = query["filter"][-1]
            attributes = table.scalars - (set() if self._switches.on("deletedFilterable") else {"deleted"})
            if table.name == "visits":
                attributes |= set(GROUPS)
            try:
                tree = parse_filter(text, attributes, self._switches)
            except (Refused, RecursionError):
                raise invalid("filter", text) from None
            places = self._filtered(table, study, tree, places)
        if isinstance(table, Records) and study is not None and "recordDataFilter" in query:
            places = self._filtered_by_answers(table, study, query["recordDataFilter"][-1], places, unblinded)
        return places

    def _filtered_by_answers(
        self, table: Records, study: Study, text: str, places: Sequence[int], unblinded: bool
    ) -> Sequence[int]:
        try:
            tree = parse_answers_filter(text, self._switches)
        except Refused:
            raise invalid("recordDataFilter", text) from None
        forms = list(table.values("formKey"))

        def passes(place: int) -> bool:
            data = self._data(study, forms[place], table.data(place), unblinded)
            return holds(tree, data if isinstance(data, dict) else {}, self._switches)

        return array("l", (place for place in places if passes(place)))

    def _filtered(self, table: Table, study: Study | None, tree: Tree, places: Sequence[int]) -> Sequence[int]:
        """The places of rows that pass a filter.

        A list is in the order of its identity, so comparisons of that cut it; all other tests read every row.
        """
        tests = _conjunction(tree)
        if tests is None:
            return self._passing(table, study, tree, places)
        cuts = [(_CUTS[test.operator], number) for test in tests if (number := _cut(table, test)) is not None]
        others = tuple(test for test in tests if _cut(table, test) is None)
        if others:
            places = self._passing(table, study, Tree("and", others), places)
        for cut, number in cuts:
            numbers = _Identities(table, KEYS[table.name][0], places)
            places = places[cut(numbers, number)]
        return places

    def _passing(self, table: Table, study: Study | None, tree: Tree, places: Sequence[int]) -> Sequence[int]:
        key = ("passing", study.key if study else None, table.name, tree, table.version)
        passing = self._results.get(key)
        if passing is None:
            total = table.place_count
            mask = self._mask(table, study, tree, total).to_bytes(total, "little")
            chosen = compress(places, mask) if isinstance(places, range) else (place for place in places if mask[place])
            passing = (array("l", chosen), [])
            self._results.put(key, passing, 4 * len(passing[0]) + 64)
        return passing[0]

    def _mask(self, table: Table, study: Study | None, tree: Test | Tree, total: int) -> int:
        """One byte per place, all in one big integer: Python joins two of those in a single operation."""
        if isinstance(tree, Test):
            return int.from_bytes(bytes(self._tested(table, study, tree)), "little")
        masks = [self._mask(table, study, part, total) for part in tree.parts]
        if not masks:
            return int.from_bytes(b"\x01" * total, "little")
        joined = masks[0]
        for mask in masks[1:]:
            joined = joined | mask if tree.kind == "or" else joined & mask
        return joined

    def _tested(self, table: Table, study: Study | None, test: Test) -> Iterator[bool]:
        """The result of a test at every place; columns have few different values, so each is tested once."""
        passes: Callable[[Any], bool] = check(test, self._switches)
        known: dict[Any, bool] = {}
        for value in self._values(table, study, test.name):
            if type(value) in (dict, list):  # not hashable, and only there if a test put it there
                yield passes(value)
                continue
            result = known.get(value)
            if result is None:
                result = passes(value)
                if len(known) < 5000:
                    known[value] = result
            yield result

    def _values(self, table: Table, study: Study | None, field: str) -> Iterable[Any]:
        if field in GROUPS and study is not None and table.name == "visits":
            groups = {row["intervalId"]: row[field] for row in study.table("intervals").rows()}
            return (groups[value] for value in table.values("intervalId"))
        spell = self._spelling.value(field)
        return table.values(field) if spell is None else map(spell, table.values(field))


META = ("dateCreated", "dateModified", "unvnum")
"""Entries of `recordData` that are not answers."""


class _Identities(Sequence[int]):
    """The identities of a list in growing order, looked up one at a time, for `bisect`."""

    def __init__(self, table: Table, field: str, places: Sequence[int]) -> None:
        self._table = table
        self._field = field
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: Any) -> Any:
        return self._table.row(self._places[place])[self._field]


_CUTS: dict[str, Callable[[_Identities, int], slice]] = {
    "<": lambda numbers, value: slice(bisect_left(numbers, value)),
    "<=": lambda numbers, value: slice(bisect_right(numbers, value)),
    ">": lambda numbers, value: slice(bisect_right(numbers, value), None),
    ">=": lambda numbers, value: slice(bisect_left(numbers, value), None),
    "==": lambda numbers, value: slice(bisect_left(numbers, value), bisect_right(numbers, value)),
}


def _cut(table: Table, test: Test) -> int | None:
    """The number that a test compares the list's identity with; None if it tests something else."""
    if (test.name,) != KEYS[table.name] or test.operator not in _CUTS:
        return None
    return _whole(test.value)


def _conjunction(tree: Test | Tree) -> list[Test] | None:
    """The tests of a plain AND, also of nested ones; None if the tree has an OR of several parts."""
    if isinstance(tree, Test):
        return [tree]
    if tree.kind == "or" and len(tree.parts) > 1:
        return None
    parts = [_conjunction(part) for part in tree.parts]
    return None if None in parts else [test for tests in parts for test in tests or ()]


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) and text == str(int(text)) else None


def _number(query: Query, name: str, default: int, low: int, high: int) -> int:
    text = query.get(name, [str(default)])[-1]
    if not re.fullmatch(r"[0-9]{1,10}", text, re.ASCII) or not low <= int(text) <= high:
        raise invalid(name, text)
    return int(text)


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, (int, float)) else (2, str(value))
