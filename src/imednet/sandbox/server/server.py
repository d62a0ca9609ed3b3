"""The API behind a socket on this machine."""

from __future__ import annotations

import socket
import struct
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypedDict

from ..invent.design import Row, load
from ..invent.sizes import scale_of
from ..study.study import Study, build
from .api import Api
from .control import CONTROL, control, is_loopback
from .faults import Fault, Faults, endpoint_of
from .messages import Answer, Intercept, Request, encoded
from .switches import Switches

DEFAULT_SEED = 2024
MOST_BODY = 64 << 20
"""Bytes of the largest body that is taken."""


class Credentials(TypedDict):
    """What an SDK needs to talk to a sandbox."""

    api_key: str
    security_key: str
    base_url: str


class Sandbox:
    """A local server that speaks the API over an invented study.

    Args:
        size: `demo` (48 subjects, about 2,800 records), `medium` (66,000 records) or `large` (a million).
        profile: a study that breaks one thing instead: `wide`, `empty`, `single`, `single-501`, `single-1000`,
            `legacy` or `burst`.
        seed: the same seed gives the same bytes.
        dialect: `documented`, or `live` for what traces of the real server show.
        lenient: accept what the strict server refuses.
        switches: single switches by name; `imednet sandbox describe` lists them.
        faults: what goes wrong, each as `Fault` or as words such as `"status GET records nth=3 status=429"`.
        host, port: where to listen, on this machine only; port 0 takes a free one.
        intercept: stands between requests and the API, for tests: `intercept(request, answer) -> Answer`.
        studies: studies made elsewhere instead of those of `size`.
        job_clock: seconds that only grow, for jobs; tests put their own here.

    Raises:
        ValueError: for a size, profile, switch or fault that does not exist, or a host that is not this machine.

    >>> with Sandbox(size="demo", switches={"roleDates": "string"}) as box:
    ...     sorted(box.credentials)
    ['api_key', 'base_url', 'security_key']
    """

    def __init__(
        self,
        size: str = "demo",
        *,
        profile: str | None = None,
        seed: int = DEFAULT_SEED,
        dialect: str = "documented",
        lenient: bool = False,
        switches: Mapping[str, object] | None = None,
        faults: Iterable[Fault | str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        intercept: Intercept | None = None,
        studies: dict[str, Study] | None = None,
        job_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or not -(2**127) <= seed < 2**127:
            raise ValueError(f"a seed is a whole number, not {seed!r}")
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535, not {port!r}")
        scale = scale_of(size, profile)
        turned = Switches(switches, dialect=dialect, lenient=lenient)
        if not is_loopback(host):
            raise ValueError(f"the sandbox listens on this machine only (127.0.0.1, ::1, localhost), not on {host!r}")
        self.studies = studies if studies is not None else build(scale, seed, many=turned.on("manyStudies"))
        self.seed = seed
        self.api = Api(self.studies, load().data["keys"], turned, job_clock)
        planned = [
            Fault.read(one) if isinstance(one, str) else one
            for one in ([faults] if isinstance(faults, str) else faults)
        ]
        if not all(isinstance(one, Fault) for one in planned):
            raise ValueError("faults are words or Fault objects")
        self.faults = Faults(self.api, planned, seed)
        self._asked: deque[Request] = deque(maxlen=100_000)
        self._intercept = intercept
        self._load = _Load()
        self._address = (host, port)
        self._listening: _Server | None = None
        self._thread: threading.Thread | None = None
        self._serving = False

    @property
    def _server(self) -> _Server:
        """The socket, opened when it is first needed: who asks in process needs none."""
        if self._listening is None:
            self._listening = _Server(self._address, self)
        return self._listening

    @property
    def url(self) -> str:
        """The base URL; from now on the port is taken.

        Raises:
            OSError: when the port is in use.
        """
        host, port = self._server.server_address[:2]
        host = host.decode() if isinstance(host, bytes) else host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def credentials(self) -> Credentials:
        """Arguments for `ImednetSDK`: base URL and the keys of a blinded user."""
        return self._credentials(0)

    @property
    def unblinded_credentials(self) -> Credentials:
        """The same with the keys of a user who sees blinded answers."""
        return self._credentials(1)

    def _credentials(self, place: int) -> Credentials:
        pair = load().data["keys"][place]
        return {"api_key": pair["apiKey"], "security_key": pair["securityKey"], "base_url": self.url}

    @property
    def requests(self) -> list[Request]:
        """What was asked, the last 100,000 of it, without the requests to the control endpoint."""
        return list(self._asked)

    # ---- looking and turning, also at the control endpoint

    def stats(self) -> Row:
        """Requests by method and list, the highest number at once, and how many record bodies were made."""
        bodies = sum(study.record_source.bodies for study in self.studies.values() if "record_source" in study.__dict__)
        return {**self._load.show(), "bodies": bodies, "clock": self.api.clock}

    def reset_stats(self) -> Row:
        """Start counting anew."""
        self._load = _Load()
        self._asked.clear()
        for study in self.studies.values():
            if "record_source" in study.__dict__:
                study.record_source.bodies = 0
        return self.stats()

    def advance(self, days: int) -> Row:
        """Let days pass in the main study; gives how many records are new, changed and deleted."""
        return self.api.advance(days)

    def manifest(self, *, ledger: bool = True) -> Row:
        """Counts, hashes, answers to common questions and every planted defect of what is served."""
        return self.api.manifest(ledger=ledger)

    # ---- answering

    def answer(self, request: Request) -> Answer:
        """Answer a request, through the faults and the interceptor if there are any."""
        if request.path.startswith(CONTROL):
            return control(self, request)
        self._asked.append(request)
        with self._load.one(f"{request.method} {endpoint_of(request)}"):
            try:
                return self.api.pack(request, self.faults.answer(request, self._through))
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not look like a page
                traceback.print_exc()
                return Answer(500, encoded({"message": f"the sandbox failed: {type(error).__name__}"}))

    def _through(self, request: Request) -> Answer:
        if self._intercept is not None:
            answer = self._intercept(request, self.api.answer)
            if not isinstance(answer, Answer):
                raise TypeError(f"intercept must return an Answer, not {type(answer).__name__}")
            return answer
        return self.api.answer(request)

    # ---- serving

    def start(self) -> Self:
        """Serve in a thread; does nothing when it serves already."""
        if self._serving:
            return self
        self._serving = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serve in this thread until `stop` is called from another one."""
        self._serving = True
        self._server.serve_forever(0.05)

    def stop(self) -> None:
        """Stop serving and close the socket; `start` serves again, on another port unless one was chosen."""
        if self._serving:
            self._serving = False
            self._server.shutdown()
        if self._listening is not None:
            self._listening.server_close()
            self._listening = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Load:
    """Counts requests and how many are at work at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._now = 0
        self._most = 0

    def one(self, name: str) -> Self:
        with self._lock:
            self._requests[name] += 1
        return self

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self._most = max(self._most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1

    def show(self) -> Row:
        with self._lock:
            return {"requests": dict(sorted(self._requests.items())), "most_at_once": self._most}


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

    def __getattr__(self, name: str) -> Any:
        """All methods are served alike; the base class looks for `do_GET` and the like."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        wrong = not length.isascii() or not length.isdigit() or len(length) > 9
        if wrong or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # what follows cannot be told from the next request
            self._send(Answer(400 if wrong else 411, b"", {"Connection": "close"}))
            return
        if int(length) > MOST_BODY:
            self.close_connection = True
            self._send(Answer(413, b"", {"Connection": "close"}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(int(length)))
        self._send(self.server.sandbox.answer(request))

    def _send(self, answer: Answer) -> None:
        if answer.delay:
            time.sleep(answer.delay)
        if answer.break_after == -1:
            self._reset()
            return
        known = HTTPStatus._value2member_map_
        phrase = HTTPStatus(answer.status).phrase if answer.status in known else "Unknown"
        sent = {"Content-Length": str(len(answer.body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} {phrase}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in sent.items()
        )
        body = b"" if self.command == "HEAD" else answer.body
        if answer.break_after is not None:
            self.wfile.write(head.encode("latin-1") + b"\r\n" + body[: answer.break_after])
            self.wfile.flush()
            self._reset()
            return
        if answer.bytes_per_second:
            self.wfile.write(head.encode("latin-1") + b"\r\n")
            step = max(1, answer.bytes_per_second // 20)
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                time.sleep(step / answer.bytes_per_second)
        else:
            self.wfile.write(head.encode("latin-1") + b"\r\n" + body)
        if int(sent["Content-Length"]) != len(body):
            self.close_connection = True  # a cut body: the connection ends early

    def _reset(self) -> None:
        """Close the connection with a reset instead of an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: filters may hold data of a person."""
