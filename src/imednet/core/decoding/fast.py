"""Decoding of pages by msgspec, which leaves fields undecoded until somebody reads them.

Both functions return what `exact` returns for the same bytes. They raise ValueError or RecursionError for anything that
is not exactly a page of the model, which is then left to `exact`.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import Any

from imednet_api.types import Model, fast_json

from .exact import Decoded, in_one_line
from .json_text import own_bytes


def objects(content: bytes, model: type[Model], fields: tuple[str, ...]) -> Decoded:
    """Rows as objects of a model, and the values of some fields."""
    msgspec = fast_json()
    page = _page_decoder(model).decode(content)  # type: ignore[arg-type]  # (a class can be hashed)
    parsed = page.data
    for attribute in [model.FIELDS[name] for name in model.UNDECODED]:
        for row in parsed:
            setattr(row, attribute, own_bytes(getattr(row, attribute)))
    _check_text(content)
    columns = {name: list(map(attrgetter(model.FIELDS[name]), parsed)) for name in fields}
    rows = list(map(model.from_values, map(msgspec.structs.astuple, parsed)))
    return Decoded(page.metadata, page.pagination, rows, columns)


def lines(content: bytes, fields: tuple[str, ...]) -> Decoded:
    """Rows as the JSON that came, each in one line of bytes, and the values of some fields."""
    page = _line_decoder().decode(content)
    rows = _field_decoder(fields).decode(content).data
    _check_text(content)
    broken = b"\n" in content or b"\r" in content
    texts = page.data if not broken else [in_one_line(bytes(line)) for line in page.data]
    columns = {name: [getattr(row, f"f{position}") for row in rows] for position, name in enumerate(fields)}
    return Decoded(page.metadata, page.pagination, texts, columns)


def _check_text(content: bytes) -> None:
    """Raise UnicodeDecodeError, a ValueError, for bytes that are not UTF-8; msgspec does not look into raw fields."""
    if not content.isascii():
        str(content, "utf-8")


@lru_cache(maxsize=64)
def _page_decoder(model: type[Model]) -> Any:
    """The decoder for pages whose rows have exactly the fields of a model."""
    msgspec = fast_json()
    row = msgspec.defstruct(
        model.__name__,
        [(attribute, msgspec.Raw if field in model.UNDECODED else Any) for field, attribute in model.FIELDS.items()],
        rename={attribute: field for field, attribute in model.FIELDS.items()},
        forbid_unknown_fields=True,
        gc=False,
    )
    members = [("data", list[row]), ("metadata", Any, None), ("pagination", Any, None)]  # type: ignore[valid-type]
    return msgspec.json.Decoder(msgspec.defstruct("Page", members, forbid_unknown_fields=True))


@lru_cache(maxsize=1)
def _line_decoder() -> Any:
    msgspec = fast_json()
    raw_rows: Any = list[msgspec.Raw]  # type: ignore[name-defined]
    return msgspec.json.Decoder(
        msgspec.defstruct("Page", [("data", raw_rows), ("metadata", Any, None), ("pagination", Any, None)])
    )


@lru_cache(maxsize=64)
def _field_decoder(fields: tuple[str, ...]) -> Any:
    msgspec = fast_json()
    names = {f"f{position}": name for position, name in enumerate(fields)}
    row = msgspec.defstruct("Row", [(name, Any, None) for name in names], rename=names, gc=False)
    return msgspec.json.Decoder(msgspec.defstruct("Page", [("data", list[row])]))  # type: ignore[valid-type]
