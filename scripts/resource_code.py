"""Write what follows from the table of resources and from the description, or check that it is up to date.

- `endpoints/lists/typed.py` and its stub: the lists, with their filters as typed keywords;
- `endpoints/__init__.py`: the names of all endpoints;
- `resource_attributes.py`: the attributes of an SDK, and `sdk.get_sites(...)` beside `sdk.sites.list(...)`;
- `sandbox/study/described_lists.json`: example rows of lists that the sandbox does not invent.

Run by `nox -s generate`, after the client itself.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import regenerate
from blocking_twin import MARK, formatted, twin_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "imednet"
LISTS = PACKAGE / "endpoints" / "lists" / "typed.py"
ENDPOINTS = PACKAGE / "endpoints" / "__init__.py"
ATTRIBUTES = PACKAGE / "resource_attributes.py"
DESCRIBED = PACKAGE / "sandbox" / "study" / "described_lists.json"
RESOURCES: dict[str, Any] = runpy.run_path(str(PACKAGE / "resources.py"))["RESOURCES"]
"""Run as a file: importing the package needs what is made here."""
COMMON = ("page", "size", "sort", "filter")

ASK = """
import json, sys
from imednet_api.api import operations
from imednet.sandbox.study.tables import INVENTED
from ruamel.yaml import YAML  # the generator's own
with open(sys.argv[1], encoding="utf-8") as file:
    spec = YAML(typ="safe").load(file)

def example_rows(path):
    for described, methods in spec["paths"].items():
        if described.rpartition("/")[2] == path.rpartition("/")[2]:
            (media,) = methods["get"]["responses"]["200"]["content"].values()
            name = next(iter(media["examples"]))
            return spec["components"]["examples"][name]["value"]["data"]
    return []

print(json.dumps([
    {
        "tag": found.tag,
        "name": found.name,
        "model": found.item.__name__,
        "fields": list(found.item.FIELDS.values()),
        "further": list(found.page.filterable),
        "parameters": list(found.query_parameters),
        "study": bool(found.path_parameters),
        "key": list(found.page.key),
        "wire": list(found.item.FIELDS),
        "path": found.path.rpartition("/")[2],
        "rows": [] if found.path.rpartition("/")[2] in INVENTED else example_rows(found.path),
        "invented": found.path.rpartition("/")[2] in INVENTED,
    }
    for found in operations().values() if found.page is not None
]))
"""

HEAD = '''# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
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

STUB_HEAD = """# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
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


ENDPOINTS_HEAD = '''# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
"""One small class a resource; `lists` holds what they share."""

from .lists.async_base import AsyncGenericListGetEndpoint
from .lists.base import GenericListGetEndpoint
from .lists.shared import GenericEndpoint
from .rows import RowPage, Rows
'''
OTHER_NAMES = ("AsyncGenericListGetEndpoint", "GenericListGetEndpoint", "GenericEndpoint", "RowPage", "Rows")

ATTRIBUTES_HEAD = '''# Written by scripts/resource_code.py. Do not edit: run `nox -s generate`.
"""Attributes of an SDK, one a resource, and `sdk.get_sites(...)` beside `sdk.sites.list(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Unpack

if TYPE_CHECKING:
    from imednet_api.models import {models}

    from .endpoints import {endpoints}
    from .endpoints.lists.typed import {options}
'''

ATTRIBUTES_CLASSES = '''

class {half}ResourceAttributes:
    """Attributes of {kind} SDK; each endpoint is made when it is used first."""

{attributes}


class {half}SDKProtocol(Protocol):
    """What the conveniences of {kind} SDK need."""

{attributes}
'''

LISTS_HEAD = '''

class ResourceLists:
    """A method for each list, blocking and asynchronous."""
'''

