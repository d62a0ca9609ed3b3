"""The command in a shell: completion of names, one GET request, lists as files."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from commands import HOME, imednet
from imednet import ImednetSDK
from imednet.sandbox import Answer, Request, Sandbox
from support import PATIENCE, STUDY

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(box: Sandbox, tmp_path: Path) -> Command:
    """`imednet` on the sandbox, with a cache of its own."""
    keys = box.credentials
    environment = {
        "IMEDNET_BASE_URL": box.url, "IMEDNET_API_KEY": keys["api_key"], "IMEDNET_SECURITY_KEY": keys["security_key"],
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }  # fmt: skip

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return imednet(*words, **{**environment, **more})

    return run


def binary(box: Sandbox, *words: str) -> bytes:
    """Standard output of the command, as bytes."""
    keys = box.credentials
    environment = {**HOME, "IMEDNET_BASE_URL": box.url, "IMEDNET_API_KEY": keys["api_key"]}
    environment["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    done = subprocess.run(
        [sys.executable, "-m", "imednet", *words], capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
        env={**environment, "IMEDNET_SECURITY_KEY": keys["security_key"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def completed(command: Command, line: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    done = command(_IMEDNET_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    assert done.stderr == ""
    return [word for word in done.stdout.splitlines() if word]


def test_names_of_the_last_known_design_complete(command: Command, tmp_path: Path) -> None:
    assert completed(command, "imednet records list ") == [], "nothing was seen yet, and no server is asked"
    assert command("records", "list", STUDY, "--form", "AE", "--site", "301", "--limit", "1").returncode == 0
    assert completed(command, "imednet records list TIDE") == [STUDY]
    assert completed(command, f"imednet records list {STUDY} --form A") == ["ABPM", "AE", "AEACT", "ACCT"]
    assert completed(command, f"imednet records list {STUDY} --site 30") == ["301", "302", "303", "304", "305", "306"]
    assert completed(command, f"imednet records list {STUDY} --select AETERM,AESER") == [
        "AETERM,AESER",
        "AETERM,AESERC",
    ]
    assert completed(command, f"imednet export parquet {STUDY} out --form AEA") == ["AEACT"]
    assert completed(command, "imednet monitor queries --site 301") == ["301"]
    if os.name == "posix":
        for path in (tmp_path / "cache" / "imednet" / "names").iterdir():
            assert path.stat().st_mode & 0o077 == 0


def test_the_cache_of_names_holds_no_person(command: Command, tmp_path: Path, box: Sandbox) -> None:
    for words in (
        ["subjects", "list", STUDY], ["records", "list", STUDY, "--form", "DEMO"], ["users", "list", STUDY],
        ["sites", "list", STUDY], ["export", "json", STUDY, str(tmp_path / "out"), "--form", "AE"],
    ):  # fmt: skip
        assert command(*words).returncode == 0
    (file,) = (tmp_path / "cache" / "imednet" / "names").iterdir()
    assert set(json.loads(file.read_text())) == {"study", "forms", "sites", "variables"}
    text = file.read_text()
    with ImednetSDK(**box.credentials) as sdk:
        people = [row.subject_key for row in sdk.subjects.list(STUDY)] + [row.login for row in sdk.users.list(STUDY)]
    assert not [name for name in people if name and name in text]


@pytest.mark.parametrize(
    "spoiled", ["{", "[]", '{"study": 1}', '{"study": "A", "forms": [1], "sites": [], "variables": []}']
)
def test_a_spoiled_cache_completes_nothing_and_stops_nothing(spoiled: str, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "imednet" / "names"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(spoiled)
    assert completed(command, "imednet records list ") == []
    assert command("sites", "list", STUDY).returncode == 0


def test_a_cache_that_cannot_be_written_stops_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert command("sites", "list", STUDY).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(shell: str, command: Command) -> None:
    done = command("--show-completion", shell)
    assert (done.returncode, "imednet" in done.stdout, "_IMEDNET_COMPLETE" in done.stdout) == (0, True, True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_with_the_installed_script(command: Command, tmp_path: Path) -> None:
    """The script as a user's bash loads it, with a stand-in named `imednet` that runs this package."""
    assert command("records", "list", STUDY, "--form", "AE", "--limit", "1").returncode == 0
    program = tmp_path / "bin" / "imednet"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m imednet "$@"\n')
    program.chmod(0o755)
    script = command("--show-completion", "bash").stdout
    asked = (
        f'{script}\nCOMP_WORDS=(imednet forms li); COMP_CWORD=2; _imednet_completion imednet\necho "${{COMPREPLY[@]}}"'
    )
    environment = {**HOME, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
                   "PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # fmt: skip
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["list"]


def test_api_get_prints_what_the_server_answers(command: Command) -> None:
    done = command("api", "GET", "/api/v1/edc/studies", "-p", "size=1", "--include")
    answer = json.loads(done.stdout)
    assert (len(answer["data"]), answer["pagination"]["size"]) == (1, 1)
    assert done.stderr.startswith("200")
    repeated = command(
        "api", "GET", f"/api/v1/edc/studies/{STUDY}/sites", "-p", "sort=siteId,asc", "-p", "sort=siteName,asc"
    )
    assert repeated.returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("POST", "/api/v1/edc/studies"), 2, "only GET"),
        (("GET", "studies"), 2, "begins with a slash"),
        (("GET", "https://edc.example.org/api"), 2, "another host"),
        (("GET", "//edc.example.org/api"), 2, "another host"),
        (("GET", "/api?x=1", "-p", "y=2"), 2, "not both"),
        (("GET", "/api", "-p", "y"), 2, "NAME=VALUE"),
        (("GET", "/api/v1/edc/nowhere"), 1, "HTTP 404"),
    ],
)
def test_api_refuses(words: tuple[str, ...], code: int, reason: str, command: Command) -> None:
    done = command("api", *words)
    assert (done.returncode, reason in done.stderr, done.stdout) == (code, True, ""), done.stderr


