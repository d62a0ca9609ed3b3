"""Bytes of an answer -> one sound page of a list.

Rows are decoded once, by `fast` where the page has exactly the fields of the model, else by `exact`. A page is sound
when what it says of itself agrees with what it holds and with what was asked for: the page number, the path, the study.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

import httpx

from imednet_api.types import Model, Operation, PageFacts, fast_json

from ...errors import PaginationError
from ..transport.responses import UnsoundAnswer, hidden_failure, not_json
from . import exact, fast


@dataclass(frozen=True, slots=True)
class Page:
    """One sound page.

    Attributes:
        rows: the rows, in the order that came.
        number: number of the page, from 0.
        size: rows a page in force.
        total_pages, total: pages and rows there are.
        identities: what tells the rows apart, one value a row (a tuple where the identity has several fields).
        server_time: when the server answered, as it writes it.
        undeclared: fields of rows that the description of the API does not know.
        last: the number after which a later read can go on, set when the page is handed on.
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


@dataclass(frozen=True)
class Lines:
    """Rows as the JSON that came, each in one line of bytes, with the values of some fields beside it. For exports.

    A row is a tuple: the line, then the value of each field, `None` where it is missing.
    """

    fields: tuple[str, ...] = ()


RowKind = Literal["models", "dictionaries"] | Lines


def read_page(operation: Operation, kind: RowKind, study_key: str | None) -> Callable[[httpx.Response], Page]:
    """A reader of pages of one list, to be run inside the retry loop.

    Args:
        operation: the list.
        kind: what rows become.
        study_key: the study that was asked for, which rows must be of.

    The reader raises `httpx.DecodingError` for a body that is no JSON or a page that contradicts itself (so that
    it is asked for again, and a PaginationError in the end), `ApiError` for a failure hidden in a success.
    """
    model, facts, name = operation.item, operation.page, operation.name
    assert facts is not None
    shown = kind.fields if isinstance(kind, Lines) else ()
    in_study = operation.path_parameters and "studyKey" in model.FIELDS
    wanted = tuple(dict.fromkeys((*shown, *facts.key, *facts.key_else, *(("studyKey",) if in_study else ()))))

    def read(response: httpx.Response) -> Page:
        try:
            found = _decoded(response.content, kind, model, wanted)
        except exact.NotAPage as error:
            raise UnsoundAnswer(PaginationError(f"{name}: {error}"), response) from None
        except (ValueError, RecursionError):
            raise not_json(response) from None
        hidden = hidden_failure(found.metadata, response, study_key)
        if hidden is not None:
            raise hidden
        rows = found.rows
        if isinstance(kind, Lines):
            rows = list(zip(rows, *(found.columns[field] for field in shown), strict=True))
        identities = _identities(found.columns, facts)
        try:
            page = page_of(name, found.pagination, rows, identities, found.metadata, found.undeclared)
            url = response.request.url
            check_page(name, page, url.params.get("page"), url.params.get("size"))
            _check_path(name, found.metadata, url.path)
            if in_study:
                _check_study(name, found.columns["studyKey"], study_key)
        except PaginationError as error:
            raise UnsoundAnswer(error, response) from None
        return page

    return read


def _decoded(content: bytes, kind: RowKind, model: type[Model], wanted: tuple[str, ...]) -> exact.Decoded:
    if kind == "dictionaries":
        return exact.plain(content, wanted)
    lines = isinstance(kind, Lines)
    if fast_json() is not None:
        try:
            return fast.lines(content, wanted) if lines else fast.objects(content, model, wanted)
        except (ValueError, RecursionError):
            pass  # a field is missing or unknown, or the fast decoder is too strict: the exact way decides
    return exact.lines(content, wanted) if lines else exact.objects(content, model, wanted)


# ---------------------------------------------------------------------------------------------- what makes it sound


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


def check_page(name: str, page: Page, asked: str | None = None, size: str | None = None) -> None:
    """Refuse a page that is not the one asked for, or holds more or fewer rows than its own numbers say."""
    if asked is not None and asked != str(page.number):
        raise PaginationError(f"{name}: the server gave page {page.number} when asked for page {asked}")
    if size is not None and page.size > int(size):
        raise PaginationError(f"{name}: the server gives pages of {page.size} rows when asked for {size}")
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


def _check_path(name: str, metadata: Any, asked: str) -> None:
    """Refuse the answer to another request, where it says which one it answers."""
    path = metadata.get("path") if isinstance(metadata, dict) else None
    if isinstance(path, str) and path and not _same_path(path, asked):
        raise PaginationError(f"{name}: the answer says that it belongs to another request (`metadata.path`)")


def _same_path(path: str, asked: str) -> bool:
    """Whether two paths name one list; a proxy may have put something before either, or taken it away."""
    said, wanted = [unquote(text).partition("?")[0].rstrip("/").rpartition("/edc/")[2] for text in (path, asked)]
    return said == wanted


def _check_study(name: str, keys: list[Any], study_key: str | None) -> None:
    """Refuse rows of another study; a row may leave out which one it is of."""
    others = {key for key in set(map(str, keys)) if key.casefold() != str(study_key).casefold()} - {"None", ""}
    if others:
        raise PaginationError(f"{name}: rows of another study came than the one asked for")


# ---------------------------------------------------------------------------------------------- identities


def _identities(columns: dict[str, list[Any]], facts: PageFacts) -> list[Any]:
    """What tells the rows apart; `None` where a row has nothing."""
    first = columns[facts.key[0]]
    if len(facts.key) == 1 and set(map(type, first)) <= {int}:
        return first
    identities = [_identity(parts) for parts in zip(*(columns[key] for key in facts.key), strict=True)]
    if not facts.key_else or None not in identities:
        return identities
    others = [_identity(parts) for parts in zip(*(columns[key] for key in facts.key_else), strict=True)]
    marked = [None if other is None else ("", other) for other in others]  # so that it equals no key of another row
    return [other if one is None else one for one, other in zip(identities, marked, strict=True)]


def _identity(parts: tuple[Any, ...]) -> Any:
    if any(type(part) is not int and not (isinstance(part, str) and part) for part in parts):
        return None
    return parts[0] if len(parts) == 1 else parts
