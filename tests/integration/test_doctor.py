"""`imednet doctor`: findings about packages, settings, folders and the server, and no key in any of them."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import imednet as package
from commands import imednet
from imednet.cli.diagnosis.packages import _within
from imednet.cli.diagnosis.settings import VARIABLES
from imednet.sandbox import Answer, Sandbox

KEY, OTHER = "demo-api-key", "demo-security-key"
Findings = Callable[..., dict[tuple[str, str], dict[str, Any]]]


@pytest.fixture
def findings(box: Sandbox, tmp_path: Path) -> Findings:
    """The findings of a doctor on the sandbox, by area and name."""

    def look(*words: str, code: int = 0, **environment: str) -> dict[tuple[str, str], dict[str, Any]]:
        given = {
            "IMEDNET_API_KEY": KEY, "IMEDNET_SECURITY_KEY": OTHER, "IMEDNET_BASE_URL": box.url, "HOME": str(tmp_path),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", **environment,
        }  # fmt: skip
        done = imednet("doctor", "--json", *words, **{name: value for name, value in given.items() if value})
        assert done.returncode == code, done.stdout + done.stderr
        for secret in (KEY, OTHER):
            assert secret not in done.stdout + done.stderr
        found = json.loads(done.stdout)
        assert found["problems"] == sum(one["state"] == "problem" for one in found["findings"])
        return {(one["area"], one["name"]): one for one in found["findings"]}

    return look


def test_a_machine_that_works(findings: Findings) -> None:
    found = findings()
    assert found["network", "server"]["state"] == "ok"
    assert found["network", "keys"]["value"] == "accepted"
    assert found["settings", "api_key"]["value"] == "there, from IMEDNET_API_KEY"
    assert found["extras", "export"]["state"] == "ok"
    assert found["network", "clock"]["state"] == "note", "the sandbox has a clock of its own"
    assert "no keyring" in found["keys", "keyring"]["value"]


def test_keys_that_are_missing_or_wrong(findings: Findings) -> None:
    missing = findings(code=1, IMEDNET_API_KEY="", IMEDNET_SECURITY_KEY="")
    assert missing["settings", "api_key"]["state"] == "problem"
    assert missing["network", "server"]["state"] == "ok", "it is asked without keys"
    assert ("network", "keys") not in missing
    wrong = findings(code=1, IMEDNET_API_KEY="other")
    assert wrong["network", "keys"] == {
        "area": "network", "name": "keys", "value": "refused: HTTP 401", "state": "problem", "next": "imednet login",
    }  # fmt: skip


def test_a_server_that_is_not_there(findings: Findings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = findings(code=1, IMEDNET_BASE_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert found["network", "server"]["state"] == "problem"
    assert "cannot be reached" in found["network", "server"]["value"]
    assert ("network", "server") not in findings("--offline")


def test_a_proxy_shows_no_password(findings: Findings) -> None:
    found = findings(
        code=1, IMEDNET_BASE_URL="https://edc.example.invalid", HTTPS_PROXY="http://me:planted-secret@127.0.0.1:9"
    )
    assert found["network", "proxy"]["value"] == "http://127.0.0.1:9 with a password"
    assert "planted-secret" not in json.dumps(list(found.values()))


def test_slips_in_names_of_variables_are_told(findings: Findings) -> None:
    found = findings("--offline", IMEDNET_SECURTY_KEY="planted-secret")
    slip = found["settings", "IMEDNET_SECURTY_KEY"]
    assert (slip["state"], slip["next"]) == ("note", "did you mean IMEDNET_SECURITY_KEY?")
    assert "planted-secret" not in json.dumps(slip)


def test_every_variable_that_is_read_is_known() -> None:
    root = Path(package.__file__).parent
    paths = set(root.rglob("*.py")) - {root / "cli" / "diagnosis" / "settings.py"}  # which lists them
    named = {name for path in paths for name in re.findall(r'"(IMEDNET_[A-Z_]+)"', path.read_text("utf-8"))}
    inside_statements = {"IMEDNET_RAW", "IMEDNET_STAGE", "IMEDNET_TABLES"}  # names in Snowflake
    assert {name for name in named if not name.endswith("_")} - inside_statements == set(VARIABLES)


def test_a_profile_and_why_it_is_used(findings: Findings, box: Sandbox, tmp_path: Path) -> None:
    for name, key in (("api", KEY), ("security", OTHER)):
        (tmp_path / name).write_text(key)
    config = {"IMEDNET_CONFIG_HOME": str(tmp_path / "config")}
    options = ("--api-key-file", str(tmp_path / "api"), "--security-key-file", str(tmp_path / "security"))
    login = imednet("--base-url", box.url, *options, "login", "--profile", "demo", "--store", "file", **config)
    assert login.returncode == 0, login.stderr
    none = {"IMEDNET_API_KEY": "", "IMEDNET_SECURITY_KEY": "", "IMEDNET_BASE_URL": "", "IMEDNET_PROFILE": "demo"}
    found = findings(**none, **config)
    assert found["settings", "profile"]["value"] == "demo, from IMEDNET_PROFILE; there are demo"
    assert found["settings", "api_key"]["value"] == "there, from the profile 'demo'"
    assert found["settings", "base_url"]["value"] == f"{box.url}, from the profile 'demo'"
    if os.name == "posix":
        (tmp_path / "config" / "profiles" / "demo.json").chmod(0o644)
        spoiled = findings(code=1, **none, **config)
        assert "others can read" in spoiled["settings", "keys and address"]["value"]


def test_a_folder_that_cannot_be_written(findings: Findings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = findings(IMEDNET_STATE_HOME=str(tmp_path / "file"))
    assert found["folders", "state"]["state"] == "note"


@pytest.mark.parametrize(
    ("version", "bounds", "expected"),
    [("1.2", ">=1.2,<2", True), ("1.1.9", ">=1.2,<2", False), ("2.0", ">=1.2,<2", False), ("1.10", ">=1.9", True),
     ("26.0.1+local", "<27,>=17", True), ("1.9.0.post1", "<2,>=1.7", True), ("3", "", True)],
)  # fmt: skip
def test_bounds_of_versions(version: str, bounds: str, expected: bool) -> None:
    assert _within(version, bounds) is expected


def test_text_for_people(box: Sandbox) -> None:
    done = imednet("--base-url", box.url, "doctor", "--offline")
    assert done.returncode == 1
    assert "PROBLEM api_key" in done.stdout
    assert "2 problems found" in done.stderr
    refused = imednet("--sandbox", "doctor")
    assert refused.returncode == 2


def test_a_web_page_in_place_of_the_api_is_a_problem(findings: Findings, own_box: Callable[..., Sandbox]) -> None:
    for body in (b"<html>sign in</html>", b"{not json", b"[]"):
        box = own_box(intercept=lambda request, answer, body=body: Answer(200, body, {"Content-Type": "text/html"}))
        found = findings(code=1, IMEDNET_BASE_URL=box.url)
        assert found["network", "server"]["state"] == "problem"
        assert ("network", "keys") not in found


def test_a_proxy_that_is_no_address_shows_no_part_of_its_password(findings: Findings) -> None:
    found = findings(
        code=1, IMEDNET_BASE_URL="https://edc.example.invalid", HTTPS_PROXY="http://me:planted/secret@127.0.0.1:9"
    )
    assert found["network", "proxy"]["state"] == "problem"
    assert "planted" not in json.dumps(list(found.values()))


def test_libraries_of_the_folder_are_not_run(
    findings: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yaml.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert findings("--offline")["extras", "report"]["state"] == "ok"
    assert not (tmp_path / "ran").exists()


def test_an_empty_file_of_a_key_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    keys = {"IMEDNET_API_KEY": KEY, "IMEDNET_SECURITY_KEY": OTHER}
    done = imednet("--api-key-file", str(tmp_path / "empty"), "doctor", "--offline", **keys)
    assert (done.returncode, "is empty" in done.stdout) == (1, True)
