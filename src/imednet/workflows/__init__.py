"""Workflows: tasks that take several calls, behind `sdk.workflows`.

Each workflow has a module of its own. `namespace` makes them attributes of `sdk.workflows`, `base` holds what they
share, and `writing` the steps of writing records. They are written asynchronous; the blocking twins are made from that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._lazy import loader

if TYPE_CHECKING:
    from .namespace import AsyncWorkflows, Workflows, create_workflows

_HOMES = {"AsyncWorkflows": "namespace", "Workflows": "namespace", "create_workflows": "namespace"}

__all__ = ["AsyncWorkflows", "Workflows", "create_workflows"]

_load = loader(__name__, _HOMES, globals())


def __getattr__(name: str) -> Any:
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
