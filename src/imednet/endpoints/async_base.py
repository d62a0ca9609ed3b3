"""A list over an event loop: the twin of `base`, method by method."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal, overload

from ..core.calls import ListCall
from ..core.driving import drive_async
from ..core.pages import Page, RowMaker, read_page
from ..core.protocols import AsyncRequestorProtocol
from ..core.reading import WholeRead
from .deciding import ListEndpointBase, Sorting, T
from .rows import AsyncRowIterator, AsyncRowPages, RawRow, Rows, sorted_rows


class AsyncGenericListGetEndpoint(ListEndpointBase[T, AsyncRequestorProtocol]):
    """A list over an event loop; every method means what it means in `GenericListGetEndpoint`."""

    @overload
    async def list(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> Rows[RawRow]: ...

    @overload
    async def list(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        refresh: bool = False,
        raw: Literal[False] = False,
        **attributes: Any,
    ) -> Rows[T]: ...

    async def list(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        refresh: bool = False,
        raw: bool = False,
        **attributes: Any,
    ) -> Rows[T] | Rows[RawRow]:
        """All rows, proven whole; see `GenericListGetEndpoint.list`."""
        call = self._call(study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes)
        return await self._rows(call, self._sorting(sort, raw=raw), refresh=refresh, raw=raw)

    @overload
    def iter(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> AsyncRowIterator[RawRow]: ...

    @overload
    def iter(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        refresh: bool = False,
        raw: Literal[False] = False,
        **attributes: Any,
    ) -> AsyncRowIterator[T]: ...

    def iter(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        sort: str | Sequence[str] | None = None,
        refresh: bool = False,  # noqa: ARG002  (an iterator always asks the server)
        raw: bool = False,
        **attributes: Any,
    ) -> AsyncRowIterator[T] | AsyncRowIterator[RawRow]:
        """Rows one by one, for `async for`; see `GenericListGetEndpoint.iter`."""
        call = self._call(study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes)
        return self._iterator(call, self._sorting(sort, raw=raw), raw=raw)

    @overload
    def pages(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> AsyncRowPages[RawRow]: ...

    @overload
    def pages(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        raw: Literal[False] = False,
        **attributes: Any,
    ) -> AsyncRowPages[T]: ...

    def pages(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        raw: bool = False,
        **attributes: Any,
    ) -> AsyncRowPages[T] | AsyncRowPages[RawRow]:
        """Pages one by one, for `async for`; see `GenericListGetEndpoint.pages`."""
        call = self._call(study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes)
        read, pages = self._read(call, self._maker(raw))
        return AsyncRowPages(read, pages)

    async def count(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> int:
        """How many rows the server has, in one small request."""
        call = self._call(study_key, filter=filter, filters=filters, page_size=None, attributes=attributes)
        return await self._count(call)

    async def get(self, study_key: str | None = None, item_id: Any = None) -> T:
        """One row by its identity; see `GenericListGetEndpoint.get`."""
        call, item_id = self._get_call(study_key, item_id)
        return self._only(await self._rows(call, [], refresh=True, raw=False), call.study_key, item_id)

    # ---- shared by all of the above

    def _read(self, call: ListCall, maker: RowMaker | None) -> tuple[WholeRead, AsyncGenerator[Page, None]]:
        read = WholeRead(call, ahead=self._client.max_in_flight - 1)
        return read, drive_async(self._client, read, read_page(call.operation, maker, call.study_key))

    async def _rows(self, call: ListCall, sorting: Sorting, *, refresh: bool, raw: bool) -> Rows[T]:
        rows = self._cached(call, raw, refresh)
        if rows is None:
            read, pages = self._read(call, self._maker(raw))
            found = [row async for page in pages for row in page.rows]
            assert read.proof is not None
            rows = Rows(found, read.proof)
            self._remember(call, raw, rows)
        return Rows(sorted_rows(rows, sorting), rows.proof)

    def _iterator(self, call: ListCall, sorting: Sorting, *, raw: bool) -> AsyncRowIterator[T]:
        read, pages = self._read(call, self._maker(raw))

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
        reader = read_page(call.operation, None, call.study_key)
        return (await self._client.fetch(call.request(0, 1), reader, call.study_key)).total
