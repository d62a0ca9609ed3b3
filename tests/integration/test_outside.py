"""What others do in the middle of our work, and what places do to it: limits, certificates, proxies, disks, pipes."""

from __future__ import annotations

import copy
import errno
import gzip
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.errors import ApiError, ConfigurationError, RateLimitError, RequestError
from imednet.integrations import ExportSink, export_study
from imednet.integrations.tables.batches import Batch
from imednet.orchestration import MultiStudyOrchestrator
from imednet.sandbox import Answer, Request, Sandbox
from imednet.workflows.writing.journal import Journal
from support import PATIENCE, STUDY

Make = Callable[..., Sandbox]


class SoftLimit(Exception):
    """What somebody's time limit raises."""


@pytest.fixture
def limit() -> Iterator[Callable[[float, Exception], None]]:
    """Raise an exception in this thread after some seconds, as a soft time limit does."""
    before = signal.getsignal(signal.SIGALRM)

    def limit(seconds: float, error: Exception) -> None:
        def handler(number: int, frame: Any) -> None:
            raise error

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield limit
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "error", [SoftLimit("over"), TimeoutError("over"), RuntimeError("over"), OSError("over")], ids=repr
)
class TestTimeLimits:
    """An exception of a signal handler reaches whoever set it, as it is."""

    def test_in_the_middle_of_a_request(self, own_box: Make, limit: Any, error: Exception) -> None:
        box = own_box(faults=["latency GET records seconds=5"])
        with ImednetSDK(**box.credentials, retries=3) as sdk:
            limit(0.3, error)
            with pytest.raises(type(error)) as caught:
                sdk.records.list(STUDY, form_key="AE")
        assert caught.value is error

    def test_in_a_hook(self, own_box: Make, limit: Any, error: Exception) -> None:
        with ImednetSDK(**own_box().credentials, on_request=lambda _: time.sleep(3)) as sdk:
            limit(0.2, error)
            with pytest.raises(type(error)) as caught:
                sdk.sites.list(STUDY)
        assert caught.value is error

    def test_in_the_middle_of_an_export(self, box: Sandbox, limit: Any, error: Exception, tmp_path: Path) -> None:
        class Slow(ExportSink):
            def write_batch(self, batch: Batch) -> None:
                limit(0.1, error)
                time.sleep(3)

            def flush(self) -> None: ...
            def close(self) -> None: ...

        with ImednetSDK(**box.credentials) as sdk, pytest.raises(type(error)) as caught:
            export_study(sdk, STUDY, Slow(), home=tmp_path / "o")
        assert caught.value is error


def test_exceptions_of_others_are_their_own() -> None:
    """A transport that raises a class of its own is not covered up; one of Python's becomes ours, as documented."""

    class Mine(Exception):
        pass

    def raising(error: Exception) -> httpx.Client:
        def handler(request: httpx.Request) -> httpx.Response:
            raise error

        return httpx.Client(transport=httpx.MockTransport(handler))

    for error, seen in ((Mine("x"), Mine), (ValueError("x"), RequestError)):
        with ImednetSDK("key-1", "key-2", http_client=raising(error)) as sdk, pytest.raises(seen):
            sdk.studies.list()


def test_a_worker_of_a_study_passes_a_time_limit_on(own_box: Make) -> None:
    def handler(number: int, frame: Any) -> None:
        raise SoftLimit("over")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        from imednet.orchestration import run_study

        def work(study_key: str, sdk: Any, logger: Any) -> None:
            signal.raise_signal(signal.SIGALRM)

        with pytest.raises(SoftLimit):
            run_study(work, STUDY, None, (), {})
    finally:
        signal.signal(signal.SIGALRM, before)
    failed = run_study(lambda *_: 1 / 0, STUDY, None, (), {})
    assert failed["status"] == "FAILED"


