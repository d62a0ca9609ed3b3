"""Plugins: what a package must offer to stand behind `sdk.workflows`, and how it is found.

A package registers a factory under the entry-point group `imednet.plugins` with the name `workflows`:

    [project.entry-points."imednet.plugins"]
    workflows = "myplugin.namespace:create_workflows"
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
"""Our own workflows, registered like those of anybody else."""

_ENTRY = re.compile(r"(?m)^workflows[ \t]*=[ \t]*(\S+)")


@runtime_checkable
class WorkflowsNamespaceProtocol(Protocol):
    """What stands behind `sdk.workflows`: at least these attributes, each an object over the SDK."""

    data_extraction: Any
    query_management: Any
    record_mapper: Any
    record_update: Any
    subject_data: Any


@runtime_checkable
class PluginProtocol(Protocol):
    """A factory: takes the SDK, gives the namespace of workflows.

    >>> isinstance(lambda sdk_instance: None, PluginProtocol)
    True
    """

    def __call__(self, sdk_instance: Any) -> WorkflowsNamespaceProtocol:
        """Make the workflows of one SDK."""
        ...  # pragma: no cover


class MissingWorkflows:
    """Stands behind `sdk.workflows` where no plugin is installed; says so when it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise PluginMissingError(
            f"sdk.workflows.{name} needs a workflows plugin, and none is installed. "
            "Next: install this package whole, as in: pip install PATH, its checkout or wheel"
        )

    def __repr__(self) -> str:
        return "<no workflows plugin>"


def _registered() -> list[Any]:
    """Entry points of the group, ours among them. `importlib.metadata`, slow to load, is used only for others."""
    named = [_factories(folder) for folder in dict.fromkeys(sys.path)]
    if None not in named:
        values = {value for found in named for value in found or ()}
        if not values:
            return []
        if values == {OWN}:
            return [_Own()]
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP, name=WORKFLOWS))


class _Own:
    """Our own entry point, without the help of `importlib.metadata`."""

    value = OWN
    dist = None

    def load(self) -> Any:
        """The factory."""
        module, _, name = OWN.partition(":")
        return getattr(import_module(module), name)


def _factories(folder: str) -> set[str] | None:
    """Factories that distributions in this place of the path register; `None` where that cannot be seen."""
    texts = _naming(folder, GROUP)
    if texts is None:
        return None
    return {value for text in texts for value in _ENTRY.findall(text) or ["?"]}


def _names(folder: str, group: str) -> bool:
    """Whether a distribution in this place of the path may register something under a group."""
    texts = _naming(folder, group)
    return texts is None or bool(texts)


def _naming(folder: str, group: str) -> list[str] | None:
    """Files of entry points, in this place of the path, that name a group; `None` where that cannot be seen."""
    try:
        with os.scandir(folder or ".") as entries:
            infos = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
    except FileNotFoundError:
        return []
    except OSError:
        return None  # a zip archive, a folder that may not be listed
    found = []
    for info in infos:
        try:
            with open(os.path.join(info, "entry_points.txt"), "rb") as file:  # noqa: PTH118, PTH123  (cheaper)
                text = file.read()
        except OSError:
            continue  # most distributions register nothing
        if group.encode() in text:
            found.append(text.decode("utf-8", "replace"))
    return found


def entries_of(group: str) -> list[Any]:
    """Entry points of another group, such as those of commands; nothing is loaded where no file names the group."""
    if not any(_names(folder, group) for folder in dict.fromkeys(sys.path)):
        return []
    from importlib.metadata import entry_points

    return list(entry_points(group=group))


def serving() -> str:
    """Which plugin serves `sdk.workflows`, for people.

    >>> serving()
    'imednet.workflows:create_workflows'
    """
    others = [point for point in _registered() if point.value != OWN]
    if others:
        return ", ".join(f"{one.value} ({one.dist.name if one.dist else 'unknown'})" for one in others)
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
