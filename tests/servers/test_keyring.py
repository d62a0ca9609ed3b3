"""`imednet login` with the real Secret Service of a desktop, in a session of its own without a display."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imednet.sandbox import Sandbox
from support import STUDY

KEY, OTHER = "demo-api-key", "demo-security-key"

UNLOCKED = """
printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null
for i in $(seq 300); do
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \\
        string:org.freedesktop.secrets | grep -q true && break
    sleep 0.1
done
"""
"""The daemon takes its name on the bus some time after it has left its caller; who asks before that starts another."""


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for sockets: their paths end at 107 bytes, which the folders of tests may be longer than."""
    with tempfile.TemporaryDirectory(prefix="bus-", dir="/tmp") as folder:
        yield Path(folder)


def in_session(script: str, home: Path, runtime: Path) -> subprocess.CompletedProcess[str]:
    """A shell in a session bus of its own, without a display."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime), "LANG": "C.UTF-8",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }  # fmt: skip
    return subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script], capture_output=True, text=True, env=environment, timeout=120,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_keys_are_in_the_keyring_and_nowhere_else(box: Sandbox, tmp_path: Path, runtime: Path) -> None:
    for name, key in (("api", KEY), ("security", OTHER)):
        (tmp_path / name).write_text(key)
    home = tmp_path / "home"
    home.mkdir()
    command = f"{shlex.quote(sys.executable)} -m imednet"
    files = f"--api-key-file {tmp_path}/api --security-key-file {tmp_path}/security"
    done = in_session(
        f"{UNLOCKED}{command} --base-url {box.url} {files} login --study {STUDY} && {command} sites list && "
        f"{command} profiles list && {command} profiles remove default; {command} check",
        home,
        runtime,
    )
    assert "SecretService" in done.stderr
    assert "kept in the keyring" in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["studyKey"] == STUDY
    assert lines[-1]["keys"] == "keyring"
    assert "no api_key and no security_key" in done.stderr, "they are gone after they were removed"
    found = [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert not found


def test_a_keyring_that_never_answers_is_an_error(box: Sandbox, tmp_path: Path, runtime: Path) -> None:
    """The bus starts a service that does not come up; without an end of our own it is waited for two minutes."""
    services = runtime / "dbus-1" / "services"
    services.mkdir(parents=True)
    (services / "org.freedesktop.secrets.service").write_text(
        "[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/sh -c 'exec sleep 30 >/dev/null 2>&1'\n"
    )
    code = (
        "from imednet.cli import main; from imednet.profiles import key_ring; key_ring.PATIENCE = 3.0; "
        f"import sys; sys.argv[1:] = ['--base-url', '{box.url}', 'login', '--store', 'keyring']; main()"
    )
    keys = f"IMEDNET_API_KEY={KEY} IMEDNET_SECURITY_KEY={OTHER}"
    done = in_session(f"{keys} exec {shlex.quote(sys.executable)} -c {shlex.quote(code)}", tmp_path, runtime)
    assert (done.returncode, done.stdout) == (2, "")
    assert "(no answer in 3 s" in done.stderr
    assert KEY not in done.stderr
