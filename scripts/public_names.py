"""Write down the public names of the package with their parameters, or check that they are as written down.

A change of the public surface is then a change of tests/contract/public_names.txt, which a reviewer sees.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "contract" / "public_names.txt"
MODULES = (
    "imednet", "imednet.async_sdk", "imednet.auth", "imednet.config", "imednet.constants", "imednet.core",
    "imednet.core.async_client", "imednet.core.base_client", "imednet.core.client", "imednet.core.conditions",
    "imednet.core.context", "imednet.core.factory", "imednet.core.http_client_base", "imednet.core.monitor",
    "imednet.core.options", "imednet.core.paginator", "imednet.core.parsing", "imednet.core.polling",
    "imednet.core.protocols", "imednet.core.reading.proof", "imednet.core.retry", "imednet.discovery",
    "imednet.endpoints", "imednet.endpoints.raw", "imednet.endpoints.rows", "imednet.errors", "imednet.integrations",
    "imednet.mirror", "imednet.mirror.mirror",
    "imednet.models", "imednet.models.study_config", "imednet.orchestration", "imednet.plugins",
    "imednet.registry", "imednet.reports", "imednet.reports.report", "imednet.sandbox", "imednet.sdk",
    "imednet.sdk_convenience", "imednet.utils.url", "imednet.validation", "imednet.workflows",
    "imednet.workflows.monitoring", "imednet.workflows.monitoring.table", "imednet.workflows.monitoring.workflow",
    "imednet.workflows.monitoring.kri.report", "imednet.workflows.monitoring.kri.settings",
)  # fmt: skip

MOVED = {"imednet.core.conditions": "imednet.core.filtering.conditions"}
"""Documented path -> where the module is now; the path stays as an alias."""


def lines() -> Iterator[str]:
    """One line for each public name."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        for name in sorted(names):
            thing = getattr(module, name)
            home = getattr(thing, "__module__", module_name)
            if inspect.ismodule(thing) or (not hasattr(module, "__all__") and home != module_name and callable(thing)):
                continue
            if name == "TYPE_CHECKING" or (not callable(thing) and not name.isupper()):
                continue
            yield f"{module_name}.{name}{shape(thing)}"
            if inspect.isclass(thing) and home in (module_name, MOVED.get(module_name)):
                yield from members(f"{module_name}.{name}", thing)


def members(path: str, cls: type) -> Iterator[str]:
    """Public members of a class, inherited ones too."""
    for name in sorted(dir(cls)):
        if name.startswith("_") and name != "__init__":
            continue
        thing = inspect.getattr_static(cls, name)
        if isinstance(thing, property):
            yield f"{path}.{name}: property"
        elif inspect.isfunction(inner := getattr(thing, "__func__", thing)) and inner.__module__.startswith("imednet"):
            yield f"{path}.{name}{shape(inner)}"


def public_bases(cls: type) -> list[type]:
    """Bases of a class; in place of a list of `endpoints.lists.typed`, which nobody names, its own bases."""
    return [
        inner
        for base in cls.__bases__
        for inner in (public_bases(base) if base.__module__ == "imednet.endpoints.lists.typed" else [base])
    ]


def shape(thing: Any) -> str:
    """Parameters with their defaults, or the value of a constant."""
    if get_origin(thing) is not None:
        return "(...)"  # an alias, whose signature differs between versions of Python
    if not callable(thing):
        return f" = {sorted(thing) if isinstance(thing, frozenset) else thing!r}"
    if inspect.isclass(thing):
        return f"({', '.join(base.__name__ for base in public_bases(thing))})"
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:
        return "(...)"
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    start = "async " if inspect.iscoroutinefunction(thing) else ""
    return f" {start}{inspect.Signature(plain)}" if start else str(inspect.Signature(plain))


def main() -> None:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when names differ")
    found = "".join(f"{line}\n" for line in lines())
    if not parser.parse_args().check:
        TARGET.write_text(found, "utf-8")
    elif TARGET.read_text("utf-8") != found:
        sys.exit("the public names changed: run python scripts/public_names.py and look at the difference")


if __name__ == "__main__":
    main()
