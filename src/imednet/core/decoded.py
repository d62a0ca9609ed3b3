"""Objects of a model that are the decoder's own rows.

A whole page is decoded in one go into rows of the decoder's kind. Such a row has the attributes and methods of its
model and is handed out as it is: to make an object of the model of each, and to have Python's collector of cycles look
through them again and again, is more than half of what a long list costs.

`isinstance` and `row.__class__` say the model; `type(row)` alone tells the difference, and has the same name. What is
copied or pickled becomes an object of the model itself.

The collector does not look at a row until an attribute of it is set, as no JSON holds a cycle. Answers that were made
late do not change that, so that a row which is put into its own answers is never freed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from operator import attrgetter
from threading import RLock
from types import MemberDescriptorType
from typing import Any, NamedTuple

import attrs

from imednet_api.types import Model, decode, fast_json, read

_MAKING = RLock()
if hasattr(os, "register_at_fork"):  # a child made while another thread held the lock would wait for it forever
    os.register_at_fork(before=_MAKING.acquire, after_in_parent=_MAKING.release, after_in_child=_MAKING.release)

_UNMADE = (tuple, dict)
_ALSO = ("__module__", "__doc__", "__eq__", "__ne__", "__hash__", "__repr__", "__rich_repr__", "__attrs_attrs__")


class _Given(NamedTuple):
    """A value that was set by hand and looks like one that is still to be made."""

    value: Any


def _undecoded(slot: MemberDescriptorType) -> property:
    """A field that its slot holds as bytes until it is read first."""
    name, quick = slot.__name__, fast_json().json.Decoder().decode
    held, keep = attrgetter(name), slot.__set__  # which, unlike `setattr`, does not make the collector look at the row

    def take(row: Any) -> Any:
        value = held(row)
        if type(value) is bytes:
            with _MAKING:  # whoever comes second gets what the first one made
                value = held(row)
                if type(value) is bytes:
                    try:
                        value = quick(value)  # `decode`, one call shorter
                    except (ValueError, RecursionError):
                        value = decode(value)
                    keep(row, value)
        return value

    return property(take, *_changes(name))


def _nested(slot: MemberDescriptorType, model: type[Model]) -> property:
    """A field of objects that are made when it is read first; until then its slot holds a dictionary or a tuple."""
    name = slot.__name__
    held = attrgetter(name)

    def take(row: Any) -> Any:
        value = held(row)
        if type(value) in _UNMADE:
            with _MAKING:
                value = held(row)
                if type(value) in _UNMADE:
                    value = read(model, list(value) if type(value) is tuple else value)
                    setattr(row, name, value)
        return value.value if type(value) is _Given else value

    return property(take, *_changes(name, _UNMADE))


def _changes(name: str, unmade: tuple[type, ...] = ()) -> tuple[Callable[[Any, Any], None], Callable[[Any], None]]:
    """What sets and what deletes such a field, not in the middle of its making."""

    def put(row: Any, value: Any) -> None:
        with _MAKING:
            setattr(row, name, _Given(value) if type(value) in unmade else value)

    def drop(row: Any) -> None:
        with _MAKING:
            delattr(row, name)

    return put, drop


def _reduce(row: Any, protocol: Any) -> Any:
    return attrs.evolve(row).__reduce_ex__(protocol)


def row_kind(model: type[Model]) -> Any:
    """The class of the rows of a model: its fields are those of the model, all needed and no others taken."""
    msgspec = fast_json()
    # Anything, but lists become tuples: an empty one, the usual case, is then one object in the whole process.
    inner: Any = tuple[Any, ...] | dict[str, Any] | str | int | float | bool | None
    own: dict[str, Any] = {
        name: getattr(model, name) if isinstance(value, classmethod) else value
        for name, value in {**vars(Model), **vars(model)}.items()
        if name in _ALSO or not (name.startswith("__") or isinstance(value, MemberDescriptorType))
    }
    own |= {"_rest": None, "__class__": property(lambda _: model)}
    own |= {"__copy__": attrs.evolve, "__replace__": attrs.evolve, "__reduce_ex__": _reduce}
    names = model.FIELDS.items()
    late = {name: f"_{name}" for field, name in names if field in model.UNDECODED or name in model.NESTED}
    kind = msgspec.defstruct(
        model.__name__,
        [
            (late.get(name, name), msgspec.Raw if field in model.UNDECODED else inner if name in late else Any)
            for field, name in names
        ],
        namespace={name: value for name, value in own.items() if name not in late},
        rename={late.get(name, name): field for field, name in names},
        forbid_unknown_fields=True,
        eq=False,
        weakref=True,
    )
    for name, slot in late.items():
        held = getattr(kind, slot)
        nested = model.NESTED.get(name)
        made = _nested(held, getattr(import_module("imednet_api.models"), nested)) if nested else _undecoded(held)
        setattr(kind, name, made)
    return kind


@lru_cache(maxsize=64)
def row_decoder(model: type[Model]) -> Any:
    """The fast decoder of pages of a model; ValueError unless a page and its rows have exactly their fields."""
    msgspec = fast_json()
    rows: Any = list[row_kind(model)]  # type: ignore[misc]
    facts = [("data", rows), ("metadata", Any, None), ("pagination", Any, None)]
    page = msgspec.defstruct("Page", facts, forbid_unknown_fields=True)
    return msgspec.json.Decoder(page)
