"""Plugins that serve `sdk.workflows`: what one must provide, and how it is found.

A distribution registers a factory in the entry-point group `imednet.plugins` under the name `workflows`:

    [project.entry-points."imednet.plugins"]
    workflows = "myplugin.namespace:create_workflows"

Plugins that add commands are in `imednet.cli.plugins`.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .errors import PluginLoadError, PluginMissingError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "imednet.plugins"
WORKFLOWS = "workflows"
OWN = "imednet.workflows:create_workflows"
"""The factory of this package, registered like that of any plugin."""


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


@lru_cache(maxsize=8)
def _factories(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Factories that distributions on a path register, ours among them; looked up once for each path."""
    from importlib.metadata import distributions  # here, because it is slow to load

    found = {
        (point.value, distribution.name): point
        for distribution in distributions(path=list(path))
        for point in distribution.entry_points.select(group=GROUP, name=WORKFLOWS)
    }
    return tuple(found.values())


def _registered() -> tuple[EntryPoint, ...]:
    return _factories(tuple(sys.path))


def entries_of(group: str) -> list[EntryPoint]:
    """Entry points of another group, such as those of commands."""
    from importlib.metadata import entry_points

    return list(entry_points(group=group))


def is_served_by_plugin() -> bool:
    """Whether a plugin of somebody else serves `sdk.workflows`."""
    return any(point.value != OWN for point in _registered())


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
    registered = _registered()
    if not registered:
        return MissingWorkflows()
    found = [point for point in registered if point.value != OWN]
    if not found:
        return registered[0].load()(sdk)
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
