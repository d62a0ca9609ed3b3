"""Decisions of all endpoints: study, filters, page size, cache. `async_base` and its twin `base` do the I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar, Generic, TypeVar

from imednet_api.api import operation
from imednet_api.types import Model, Operation

from ...constants import LARGE_PAGE_SIZE
from ...core.context import get_current_study
from ...core.decoding.page import Page, RowKind
from ...core.filtering import grammar as expressions
from ...core.filtering.conditions import Condition
from ...core.filtering.grammar import clauses_if_conjunction, joined, snake
from ...core.filtering.split import named_filters, plan
from ...core.options import AS_CLIENT, CallOptions
from ...core.protocols import AsyncReadingClient, ReadingClient
from ...core.reading.answer import as_number
from ...core.reading.ledger import Consistency
from ...core.reading.list_call import ListCall
from ...core.reading.whole_read import Read, SplitRead, WholeRead
from ...errors import ArgumentError, ClientError, IncompleteReadError, NotFoundError, UnknownFilterError
from ...resources import RESOURCES
from ...utils.quiet import quiet
from ...utils.url import check_path_part
from ..raw import RawResponses
from ..rows import Rows

T = TypeVar("T", bound=Model)
ClientT = TypeVar("ClientT", bound="ReadingClient | AsyncReadingClient")

Sorting = list[tuple[str, bool]]
"""Fields to sort by, and whether each is descending."""

_CACHED_STUDIES = 64
_COMMON_PARAMETERS = frozenset({"page", "size", "sort", "filter"})


class GenericEndpoint(Generic[ClientT]):
    """An endpoint: operations of the API over a client."""

    def __init__(self, client: ClientT) -> None:
        self._client = client

    @property
    def base_url(self) -> str:
        """Address of the server that is asked."""
        return self._client.base_url

    @property
    def with_raw_response(self) -> RawResponses:
        """The same methods, each returning `WithRaw`: its result, and status, headers and bytes of all responses."""
        return RawResponses(self)

    def _study(self, study_key: str | None) -> str:
        """The key of the study: the argument, or else that of this thread or task."""
        return check_path_part("study_key", get_current_study() if study_key is None else study_key)


class ListEndpointBase(GenericEndpoint[ClientT], Generic[T, ClientT]):
    """A list without its I/O."""

    OPERATION: ClassVar[str]
    """Name of the operation in the generated registry, such as `list_sites`."""

    def __init__(self, client: ClientT) -> None:
        super().__init__(client)
        self._cache: dict[tuple[str | None, bool], Rows[Any]] = {}

    @property
    def operation(self) -> Operation:
        """The operation as the API's description has it."""
        return operation(self.OPERATION)

    def _calls(
        self,
        study_key: str | None,
        *,
        attributes: Mapping[str, Any],
        filter: str | Condition | None = None,
        filters: Mapping[str, Any] | None = None,
        page_size: int | None = None,
        options: CallOptions = AS_CLIENT,
    ) -> list[ListCall]:
        """The reads that a call needs: one, or one for each value of a filter that the server takes only once."""
        facts = self.operation.page
        assert facts is not None
        own = {snake(name): name for name in self.operation.query_parameters if name not in _COMMON_PARAMETERS}
        query = quiet(
            [(own[key], quiet(value)) for key, value in attributes.items() if key in own and value is not None]
        )
        attributes = quiet({keyword: value for keyword, value in attributes.items() if keyword not in own})
        if filters is not None and not isinstance(filters, Mapping):
            raise ArgumentError("filters must be a mapping such as {'newAttr': 1}; pass a ready expression as filter=")
        if not self.operation.path_parameters:
            attributes = quiet({"study_key": study_key, **attributes})
        size = LARGE_PAGE_SIZE if page_size is None else page_size
        if type(size) is not int or not 1 <= size <= facts.max_size:
            raise ArgumentError(f"page_size must be a whole number from 1 to {facts.max_size}")
        try:
            wanted = quiet(named_filters(self.operation, attributes, filters))
            expression = quiet(self._expression(filter, wanted))
            clauses = quiet(clauses_if_conjunction(expression) if expression else [])
            split = plan(self.operation, wanted, {name for name, _, _ in clauses or []})
        except ClientError as error:
            raise error.with_traceback(None) from None  # the frames below hold values of filters
        study = self._study(study_key) if self.operation.path_parameters else None
        parameters = tuple((name, self._parameter(name, value)) for name, value in query)
        return [
            ListCall(
                operation=self.operation,
                study_key=study,
                filter=joined(expression, *split.server, part),
                query=parameters,
                page_size=size,
                keep=split.keep(),
                kept_by=tuple(split.tested),
                kept_for=tuple(split.texts),
                options=options,
            )
            for part in (split.parts or (None,))
        ]

    def _expression(self, filter: str | Condition | None, wanted: Sequence[tuple[str, Any]]) -> str | None:
        """A caller's ready expression, checked as far as possible; `None` where there is none."""
        if (filter is not None or wanted) and "filter" not in self.operation.query_parameters:
            kind = UnknownFilterError if filter is None else ArgumentError
            raise kind(f"the server cannot filter {self.operation.tag}: choose from the whole list")
        if filter is None:
            return None
        expression = str(filter) if isinstance(filter, Condition) else filter
        if not isinstance(expression, str) or not expression.strip() or not expression.isprintable():
            raise ArgumentError("filter must be an expression such as 'formKey==AE;siteId==301', in one line")
        if wanted and clauses_if_conjunction(expression) is None:
            raise ArgumentError(
                "filter= holds an OR or is not a plain list of conditions, so keyword filters cannot be joined to it. "
                "Next: write all conditions in filter="
            )
        return expression

    def _parameter(self, name: str, value: Any) -> str:
        """The text of a query parameter that only this list has. Raises ArgumentError where it cannot be sent."""
        if isinstance(value, bool):
            return "true" if value else "false"
        value = quiet(str(value)) if isinstance(value, Condition) else quiet(value)
        if not isinstance(value, str) or not value.isprintable():
            raise ArgumentError(f"{name} must be one line of text")
        return value

    def _sorting(self, sort: str | Sequence[str] | None, *, raw: bool) -> Sorting:
        if sort is None:
            return []
        fields = expressions.sort_fields(self.operation, sort)
        if not raw:
            return fields
        wire = {attribute: name for name, attribute in self.operation.item.FIELDS.items()}
        return [(wire[attribute], descending) for attribute, descending in fields]

    def _whole(
        self,
        calls: Sequence[ListCall],
        consistency: Consistency,
        resume: str | None = None,
    ) -> Read:
        """The read of all calls."""
        ahead = self._client.max_in_flight - 1
        if resume is not None and len(calls) > 1:
            raise ArgumentError("a read that was split into several, one for each value, cannot be resumed")
        after = None if resume is None else calls[0].after(resume)
        reads = [WholeRead(call, ahead=ahead, consistency=consistency, after=after) for call in calls]
        return reads[0] if len(reads) == 1 else SplitRead(reads)

    def _kind(self, raw: bool) -> RowKind:
        return "dictionaries" if raw else "models"

    def _is_cached(self, call: ListCall) -> bool:
        """Whether a list is cached: lists of the study design, read without a filter."""
        narrowed = call.filter is not None or call.keep is not None or call.query
        return self._client.cache and call.facts.design and not narrowed

    def cached(self) -> dict[str | None, Rows[Any]]:
        """The lists that are kept here: study key, or `None` for the list of studies, -> its rows as they were read."""
        return {study_key: rows for (study_key, _), rows in list(self._cache.items())}

    def _cached(self, call: ListCall, raw: bool, refresh: bool) -> Rows[Any] | None:
        facts = call.operation.page
        assert facts is not None
        if refresh or not self._is_cached(call):
            return None
        cached = self._cache.get((call.study_key, raw))
        return deepcopy(cached)  # a caller may change the rows

    def _remember(self, call: ListCall, raw: bool, rows: Rows[Any]) -> None:
        if self._is_cached(call) and rows.proof.rule != "none":
            if len(self._cache) >= _CACHED_STUDIES:
                self._cache.pop(next(iter(self._cache)), None)
            self._cache[(call.study_key, raw)] = deepcopy(rows)

    def _newest_call(self, study_key: str | None, options: CallOptions) -> ListCall:
        """The list that `newest` reads."""
        (call,) = self._calls(study_key, attributes={}, options=options)
        if call.facts.number is None or len(call.facts.key) > 1:
            raise ArgumentError(f"rows of {self.operation.tag} are not identified by one number that only grows")
        return call

    def _highest(self, page: Page) -> int | None:
        """The identity of the only row of a page."""
        number = as_number(page.identities[0]) if page.identities else None
        if page.identities and number is None:
            raise IncompleteReadError(f"{self.operation.tag}: the newest row has no number")
        return number

    def _get_call(self, study_key: str | None, item_id: Any, options: CallOptions) -> tuple[ListCall, Any]:
        """The list that `get` reads, and the identity it looks for."""
        facts = self.operation.page
        assert facts is not None
        if not self.operation.path_parameters:
            study_key, item_id = None, item_id if item_id is not None else study_key
        if not isinstance(item_id, (int, str)) or isinstance(item_id, bool):
            raise ArgumentError(f"get needs the {facts.key[0]} of one row, as in get('ABC-01', 5000017)")
        filterable = "filter" in self.operation.query_parameters
        filters = {facts.key[0]: item_id} if filterable else None
        attributes = {} if filterable else self._wide()
        (call,) = self._calls(study_key, filters=filters, attributes=attributes, options=options)
        return call, item_id

    def _wide(self) -> Mapping[str, Any]:
        """Parameters that make the list as wide as possible, for a `get` that the server cannot filter."""
        resource = RESOURCES.get(self.operation.tag)
        return resource.wide if resource is not None else {}

    def _only(self, rows: list[T], study_key: str | None, item_id: Any) -> T:
        """The row that `get` looks for. Raises NotFoundError where there is none."""
        facts = self.operation.page
        assert facts is not None
        matching: list[T] = []
        for key in (*facts.key_else, facts.key[0]):  # where both match rows, the last one decides
            matching = [row for row in rows if _same(getattr(row, row.FIELDS[key]), item_id)] or matching
        if not matching:
            attribute = self.operation.item.FIELDS[facts.key[0]]
            shown = item_id if str(item_id).isdecimal() else "as given"  # a text may be data of a person
            where = f" in study {study_key!r}" if study_key is not None else ""
            raise NotFoundError(
                None,
                message=f"no row of {self.operation.tag} has {attribute} {shown}{where}. "
                f"Next: look at the {attribute} of the listed rows",
                study_key=study_key,
            )
        if len(matching) > 1 and len(facts.key) == 1:
            raise IncompleteReadError(f"{self.operation.tag}: the server gave several rows for one {facts.key[0]}")
        return max(matching, key=lambda row: [getattr(row, row.FIELDS[key]) for key in facts.key])


def _same(value: Any, wanted: int | str) -> bool:
    return value is not None and str(value) == str(wanted)
