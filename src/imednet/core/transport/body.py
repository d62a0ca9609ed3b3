"""The body of a response, collected within limits of size and time.

A server may send bytes forever, one at a time, or a few bytes that decompress to very many. httpx limits each wait for
bytes. The limits here are for the whole body; it is decompressed as it arrives, so that no more is held than allowed.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from ...errors import OUTCOME_UNKNOWN, RequestError

ACCEPTED_ENCODINGS = "gzip, deflate"
_GZIP, _ZLIB, _RAW = 31, 15, -15


@dataclass
class Exchange:
    """One request and the limits of its response.

    Attributes:
        method, url: the request.
        most_bytes: size limit of the response, decompressed.
        seconds: time limit from the request to the last byte of its response.
        began: when the request began, by the monotonic clock.
    """

    method: str
    url: httpx.URL
    most_bytes: int
    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def expires(self) -> float:
        """When the time limit is reached, by the monotonic clock."""
        return self.began + self.seconds

    def check_time(self) -> None:
        """Raise RequestError once the time limit is reached."""
        if time.monotonic() >= self.expires:
            raise self.too_slow()

    def too_slow(self) -> RequestError:
        """The error for a response beyond the time limit."""
        return self._refused(f"the answer took longer than {self.seconds:g} seconds in all", "max_response_seconds=")

    def too_large(self) -> RequestError:
        """The error for a response beyond the size limit."""
        return self._refused(f"the answer is larger than {self.most_bytes:,} bytes", "max_response_bytes=")

    def out_of_memory(self) -> RequestError:
        """The error for a response that does not fit into memory."""
        return self._refused("the answer does not fit into memory", "max_response_bytes=")

    def _refused(self, what: str, option: str) -> RequestError:
        step = OUTCOME_UNKNOWN if self.method == "POST" else f"check what answers there; the limit is set with {option}"
        return RequestError(f"{self.method} {self.url.host}{self.url.path}: {what}. Nothing was read. Next: {step}")


class Collected:
    """Collects the body of one response, decompressed as it arrives."""

    def __init__(self, opened: httpx.Response, exchange: Exchange) -> None:
        self._opened = opened
        self._exchange = exchange
        self._parts: list[bytes] = []
        self._size = 0
        length = opened.headers.get("content-length", "")
        if length.isdecimal() and int(length) > exchange.most_bytes:
            raise exchange.too_large()
        encoding = opened.headers.get("content-encoding", "identity").strip().lower() or "identity"
        if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
            raise self._unreadable(f"the answer is compressed as {encoding[:20]!r}, which was not asked for")
        self._windows = {"identity": [], "deflate": [_ZLIB, _RAW]}.get(encoding, [_GZIP])
        self._unpacker = zlib.decompressobj(self._windows[0]) if self._windows else None
        self._packed = False

    def add(self, data: bytes) -> None:
        """Add bytes that arrived.

        Raises RequestError beyond a limit, `httpx.DecodingError` for bytes that cannot be decompressed.
        """
        self._exchange.check_time()
        try:
            if self._unpacker is None:
                self._keep(data)
            else:
                self._unpack(data)
        except zlib.error:
            raise self._unreadable("the answer is not compressed as it says") from None

    def _unpack(self, data: bytes) -> None:
        while data:
            assert self._unpacker is not None
            room = self._exchange.most_bytes - self._size + 1
            try:
                unpacked = self._unpacker.decompress(data, room)
            except zlib.error:
                if self._packed or len(self._windows) == 1:
                    raise
                self._unpacker = zlib.decompressobj(self._windows.pop())  # some servers send deflate without its header
                unpacked = self._unpacker.decompress(data, room)
            self._packed = True
            self._keep(unpacked)
            data = self._unpacker.unconsumed_tail
            if self._unpacker.eof:
                data = self._unpacker.unused_data.lstrip(b"\0")
                if data:  # gzip may come in several members
                    self._unpacker = zlib.decompressobj(self._windows[0])

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._exchange.most_bytes:
            self.clear()
            raise self._exchange.too_large()
        self._parts.append(data)

    def clear(self) -> None:
        """Drop the bytes collected so far, to free their memory."""
        self._parts.clear()

    def response(self) -> httpx.Response:
        """The response with its whole body, detached from its connection. Raises `httpx.DecodingError` if cut off."""
        if self._unpacker is not None and self._packed and not self._unpacker.eof:
            raise self._unreadable("the answer is cut off")
        opened = self._opened
        content = b"".join(self._parts)
        left_out = ("content-encoding", "content-length", "transfer-encoding")
        headers = [(name, value) for name, value in opened.headers.multi_items() if name.lower() not in left_out]
        packing = {"content_encoding": opened.headers.get("content-encoding", "")}  # the header would be untrue now
        response = httpx.Response(
            opened.status_code, headers=headers, content=content, request=opened.request, extensions=packing
        )
        response.elapsed = timedelta(seconds=time.monotonic() - self._exchange.began)
        return response

    def _unreadable(self, what: str) -> httpx.DecodingError:
        return httpx.DecodingError(what, request=self._opened.request)
