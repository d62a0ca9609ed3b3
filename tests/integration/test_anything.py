"""Whatever a server answers and whatever a caller gives: a right answer, or an error of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imednet import ImednetSDK
from imednet.errors import ImednetError
from imednet.sandbox import Answer, Request, Sandbox
from support import STUDY, Door, examples, served

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
NUMBERS = st.none() | st.integers(-1, 3) | st.integers()
PAGES = st.fixed_dictionaries(
    {
        "metadata": st.none() | st.fixed_dictionaries({"error": JSON}) | JSON,
        "pagination": st.none()
        | st.fixed_dictionaries(dict.fromkeys(("currentPage", "size", "totalPages", "totalElements"), NUMBERS)),
        "data": JSON | st.lists(st.fixed_dictionaries({"siteId": st.integers(0, 3) | JSON}), max_size=3),
    }
)
many = settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Saying:
    """A server that says what it is told to."""

    body: bytes = b""
    status: int = 200

    def __call__(self, request: Request, answer: Any) -> Answer:
        return Answer(self.status, self.body)


@pytest.fixture(scope="module")
def saying() -> Iterator[tuple[Sandbox, Saying]]:
    intercept = Saying()
    with Sandbox(intercept=intercept) as box:
        yield box, intercept


@pytest.fixture(scope="module", params=["sync", "async"])
def one(request: pytest.FixtureRequest, saying: tuple[Sandbox, Saying]) -> Iterator[Door]:
    door = Door(request.param, {**saying[0].credentials, "retries": 0})
    yield door
    door.close()


def right_or_ours(one: Door, body: Any) -> None:
    """Rows only where the body says so of itself, all of them; else an error of ours, or an empty page."""
    try:
        rows = one.call("sites.list", STUDY)
    except ImednetError:
        return
    found = json.loads(body)
    assert [row.to_dict() for row in rows] == found["data"]
    assert found["pagination"]["totalElements"] == len(rows)
    assert not (found["metadata"] or {}).get("error")


@many
@given(content=st.binary(max_size=200).filter(lambda data: data.strip() != b"[]"))  # a job nothing is known of
@pytest.mark.parametrize("status", [200, 204, 404, 500])
def test_any_bytes_as_a_body(saying: tuple[Sandbox, Saying], one: Door, content: bytes, status: int) -> None:
    saying[1].body, saying[1].status = content, status
    with pytest.raises(ImednetError):
        one.call("sites.list", STUDY)
    with pytest.raises(ImednetError):
        one.call("jobs.get", STUDY, "B")


@many
@given(page=PAGES | JSON)
def test_any_json_as_a_page(saying: tuple[Sandbox, Saying], one: Door, page: Any) -> None:
    saying[1].body, saying[1].status = json.dumps(page).encode(), 200
    right_or_ours(one, saying[1].body)


@many
@given(body=JSON, status=st.sampled_from([400, 401, 403, 404, 409, 429, 499, 500, 520]))
def test_any_json_as_a_failure(saying: tuple[Sandbox, Saying], one: Door, body: Any, status: int) -> None:
    saying[1].body, saying[1].status = json.dumps(body).encode(), status
    with pytest.raises(ImednetError) as caught:
        one.call("sites.list", STUDY)
    str(caught.value), repr(caught.value)


@many
@given(key=st.text(max_size=20))
def test_any_text_as_a_study_key(box: Sandbox, key: str) -> None:
    """A study of the sandbox, or an error of ours; never the rows of another one."""
    with ImednetSDK(**box.credentials) as sdk:
        try:
            rows = sdk.sites.list(key)
        except ImednetError:
            return
        assert {row.study_key for row in rows} == {key}


@many
@given(value=st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.dates() | st.datetimes())
def test_any_value_in_a_filter(box: Sandbox, value: Any) -> None:
    """Exactly the rows that have the value, as the sandbox's own dictionaries say, or an error of ours."""
    with ImednetSDK(**box.credentials) as sdk:
        try:
            rows = sdk.subjects.list(STUDY, subject_key=value)
        except ImednetError:
            return
        wanted = [row for row in served(box.studies[STUDY], "subjects") if row["subjectKey"] == value]
        assert [row.to_dict() for row in rows] == wanted
