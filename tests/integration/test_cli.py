"""The `imednet` command as a person or a scheduler runs it: a process of its own, its output and its exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from commands import HOME, imednet
from exporting import of_form
from imednet import ImednetSDK
from imednet.resources import RESOURCES
from imednet.sandbox import Answer, Sandbox
from imednet_api.api import operation
from support import PATIENCE, STUDY, served


def keys(box: Sandbox, **changes: str) -> dict[str, str]:
    found = box.credentials
    return {
        "IMEDNET_API_KEY": found["api_key"],
        "IMEDNET_SECURITY_KEY": found["security_key"],
        "IMEDNET_BASE_URL": found["base_url"],
        **changes,
    }


class TestCheck:
    def test_the_keys_are_proven_and_the_studies_shown(self, box: Sandbox) -> None:
        done = imednet("check", **keys(box))
        assert (done.returncode, "may read 2 studies" in done.stderr) == (0, True)
        assert [json.loads(line)["studyKey"] for line in done.stdout.splitlines()] == [STUDY, f"{STUDY}-DEV"]

    def test_one_study_shows_what_it_holds(self, box: Sandbox) -> None:
        done = imednet("check", STUDY, "--output", "json", **keys(box))
        counts = {row["list"]: row["rows"] for row in json.loads(done.stdout)}
        assert counts["records"] == len(served(box.studies[STUDY], "records"))
        assert counts["users"] == len(served(box.studies[STUDY], "users"))

    def test_four_troubles_have_four_messages(self, own_box: Callable[..., Sandbox], box: Sandbox) -> None:
        """Wrong keys, unknown study, no network, a proxy's page: each named, each with its next step."""
        web_page = own_box(intercept=lambda *_: Answer(200, b"<html>log in</html>"))
        messages = []
        for done in (
            imednet("check", **keys(box, IMEDNET_API_KEY="wrong")),
            imednet("check", "ABC-01", **keys(box)),
            imednet("check", **keys(box, IMEDNET_BASE_URL="http://127.0.0.1:9")),
            imednet("check", **keys(web_page)),
        ):
            assert (done.returncode, done.stdout) == (1, "")
            assert "Traceback" not in done.stderr
            assert "Next: " in done.stderr
            messages.append(done.stderr)
        assert "security key is wrong" in messages[0]
        assert (
            "403: these keys may not read study 'ABC-01', or it is misspelt: iMednet answers 403 for unknown studies. "
            "Next: imednet check"
        ) in messages[1]
        assert "cannot be reached" in messages[2]
        assert "web page came" in messages[3]

    def test_a_list_that_is_refused_does_not_hide_the_others(self, own_box: Callable[..., Sandbox]) -> None:
        """Some keys may not read users; some servers have no codings."""

        def refuse(request: Any, answer: Any) -> Answer:
            codes = {"codings": 404, "users": 403}
            code = codes.get(request.path.rpartition("/")[2])
            return Answer(code, b'{"message":"no"}') if code else answer(request)

        done = imednet("check", STUDY, **keys(own_box(intercept=refuse)))
        rows = {row["list"]: row for row in map(json.loads, done.stdout.splitlines())}
        assert (done.returncode, f"{len(rows) - 2} of {len(rows)} lists" in done.stderr) == (0, True)
        assert (rows["codings"]["status"], rows["users"]["rows"]) == ("refused (404)", None)
        assert rows["record-revisions"]["status"] == "readable"

    def test_no_keys_points_to_the_sandbox(self) -> None:
        done = imednet("check")
        assert done.returncode == 2
        assert "Try without: imednet --sandbox check" in done.stderr

    def test_keys_come_from_files(self, box: Sandbox, tmp_path: Path) -> None:
        for name, key in (("a", box.credentials["api_key"]), ("s", box.credentials["security_key"])):
            (tmp_path / name).write_text(f"{key}\n")
        files = ("--api-key-file", str(tmp_path / "a"), "--security-key-file", str(tmp_path / "s"))
        assert imednet(*files, "--base-url", box.url, "check").returncode == 0
        missing = imednet("--api-key-file", str(tmp_path / "none"), "check")
        assert (missing.returncode, "cannot be read" in missing.stderr) == (2, True)


