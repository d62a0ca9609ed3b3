"""Write the typed keyword filters of every list from the description, or check that they are up to date.

The generated client says which fields each list has; a type checker and an editor then know `sdk.records.list(` by
the names that can stand there. Run by `nox -s generate`, after the client itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import regenerate
from blocking_twin import MARK, formatted, twin_of

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "imednet" / "endpoints" / "lists" / "typed.py"
STUB = TARGET.with_suffix(".pyi")
COMMON = ("page", "size", "sort", "filter")

ASK = """
import json
from imednet_api.api import operations
print(json.dumps([
    {
        "tag": found.tag,
        "name": found.name,
        "model": found.item.__name__,
        "fields": list(found.item.FIELDS.values()),
        "further": list(found.page.filterable),
        "parameters": list(found.query_parameters),
        "study": bool(found.path_parameters),
    }
    for found in operations().values() if found.page is not None
]))
"""

HEAD = '''# Written by scripts/typed_lists.py from openapi/imednet.yaml. Do not edit: run `nox -s generate`.
"""Lists with their operations, one class a resource; the stub beside this file gives their filters as keywords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint

if TYPE_CHECKING:
    from imednet_api.models import {models}  # noqa: F401  (named as text)
'''

LIST = """

class AsyncTyped{many}(AsyncGenericListGetEndpoint["{model}"]):
    \"\"\"The list of {words}.\"\"\"

    OPERATION = "{name}"
"""

STUB_HEAD = """# Written by scripts/typed_lists.py from openapi/imednet.yaml. Do not edit: run `nox -s generate`.
from typing import ClassVar, Literal, TypedDict, Unpack, overload

from imednet_api.models import {models}

from ...core.filtering.conditions import Condition
from ...core.filtering.grammar import Filter
from ...core.options import CountOptions, ListOptions, PageOptions
from ..rows import AsyncRowIterator, AsyncRowPages, RawRow, RowIterator, RowPages, Rows
from .async_base import AsyncGenericListGetEndpoint
from .base import GenericListGetEndpoint
"""

STUB_OPTIONS = """
class {one}Filters(TypedDict, total=False):
{fields}

class {one}ListOptions(ListOptions, {one}Filters, total=False): ...
class {one}PageOptions(PageOptions, {one}Filters, total=False): ...
class {one}CountOptions(CountOptions, {one}Filters, total=False): ...
"""

STUB_LIST = """
class AsyncTyped{many}(AsyncGenericListGetEndpoint[{model}]):
    OPERATION: ClassVar[str]

    @overload  # type: ignore[override]
    async def list(
        self, {study}, *, raw: Literal[False] = False, **options: Unpack[{one}ListOptions]
    ) -> Rows[{model}]: ...
    @overload
    async def list(
        self, {study}, *, raw: Literal[True], **options: Unpack[{one}ListOptions]
    ) -> Rows[RawRow]: ...
    @overload  # type: ignore[override]
    def iter(
        self, {study}, *, raw: Literal[False] = False, **options: Unpack[{one}ListOptions]
    ) -> AsyncRowIterator[{model}]: ...
    @overload
    def iter(
        self, {study}, *, raw: Literal[True], **options: Unpack[{one}ListOptions]
    ) -> AsyncRowIterator[RawRow]: ...
    @overload  # type: ignore[override]
    def pages(
        self, {study}, *, raw: Literal[False] = False, **options: Unpack[{one}PageOptions]
    ) -> AsyncRowPages[{model}]: ...
    @overload
    def pages(
        self, {study}, *, raw: Literal[True], **options: Unpack[{one}PageOptions]
    ) -> AsyncRowPages[RawRow]: ...
    async def count(  # type: ignore[override]
        self, {study}, **options: Unpack[{one}CountOptions]
    ) -> int: ...
"""


def lists() -> list[dict[str, Any]]:
    """Facts of every list of the generated client, asked in the generator's own environment."""
    python = regenerate.tools() / ("python.exe" if os.name == "nt" else "python")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "generated")}
    done = subprocess.run([python, "-c", ASK], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def snake(name: str) -> str:
    """snake_case of a parameter's name, as the SDK takes it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def sources() -> dict[Path, str]:
    """The module and its stub, with their blocking halves, not yet formatted."""
    facts = lists()
    models = ", ".join(sorted(one["model"] for one in facts))
    module, stub, options = [HEAD.format(models=models)], [], [STUB_HEAD.format(models=models)]
    for one in facts:
        fields = {}
        if "filter" in one["parameters"]:
            fields = dict.fromkeys([*one["fields"], *map(snake, one["further"])], "Filter")
        fields.pop("study_key", None)  # the first argument
        for parameter in one["parameters"]:
            if parameter not in COMMON:
                fields[snake(parameter)] = "bool" if parameter.startswith("include") else "str | Condition | None"
        names = {
            "one": one["model"], "model": one["model"], "words": one["tag"].replace("_", " "), "name": one["name"],
            "study": "study_key: str | None = None" if one["study"] else "study_key: Filter = None",
            "many": "".join(part.title() for part in one["tag"].split("_")),
            "fields": "\n".join(f"    {name}: {kind}" for name, kind in fields.items()) or "    pass",
        }  # fmt: skip
        module.append(LIST.format(**names))
        options.append(STUB_OPTIONS.format(**names))
        stub.append(STUB_LIST.format(**names))
    return {TARGET: twin_of("".join(module) + MARK), STUB: twin_of("".join([*options, *stub]) + MARK)}


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when the file is stale")
    check = parser.parse_args().check
    stale = []
    for path, text in sources().items():
        text = formatted(path, text)
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(ROOT).as_posix())
            if not check:
                path.write_text(text, "utf-8")
    for name in stale:
        print(f"{'stale' if check else 'wrote'}: {name}")
    if check:
        print("typed lists are out of date: run `nox -s generate`" if stale else "typed lists are up to date")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
