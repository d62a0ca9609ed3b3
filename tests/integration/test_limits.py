"""Answers without end, of hostile size, or with more than one answer in them: one clear error each, in bounded memory.

Each case runs in a process of its own that may have 600 MB of memory.
"""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from imednet.core.transport.body import Collected, Exchange
from imednet.errors import RequestError
from support import STUDY

MEMORY = 600 << 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Serve = Callable[[socket.socket], None]


def page(rows: int = 0) -> bytes:
    """A sound page of sites."""
    data = [{"studyKey": STUDY, "siteId": number} for number in range(1, rows + 1)]
    numbers = {"currentPage": 0, "size": 500, "totalPages": 1, "totalElements": rows}
    return json.dumps({"metadata": {"error": {}}, "pagination": numbers, "data": data}).encode()


def answered(body: bytes, head: bytes = HEAD) -> bytes:
    return head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def raw_server(serve: Serve) -> Iterator[str]:
    """A server that does with each request what `serve` says; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while not ended.is_set() and connection.recv(65536):
                    serve(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()


CHILD = """
import asyncio, ctypes, resource, sys, time
ctypes.CDLL("libgcc_s.so.1")  # a thread that ends needs it, and glibc would load it then, into memory that is full
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]), int(sys.argv[3])))
from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import ImednetError
url, kind, options = sys.argv[1], sys.argv[2], eval(sys.argv[4])
def told(began, error):
    print(f"{time.monotonic() - began:.1f}", type(error).__name__, error)
async def run():
    async with AsyncImednetSDK("k", "s", url, backoff_factor=0, **options) as sdk:
        began = time.monotonic()
        try:
            print(len(await sdk.sites.list("TIDEWATER-201")), "rows")
        except ImednetError as error:
            told(began, error)
if kind == "async":
    asyncio.run(run())
else:
    with ImednetSDK("k", "s", url, backoff_factor=0, **options) as sdk:
        began = time.monotonic()
        try:
            print(len(sdk.sites.list("TIDEWATER-201")), "rows")
        except ImednetError as error:
            told(began, error)
"""


def read(kind: str, serve: Serve, **options: float) -> str:
    """What a list of sites comes to in a process with little memory."""
    with raw_server(serve) as url:
        command = [sys.executable, "-c", CHILD, url, kind, str(MEMORY), repr(options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bomb(connection: socket.socket) -> None:
    """10 MB of gzip that unpack to 10 GB; packed while it is sent."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    zeros = bytes(1 << 20)
    for _ in range(10_000):
        part = packer.compress(zeros)
        if part:
            connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")


def endless(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(b"[" * 65536)


def too_long(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 99999999999\r\n\r\n")


def drip_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def drip_head(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"X-More: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


both = pytest.mark.parametrize("kind", ["sync", "async"])


@both
@pytest.mark.parametrize(
    ("serve", "options", "what"),
    [
        (bomb, {"max_response_bytes": 50 << 20}, "larger than 52,428,800 bytes"),
        (bomb, {}, "does not fit into memory"),
        (endless, {"max_response_bytes": 50 << 20}, "larger than 52,428,800 bytes"),
        (endless, {}, "does not fit into memory"),
        (too_long, {}, "larger than 1,073,741,824 bytes"),
        (drip_body, {"max_response_seconds": 2}, "longer than 2 seconds in all"),
        (drip_head, {"max_response_seconds": 2}, "longer than 2 seconds in all"),
        (flood, {"max_response_seconds": 2}, "longer than 2 seconds in all"),
    ],
)
def test_an_answer_without_end_is_one_clear_error(
    kind: str, serve: Serve, options: dict[str, float], what: str
) -> None:
    said = read(kind, serve, **options)
    seconds, name, *_ = said.split()
    assert name == "RequestError"
    assert what in said
    assert "Next: " in said
    assert float(seconds) < 60


@both
def test_an_unsound_answer_costs_its_connection(kind: str) -> None:
    """Else the second answer in the same bytes would be taken for that to the next request: no rows, proven."""
    answers = [answered(b"{}") + answered(page(0))]

    def serve(connection: socket.socket) -> None:
        connection.sendall(answers.pop() if answers else answered(page(6)))

    assert read(kind, serve) == "6 rows\n"


@both
def test_gzip_in_several_members_is_read_whole(kind: str) -> None:
    body = page(6)
    packed = gzip.compress(body[:40]) + gzip.compress(body[40:]) + b"\0\0"

    def serve(connection: socket.socket) -> None:
        connection.sendall(answered(packed, HEAD + b"Content-Encoding: gzip\r\n"))

    assert read(kind, serve) == "6 rows\n"


def collected(encoding: str, *parts: bytes, most: int = 1000) -> bytes:
    request = httpx.Request("GET", "https://h.org/p")
    opened = httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(b""), request=request)
    found = Collected(opened, Exchange("GET", request.url, most, 60.0))
    for part in parts:
        found.add(part)
    return found.response().content


@pytest.mark.parametrize("encoding", ["identity", "gzip", "x-gzip", "deflate", "GZIP"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_every_encoding_in_any_pieces(encoding: str, size: int) -> None:
    body = bytes(range(256)) * 3
    packed = {"identity": body, "deflate": zlib.compress(body)}.get(encoding, gzip.compress(body))
    assert collected(encoding, *[packed[at : at + size] for at in range(0, len(packed), size)]) == body
    if encoding == "deflate":
        bare = zlib.compressobj(wbits=-15)
        assert collected(encoding, bare.compress(body) + bare.flush()) == body


def test_what_cannot_be_unpacked_is_no_answer() -> None:
    packed = gzip.compress(b"x" * 300)
    with pytest.raises(httpx.DecodingError, match="cut off"):
        collected("gzip", packed[:-4])
    with pytest.raises(httpx.DecodingError, match="not compressed as it says"):
        collected("gzip", b"<html>")
    with pytest.raises(httpx.DecodingError, match="not asked for"):
        collected("br", b"x")
    assert collected("gzip") == b""


def test_the_limit_is_exact() -> None:
    assert len(collected("gzip", gzip.compress(b"x" * 300), most=300)) == 300
    with pytest.raises(RequestError, match="larger than 299 bytes"):
        collected("gzip", gzip.compress(b"x" * 300), most=299)
