"""Real servers on this machine: each a process of its own on a free port, stopped by its number.

`nox -s servers` installs what they need and says where in IMEDNET_TEST_SERVERS; without it these tests are left out.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
BIN = Path("/usr/lib/postgresql")
OUTSIDE = {**os.environ, "TMPDIR": "/tmp"}
"""Servers run as users of their own, who may not write where this session's temporary files are."""


def homes() -> Path:
    return Path(os.environ["IMEDNET_TEST_SERVERS"])


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(command: list[Any], port: int, log: Path, seconds: float = 90) -> subprocess.Popen[bytes]:
    """A server that takes connections."""
    with log.open("wb") as output:
        words = [str(word) for word in command]
        server = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, env=OUTSIDE)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"{command[0]} ended: {log.read_text('utf-8', 'replace')[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.3).close()
        except OSError:
            time.sleep(0.05)
        else:
            return server
    server.kill()
    raise TimeoutError(str(command[0]))


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks MongoDB's protocol over WiredTiger."""
    folder, port = tmp_path_factory.mktemp("mongo"), free_port()
    command = [homes() / "mongo" / "bin" / "secantusd-py", "--host", "127.0.0.1", "--port", port]
    server = start([*command, "--storage-path", folder / "wt", "--enable-test-commands"], port, folder / "log")
    yield f"mongodb://127.0.0.1:{port}/"
    stop(server)


@pytest.fixture(scope="session")
def locked_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same, which asks for credentials."""
    folder, port = tmp_path_factory.mktemp("mongo-auth"), free_port()
    command = [homes() / "mongo" / "bin" / "secantusd-py", "--host", "127.0.0.1", "--port", port, "--auth"]
    server = start([*command, "--storage-path", folder / "wt"], port, folder / "log")
    yield f"127.0.0.1:{port}"
    stop(server)


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server that speaks Bolt and Cypher."""
    folder, port, web = tmp_path_factory.mktemp("graph"), free_port(), free_port()
    command = [homes() / "graph" / "bin" / "python", HERE / "bolt_server.py", folder / "root", port, web]
    server = start(command, port, folder / "log")
    end = time.monotonic() + 60
    while "database is there" not in (folder / "log").read_text() and time.monotonic() < end:
        time.sleep(0.05)  # the port is open before the database exists
    yield {"uri": f"bolt://127.0.0.1:{port}", "auth": ("root", "playwithdata"), "database": "neo4j"}
    stop(server)


@pytest.fixture(scope="session")
def snow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An emulator of Snowflake."""
    folder, port = tmp_path_factory.mktemp("snow"), free_port()
    server = start([homes() / "snow" / "bin" / "fakesnow", "-s", "-p", port], port, folder / "log")
    yield {
        "user": "fake",
        "password": "snow",
        "account": "fakesnow",
        "host": "127.0.0.1",
        "port": port,
        "protocol": "http",
        "network_timeout": 1,
        "session_parameters": {"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
    }
    stop(server)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """PostgreSQL, of a user of its own, with a password."""
    folder, port = Path(tempfile.mkdtemp(prefix="imednet-pg-", dir="/tmp")), free_port()
    tools = sorted(BIN.glob("*/bin"))[-1]
    root = os.getuid() == 0
    if root:
        shutil.chown(folder, "postgres", "postgres")
    prefix = ["runuser", "-u", "postgres", "--"] if root else []

    def run(*words: str) -> None:
        subprocess.run([*prefix, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd="/tmp")

    secret = folder / "secret"
    secret.write_text("s3cret-of-pg")
    if root:
        shutil.chown(secret, "postgres", "postgres")
    how = ["-U", "app", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale=C.UTF-8"]
    run(str(tools / "initdb"), "-D", f"{folder}/data", *how)
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
    control = [str(tools / "pg_ctl"), "-D", f"{folder}/data", "-w"]
    run(*control, "-l", f"{folder}/log", "-o", options, "start")
    yield f"postgresql+psycopg://app:s3cret-of-pg@127.0.0.1:{port}/postgres"
    run(*control, "-m", "fast", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """MariaDB."""
    folder, port = Path(tempfile.mkdtemp(prefix="imednet-my-", dir="/tmp")), free_port()
    user = "mysql" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user, user)
    who = [f"--user={user}"] if user else []
    install = ["mariadb-install-db", "--no-defaults", *who, f"--datadir={folder}/data", "--skip-test-db"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT, env=OUTSIDE,
    )  # fmt: skip
    options = [f"--datadir={folder}/data", f"--socket={folder}/s", "--bind-address=127.0.0.1", f"--port={port}"]
    server = start(
        [shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", *who, *options], port, folder / "log"
    )
    words = (
        "create database app; create user 'app'@'127.0.0.1' identified by 's3cret-of-my'; "
        "grant all on app.* to 'app'@'127.0.0.1'"
    )
    subprocess.run(["mariadb", "--no-defaults", f"--socket={folder}/s", "-uroot", "-e", words], check=True)
    yield f"mysql+pymysql://app:s3cret-of-my@127.0.0.1:{port}/app?charset=utf8mb4"
    stop(server)
    shutil.rmtree(folder, ignore_errors=True)
