"""The lists of a study as of a snapshot, answering the requests that the API answers.

The rows of a list are copied to an unnamed file at first use, so that a study larger than memory can be read; of each
row only its place in the file is held.
"""

from __future__ import annotations

import json
import re
import tempfile
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

import httpx

from imednet_api.api import operation
from imednet_api.types import Operation, decode, fast_json

from ..core.decoding import fast
from ..core.filtering.conditions import row_test
from ..core.filtering.grammar import alternatives
from ..core.reading.answer import as_number
from ..errors import ArgumentError, MirrorError
from ..resources import RESOURCES
from ..utils.truth import may_be_true
from .commits import ListState, State
from .list_source import number_of
from .table_layout import holds_records
from .versions import Versions

_CHUNK: Final = 2_000
_CHOICES: Final = 16
_DEFAULT_SIZE: Final = 25
_COMPARED: Final[dict[str, Callable[[Sequence[int], int], tuple[int, int]]]] = {
    "<": lambda numbers, value: (0, bisect_left(numbers, value)),
    "<=": lambda numbers, value: (0, bisect_right(numbers, value)),
    ">": lambda numbers, value: (bisect_right(numbers, value), len(numbers)),
    ">=": lambda numbers, value: (bisect_left(numbers, value), len(numbers)),
    "==": lambda numbers, value: (bisect_left(numbers, value), bisect_right(numbers, value)),
}
"""Operator -> first row that passes and the one after the last, among numbers that ascend."""

Clause = tuple[str, str, str]


class BadRequest(Exception):
    """A request that the API would refuse: the parameter at fault and its value."""


class Rows:
    """The rows of one or several tables as of a snapshot, in the order in which the API lists them.

    Args:
        versions: the rows of the mirror.
        tables: keys of the tables.
        number: number of the snapshot.
        order: fields the list is sorted by; lists whose rows have a number are sorted by that.
        home: a folder for the unnamed file.
    """

    def __init__(
        self, versions: Versions, tables: Iterable[str], number: int, order: Sequence[str], home: Path | None
    ) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=home)  # noqa: SIM115  (it lives as long as the rows)
        self._columns: dict[str, list[Any]] = {}
        try:
            self._copy(versions, tables, number, order)
        except BaseException:
            self._file.close()
            raise

    def _copy(self, versions: Versions, tables: Iterable[str], number: int, order: Sequence[str]) -> None:
        """Copy the rows to the file, and note where each of them is."""
        starts, keys = array("Q"), list[str]()
        end = 0
        for table in tables:
            for batch in versions.rows(table, ["_key", "_line"], number):
                for key, line in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                    starts.append(end)
                    end += self._file.write(line.encode())
                    keys.append(key)
        ends = array("Q", starts[1:])
        ends.append(end)
        numbers = [number_of(key) for key in keys]
        self.numbered = None not in numbers
        self._starts, self._ends = starts, ends
        if self.numbered:
            parts = [tuple(as_number(part) or 0 for part in key.split("/")) for key in keys]
            places = sorted(range(len(keys)), key=parts.__getitem__)
        else:
            cells = list(zip(*(self.column(field) for field in order), keys, strict=True))
            places = sorted(range(len(keys)), key=lambda place: [_orderable(cell) for cell in cells[place]])
            self._columns.clear()
        self._starts, self._ends = (array("Q", [bounds[place] for place in places]) for bounds in (starts, ends))
        self.numbers = array("q", [numbers[place] or 0 for place in places] if self.numbered else [])

    def __len__(self) -> int:
        return len(self._starts)

    def lines(self, places: Iterable[int]) -> list[bytes]:
        """The rows at places of the order."""
        found = []
        for place in places:
            self._file.seek(self._starts[place])
            found.append(self._file.read(self._ends[place] - self._starts[place]))
        return found

    def column(self, field: str) -> list[Any]:
        """The values of a field in all rows, in their order."""
        if field not in self._columns:
            values: list[Any] = []
            for start in range(0, len(self), _CHUNK):
                lines = self.lines(range(start, min(start + _CHUNK, len(self))))
                values += _values(lines, field)
            self._columns[field] = values
        return self._columns[field]

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def _values(lines: list[bytes], field: str) -> list[Any]:
    if fast_json() is not None:
        try:
            return fast.lines(b'{"data":[' + b",".join(lines) + b"]}", (field,)).columns[field]
        except (ValueError, RecursionError):
            pass
    return [decode(line).get(field) for line in lines]


