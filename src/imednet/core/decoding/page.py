"""From the bytes of a response to one sound page of a list.

Rows are decoded once, by `fast` where they have exactly the fields of the model, else by `exact`. A page is sound when
its own numbers agree with its rows and with what was asked for: the page number, the path, the study.
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
        size: rows per page, as the server applies it.
        total_pages, total: pages and rows there are.
        identities: the identity of each row: a value, or a tuple where it has several fields.
        server_time: when the server answered, as it writes it.
        undeclared: fields of rows that the description of the API does not know.
        last: the number after which a later read can resume, set when the page is handed on.
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
    """The kind of row for exports: the JSON that came in one line of bytes, beside the values of some fields.

    A row is a tuple: the line, then the value of each field, `None` where it is missing.
    """

    fields: tuple[str, ...] = ()


RowKind = Literal["models", "dictionaries"] | Lines


def read_page(operation: Operation, kind: RowKind, study_key: str | None) -> Callable[[httpx.Response], Page]:
    """Make a reader of pages of one list, which runs inside the retry loop.

    Args:
        operation: the list.
        kind: what rows become.
        study_key: the study that was asked for; rows of another one are refused.

    The reader raises `httpx.DecodingError` for a body that is not JSON or a page that contradicts itself, so that the
    request is retried (and ends in a PaginationError), and `ApiError` for a failure inside a success.
    """
    model, facts, name = operation.item, operation.page, operation.name
    assert facts is not None
    shown = kind.fields if isinstance(kind, Lines) else ()
    in_study = operation.path_parameters and "studyKey" in model.FIELDS
    wanted = tuple(dict.fromkeys((*shown, *facts.key, *facts.key_else, *(("studyKey",) if in_study else ()))))

    def read(response: httpx.Response) -> Page:
        try:
            decoded = _decoded(response.content, kind, model, wanted)
        except exact.NotAPage as error:
            raise UnsoundAnswer(PaginationError(f"{name}: {error}"), response) from None
        except (ValueError, RecursionError):
            raise not_json(response) from None
        hidden = hidden_failure(decoded.metadata, response, study_key)
        if hidden is not None:
            raise hidden
        rows = decoded.rows
        if isinstance(kind, Lines):
            rows = list(zip(rows, *(decoded.columns[field] for field in shown), strict=True))
        identities = _identities(decoded.columns, facts)
        try:
            page = page_of(name, decoded.pagination, rows, identities, decoded.metadata, decoded.undeclared)
            url = response.request.url
            check_page(name, page, url.params.get("page"), url.params.get("size"))
            _check_path(name, decoded.metadata, url.path)
            if in_study:
                _check_study(name, decoded.columns["studyKey"], study_key)
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
            pass  # a field is missing or unknown, or the fast decoder is too strict: decode exactly
    return exact.lines(content, wanted) if lines else exact.objects(content, model, wanted)


# ---------------------------------------------------------------------------------------------- checks of a page


def page_of(
    name: str, pagination: Any, rows: list[Any], identities: list[Any], metadata: Any, undeclared: frozenset[str]
) -> Page:
    """A page made from its own numbers. Raises PaginationError where one is missing."""
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
    """Refuse the answer to another request, if it says which one it answers, or one whose metadata are no object."""
    if metadata is not None and not isinstance(metadata, dict):
        raise PaginationError(f"{name}: the answer's `metadata` is not an object")
    path = metadata.get("path") if isinstance(metadata, dict) else None
    if isinstance(path, str) and path and not _same_path(path, asked):
        raise PaginationError(f"{name}: the answer says that it belongs to another request (`metadata.path`)")


def _same_path(path: str, asked: str) -> bool:
    """Whether two paths name the same list; a proxy may have added or removed a prefix of either."""
    own, requested = [unquote(text).partition("?")[0].rstrip("/").rpartition("/edc/")[2] for text in (path, asked)]
    return own == requested


def _check_study(name: str, keys: list[Any], study_key: str | None) -> None:
    """Refuse rows of another study; a row may leave out its study."""
    others = {key for key in set(map(str, keys)) if key.casefold() != str(study_key).casefold()} - {"None", ""}
    if others:
        raise PaginationError(f"{name}: rows of another study came than the one asked for")


# ---------------------------------------------------------------------------------------------- identities


def _identities(columns: dict[str, list[Any]], facts: PageFacts) -> list[Any]:
    """The identity of each row; `None` where a row has none."""
    first = columns[facts.key[0]]
    if len(facts.key) == 1 and set(map(type, first)) <= {int}:
        return first
    identities = [_identity(parts) for parts in zip(*(columns[key] for key in facts.key), strict=True)]
    if not facts.key_else or None not in identities:
        return identities
    others = [_identity(parts) for parts in zip(*(columns[key] for key in facts.key_else), strict=True)]
    marked = [None if other is None else ("", other) for other in others]  # so that it equals no key of another row
    return [other if identity is None else identity for identity, other in zip(identities, marked, strict=True)]


def _identity(parts: tuple[Any, ...]) -> Any:
    if any(type(part) is not int and not (isinstance(part, str) and part) for part in parts):
        return None
    return parts[0] if len(parts) == 1 else parts
