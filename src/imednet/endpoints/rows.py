"""Results of lists and iterators: rows, with the proof that none is missing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..core.decoding.page import Page
from ..core.reading.proof import Proof
from ..core.reading.whole_read import Read, SplitRead
from ..errors import ImednetError, IncompleteReadError

T = TypeVar("T")

RawRow = dict[str, Any]
"""A row as decoded JSON, untouched."""


class Rows(list[T]):
    """A list of rows; `proof` says why none is missing."""

    proof: Proof

    def __init__(self, rows: Iterable[T], proof: Proof) -> None:
        super().__init__(rows)
        self.proof = proof

    def __deepcopy__(self, memo: dict[int, Any]) -> Rows[T]:
        return Rows(deepcopy(list(self), memo), self.proof)

    def __reduce__(self) -> tuple[Any, ...]:
        return Rows, (list(self), self.proof)


@dataclass(frozen=True, slots=True)
class RowPage(Generic[T]):
    """One page of a read.

    Attributes:
        rows: the rows.
        number: number of the page, from 0.
        total_pages, total: pages and rows the server had when it gave this page.
        server_time: when the server answered, in UTC, as the server writes it.
        token: `pages(resume=token)` continues after this page; `None` where the read cannot be resumed.
    """

    rows: list[T] = field(repr=False)
    number: int
    total_pages: int
    total: int
    server_time: str | None
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, page: Page, read: Read) -> RowPage[T]:
        """The part of a page that callers see."""
        token = None if page.last is None or isinstance(read, SplitRead) else read.call.token(page.last)
        return cls(page.rows, page.number, page.total_pages, page.total, page.server_time, token)


class _Reading:
    """Base of the iterators: the proof of the read, and the error it failed with.

    A failed read keeps failing: when a loop goes on with it, it must not look like one that has no more rows.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._failure: ImednetError | None = None

    @property
    def proof(self) -> Proof | None:
        """The proof that the read is whole; `None` before its end."""
        return self._read.proof

    def _ended(self, error: Exception) -> Exception:
        """The exception to raise when the source of rows ends with `error`: it, or the read's earlier failure."""
        if isinstance(error, ImednetError):
            self._failure = error
        return self._failure or error

    def _interrupted(self) -> None:
        """Note that an interrupt or a cancellation cut off the read, which can never be whole then."""
        self._failure = self._failure or IncompleteReadError(
            "the read was interrupted, so rows are missing. Next: read again, or continue with pages(resume=token)"
        )


def sorted_rows(rows: list[Any], fields: list[tuple[str, bool]]) -> list[Any]:
    """Sort rows (objects or dictionaries) by pairs of field and descending; missing values come last either way."""
    for attribute, descending in reversed(fields):
        present = [row for row in rows if _value(row, attribute) is not None]
        missing = [row for row in rows if _value(row, attribute) is None]
        present.sort(key=lambda row: _orderable(_value(row, attribute)), reverse=descending)
        rows = present + missing
    return rows


def _value(row: Any, attribute: str) -> Any:
    if isinstance(row, dict):
        return row.get(attribute)
    return getattr(row, attribute)


def _orderable(value: Any) -> tuple[str, Any]:
    if isinstance(value, (int, float)):
        return ("", value)
    return (type(value).__name__, value if isinstance(value, str) else repr(value))


class AsyncRowPages(_Reading, Generic[T], AsyncIterator[RowPage[T]]):
    """Pages of a read, as they arrive. `proof` is set after the last one; a read that is not whole raises."""

    def __init__(self, read: Read, pages: AsyncGenerator[Page, None]) -> None:
        super().__init__(read)
        self._pages = pages

    async def __anext__(self) -> RowPage[T]:
        try:
            return RowPage.of(await anext(self._pages), self._read)
        except (ImednetError, StopAsyncIteration) as error:
            raise self._ended(error) from None
        except BaseException:
            self._interrupted()
            raise

    async def aclose(self) -> None:
        """Stop reading."""
        await self._pages.aclose()


class AsyncRowIterator(_Reading, Generic[T], AsyncIterator[T]):
    """Rows of a read, as they arrive. `proof` is set after the last one; a read that is not whole raises."""

    def __init__(self, read: Read, rows: AsyncGenerator[T, None]) -> None:
        super().__init__(read)
        self._rows = rows

    async def __anext__(self) -> T:
        try:
            return await anext(self._rows)
        except (ImednetError, StopAsyncIteration) as error:
            raise self._ended(error) from None
        except BaseException:
            self._interrupted()
            raise

    async def aclose(self) -> None:
        """Stop reading."""
        await self._rows.aclose()


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below


class RowPages(_Reading, Generic[T], Iterator[RowPage[T]]):
    """Pages of a read, as they arrive. `proof` is set after the last one; a read that is not whole raises."""

    def __init__(self, read: Read, pages: Generator[Page, None, None]) -> None:
        super().__init__(read)
        self._pages = pages

    def __next__(self) -> RowPage[T]:
        try:
            return RowPage.of(next(self._pages), self._read)
        except (ImednetError, StopIteration) as error:
            raise self._ended(error) from None
        except BaseException:
            self._interrupted()
            raise

    def close(self) -> None:
        """Stop reading."""
        self._pages.close()


class RowIterator(_Reading, Generic[T], Iterator[T]):
    """Rows of a read, as they arrive. `proof` is set after the last one; a read that is not whole raises."""

    def __init__(self, read: Read, rows: Generator[T, None, None]) -> None:
        super().__init__(read)
        self._rows = rows

    def __next__(self) -> T:
        try:
            return next(self._rows)
        except (ImednetError, StopIteration) as error:
            raise self._ended(error) from None
        except BaseException:
            self._interrupted()
            raise

    def close(self) -> None:
        """Stop reading."""
        self._rows.close()
