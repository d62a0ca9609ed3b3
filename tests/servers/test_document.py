"""MongoDB's protocol, with pymongo: documents in and back, changes, vanished keys, faults and credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymongo
import pytest

from exporting import BLINDED, without_form
from imednet import ImednetSDK
from imednet.errors import ExportBatchError, ExportConfigurationError
from imednet.integrations import ExportOptions, ExportReport, export_study
from imednet.integrations.document import MongoDBSink
from imednet.sandbox import Sandbox
from support import STUDY

Make = Callable[..., Sandbox]


def connect(uri: str) -> Any:
    return pymongo.MongoClient(uri)


@pytest.fixture
def database(mongo: str, request: pytest.FixtureRequest) -> str:
    """A database of its own for each test."""
    return f"d{abs(hash(request.node.name)) % 10**8}"


def export(box: Sandbox, uri: str, database: str, home: Path, **options: Any) -> ExportReport:
    with ImednetSDK(**box.credentials, backoff_factor=0) as sdk:
        sink = MongoDBSink(uri, database=database, timeout=20)
        return export_study(sdk, STUDY, sink, home=home, options=ExportOptions(**options))


def documents(uri: str, database: str, collection: str = "records") -> dict[str, Any]:
    with connect(uri) as client:
        return {one["_id"]: one for one in client[database][collection].find()}


def expected(box: Sandbox) -> dict[str, Any]:
    found = {}
    study = box.studies[STUDY]
    disabled = {row["formKey"] for row in study.rows("forms") if row["disabled"]}
    for row in study.rows("records", unblinded=False):
        if row["formKey"] not in disabled:
            document = {("record_data" if name == "recordData" else name): value for name, value in row.items()}
            found[f"{STUDY}/{row['recordId']}"] = document
    return found


def differing(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    stored = {
        key: {name: value for name, value in one.items() if not name.startswith("_")} for key, one in found.items()
    }
    return [key for key in stored.keys() | wanted.keys() if stored.get(key) != wanted.get(key)]


def test_documents_equal_the_servers_records_and_follow_them(
    own_box: Make, mongo: str, database: str, tmp_path: Path
) -> None:
    """Types and all; a second run changes nothing; a removed record and a removed key go."""
    box = own_box()
    export(box, mongo, database, tmp_path / "home")
    first = documents(mongo, database)
    assert differing(first, expected(box)) == []
    assert not any(name in BLINDED for one in first.values() for name in one["record_data"] or {})
    export(box, mongo, database, tmp_path / "home")
    assert documents(mongo, database) == first
    box.advance(1)
    records = box.studies[STUDY].records
    place = records.find("formKey", "AE") or 0
    records.change(place, recordData={"AETERM": "only this"}, dateModified="2026-11-02 01:00:00")
    gone = records.row(records.places()[40])["recordId"]
    records.remove(records.places()[40])
    export(box, mongo, database, tmp_path / "home")
    found = documents(mongo, database)
    assert differing(found, expected(box)) == []
    assert f"{STUDY}/{gone}" not in found


def test_keys_with_dots_and_dollars_stay_as_they_are(own_box: Make, mongo: str, database: str, tmp_path: Path) -> None:
    box = own_box()
    records = box.studies[STUDY].records
    odd = {"a.b": "1", "$set": "2", "$": "3", "": "4", "x": {"$inc": {"y.z": [1, {"$a": None}]}}}
    number = records.change(records.find("formKey", "AE") or 0, recordData=odd)["recordId"]
    export(box, mongo, database, tmp_path / "home")
    assert documents(mongo, database)[f"{STUDY}/{number}"]["record_data"] == odd


def test_what_bson_cannot_hold_is_a_listed_loss(own_box: Make, mongo: str, database: str, tmp_path: Path) -> None:
    box = own_box()
    records = box.studies[STUDY].records
    number = records.change(
        records.find("formKey", "AE") or 0, recordData={"big": 2**70, "a\0b": "1", "fine": 2**63 - 1}
    )["recordId"]
    report = export(box, mongo, database, tmp_path / "home")
    data = documents(mongo, database)[f"{STUDY}/{number}"]["record_data"]
    assert (data["big"], data["fine"]) == (str(2**70), 2**63 - 1)
    assert report.issues == 2
    lines = (tmp_path / "home" / "issues.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["recordId"] for line in lines} == {number}


def test_other_lists_have_collections_of_their_own(own_box: Make, mongo: str, database: str, tmp_path: Path) -> None:
    box = own_box()
    export(box, mongo, database, tmp_path / "home", entities=["all"])
    study = box.studies[STUDY]
    for name, rows in (("sites", "sites"), ("subjects", "subjects"), ("codings", "codings"), ("users", "users")):
        found = documents(mongo, database, f"records_{name}")
        assert len(found) == len(study.rows(rows)), name


def test_a_connection_that_is_cut_is_waited_out(own_box: Make, mongo: str, database: str, tmp_path: Path) -> None:
    box = own_box()
    with connect(mongo) as client:
        client.admin.command(
            "configureFailPoint", "failCommand", mode={"times": 4},
            data={"failCommands": ["update"], "closeConnection": True},
        )  # fmt: skip
        export(box, mongo, database, tmp_path / "home", backoff=0.01, max_retries=6)
        client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert differing(documents(mongo, database), expected(box)) == []


def test_a_server_that_fails_is_an_error_and_the_next_run_goes_on(
    own_box: Make, mongo: str, database: str, tmp_path: Path
) -> None:
    box = own_box()
    with connect(mongo) as client:
        client.admin.command(
            "configureFailPoint", "failCommand", mode="alwaysOn", data={"failCommands": ["update"], "errorCode": 14}
        )
        with pytest.raises(ExportBatchError, match="Next") as caught:
            export(box, mongo, database, tmp_path / "home", backoff=0.01, max_retries=1)
        client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert caught.value.batch_id == "REG/0"
    report = export(box, mongo, database, tmp_path / "home")
    assert report.resumed == report.rows
    assert differing(documents(mongo, database), expected(box)) == []


def test_wrong_credentials_and_no_server_are_named(own_box: Make, locked_mongo: str, tmp_path: Path) -> None:
    box = own_box()
    for uri, what in (
        (f"mongodb://app:wr0ng@{locked_mongo}/?authSource=admin", "refuses the credentials"),
        ("mongodb://app:wr0ng@127.0.0.1:9/", "cannot be reached"),
        ("mongo:/nonsense", "cannot be parsed"),
    ):
        with pytest.raises(ExportConfigurationError, match=what) as caught:
            MongoDBSink(uri, timeout=2)
        assert "wr0ng" not in str(caught.value)
        assert "Next" in str(caught.value)
    assert box.requests == []


def test_documents_of_other_forms_stay_until_their_form_is_asked_to_go(
    own_box: Make, mongo: str, database: str, tmp_path: Path
) -> None:
    home, box = tmp_path / "home", own_box()
    export(box, mongo, database, home, forms=["AE", "VS"])
    before = documents(mongo, database)
    export(box, mongo, database, home, forms=["AE"])
    assert documents(mongo, database).keys() == before.keys()
    report = export(own_box(intercept=without_form("VS")), mongo, database, home, forms=["AE"], prune=True)
    assert report.pruned == ["VS"]
    left = {one["formKey"] for one in documents(mongo, database).values()}
    assert left == {"AE"}
