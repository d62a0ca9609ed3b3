"""Results of lists and iterators: rows, with the proof that none is missing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, overload

from imednet_api.types import Model

from ..core.decoding.page import Page
from ..core.reading.proof import Proof
from ..core.reading.whole_read import Read, SplitRead
from ..errors import ArgumentError, ImednetError, IncompleteReadError
from ..utils.html import table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from imednet_api.models import Variable

T = TypeVar("T")

RawRow = dict[str, Any]
"""A row as decoded JSON, untouched."""


_SHOWN: Final = 5
"""Rows of a list that `repr` and notebooks show."""


class Rows(list[T]):
    """A list of rows.

    Attributes:
        proof: why none is missing.
        model: the resource that the rows are of.
    """

    proof: Proof
    model: type[Model] | None

    def __init__(self, rows: Iterable[T], proof: Proof, model: type[Model] | None = None) -> None:
        super().__init__(rows)
        self.proof = proof
        self.model = model

    def __deepcopy__(self, memo: dict[int, Any]) -> Rows[T]:
        return Rows(deepcopy(list(self), memo), self.proof, self.model)

    def __reduce__(self) -> tuple[Any, ...]:
        return Rows, (list(self), self.proof, self.model)

    def __repr__(self) -> str:
        if len(self) <= _SHOWN:
            return super().__repr__()
        shown = ", ".join(map(repr, self[: _SHOWN - 2]))
        return f"[{shown}, ... {len(self):,} rows, {self.proof.status}]"

    def _repr_html_(self) -> str:
        """The first rows for notebooks: what `repr` shows of each, and nothing a person answered."""
        names = self.model.SHOWN if self.model is not None else ()
        shown = [tuple(getattr(row, name, None) for name in names) for row in self[:_SHOWN]] if names else []
        return table(names, shown, caption=f"{len(self):,} rows, {self.proof.status} ({self.proof.rule})")

    @overload
    def to_frame(
        self, *, variables: Iterable[Variable] | None = ..., backend: Literal["pandas"] = ...
    ) -> pd.DataFrame: ...
    @overload
    def to_frame(self, *, variables: Iterable[Variable] | None = ..., backend: Literal["polars"]) -> pl.DataFrame: ...
    @overload
    def to_frame(self, *, variables: Iterable[Variable] | None = ..., backend: Literal["arrow"]) -> pa.Table: ...
    def to_frame(
        self,
        *,
        variables: Iterable[Variable] | None = None,
        backend: Literal["pandas", "polars", "arrow"] = "pandas",
    ) -> Any:
        """The rows as a frame, with the types that `study_frames` gives.

        Args:
            variables: of a form's records, its variables: each has a column of its type. Without them each answer
                becomes a column of text.
            backend: `pandas`, `polars` or `arrow`.

        Raises:
            ExportConfigurationError: the library is not installed.
            ArgumentError: the rows are of no known resource.
        """
        from ..integrations.tables.frames import frame_of_rows  # a list offers what an upper floor makes

        if self.model is None:
            raise ArgumentError("these rows are of no known resource. Next: call to_frame on the result of a list")
        return frame_of_rows(self, self.model, variables=variables, backend=backend)


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
