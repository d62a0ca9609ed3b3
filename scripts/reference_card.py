"""Make docs/reference-card.md: every call on one page, short enough for an assistant's context; `--check` compares.

Names, parameters and first lines come from the code, so that none of them can be wrong; the examples are run by a test.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

import imednet.integrations as integrations
from imednet import errors
from imednet.cli.app import app
from imednet.integrations.tables.options import ExportOptions
from imednet.mirror import Mirror
from imednet.resources import RESOURCES
from imednet.workflows.namespace import Workflows
from imednet_api.api import operation

ROOT = Path(__file__).resolve().parent.parent
CARD = ROOT / "docs" / "reference-card.md"

EXAMPLES = {
    "Connect": '''
from imednet import ImednetSDK

sdk = ImednetSDK()  # keys: IMEDNET_API_KEY, IMEDNET_SECURITY_KEY; or ImednetSDK("api key", "security key")
print([study.study_key for study in sdk.studies.list()])
''',
    "Read": '''
rows = sdk.records.list("TIDEWATER-201", form_key="AE", site_id=301)  # a list; rows.proof.status == "proven"
first = rows[0]
print(first.record_id, first.record_data["AETERM"], first.to_dict()["recordId"])
for row in sdk.records.iter("TIDEWATER-201", form_key="VS"):  # one at a time, little memory
    pass
print(sdk.records.count("TIDEWATER-201"), sdk.subjects.get("TIDEWATER-201", 20001).subject_key)
raw = sdk.sites.list("TIDEWATER-201", raw=True)  # dictionaries, as the server sent them
''',
    "Filter": '''
from datetime import UTC, datetime
from imednet import F

since = datetime(2026, 9, 1, tzinfo=UTC)
sdk.records.list("TIDEWATER-201", date_modified=(">=", since))
sdk.records.list("TIDEWATER-201", record_id={">": 5000100, "<=": 5000200}, deleted=False)
sdk.records.list("TIDEWATER-201", filter=(F("formKey") == "AE") & (F("siteId") >= 302))
sdk.records.list("TIDEWATER-201", filter="formKey==AE;siteId==301", sort="dateModified,desc")
sdk.records.list("TIDEWATER-201", record_data_filter="AESER==Yes")
''',
    "Write": '''
item = {"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": 9, "AETERM": "Cough"}}
write = sdk.workflows.record_update
print(write.plan("TIDEWATER-201-DEV", [item]).bodies)  # sends nothing
report = write.submit("TIDEWATER-201-DEV", [item], journal="run.jsonl")  # sent once, waited for, read back
print(report.complete, [(one.state, one.record_id, one.detail) for one in report.outcomes])
''',
    "Export": '''
from imednet.integrations import export_to_csv, study_frames

report = export_to_csv(sdk, "TIDEWATER-201", "out", forms=["AE", "VS"])
frames = study_frames(sdk, "TIDEWATER-201", forms=["VS"])
print(report.rows, frames["VS"]["SYSBP1"].mean())
''',
    "Asynchronous": '''
import asyncio
from imednet import AsyncImednetSDK


async def main() -> int:
    async with AsyncImednetSDK() as sdk:
        rows = await sdk.subjects.list("TIDEWATER-201")
        async for row in sdk.records.iter("TIDEWATER-201", form_key="AE"):
            pass
        await sdk.workflows.query_management.ageing("TIDEWATER-201")
        return len(rows)


print(asyncio.run(main()))
''',
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the card is not what the code makes")
    options = parser.parse_args()
    text = card()
    if options.check:
        if not CARD.exists() or CARD.read_text("utf-8") != text:
            sys.exit("docs/reference-card.md is stale: run python scripts/reference_card.py")
        return
    CARD.write_text(text, "utf-8")


def card() -> str:
    """The whole page."""
    parts = [
        "# Reference card",
        "",
        "Made by `scripts/reference_card.py`. Every name exists, every example runs on the sandbox. Keywords that do",
        "not exist are errors that name the nearest one. A failure is an exception, never an empty list.",
        "",
    ]
    for title in ("Connect", "Read", "Filter"):
        parts += _example(title)
    parts += [
        "`sdk.RESOURCE.METHOD(study_key, ...)`; `studies` take no study. Methods: `list`, `iter`, `pages`, `count`,",
        "`get(study, id)`, `newest`; `records.create`, `jobs.get(study, batch_id)`, `sdk.poll_job(study, batch_id)`.",
        "Options: `filter`, `page_size`, `sort`, `consistency`, `raw`, `refresh`, `timeout`, `retries`. Any field of a",
        "row is a filter keyword.",
        "",
        "| resource | fields of a row |",
        "|---|---|",
        *_resources(),
        "",
    ]
    parts += _example("Write")
    parts += ["Workflows, also `await`ed on `AsyncImednetSDK`:", "", *_workflows(), ""]
    parts += _example("Export")
    parts += ["Functions of `imednet.integrations`; `**options` are those of `ExportOptions`:", "", *_exports(), ""]
    parts += ["## Mirror", "", *_mirror(), ""]
    parts += _example("Asynchronous")
    parts += ["## Errors", "", *_errors(), "", "## Commands", "", *_commands(), ""]
    return "\n".join(parts)


def _example(title: str) -> list[str]:
    return [f"## {title}", "", "```python", EXAMPLES[title].strip(), "```", ""]


def _resources() -> Iterator[str]:
    for name, resource in RESOURCES.items():
        if resource.listed:
            fields = ", ".join(operation(f"list_{name}").item.FIELDS.values())
            yield f"| `{name}` | {fields} |"


def _workflows() -> Iterator[str]:
    sdk: Any = object()
    for name in Workflows(sdk).names():
        workflow = getattr(Workflows(sdk), name)
        for method, value in vars(type(workflow)).items():
            if not method.startswith("_") and callable(value):
                yield f"- `{name}.{method}({_parameters(value, skip=1)})`: {_first_line(value)}"


def _exports() -> Iterator[str]:
    for name in sorted(integrations.__all__):
        value = getattr(integrations, name)
        if inspect.isfunction(value) and value.__name__ != name:
            yield f"- `{name}`: another name of `{value.__name__}`"
        elif inspect.isfunction(value):
            yield f"- `{name}({_parameters(value)})`: {_first_line(value)}"
    fields = ", ".join(f"`{field}`" for field in ExportOptions.__dataclass_fields__)
    yield f"- options: {fields}"


def _mirror() -> Iterator[str]:
    yield "`Mirror(folder)` of `imednet.mirror`; `as_of` is a number, a day or a time."
    yield ""
    for method, value in vars(Mirror).items():
        if not method.startswith("_") and inspect.isfunction(value):
            yield f"- `{method}({_parameters(value, skip=1)})`: {_first_line(value)}"


def _errors() -> Iterator[str]:
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, errors.ImednetError) and value.__module__ == "imednet.errors":
            parents = ", ".join(one.__name__ for one in value.__bases__)
            yield f"- `{name}({parents})`: {_first_line(value)}"


def _commands() -> Iterator[str]:
    yield (
        "Global: `--sandbox` (invented, no keys), `--mirror DIR`, `--base-url`, `--api-key-file`, "
        "`--security-key-file`."
    )
    yield ""
    group = typer.main.get_command(app)
    lists, tables = [], []
    for words, command in _walk(group, ()):
        if words[-1] == "list" and words[0].replace("-", "_") in RESOURCES:
            lists.append(words[0])
            continue
        if words[0] == "monitor":
            tables.append(words[1])
            continue
        if words[:2] == ("mirror", "export"):
            if words[2] == "parquet":
                yield "- `imednet mirror export DIR FORMAT TARGET --as-of SNAPSHOT`: As `imednet export`, of a mirror."
            continue
        arguments = " ".join(
            (one.metavar or one.name or "").upper() for one in command.params if one.param_type_name == "argument"
        )
        line = (command.help or "").strip().split("\n")[0]
        yield f"- `imednet {' '.join([*words, arguments]).strip()}`: {line}"
    yield f"- `imednet monitor TABLE STUDY`, the tables of `monitoring` above: {', '.join(tables)}"
    yield f"- `imednet RESOURCE list STUDY`: {', '.join(lists)}"


def _walk(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from _walk(command, (*words, name))
        else:
            yield (*words, name), command


def _parameters(value: Any, skip: int = 0) -> str:
    """Names and defaults, without types."""
    found = []
    star = False
    for one in list(inspect.signature(value).parameters.values())[skip:]:
        if one.kind is one.KEYWORD_ONLY and not star:
            found.append("*")
            star = True
        prefix = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        default = "" if one.default is one.empty else f"={one.default!r}"
        found.append(f"{prefix}{one.name}{default}")
    return ", ".join(found)


def _first_line(value: Any) -> str:
    return (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    main()
