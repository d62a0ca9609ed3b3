# Copied from generator-templates/runtime/types.py. Do not edit: run `nox -s generate`.
"""The base of all models, the facts of operations, and the decoding of JSON and times.

A model is read with `Model.from_dict` and written with `Model.to_dict`. Nothing here does I/O.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from operator import itemgetter
from typing import Any, ClassVar, Final, Literal, NamedTuple, Self, TypeVar, final
from urllib.parse import quote

M = TypeVar("M")


@final
class Unset:
    """The type of `UNSET`, which means «not given», where `None` means null. One object, also after pickling."""

    __slots__ = ()
    _only: ClassVar[Unset | None] = None

    def __new__(cls) -> Unset:
        """The one object."""
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


def _whole_number(text: str) -> int | Decimal:
    # Python refuses to make an int of more than 4,300 digits; no digit may be lost for that.
    return int(text) if len(text) <= 4300 else Decimal(text)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


STANDARD_DECODER: Final = json.JSONDecoder(parse_int=_whole_number, parse_constant=_no_number)


@lru_cache(maxsize=1)
def fast_json() -> Any:
    """The module `msgspec`, loaded at first use; `None` where it is not installed. It changes speed, not results."""
    try:
        return import_module("msgspec")
    except ImportError:
        return None


@lru_cache(maxsize=1)
def _fast_decode() -> Callable[[bytes], Any] | None:
    msgspec = fast_json()
    return None if msgspec is None else msgspec.json.Decoder().decode


def decode(raw: bytes) -> Any:
    """Decode JSON, with the fast decoder where it is installed; both give the same values.

    Raises ValueError when `raw` is not JSON.
    """
    fast = _fast_decode()
    if fast is not None:
        try:
            return fast(raw)
        except (ValueError, RecursionError):
            pass  # it refuses a few things that are JSON: lone surrogates, 1e400
    try:
        return STANDARD_DECODER.decode(raw.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


class Undecoded:
    """A descriptor for an attribute that holds raw JSON and decodes it when it is first read.

    It wraps the slot of the attribute, so that everything that reads the attribute (`==`, copies, pickles,
    `attrs.asdict`) gets the decoded value.

    Args:
        slot: the slot that holds the value.
        model: returns the class of the objects in the value; `None` for plain JSON.
    """

    def __init__(self, slot: Any, model: Callable[[], type[Model]] | None) -> None:
        self._get = slot.__get__
        self._set = slot.__set__
        self._delete = slot.__delete__
        self._model = model

    def __get__(self, row: Any, owner: type[Any] | None = None) -> Any:
        if row is None:
            return self
        value = self._get(row)
        if type(value) is bytes:
            value = decode(value)
            if self._model is not None:
                value = read(self._model(), value)
            self._set(row, value)
        return value

    def __set__(self, row: Any, value: Any) -> None:
        self._set(row, value)

    def __delete__(self, row: Any) -> None:
        self._delete(row)


def undecoded(**attributes: Callable[[], type[Model]] | None) -> Callable[[type[M]], type[M]]:
    """Decorate a slotted class, so that these attributes are decoded when they are first read."""

    def decorate(model: type[M]) -> type[M]:
        for name, inner in attributes.items():
            setattr(model, name, Undecoded(vars(model)[name], inner))
        return model

    return decorate


def utc(value: Any) -> datetime | None:
    """A time of an answer as an aware `datetime` in UTC; `None` where it is missing or not a time.

    Takes all forms that servers were seen to use: `2025-06-05 21:12:09`, `2021-12-09T08:23:21.99`, a day alone, and a
    list of year, month, day, hour, minute, second, nanosecond, whose last parts may be missing. A zone in the text
    counts.
    """
    try:
        if isinstance(value, (list, tuple)):
            parts: list[Any] = list(value)
            year, month, day, hour, minute, second, nano = parts + [0] * (7 - len(parts))
            return datetime(year, month, day, hour, minute, second, nano // 1000, tzinfo=UTC)
        if not isinstance(value, str) or "-" not in value[:8]:
            return None
        text, dot, rest = value.strip().partition(".")
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        moment = datetime.fromisoformat(text + rest[len(digits) :])
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment + timedelta(microseconds=int(f"{digits:0<6}"[:6])) if dot else moment
    except (ValueError, TypeError, OverflowError):
        return None


class Rest(NamedTuple):
    """How a row differs from the declared fields: those it lacks, and those it has besides."""

    absent: frozenset[str]
    extra: dict[str, Any]


def pick(fields: Mapping[str, str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Make a function that returns the values of all fields of a mapping, and raises KeyError when one is missing."""
    names = list(fields)
    if len(names) > 1:
        return itemgetter(*names)
    return lambda data: tuple(data[name] for name in names)


