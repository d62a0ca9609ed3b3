"""A list over blocking I/O: a resource is a subclass that names its operation. `deciding` decides, this moves bytes."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal, overload

from ..core.calls import ListCall
from ..core.driving import drive
from ..core.pages import Page, RowMaker, plain_values, read_page
from ..core.protocols import RequestorProtocol
from ..core.reading import WholeRead
from .deciding import ListEndpointBase, Sorting, T
from .rows import RawRow, RowIterator, RowPages, Rows, sorted_rows


class GenericListGetEndpoint(ListEndpointBase[T, RequestorProtocol]):
    """A list over blocking I/O. Subclass it with `OPERATION = "list_sites"` to add a resource."""

    @overload
    def list(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> Rows[RawRow]: ...

    @overload
    def list(
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

    def list(
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
        """All rows, proven whole.

        Args:
            study_key: the study; the one of this thread or task when it is left out.
            filter: a ready expression, sent as it is, such as `"formKey==AE;siteId==301"`.
            filters: attributes as the server spells them, sent without a look at whether they exist.
            page_size: rows a request, at most 500.
            sort: `"dateModified,desc"` or a list of such; orders the result, pages are always read by identity.
            refresh: ask the server also where the answer is at hand (lists of the study design are kept).
            raw: decoded JSON instead of objects, untouched.
            **attributes: filters by keyword: a value, or `(operator, value)`; `None` leaves one out.

        Returns:
            A list; its `proof` says why it counts as whole.

        Raises:
            UnknownFilterError: a keyword is no filter of this resource.
            ArgumentError: a value cannot be sent.
            ApiError: the server answered with a failure.
            RequestError: no usable answer came.
            PaginationError: the pages do not fit together, or rows moved while they were read.
        """
        call = self._call(study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes)
        return self._rows(call, self._sorting(sort, raw=raw), refresh=refresh, raw=raw)

    @overload
    def iter(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> RowIterator[RawRow]: ...

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
    ) -> RowIterator[T]: ...

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
    ) -> RowIterator[T] | RowIterator[RawRow]:
        """Rows one by one, read as they are needed; arguments as in `list`.

        A loop that ends has seen a whole read; one that is not whole ends in an error. With `sort=` the rows are read
        whole before the first one is given.
        """
        call = self._call(study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes)
        return self._iterator(call, self._sorting(sort, raw=raw), raw=raw)

    @overload
    def pages(self, study_key: str | None = None, *, raw: Literal[True], **options: Any) -> RowPages[RawRow]: ...

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
    ) -> RowPages[T]: ...

    def pages(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        raw: bool = False,
        **attributes: Any,
    ) -> RowPages[T] | RowPages[RawRow]:
        """Pages one by one, in the order of the identity; arguments as in `list`."""
        call = self._call(study_key, filter=filter, filters=filters, page_size=page_size, attributes=attributes)
        read, pages = self._read(call, self._maker(raw))
        return RowPages(read, pages)

    def count(
        self,
        study_key: str | None = None,
        *,
        filter: str | None = None,
        filters: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> int:
        """How many rows the server has, in one small request."""
        return self._count(self._call(study_key, filter=filter, filters=filters, page_size=None, attributes=attributes))

    def get(self, study_key: str | None = None, item_id: Any = None) -> T:
        """One row by its identity, such as `records.get("ABC-01", 5000017)`; of a coding, its latest revision.

        The API has no address for a single row, so this is a filtered list.

        Raises:
            NotFoundError: there is no such row.
        """
        call, item_id = self._get_call(study_key, item_id)
        return self._only(self._rows(call, [], refresh=True, raw=False), call.study_key, item_id)

    def value_pages(self, study_key: str | None = None) -> RowPages[Any]:
        """Pages of a whole read for exports: rows as tuples in the order of the model's `FIELDS`, no objects made.

        Fields that objects would decode when they are read (`recordData`) are the bytes that came.
        """
        call = self._call(study_key, filter=None, filters=None, page_size=None, attributes={})
        read, pages = self._read(call, plain_values)
        return RowPages(read, pages)

    # ---- shared by all of the above

    def _read(self, call: ListCall, maker: RowMaker | None) -> tuple[WholeRead, Generator[Page, None, None]]:
        read = WholeRead(call, ahead=self._client.max_in_flight - 1)
        return read, drive(self._client, read, read_page(call.operation, maker, call.study_key))

    def _rows(self, call: ListCall, sorting: Sorting, *, refresh: bool, raw: bool) -> Rows[T]:
        rows = self._cached(call, raw, refresh)
        if rows is None:
            read, pages = self._read(call, self._maker(raw))
            found = [row for page in pages for row in page.rows]
            assert read.proof is not None
            rows = Rows(found, read.proof)
            self._remember(call, raw, rows)
        return Rows(sorted_rows(rows, sorting), rows.proof)

    def _iterator(self, call: ListCall, sorting: Sorting, *, raw: bool) -> RowIterator[T]:
        read, pages = self._read(call, self._maker(raw))

        def rows() -> Generator[Any, None, None]:
            if sorting:
                yield from sorted_rows([row for page in pages for row in page.rows], sorting)
                return
            for page in pages:
                yield from page.rows

        return RowIterator(read, rows())

    def _count(self, call: ListCall) -> int:
        reader = read_page(call.operation, None, call.study_key)
        return self._client.fetch(call.request(0, 1), reader, call.study_key).total
