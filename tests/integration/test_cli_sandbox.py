"""`imednet sandbox`: what it says about itself, and a server told how to behave."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from commands import HOME, imednet
from imednet.sandbox.invent.sizes import PROFILES, SIZES
from imednet.sandbox.server.faults import KINDS
from imednet.sandbox.server.switches import SWITCHES


def test_describe_names_everything_that_can_be_told() -> None:
    shown = imednet("sandbox", "describe").stdout
    for name in (*SIZES, *PROFILES, *KINDS):
        assert f"  {name}: " in shown, name
    for name, switch in SWITCHES.items():
        assert f"  {name} = {' | '.join(switch.values)}" in shown


def test_manifest_goes_to_the_screen_or_to_a_file(tmp_path: Path) -> None:
    shown = imednet("sandbox", "manifest", "--profile", "single-501", "--no-ledger")
    found = json.loads(shown.stdout)
    assert found["study"]["TIDEWATER-201"]["lists"]["records"]["count"] == 501
    assert "ledger" not in found["study"]["TIDEWATER-201"]
    target = tmp_path / "manifest.json"
    assert imednet("sandbox", "manifest", "--seed", "7", "--out", str(target)).returncode == 0
    with_ledger = json.loads(target.read_text("utf-8"))["study"]["TIDEWATER-201"]
    assert (with_ledger["seed"], len(with_ledger["ledger"])) == (7, 42)
    failed = imednet("sandbox", "manifest", "--out", str(tmp_path / "no" / "x.json"))
    assert (failed.returncode, "cannot be written" in failed.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--switch", "roleDates"], "takes NAME=VALUE"),
     (["--switch", "roleDates=x"], "choose one of: array, string, mixed"),
     (["--switch", "x=y"], "there is no switch 'x'"), (["--fault", "x"], "there is no fault 'x'"),
     (["--profile", "x"], "there is no profile 'x'"), (["--dialect", "x"], "choose one of: documented, live"),
     (["--fault", "status every=0"], "every at least 1")],
)  # fmt: skip
def test_what_it_does_not_know_it_names(words: list[str], message: str) -> None:
    done = imednet("sandbox", "serve", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_a_server_does_as_it_was_told() -> None:
    code = "from imednet.cli import main; main()"
    words = ["sandbox", "serve", "--dialect", "live", "--lenient", "--switch", "roleDates=mixed",
             "--fault", "status GET sites nth=1 status=500", "--profile", "empty"]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=HOME
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{url}/_sandbox/switches") as answer:
            switches = json.load(answer)
        with urllib.request.urlopen(f"{url}/_sandbox/faults") as answer:
            faults = json.load(answer)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert (switches["roleDates"], switches["siteStatus"], switches["filterSpaces"]) == ("mixed", "token", "accepted")
    assert [(fault["kind"], fault["nth"]) for fault in faults] == [("status", 1)]