class Model:
    """Base of all generated classes: attributes are the fields of the API in snake_case.

    Attributes:
        FIELDS: field of the API -> attribute, in order.
        SHOWN: attributes that `repr` may show; all others may hold data of a person.
        UNDECODED: fields kept as bytes until they are read.
        TIMES, DAYS: fields that hold a time in UTC, or a day, as text.
        MISSING: the value of an attribute whose field is absent.
    """

    __slots__ = ()
    FIELDS: ClassVar[Mapping[str, str]] = {}
    SHOWN: ClassVar[tuple[str, ...]] = ()
    UNDECODED: ClassVar[tuple[str, ...]] = ()
    TIMES: ClassVar[tuple[str, ...]] = ()
    DAYS: ClassVar[tuple[str, ...]] = ()
    MISSING: ClassVar[Any] = None
    _pick: ClassVar[Callable[[Mapping[str, Any]], tuple[Any, ...]]]
    _rest: Rest | None

    @classmethod
    def from_values(cls, values: Sequence[Any], rest: Rest | None = None) -> Self:
        """Make an object from the decoded values of all fields, in the order of `FIELDS`."""
        raise NotImplementedError  # generated classes override it

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make an object from decoded JSON. It never raises and loses nothing, whatever the values are."""
        try:
            values = cls._pick(data)
        except KeyError:
            values = tuple([data.get(name, cls.MISSING) for name in cls.FIELDS])
            return cls.from_values(values, _rest_of(data, cls.FIELDS))
        return cls.from_values(values, None if len(data) == len(values) else _rest_of(data, cls.FIELDS))

    def to_dict(self) -> dict[str, Any]:
        """The object as decoded JSON: equal to what `from_dict` was given, unless an attribute was set since."""
        rest = self._rest
        data: dict[str, Any] = {}
        for name, attribute in self.FIELDS.items():
            value = getattr(self, attribute)
            if value is UNSET or (value is self.MISSING and rest is not None and name in rest.absent):
                continue
            data[name] = _plain(value)
        if rest is not None:
            data.update(rest.extra)
        return data

    @property
    def additional_properties(self) -> dict[str, Any]:
        """Fields of the answer that the description of the API does not know."""
        return {} if self._rest is None else dict(self._rest.extra)

    def __repr__(self) -> str:
        shown = ", ".join([f"{name}={'...' if value is ... else repr(value)}" for name, value in self.__rich_repr__()])
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        for name in self.SHOWN:
            value = getattr(self, name)
            yield name, value if value is UNSET or isinstance(value, (str, int, float, type(None))) else ...


def _rest_of(data: Mapping[str, Any], fields: Mapping[str, str]) -> Rest | None:
    absent = tuple([name for name in fields if name not in data])
    extra = {name: value for name, value in data.items() if name not in fields}
    return Rest(_shared(absent), extra) if absent or extra else None


@lru_cache(maxsize=256)
def _shared(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)  # cached, because many rows lack the same fields


def _plain(value: Any) -> Any:
    """A value as decoded JSON: models inside lists, tuples and mappings become dictionaries."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def read(model: type[Model], value: Any) -> Any:
    """Make objects of a model from decoded JSON, also inside lists; other values are returned as they came."""
    if isinstance(value, list):
        return [read(model, item) for item in value] if value else value
    return model.from_dict(value) if isinstance(value, dict) else value


@dataclass(frozen=True, slots=True)
class PageFacts:
    """How a list is paged: `x-imednet-page` of the description.

    Attributes:
        items: name of the class of a row.
        max_size: the most rows per page.
        default_sort: fields the server sorts by if a request names none.
        key: fields that identify a row.
        key_else: fields that identify it where `key` is missing.
        walk: fields a whole read is sorted by, if not by `key`.
        number: the numeric field by which a whole read asks for intervals; `None` where there is none.
        filterable: filter attributes that are not fields of a row.
        design: whether the list describes the study rather than its conduct.
    """

    items: str
    max_size: int
    default_sort: tuple[str, ...]
    key: tuple[str, ...]
    key_else: tuple[str, ...] = ()
    walk: tuple[str, ...] = ()
    number: str | None = None
    filterable: tuple[str, ...] = ()
    design: bool = False

    @property
    def order(self) -> tuple[str, ...]:
        """Fields a whole read is sorted by: the identity, unless the description says otherwise."""
        return self.walk or self.key


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has not been sent."""

    operation: Operation
    path: str
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: Any = field(default=UNSET, repr=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """The facts of one operation of the API."""

    name: str
    method: str
    path: str
    tag: str
    success: tuple[int, ...]
    answer: str | None
    path_parameters: tuple[str, ...] = ()
    query_parameters: tuple[str, ...] = ()
    header_parameters: tuple[str, ...] = ()
    page: PageFacts | None = None

    @property
    def item(self) -> type[Model]:
        """The class of one row of a list, or of the whole answer. Raises LookupError when the answer has no class."""
        name = self.page.items if self.page is not None else self.answer
        if name is None:
            raise LookupError(f"the answer of {self.name} has no class")
        model: type[Model] = getattr(import_module(".models", __package__), name)
        return model

    def request(
        self,
        path: Mapping[str, Any],
        query: Sequence[tuple[str, Any]] = (),
        headers: Sequence[tuple[str, Any]] = (),
        body: Any = UNSET,
    ) -> Request:
        """Make the request. Raises ValueError when a part of the path is empty or would lead to another path."""
        parts = {name: _path_part(name, value) for name, value in path.items()}
        return Request(
            operation=self,
            path=self.path.format(**parts),
            query=tuple(
                (name, _text(item))
                for name, value in query
                if value is not UNSET and value is not None
                for item in (value if isinstance(value, (list, tuple)) else (value,))
            ),
            headers=tuple((name, _text(value)) for name, value in headers if value is not UNSET and value is not None),
            body=_plain(body),
        )


def _path_part(name: str, value: Any) -> str:
    text = "" if value is None or value is UNSET else str(value)
    if not text.strip() or text in (".", ".."):
        raise ValueError(f"{name} is empty or is a relative path: it becomes a part of the address")
    return quote(text, safe="")


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
