"""Write the blocking half of the SDK from the asynchronous one, or check that it is up to date.

Clients, endpoints and workflows are written once, as `async def`. A source is one of two kinds:

- a module `async_NAME.py`: its twin is the module `NAME.py` beside it, the whole file;
- a module with the line below: what stands under it is the twin of every asynchronous class and function above it.

    # ---- blocking twin: written by scripts/blocking_twin.py, do not edit below

A statement of the source whose first line ends in `# async only` has no counterpart. Where the two halves differ in
more than `async` and `await`, both are written by hand, under names that differ by `Async` or `async_`:
`core/concurrency.py`, `core/transport/throttle.py`, `core/transport/time_limit.py`.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from pathlib import Path

import regenerate

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "imednet"
WHOLE_FILES = ("core/async_client.py", "core/transport/async_executor.py", "endpoints/lists/async_base.py")
MARK = "# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below\n"
HEADER = "# Written by scripts/blocking_twin.py from {source}. Do not edit: run `nox -s generate`.\n"
ASYNC_ONLY = "# async only"

WORDS = (
    (r"\bAsyncGenerator\[(.+), None\]", r"Generator[\1, None, None]"),
    (r"\bAwaitable\[((?:[^\[\]]|\[[^\[\]]*\])*)\]", r"\1"),
    (r"\basync (?=(?:def|with|for)\b)", ""),
    (r"\bawait ", ""),
    (r"\bAsyncByteStream\b", "SyncByteStream"),
    (r"\bAbstractAsync(?=[A-Z])", "Abstract"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\b__a(?=(?:enter|exit|iter|next)__)", "__"),
    (r"\ba(?=(?:close|next|iter)\b)", ""),
    (r"(?<![A-Za-z])(_?)Async(?=[A-Z])", r"\1"),
    (r"(?<![A-Za-z_])(_?)async_(?=[a-z])", r"\1"),
    (r"\bAn asynchronous\b", "A blocking"),
    (r"\ban asynchronous\b", "a blocking"),
    (r"\basynchronous\b", "blocking"),
    (r"\bfor the tasks of one event loop\b", "for any number of threads"),
    (r"over an event loop\b", "over blocking I/O"),
)
"""What is replaced by what, in this order; names, docstrings and comments alike."""


def translated(text: str) -> str:
    """Asynchronous source as blocking source, not yet formatted.

    >>> translated("async def aclose(self) -> None: await self._http.aclose()")
    'def close(self) -> None: self._http.close()'
    """
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text)
    return text


def without_async_only(text: str) -> str:
    """Source without the statements that are marked as having no blocking counterpart."""
    lines = text.splitlines(keepends=True)
    for node in sorted(ast.walk(ast.parse(text)), key=lambda node: -getattr(node, "lineno", 0)):
        if isinstance(node, ast.stmt) and lines[node.lineno - 1].rstrip().endswith(ASYNC_ONLY):
            assert node.end_lineno is not None
            del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)


def is_asynchronous(node: ast.stmt) -> bool:
    """Whether a definition at the top of a module belongs to the asynchronous half."""
    if isinstance(node, ast.ClassDef):
        return node.name.lstrip("_").startswith("Async")
    return isinstance(node, ast.AsyncFunctionDef)


def definitions(text: str) -> str:
    """The asynchronous definitions of a module, in their order."""
    lines = text.splitlines(keepends=True)
    found = []
    for node in ast.parse(text).body:
        if is_asynchronous(node):
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
            found.append("".join(lines[first - 1 : node.end_lineno]))
    return "\n\n".join(found)


def twin_of(text: str) -> str:
    """A module with the mark in it, and under the mark the twin of what stands above it; not yet formatted."""
    source, _, _ = text.partition(MARK)
    twin = translated(definitions(without_async_only(source)))
    return f"{source.rstrip()}\n\n\n{MARK}\n\n{twin}\n"


def twins() -> dict[Path, str]:
    """Every file that holds blocking code -> what must stand in it, not yet formatted."""
    wanted = {}
    for name in WHOLE_FILES:
        source = PACKAGE / name
        header = HEADER.format(source=source.name)
        target = source.with_name(source.name.removeprefix("async_"))
        wanted[target] = header + translated(without_async_only(source.read_text("utf-8")))
    for path in sorted(PACKAGE.rglob("*.py")):
        if MARK in (text := path.read_text("utf-8")):
            wanted[path] = twin_of(text)
    return wanted


def formatted(path: Path, text: str) -> str:
    """Source as the linters of the project want it, by the pinned formatter of the generated client."""
    ruff = [regenerate.tools() / "ruff"]
    settings = [f"--config={ROOT / 'pyproject.toml'}", f"--stdin-filename={path}", "-"]
    select = "--select=F401,I,UP028"
    for command in (["check", "--fix-only", "--unsafe-fixes", "--quiet", select], ["format", "--quiet"]):
        done = subprocess.run(
            [*ruff, *command, "--no-cache", *settings], input=text, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{path.relative_to(ROOT)}: {done.stderr}")
        text = done.stdout
    return text


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when a twin is stale")
    check = parser.parse_args().check
    stale = []
    for path, text in twins().items():
        text = formatted(path, text)
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path)
            if not check:
                path.write_text(text, "utf-8")
    for path in stale:
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT).as_posix()}")
    if check:
        print("blocking code is out of date: run `nox -s generate`" if stale else "blocking code is up to date")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
