"""Objects of a model that read a row of the decoder, in place of attributes of their own.

A whole page is decoded in one go into rows of the decoder's own kind, which Python's collector of cycles never looks
at. Each is handed out inside an object of its model that is empty but for the row: making twenty attributes a row, and
having them looked through by the collector again and again, is more than half of what a long list of objects costs.

Such a view is of a subclass of its model with the same name. It becomes a plain object of the model, for good, when an
attribute is set or deleted, or when it is copied or pickled. Until then `isinstance` and `row.__class__` already say
the model; `type(row)` alone can tell the difference. Since the collector never looks at the decoder's rows, an object
that is put into its own answers is never freed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import repeat
from operator import attrgetter
from threading import RLock
from typing import Any, ClassVar

from imednet_api.types import Model, decode, fast_json, read

_SETTLING = RLock()
if hasattr(os, "register_at_fork"):  # a child made while another thread held the lock would wait for it forever
    os.register_at_fork(before=_SETTLING.acquire, after_in_parent=_SETTLING.release, after_in_child=_SETTLING.release)
_set_class = object.__dict__["__class__"].__set__
_ROW = Model.__dict__["_row"]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What views of one model become.

    Attributes:
        model: its class.
        slots: for each of its slots, what sets it, and what reads it off a view.
        late: fields that are made when they are read first.
    """

    model: type[Model]
    slots: tuple[tuple[Callable[[Any, Any], None], Callable[[Any], Any]], ...]
    late: tuple[str, ...]


class _View:
    """What a view does otherwise than an object of its model."""

    __slots__ = ()
    _plan: ClassVar[_Plan]

    def __new__(cls, *values: Any, **named: Any) -> Any:
        """What `type(row)(...)` makes is no view."""
        return cls._plan.model(*values, **named)

    def _settle(self) -> None:
        """Become a plain object of the model."""
        with _SETTLING:  # two threads may come at once
            kind = type(self)
            if issubclass(kind, _View):
                for put, take in kind._plan.slots:
                    put(self, take(self))
                _set_class(self, kind._plan.model)
                for name in kind._plan.late:
                    setattr(_ROW.__get__(self), name, None)  # so that what is replaced now does not stay here

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        kind = type(self)
        return kind._plan.model if issubclass(kind, _View) else kind

    def __setattr__(self, name: str, value: Any) -> None:
        _View._settle(self)
        setattr(self, name, value)

    def __delattr__(self, name: str) -> None:
        _View._settle(self)
        delattr(self, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        _View._settle(self)
        return self.__reduce_ex__(protocol)


def _late(attribute: str, made: Callable[[Any], Any], raw: tuple[type, ...]) -> Callable[[Any], Any]:
    """A reader of a field that is made, once, when it is read first; `raw` are the kinds it has until then."""

    def take(view: Any) -> Any:
        value = getattr(view._row, attribute)
        if value is not None and type(value) not in raw:
            return value
        with _SETTLING:  # whoever comes second gets what the first one made
            if not issubclass(type(view), _View):
                return getattr(view, attribute)
            value = getattr(view._row, attribute)
            if type(value) in raw:
                value = made(value)
                setattr(view._row, attribute, value)
            return value

    return take


def _nested(model: type[Model]) -> Callable[[Any], Any]:
    """What makes the objects inside a row; the decoder leaves lists of them as tuples."""
    return lambda value: read(model, list(value) if type(value) is tuple else value)


def _decoded() -> Callable[[bytes], Any]:
    """`decode`, one call shorter where the fast decoder takes it."""
    quick = fast_json().json.Decoder().decode

    def made(value: bytes) -> Any:
        try:
            return quick(value)
        except (ValueError, RecursionError):
            return decode(value)

    return made


@lru_cache(maxsize=64)
def _kind(model: type[Model]) -> type[_View]:
    """The class of views of a model."""
    classes = import_module("imednet_api.models")
    body: dict[str, Any] = {"_rest": None}
    late: list[str] = []
    slots = [(model.__dict__["_rest"].__set__, attrgetter("_rest"))]
    for field, name in model.FIELDS.items():
        slot = f"_{name}" if field in model.UNDECODED else name
        body[slot] = property(attrgetter(f"_row.{name}"))
        if name in model.NESTED:
            body[name] = property(_late(name, _nested(getattr(classes, model.NESTED[name])), (tuple, dict)))
            late.append(name)
        elif field in model.UNDECODED:
            body[name] = property(_late(name, _decoded(), (bytes,)))
            late.append(name)
        slots.append((model.__dict__[slot].__set__, attrgetter(slot)))
    body |= {"__slots__": (), "__doc__": model.__doc__, "__module__": model.__module__}
    body["_plan"] = _Plan(model, tuple(slots), tuple(late))
    kind: type[_View] = type(model.__name__, (_View, model), body)
    return kind


def views(model: type[Model], rows: list[Any]) -> list[Any]:
    """Objects of a model over rows of the fast decoder, which have an attribute for each of its fields."""
    found = list(map(object.__new__, repeat(_kind(model), len(rows))))  # type: ignore[arg-type]  # (a class can be hashed)
    deque(map(_ROW.__set__, found, rows), maxlen=0)
    return found


@lru_cache(maxsize=64)
def row_decoder(model: type[Model]) -> Any:
    """The fast decoder of pages of a model: rows have exactly its fields, else it raises ValueError."""
    msgspec = fast_json()
    # Anything, but lists become tuples: an empty one, the usual case, is then one object in the whole process.
    nested = tuple[Any, ...] | dict[str, Any] | str | int | float | bool | None
    row = msgspec.defstruct(
        model.__name__,
        [
            (name, msgspec.Raw if field in model.UNDECODED else nested if name in model.NESTED else Any)
            for field, name in model.FIELDS.items()
        ],
        rename={name: field for field, name in model.FIELDS.items()},
        forbid_unknown_fields=True,
        gc=False,
    )
    page = msgspec.defstruct("Page", [("data", list[row]), ("metadata", Any, None), ("pagination", Any, None)])  # type: ignore[valid-type]
    return msgspec.json.Decoder(page)