LIST_METHODS = '''
    def get_{name}(self: SDKProtocol, {study}**filters: Unpack[{model}ListOptions]) -> Rows[{model}]:
        """List {words}."""
        return self.{name}.list({given}**filters)

    async def async_get_{name}(
        self: AsyncSDKProtocol, {study}**filters: Unpack[{model}ListOptions]
    ) -> Rows[{model}]:
        """List {words}."""
        return await self.{name}.list({given}**filters)
'''


def lists() -> list[dict[str, Any]]:
    """Facts of every list of the generated client, asked in the generator's own environment."""
    python = regenerate.tools() / ("python.exe" if os.name == "nt" else "python")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "generated"), str(ROOT / "src")])}
    done = subprocess.run(
        [python, "-c", ASK, str(regenerate.SPEC)], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def snake(name: str) -> str:
    """snake_case of a parameter's name, as the SDK takes it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def endpoints() -> str:
    """The package of endpoints, which names all of them."""
    names = {resource.name: (resource.endpoint, f"Async{resource.endpoint}") for resource in RESOURCES.values()}
    lines = [f"from .{name} import {', '.join(classes)}" for name, classes in names.items()]
    every = [*OTHER_NAMES, *(cls for classes in names.values() for cls in classes)]
    return f"{ENDPOINTS_HEAD}{chr(10).join(lines)}\n\n__all__ = {json.dumps(sorted(every))}\n"


def attributes(facts: list[dict[str, Any]]) -> str:
    """Attributes of SDKs, protocols of them, and the flat methods."""
    described = {one["tag"]: one for one in facts}
    imports = ["Rows", *(f"{half}{resource.endpoint}" for resource in RESOURCES.values() for half in ("", "Async"))]
    listed = [resource for resource in RESOURCES.values() if resource.listed]
    if missing := [resource.name for resource in listed if resource.name not in described]:
        sys.exit(f"the description has no list {missing[0]!r}: add list of {missing[0]} to openapi/imednet.yaml")
    models = sorted(described[resource.name]["model"] for resource in listed)
    options = [f"{model}ListOptions" for model in models]
    text = ATTRIBUTES_HEAD.format(
        models=", ".join(models), endpoints=", ".join(sorted(imports)), options=", ".join(options)
    )
    for half in ("", "Async"):
        lines = "\n".join(f"    {name}: {half}{resource.endpoint}" for name, resource in sorted(RESOURCES.items()))
        text += ATTRIBUTES_CLASSES.format(half=half, kind="an asynchronous" if half else "a blocking", attributes=lines)
    text += LISTS_HEAD
    for resource in listed:
        fact = described[resource.name]
        with_study = fact["study"]
        names = {
            "name": resource.name, "words": resource.words, "model": fact["model"],
            "study": "study_key: str | None = None, " if with_study else "",
            "given": "study_key, " if with_study else "",
        }  # fmt: skip
        text += LIST_METHODS.format(**names)
    return text


def described_lists(facts: list[dict[str, Any]]) -> str:
    """Example rows of lists that the sandbox does not invent."""
    found = {
        one["path"]: {"key": one["key"], "fields": one["wire"], "rows": one["rows"]}
        for one in facts
        if not one["invented"]
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def sources() -> dict[Path, str]:
    """Every file that is made -> what must stand in it, not yet formatted."""
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
    return {
        LISTS: twin_of("".join(module) + MARK),
        LISTS.with_suffix(".pyi"): twin_of("".join([*options, *stub]) + MARK),
        ENDPOINTS: endpoints(),
        ATTRIBUTES: attributes(facts),
        DESCRIBED: described_lists(facts),
    }


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when the file is stale")
    check = parser.parse_args().check
    stale = []
    for path, text in sources().items():
        text = formatted(path, text) if path.suffix != ".json" else text
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(ROOT).as_posix())
            if not check:
                path.write_text(text, "utf-8")
    for name in stale:
        print(f"{'stale' if check else 'wrote'}: {name}")
    if check:
        print("code of resources is out of date: run `nox -s generate`" if stale else "code of resources is up to date")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
