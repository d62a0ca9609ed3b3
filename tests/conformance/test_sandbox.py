"""The sandbox under schemathesis: requests made from the description, several thousand, and nothing out of line.

Run by `nox -s conformance`. Every request carries keys and `Content-Type`, as the description says it must. Filters,
sort keys and study keys come from the grammar and the study, since text made at random is refused before it is read;
every fourth request keeps what was made at random, and must then be refused in the documented way.

Checks in use: `not_a_server_error` (the one documented 500, a single study, is no operation of the description),
`status_code_conformance`, `content_type_conformance`, `response_headers_conformance`, `response_schema_conformance`,
`negative_data_rejection`, and three of our own: a request that is right in every part is answered with 200, a page
holds what its `pagination` says, and a refusal names the attribute that was wrong.

Checks left out, and why:

* `positive_data_acceptance`: the description cannot say which filters, study keys and answers are right; our own check
  takes its place for requests whose parts are.
* `ignored_auth`, `missing_required_header`: keys are sent by us, not declared as parameters; they are tested among the
  lists of the sandbox.
* `use_after_free`, `ensure_resource_availability`: nothing can be deleted, and a record exists only after its job.
* `unsupported_method`: the vendor documents no `Allow` header for 405.
* `max_response_time`: no test of ours is timed.
* `object_level_authorization`: the keys of the sandbox differ in what they see of a row, not in which rows.
* `allow_header_conformance`: see `unsupported_method`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import checks

from imednet.sandbox import Sandbox
from imednet.sandbox.study.tables import KEYS as IDENTITIES

MAIN, TWIN = "TIDEWATER-201", "TIDEWATER-201-DEV"
ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = int(os.environ.get("CONFORMANCE_EXAMPLES", "300"))
KEYS = {
    "x-api-key": "demo-api-key",
    "x-imn-security-key": "demo-security-key",
    "Accept": "application/json",
    "Content-Type": "application/json",
}
checks.load_all_checks()
CHECKS = checks.CHECKS.get_by_names(
    [
        "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
        "response_schema_conformance", "negative_data_rejection",
    ]
)  # fmt: skip
schema = schemathesis.openapi.from_path(ROOT / "openapi" / "imednet.yaml")
BOX = Sandbox(switches={"jobSeconds": "0"})
RIGHT: set[tuple[str, str]] = set()
"""Lists and the filters and sort keys that were made for them by the rules, so that they must be understood."""
COUNT = {"cases": 0, "right": 0, "refused": 0}


def list_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def quoted(value: Any) -> str:
    text = "true" if value is True else "false" if value is False else str(value)
    if any(letter in " \"'();,=<>!~\n\t" for letter in text) or not text:
        return f"'{text}'" if '"' in text else f'"{text}"'
    return text


@st.composite
def filters(draw: st.DrawFn, name: str) -> str:
    """An expression of the documented grammar over values of the study."""
    table = BOX.api._study_table if name == "studies" else BOX.studies[MAIN].table(name)
    attributes = sorted(table.scalars - {"deleted"})
    chosen = draw(st.lists(st.sampled_from(attributes), min_size=1, max_size=3, unique=True))
    text = ""
    for place, attribute in enumerate(chosen):
        row = table.row(draw(st.integers(0, min(20, len(table) - 1))))
        value = row[attribute]
        if attribute in ("dateCreated", "dateModified", "dateCoded"):
            value = str(value).replace(" ", "T") + draw(st.sampled_from(["Z", "+02:00", "-06:00"]))
        elif attribute in ("startDate", "endDate", "dueDate", "visitDate"):
            value = draw(st.dates()).isoformat()
        elif not isinstance(value, (int, str)) or "\n" in str(value) or ("'" in str(value) and '"' in str(value)):
            value = draw(st.one_of(st.integers(0, 10**7), st.text("abcXYZ0189é ", min_size=1, max_size=8)))
        connector = draw(st.sampled_from([";", ",", " and ", " or "])) if place else ""
        text += f"{connector}{attribute}{draw(st.sampled_from(['==', '!=', '<', '<=', '>', '>=']))}{quoted(value)}"
    RIGHT.add((name, text))
    return text


@st.composite
def answer_filters(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["AESER", "SYSBP1", "AETERM", "SEX", "FUCOM"]), min_size=1, max_size=3))
    connector = draw(st.sampled_from([";", ","]))
    values = st.text("abcYesNo0189", min_size=1, max_size=5)
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "=~"])
    text = connector.join(f"{name}{draw(operators)}{draw(values)}" for name in names)
    RIGHT.add(("records", text))
    return text


@st.composite
def sorts(draw: st.DrawFn, name: str) -> list[str]:
    table = BOX.api._study_table if name == "studies" else BOX.studies[MAIN].table(name)
    fields = draw(st.lists(st.sampled_from(sorted(table.scalars)), min_size=1, max_size=2, unique=True))
    found = [f"{field},{draw(st.sampled_from(['asc', 'desc', 'ASC', 'DESC']))}" for field in fields]
    RIGHT.update((name, text) for text in found)
    return found


@schema.hook
def flatmap_query(ctx: Any, query: dict[str, Any] | None) -> st.SearchStrategy[dict[str, Any] | None]:
    """Three of four requests get filters and sort keys that mean something."""
    if query is None or ctx.operation is None:
        return st.just(query)
    name = list_name(ctx.operation.path)
    parts = {key: st.just(value) for key, value in query.items()}
    makers = {"filter": filters(name), "recordDataFilter": answer_filters(), "sort": sorts(name)}
    made = {key: makers.get(key, value) for key, value in parts.items()}
    return st.one_of(*[st.fixed_dictionaries(made)] * 3, st.fixed_dictionaries(parts))


@schema.hook
def flatmap_path_parameters(ctx: Any, path_parameters: dict[str, Any] | None) -> st.SearchStrategy[Any]:
    if not path_parameters or ctx.operation is None:
        return st.just(path_parameters)
    key = TWIN if ctx.operation.method.upper() == "POST" else MAIN
    made = {**path_parameters, "studyKey": key}
    return st.sampled_from([made, made, made, path_parameters])


@schema.hook
def flatmap_body(ctx: Any, body: Any) -> st.SearchStrategy[Any]:
    """Half of the bodies name a form, a subject and answers that exist; one that is no JSON at all stays as it is."""
    if not isinstance(body, (list, dict)):
        return st.just(body)
    item = st.fixed_dictionaries(
        {
            "formKey": st.sampled_from(["AE", "CM"]),
            "subjectKey": st.sampled_from(["301-901", "301-902"]),
            "data": st.fixed_dictionaries({}, optional={"AENUM": st.integers(1, 99), "CMDOSE": st.floats(0, 9)}),
        }
    )
    return st.one_of(st.just(body), st.lists(item, min_size=1, max_size=3).map(remembered))


def remembered(body: Any) -> Any:
    """A body that is right, whatever the one was whose place it takes."""
    RIGHT.add(("body", json.dumps(body, sort_keys=True)))
    return body


def is_ours(case: schemathesis.Case) -> bool:
    """Whether the body was made by the rules above."""
    return isinstance(case.body, list) and ("body", json.dumps(case.body, sort_keys=True, default=str)) in RIGHT


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with BOX:
        yield BOX.url
    print(f"\n{COUNT['cases']} cases, {COUNT['right']} of them right in every part, {COUNT['refused']} refused")


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_is_out_of_line(case: schemathesis.Case, url: str) -> None:
    case.headers.update(KEYS)
    response = case.call(base_url=url)
    COUNT["cases"] += 1
    checked = [one for one in CHECKS if one.__name__ != "negative_data_rejection"] if is_ours(case) else CHECKS
    case.validate_response(response, checks=checked)
    body = json.loads(response.content) if response.content else None
    if response.status_code == 200 and case.method == "GET" and "jobs" not in case.path:
        check_page(case, body)
    if right(case):
        COUNT["right"] += 1
        assert response.status_code == 200, body
    if response.status_code == 400:
        COUNT["refused"] += 1
        assert body is not None
        assert body["metadata"]["error"]["field"]["attribute"]


def right(case: schemathesis.Case) -> bool:
    """Whether every part of a list request was made by the rules."""
    query = dict(case.query or {})
    if (
        case.method != "GET"
        or "jobs" in case.path
        or (case.path_parameters or {"studyKey": MAIN}).get("studyKey") != MAIN
    ):
        return False
    sort = query.get("sort", [])
    name = list_name(case.path)
    texts_of_sort = [sort] if not isinstance(sort, list) else sort
    plain = all(made(name, text) for text in texts_of_sort)
    size, page = query.get("size", 25), query.get("page", 0)
    numbers = isinstance(size, int) and 1 <= size <= 500 and isinstance(page, int) and 0 <= page < 2**31
    wide = query.get("includeInactive", False) in (True, False)
    texts = all(made(name, query[part]) for part in ("filter", "recordDataFilter") if part in query)
    declared = set(query) <= {"page", "size", "sort", "filter", "recordDataFilter", "includeInactive"}
    return plain and numbers and wide and texts and declared and bool(sort or "sort" not in query)


def made(name: str, text: Any) -> bool:
    """Whether a text was made by the rules for this list."""
    return isinstance(text, str) and (name, text) in RIGHT


def check_page(case: schemathesis.Case, page: Any) -> None:
    """A page holds as many rows as its pagination says, each once."""
    pagination, rows = page["pagination"], page["data"]
    start = pagination["currentPage"] * pagination["size"]
    assert len(rows) == max(0, min(pagination["size"], pagination["totalElements"] - start))
    assert pagination["totalPages"] == -(-pagination["totalElements"] // pagination["size"])
    identity = IDENTITIES[list_name(case.path)]
    assert len({tuple(row[key] for key in identity) for row in rows}) == len(rows)
