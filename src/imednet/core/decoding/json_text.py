"""Decoding of JSON that keeps parts of it as the text that came."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from imednet_api.types import STANDARD_DECODER, decode, fast_json


def own_bytes(raw: Any) -> bytes | None:
    """A copy of raw JSON, so that a row does not keep its page. Null is `None`, all empty lists are one object."""
    own = bytes(raw)
    return _SMALL.get(own, own)


_SMALL: dict[bytes, bytes | None] = {b"null": None, b"[]": b"[]"}


def decode_except(content: bytes, names: tuple[str, ...]) -> Any:
    """Decode a page, except the named fields of its rows, which stay bytes."""
    if not names:
        return decode(content)
    msgspec = fast_json()
    if msgspec is not None:
        try:
            body = msgspec.json.decode(content)
            raw_rows = _raw_decoder(names).decode(content).data
            for row, raw in zip(body["data"], raw_rows, strict=True):
                for name in names:
                    if name in row:
                        row[name] = own_bytes(getattr(raw, name))
            return body
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass  # not of this shape, or the fast decoder is too strict: scan the text instead
    try:
        return _scan(content.decode("utf-8-sig"), names)
    except (IndexError, RecursionError):
        raise ValueError("the text ends too early or is nested too deeply") from None


@lru_cache(maxsize=8)
def _raw_decoder(names: tuple[str, ...]) -> Any:
    msgspec = fast_json()
    row = msgspec.defstruct("Row", [(name, msgspec.Raw | msgspec.UnsetType, msgspec.UNSET) for name in names])
    return msgspec.json.Decoder(msgspec.defstruct("Rows", [("data", list[row])]))  # type: ignore[valid-type]


def texts(raw: bytes | None) -> dict[str, str | None]:
    """The members of an object as texts: text as it is, null as `None`, any other kind as the JSON that came.

    Anything but an object comes back under the name `recordData`, so that it is not lost.

    >>> texts(b'{"AENUM": 1.50, "AETERM": "Cough", "AESER": null}')
    {'AENUM': '1.50', 'AETERM': 'Cough', 'AESER': None}
    """
    if raw is None:
        return {}
    members = decode(raw)
    if not isinstance(members, dict):
        return {"recordData": raw.decode("utf-8", "surrogatepass")}
    if set(map(type, members.values())) <= _PLAIN:
        return members
    text = raw.decode("utf-8", "surrogatepass")

    def member(_: str, at: int) -> tuple[Any, int]:
        value, end = STANDARD_DECODER.raw_decode(text, at)
        return (value if type(value) in _PLAIN else text[at:end]), end

    return _object(text, 0, member)[0]


_PLAIN = {str, type(None)}


def _scan(text: str, names: tuple[str, ...]) -> Any:
    """Decode a page with the standard library, except the named fields of its rows, which stay bytes."""

    def value(_: str, at: int) -> tuple[Any, int]:
        return STANDARD_DECODER.raw_decode(text, at)

    def field(name: str, at: int) -> tuple[Any, int]:
        decoded, end = value(name, at)
        keep = name in names and decoded is not None
        return (text[at:end].encode("utf-8", "surrogatepass") if keep else decoded), end

    def rows(name: str, at: int) -> tuple[Any, int]:
        if name != "data" or text[at] != "[":
            return value(name, at)
        return _list(text, at, lambda start: _object(text, start, field) if text[start] == "{" else value("", start))

    start = _skip(text, 0)
    body, end = _object(text, start, rows) if text[start] == "{" else value("", start)
    if _skip(text, end) != len(text):
        raise ValueError("there is more text after the JSON")
    return body


def list_items(content: bytes, name: str) -> list[str]:
    """The text of each element of a list that is a member of an object, as it came."""
    text = content.decode("utf-8-sig")
    texts: list[str] = []

    def element(at: int) -> tuple[Any, int]:
        value, end = STANDARD_DECODER.raw_decode(text, at)
        texts.append(text[at:end])
        return value, end

    def member(member_name: str, at: int) -> tuple[Any, int]:
        if member_name != name or text[at] != "[":
            return STANDARD_DECODER.raw_decode(text, at)
        texts.clear()  # of two members of one name the last one counts
        return _list(text, at, element)

    _object(text, _skip(text, 0), member)
    return texts


def members(content: bytes) -> dict[str, str]:
    """The text of each member of an object, as it came."""
    text = content.decode("utf-8-sig")

    def member(_: str, at: int) -> tuple[Any, int]:
        _, end = STANDARD_DECODER.raw_decode(text, at)
        return text[at:end], end

    texts: dict[str, str] = _object(text, _skip(text, 0), member)[0]
    return texts


def repeated(content: bytes) -> list[tuple[str, str]]:
    """Repeated names of an object with the values that were overwritten, nulls left out: a text, or the JSON.

    >>> repeated(b'{"AETERM": "Cough", "AENUM": 1, "AETERM": "Rash"}')
    [('AETERM', 'Cough')]
    """
    text = content.decode("utf-8-sig", "surrogatepass")
    last: dict[str, str | None] = {}
    overwritten: list[tuple[str, str]] = []

    def member(name: str, at: int) -> tuple[Any, int]:
        value, end = STANDARD_DECODER.raw_decode(text, at)
        if last.get(name) is not None:
            overwritten.append((name, str(last[name])))
        last[name] = value if value is None or isinstance(value, str) else text[at:end]
        return None, end

    _object(text, _skip(text, 0), member)
    return overwritten


_SPACE = re.compile(r"[ \t\n\r]*")


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _object(text: str, at: int, member: Callable[[str, int], tuple[Any, int]]) -> tuple[dict[str, Any], int]:
    """Decode the object that starts at `at`; `member` decodes each value."""
    members: dict[str, Any] = {}
    at = _skip(text, at + 1)
    if text[at] == "}":
        return members, at + 1
    while True:
        if text[at] != '"':
            raise ValueError("a name is not a text")
        name, at = STANDARD_DECODER.raw_decode(text, at)
        at = _skip(text, at)
        _expect(text, at, ":")
        members[name], at = member(name, _skip(text, at + 1))
        at = _skip(text, at)
        if text[at] == "}":
            return members, at + 1
        _expect(text, at, ",")
        at = _skip(text, at + 1)


def _list(text: str, at: int, element: Callable[[int], tuple[Any, int]]) -> tuple[list[Any], int]:
    """Decode the list that starts at `at`; `element` decodes each element."""
    elements: list[Any] = []
    at = _skip(text, at + 1)
    if text[at] == "]":
        return elements, at + 1
    while True:
        value, at = element(at)
        elements.append(value)
        at = _skip(text, at)
        if text[at] == "]":
            return elements, at + 1
        _expect(text, at, ",")
        at = _skip(text, at + 1)


def _expect(text: str, at: int, sign: str) -> None:
    if text[at] != sign:
        raise ValueError(f"{sign!r} is missing")
