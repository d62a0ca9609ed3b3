"""`imednet dashboard`: where it listens, what it hands to the app, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from imednet import ImednetSDK
from imednet.mirror import Mirror
from imednet.sandbox import Sandbox
from support import PATIENCE, STUDY


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "imednet", *words]


def answers(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until the app answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/_stcore/health", trust_env=False).text == "ok":
                return
        time.sleep(0.1)
    raise AssertionError("the dashboard does not answer")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_the_sandbox_until_it_is_ended(number: signal.Signals) -> None:
    port = free_port()
    words = command("dashboard", "--sandbox", "--no-browser", "--port", str(port))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            answers(port, process)
            assert listening_at(port) == ["0100007F"], "127.0.0.1 and nothing else"
            process.send_signal(number)
            out, told = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert f"dashboard at http://127.0.0.1:{port}" in out
    assert "none of its data are real" in told
    assert process.returncode == 0, told
    assert "Fatal" not in told
    assert "Traceback" not in told
    assert not listening_at(port)


def listening_at(port: int) -> list[str]:
    """The addresses at which something listens at a port, as the system writes them."""
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    return [line[1].split(":")[0] for line in lines if line[3] == "0A" and line[1].endswith(f":{port:04X}")]


def test_the_app_ends_with_its_starter_however_that_ends() -> None:
    port = free_port()
    words = command("dashboard", "--sandbox", "--no-browser", "--port", str(port))
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True) as process:
        answers(port, process)
        process.kill()
        process.wait(PATIENCE)
    until = time.monotonic() + PATIENCE
    while listening_at(port):
        assert time.monotonic() < until, "the app is still there"
        time.sleep(0.1)


def test_keys_of_the_environment_do_not_reach_the_app() -> None:
    port = free_port()
    env = {**os.environ, "IMEDNET_API_KEY": "secret-one", "IMEDNET_SECURITY_KEY": "secret-two"}
    words = command("dashboard", STUDY, "--no-browser", "--port", str(port))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            answers(port, process)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            held = b"".join(Path(f"/proc/{child}/environ").read_bytes() for child in children)
            assert children
            assert b"secret-one" not in held
            assert b"secret-two" not in held
            assert f"IMEDNET_DASHBOARD_STUDY={STUDY}".encode() in held
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def test_a_mirror_comes_with_a_code(box: Sandbox, tmp_path: Path) -> None:
    with ImednetSDK(**box.credentials) as sdk:
        Mirror(tmp_path / "m").sync(sdk, STUDY)
    port = free_port()
    words = command("dashboard", "--mirror", str(tmp_path / "m"), "--no-browser", "--port", str(port))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            answers(port, process)
        finally:
            process.terminate()
            out, _ = process.communicate(timeout=PATIENCE)
    assert "access code of the mirror: " in out
    other = subprocess.run(
        command("dashboard", "OTHER", "--mirror", str(tmp_path / "m"), "--no-browser"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert other.returncode == 2
    assert STUDY in other.stderr


def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("dashboard", "--sandbox", "--no-browser", "--port", str(port)),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"cannot listen at 127.0.0.1:{port}" in " ".join(done.stderr.replace("│", " ").split())
    assert f"--port {port + 1}" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sandbox", "--mirror", "m"], "two sources"),
        (["--port", "0"], "--port"),
        (["--host", "no such host"], "cannot listen"),
    ],
)
def test_what_cannot_be_is_refused(words: list[str], said: str) -> None:
    done = subprocess.run(command("dashboard", *words), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
