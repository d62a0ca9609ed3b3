"""The table of quirks in `docs/quirks.md` is whole, and names tests that exist; the quirks that have no other test."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from asking import MAIN, STUDIES, Client, error_of
from imednet.sandbox import Sandbox
from imednet.sandbox.server.switches import SWITCHES

HERE = Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "docs" / "quirks.md"
NO_SERVER = {"Q16", "Q33", "Q46", "Q52", "Q58"}


def lines() -> dict[str, list[str]]:
    found = {}
    for line in TABLE.read_text("utf-8").splitlines():
        if re.match(r"\| Q\d+ ", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found[cells[0]] = cells[1:]
    return found


def test_every_quirk_has_a_line_and_every_line_a_test() -> None:
    found = lines()
    assert list(found) == [f"Q{number}" for number in range(1, 59)]
    for quirk, (_, shown, proof) in found.items():
        assert (proof == "") == (quirk in NO_SERVER), quirk
        if proof:
            file, name = proof.strip("`").split("::")
            assert re.search(rf"^ *def {name}\(", (HERE / file).read_text("utf-8"), re.MULTILINE), proof
        for word in re.findall(r"switch(?:es)? ((?:`\w+`(?:, )?)+)", shown):
            for name in re.findall(r"`(\w+)`", word):
                assert name in SWITCHES, (quirk, name)


@pytest.fixture(scope="module")
def client(box: Sandbox) -> Client:
    return Client(box)


@pytest.fixture(scope="module")
def rows(client: Client) -> dict[str, list[dict[str, Any]]]:
    names = (
        "records",
        "variables",
        "intervals",
        "visits",
        "queries",
        "recordRevisions",
        "codings",
        "forms",
        "subjects",
    )
    return {name: client.rows(name) for name in (*names,)} | {"users": client.rows("users", includeInactive="true")}


Rows = dict[str, list[dict[str, Any]]]


def test_nulls_are_values_elsewhere(rows: Rows) -> None:
    assert {type(row["dueDate"]) for row in rows["visits"]} == {str, type(None)}
    assert {row["type"] for row in rows["queries"]} >= {None, "question"}


def test_contains_has_one_spelling(client: Client) -> None:
    assert client.rows("records", recordDataFilter="AETERM=~ache")
    assert client.rows("records", recordDataFilter="AETERM==ache") == []
    assert error_of(client.answer("records", recordDataFilter="AETERM~=ache"))[0] == 400


def test_answers_hold_names_of_record_fields(rows: Rows) -> None:
    for row in rows["records"]:
        if row["recordData"]:
            assert {"dateCreated", "dateModified", "unvnum"} <= set(row["recordData"])
    twelve = [r["recordData"]["unvnum"] for r in rows["records"] if (r["subjectId"], r["formKey"]) == (20015, "UNS")]
    assert sorted(twelve, key=int) == [str(number) for number in range(1, 13)]
    assert sorted(twelve) != sorted(twelve, key=int)


def test_variables_say_nothing_of_choices(rows: Rows) -> None:
    fields = set().union(*rows["variables"])
    assert not [name for name in fields if re.search("choice|code|unit|range|required|length", name, re.IGNORECASE)]


def test_references_by_name(rows: Rows) -> None:
    names = {row["formName"] for row in rows["forms"]}
    variables = {row["variableName"] for row in rows["variables"]}
    intervals = {row["intervalName"] for row in rows["intervals"]}
    for row in rows["intervals"]:
        assert {row["actualDateForm"], row["windowCalculationForm"]} <= {*names, None}
        assert {row["actualDate"], row["windowCalculationDate"]} <= {*variables, None}
        assert row["definedUsingInterval"] in {*intervals, None}
    assert {row["visitDateForm"] for row in rows["visits"]} <= {*names, None}
    assert {row["visitDateQuestion"] for row in rows["visits"]} <= {*variables, None}


def test_queries_have_no_status(rows: Rows) -> None:
    assert not [name for row in rows["queries"] for name in row if "status" in name.lower() or "closed" in name.lower()]
    assert any(not row["queryComments"] for row in rows["queries"])


def test_revisions_hold_no_values(rows: Rows) -> None:
    fields = set().union(*rows["recordRevisions"])
    assert not {"dateModified", "recordData", "data", "value", "oldValue", "newValue"} & fields


def test_keywords_are_null_empty_or_filled(rows: Rows) -> None:
    for name in ("records", "subjects"):
        found = [row["keywords"] for row in rows[name]]
        assert None in found
        assert [] in found
        assert {"keywordName", "keywordKey", "keywordId", "dateAdded"} == set(next(filter(None, found))[0])


def test_the_study_key_may_be_in_a_filter(client: Client, rows: Rows) -> None:
    for name in ("records", "subjects"):
        assert client.rows(name, filter=f"studyKey=={MAIN}") == rows[name]


def test_people_are_named_in_three_ways(rows: Rows) -> None:
    logins = {row["login"] for row in rows["users"]}
    people = {f"{row['firstName']} {row['lastName']}" for row in rows["users"]}
    assert {row["user"] for row in rows["recordRevisions"]} & logins
    assert {one["user"] for row in rows["queries"] for one in row["queryComments"]} & logins
    assert {row["codedBy"] for row in rows["codings"]} & people
    assert len(people) < len(logins)  # two share a display name


def test_a_bearer_token_is_no_key(box: Sandbox) -> None:
    client = Client(box, Authorization="Bearer demo-api-key")
    client.headers = {name: value for name, value in client.headers.items() if not name.startswith("x-")}
    answer = client.ask("GET", STUDIES)
    assert (answer.status, json.loads(answer.body)["metadata"]["status"]) == (401, "UNAUTHORIZED")


def test_an_expression_within_an_expression_is_refused(client: Client) -> None:
    assert error_of(client.answer("records", filter='filter=="formKey==AE"'))[0] == 400
