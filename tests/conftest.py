"""Fixtures for all tests; run with IMEDNET_TEST_WITHOUT_MSGSPEC=1 the fast decoder cannot be imported."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: tests interrupt programs
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as under nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if os.environ.get("IMEDNET_TEST_WITHOUT_MSGSPEC"):
    sys.modules["msgspec"] = None  # type: ignore[assignment]

import pytest
import yaml
from hypothesis import settings

from imednet.sandbox import Sandbox
from support import Door, Ways

settings.register_profile("whole", deadline=None)  # a busy machine is slow, not wrong
settings.register_profile("dev", deadline=None, max_examples=20)
settings.load_profile(os.environ.get("IMEDNET_TEST_PROFILE", "whole"))

# Run in environments of their own, by the nox session of the same name.
collect_ignore = [] if find_spec("schemathesis") else ["conformance"]
if not os.environ.get("IMEDNET_TEST_SERVERS"):
    collect_ignore.append("servers")
if not os.environ.get("IMEDNET_TEST_SOAK"):
    collect_ignore.append("soak")
if not os.environ.get("IMEDNET_TEST_SIZES"):
    collect_ignore.append("sizes")

collect_ignore += [] if find_spec("imednet_streamlit") else ["dashboard"]
if not os.environ.get("IMEDNET_TEST_RECIPES"):
    collect_ignore.append("recipes")
if not os.environ.get("IMEDNET_TEST_AIRFLOW"):
    collect_ignore.append("airflow_provider")
if not os.environ.get("IMEDNET_TEST_BROWSER"):
    collect_ignore.append("browser")

_SESSIONS = {"airflow_provider": "airflow"}
ROOT = Path(__file__).resolve().parent.parent


def pytest_report_header() -> list[str]:
    """Say what is left out, and where it runs."""
    return [f"tests/{name}: left out here, run by `nox -s {_SESSIONS.get(name, name)}`" for name in collect_ignore]


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests start without keys, profiles, proxies or colours from the environment."""
    for name in list(os.environ):
        if name.startswith("IMEDNET_") and not name.startswith("IMEDNET_TEST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMEDNET_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no profiles"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """A demo sandbox that no test changes."""
    with Sandbox(size="demo") as sandbox:
        yield sandbox


@pytest.fixture
def own_box() -> Iterator[Callable[..., Sandbox]]:
    """Makes sandboxes that a test may change: `own_box(intercept=...)`."""
    started: list[Sandbox] = []

    def make(**options: Any) -> Sandbox:
        sandbox = Sandbox(**options).start()
        started.append(sandbox)
        return sandbox

    yield make
    for sandbox in started:
        sandbox.stop()


@pytest.fixture(params=["sync", "async"])
def door(request: pytest.FixtureRequest) -> Iterator[Ways]:
    """Makes SDKs, blocking or asynchronous, that are called alike: `door(box).call("records.list", STUDY)`."""
    opened: list[Door] = []

    def make(sandbox: Sandbox, **options: Any) -> Door:
        one = Door(request.param, {**sandbox.credentials, "backoff_factor": 0, **options})
        opened.append(one)
        return one

    yield make
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def spec() -> dict[str, Any]:
    """The description of the API."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "openapi" / "imednet.yaml").read_text("utf-8"))
    return found
