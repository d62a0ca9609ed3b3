"""Plugins that serve `sdk.workflows`: what one must provide, and how it is found.

A distribution registers a factory in the entry-point group `imednet.plugins` under the name `workflows`:

    [project.entry-points."imednet.plugins"]
    workflows = "myplugin.namespace:create_workflows"

Plugins that add commands are in `imednet.cli.plugins`.
"""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from .errors import PluginLoadError, PluginMissingError

GROUP = "imednet.plugins"
WORKFLOWS = "workflows"
OWN = "imednet.workflows:create_workflows"
"""The factory of this package, registered like that of any plugin."""

_ENTRY = re.compile(r"(?m)^workflows[ \t]*=[ \t]*(\S+)")


@runtime_checkable
class WorkflowsNamespaceProtocol(Protocol):
    """The least `sdk.workflows` must have: these attributes, each a workflow that uses the SDK."""

    data_extraction: Any
    query_management: Any
    record_mapper: Any
    record_update: Any
    subject_data: Any


@runtime_checkable
class PluginProtocol(Protocol):
    """A factory that takes the SDK and returns the namespace of workflows.

    >>> isinstance(lambda sdk_instance: None, PluginProtocol)
    True
    """

    def __call__(self, sdk_instance: Any) -> WorkflowsNamespaceProtocol:
        """Create the workflows of one SDK."""
        ...  # pragma: no cover


class MissingWorkflows:
    """Stand-in for `sdk.workflows` where no plugin is installed; any use of it raises PluginMissingError."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise PluginMissingError(
            f"sdk.workflows.{name} needs a workflows plugin, and none is installed. "
            "Next: install this package itself, as in: pip install PATH, where PATH is its checkout or wheel"
        )

    def __repr__(self) -> str:
        return "<no workflows plugin>"


def _registered() -> list[Any]:
    """Entry points of the group, our own included.

    `importlib.metadata` takes long to import, so it is imported only where another distribution registers a factory.
    """
    factories_by_folder = [_factories(folder) for folder in dict.fromkeys(sys.path)]
    if None not in factories_by_folder:
        factories = {factory for names in factories_by_folder for factory in names or ()}
        if not factories:
            return []
        if factories == {OWN}:
            return [_Own()]
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP, name=WORKFLOWS))


class _Own:
    """Our own entry point, made without `importlib.metadata`."""

    value = OWN
    dist = None

    def load(self) -> Any:
        """Import the factory."""
        module, _, name = OWN.partition(":")
        return getattr(import_module(module), name)


def _factories(folder: str) -> set[str] | None:
    """Factories registered by distributions in one folder of `sys.path`; `None` where it cannot be listed."""
    texts = _entry_point_files(folder, GROUP)
    if texts is None:
        return None
    # A file that names the group but no factory stands for one we do not know: "?".
    return {value for text in texts for value in _ENTRY.findall(text) or ["?"]}


def _may_register(folder: str, group: str) -> bool:
    """Whether a distribution in one folder of `sys.path` may register something in a group."""
    texts = _entry_point_files(folder, group)
    return texts is None or bool(texts)


def _entry_point_files(folder: str, group: str) -> list[str] | None:
    """Texts of the `entry_points.txt` below a folder that name a group; `None` where the folder cannot be listed."""
    try:
        with os.scandir(folder or ".") as entries:
            folders = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
    except FileNotFoundError:
        return []
    except OSError:
        return None  # a zip archive, a folder that may not be listed
    texts = []
    for metadata in folders:
        try:
            with open(os.path.join(metadata, "entry_points.txt"), "rb") as file:  # noqa: PTH118, PTH123  (faster)
                text = file.read()
        except OSError:
            continue  # most distributions register nothing
        if group.encode() in text:
            texts.append(text.decode("utf-8", "replace"))
    return texts


def entries_of(group: str) -> list[Any]:
    """Entry points of any group, such as `imednet.cli_plugins`; empty where no installed file names the group."""
    if not any(_may_register(folder, group) for folder in dict.fromkeys(sys.path)):
        return []
    from importlib.metadata import entry_points

    return list(entry_points(group=group))


def serving() -> str:
    """The factory that serves `sdk.workflows`, as text for people.

    >>> serving()
    'imednet.workflows:create_workflows'
    """
    others = [point for point in _registered() if point.value != OWN]
    if others:
        return ", ".join(f"{point.value} ({point.dist.name if point.dist else 'unknown'})" for point in others)
    return OWN if _registered() else "none"


def load_workflows(sdk: Any) -> Any:
    """The workflows of an SDK: those of the one plugin that is installed, else our own.

    A copy of this package without metadata of a distribution has none, so that nothing is loaded by accident.

    Raises:
        PluginLoadError: there are several, or it cannot be imported, is no factory, or does not give what it must.
    """
    found = _registered()
    if not found:
        return MissingWorkflows()
    found = [point for point in found if point.value != OWN]
    if not found:
        return _Own().load()(sdk)
    names = ", ".join(f"{point.value} ({point.dist.name if point.dist else 'unknown'})" for point in found)
    if len(found) > 1:
        raise PluginLoadError(f"several plugins offer {WORKFLOWS!r}: {names}. Next: uninstall all but one")
    try:
        factory = found[0].load()
    except Exception as error:
        raise PluginLoadError(f"the plugin {names} cannot be imported ({type(error).__name__}: {error})") from error
    if not callable(factory):
        raise PluginLoadError(f"the plugin {names} is not callable: it must be a factory that takes the SDK")
    try:
        workflows = factory(sdk)
    except Exception as error:
        raise PluginLoadError(f"the plugin {names} failed ({type(error).__name__}: {error})") from error
    if not isinstance(workflows, WorkflowsNamespaceProtocol):
        lacking = [name for name in WorkflowsNamespaceProtocol.__annotations__ if not hasattr(workflows, name)]
        raise PluginLoadError(f"the plugin {names} gives workflows without {', '.join(lacking)}")
    return workflows