class TestLists:
    @pytest.mark.parametrize(
        "resource",
        [name.replace("_", "-") for name, entry in RESOURCES.items() if entry.listed and name != "studies"],
    )
    def test_every_resource_in_a_pipe_is_json_lines_untouched(self, box: Sandbox, resource: str) -> None:
        done = imednet(resource, "list", STUDY, **keys(box))
        name = operation(f"list_{resource.replace('-', '_')}").path.rpartition("/")[2]
        assert [json.loads(line) for line in done.stdout.splitlines()] == served(box.studies[STUDY], name)
        assert (done.returncode, done.stderr) == (0, "")

    def test_all_formats_hold_the_same(self, box: Sandbox) -> None:
        sites = served(box.studies[STUDY], "sites")
        assert json.loads(imednet("sites", "list", STUDY, "-o", "json", **keys(box)).stdout) == sites
        rows = list(csv.DictReader(io.StringIO(imednet("sites", "list", STUDY, "-o", "csv", **keys(box)).stdout)))
        assert [row["siteName"] for row in rows] == [site["siteName"] for site in sites]
        table = imednet("sites", "list", STUDY, "-o", "table", **keys(box)).stdout
        assert all(site["siteName"][:20] in table for site in sites)

    def test_options_reach_the_server(self, box: Sandbox) -> None:
        done = imednet(
            "records",
            "list",
            STUDY,
            "--filter",
            "formKey==AE",
            "--sort",
            "dateModified,desc",
            "--limit",
            "3",
            **keys(box),
        )
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        expected = [row for row in served(box.studies[STUDY], "records") if row["formKey"] == "AE"]
        expected.sort(key=lambda row: str(row["dateModified"]), reverse=True)
        assert [row["recordId"] for row in rows] == [row["recordId"] for row in expected[:3]]
        assert "the first 3 rows; --limit 0 shows all" in done.stderr
        users = imednet("users", "list", STUDY, "--include-inactive", **keys(box))
        assert len(users.stdout.splitlines()) == 23
        one = imednet("records", "list", STUDY, "--record-data-filter", "AESER==No", "--limit", "1", **keys(box))
        assert json.loads(one.stdout)["recordData"]["AESER"] == "No"

    @pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
    @pytest.mark.parametrize("output", ["json", "jsonl", "csv", "table"])
    def test_data_in_a_pipe_are_utf_8_whatever_the_terminal(self, box: Sandbox, output: str, encoding: str) -> None:
        """An escape in their place would be another text."""
        done = imednet("sites", "list", STUDY, "-o", output, **keys(box, PYTHONIOENCODING=encoding))
        assert (done.returncode, done.stderr.replace("not shown", "")) == (0, done.stderr)
        names = [row["siteName"] for row in served(box.studies[STUDY], "sites")]
        assert "\\u" not in done.stdout
        assert any("\u6771" in name for name in names)
        assert "\u6771" in done.stdout

    @pytest.mark.parametrize("output", ["json", "jsonl", "csv", "table"])
    def test_a_terminal_that_lacks_letters_gets_escapes(self, box: Sandbox, output: str) -> None:
        ours, theirs = pytest.importorskip("pty").openpty()
        words = [sys.executable, "-m", "imednet", "sites", "list", STUDY, "-o", output]
        environment = {**HOME, **keys(box, PYTHONIOENCODING="ascii"), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=theirs, env=environment) as process:
            os.close(theirs)
            shown = b""
            with suppress(OSError):  # the end of a terminal
                while part := os.read(ours, 65536):
                    shown += part
        os.close(ours)
        assert process.returncode == 0
        assert b"\\u6771" in shown

    def test_a_list_that_breaks_off_prints_no_row(self, own_box: Callable[..., Sandbox]) -> None:
        def broken(request: Any, answer: Any) -> Answer:
            return Answer(200, b"<html>") if "recordId%3E" in request.target else answer(request)

        done = imednet("records", "list", STUDY, **keys(own_box(intercept=broken)))
        assert (done.returncode, done.stdout) == (1, "")
        assert "Next: " in done.stderr

    @pytest.mark.parametrize(
        "words",
        [("records", "list"), ("records", "list", STUDY, "--sort", "nothing"), ("nothing",), ("sites", "list", "a/b"),
         ("records", "list", STUDY, "--output", "xml"), ("export", "parquet", "a", "b", "c"), ("export", "parquet")],
    )  # fmt: skip
    def test_a_wrong_call_is_status_2(self, box: Sandbox, words: tuple[str, ...]) -> None:
        done = imednet(*words, **keys(box))
        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)


