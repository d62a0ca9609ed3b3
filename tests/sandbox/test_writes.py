"""Writing: what a POST must look like, what is stored, and the job in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from asking import MAIN, STUDIES, TWIN, Client, error_of
from imednet.sandbox import Sandbox

Row = dict[str, Any]
REGISTRATION = {
    "formKey": "REG",
    "siteName": "Lakeshore Heart Institute",
    "data": {"REGDAT": "2026-03-02", "REGINIT": "C-D", "REGYOB": 1958, "REGLANG": "French"},
}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Callable[..., Client]:
    def client(**switches: str) -> Client:
        return Client(Sandbox(switches={"jobSeconds": "0", **switches}, job_clock=clock), TWIN)

    return client


def job(client: Client, receipt: Row) -> Row:
    answer = client.ask("GET", f"{STUDIES}/{TWIN}/jobs/{receipt['batchId']}")
    assert answer.status == 200
    found: Row = json.loads(answer.body)
    return found


def newest(client: Client) -> Row:
    return client.rows("records")[-1]


def revisions(client: Client, record: int) -> list[Row]:
    return client.rows("recordRevisions", filter=f"recordId=={record}")


class TestWhatIsStored:
    def test_registering_makes_a_subject_a_visit_and_a_record(self, make: Callable[..., Client]) -> None:
        client = make()
        answer = client.post([REGISTRATION])
        assert (answer.status, json.loads(answer.body)["state"]) == (200, "created")
        subject, record, visit = client.rows("subjects")[-1], newest(client), client.rows("visits")[-1]
        assert (subject["subjectKey"], subject["subjectStatus"]) == ("301-905", "Registered")
        assert (record["subjectKey"], record["formKey"], record["visitId"]) == ("301-905", "REG", visit["visitId"])
        assert visit["intervalName"] == "Screening"
        assert record["dateCreated"] == "2026-11-01 00:00:01"
        assert {name: record["recordData"][name] for name in REGISTRATION["data"]} == {
            "REGDAT": "2026-03-02", "REGINIT": "C-D", "REGYOB": "1958", "REGLANG": "French",
        }  # fmt: skip
        (first,) = revisions(client, record["recordId"])
        assert (first["recordRevision"], first["dataRevision"], first["dateCreated"]) == (1, 1, record["dateModified"])

    def test_a_new_log_record(self, make: Callable[..., Client]) -> None:
        client = make()
        before = len(client.rows("records"))
        data = {"AETERM": "Headache", "AESTDAT": "2026-03-01", "AESER": "No"}
        assert client.post([{"formKey": "AE", "subjectKey": "301-901", "data": data}]).status == 200
        record = newest(client)
        assert len(client.rows("records")) == before + 1
        assert (record["visitId"], record["recordStatus"]) == (None, "Record Incomplete")
        assert client.rows("records", recordDataFilter="AETERM==Headache")[-1] == record

    def test_updating_a_scheduled_record_finds_it_by_visit(self, make: Callable[..., Client]) -> None:
        client = make()
        old = next(r for r in client.rows("records") if (r["formKey"], r["intervalId"]) == ("VS", 501))
        count = len(client.rows("records"))
        item = {
            "formId": 60106,
            "subjectId": old["subjectId"],
            "intervalId": 501,
            "data": {"SYSBP1": 144.5, "VSND": "Yes"},
        }
        client.post([item])
        new = next(r for r in client.rows("records") if r["recordId"] == old["recordId"])
        assert len(client.rows("records")) == count
        assert new["recordData"]["SYSBP1"] == "144.5"
        assert new["dateModified"] == "2026-11-01 00:00:01" != old["dateModified"]
        kept = {
            name: value for name, value in old["recordData"].items() if name not in ("SYSBP1", "VSND", "dateModified")
        }
        assert kept.items() <= new["recordData"].items()
        last = revisions(client, old["recordId"])[-1]
        assert (last["dateCreated"], last["reasonForChange"]) == (new["dateModified"], "Data entry error")
        numbers = [row["recordRevision"] for row in revisions(client, old["recordId"])]
        assert numbers == list(range(1, len(numbers) + 1))

    def test_a_scheduled_visit_that_has_no_record_yet_gets_one(self, make: Callable[..., Client]) -> None:
        client = make()
        item = {"formKey": "IMG", "subjectKey": "301-902", "intervalName": "Month 6", "data": {"IMMOD": "CT"}}
        client.post([item])
        assert (newest(client)["intervalId"], newest(client)["formKey"]) == (508, "IMG")

    def test_updating_by_record_id_and_oid(self, make: Callable[..., Client]) -> None:
        client = make()
        records = client.rows("records")
        event = next(r for r in records if r["formKey"] == "AE" and r["recordData"])
        client.post([{"formKey": "AE", "recordId": event["recordId"], "data": {"AEOUT": "Recovered", "AETERM": ""}}])
        new = next(r for r in client.rows("records") if r["recordId"] == event["recordId"])
        assert (new["recordData"]["AEOUT"], new["recordData"]["AETERM"]) == ("Recovered", "")
        named = next(
            r for r in records if r["recordOid"] and r["formKey"] not in ("SITEINIT", "SITETRN", "ACCT", "OLDVS")
        )
        form = client.box.studies[TWIN].design.forms[named["formKey"]]
        memo = next((v["variableName"] for v in form["variables"] if v["variableType"] in ("MEMO", "TEXT")), None)
        if memo:
            client.post([{"formKey": named["formKey"], "recordOid": named["recordOid"], "data": {memo: "by oid"}}])
            assert client.rows("records", recordDataFilter=f'{memo}=="by oid"')

    def test_all_kinds_of_fields(self, make: Callable[..., Client]) -> None:
        client = make()
        data = {"AENUM": 11, "AETERM": "Text", "AESTDAT": "2020-01", "AESTTIM": "10:30", "AESER": "Yes",
                "AEOUT": "Fatal", "AENARR": "Memo\ntext", "AESERC": "Death, Disability"}  # fmt: skip
        client.post([{"formKey": "AE", "subjectKey": "301-901", "data": data}])
        assert {**data, "AENUM": "11"}.items() <= newest(client)["recordData"].items()
        client.post([{"formKey": "FU", "subjectKey": "301-901", "data": {"FUSYM": True, "FUDAT": "2026-01-31"}}])
        assert newest(client)["recordData"]["FUSYM"] == "true"


REFUSED: list[tuple[Any, str, str]] = [
    (b"not json", "body", "JSON"),
    ({"formKey": "AE"}, "body", "array"),
    ([], "body", "array"),
    (["text"], "body", "object"),
    ([{"formKey": "AE", "recordData": {"AETERM": "x"}, "subjectKey": "301-901"}], "recordData", "Unknown"),
    ([{"subjectKey": "301-901", "data": {"AETERM": "x"}}], "formKey", "Form identifier"),
    ([{"formKey": "NOPE", "subjectKey": "301-901", "data": {"A": 1}}], "formKey",
     "Form with formKey of NOPE not found."),
    ([{"formKey": "SS", "subjectKey": "301-901", "data": {"SSTAT": "Death"}}], "formKey", "of SS not found."),
    ([{"formKey": "OLDVS", "subjectKey": "301-901", "data": {"OVSYS": 1}}], "formKey", "not found."),
    ([{"formKey": "AE", "subjectKey": "301-901", "data": {}}], "data", "Must provide data"),
    ([{"formKey": "AE", "subjectKey": "301-901"}], "data", "Must provide data"),
    ([{"formKey": "AE", "subjectKey": "301-901", "data": {"AETRM": "x"}}], "AETRM", "no such variable"),
    ([{"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": "many"}}], "AENUM", "number"),
    ([{"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": True}}], "AENUM", "number"),
    ([{"formKey": "AE", "subjectKey": "301-901", "data": {"AESER": "Maybe"}}], "AESER", "radio"),
    ([{"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": 5}}], "AETERM", "text"),
    ([{"formKey": "VS", "subjectKey": "301-901", "data": {"VSDAT": "2024-02-30"}}], "VSDAT", "date"),
    ([{"formKey": "AE", "subjectKey": "301-999", "data": {"AETERM": "x"}}], "subjectKey", "No such subject"),
    ([{"formKey": "AE", "siteName": "Lakeshore Heart Institute", "data": {"AETERM": "x"}}], "subjectKey",
     "Subject identifier"),
    ([{**REGISTRATION, "subjectKey": ""}], "subjectKey", "Must provide a Subject identifier"),
    ([{**REGISTRATION, "siteName": "Nowhere"}], "siteName", "No such site"),
    ([{"formKey": "VS", "subjectKey": "301-901", "intervalName": "Week 2 (retired)", "data": {"VSND": "No"}}],
     "intervalName", "disabled"),
    ([{"formKey": "AE", "recordId": 1, "data": {"AETERM": "x"}}], "recordId", "No such record"),
    ([{"formKey": "AE", "recordOid": "", "data": {"AETERM": "x"}}], "recordId", "Record identifier"),
    ([{"formKey": "AE", "recordId": "5000017", "data": {"AETERM": "x"}}], "recordId", "whole number"),
    ([{"formKey": 60118, "subjectKey": "301-901", "data": {"AETERM": "x"}}], "formKey", "text"),
    ([{"formKey": "AE", "subjectKey": None, "data": {"AETERM": "x"}}], "subjectKey", "text"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "attribute", "text"), REFUSED, ids=[f"{a}: {t}" for _, a, t in REFUSED])
def test_what_is_refused_is_named_and_nothing_is_stored(
    make: Callable[..., Client], body: Any, attribute: str, text: str
) -> None:
    """Also when only the last item of a batch is wrong."""
    client = make()
    before = len(client.rows("records"))
    good = {"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": "Good"}}
    for sent in (body, [good, *body] if isinstance(body, list) and body else body):
        status, error = error_of(client.post(sent))
        assert (status, error["code"], error["field"]["attribute"]) == (400, "1000", attribute)
        assert text in error["description"]
    assert len(client.rows("records")) == before


def test_only_the_twin_takes_writes(make: Callable[..., Client]) -> None:
    client = make()
    item = [{"formKey": "AE", "subjectKey": "301-001", "data": {"AETERM": "x"}}]
    client.study = MAIN
    assert error_of(client.post(item))[0] == 403
    other = make(postToMainStudy="accepted")
    other.study = MAIN
    assert other.post(item).status == 200


def test_switches_of_registration_and_system_forms(make: Callable[..., Client]) -> None:
    client = make(registrationWithSubjectKey="ignored", postToDisabledOrSystemForm="accepted")
    assert client.post([{**REGISTRATION, "subjectKey": ""}]).status == 200
    assert client.rows("subjects")[-1]["subjectKey"] == "301-905"
    assert client.post([{"formKey": "SS", "subjectKey": "301-901", "data": {"SSTAT": "Death"}}]).status == 200


class TestJobs:
    item = tuple({"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": f"Event {n}"}} for n in range(4))

    def test_a_job_runs_and_only_then_is_something_stored(self, make: Callable[..., Client], clock: Clock) -> None:
        client = make(jobSeconds="3")
        before = len(client.rows("records"))
        receipt = json.loads(client.post(self.item).body)
        states = []
        for now in (0.5, 2, 2.9, 3):
            clock.now = now
            found = job(client, receipt)
            states.append(found["state"])
            assert (found["dateFinished"] is None) == (now < 3)
            assert len(client.rows("records")) == before + 4 * (now >= 3)
        assert states == ["created", "running", "running", "completed"]
        assert (found["jobId"], found["dateFinished"]) == (receipt["jobId"], "2026-11-01 00:00:05")
        assert set(found) == {"jobId", "batchId", "state", "dateCreated", "dateStarted", "dateFinished"}

    @pytest.mark.parametrize(
        ("words", "done", "failed"),
        [("lower", "completed", "failed"), ("upper", "COMPLETED", "FAILED"), ("success", "SUCCESS", "FAILED"),
         ("unknown", "completed with errors", "stopped"), ("empty", "", "")],
    )  # fmt: skip
    def test_words_for_states(self, make: Callable[..., Client], words: str, done: str, failed: str) -> None:
        client = make(jobStates=words)
        assert job(client, json.loads(client.post(self.item).body))["state"] == done
        client = make(jobStates=words, jobOutcome="none")
        assert job(client, json.loads(client.post(self.item).body))["state"] == failed

    @pytest.mark.parametrize(
        ("outcome", "stored", "state"), [("all", 4, "completed"), ("none", 0, "failed"), ("partial", 2, "completed")]
    )
    def test_outcomes(self, make: Callable[..., Client], outcome: str, stored: int, state: str) -> None:
        client = make(jobOutcome=outcome)
        before = len(client.rows("records"))
        receipt = json.loads(client.post(self.item).body)
        assert job(client, receipt)["state"] == state
        assert len(client.rows("records")) == before + stored

    def test_a_slow_job_and_one_that_never_ends(self, make: Callable[..., Client], clock: Clock) -> None:
        slow, never = make(jobSeconds="95"), make(jobSeconds="never")
        receipts = [json.loads(client.post(self.item).body) for client in (slow, never)]
        clock.now = 94
        assert [job(client, r)["state"] for client, r in zip((slow, never), receipts, strict=True)] == ["running"] * 2
        clock.now = 10**6
        assert job(slow, receipts[0])["state"] == "completed"
        assert job(never, receipts[1])["state"] == "running"

    def test_shapes_of_the_receipt(self, make: Callable[..., Client]) -> None:
        bodies = {shape: make(postBody=shape).post(self.item) for shape in ("object", "list", "empty-list", "no-batch")}
        found = {shape: json.loads(answer.body) for shape, answer in bodies.items()}
        assert found["list"] == [found["object"]]
        assert found["empty-list"] == []
        assert (found["no-batch"]["batchId"], found["no-batch"]["state"]) == (None, None)
        assert make(postStatus="202").post(self.item).status == 202

    def test_one_batch_in_ten_has_no_hexadecimal_number(self, make: Callable[..., Client]) -> None:
        client = make()
        numbers = [json.loads(client.post(self.item[:1]).body)["batchId"] for _ in range(20)]
        assert sum(number.startswith("q") for number in numbers) == 2
        assert len(set(numbers)) == 20

    def test_jobs_of_other_studies_and_unknown_ones_are_not_found(self, make: Callable[..., Client]) -> None:
        client = make()
        receipt = json.loads(client.post(self.item).body)
        for study, batch in ((MAIN, receipt["batchId"]), (TWIN, "nothing"), (TWIN, receipt["jobId"])):
            assert error_of(client.ask("GET", f"{STUDIES}/{study}/jobs/{batch}"))[0] == 404

    def test_who_is_told(self, make: Callable[..., Client]) -> None:
        client = make()
        client.headers["x-email-notify"] = "someone@example.org"
        client.post(self.item)
        assert client.control("GET", "jobs")[0] == {
            "batchId": client.box.api.jobs.seen()[0]["batchId"], "items": 4, "email": "someone@example.org",
        }  # fmt: skip


def test_time_passes_in_the_same_way_every_time() -> None:
    """New, changed and deleted rows with their revisions, a study design that changes, and no row lost."""
    boxes = [Sandbox(), Sandbox()]
    done = [box.advance(3) for box in boxes]
    assert done[0] == done[1]
    clients = [Client(box) for box in boxes]
    for name in ("records", "recordRevisions", "queries", "variables", "forms"):
        assert clients[0].rows(name) == clients[1].rows(name)
    fresh = Client(Sandbox())
    old = {row["recordId"]: row for row in fresh.rows("records")}
    new = {row["recordId"]: row for row in clients[0].rows("records")}
    assert old.keys() <= new.keys()
    touched = {number for number, row in new.items() if old.get(number) != row}
    since = clients[0].rows("records", filter="dateModified>=2026-11-01T00:00:00Z")
    assert {row["recordId"] for row in since} == touched
    assert len(touched) == done[0]["new"] + done[0]["changed"] + done[0]["deleted"]
    assert sum(row["deleted"] for row in since) == done[0]["deleted"] > 0
    last = {row["recordId"]: row for row in clients[0].rows("recordRevisions")}
    for row in since:
        assert last[row["recordId"]]["dateCreated"] == row["dateModified"]
        assert last[row["recordId"]]["recordStatus"] == row["recordStatus"]
    assert len(clients[0].rows("variables")) > len(fresh.rows("variables"))
    assert clients[0].get("sites")["metadata"]["timestamp"] == "2026-11-04 00:00:00"
    with pytest.raises(ValueError, match="366"):
        boxes[0].advance(0)
