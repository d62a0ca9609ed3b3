"""Profiles: keys kept by `imednet login`, in a keyring or a private file, and which setting wins where several are."""

from __future__ import annotations

import json
import os
import pickle
import pty
import shlex
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import HOME, imednet
from imednet import ImednetSDK, load_config
from imednet.async_sdk import AsyncImednetSDK
from imednet.config import find_settings
from imednet.errors import ConfigurationError
from imednet.profiles import Profile, key_ring, profile_names, read_profile, write_profile
from imednet.sandbox import Sandbox
from pages import blocks
from support import STUDY

API, SECURITY = "demo-api-key", "demo-security-key"
NO_RING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
Command = Callable[..., "subprocess.CompletedProcess[str]"]

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners of files are those of POSIX")


@pytest.fixture
def ring(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with a keyring."""
    (tmp_path / "ring").mkdir()
    return {
        "PYTHON_KEYRING_BACKEND": "keyrings.FileKeyring",
        "IMEDNET_TEST_KEYRING": str(tmp_path / "ring" / "entries.json"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]),
    }


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`imednet` with its profiles below `tmp_path`."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return imednet(*words, **{"IMEDNET_CONFIG_HOME": str(tmp_path / "config"), **environment})

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of profiles of this process."""
    monkeypatch.setenv("IMEDNET_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path / "config" / "profiles"


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """The global options that name files with both keys."""
    for name, key in (("api", API), ("security", SECURITY)):
        (tmp_path / name).write_text(f"{key}\n")
    return ["--api-key-file", str(tmp_path / "api"), "--security-key-file", str(tmp_path / "security")]


def quiet(result: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """The result, which shows no key."""
    assert API not in result.stdout + result.stderr
    assert SECURITY not in result.stdout + result.stderr
    return result


def profile(name: str, base_url: str | None = None, **more: Any) -> Profile:
    given: dict[str, Any] = {"api_key": API, "security_key": SECURITY, **more}
    return Profile(name, "file", base_url, **given)


@pytest.mark.parametrize("with_ring", [True, False], ids=["keyring", "no keyring"])
def test_login_keeps_keys_that_later_commands_use(
    with_ring: bool, box: Sandbox, command: Command, keys: list[str], ring: dict[str, str], tmp_path: Path
) -> None:
    where = ring if with_ring else NO_RING
    done = quiet(command("--base-url", box.url, *keys, "login", "--profile", "demo", "--study", STUDY, **where))
    assert done.returncode == 0, done.stderr
    said = "kept in the keyring" if with_ring else "unencrypted in a file"
    assert said in done.stderr
    file = tmp_path / "config" / "profiles" / "demo.json"
    assert (API in file.read_text()) is not with_ring
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    listed = quiet(command("profiles", "list", **where))
    assert json.loads(listed.stdout) == {
        "profile": "demo", "baseUrl": box.url, "study": STUDY, "keys": "keyring" if with_ring else "file",
        "stateHome": None,
    }  # fmt: skip
    rows = quiet(command("--profile", "demo", "sites", "list", **where))
    assert rows.returncode == 0, rows.stderr
    assert json.loads(rows.stdout.splitlines()[0])["studyKey"] == STUDY
    assert quiet(command("sites", "list", IMEDNET_PROFILE="demo", **where)).returncode == 0
    tested = quiet(command("profiles", "test", "demo", **where))
    assert (tested.returncode, "accepts the keys" in tested.stderr) == (0, True)
    removed = quiet(command("profiles", "remove", "demo", **where))
    assert removed.returncode == 0
    assert not file.exists()
    if with_ring:
        assert json.loads(Path(ring["IMEDNET_TEST_KEYRING"]).read_text()) == {}
    gone = command("--profile", "demo", "check", **where)
    assert (gone.returncode, "there is no profile 'demo'" in gone.stderr) == (2, True)


def test_the_default_profile_serves_commands_without_keys(box: Sandbox, command: Command, keys: list[str]) -> None:
    assert command("--base-url", box.url, *keys, "login", "--store", "file").returncode == 0
    assert command("check", STUDY).returncode == 0
    wrong = {"IMEDNET_API_KEY": "other-key", "IMEDNET_SECURITY_KEY": "other-key", "IMEDNET_BASE_URL": box.url}
    refused = command("check", STUDY, **wrong)
    assert "HTTP 401" in refused.stderr, "the environment comes before the profile"


def test_login_keeps_nothing_that_the_server_refuses(
    box: Sandbox, command: Command, keys: list[str], tmp_path: Path
) -> None:
    (tmp_path / "api").write_text("wrong-key")
    refused = quiet(command("--base-url", box.url, *keys, "login", **NO_RING))
    assert (refused.returncode, "HTTP 401" in refused.stderr) == (1, True)
    (tmp_path / "api").write_text(API)
    elsewhere = command("--base-url", box.url, *keys, "login", "--study", "NO-SUCH", **NO_RING)
    assert (elsewhere.returncode, "nothing was kept" in elsewhere.stderr) == (2, True)
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    ("backend", "module"),
    [("keyring.backends.null.Keyring", None), ("keyrings.alt.file.PlaintextKeyring", "keyrings/alt/file.py")],
)
def test_a_keyring_that_only_looks_like_one_is_refused(
    backend: str, module: str | None, box: Sandbox, command: Command, keys: list[str], tmp_path: Path
) -> None:
    environment = {"PYTHON_KEYRING_BACKEND": backend}
    if module:  # as the package of that name has it: it would take the keys, and write them into a plain file
        file = tmp_path / "path" / module
        file.parent.mkdir(parents=True)
        (file.parent / "__init__.py").write_text("")
        file.write_text(
            "from keyring.backends.null import Keyring\nclass PlaintextKeyring(Keyring):\n    priority = 1\n"
        )
        environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path / "path"), os.environ.get("PYTHONPATH", "")])
    asked = command("--base-url", box.url, *keys, "login", "--store", "keyring", **environment)
    assert (asked.returncode, "no keyring that keeps secrets" in asked.stderr) == (2, True), asked.stderr