class TestExport:
    @pytest.mark.parametrize("kind", ["parquet", "csv"])
    def test_the_sandbox_study_comes_to_disk_with_one_command(self, kind: str, tmp_path: Path) -> None:
        done = imednet("--sandbox", "export", kind, str(tmp_path / "study"))
        assert done.returncode == 0
        manifest = json.loads((tmp_path / "study" / "manifest.json").read_text("utf-8"))
        assert manifest["sandbox"] is True
        total = manifest["endpoints"]["records"]["serverTotal"] - sum(manifest["leftOut"].values())
        assert manifest["leftOut"] == {"OLDVS": 1}
        assert "OLDVS (1)" in done.stderr
        assert f"{total:,}  = {total:,} on the server, proven (intervals)" in done.stdout
        assert str(tmp_path / "study") in done.stdout
        assert "RAND.RANDARM" in done.stderr
        assert "invented study" in done.stderr
        assert len(list((tmp_path / "study").glob(f"*.{kind}"))) == 28 + len(["_issues", "_dictionary"])

    def test_a_failure_leaves_no_file_and_says_what_to_do(
        self, own_box: Callable[..., Sandbox], tmp_path: Path
    ) -> None:
        def broken(request: Any, answer: Any) -> Answer:
            return Answer(200, b"<html>") if "/records" in request.target else answer(request)

        done = imednet("export", "csv", STUDY, str(tmp_path / "study"), **keys(own_box(intercept=broken)))
        assert (done.returncode, "Next: " in done.stderr, done.stdout) == (1, True, "")
        assert list(tmp_path.iterdir()) == []

    def test_an_incomplete_export_exits_with_4_and_the_next_run_reads_what_failed(
        self, own_box: Callable[..., Sandbox], tmp_path: Path
    ) -> None:
        def broken(request: Any, answer: Any) -> Answer:
            return Answer(200, b"<html>") if "recordId%3E" in request.target else answer(request)

        box, target = own_box(intercept=broken), str(tmp_path / "study")
        done = imednet("export", "csv", STUDY, target, **keys(box))
        assert done.returncode == 4
        assert re.search(r"DIARY +\? +FAILED", done.stdout)
        assert "Next: run the same export again" in done.stderr
        box._intercept = None
        before = len(box.requests)
        done = imednet("export", "csv", STUDY, target, **keys(box))
        assert done.returncode == 0
        asked = [dict(request.query)["filter"] for request in box.requests[before:] if "/records" in request.target]
        assert {expression.partition(";")[0] for expression in asked} == of_form(box, "DIARY")

    def test_a_terminated_export_leaves_nothing_to_be_seen_and_is_gone_on_with(
        self, own_box: Callable[..., Sandbox], tmp_path: Path
    ) -> None:
        def slow(request: Any, answer: Any) -> Answer:
            if "recordId%3E" in request.target:
                time.sleep(3)
            found: Answer = answer(request)
            return found

        box = own_box(intercept=slow)
        code = "from imednet.cli import main; main()"
        command = subprocess.Popen(
            [sys.executable, "-c", code, "export", "csv", STUDY, str(tmp_path / "study")], env={**HOME, **keys(box)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        journal = tmp_path / "study" / ".imednet-spool" / "spool" / "journal.jsonl"
        while time.monotonic() < deadline and not (journal.exists() and journal.read_bytes().count(b"\n") > 1):
            time.sleep(0.05)  # the first line says what is read, the next ones what has come
        command.terminate()
        command.communicate(timeout=PATIENCE)
        assert command.returncode == 128 + signal.SIGTERM
        assert not [path for path in (tmp_path / "study").iterdir() if not path.name.startswith(".")]
        assert ((tmp_path / "study" / ".imednet-spool").stat().st_mode & 0o777) == 0o700
        box._intercept = None
        done = imednet("export", "csv", STUDY, str(tmp_path / "study"), **keys(box))
        assert (done.returncode, "rows of an earlier run were used again" in done.stderr) == (0, True)
        assert not [path for path in (tmp_path / "study").iterdir() if path.name.startswith(".")]

    def test_without_pyarrow_the_message_says_what_to_install(self, tmp_path: Path) -> None:
        code = "import sys; sys.modules['pyarrow'] = None; from imednet.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "--sandbox", "export", "parquet", str(tmp_path / "x")],
            capture_output=True, text=True, env=HOME, check=False,
        )  # fmt: skip
        assert (done.returncode, "imednet[export]" in done.stderr, "pip install" in done.stderr) == (2, True, True)
        assert list(tmp_path.iterdir()) == []


def diary(box: Sandbox) -> list[dict[str, Any]]:
    return [row for row in box.studies[STUDY].rows("records") if row["formKey"] == "DIARY"]


class TestServe:
    def start(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        code = "from imednet.cli import main; main()"
        server = subprocess.Popen(
            [sys.executable, "-c", code, "sandbox", "serve", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=HOME,
        )  # fmt: skip
        assert server.stdout is not None
        return server, server.stdout.readline()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_says_where_serves_and_stops_cleanly(self, number: int) -> None:
        server, line = self.start("--size", "demo")
        try:
            assert line.startswith("sandbox ready at http://127.0.0.1:")
            with ImednetSDK("demo-api-key", "demo-security-key", line.split()[-1]) as sdk:
                assert len(sdk.sites.list(STUDY)) == 6
            server.send_signal(number)
            out, err = server.communicate(timeout=PATIENCE)
        finally:
            server.kill()
        assert (server.returncode, out, "Traceback" in err) == (0, "", False)

    def test_the_seed_decides_the_data(self) -> None:
        found = []
        for seed in ("7", "7", "8"):
            server, line = self.start("--seed", seed)
            try:
                with ImednetSDK("demo-api-key", "demo-security-key", line.split()[-1]) as sdk:
                    found.append(sdk.records.list(STUDY, raw=True))
            finally:
                server.terminate()
                server.communicate(timeout=PATIENCE)
        assert found[0] == found[1] != found[2]

    @pytest.mark.parametrize("words", [("--host", "0.0.0.0"), ("--size", "galactic"), ("--port", "70000")])
    def test_what_it_cannot_do_is_status_2(self, words: tuple[str, ...]) -> None:
        done = imednet("sandbox", "serve", *words)
        assert (done.returncode, done.stdout) == (2, "")


def test_an_interrupted_command_is_status_130(own_box: Callable[..., Sandbox]) -> None:
    def slow(request: Any, answer: Any) -> Answer:
        time.sleep(0.5)
        found: Answer = answer(request)
        return found

    box = own_box(intercept=slow)
    code = "from imednet.cli import main; main()"
    command = subprocess.Popen(
        [sys.executable, "-c", code, "records", "list", STUDY], env={**HOME, **keys(box)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while not box.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, out, "Traceback" in err) == (130, "", False)


def test_version_names_the_distribution() -> None:
    done = imednet("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("imednet ")
    assert "API description 1.3.6" in done.stdout


def test_help_of_every_command_explains_itself() -> None:
    for words in ([], ["check"], ["export"], ["export", "csv"], ["sandbox", "serve"], ["records", "list"]):
        done = imednet(*words, "--help")
        assert done.returncode == 0
        assert "Usage: imednet" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals exist on Unix only")
class TestTerminal:
    """What a person at a terminal sees, and a pipe does not."""

    def run(self, *words: str) -> str:
        """Everything the command writes to a pseudo-terminal 100 columns wide."""
        pty = pytest.importorskip("pty")
        master, slave = pty.openpty()
        code = "from imednet.cli import main; main()"
        environment = {**HOME, "TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(
            [sys.executable, "-c", code, *words], stdin=slave, stdout=slave, stderr=slave, env=environment
        ):
            os.close(slave)
            parts = []
            while True:
                try:
                    part = os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
                if not part:
                    break
                parts.append(part)
        os.close(master)
        return b"".join(parts).decode()

    def test_a_list_is_a_table_of_fifty_rows_and_says_so(self) -> None:
        shown = self.run("--sandbox", "records", "list")
        assert "the first 50 rows; --limit 0 shows all" in shown
        assert "recordId" in shown
        assert "not shown: " in shown
        assert 50 <= len(shown.splitlines()) <= 60

    def test_an_export_shows_how_far_it_is(self, tmp_path: Path) -> None:
        assert "records" in self.run("--sandbox", "export", "csv", str(tmp_path / "x"))
        piped = imednet("--sandbox", "export", "csv", str(tmp_path / "y"))
        assert "\x1b" not in piped.stdout + piped.stderr

    def test_missing_keys_are_asked_for_and_the_sandbox_is_named(self) -> None:
        pty = pytest.importorskip("pty")
        master, slave = pty.openpty()
        code = "from imednet.cli import main; main()"
        with subprocess.Popen(
            [sys.executable, "-c", code, "check"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**HOME, "TERM": "xterm"},
        ) as command:  # fmt: skip
            os.close(slave)
            shown = b""
            while b"API key" not in shown:
                shown += os.read(master, 65536)
            command.send_signal(signal.SIGINT)
            assert command.wait(10) == 130
        os.close(master)
        assert b"Try without: imednet --sandbox check" in shown
