"""What linters cannot see of the description: that its extensions speak of things that exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from imednet.resources import RESOURCES

METHODS = ("get", "post", "put", "patch", "delete")


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in spec["paths"].values():
        for method in METHODS:
            if method in path:
                yield method, path[method]


def properties(spec: dict[str, Any], name: str) -> dict[str, Any]:
    """Properties of a component, those of what it is combined of included."""
    schema = spec["components"]["schemas"][name]
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        found |= properties(spec, part["$ref"].rpartition("/")[2]) if "$ref" in part else part.get("properties", {})
    return found


def walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, (*path, str(key)))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from walk(value, (*path, str(number)))


def test_page_facts_name_fields_that_exist(spec: dict[str, Any]) -> None:
    lists = 0
    for _, operation in operations(spec):
        facts = operation["responses"]["200"].get("x-imednet-page")
        if facts is None:
            assert not operation["operationId"].startswith("list")
            continue
        lists += 1
        fields = properties(spec, facts["items"])
        for fact in ("default-sort", "key", "key-else", "walk"):
            assert set(facts.get(fact, [])) <= set(fields), operation["operationId"]
        if "number" in facts:
            kind = fields[facts["number"]]["type"]
            assert "integer" in kind
            assert facts["number"] == facts["key"][0]
        assert not set(facts.get("filterable", [])) & set(fields)
        page = spec["components"]["schemas"][f"{facts['items']}Page"]
        assert page["allOf"][1]["properties"]["data"]["items"]["$ref"].endswith(f"/{facts['items']}")
    assert lists == sum(resource.listed for resource in RESOURCES.values()), "src/imednet/resources.py lacks a list"


def test_extensions_of_components_name_properties_that_exist(spec: dict[str, Any]) -> None:
    known = {"x-imednet-shown", "x-imednet-undecoded", "x-imednet-role"}
    for name, schema in spec["components"]["schemas"].items():
        used = {key for key in schema if key.startswith("x-")}
        assert used <= known, name
        for extension in ("x-imednet-shown", "x-imednet-undecoded"):
            assert set(schema.get(extension, [])) <= set(properties(spec, name)), name
        if "properties" in schema or "allOf" in schema:
            assert "x-imednet-shown" in schema, name


def test_no_format_and_no_enum_stands_anywhere(spec: dict[str, Any]) -> None:
    """The server obeys neither; a schema keyword is meant, not a property of that name."""
    for path, node in walk({key: spec[key] for key in ("paths", "components")}):
        if "examples" in path or not isinstance(node, dict) or (path and path[-1] == "properties"):
            continue
        assert "format" not in node, path
        assert "enum" not in node, path


def test_every_failure_has_the_one_envelope(spec: dict[str, Any]) -> None:
    statuses = {"400", "401", "403", "404", "429", "500", "default"}
    for method, operation in operations(spec):
        assert set(operation["responses"]) == statuses | ({"200", "202"} if method == "post" else {"200"})
        for status in statuses:
            name = operation["responses"][status]["$ref"].rpartition("/")[2]
            schema = spec["components"]["responses"][name]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}


def test_every_body_is_a_request_so_that_not_given_is_not_null(spec: dict[str, Any]) -> None:
    """Each object that can be reached from a request body has the role that keeps «not given» apart from null."""
    schemas = spec["components"]["schemas"]
    reached: set[str] = set()
    todo = [operation["requestBody"] for _, operation in operations(spec) if "requestBody" in operation]
    while todo:
        for _, node in walk(todo.pop()):
            ref = node.get("$ref") if isinstance(node, dict) else None
            name = str(ref).rpartition("/")[2]
            if isinstance(ref, str) and "/schemas/" in ref and name not in reached:
                reached.add(name)
                todo.append(schemas[name])
    objects = {name for name in reached if schemas[name].get("type") == "object"}
    assert objects == {"SubjectRegistration", "ScheduledRecordUpdate", "NewRecord", "RecordUpdate", "RecordData"}
    assert {schemas[name]["x-imednet-role"] for name in objects} == {"request", "answers"}


@pytest.mark.parametrize("name", ["SubjectRegistration", "ScheduledRecordUpdate", "NewRecord", "RecordUpdate"])
def test_no_identifier_of_a_write_may_be_empty(spec: dict[str, Any], name: str) -> None:
    """The server takes an empty subject identifier for an update."""
    for field, schema in spec["components"]["schemas"][name]["properties"].items():
        if schema.get("type") == "string":
            assert schema["minLength"] == 1, field


def test_a_registration_has_no_subject(spec: dict[str, Any]) -> None:
    assert not [field for field in properties(spec, "SubjectRegistration") if field.startswith("subject")]