def test_a_locked_keyring_is_an_error_and_no_missing_key(
    box: Sandbox, command: Command, keys: list[str], ring: dict[str, str]
) -> None:
    assert command("--base-url", box.url, *keys, "login", **ring).returncode == 0
    Path(ring["IMEDNET_TEST_KEYRING"]).with_name("locked").touch()
    locked = quiet(command("check", **ring))
    assert (locked.returncode, "could not read the keys" in locked.stderr, "KeyringLocked" in locked.stderr) == (
        2, True, True,
    )  # fmt: skip
    kept = quiet(command("profiles", "remove", "default", **ring))
    assert (kept.returncode, "default" in command("profiles", "list", **ring).stdout) == (2, True)


def test_a_keyring_that_waits_for_its_password_is_not_waited_for_without_end(
    here: Path, ring: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = pytest.importorskip("keyring", reason="keyring is not installed")
    keyrings = pytest.importorskip("keyrings", reason="keyring is not installed")
    monkeypatch.setenv("IMEDNET_TEST_KEYRING", ring["IMEDNET_TEST_KEYRING"])
    monkeypatch.setattr(key_ring, "PATIENCE", 0.2)
    monkeypatch.setattr(keyring, "get_keyring", keyrings.FileKeyring)
    write_profile(Profile("default", "keyring", None, None, None, API, SECURITY))
    Path(ring["IMEDNET_TEST_KEYRING"]).with_name("asking").touch()
    with pytest.raises(ConfigurationError, match="no answer in 0 s; it may be asking to be unlocked"):
        read_profile("default")


def test_a_profile_that_cannot_be_read_sends_no_key_to_production(
    box: Sandbox, command: Command, keys: list[str], tmp_path: Path
) -> None:
    """The login that its own message advises would go to another server than before."""
    words = ("login", "--store", "file")
    assert command("--base-url", box.url, *keys, *words).returncode == 0
    (file,) = (tmp_path / "config").rglob("*default*")
    for spoil in (lambda: file.chmod(0o644), lambda: file.write_text("{")):
        spoil()
        refused = quiet(command(*keys, *words))
        assert (refused.returncode, "so its server is not known" in refused.stderr) == (2, True), refused.stderr
        assert "edc.prod" not in refused.stderr
        anew = command("--base-url", box.url, *keys, *words)
        assert anew.returncode == 0, anew.stderr
        assert command("check").returncode == 0


def test_two_profiles_in_one_login_are_refused(command: Command, keys: list[str]) -> None:
    done = command("--profile", "one", *keys, "login", "--profile", "two")
    assert (done.returncode, "two profiles are named, one and two" in done.stderr) == (2, True)


def test_a_prompt_on_a_terminal_shows_no_key(box: Sandbox, tmp_path: Path) -> None:
    """On a terminal of its own, with the process list read while it asks."""
    master, slave = pty.openpty()
    code = "from imednet.cli import main; main()"
    words = [sys.executable, "-c", code, "--base-url", box.url, "login", "--store", "file"]
    environment = {
        **HOME,
        "IMEDNET_CONFIG_HOME": str(tmp_path / "config"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    with subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environment, close_fds=True) as running:
        os.close(slave)
        seen = b""
        for question, answer in ((b"API key", API), (b"Security key", SECURITY)):
            while question not in seen:
                seen += os.read(master, 1024)
            lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
            assert API not in lines
            os.write(master, f"{answer}\n".encode())
        try:
            while chunk := os.read(master, 1024):
                seen += chunk
        except OSError:  # its other end was closed
            pass
        assert running.wait() == 0, seen
    os.close(master)
    assert API.encode() not in seen
    assert SECURITY.encode() not in seen


def broken_files() -> Iterator[Any]:
    def shared(file: Path) -> None:
        file.chmod(0o640)

    def linked(file: Path) -> None:
        file.rename(file.with_name("elsewhere"))
        file.symlink_to(file.with_name("elsewhere"))

    def piped(file: Path) -> None:
        file.unlink()
        os.mkfifo(file, 0o600)

    def garbled(file: Path) -> None:
        file.write_text(f'{{"apiKey": "{API}", ')

    def listed(file: Path) -> None:
        file.write_text(f'["{API}"]')

    def open_folder(file: Path) -> None:
        file.parent.chmod(0o777)

    def someone_elses(file: Path) -> None:
        if os.geteuid():
            pytest.skip("only root can give files away")
        os.chown(file, 65534, 65534)

    for spoil, reason in (
        (shared, "others can read or change"), (linked, "symbolic link"), (piped, "no ordinary file"),
        (garbled, "is no JSON"), (listed, "does not hold a table"), (open_folder, "others can put files"),
        (someone_elses, "belongs to somebody else"),
    ):  # fmt: skip
        yield pytest.param(spoil, reason, id=spoil.__name__)


@posix
@pytest.mark.parametrize(("spoil", "reason"), list(broken_files()))
def test_a_file_that_others_could_reach_is_refused(spoil: Callable[[Path], None], reason: str, here: Path) -> None:
    spoil(write_profile(profile("demo")))
    with pytest.raises(ConfigurationError, match=reason) as error:
        load_config(profile="demo")
    assert API not in str(error.value)
    assert API not in repr(error.value.__context__)


def test_two_profiles_written_at_once_are_both_there(here: Path) -> None:
    names = [f"p{number}" for number in range(20)]
    threads = [threading.Thread(target=write_profile, args=(profile(name, api_key=f"key-{name}"),)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert profile_names() == sorted(names)
    assert {read_profile(name).api_key for name in names} == {f"key-{name}" for name in names}


def test_two_profiles_at_once_in_one_program(box: Sandbox, here: Path) -> None:
    with Sandbox(size="demo") as other:
        write_profile(profile("one", box.url))
        write_profile(profile("two", other.url))
        with ImednetSDK.from_profile("one") as first, ImednetSDK.from_profile("two") as second:
            assert (first.config.base_url, second.config.base_url) == (box.url, other.url)
            assert first.sites.list(STUDY).proof.proven
            assert second.sites.list(STUDY).proof.proven


def test_order_is_arguments_then_environment_then_profile(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_profile(profile("demo", "https://edc.example.org", state_home="/state"))
    found = load_config(profile="demo")
    assert (found.api_key, found.base_url, found.profile, found.state_home) == (
        API, "https://edc.example.org", "demo", "/state",
    )  # fmt: skip
    monkeypatch.setenv("IMEDNET_PROFILE", "demo")
    assert load_config().api_key == API
    assert load_config("a", "b") == load_config("a", "b", profile=" "), "a program with keys asks for no profile"
    assert load_config("a", "b").base_url is None
    monkeypatch.setenv("IMEDNET_API_KEY", "from-environment")
    with pytest.raises(ConfigurationError, match="the two belong together"):
        load_config()
    monkeypatch.setenv("IMEDNET_SECURITY_KEY", "from-environment")
    with pytest.raises(ConfigurationError, match=r"is for https://edc.example.org, where they are not sent"):
        load_config()
    monkeypatch.setenv("IMEDNET_BASE_URL", "https://other.example.org")
    found = load_config()
    assert (found.api_key, found.base_url) == ("from-environment", "https://other.example.org")
    assert load_config("a", "b").api_key == "a"
    monkeypatch.delenv("IMEDNET_BASE_URL")
    write_profile(profile("production"))
    assert load_config(profile="production").api_key == "from-environment", "they are for production"


def test_keys_of_a_profile_go_to_its_own_address_only(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_profile(profile("demo", "https://edc.example.org"))
    write_profile(profile("production"))
    assert load_config(None, None, "https://edc.example.org/api/", profile="demo").api_key == API
    for name in ("demo", "production"):
        with pytest.raises(ConfigurationError, match="whose keys are sent only to"):
            load_config(None, None, "https://other.example.org", profile=name)
    monkeypatch.setenv("IMEDNET_BASE_URL", "https://other.example.org")
    with pytest.raises(ConfigurationError, match="whose keys are sent only to"):
        ImednetSDK.from_profile("demo")


@pytest.mark.parametrize("kind", [ImednetSDK, AsyncImednetSDK])
def test_a_pickled_sdk_takes_its_keys_from_the_profile_again(kind: Any, here: Path) -> None:
    write_profile(profile("demo", "https://edc.example.org"))
    text = pickle.dumps(kind.from_profile("demo"))
    assert API.encode() not in text
    again = pickle.loads(text)
    assert (again.config.api_key, again.config.profile, again.config.base_url) == (
        API, "demo", "https://edc.example.org",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", "Demo", "../demo", ".demo", "a/b", "con", "a" * 65, "ä"])
def test_names_that_are_no_file_names_everywhere_are_refused(name: str, here: Path) -> None:
    with pytest.raises(ConfigurationError, match="the name of a profile has"):
        profile(name)
    assert not here.exists()


@posix
def test_a_user_without_a_home(tmp_path: Path) -> None:
    code = (
        "import os, pwd\n"
        "def nobody(number): raise KeyError(number)\n"
        "pwd.getpwuid = nobody\n"
        "from imednet.cli import main\nmain()"
    )

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **more}
        return subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, check=False
        )

    listed = run("profiles", "list")
    assert (listed.returncode, "set IMEDNET_CONFIG_HOME" in listed.stderr) == (2, True), listed.stderr
    assert "no api_key and no security_key" in run("check").stderr, "the want of a home does not hide what is wrong"
    named = run("profiles", "list", IMEDNET_CONFIG_HOME=str(tmp_path))
    assert (named.returncode, "no profiles below" in named.stderr) == (0, True), named.stderr


def test_a_profile_names_the_study_and_the_folder_of_state(
    box: Sandbox, command: Command, keys: list[str], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    login = ("login", "--store", "file", "--study", STUDY, "--state-home", str(state))
    assert command("--base-url", box.url, *keys, *login).returncode == 0
    (tmp_path / "address").write_text(f"sqlite:///{tmp_path}/study.db")
    done = command("export", "sql", "--form", "AE", "--uri-file", str(tmp_path / "address"))
    assert done.returncode == 0, done.stderr
    assert [path.name.rpartition("-")[0] for path in (state / "imednet").iterdir()] == [f"sql-{STUDY}"]


def test_keys_in_a_keyring_are_of_one_folder_and_one_address(
    box: Sandbox, keys: list[str], ring: dict[str, str], tmp_path: Path
) -> None:
    """Two folders of settings have a profile of one name each; a login that broke off leaves no foreign pair."""
    with Sandbox(size="demo") as other:
        for name, url in (("first", box.url), ("second", other.url)):
            home = {"IMEDNET_CONFIG_HOME": str(tmp_path / name), **ring}
            assert imednet("--base-url", url, *keys, "login", **home).returncode == 0
        assert len(json.loads(Path(ring["IMEDNET_TEST_KEYRING"]).read_text())) == 2
        first = {"IMEDNET_CONFIG_HOME": str(tmp_path / "first"), **ring}
        file = tmp_path / "first" / "profiles" / "default.json"
        file.write_text(file.read_text().replace(box.url, other.url))  # as if only the keys had been replaced
        refused = quiet(imednet("check", **first))
        assert (refused.returncode, "for another address than its file names" in refused.stderr) == (2, True)
        assert imednet("profiles", "remove", "default", **first).returncode == 0
        assert imednet("check", IMEDNET_CONFIG_HOME=str(tmp_path / "second"), **ring).returncode == 0


def test_a_second_login_keeps_what_it_is_not_told(
    box: Sandbox, command: Command, keys: list[str], tmp_path: Path
) -> None:
    first = ("--base-url", box.url, *keys, "login", "--profile", "a", "--store", "file", "--study", STUDY)
    assert command(*first, "--state-home", str(tmp_path / "state")).returncode == 0
    before = (tmp_path / "config" / "profiles" / "a.json").read_text()
    again = command(*keys, "login", "--profile", "a", "--store", "file")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "config" / "profiles" / "a.json").read_text() == before
    elsewhere = command(
        *keys, "login", "--profile", "a", "--store", "file", IMEDNET_BASE_URL="https://edc.example.invalid"
    )
    assert (elsewhere.returncode, "give --base-url before `login`" in elsewhere.stderr) == (2, True)
    told = command(
        "--base-url", box.url, "login", "--store", "file", IMEDNET_API_KEY=API, IMEDNET_SECURITY_KEY=SECURITY
    )
    assert "the API key is that of IMEDNET_API_KEY" in told.stderr


def test_keys_from_files_ask_for_no_profile_of_the_environment(
    box: Sandbox, command: Command, keys: list[str], tmp_path: Path
) -> None:
    assert command("--base-url", box.url, *keys, "login", "--profile", "a", "--study", "X", **NO_RING).returncode == 2
    (tmp_path / "config" / "profiles").mkdir(mode=0o700, parents=True)
    (tmp_path / "config" / "profiles" / "a.json").write_text("spoiled")
    done = command("--base-url", box.url, *keys, "queries", "open", IMEDNET_PROFILE="a")
    assert (done.returncode, "STUDY is missing" in done.stderr) == (2, True), done.stderr


@posix
def test_a_default_profile_that_others_can_read_is_no_missing_key(
    box: Sandbox, command: Command, keys: list[str], tmp_path: Path
) -> None:
    assert command("--base-url", box.url, *keys, "login", "--store", "file").returncode == 0
    file = tmp_path / "config" / "profiles" / "default.json"
    file.chmod(0o644)
    refused = command("check")
    assert (refused.returncode, "others can read" in refused.stderr) == (2, True), refused.stderr
    assert command("profiles", "remove", "default").returncode == 0
    assert not file.exists()


def test_what_holds_keys_is_not_pickled(here: Path) -> None:
    write_profile(profile("demo"))
    for secret in (
        read_profile("demo"),
        find_settings({"api_key": None, "security_key": None, "base_url": None}, "demo"),
    ):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(secret)


def test_the_commands_of_the_page_run(box: Sandbox, command: Command) -> None:
    (block,) = (block for block in blocks("cli.md", "sh") if "imednet login" in block)
    for line in block.replace("ABC-01", STUDY).splitlines():
        words = shlex.split(line, comments=True)[1:]
        keys = {"IMEDNET_API_KEY": API, "IMEDNET_SECURITY_KEY": SECURITY} if words[0] == "login" else {}
        address = ["--base-url", box.url] if words[0] == "login" else []
        done = command(*address, *words, **keys, **NO_RING)
        assert done.returncode == 0, (line, done.stderr)


def test_login_sends_no_key_of_the_environment_to_the_address_of_a_profile(box: Sandbox, command: Command) -> None:
    """They are for the address of the environment, which is production here."""
    given = {"IMEDNET_API_KEY": API, "IMEDNET_SECURITY_KEY": SECURITY}
    made = command("--base-url", box.url, "login", "--profile", "trial", "--store", "file", **given)
    assert made.returncode == 0, made.stderr
    sent = len(box.requests)
    other = {"IMEDNET_API_KEY": "PRODKEY", "IMEDNET_SECURITY_KEY": "PRODSEC"}
    refused = command("login", "--profile", "trial", "--store", "file", **other)
    assert (refused.returncode, "where it is not sent" in refused.stderr) == (2, True)
    assert len(box.requests) == sent
    assert command("--profile", "trial", "sites", "list", STUDY).returncode == 0, "its keys are as they were"
    spelled = f"{box.url.replace('http', 'HTTP')}/api/"
    again = command("login", "--profile", "trial", "--store", "file", IMEDNET_BASE_URL=spelled, **given)
    assert again.returncode == 0, again.stderr


def test_login_takes_no_key_of_a_file_beside_one_of_the_environment(
    box: Sandbox, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(API)
    words = ("--base-url", box.url, "--api-key-file", str(tmp_path / "key"), "login", "--store", "file")
    sent = len(box.requests)
    refused = command(*words, IMEDNET_SECURITY_KEY=SECURITY)
    assert (refused.returncode, "may be of two accounts" in refused.stderr) == (2, True)
    assert len(box.requests) == sent
