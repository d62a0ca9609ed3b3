"""Workflows: several calls with one purpose, behind `sdk.workflows`; blocking and asynchronous by one rule.

`steps` says how a rule is written once for both doors, and one module each holds a purpose.
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