def test_a_whitelist_keeps_what_is_there_and_warns_of_the_rest(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        orchestrator = MultiStudyOrchestrator(sdk)
        found = orchestrator.execute_pipeline(lambda key, sdk, log: key, {STUDY, "NOPE"})
        assert orchestrator.resolve_active_studies({STUDY, "NOPE"}) == [STUDY]
    assert found[STUDY]["data"] == STUDY
    assert (found["NOPE"]["status"], found["NOPE"]["data"]) == ("SKIPPED", None)
    assert "may not read 'NOPE'" in str(found["NOPE"]["error"])


class TestRefusals:
    """A POST that was answered 429."""

    @pytest.mark.parametrize(
        ("body", "sent"), [("vendor", 2), ("third-party", 2), ("gateway", 1), ("html", 1), ("empty", 1)]
    )
    def test_it_is_sent_again_only_where_the_api_itself_refused(self, own_box: Make, body: str, sent: int) -> None:
        box = own_box(faults=["status POST records nth=1 status=429"], switches={"errorBody": body, "jobSeconds": "0"})
        item = {"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": "Cough"}}
        with ImednetSDK(**box.credentials, backoff_factor=0) as sdk:
            if sent == 2:
                sdk.records.create(f"{STUDY}-DEV", [item])
            else:
                with pytest.raises(RateLimitError):
                    sdk.records.create(f"{STUDY}-DEV", [item])
        assert sum(request.method == "POST" for request in box.requests) == sent

    @pytest.mark.parametrize(("asked", "said"), [("9" * 400, "later"), ("120", "in 120 seconds"), ("999999", "later")])
    def test_nobody_is_told_to_wait_for_ever(self, own_box: Make, asked: str, said: str) -> None:
        def slow(request: Request, answer: Any) -> Answer:
            return Answer(429, b"{}", {"Retry-After": asked})

        box = own_box(intercept=slow)
        with ImednetSDK(**box.credentials, retries=0) as sdk, pytest.raises(RateLimitError, match=said) as error:
            sdk.sites.list(STUDY)
        assert "inf" not in str(error.value)


