"""The house as `docs/architecture.md` draws it, where the linter of imports does not look."""

from __future__ import annotations

import ast
import os
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import imednet

PACKAGE = Path(imednet.__file__).parent
MOST_FILES = 20


def modules() -> dict[str, Path]:
    """Dotted name -> file, of every module of the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Files of the package that a file imports, for type checkers too; packages that only gather names are left out."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*parts, *([node.module] if node.module else [])])
        for alias in node.names:
            target = f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base
            if target in known and known[target].name != "__init__.py" and target != name:
                found.add(target)
    return found


def test_no_files_import_each_other_in_a_circle() -> None:
    known = modules()
    order = TopologicalSorter({name: imported(name, path, known) for name, path in known.items()})
    try:
        order.prepare()
    except CycleError as error:
        raise AssertionError(f"a circle of files: {error.args[1]}") from None


def test_no_folder_holds_more_files_than_one_can_look_over() -> None:
    for folder, _, files in os.walk(PACKAGE):
        assert sum(not name.endswith(".pyc") for name in files) <= MOST_FILES, folder
