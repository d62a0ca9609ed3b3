"""`Sandbox`: the API behind a socket on this machine, with faults, an interceptor and statistics.

What is answered is decided in `api`; here requests are read from the socket, answers written to it, and both counted.
"""

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
from .switches import Dialect, Switches

DEFAULT_SEED = 2024
MAX_BODY = 64 << 20
"""Size of the largest request body that is accepted, in bytes."""


class Credentials(TypedDict):
    """Keyword arguments that connect an SDK to a sandbox."""

    api_key: str
    security_key: str
    base_url: str


class Sandbox:
    """A local server that speaks the API over an invented study.

    Args:
        size: `demo` (48 subjects, about 2,800 records), `medium` (66,000 records) or `large` (a million).
        profile: instead of a size, a study that strains a client in one way: `wide`, `empty`, `single`, `single-501`,
            `single-1000`, `legacy` or `burst`.
        seed: the same seed gives the same bytes.
        dialect: `documented`, `live` for the spellings seen from the real server, or `Dialect.from_probe(report)` for
            those of a tenant that `imednet probe` has asked.
        lenient: accept requests that the strict server refuses.
        switches: name -> value of single switches; `imednet sandbox describe` lists them.
        faults: what is to go wrong, each a `Fault` or words such as `"status GET records nth=3 status=429"`.
        host, port: the address to listen at, on this machine only; port 0 chooses a free one.
        intercept: called instead of the API, for tests: `intercept(request, answer) -> Answer`.
        studies: studies to serve instead of those of `size`.
        job_clock: gives the seconds that jobs are timed by; tests pass their own.

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
        dialect: str | Dialect = "documented",
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
            raise ValueError(f"seed must be a whole number of at most 127 bits, not {seed!r}")
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise ValueError(f"port must be a whole number from 0 to 65535, not {port!r}")
        scale = scale_of(size, profile)
        chosen_switches = Switches(switches, dialect=dialect, lenient=lenient)
        if not is_loopback(host):
            raise ValueError(f"host must be this machine only (127.0.0.1, ::1, localhost), not {host!r}")
        self.studies = studies if studies is not None else build(scale, seed, many=chosen_switches.on("manyStudies"))
        self.seed = seed
        self.api = Api(self.studies, load().data["keys"], chosen_switches, job_clock)
        planned = [
            Fault.read(fault) if isinstance(fault, str) else fault
            for fault in ([faults] if isinstance(faults, str) else faults)
        ]
        if not all(isinstance(fault, Fault) for fault in planned):
            raise ValueError("faults must be words or Fault objects")
        self.faults = Faults(self.api, planned, seed)
        self._requests_kept: deque[Request] = deque(maxlen=100_000)
        self._intercept = intercept
        self._counts = _RequestCounts()
        self._address = (host, port)
        self._listener: _Server | None = None
        self._thread: threading.Thread | None = None
        self._serving = False

    @property
    def _server(self) -> _Server:
        """The socket server, opened when first needed; calling `answer` in the same process needs none."""
        if self._listener is None:
            self._listener = _Server(self._address, self)
        return self._listener

    @property
    def url(self) -> str:
        """The base URL; asking for it opens the port.

        Raises:
            OSError: if the port is in use.
        """
        host, port = self._server.server_address[:2]
        host = host.decode() if isinstance(host, bytes) else host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def data_dictionary(self, study_key: str | None = None) -> bytes:
        """The data dictionary of a study, by default the first: a zip as the web application exports it."""
        from ..study.data_dictionary import data_dictionary

        return data_dictionary(self.studies[study_key] if study_key else next(iter(self.studies.values())))

    @property
    def credentials(self) -> Credentials:
        """Arguments for `ImednetSDK`: base URL and the keys of a blinded user."""
        return self._credentials_of(0)

    @property
    def unblinded_credentials(self) -> Credentials:
        """The same, with the keys of a user who sees blinded answers."""
        return self._credentials_of(1)

    def _credentials_of(self, user: int) -> Credentials:
        pair = load().data["keys"][user]
        return {"api_key": pair["apiKey"], "security_key": pair["securityKey"], "base_url": self.url}

    @property
    def requests(self) -> list[Request]:
        """The last 100,000 requests, without those to the control endpoint."""
        return list(self._requests_kept)

    # ---- also available at the control endpoint

    def stats(self) -> Row:
        """Requests by method and list, the most at the same time, and how many times answers of records were made."""
        bodies = sum(study.record_source.bodies for study in self.studies.values() if "record_source" in study.__dict__)
        return {**self._counts.show(), "bodies": bodies, "clock": self.api.clock}

    def reset_stats(self) -> Row:
        """Set all counts to zero."""
        self._counts = _RequestCounts()
        self._requests_kept.clear()
        for study in self.studies.values():
            if "record_source" in study.__dict__:
                study.record_source.bodies = 0
        return self.stats()

    def advance(self, days: int) -> Row:
        """Let days pass in the main study; returns how many records are new, changed and deleted."""
        return self.api.advance(days)

    def manifest(self, *, ledger: bool = True) -> Row:
        """Counts and hashes of what is served, figures such as records per site, and a ledger of every defect."""
        return self.api.manifest(ledger=ledger)

    # ---- answering

    def answer(self, request: Request) -> Answer:
        """Answer a request without the socket, through faults and the interceptor."""
        if request.path.startswith(CONTROL):
            return control(self, request)
        self._requests_kept.append(request)
        with self._counts.request(f"{request.method} {endpoint_of(request)}"):
            try:
                return self.api.pack(request, self.faults.answer(request, self._ask_api))
            except Exception as error:  # noqa: BLE001 - a mistake in here must not look like a page
                traceback.print_exc()
                return Answer(500, encoded({"message": f"the sandbox failed: {type(error).__name__}"}))

    def _ask_api(self, request: Request) -> Answer:
        if self._intercept is not None:
            answer = self._intercept(request, self.api.answer)
            if not isinstance(answer, Answer):
                raise TypeError(f"intercept must return an Answer, not {type(answer).__name__}")
            return answer
        return self.api.answer(request)

    # ---- serving

    def start(self) -> Self:
        """Serve in a thread; does nothing if it is serving already."""
        if self._serving:
            return self
        self._serving = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serve in this thread until another one calls `stop`."""
        self._serving = True
        self._server.serve_forever(0.05)

    def stop(self) -> None:
        """Stop serving and close the socket; a later `start` takes another port unless `port` was given."""
        if self._serving:
            self._serving = False
            self._server.shutdown()
        if self._listener is not None:
            self._listener.server_close()
            self._listener = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _RequestCounts:
    """Counts requests, and how many are answered at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._active = 0
        self._most_active = 0

    def request(self, name: str) -> Self:
        with self._lock:
            self._requests[name] += 1
        return self

    def __enter__(self) -> None:
        with self._lock:
            self._active += 1
            self._most_active = max(self._most_active, self._active)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._active -= 1

    def show(self) -> Row:
        with self._lock:
            return {"requests": dict(sorted(self._requests.items())), "most_at_once": self._most_active}


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
        """Ignore errors of connections: a client may go away at any time."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def __getattr__(self, name: str) -> Any:
        """Serve all methods alike; the base class looks for `do_GET` and so on."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        invalid_length = not length.isascii() or not length.isdigit() or len(length) > 9
        if invalid_length or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # where the next request begins is not known
            self._send(Answer(400 if invalid_length else 411, b"", {"Connection": "close"}))
            return
        if int(length) > MAX_BODY:
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
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} {phrase}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items()
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
        if int(headers["Content-Length"]) != len(body):
            self.close_connection = True  # the body was cut: end the connection early

    def _reset(self) -> None:
        """Close the connection with a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: filters may hold personal data."""
