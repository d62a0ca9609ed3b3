"""The interpreter, this package, and what each extra needs: installed, importable, of a version that is supported."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from typing import Final

from ..._version import distribution
from ..._version import version as own_version
from ...constants import ENV_API_KEY, ENV_SECURITY_KEY
from .finding import Finding

_PATIENCE: Final = 120
_MODULES: Final = {
    "pyyaml": "yaml", "pymysql": "pymysql", "vl-convert-python": "vl_convert",
    "snowflake-connector-python": "snowflake.connector",
}  # fmt: skip
"""Distribution, in lower case, -> module, where the two differ in more than case and hyphens."""
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*)(?:;.*extra\s*==\s*['\"]([^'\"]+)['\"])?")


def findings() -> Iterator[Finding]:
    """What is installed."""
    from imednet_api import SPEC_VERSION

    supported = sys.version_info >= (3, 11)
    yield Finding(
        "versions", "python", f"{platform.python_version()} ({sys.executable})", "ok" if supported else "problem",
        None if supported else "use Python 3.11 or newer",
    )  # fmt: skip
    yield Finding("versions", "system", platform.platform())
    yield Finding("versions", "imednet", f"{distribution()} {own_version()}, API description {SPEC_VERSION}")
    owners = sorted({distribution(), *packages_distributions().get("imednet", [])})
    if len(owners) > 1:
        yield Finding(
            "versions", "imednet", f"{' and '.join(owners)} both provide the import imednet", "problem",
            "uninstall all but one",
        )  # fmt: skip
    try:
        requirements = [found for text in requires(distribution()) or () if (found := _REQUIREMENT.match(text))]
    except PackageNotFoundError:
        yield Finding("versions", "imednet", "not installed as a package, so that its extras are not known", "note")
        return
    for found in requirements:
        if found[3] is None:
            yield _installed("versions", found[1], found[2])
    extras: dict[str, list[tuple[str, str]]] = {}
    for found in requirements:
        if found[3] is not None:
            extras.setdefault(found[3], []).append((found[1], found[2].strip()))
    with ThreadPoolExecutor(4) as pool:
        yield from pool.map(lambda name: _extra(name, extras[name]), sorted(extras))


def _installed(area: str, name: str, bounds: str) -> Finding:
    try:
        here = version(name)
    except PackageNotFoundError:
        return Finding(area, name, "not installed", "problem", f"pip install '{name}{bounds.strip()}'")
    if not _within(here, bounds):
        return Finding(
            area, name, f"{here}, outside of {bounds.strip()}", "note", f"pip install '{name}{bounds.strip()}'"
        )
    return Finding(area, name, here)


def _extra(extra: str, needed: list[tuple[str, str]]) -> Finding:
    """An extra: a problem where it is installed and does not work."""
    states = [_installed("extras", name, bounds) for name, bounds in needed]
    missing = [state.name for state in states if state.value == "not installed"]
    if missing:
        return Finding("extras", extra, f"not installed: needs {', '.join(missing)}")
    value = ", ".join(f"{state.name} {state.value}" for state in states)
    modules = [_MODULES.get(name.lower(), name.lower().replace("-", "_")) for name, _ in needed]
    failed = _import_trouble(modules)
    if failed is not None:
        return Finding("extras", extra, f"{value}; cannot be imported: {failed}", "problem", "install it anew")
    noted = next((state for state in states if state.state != "ok"), None)
    return Finding("extras", extra, value, "note" if noted else "ok", noted.step if noted else None)


def _import_trouble(modules: list[str]) -> str | None:
    """Why modules cannot be imported, tried in a process of its own, since a broken library can end one."""
    code = "; ".join(f"import {module}" for module in modules)
    keys = (ENV_API_KEY, ENV_SECURITY_KEY)
    environment = {name: value for name, value in os.environ.items() if name not in keys}
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter, names from our own metadata)
            # -P: not what lies in the folder where somebody happens to be
            [sys.executable, "-P", "-c", code],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"not within {_PATIENCE} seconds"
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1][:200] if lines else f"the interpreter ended with {done.returncode}"


def _within(here: str, bounds: str) -> bool:
    """Whether a version keeps bounds such as `>=1.2,<3`, judged by its leading numbers."""
    for clause in bounds.replace(" ", "").split(","):
        operator, given = clause[:2], clause[2:]
        if operator == ">=" and _numbers(here) < _numbers(given):
            return False
        if clause[:1] == "<" and operator != "<=" and _numbers(here) >= _numbers(clause[1:]):
            return False
    return True


def _numbers(text: str) -> list[int]:
    found = [int(number) for number in re.findall(r"\d+", text.partition("+")[0])[:4]]
    return found + [0] * (4 - len(found))
