"""The description makes the client: a changed description makes a changed client, typed, and twice the same."""

from __future__ import annotations

import copy
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REGENERATE = ROOT / "scripts" / "regenerate.py"


def regenerate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(REGENERATE), *words], capture_output=True, text=True, check=False)


def loaded(folder: Path, module: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of a client generated into `folder`, in place of the installed one."""
    for name in [name for name in sys.modules if name.split(".")[0] == "imednet_api"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))
    found = importlib.import_module(module)
    assert found.__file__ is not None
    assert Path(found.__file__).is_relative_to(folder)
    return found


@pytest.mark.parametrize("script", ["resource_code.py", "blocking_twin.py"])
def test_what_is_made_of_the_client_is_up_to_date(script: str) -> None:
    """Typed filters, attributes of SDKs and the blocking half are what their sources make."""
    command = [sys.executable, str(ROOT / "scripts" / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_client_is_up_to_date() -> None:
    done = regenerate("--check")
    assert (done.returncode, done.stdout) == (0, "generated code is up to date\n")


def test_a_new_field_and_a_new_operation_are_there_and_typed(
    spec: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = copy.deepcopy(spec)
    changed["components"]["schemas"]["Site"]["properties"]["siteTimeZone"] = {
        "type": ["string", "null"], "description": "Time zone of the site.",
    }  # fmt: skip
    listing = copy.deepcopy(changed["paths"]["/api/v1/edc/studies/{studyKey}/sites"]["get"])
    listing |= {"operationId": "listDepots", "tags": ["depots"]}
    changed["paths"]["/api/v1/edc/studies/{studyKey}/depots"] = {"get": listing}
    description = tmp_path / "imednet.yaml"
    description.write_text(yaml.safe_dump(changed, sort_keys=False), "utf-8")
    done = regenerate("--spec", str(description), "--target", str(tmp_path / "imednet_api"))
    assert done.returncode == 0, done.stderr
    models = loaded(tmp_path, "imednet_api.models", monkeypatch)
    site = models.Site.from_dict({"siteId": 1, "siteTimeZone": "Europe/Vienna"})
    assert site.site_time_zone == "Europe/Vienna"
    assert models.Site.__annotations__["site_time_zone"] == "str | None"
    api = importlib.import_module("imednet_api.api")
    depots = api.operation("list_depots")
    assert (depots.path, depots.page.items) == ("/api/v1/edc/studies/{study_key}/depots", "Site")
    assert "size" in depots.query_parameters
    stale = regenerate("--check", "--spec", str(description))
    assert stale.returncode == 1
    assert "stale: models/site.py" in stale.stdout
    assert "stale: api/depots/list_depots.py" in stale.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("x-imednet-page: {", "x-imednet-page: {bogus: 1, "), "unknown_fact_in_x_imednet_page"),
        (("operationId: getThing", "operationId: list_things"), "clash"),
        (("    Nothing:", "    OTHER:"), "clash"),
        (("        str: {type: string}", "        rest: {}\n        rest_: {}"), "one attribute"),
    ],
)  # fmt: skip
def test_a_description_that_cannot_be_kept_whole_changes_nothing(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    """A clash of names or an unknown fact is an error of the generator, never a client that lacks something."""
    assert change[0] in TORTURE
    description = tmp_path / "torture.yaml"
    description.write_text(TORTURE.replace(*change), "utf-8")
    done = regenerate("--spec", str(description), "--target", str(tmp_path / "imednet_api"))
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "imednet_api").exists()


def test_a_folder_that_was_not_generated_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = regenerate("--target", str(tmp_path))
    assert (done.returncode, (tmp_path / "mine").read_text()) == (1, "mine")


TORTURE = """
openapi: 3.1.0
info: {title: Torture, version: '9'}
paths:
  /things/{class}:
    get:
      operationId: listThings
      tags: [things]
      parameters:
        - {name: class, in: path, required: true, schema: {type: string}}
        - {name: filter, in: query, schema: {type: string}}
        - {name: from, in: query, schema: {type: array, items: {type: integer}}}
      responses:
        '200':
          description: ok
          x-imednet-page: {items: Thing, max-size: 5, default-sort: [id], key: [id]}
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
  /thing:
    get:
      operationId: getThing
      tags: [other]
      responses:
        '204': {description: nothing}
components:
  schemas:
    Thing:
      type: object
      description: "Has \\"quotes\\", a \\\\ and a long, long, long, long, long, long, long, long, long text."
      x-imednet-shown: [id]
      properties:
        id: {type: integer}
        class: {type: [string, 'null']}
        type: {type: string}
        property: {type: string}
        fooBar: {type: number}
        foo_bar: {type: boolean}
        toDict: {type: string}
        parent: {oneOf: [{$ref: '#/components/schemas/Thing'}, {type: 'null'}]}
        children: {type: [array, 'null'], items: {$ref: '#/components/schemas/Thing'}}
        matrix: {type: array, items: {type: array, items: {type: integer}}}
        grid: {type: array, items: {type: array, items: {$ref: '#/components/schemas/Other'}}}
        oneOrMany:
          oneOf:
            - $ref: '#/components/schemas/Other'
            - {type: array, items: {$ref: '#/components/schemas/Other'}}
        someOf: {oneOf: [{$ref: '#/components/schemas/Thing'}, {$ref: '#/components/schemas/Other'}]}
        str: {type: string}
        read: {type: string}
        either: {oneOf: [{type: string}, {type: integer}, {type: 'null'}]}
        anything: {}
        "with-dash and blank": {type: string}
        "1st": {type: string}
    Other:
      type: object
      description: 'Ends with a "quote"'
      x-imednet-shown: [a]
      properties: {a: {type: string}}
    Any:
      type: object
      x-imednet-shown: []
      properties: {rest: {type: string}}
    Nothing:
      type: object
      x-imednet-shown: []
"""


def test_the_templates_survive_a_hard_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reserved words, clashes, recursion, unions, nulls: names stay near the API's, and nothing is lost."""
    description = tmp_path / "torture.yaml"
    description.write_text(TORTURE, "utf-8")
    done = regenerate("--spec", str(description), "--target", str(tmp_path / "imednet_api"))
    assert done.returncode == 0, done.stderr
    models = loaded(tmp_path, "imednet_api.models", monkeypatch)
    data = {
        "id": 1, "class": None, "type": "t", "property": "p", "fooBar": 1.5, "foo_bar": True, "toDict": "x",
        "parent": {"id": 2, "parent": None, "extra": 1}, "children": [{"id": 3}, None, 7], "matrix": [[1], [2, 3]],
        "grid": [[{"a": "x"}], 3], "oneOrMany": [{"a": "y"}], "someOf": {"a": "z"}, "str": "s", "read": "r",
        "either": 5, "anything": {"a": [1]}, "with-dash and blank": "d", "1st": "f", "unknown": 0,
    }  # fmt: skip
    thing = models.Thing.from_dict(data)
    assert thing.to_dict() == data
    assert (thing.class_, thing.type, thing.property, thing.to_dict_) == (None, "t", "p", "x")
    assert {thing.FIELDS["fooBar"], thing.FIELDS["foo_bar"]} == {"fooBar", "foo_bar"}
    assert isinstance(thing.parent, models.Thing)
    assert [type(child) for child in thing.children] == [models.Thing, type(None), int]
    assert repr(thing) == "Thing(id=1)"
    assert models.Thing.__annotations__["matrix"] == "list[list[int]] | None"
    assert models.Thing.__annotations__["either"] == "str | int | None"
    assert isinstance(thing.grid[0][0], models.Other)
    assert isinstance(thing.one_or_many[0], models.Other)
    assert isinstance(models.Thing.from_dict({"oneOrMany": {"a": "y"}}).one_or_many, models.Other)
    assert (thing.some_of, models.Thing.__annotations__["some_of"]) == ({"a": "z"}, "_Any")
    assert models.Any.from_dict({"rest": "x"}).rest_ == "x"
    assert models.Nothing.from_dict({"x": 1}).to_dict() == {"x": 1}
    operation = importlib.import_module("imednet_api.api").operation("list_things")
    request = operation.request(path={"class_": "a b"}, query=[("filter", "x==1"), ("from", [1, 2])])
    assert request.path == "/things/a%20b"
    assert request.query == (("filter", "x==1"), ("from", "1"), ("from", "2"))
    for empty in ("", None, " ", ".."):
        with pytest.raises(ValueError, match="empty or is a relative path"):
            operation.request(path={"class_": empty})
    assert operation.answer == "Thing"
