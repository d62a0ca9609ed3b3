"""What the sandbox serves is what the description says, page by page."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from asking import Client
from imednet.sandbox import Sandbox
from imednet_api.api import operation
from support import LISTS, STUDY, validator


def fetch(box: Sandbox, target: str) -> dict[str, Any]:
    keys = {"x-api-key": box.credentials["api_key"], "x-imn-security-key": box.credentials["security_key"]}
    request = urllib.request.Request(box.url + target, headers={**keys, "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        body: dict[str, Any] = json.load(answer)
    return body


@pytest.mark.parametrize("attribute", ["studies", *LISTS])
def test_every_page_fits_the_description(box: Sandbox, spec: dict[str, Any], attribute: str) -> None:
    """All rows of all lists validate, and hold exactly the declared fields."""
    facts = operation(f"list_{attribute}")
    path = "/api/v1/edc/studies" + ("" if attribute == "studies" else f"/{STUDY}/{LISTS[attribute]}")
    check = validator(spec, f"#/components/schemas/{facts.answer}")
    number, pages = 0, 1
    while number < pages:
        page = fetch(box, f"{path}?size=500&page={number}")
        assert not list(check.iter_errors(page))
        assert all(list(row) == list(facts.item.FIELDS) for row in page["data"])
        pages, number = page["pagination"]["totalPages"], number + 1


@pytest.mark.parametrize(
    "options",
    [{"dialect": "live"}, {"switches": {"emptyStyle": "absent", "valueTypes": "typed", "recordDataCase": "lower"}},
     {"switches": {"emptyStyle": "empty", "roleDates": "mixed", "statusWords": "german", "timeline": "sample"}},
     {"profile": "wide"}, {"profile": "legacy"}, {"profile": "empty"}],
    ids=str,
)  # fmt: skip
def test_every_other_way_of_speaking_fits_too(options: dict[str, Any], spec: dict[str, Any]) -> None:
    """All rows of all lists validate, in the other dialects and in the profiles."""
    client = Client(Sandbox(**options))
    for attribute, name in LISTS.items():
        check = validator(spec, f"#/components/schemas/{operation(f'list_{attribute}').answer}")
        number, pages = 0, 1
        while number < pages:
            page = client.get(name, size=500, page=number)
            assert not [error.json_path for error in check.iter_errors(page)][:3], name
            pages, number = page["pagination"]["totalPages"], number + 1