class SnapshotLists:
    """The lists of a study as of a snapshot.

    Args:
        versions: the rows of the mirror.
        state: its state.
        number: number of the snapshot.
        latest: whether it was asked for as the last one, so that the time of its answers is the last that it was found
            unchanged, and not that of the snapshot.
        home: a folder for the unnamed files.
    """

    def __init__(
        self, versions: Versions, state: State, number: int, *, latest: bool = False, home: Path | None = None
    ) -> None:
        self._versions = versions
        self._state = state
        self._number = number
        self.latest = latest
        self._home = home
        self._lock = threading.RLock()
        self._rows: dict[tuple[str, ...], Rows] = {}
        self._chosen: dict[tuple[Any, ...], Sequence[int]] = {}
        self._operations = {
            operation(f"list_{name}").path.rpartition("/")[2]: name
            for name, resource in RESOURCES.items()
            if resource.listed
        }

    @property
    def snapshot(self) -> str:
        """The hash of the snapshot."""
        return next(one.hash for one in self._state.snapshots if one.number == self._number)

    @property
    def holds_blinded(self) -> bool:
        """Whether the mirror holds blinded answers."""
        return self._state.unblinded is not None

    @property
    def ever_blinded(self) -> frozenset[tuple[str, str]]:
        """`formId` and name, in lower case, of the variables that were blinded in any snapshot."""
        return frozenset(self._state.blinded)

    def close(self) -> None:
        """Release files and the connection."""
        with self._lock:
            for rows in self._rows.values():
                rows.close()
            self._rows.clear()
            self._versions.close()

    def entry(self, name: str) -> ListState:
        """The state of a list at the snapshot, read when that was made: a list that had not changed was asked, too."""
        entry = self._state.list_at(name, self._number)
        moment = self._state.moment_of(self._number, latest=self.latest)
        if entry.lost or moment is None:
            return entry
        return replace(entry, read=moment.strftime("%Y-%m-%d %H:%M:%S"))

    def in_step(self, name: str) -> bool:
        """Whether rows are known by dates and counts alone, since a time when all of them were read."""
        entry = self._state.list_at(name, self._number)
        read = self._state.read_at(name, self._number, latest=self.latest)
        return entry.stepped or not (read or entry.rule == "one answer")  # whose head is all there is

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer of the API to a request.

        Raises:
            MirrorError: for what a mirror cannot do: writing, jobs, another study.
        """
        url = httpx.URL(str(httpx.URL(request.url)) if type(request.url) is httpx.URL else request.url)
        path = url.path
        if request.method != "GET":
            raise MirrorError("a mirror is read only. Next: write with an SDK that has keys, then sync the mirror")
        name = self._operations.get(path.rstrip("/").rpartition("/")[2])
        if name is None:
            raise MirrorError("a mirror has the lists of its study and nothing else, such as jobs")
        if name != "studies":
            study = path.rstrip("/").split("/")[-2]
            if study.casefold() != self._state.study.casefold():
                raise MirrorError(f"this is a mirror of study {self._state.study!r}, not of {study!r}")
        if self.entry(name).absent:
            return _problem(request, path, 404, "NOT_FOUND", "9000", "the server has no such list")
        query = url.params
        try:
            with self._lock:
                rows, places = self._places(name, query)
                page, size = _number(query, "page", 0), min(_number(query, "size", _DEFAULT_SIZE), 500)
                lines = rows.lines(places[page * size : (page + 1) * size])
        except BadRequest as error:
            attribute, value = error.args
            return _problem(request, path, 400, "BAD_REQUEST", "1000", "invalid value", attribute, value)
        return httpx.Response(200, content=self._body(path, name, page, size, len(places), lines), request=request)

    def _body(self, path: str, name: str, page: int, size: int, total: int, lines: list[bytes]) -> bytes:
        head = {
            "metadata": {
                "status": "OK", "method": "GET", "path": path, "timestamp": self.entry(name).read, "error": {},
            },
            "pagination": {
                "currentPage": page, "size": size, "totalPages": -(-total // size), "totalElements": total, "sort": [],
            },
        }  # fmt: skip
        return json.dumps(head).encode()[:-1] + b',"data":[' + b",".join(lines) + b"]}"

    # ---- choosing rows

    def _places(self, name: str, query: httpx.QueryParams) -> tuple[Rows, Sequence[int]]:
        """The rows of a list, and the places of those that a request asks for, in its order."""
        listing = operation(f"list_{name}")
        options = _parsed(query.get("filter"))
        rows = self._load(name, options)
        places: Sequence[int] = range(len(rows))
        if name == "users" and query.get("includeInactive") != "true":
            places = self._cached((rows, "active"), lambda: [
                place for place, active in enumerate(rows.column("userActiveInStudy")) if may_be_true(active)
            ])  # fmt: skip
        if options is not None:
            places = self._filtered(listing, rows, options, places)
        if (answers := query.get("recordDataFilter")) is not None:
            kept = self._cached((rows, "answers", answers), lambda: _by_answers(rows, answers))
            places = _both(places, kept)
        return rows, self._ordered(listing, rows, places, query.get_list("sort"))

    def _load(self, name: str, options: list[list[Clause]] | None) -> Rows:
        """The rows of a list; of records those of some forms, where the filter names them."""
        if name == "records":
            tables = [key for key in self._state.tables if holds_records(key)]
            if options is not None and len(options) == 1:
                tables = self._of_forms(tables, options[0])
        else:
            tables = [f"_{name}"]
        key = (name, *tables)
        if key not in self._rows:
            facts = operation(f"list_{name}").page
            assert facts is not None
            self._rows[key] = Rows(self._versions, tables, self._number, facts.order, self._home)
        return self._rows[key]

    def _of_forms(self, tables: list[str], clauses: list[Clause]) -> list[str]:
        """Tables that ever held records of the form that is asked for."""
        wanted = {attribute: value for attribute, operator, value in clauses if operator == "=="}
        for place, attribute in enumerate(("formId", "formKey")):
            if attribute in wanted:
                groups = {key: self._state.tables[key].groups for key in tables}
                tables = [key for key in tables if any(str(one[place]) == wanted[attribute] for one in groups[key])]
        return tables

    def _filtered(
        self, listing: Operation, rows: Rows, options: list[list[Clause]], places: Sequence[int]
    ) -> Sequence[int]:
        facts = listing.page
        assert facts is not None
        parts = [self._conjunction(listing, rows, clauses, places, facts.number) for clauses in options]
        return parts[0] if len(parts) == 1 else sorted(set().union(*parts))

    def _conjunction(
        self, listing: Operation, rows: Rows, clauses: list[Clause], places: Sequence[int], number: str | None
    ) -> Sequence[int]:
        """The places that meet every clause. Bounds on the number cut the order; every other clause is tested once."""
        low, high = 0, len(rows)
        others = []
        for clause in clauses:
            attribute, operator, value = clause
            if attribute == number and rows.numbered and operator in _COMPARED:
                if not re.fullmatch("-?[0-9]+", value):
                    raise BadRequest("filter", attribute)
                first, last = _COMPARED[operator](rows.numbers, int(value))
                low, high = max(low, first), min(high, last)
            else:
                others.append(clause)
        if others:
            kept = self._cached((rows, *others), lambda: _tested(listing, rows, others))
            places = _both(places, kept)
        if isinstance(places, range):
            return range(max(low, places.start), max(low, min(high, places.stop)))
        return places[bisect_left(places, low) : bisect_left(places, high)]

    def _cached(self, key: tuple[Any, ...], make: Callable[[], Sequence[int]]) -> Sequence[int]:
        found = self._chosen.get(key)
        if found is None:
            if len(self._chosen) >= _CHOICES:
                self._chosen.pop(next(iter(self._chosen)))
            found = self._chosen[key] = make()
        return found

    def _ordered(self, listing: Operation, rows: Rows, places: Sequence[int], sort: list[str]) -> Sequence[int]:
        facts = listing.page
        assert facts is not None
        parts = [part.partition(",") for part in sort]
        if all(field in (*facts.key, *facts.key_else, *facts.order) for field, _, _ in parts):
            down = bool(parts) and parts[0][2].lower() == "desc"
            return places[::-1] if down else places
        ordered = list(places)
        for field, _, direction in reversed(parts):
            if field not in listing.item.FIELDS:
                raise BadRequest("sort", field)
            values = rows.column(field)
            ordered.sort(key=lambda place: _orderable(values[place]), reverse=direction.lower() == "desc")
        return ordered


def _parsed(expression: str | None) -> list[list[Clause]] | None:
    if expression is None:
        return None
    options = alternatives(expression)
    if options is None:
        raise BadRequest("filter", expression)
    return options


def _tested(listing: Operation, rows: Rows, clauses: Sequence[Clause]) -> list[int]:
    """Places of the rows that meet all clauses."""
    kept: list[int] | None = None
    for attribute, operator, value in clauses:
        try:
            test = row_test(listing, attribute, operator, value)
        except (ArgumentError, KeyError):
            raise BadRequest("filter", attribute) from None
        values = rows.column(attribute)
        known: dict[Any, bool] = {}
        places = range(len(rows)) if kept is None else kept
        kept = []
        for place in places:
            cell = values[place]
            if isinstance(cell, (list, dict)):
                passes = test({attribute: cell})
            else:
                passes = known[cell] if cell in known else known.setdefault(cell, test({attribute: cell}))
            if passes:
                kept.append(place)
    return kept or []


def _by_answers(rows: Rows, expression: str) -> list[int]:
    """Places of the records whose answers meet an expression."""
    options = alternatives(expression)
    if options is None:
        raise BadRequest("recordDataFilter", expression)
    tests = [[_answer_test(*clause) for clause in clauses] for clauses in options]
    return [
        place
        for place, data in enumerate(rows.column("recordData"))
        if any(all(test(data if isinstance(data, dict) else {}) for test in some) for some in tests)
    ]


def _answer_test(name: str, operator: str, value: str) -> Callable[[dict[str, Any]], bool]:
    if operator == "=~":
        try:
            pattern = re.compile(value, re.IGNORECASE)
        except re.error:
            raise BadRequest("recordDataFilter", value) from None
        return lambda data: data.get(name) is not None and pattern.search(str(data[name])) is not None
    listing = operation("list_records")
    test = row_test(listing, "recordStatus", operator, value)  # any field of text: the rule is the same for answers
    if operator in ("<", "<=", ">", ">="):  # an answer that is no text comes before and after nothing
        return lambda data: not isinstance(cell := data.get(name), bool) and test({"recordStatus": cell})
    return lambda data: test({"recordStatus": data.get(name)})


def _both(places: Sequence[int], kept: Sequence[int]) -> Sequence[int]:
    """The places of both, each ascending."""
    if isinstance(places, range):
        return kept[bisect_left(kept, places.start) : bisect_left(kept, places.stop)]
    chosen = set(kept)
    return [place for place in places if place in chosen]


def _orderable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, (int, float)) else (2, str(value))


def _number(query: httpx.QueryParams, name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not int(text) + (name == "page"):
        raise BadRequest(name, text)
    return int(text)


def _problem(
    request: httpx.Request,
    path: str,
    status: int,
    word: str,
    code: str,
    text: str,
    attribute: str = "",
    value: str = "",
) -> httpx.Response:
    error: dict[str, Any] = {"code": code, "description": text}
    if attribute:
        error["field"] = {"attribute": attribute, "value": value}
    body = {"metadata": {"status": word, "path": path, "timestamp": "", "error": error}}
    return httpx.Response(status, json=body, request=request)
