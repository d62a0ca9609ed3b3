"""Plugins behind `sdk.workflows`, installed as real distributions on the path."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imednet import AsyncImednetSDK, ImednetSDK, PluginProtocol, WorkflowsNamespaceProtocol
from imednet.errors import ImednetError, PluginLoadError
from imednet.plugins import serving

Install = Callable[..., None]

GOOD = """
class Workflows:
    def __init__(self, sdk):
        self.data_extraction = sdk
        self.query_management = self.record_mapper = self.record_update = self.subject_data = None

def create(sdk):
    return Workflows(sdk)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with an entry point on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str, code: str, entry: str = "create") -> None:
        (tmp_path / f"{name}.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[imednet.plugins]\nworkflows = {name}:{entry}\n")
        sys.modules.pop(name, None)

    return make


both = pytest.mark.parametrize("sdk", [ImednetSDK, AsyncImednetSDK])


@both
def test_a_plugin_stands_behind_workflows(install: Install, sdk: type[ImednetSDK]) -> None:
    install("good_plugin", GOOD)
    one = sdk("k", "s")
    assert isinstance(one.workflows, WorkflowsNamespaceProtocol)
    workflows: Any = one.workflows
    assert workflows.data_extraction is one


@both
def test_without_another_plugin_our_own_workflows_serve(sdk: type[ImednetSDK]) -> None:
    one = sdk("k", "s")
    assert type(one.workflows).__name__ == ("Workflows" if sdk is ImednetSDK else "AsyncWorkflows")
    assert isinstance(one.workflows, WorkflowsNamespaceProtocol)
    assert serving() == "imednet.workflows:create_workflows"


@both
def test_a_copy_without_metadata_says_how_to_get_workflows(
    sdk: type[ImednetSDK], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    one = sdk("k", "s")
    assert serving() == "none"
    with pytest.raises(ImportError, match="pip install") as caught:
        _ = one.workflows.data_extraction
    assert isinstance(caught.value, ImednetError)
    assert "no workflows plugin" in repr(one.workflows)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nothing_of_this_name", "cannot be imported.*ModuleNotFoundError"),
        ("create = 5", "not callable"),
        ("def create():\n    pass", "failed.*TypeError"),
        ("def create(sdk):\n    return object()", "without data_extraction, query_management"),
        ("def create(sdk):\n    raise KeyError('x')", "failed.*KeyError"),
    ],
)
def test_a_plugin_that_does_not_load_is_named(install: Install, code: str, says: str) -> None:
    install("bad_plugin", code)
    with pytest.raises(PluginLoadError, match=says) as caught:
        ImednetSDK("k", "s")
    assert "bad_plugin" in str(caught.value)


def test_two_plugins_are_an_error_that_names_both(install: Install) -> None:
    install("one_plugin", GOOD)
    install("other_plugin", GOOD)
    with pytest.raises(PluginLoadError, match=r"one_plugin.*other_plugin|other_plugin.*one_plugin"):
        ImednetSDK("k", "s")


def test_a_factory_is_known_by_being_callable() -> None:
    assert isinstance(lambda sdk: None, PluginProtocol)
    assert not isinstance(5, PluginProtocol)
