"""The API behind a socket on this machine."""

from __future__ import annotations

import ipaddress
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypedDict

from .api import Answer, Api, Intercept, Request
from .design import load
from .study import Study, build

SIZES = ("demo",)
DEFAULT_SEED = 2024


class Credentials(TypedDict):
    """What an SDK needs to talk to a sandbox."""

    api_key: str
    security_key: str
    base_url: str


class Sandbox:
    """A local server that speaks the API over an invented study.

    Args:
        size: `demo` is 48 subjects and about 2,800 records.
        seed: the same seed gives the same bytes.
        host, port: where to listen, on this machine only; port 0 takes a free one.
        intercept: stands between requests and the API, for tests: `intercept(request, answer) -> Answer`.
        studies: studies made elsewhere instead of those of `size`.

    >>> with Sandbox(size="demo") as box:
    ...     sorted(box.credentials)
    ['api_key', 'base_url', 'security_key']
    """

    def __init__(
        self,
        size: str = "demo",
        *,
        seed: int = DEFAULT_SEED,
        host: str = "127.0.0.1",
        port: int = 0,
        intercept: Intercept | None = None,
        studies: dict[str, Study] | None = None,
    ) -> None:
        if size not in SIZES:
            raise ValueError(f"there is no size {size!r}; choose one of: {', '.join(SIZES)}")
        if not _is_loopback(host):
            raise ValueError(f"the sandbox listens on this machine only (127.0.0.1, ::1, localhost), not on {host!r}")
        self.studies = build(seed) if studies is None else studies
        self.seed = seed
        self.api = Api(self.studies, load().data["keys"])
        self.requests: list[Request] = []
        self._intercept = intercept
        self._server = _Server((host, port), self)
        self._thread: threading.Thread | None = None
        self._serving = False

    @property
    def url(self) -> str:
        """The base URL."""
        host, port = self._server.server_address[:2]
        host = host.decode() if isinstance(host, bytes) else host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def credentials(self) -> Credentials:
        """Arguments for `ImednetSDK`: base URL and the keys of a blinded user."""
        pair = load().data["keys"][0]
        return {"api_key": pair["apiKey"], "security_key": pair["securityKey"], "base_url": self.url}

    def answer(self, request: Request) -> Answer:
        """Answer a request, through the interceptor if there is one."""
        self.requests.append(request)
        if self._intercept is not None:
            return self._intercept(request, self.api.answer)
        return self.api.answer(request)

    def start(self) -> Self:
        """Serve in a thread."""
        self._serving = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serve in this thread until `stop` is called from another one."""
        self._serving = True
        self._server.serve_forever(0.05)

    def stop(self) -> None:
        """Stop serving and close the socket."""
        if self._serving:
            self._serving = False
            self._server.shutdown()
        self._server.server_close()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no trouble of the server's."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.sandbox.answer(Request(self.command, self.path, headers, self.rfile.read(length)))
        phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "Unknown"
        sent = {"Content-Length": str(len(answer.body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} {phrase}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in sent.items()
        )
        self.wfile.write(head.encode("latin-1") + b"\r\n" + answer.body)
        if int(sent["Content-Length"]) != len(answer.body):
            self.close_connection = True  # a cut body: the connection ends early

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: filters may hold data of a person."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
