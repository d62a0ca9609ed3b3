"""Decoding of any page that is JSON: rows with missing or unknown fields, odd numbers, or without msgspec."""

from __future__ import annotations

from typing import Any, NamedTuple

from imednet_api.types import Model, Rest, decode

from .json_text import decode_except, list_items


class Decoded(NamedTuple):
    """The parts of a decoded page.

    Attributes:
        metadata, pagination: as decoded.
        rows: the rows, in the order that came.
        columns: field that was asked for -> its value in every row.
        undeclared: fields of rows that the model does not declare.
    """

    metadata: Any
    pagination: Any
    rows: list[Any]
    columns: dict[str, list[Any]]
    undeclared: frozenset[str] = frozenset()


class NotAPage(Exception):
    """JSON that is not a page."""


def objects(content: bytes, model: type[Model], fields: tuple[str, ...]) -> Decoded:
    """Rows as objects of a model, and the values of some fields."""
    metadata, pagination, data = _envelope(decode_except(content, model.UNDECODED))
    rows, undeclared = [], set[str]()
    for row in data:
        absent = frozenset([name for name in model.FIELDS if name not in row])
        extra = {name: value for name, value in row.items() if name not in model.FIELDS}
        undeclared.update(extra)
        rest = Rest(absent, extra) if absent or extra else None
        rows.append(model.from_values(tuple([row.get(name) for name in model.FIELDS]), rest))
    return Decoded(metadata, pagination, rows, _columns(data, fields), frozenset(undeclared))


def lines(content: bytes, fields: tuple[str, ...]) -> Decoded:
    """Rows as the JSON that came, each in one line of bytes, and the values of some fields."""
    metadata, pagination, data = _envelope(decode(content))
    texts = list_items(content, "data") if data else []
    rows = [in_one_line(text.encode("utf-8", "surrogatepass")) for text in texts]
    return Decoded(metadata, pagination, rows, _columns(data, fields))


def plain(content: bytes, fields: tuple[str, ...]) -> Decoded:
    """Rows as dictionaries, untouched, and the values of some fields."""
    metadata, pagination, data = _envelope(decode(content))
    return Decoded(metadata, pagination, data, _columns(data, fields))


def in_one_line(text: bytes) -> bytes:
    """The same JSON without line breaks; in JSON they stand only where a blank could stand."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def _columns(data: list[Any], fields: tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in data] for name in fields}


def _envelope(body: Any) -> tuple[Any, Any, list[Any]]:
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        metadata = body.get("metadata") if isinstance(body, dict) else None
        if isinstance(metadata, dict) and metadata.get("error"):
            return metadata, None, []
        raise NotAPage("the answer holds no list of rows (`data`)")
    if not all(isinstance(row, dict) for row in body["data"]):
        raise NotAPage("a row is not an object")
    return body.get("metadata"), body.get("pagination"), body["data"]