def test_api_sends_the_keys_to_no_other_host(own_box: Callable[..., Sandbox], command: Command) -> None:
    """A server that answers with a redirect to another host gets no keys sent there."""
    heard: list[Request] = []

    def keep(request: Request) -> None:
        heard.append(request)

    other = own_box(intercept=keep)
    refused = command("api", "GET", f"{other.url}/api/v1/edc/studies")
    assert refused.returncode == 2
    assert heard == []


@pytest.mark.parametrize("words", [("sites", "list"), ("records", "list", "--form", "VS"), ("queries", "open")])
def test_lists_as_parquet_and_workbook_hold_every_row(words: tuple[str, ...], box: Sandbox) -> None:
    (*first,) = words[:2]
    given = [*first, STUDY, *words[2:]]
    lines = [json.loads(line) for line in binary(box, *given, "-o", "jsonl").splitlines()]
    table = pq.read_table(io.BytesIO(binary(box, *given, "-o", "parquet")))
    assert table.num_rows == len(lines) > 0
    identity = {"sites": "siteId", "records": "recordId", "queries": "annotationId"}[words[0]]
    assert table.column(identity).to_pylist() == [line[identity] for line in lines]
    sheet = openpyxl.load_workbook(io.BytesIO(binary(box, *given, "-o", "xlsx"))).active
    assert sheet is not None
    rows: list[tuple[Any, ...]] = list(sheet.iter_rows(values_only=True))
    head = next(number for number, row in enumerate(rows) if identity in row)
    column = rows[head].index(identity)
    assert [row[column] for row in rows[head + 1 :]] == [line[identity] for line in lines]


def test_lists_have_the_types_of_the_description_without_any_row(box: Sandbox) -> None:
    empty = pq.read_table(
        io.BytesIO(binary(box, "sites", "list", f"{STUDY}-DEV", "--filter", "siteId==1", "-o", "parquet"))
    )
    assert empty.num_rows == 0
    assert {"siteId": "int64", "dateCreated": "timestamp[us, tz=UTC]"}.items() <= {
        field.name: str(field.type) for field in empty.schema
    }.items()


def test_selected_columns_of_records(box: Sandbox) -> None:
    words = ("records", "list", STUDY, "--form", "VS", "--select", "recordId,SYSBP1", "-o", "parquet")
    table = pq.read_table(io.BytesIO(binary(box, *words)))
    assert (table.column_names, str(table.schema.field("SYSBP1").type)) == (["recordId", "SYSBP1"], "double")


@pytest.mark.parametrize("name", ["x\\$(touch ran)", "a b", "`id`", "a;b", "$HOME", "a\tb", "\x1b[31m", "-o", 'a"b'])
def test_names_that_mean_something_to_a_shell_are_not_offered(name: str, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "imednet" / "names"
    folder.mkdir(parents=True)
    kept = {"study": name, "forms": [name], "sites": [name, "301"], "variables": [name]}
    (folder / "x.json").write_text(json.dumps(kept))
    assert completed(command, "imednet records list ") == []
    assert completed(command, "imednet records list A --form ") == []
    assert completed(command, "imednet records list A --site ") == ["301"]


def _environment(box: Sandbox) -> dict[str, str]:
    keys = box.credentials
    return {
        **HOME, "IMEDNET_BASE_URL": box.url, "IMEDNET_API_KEY": keys["api_key"],
        "IMEDNET_SECURITY_KEY": keys["security_key"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }  # fmt: skip


def test_an_answer_on_a_terminal_steers_nothing(own_box: Callable[..., Sandbox]) -> None:
    import pty

    for body in (b"\x1b]0;pwned\x07\x1b[31m", b"{not json \x1b[31m"):
        box = own_box(
            intercept=lambda request, answer, body=body: Answer(200, body, {"Content-Type": "application/json"})
        )
        environment = _environment(box)
        master, slave = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "imednet", "api", "GET", "/x"], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
            env=environment,
        ) as running:  # fmt: skip
            assert running.wait(PATIENCE) == 0
        os.close(slave)
        assert b"\x1b" not in os.read(master, 4096)
        os.close(master)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_command_under_nohup_outlives_the_terminal(own_box: Callable[..., Sandbox]) -> None:
    began = threading.Event()

    def slowly(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        began.set()
        time.sleep(1)
        return answer(request)

    box = own_box(intercept=slowly)
    environment = _environment(box)
    with subprocess.Popen(
        ["nohup", sys.executable, "-m", "imednet", "api", "GET", "/api/v1/edc/studies"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment,
    ) as running:  # fmt: skip
        assert began.wait(PATIENCE)
        running.send_signal(signal.SIGHUP)
        output, _ = running.communicate(timeout=PATIENCE)
        assert (running.returncode, b'"status":"OK"' in output) == (0, True)
