"""The methods of an asynchronous list: `list`, `iter`, `pages`, `count`, `newest`, `get`, `line_pages`.

A resource is a subclass that names its operation. Decisions are made in `shared`, the I/O is here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal, overload

import httpx

from ...core.decoding.page import Lines, Page, RowKind, read_page
from ...core.filtering.conditions import Condition
from ...core.options import CallOptions
from ...core.protocols import AsyncReadingClient
from ...core.reading.fetch import async_drive
from ...core.reading.ledger import Consistency
from ...core.reading.list_call import ListCall
from ...core.reading.whole_read import Read
from ...utils.quiet import quiet
from ..rows import AsyncRowIterator, AsyncRowPages, RawRow, Rows, sorted_rows
from .shared import ListEndpointBase, Sorting, T


class AsyncGenericListGetEndpoint(ListEndpointBase[T, AsyncReadingClient]):
    """A list over an event loop. Subclass it with `OPERATION = "list_sites"` to add a resource."""

    @overload
    async def list(self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Any) -> Rows[T]: ...

    @overload
    async def list(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> Rows[RawRow]: ...

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
        """Read all rows, with the proof that none is missing.

        Args:
            study_key: the study; the one of this thread or task when it is left out.
            filter: a ready expression, sent as it is, such as `"formKey==AE;siteId==301"`, or one made with `F`.
            filters: attributes as the server spells them, not checked.
            page_size: rows per request, at most 500.
            sort: `"dateModified,desc"` or a list of such; sorts the result, while pages are always read by identity.
            consistency: what to do when the list changes while it is read. `repair` reads again where counts do not
                agree, so that every row that was there all the time is in the result once; `strict` raises; `off`
                trusts the server and proves nothing.
            timeout, retries, headers: for this call alone.
            refresh: ask the server even if the list is cached, as lists of the study design are.
            raw: return decoded JSON as it came instead of objects.
            **attributes: filters by keyword: a value, `(operator, value)`, a range `{">=": low, "<": high}`, or a list
                of which one must match; `None` means no filter. The server takes each attribute once: further
                conditions become several reads or tests of the rows, and `proof` says so.

        Returns:
            A list; its `proof` says why no row is missing.

        Raises:
            UnknownFilterError: a keyword is not a filter of this resource.
            ArgumentError: a value cannot be sent.
            ApiError: the server answered with a failure.
            RequestError: no usable answer came.
            PaginationError: a page contradicts itself, or the read cannot be whole (`IncompleteReadError`).
        """
        attributes, filter, filters = quiet(attributes), quiet(filter), quiet(filters)
        options = CallOptions(timeout, retries, headers)
        calls = self._calls(
            study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes, options=options
        )
        return await self._rows(calls, self._sorting(sort, raw=raw), consistency, refresh=refresh, raw=raw)

    @overload
    def iter(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Any
    ) -> AsyncRowIterator[T]: ...

    @overload
    def iter(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> AsyncRowIterator[RawRow]: ...

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
        """Read rows one by one, as they are needed; arguments as in `list`.

        A loop that ends without an error has seen all rows. With `sort=` all rows are read before the first one is
        returned.
        """
        attributes, filter, filters = quiet(attributes), quiet(filter), quiet(filters)
        options = CallOptions(timeout, retries, headers)
        calls = self._calls(
            study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes, options=options
        )
        return self._iterator(calls, self._sorting(sort, raw=raw), consistency, raw=raw)

    @overload
    def pages(
        self, study_key: str | None = None, *, raw: Literal[False] = False, **options: Any
    ) -> AsyncRowPages[T]: ...

    @overload
    def pages(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> AsyncRowPages[RawRow]: ...

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
        """Read pages one by one, in the order of the identity; arguments as in `list`.

        Args:
            resume: `page.token` of an earlier read with the same arguments; continues after that page.
        """
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
        """Count the rows the server has, in one small request."""
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
        """Read the highest identity in the list, in one small request; `None` for an empty list.

        Identities only grow, so later rows are found by `record_id=(">", newest)` and the like.

        Raises:
            ArgumentError: rows of this list are not identified by one number.
        """
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
        """Read one row by its identity, such as `records.get("ABC-01", 5000017)`; of a coding, its latest revision.

        The API has no address for a single row, so this is a filtered list.

        Raises:
            NotFoundError: there is no such row.
        """
        item_id = quiet(item_id)
        call, item_id = self._get_call(study_key, item_id, CallOptions(timeout, retries, headers))
        return self._only(await self._rows([call], [], "repair", refresh=True, raw=False), call.study_key, item_id)

    def line_pages(
        self,
        study_key: str | None = None,
        *,
        fields: tuple[str, ...] = (),
        filter: str | None = None,
        resume: str | None = None,
        consistency: Consistency = "repair",
        **attributes: Any,
    ) -> AsyncRowPages[tuple[Any, ...]]:
        """Read pages for exports: each row is the JSON that came in one line, not decoded.

        Args:
            fields: fields whose values follow the line in each row, such as `("formId",)`.
            filter: a ready expression.
            resume: `page.token` of an earlier read with the same arguments.
            consistency: as in `list`.
            **attributes: query parameters of this list, such as `include_inactive=True`.
        """
        attributes, filter = quiet(attributes), quiet(filter)
        calls = self._calls(study_key, filter=filter, attributes=attributes)
        read = self._whole(calls, consistency, resume)
        return AsyncRowPages(*self._read(read, Lines(fields)))

    # ---- shared by all of the above

    def _read(self, read: Read, kind: RowKind) -> tuple[Read, AsyncGenerator[Page, None]]:
        return read, async_drive(self._client, read, read_page(self.operation, kind, read.call.study_key))

    async def _rows(
        self, calls: Sequence[ListCall], sorting: Sorting, consistency: Consistency, *, refresh: bool, raw: bool
    ) -> Rows[T]:
        rows = self._cached(calls[0], raw, refresh)
        if rows is None:
            read, pages = self._read(self._whole(calls, consistency), self._kind(raw))
            received: list[Any] = []
            async for page in pages:
                received += page.rows
            assert read.proof is not None
            rows = Rows(received, read.proof, self.operation.item)
            self._remember(calls[0], raw, rows)
        return Rows(sorted_rows(rows, sorting), rows.proof, rows.model)

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
