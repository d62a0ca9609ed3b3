"""A list over an event loop: the twin of `base`, method by method."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal, overload

import httpx

from ..core.decoding.page import Page, RowKind, read_page
from ..core.filtering.conditions import Condition
from ..core.options import CallOptions
from ..core.protocols import AsyncReadingClient
from ..core.reading.fetch import drive_async
from ..core.reading.ledger import Consistency
from ..core.reading.list_call import ListCall
from ..core.reading.whole_read import Read
from ..utils.quiet import quiet
from .deciding import ListEndpointBase, Sorting, T
from .rows import AsyncRowIterator, AsyncRowPages, RawRow, Rows, sorted_rows


class AsyncGenericListGetEndpoint(ListEndpointBase[T, AsyncReadingClient]):
    """A list over an event loop; every method means what it means in `GenericListGetEndpoint`."""

    @overload
    async def list(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> Rows[RawRow]: ...

    @overload
    async def list(
        self,
        study_key: str | None = None,
        *,
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        consistency: Consistency = "repair",
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        refresh: bool = False,
        raw: Literal[False] = False,
        **attributes: Any,
    ) -> Rows[T]: ...

    async def list(
        self,
        study_key: str | None = None,
        *,
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        consistency: Consistency = "repair",
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        refresh: bool = False,
        raw: bool = False,
        **attributes: Any,
    ) -> Rows[T] | Rows[RawRow]:
        """All rows, proven whole; see `GenericListGetEndpoint.list`."""
        attributes, filter, filters = quiet(attributes), quiet(filter), quiet(filters)
        options = CallOptions(timeout, retries, headers)
        calls = self._calls(
            study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes, options=options
        )
        return await self._rows(calls, self._sorting(sort, raw=raw), consistency, refresh=refresh, raw=raw)

    @overload
    def iter(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> AsyncRowIterator[RawRow]: ...

    @overload
    def iter(
        self,
        study_key: str | None = None,
        *,
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        consistency: Consistency = "repair",
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        refresh: bool = False,
        raw: Literal[False] = False,
        **attributes: Any,
    ) -> AsyncRowIterator[T]: ...

    def iter(
        self,
        study_key: str | None = None,
        *,
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        consistency: Consistency = "repair",
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        refresh: bool = False,  # noqa: ARG002  (an iterator always asks the server)
        raw: bool = False,
        **attributes: Any,
    ) -> AsyncRowIterator[T] | AsyncRowIterator[RawRow]:
        """Rows one by one, for `async for`; see `GenericListGetEndpoint.iter`."""
        attributes, filter, filters = quiet(attributes), quiet(filter), quiet(filters)
        options = CallOptions(timeout, retries, headers)
        calls = self._calls(
            study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes, options=options
        )
        return self._iterator(calls, self._sorting(sort, raw=raw), consistency, raw=raw)

    @overload
    def pages(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> AsyncRowPages[RawRow]: ...

    @overload
    def pages(
        self,
        study_key: str | None = None,
        *,
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        resume: str | None = None,
        consistency: Consistency = "repair",
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        raw: Literal[False] = False,
        **attributes: Any,
    ) -> AsyncRowPages[T]: ...

    def pages(
        self,
        study_key: str | None = None,
        *,
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        resume: str | None = None,
        consistency: Consistency = "repair",
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
        **attributes: Any,
    ) -> AsyncRowPages[T] | AsyncRowPages[RawRow]:
        """Pages one by one, for `async for`; see `GenericListGetEndpoint.pages`."""
        attributes, filter, filters = quiet(attributes), quiet(filter), quiet(filters)
        options = CallOptions(timeout, retries, headers)
        calls = self._calls(
            study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes, options=options
        )
        read, pages = self._read(self._whole(calls, consistency, resume), self._kind(raw))
        return AsyncRowPages(read, pages)

    async def count(
        self,
        study_key: str | None = None,
        *,
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> int:
        """How many rows the server has, in one small request."""
        attributes, filter, filters = quiet(attributes), quiet(filter), quiet(filters)
        options = CallOptions(timeout, retries, headers)
        calls = self._calls(study_key, filter=filter, filters=filters, attributes=attributes, options=options)
        return sum([await self._count(call) for call in calls])

    async def newest(
        self,
        study_key: str | None = None,
        *,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int | None:
        """The highest identity in the list; see `GenericListGetEndpoint.newest`."""
        call = self._newest_call(study_key, CallOptions(timeout, retries, headers))
        reader = read_page(call.operation, "dictionaries", call.study_key)
        page = await self._client.fetch(call.request(0, 1, newest=True), reader, call.study_key, call.options)
        return self._highest(page)

    async def get(
        self,
        study_key: str | None = None,
        item_id: Any = None,
        *,
        timeout: float | httpx.Timeout | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """One row by its identity; see `GenericListGetEndpoint.get`."""
        item_id = quiet(item_id)
        call, item_id = self._get_call(study_key, item_id, CallOptions(timeout, retries, headers))
        return self._only(await self._rows([call], [], "repair", refresh=True, raw=False), call.study_key, item_id)

    # ---- shared by all of the above

    def _read(self, read: Read, kind: RowKind) -> tuple[Read, AsyncGenerator[Page, None]]:
        return read, drive_async(self._client, read, read_page(self.operation, kind, read.call.study_key))

    async def _rows(
        self, calls: Sequence[ListCall], sorting: Sorting, consistency: Consistency, *, refresh: bool, raw: bool
    ) -> Rows[T]:
        rows = self._cached(calls[0], raw, refresh)
        if rows is None:
            read, pages = self._read(self._whole(calls, consistency), self._kind(raw))
            found: list[Any] = []
            async for page in pages:
                found += page.rows
            assert read.proof is not None
            rows = Rows(found, read.proof)
            self._remember(calls[0], raw, rows)
        return Rows(sorted_rows(rows, sorting), rows.proof)

    def _iterator(
        self, calls: Sequence[ListCall], sorting: Sorting, consistency: Consistency, *, raw: bool
    ) -> AsyncRowIterator[T]:
        read, pages = self._read(self._whole(calls, consistency), self._kind(raw))

        async def rows() -> AsyncGenerator[Any, None]:
            if sorting:
                for row in sorted_rows([row async for page in pages for row in page.rows], sorting):
                    yield row
                return
            try:
                async for page in pages:
                    for row in page.rows:
                        yield row
            finally:
                await pages.aclose()

        return AsyncRowIterator(read, rows())

    async def _count(self, call: ListCall) -> int:
        reader = read_page(call.operation, "dictionaries", call.study_key)
        if call.keep is None:
            totals = []
            for request in call.counts():
                page = await self._client.fetch(request, reader, call.study_key, call.options)
                totals.append(page.total)
            return max(0, totals[0] - sum(totals[1:]))
        return len(await self._rows([call], [], "repair", refresh=True, raw=True))
