"""Every example of the description fits its schema, and is read by its model with nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from imednet_api import models
from imednet_api.api import operations
from support import validator


def example_uses(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name of each example, and the schema it stands for."""
    for path in spec["paths"].values():
        for operation in path.values():
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            for response in operation["responses"].values():
                name = response.get("$ref", "").rpartition("/")[2]
                bodies.append(spec["components"]["responses"][name] if name else response)
            for body in bodies:
                media = body["content"]["application/json"]
                for name in media["examples"]:
                    yield name, media["schema"]["$ref"]


def test_every_example_is_used_and_fits_its_schema(spec: dict[str, Any]) -> None:
    """No request or answer without an example, no example that stands for nothing or breaks its schema."""
    used = set(example_uses(spec))
    assert {name for name, _ in used} == set(spec["components"]["examples"])
    for name, ref in used:
        value = spec["components"]["examples"][name]["value"]
        assert not list(validator(spec, ref).iter_errors(value)), name


def test_every_answer_is_read_with_no_field_lost(spec: dict[str, Any]) -> None:
    """`to_dict` of what was read equals the JSON as the standard library parses it."""
    read = 0
    for name, ref in set(example_uses(spec)):
        value = json.loads(json.dumps(spec["components"]["examples"][name]["value"]))
        model = {"JobOrList": "Job"}.get(ref.rpartition("/")[2], ref.rpartition("/")[2])
        if model == "RecordInputList":
            continue
        for one in value if isinstance(value, list) else [value]:
            assert getattr(models, model).from_dict(one).to_dict() == one, name
            read += 1
    assert read >= 37


@pytest.mark.parametrize(
    ("example", "model"),
    [
        ("RecordsPostRegisterSubjectRequest", "SubjectRegistration"),
        ("RecordsPostFieldTypesRequest", "SubjectRegistration"),
        ("RecordsPostUpdateScheduledRequest", "ScheduledRecordUpdate"),
        ("RecordsPostCreateNewRequest", "NewRecord"),
        ("RecordsPostUpdateExistingRequest", "RecordUpdate"),
    ],
)
def test_every_request_is_written_as_its_example(spec: dict[str, Any], example: str, model: str) -> None:
    """A request model sends what was given and nothing else: no null for what was not given."""
    (item,) = spec["components"]["examples"][example]["value"]
    assert getattr(models, model).from_dict(item).to_dict() == item


def test_all_operations_of_the_description_are_generated(spec: dict[str, Any]) -> None:
    """The registry holds all operations with their facts; nothing was dropped on the way."""
    found = operations()
    described = {
        (method.upper(), path): operation
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    }
    assert len(found) == len(described)
    for operation in found.values():
        path = operation.path.replace("study_key", "studyKey").replace("batch_id", "batchId")
        wanted = described.pop((operation.method, path))
        assert operation.success == tuple(sorted(int(code) for code in wanted["responses"] if code.startswith("2")))
        page = wanted["responses"]["200"].get("x-imednet-page")
        if page is None:
            assert operation.page is None
        else:
            assert operation.page is not None
            assert (operation.page.items, list(operation.page.key)) == (page["items"], page["key"])
            assert operation.page.max_size == 500
    assert not described
