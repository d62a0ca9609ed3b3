"""Write the skeleton of a new list resource: description, endpoint, table of resources, and what is made of them.

    nox -s new-resource -- devices /devices deviceId --number --dates --field deviceModel --field serialNumber

adds a list `/api/v1/edc/studies/{studyKey}/devices` whose rows are told apart by `deviceId`, with one example row. Say
`--number` only where the API says that these numbers only grow. Then fill in what only you know: descriptions, types
and example values in `openapi/imednet.yaml`; run `nox -s generate`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "openapi" / "imednet.yaml"
PACKAGE = ROOT / "src" / "imednet"

PATH = """  /api/v1/edc/studies/{{studyKey}}{path}:
    get:
      operationId: list{Many}
      tags: [{tag}]
      summary: List the {words} of a study.
      description: List the {words} of a study. Answers come in pages, see the page parameters.
      parameters:
        - $ref: '#/components/parameters/studyKey'
        - $ref: '#/components/parameters/page'
        - $ref: '#/components/parameters/size'
        - $ref: '#/components/parameters/sort'
        - $ref: '#/components/parameters/filter'
      responses:
        '200':
          description: One page of {words}.
          x-imednet-page:
            items: {One}
            max-size: 500
            default-sort: [{key}]
            key: [{key}]
{number}          content:
            application/json:
              schema:
                $ref: '#/components/schemas/{One}Page'
              examples:
                {Many}List:
                  $ref: '#/components/examples/{Many}List'
        '400':
          $ref: '#/components/responses/BadRequest'
        '401':
          $ref: '#/components/responses/Unauthorized'
        '403':
          $ref: '#/components/responses/Forbidden'
        '404':
          $ref: '#/components/responses/NotFound'
        '429':
          $ref: '#/components/responses/TooManyRequests'
        '500':
          $ref: '#/components/responses/ServerError'
        default:
          $ref: '#/components/responses/UnexpectedError'
"""

SCHEMAS = """    {One}:
      type: object
      description: One of the {words}.
      x-imednet-shown: [studyKey, {key}]
      required: [{key}]
      properties:
        studyKey:
          type: [string, 'null']
          description: Key of the study.
        {key}:
          type: {kind}
          description: Tells rows apart.
{fields}    {One}Page:
      description: One page of {words}.
      x-imednet-shown: []
      allOf:
        - $ref: '#/components/schemas/ListEnvelope'
        - type: object
          required: [data]
          properties:
            data:
              type: array
              description: The {words}.
              items:
                $ref: '#/components/schemas/{One}'
"""

FIELD = """        {name}:
          type: [string, 'null']
          description: The {words}.
"""

DATES = """        dateCreated:
          type: [string, 'null']
          description: When it was made, UTC.
          x-imednet-type: timestamp
        dateModified:
          type: [string, 'null']
          description: When it was changed last, UTC.
          x-imednet-type: timestamp
"""
EXAMPLE_DATES = ', "dateCreated": "2024-02-01 09:30:00", "dateModified": "2024-02-01 09:30:00"'

EXAMPLE = """    {Many}List:
      summary: One row
      value:
        metadata: {{"status": "OK", "method": "GET", "path": "/api/v1/edc/studies/TIDEWATER-201{path}", "timestamp": "2026-03-02 14:05:31", "error": {{}}}}
        pagination: {{"currentPage": 0, "size": 25, "totalPages": 1, "totalElements": 1, "sort": [{{"property": "{key}", "direction": "ASC"}}]}}
        data:
          - {{"studyKey": "TIDEWATER-201", "{key}": {first}{values}}}
"""  # noqa: E501  (as the description writes examples)

ENDPOINT = '''"""{Words} of a study."""

from .lists.typed import AsyncTyped{Attr}, Typed{Attr}


class Async{Attr}Endpoint(AsyncTyped{Attr}):
    """{Words} of a study."""


# ---- blocking twin: written by scripts/blocking_twin.py, do not edit below
'''


def words_of(name: str) -> str:
    """`deviceModels` or `device_models` as people write it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).lower()


def singular(name: str) -> str:
    """`Deviations` -> `Deviation`, `Policies` -> `Policy`."""
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def insert(text: str, before: str, block: str) -> str:
    """A text with a block before a line that is there once."""
    if text.count(f"\n{before}") != 1:
        sys.exit(f"{SPEC.name} has no single line {before.strip()!r} to write before; add the resource by hand")
    return text.replace(f"\n{before}", f"\n{block}{before}")


def main() -> None:
    """Write the skeleton and everything that is made of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="attribute of the SDK, in snake_case, such as devices or site_visits")
    parser.add_argument("path", help="path below a study, such as /devices")
    parser.add_argument("key", help="field that tells rows apart, as the API spells it, such as deviceId")
    parser.add_argument("--field", action="append", default=[], help="a further field; may be repeated")
    parser.add_argument("--number", action="store_true", help="the key is a number that only grows")
    parser.add_argument("--dates", action="store_true", help="rows have dateCreated and dateModified")
    options = parser.parse_args()
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", options.name) or not options.path.startswith("/"):
        parser.error("the name must be snake_case, and the path begin with /")
    attribute = "".join(part.title() for part in options.name.split("_"))
    names = {
        "path": options.path, "key": options.key, "Many": attribute, "One": singular(attribute), "Attr": attribute,
        "tag": attribute[0].lower() + attribute[1:], "words": words_of(options.name),
        "Words": words_of(options.name).capitalize(),
        "number": f"            number: {options.key}\n" if options.number else "",
        "kind": "integer" if options.number else "string", "first": "1" if options.number else '"A"',
        "fields": "".join(FIELD.format(name=field, words=words_of(field)) for field in options.field)
        + (DATES if options.dates else ""),
        "values": "".join(f', "{field}": "{words_of(field)}"' for field in options.field)
        + (EXAMPLE_DATES if options.dates else ""),
    }  # fmt: skip
    text = SPEC.read_text("utf-8")
    if f"operationId: list{attribute}\n" in text:
        sys.exit(f"{SPEC.name} has a list {options.name} already")
    text = insert(text, "paths:\n", f"  - name: {names['tag']}\n    description: {names['Words']} of the study.\n")
    text = insert(text, "components:\n", PATH.format(**names))
    text = insert(text, "  examples:\n", SCHEMAS.format(**names))
    text = insert(text, "    CodingsList:\n", EXAMPLE.format(**names))
    SPEC.write_text(text, "utf-8")
    (PACKAGE / "endpoints" / f"{options.name}.py").write_text(ENDPOINT.format(**names), "utf-8")
    table = PACKAGE / "resources.py"
    line = f'        Resource("{options.name}"),\n'
    table.write_text(insert(table.read_text("utf-8"), '        Resource("jobs"', line), "utf-8")
    for script in ("regenerate.py", "resource_code.py", "blocking_twin.py"):
        subprocess.run([sys.executable, str(ROOT / "scripts" / script)], check=True)
    command = options.name.replace("_", "-")
    print(
        f"sdk.{options.name} is there, and `imednet --sandbox {command} list`. Next: "
        "fill in openapi/imednet.yaml, run nox -s generate, then python scripts/public_names.py and "
        "python scripts/reference_card.py"
    )


if __name__ == "__main__":
    main()
