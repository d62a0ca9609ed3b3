"""Bytes of a page -> rows, decoded once.

Two ways with one result. The fast one decodes straight into positional values and keeps the fields that the
description marks (`recordData`) as the bytes that came; it holds only while every row has exactly the declared fields.
The exact one takes any JSON, also where the fast decoder is not installed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

import httpx

from imednet_api.types import Model, Operation, Rest, decode, fast_json

from ...errors import PaginationError
from ..answers import UnsoundAnswer, hidden_failure, not_json
from ..decoded import row_decoder
from .json_text import decode_but, list_items

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Split:
    """A page taken apart.

    Attributes:
        metadata, pagination: as decoded.
        columns: for each field of the identity its values, a list each.
        rows: where every row has exactly the fields of the model, the rows of the fast decoder, objects of the model.
        values, rests: elsewhere, for each row the values of all fields in the order of `Model.FIELDS`, and what was
            absent or beyond the fields.
    """

    metadata: Any
    pagination: Any
    columns: list[list[Any]]
    rows: list[Any] | None
    values: list[tuple[Any, ...]] = field(default_factory=list)
    rests: list[Rest | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """One sound page: what it says of itself agrees with what it holds.

    Attributes:
        rows: the rows, in the order that came.
        number: number of the page, from 0.
        size: rows a page in force.
        total_pages, total: pages and rows there are.
        identities: what tells the rows apart, one value a row (a tuple where the identity has several fields).
        server_time: when the server answered, as it writes it.
        undeclared: fields of rows that the description of the API does not know.
        last: the identity after which a later read can go on, set when the page is handed on.
    """

    rows: list[Any] = field(repr=False)
    number: int
    size: int
    total_pages: int
    total: int
    identities: list[Any] = field(repr=False)
    server_time: str | None = None
    undeclared: frozenset[str] = frozenset()
    last: int | None = None


RowMaker = Callable[[type[Model], Split], list[Any]]


def models(model: type[Model], split: Split) -> list[Any]:
    """Rows as typed objects."""
    if split.rows is not None:
        return split.rows
    return list(map(model.from_values, split.values, split.rests))


@dataclass(frozen=True)
class Lines:
    """Rows as the JSON that came, each in one line of bytes, with the values of some fields beside it. For exports.

    A row is a tuple: the line, then the value of each field, `None` where it is missing.
    """

    fields: tuple[str, ...] = ()


def read_page(
    operation: Operation, make: RowMaker | Lines | None, study_key: str | None
) -> Callable[[httpx.Response], Page]:
    """A reader of pages of one list, to be run inside the retry loop.

    Args:
        operation: the list.
        make: turns split rows into what the caller wants; `Lines` leaves them undecoded, `None` as dictionaries.
        study_key: the study that was asked for, for error messages.

    The reader raises `httpx.DecodingError` for a body that is no JSON or a page that contradicts itself (so that
    it is asked for again, and a PaginationError in the end), `ApiError` for a failure hidden in a success.
    """
    model = operation.item
    facts = operation.page
    assert facts is not None
    keys = facts.key

    def read(response: httpx.Response) -> Page:
        undeclared: frozenset[str] = frozenset()
        try:
            if make is None:
                body = decode(response.content)
                metadata, pagination, data = _envelope(body)
                _check_objects(data)
                rows = data
                identities = _identities([[row.get(key) for row in data] for key in keys])
            elif isinstance(make, Lines):
                metadata, pagination, rows, identities = _lines(response.content, make.fields, keys, facts.key_else)
            else:
                split = _split(response.content, model, keys)
                metadata, pagination = split.metadata, split.pagination
                rows = make(model, split)
                identities = _identities(split.columns)
                undeclared = frozenset(name for rest in split.rests if rest is not None for name in rest.extra)
        except _NotAPage as error:
            raise UnsoundAnswer(PaginationError(f"{operation.name}: {error}"), response) from None
        except (ValueError, RecursionError):
            raise not_json(response) from None
        hidden = hidden_failure(metadata, response, study_key)
        if hidden is not None:
            raise hidden
        if facts.key_else and None in identities and not isinstance(make, Lines):
            identities = _other_identities(identities, rows, facts.key_else)
        try:
            page = page_of(operation.name, pagination, rows, identities, metadata, undeclared)
            check_page(operation.name, page, response.request.url.params.get("page"))
        except PaginationError as error:
            raise UnsoundAnswer(error, response) from None
        return page

    return read


class _NotAPage(Exception):
    """JSON that is not a page."""


def _envelope(body: Any) -> tuple[Any, Any, list[Any]]:
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        metadata = body.get("metadata") if isinstance(body, dict) else None
        if isinstance(metadata, dict) and metadata.get("error"):
            return metadata, None, []
        raise _NotAPage("the answer holds no list of rows (`data`)")
    return body.get("metadata"), body.get("pagination"), body["data"]


def _check_objects(data: list[Any]) -> None:
    for row in data:
        if not isinstance(row, dict):
            raise _NotAPage("a row is not an object")


def page_of(
    name: str, pagination: Any, rows: list[Any], identities: list[Any], metadata: Any, undeclared: frozenset[str]
) -> Page:
    """A page by its own numbers. Raises PaginationError where one is missing."""
    if not isinstance(pagination, dict):
        raise PaginationError(f"{name}: the answer has no `pagination`, so it cannot be known whether rows are missing")
    numbers = {}
    for fact in ("currentPage", "size", "totalPages", "totalElements"):
        value = pagination.get(fact)
        if type(value) is not int or value < 0:
            raise PaginationError(f"{name}: `pagination.{fact}` is missing or is not a number")
        numbers[fact] = value
    if None in identities:
        raise PaginationError(f"{name}: a row has no identity")
    time = metadata.get("timestamp") if isinstance(metadata, dict) else None
    return Page(
        rows=rows,
        number=numbers["currentPage"],
        size=numbers["size"],
        total_pages=numbers["totalPages"],
        total=numbers["totalElements"],
        identities=identities,
        server_time=time if isinstance(time, str) else None,
        undeclared=undeclared,
    )


def check_page(name: str, page: Page, asked: str | None = None) -> None:
    """Refuse a page that is not the one asked for, or holds more or fewer rows than its own numbers say."""
    if asked is not None and asked != str(page.number):
        raise PaginationError(f"{name}: the server gave page {page.number} when asked for page {asked}")
    if len(set(page.identities)) < len(page.identities):
        raise PaginationError(f"{name}: a row came twice in page {page.number}, so others may be missing")
    if page.size == 0:
        raise PaginationError(f"{name}: the server gives pages of 0 rows")
    expected = max(0, min(page.size, page.total - page.number * page.size))
    if len(page.rows) != expected:
        raise PaginationError(
            f"{name}: page {page.number} holds {len(page.rows)} rows where its own numbers "
            f"({page.total} rows, {page.size} a page) say {expected}: rows are missing or repeated"
        )
    if page.total_pages != -(-page.total // page.size) and not (page.total == 0 and page.total_pages == 1):
        raise PaginationError(f"{name}: {page.total_pages} pages of {page.size} rows cannot hold {page.total} rows")


def _identity(parts: list[Any]) -> Any:
    if any(type(part) is not int and not (isinstance(part, str) and part) for part in parts):
        return None
    return parts[0] if len(parts) == 1 else tuple(parts)


def _second_choice(parts: list[Any]) -> Any:
    found = _identity(parts)
    return None if found is None else ("", found)


def _identities(parts: list[list[Any]]) -> list[Any]:
    """Identities of all rows from the columns of the key; `None` where a row has none."""
    if len(parts) == 1 and set(map(type, parts[0])) <= {int}:
        return parts[0]
    return [_identity(list(row)) for row in zip(*parts, strict=True)]


def _other_identities(identities: list[Any], rows: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """Where the key is missing, the second choice; marked, so that it cannot equal a key of another row."""

    def other(row: Any) -> Any:
        if isinstance(row, dict):
            parts = [row.get(key) for key in keys]
        else:
            parts = [getattr(row, row.FIELDS[key]) for key in keys]
        return _second_choice(parts)

    return [other(row) if identity is None else identity for identity, row in zip(identities, rows, strict=True)]


# ---------------------------------------------------------------------------------------------- splitting a page


def _split(content: bytes, model: type[Model], keys: tuple[str, ...]) -> Split:
    if fast_json() is not None:
        try:
            return _split_fast(content, model, keys)
        except (ValueError, RecursionError):
            pass  # a field is missing or unknown, or the fast decoder is too strict: the exact way decides
    return _split_exact(content, model, keys)


def _split_fast(content: bytes, model: type[Model], keys: tuple[str, ...]) -> Split:
    page = row_decoder(model).decode(content)  # type: ignore[arg-type]  # (a class can be hashed)
    rows = page.data
    for slot in [getattr(type(rows[0]), f"_{model.FIELDS[name]}") for name in model.UNDECODED if rows]:
        own = list(map(bytes, map(slot.__get__, rows)))  # a copy, so that a kept row does not keep the whole page
        deque(map(slot.__set__, rows, own), maxlen=0)
        if not content.isascii():  # the decoder does not look into what it leaves undecoded; all else it has checked
            str(b"".join([one for one in own if not one.isascii()]), "utf-8")
    return Split(page.metadata, page.pagination, [list(map(attrgetter(model.FIELDS[key]), rows)) for key in keys], rows)


def _split_exact(content: bytes, model: type[Model], keys: tuple[str, ...]) -> Split:
    metadata, pagination, data = _envelope(decode_but(content, model.UNDECODED))
    _check_objects(data)
    values, rests = [], []
    for row in data:
        values.append(tuple([row.get(name) for name in model.FIELDS]))
        absent = frozenset([name for name in model.FIELDS if name not in row])
        extra = {name: value for name, value in row.items() if name not in model.FIELDS}
        rests.append(Rest(absent, extra) if absent or extra else None)
    columns = [[row.get(key) for row in data] for key in keys]
    return Split(metadata, pagination, columns, None, values, rests)


# ---------------------------------------------------------------------------------------------- rows as lines


def _lines(
    content: bytes, fields: tuple[str, ...], keys: tuple[str, ...], key_else: tuple[str, ...]
) -> tuple[Any, Any, list[Any], list[Any]]:
    """Metadata, pagination, rows as lines with the wanted fields, and identities."""
    wanted = tuple(dict.fromkeys((*fields, *keys, *key_else)))
    metadata, pagination, lines, columns = _undecoded(content, wanted)
    identities = _identities([columns[key] for key in keys])
    if key_else and None in identities:
        others = map(_second_choice, map(list, zip(*(columns[key] for key in key_else), strict=True)))
        identities = [other if one is None else one for one, other in zip(identities, others, strict=True)]
    return metadata, pagination, list(zip(lines, *(columns[name] for name in fields), strict=True)), identities


def _undecoded(content: bytes, wanted: tuple[str, ...]) -> tuple[Any, Any, list[Any], dict[str, list[Any]]]:
    if fast_json() is not None:
        try:
            page = _line_decoder().decode(content)
            rows = _field_decoder(wanted).decode(content).data
            if not content.isascii():
                str(content, "utf-8")  # the decoder does not look into what it leaves undecoded; else it has checked
        except (ValueError, RecursionError):
            pass  # not of this shape, or the fast decoder is too strict: the exact way decides
        else:
            lines = page.data if b"\n" not in content else [in_one_line(bytes(line)) for line in page.data]
            columns = {name: [getattr(row, f"f{place}") for row in rows] for place, name in enumerate(wanted)}
            return page.metadata, page.pagination, lines, columns
    body = decode(content)
    metadata, pagination, data = _envelope(body)
    _check_objects(data)
    lines = [in_one_line(text.encode("utf-8", "surrogatepass")) for text in list_items(content, "data")] if data else []
    return metadata, pagination, lines, {name: [row.get(name) for row in data] for name in wanted}


def in_one_line(text: bytes) -> bytes:
    """The same JSON without line breaks: in JSON they stand only where a blank could stand."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


@lru_cache(maxsize=1)
def _line_decoder() -> Any:
    msgspec = fast_json()
    lines: Any = list[msgspec.Raw]  # type: ignore[name-defined]
    page = msgspec.defstruct("Page", [("data", lines), ("metadata", Any, None), ("pagination", Any, None)])
    return msgspec.json.Decoder(page)


@lru_cache(maxsize=64)
def _field_decoder(wanted: tuple[str, ...]) -> Any:
    msgspec = fast_json()
    names = {f"f{place}": name for place, name in enumerate(wanted)}
    row = msgspec.defstruct("Row", [(name, Any, None) for name in names], rename=names, gc=False)
    return msgspec.json.Decoder(msgspec.defstruct("Page", [("data", list[row])]))  # type: ignore[valid-type]