class TestKeys:
    """Keys that a server repeats are masked wherever its text is kept or shown."""

    API, SECURITY = "api-key+with/signs", "security-key=also"

    @pytest.mark.parametrize("status", [400, 401, 403, 500])
    @pytest.mark.parametrize("shape", ["json", "text", "html", "encoded"])
    def test_error_bodies(self, own_box: Make, status: int, shape: str, tmp_path: Path) -> None:
        from urllib.parse import quote

        text = f"key {self.API} and {self.SECURITY} refused"
        body = {
            "json": f'{{"metadata":{{"error":{{"code":"9001","description":"{text}","{self.API}":["{text}"]}}}}}}',
            "text": text,
            "html": f"<html>{text}</html>",
            "encoded": f'{{"message":"?k={quote(self.API, safe="")}"}}',
        }[shape]
        box = own_box(intercept=lambda request, answer: Answer(status, body.encode(), {"Content-Type": "text/plain"}))
        keys: Any = {"api_key": self.API, "security_key": self.SECURITY, "base_url": box.credentials["base_url"]}
        import pickle

        with ImednetSDK(**keys, retries=0) as sdk, pytest.raises(ApiError) as caught:
            sdk.sites.list(STUDY)
        error = caught.value
        shown = [str(error), repr(error), repr(error.response), str(error.description), repr(pickle.dumps(error))]
        shown += [repr(vars(error))]
        for secret in (self.API, self.SECURITY, quote(self.API, safe="")):
            assert not any(secret in text for text in shown)
        assert "***" in repr(error.response)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A certificate of `localhost` that signs itself, and one for another name."""
    folder = tmp_path_factory.mktemp("tls")
    made = {}
    for name, host in (("right", "DNS:localhost,IP:127.0.0.1"), ("wrong", "DNS:other.example.org")):
        made[name] = folder / f"{name}.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / f"{name}.key"), "-out",
             str(made[name]), "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={host}"],
            check=True, capture_output=True,
        )  # fmt: skip
    return made


class TestCertificates:
    @pytest.fixture
    def serve(self) -> Iterator[Callable[[Path], int]]:
        opened: list[socket.socket] = []
        yield lambda certificate: self._serve(certificate, opened)
        for listening in opened:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    @staticmethod
    def _serve(certificate: Path, opened: list[socket.socket]) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        listening = socket.create_server(("127.0.0.1", 0))
        opened.append(listening)

        def run() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                try:
                    with line, context.wrap_socket(line, server_side=True) as secure:
                        secure.recv(65536)
                        body = b'{"metadata":{"status":"OK","path":"/api/v1/edc/studies","error":{}},"pagination":' \
                            b'{"currentPage":0,"size":500,"totalPages":0,"totalElements":0},"data":[]}'  # fmt: skip
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))  # fmt: skip
                except OSError:
                    continue

        threading.Thread(target=run, daemon=True).start()
        return int(listening.getsockname()[1])

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_each_trouble_has_its_words(
        self, authority: dict[str, Path], serve: Any, monkeypatch: pytest.MonkeyPatch, box: Sandbox, kind: str
    ) -> None:
        import asyncio

        def ask(port: int) -> str:
            keys: Any = {"api_key": "key-1", "security_key": "key-2", "base_url": f"https://localhost:{port}"}

            async def over_a_loop() -> list[Any]:
                async with AsyncImednetSDK(**keys, retries=0) as sdk:
                    return list(await sdk.studies.list())

            try:
                if kind == "async":
                    asyncio.run(over_a_loop())
                else:
                    with ImednetSDK(**keys, retries=0) as sdk:
                        sdk.studies.list()
            except RequestError as error:
                return str(error)
            return "well"

        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        right, wrong = serve(authority["right"]), serve(authority["wrong"])
        assert "signed by itself. Next: set SSL_CERT_FILE" in ask(right).replace(
            " (at the first attempt, ConnectError)", ""
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(authority["right"]))
        assert ask(right) == "well"  # honoured on this machine too
        monkeypatch.setenv("SSL_CERT_FILE", str(authority["wrong"]))
        assert "for another host name" in ask(wrong)
        assert "does not speak TLS" in ask(int(box.url.rpartition(":")[2]))


class TestEnvironment:
    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("NO_PROXY", "localhost,[::1]", "NO_PROXY holds '[::1]'"),
            ("NO_PROXY", "fe80::/10", "NO_PROXY holds 'fe80::/10'"),
            ("HTTPS_PROXY", "ftp://user:s3cret@p", "check HTTPS_PROXY"),
            ("SSL_CERT_FILE", "/nowhere", "SSL_CERT_FILE or SSL_CERT_DIR"),
        ],
    )
    def test_what_cannot_be_read_is_named(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
        monkeypatch.setenv(name, value)
        with ImednetSDK("key-1", "key-2") as sdk, pytest.raises(ConfigurationError) as error:
            sdk.studies.list()
        assert said in str(error.value)
        assert "s3cret" not in str(error.value)

    def test_a_socks_proxy_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "socksio", None)
        monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example.org:1080")
        with ImednetSDK("key-1", "key-2") as sdk, pytest.raises(ConfigurationError, match=r"httpx\[socks\]"):
            sdk.studies.list()


class TestDisks:
    """Windows and odd file systems, by what they do: the calls that fail there fail here."""

    @pytest.fixture(params=["windows", "no locks", "no flushing"])
    def place(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
        kind = str(request.param)
        fsync, unlink = os.fsync, os.unlink
        if kind == "windows":
            import fcntl

            def flushing(handle: int) -> None:
                if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                    raise OSError(errno.EBADF, "a handle for reading")
                fsync(handle)

            def removing(path: Any, **named: Any) -> None:
                for handle in Path("/proc/self/fd").iterdir():
                    with suppress(FileNotFoundError):
                        if handle.readlink() == Path(path).absolute():
                            raise PermissionError(errno.EACCES, "in use")
                unlink(path, **named)

            monkeypatch.setattr(os, "fsync", flushing)
            monkeypatch.setattr(os, "unlink", removing)
            monkeypatch.delattr(os, "O_DIRECTORY")
        elif kind == "no locks":

            def refusing(handle: Any, how: int) -> None:
                raise OSError(errno.ENOLCK, "no locks available")

            monkeypatch.setattr("fcntl.flock", refusing)
        else:

            def failing(handle: int) -> None:
                raise OSError(errno.EINVAL, "invalid argument")

            monkeypatch.setattr(os, "fsync", failing)
        return kind

    def test_exports_and_journals_go_on(
        self, place: str, box: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        from imednet.integrations.functions import export_to_csv, export_to_excel

        with ImednetSDK(**box.credentials) as sdk:
            for _ in range(2):
                assert export_to_csv(sdk, STUDY, tmp_path / "out", forms=["AE"]).complete
                assert export_to_excel(sdk, STUDY, tmp_path / "o.xlsx", forms=["AE"]).complete
        assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")) == []
        with Journal(tmp_path / "j", STUDY, [{"data": {}}]) as journal:
            journal.planned(0, [0], 7, {}, 0.0)
        with Journal(tmp_path / "j") as journal:
            assert journal.state.high == {0: 7}
        with Journal(tmp_path / "empty", STUDY, [{"data": {}}]):
            pass
        assert not (tmp_path / "empty").exists()
        assert ("without locks" in caplog.text) is (place == "no locks")


def test_copies_of_an_sdk_are_the_sdk(box: Sandbox) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        assert copy.deepcopy({"sdk": sdk})["sdk"] is sdk
        assert copy.copy(sdk) is sdk


def test_a_client_of_httpx_goes_elsewhere() -> None:
    with pytest.raises(ConfigurationError, match="as http_client="):
        ImednetSDK("key-1", "key-2", client=httpx.Client())  # type: ignore[arg-type]


def test_gzip_of_several_members_is_read_whole(own_box: Make) -> None:
    def packed(request: Request, answer: Any) -> Answer:
        found = answer(request)
        half = len(found.body) // 2
        parts = gzip.compress(found.body[:half]) + gzip.compress(found.body[half:])
        return Answer(found.status, parts, {**found.headers, "Content-Encoding": "gzip"})

    box, plain = own_box(intercept=packed), own_box()
    with ImednetSDK(**box.credentials) as sdk, ImednetSDK(**plain.credentials) as other:
        assert [row.to_dict() for row in sdk.sites.list(STUDY)] == [row.to_dict() for row in other.sites.list(STUDY)]


class TestCommand:
    def run(self, *words: str, shell: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
        line = f"{sys.executable} -m imednet {' '.join(words)}{shell}"
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE, check=False, **options
        )

    def test_the_module_is_the_command(self) -> None:
        assert self.run("--version").stdout.startswith("imednet")

    @pytest.mark.parametrize("output", ["csv", "jsonl", "json", "table"])
    def test_a_full_disk_is_an_error(self, output: str) -> None:
        done = self.run("--sandbox", "sites", "list", "TIDEWATER-201", "-o", output, shell=" > /dev/full")
        assert done.returncode == 1
        assert "the output cannot be written (No space left on device)" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("shell", [" >&-", " | true", " | head -c 1 > /dev/null"])
    def test_closed_output_ends_quietly(self, shell: str) -> None:
        done = self.run("--sandbox", "records", "list", "TIDEWATER-201", "-o", "jsonl", shell=shell)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


class TestTerminal:
    """Texts of others on a terminal steer nothing, and go into a pipe as they are."""

    TEXT = "a\x1b[31mred\x9b2J\u202erev\x1b]0;title\x07\u2066x"

    @pytest.mark.parametrize("output", ["csv", "jsonl", "json", "table"])
    @pytest.mark.parametrize("terminal", [True, False])
    def test_rows(self, output: str, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        import io

        from imednet.cli.output import Format, print_rows

        class Stream(io.StringIO):
            encoding = "utf-8"

            def isatty(self) -> bool:
                return terminal

        stream = Stream()
        monkeypatch.setattr(sys, "stdout", stream)
        print_rows([{"name": self.TEXT, "plain": "Größe\nzwei"}], Format(output))
        written = stream.getvalue()
        steering = {"\x1b", "\x9b", "\u202e", "\u2066", "\x07"}
        if terminal or output == "table":
            own = re.compile("\x1b\\[[01]m")  # the bold header of the table
            assert not steering & set(own.sub("", written))
        elif output == "csv":
            assert self.TEXT in written
        else:
            assert {"\x9b", "\u202e", "\u2066"} <= set(written)  # JSON itself escapes the others
        assert "Größe" in written
