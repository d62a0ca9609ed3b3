"""Corners a careless sandbox would get wrong: each was found by somebody trying to break it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from asking import KEYS, MAIN, STUDIES, TWIN, Client, error_of
from imednet.sandbox import Fault, Request, Sandbox
from imednet.sandbox.study.tables import Table
from support import PATIENCE

Row = dict[str, Any]


@pytest.fixture
def twin() -> Client:
    return Client(Sandbox(switches={"jobSeconds": "0"}), TWIN)


class TestData:
    def test_blinded_answers_are_hidden_in_any_case(self) -> None:
        box = Sandbox()
        place = box.studies[MAIN].records.find("formKey", "RAND") or 0
        number = box.studies[MAIN].records.change(place, recordData={"randarm": "Sham control", "RANDYN": "Yes"})[
            "recordId"
        ]
        (row,) = Client(box).rows("records", filter=f"recordId=={number}")
        assert row["recordData"] == {"RANDYN": "Yes"}
        assert "randarm" not in box.studies[MAIN].rows("records", unblinded=False)[place]["recordData"]

    def test_the_clean_subject_answers_like_a_person(self, box: Sandbox) -> None:
        rows = [row for row in box.studies[MAIN].rows("records") if row["subjectId"] == 20004]
        assert len(rows) > 60
        for row in rows:
            choices = ("DYSYM", "FUSYM", "ACTYPE")  # where None is one of the choices
            assert not {"None", None} & {value for name, value in row["recordData"].items() if name not in choices}
            assert "No" not in {row["recordData"].get(name) for name in ("VSND", "LBND", "ABND")}

    def test_stories_happen_in_order(self, box: Sandbox) -> None:
        """Nobody attends a visit after death, and no query is older than its record."""
        study = box.studies[MAIN]
        rows = study.rows("records")
        died = [r for r in rows if r["subjectId"] == 20006 and r["dateCreated"][:10] > "2025-03-18"]
        assert died == []
        made = {row["recordId"]: row["dateCreated"] for row in rows}
        for query in study.rows("queries"):
            assert query["recordId"] is None or made[query["recordId"]][:10] <= query["dateCreated"][:10]
        event = next(r for r in rows if r["subjectId"] == 20001 and r["formKey"] == "AE")
        assert event["dateCreated"][:10] == "2024-08-01"

    def test_relations_between_forms(self, box: Sandbox) -> None:
        study = box.studies[MAIN]
        answers: dict[str, list[Row]] = {}
        events: dict[int, set[str]] = {}
        statuses = {row["subjectId"]: row["subjectStatus"] for row in study.rows("subjects")}
        for row in study.rows("records"):
            if row["subjectId"] in (20008, 20009, 20010, 20011) or not row["recordData"]:
                continue
            answers.setdefault(row["formKey"], []).append({**row["recordData"], "subject": row["subjectId"]})
            if row["formKey"] == "AE":
                events.setdefault(row["subjectId"], set()).add(str(len(events.get(row["subjectId"], ())) + 1))
        for one in answers["CM"]:
            if str(one.get("CMINDSP")).startswith("AE "):
                assert one["CMINDSP"][3:] in events[one["subject"]]
        for one in answers["ELIG"]:
            failed = [
                n for n in one if (n.startswith("INC") and one[n] == "No") or (n.startswith("EXC") and one[n] == "Yes")
            ]
            if one.get("IEYN") in ("Yes", "No"):
                assert bool(failed) is (one["IEYN"] == "No") or "" in one.values() or None in one.values()
        fatal = {one["subject"] for one in answers["AE"] if one.get("AEOUT") == "Fatal"}
        assert {statuses[number] for number in fatal} == {"Deceased"}

    def test_codings_fit_their_terms(self, box: Sandbox) -> None:
        rows = box.studies[MAIN].rows("codings")
        assert all(row["value"] for row in rows)
        drugs = {row["code"] for row in rows if row["formKey"] == "CM"}
        assert "Head pain" not in drugs
        known = {
            row["value"]: row["code"] for row in rows if row["revision"] == 1 and row["subjectId"] not in (20008, 20013)
        }
        assert {row["code"] for row in rows if row["value"] == "Amlodipin"} <= {"AMLODIPINE", "AMLODIPINE NOS"}
        assert sum(code is None for code in known.values()) <= 3

    def test_what_the_generator_made_cannot_be_changed_from_outside(self, box: Sandbox) -> None:
        table = box.studies[MAIN].table("queries")
        place = next(p for p in table.places() if table.row(p)["subjectId"] == 20012)
        table.row(place)["queryComments"].append("mine")
        assert "mine" not in table.row(place)["queryComments"]


REFUSED: list[tuple[Row, str]] = [
    ({"formKey": "AE", "subjectKey": "301-901", "subjectId": 20002, "data": {"AETERM": "x"}}, "Names another subject"),
    ({"formKey": "AE", "formId": 60101, "subjectKey": "301-901", "data": {"AETERM": "x"}}, "not found"),
    ({"formKey": "REG", "siteId": 301, "intervalId": 502, "data": {"REGYOB": 1950}}, "has no interval"),
    ({"formKey": "AE", "subjectKey": "301-901", "intervalName": "Month 1", "data": {"AETERM": "x"}}, "does not belong"),
    ({"formKey": "AE", "subjectKey": "301-903", "data": {"AETERM": "x"}}, "No such subject"),  # deleted
    ({"formKey": "REG", "subjectKey": "301-901", "data": {"REGYOB": 1950}}, "registered already"),
    ({"formKey": "AE", "subjectKey": "301-901", "data": {"AESTTIM": "99:99"}}, "time"),
    (
        {"formKey": "RAND", "subjectKey": "301-901", "intervalId": 502, "data": {"RANDDTC": "2024-02-03 99:99"}},
        "datetime",
    ),
    ({"formKey": "AE", "subjectKey": "301-901", "data": {"AESTDAT": "2024-13"}}, "partialdate"),
    ({"formKey": "AE", "subjectKey": "301-901", "data": {"AESTDAT": "0000"}}, "partialdate"),
    ({"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": "\ud800"}}, "JSON"),
]


class TestWrites:
    @pytest.mark.parametrize(("item", "text"), REFUSED, ids=[text for _, text in REFUSED])
    def test_what_contradicts_itself_is_refused(self, twin: Client, item: Row, text: str) -> None:
        status, error = error_of(twin.post([item]))
        assert (status, text in error["description"]) == (400, True)

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
    def test_numbers_without_end_are_refused(self, twin: Client, number: str) -> None:
        body = f'[{{"formKey":"AE","subjectKey":"301-901","data":{{"AENUM":{number}}}}}]'.encode()
        assert error_of(twin.post(body))[0] == 400

    def test_a_deleted_record_stays_as_it_is(self, twin: Client) -> None:
        deleted = next(row for row in twin.rows("records") if row["deleted"] and row["formKey"] not in ("OLDVS", "REG"))
        item = {"formKey": deleted["formKey"], "recordId": deleted["recordId"], "data": {"X": "1"}}
        name = twin.box.studies[TWIN].design.forms[deleted["formKey"]]["variables"][0]["variableName"]
        assert error_of(twin.post([{**item, "data": {name: ""}}]))[0] == 400

    def test_a_record_belongs_to_its_subject(self, twin: Client) -> None:
        event = next(row for row in twin.rows("records") if row["formKey"] == "AE" and row["subjectKey"] == "301-901")
        item = {"formKey": "AE", "recordId": event["recordId"], "subjectKey": "301-902", "data": {"AETERM": "x"}}
        assert "another subject" in error_of(twin.post([item]))[1]["description"]

    def test_a_visit_that_is_written_to_has_taken_place(self, twin: Client) -> None:
        missed = next(row for row in twin.rows("visits") if row["intervalId"] == 509 and row["subjectKey"] == "301-901")
        assert not missed["visitDate"]
        item = {"formKey": "FU", "subjectKey": "301-901", "intervalId": 509, "data": {"FUDAT": "2026-10-30"}}
        twin.post([item])
        (visit,) = twin.rows("visits", filter=f"visitId=={missed['visitId']}")
        assert (visit["visitDate"], visit["dateModified"]) == ("2026-10-30", "2026-11-01 00:00:01")
        assert twin.rows("records")[-1]["visitId"] == missed["visitId"]

    def test_each_unscheduled_visit_is_one_of_its_own(self, twin: Client) -> None:
        item = {"formKey": "UNS", "subjectKey": "301-901", "intervalName": "Unscheduled", "data": {"UNREAS": "Pain"}}
        for count in (1, 2):
            twin.post([item])
            assert twin.rows("records")[-1]["recordData"]["unvnum"] == str(count)
        first, second = twin.rows("records")[-2:]
        assert first["visitId"] != second["visitId"]

    def test_a_finished_job_keeps_its_state(self, twin: Client) -> None:
        receipt = json.loads(twin.post([{"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": "x"}}]).body)
        path = f"{STUDIES}/{TWIN}/jobs/{receipt['batchId']}"
        before = twin.ask("GET", path).body
        twin.control("POST", "switches", {"jobOutcome": "none", "jobStates": "upper"})
        assert twin.ask("GET", path).body == before


class TestRequests:
    @pytest.mark.parametrize("text", ["dateModified>=2026-13-45T99:00:00Z", "dateCreated<2026-02-30T00:00:00Z"])
    def test_impossible_dates_are_refused(self, box: Sandbox, text: str) -> None:
        assert error_of(Client(box).answer("records", filter=text))[0] == 400
        assert error_of(Client(box).answer("visits", filter="visitDate<2019-99-99"))[0] == 400

    def test_fractions_of_seconds_count(self, box: Sandbox) -> None:
        at = Client(box).get("records", filter="dateModified>=2026-09-15T02:00:00.500Z")["pagination"]["totalElements"]
        all_of_it = Client(box).get("records", filter="dateModified>=2026-09-15T02:00:00Z")["pagination"][
            "totalElements"
        ]
        imported = Client(box).get("records", filter="dateModified==2026-09-15T02:00:00Z")["pagination"][
            "totalElements"
        ]
        assert all_of_it - at == imported > 20

    def test_patterns_that_would_take_for_ever_are_refused(self, box: Sandbox) -> None:
        for pattern in (r"(\w+\s?)+!$", "(a*)*b", "x" * 201):
            assert error_of(Client(box).answer("records", recordDataFilter=f"AENARR=~{pattern}"))[0] == 400

    def test_lenient_servers_are_lenient_about_answers_too(self) -> None:
        client = Client(Sandbox(lenient=True))
        strict = Client(client.box).rows("records", recordDataFilter="AESER==Yes")
        assert client.rows("records", recordDataFilter="aeser == yes") == strict != []

    def test_many_studies_come_and_go(self) -> None:
        client = Client(Sandbox())
        for value, count in (("yes", 122), ("no", 2)):
            client.control("POST", "switches", {"manyStudies": value})
            assert json.loads(client.ask("GET", STUDIES).body)["pagination"]["totalElements"] == count

    @pytest.mark.parametrize(
        ("accepted", "packed"), [("gzip;q=0", False), ("br, gzip;q=0.5", True), ("gzipped", False)]
    )
    def test_compression_is_asked_for(self, box: Sandbox, accepted: str, packed: bool) -> None:
        answer = Client(box, **{"accept-encoding": accepted}).answer("sites")
        assert ("Content-Encoding" in answer.headers) is packed

    def test_readers_and_writers_at_once(self) -> None:
        """Everybody gets an answer, and every row is whole."""
        box = Sandbox(switches={"jobSeconds": "0", "postToMainStudy": "accepted"})
        wrong: list[Any] = []
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                for name, text in (
                    ("visits", "intervalId==501"),
                    ("subjects", "siteId==301"),
                    ("records", "formKey==REG"),
                ):
                    answer = Client(box).answer(name, filter=text, size=500)
                    if answer.status != 200:
                        wrong.append(answer.body)

        def write() -> None:
            item = {"formKey": "REG", "siteId": 301, "data": {"REGYOB": 1950}}
            for _ in range(25):
                answer = Client(box).post([item])
                if answer.status != 200:
                    wrong.append(answer.body)

        readers = [threading.Thread(target=read) for _ in range(2)]
        writers = [threading.Thread(target=write) for _ in range(3)]
        for thread in [*readers, *writers]:
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        for thread in readers:
            thread.join()
        assert wrong == []
        keys = [row["subjectKey"] for row in Client(box).rows("subjects")]
        assert len(keys) == len(set(keys)) == 48 + 75

    def test_a_row_that_comes_while_a_filter_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lists are read while nobody writes: the lock that keeps writers out is held."""
        box = Sandbox()
        held: list[bool] = []
        values = Table.values

        def watched(self: Table, field: str) -> Iterator[Any]:
            free = threading.Thread(target=lambda: held.append(not box.api._write_lock.acquire(blocking=False)))
            free.start()
            free.join()
            return values(self, field)

        monkeypatch.setattr(Table, "values", watched)
        Client(box).get("sites", filter="siteName==x")
        assert held
        assert all(held)


class TestTrouble:
    @pytest.mark.parametrize("words", ["remove-row", "repeat-page", "repeat-row", "fewer-pages", "empty-page"])
    def test_faults_on_odd_requests_make_no_crash(self, words: str) -> None:
        client = Client(Sandbox(profile="empty", faults=[words]))
        for name, query in (("records", {}), ("nothing", {}), ("sites", {"page": "x"}), ("users", {"page": "²"})):
            answer = client.answer(name, **query)
            assert answer.status in (200, 400, 404)
            page = json.loads(answer.body)
            if answer.status == 200:
                assert page["pagination"]["totalElements"] >= 0

    def test_the_page_before_keeps_its_order(self, box: Sandbox) -> None:
        client = Client(Sandbox(faults=["repeat-page nth=1"]))
        query = {"sort": ["subjectStatus,asc", "subjectKey,desc"], "size": 10}
        repeated = client.get("subjects", page=1, **query)["data"]
        assert repeated == client.get("subjects", page=0, **query)["data"]

    @pytest.mark.parametrize("wrong", [{"seconds": -1}, {"seconds": float("nan")}, {"seconds": "x"}, {"every": 0}])
    def test_faults_that_cannot_be(self, wrong: Row) -> None:
        with pytest.raises(ValueError, match="fault latency"):
            Fault("latency", **wrong)

    @pytest.mark.parametrize(
        ("options", "message"),
        [({"faults": ["status GET recods"]}, "no list 'recods'; choose one of: studies"),
         ({"faults": [""]}, "no fault ''"),
         ({"faults": ["status sites visits"]}, "about one endpoint"), ({"faults": [None]}, "words or Fault objects"),
         ({"faults": [{}]}, "words or Fault objects"), ({"seed": "x"}, "whole number"),
         ({"port": 99999}, "0 to 65535"),
         ({"size": "large", "profile": "wide"}, "size of its own")],
    )  # fmt: skip
    def test_what_a_sandbox_cannot_be_told(self, options: Row, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Sandbox(**options)
        assert Sandbox(faults="status get sites").faults.planned[0].method == "GET"

    def test_it_serves_again_after_a_stop_and_once_when_started_twice(self) -> None:
        box = Sandbox()
        for _ in range(2):
            with box.start() as again:
                assert again is box
                host, port = box.url.removeprefix("http://").split(":")
                with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
                    line.sendall(b"GET /_sandbox/stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    assert line.recv(100).startswith(b"HTTP/1.1 200")

    def test_places_that_are_not_there(self) -> None:
        sites = Sandbox().studies[MAIN].table("sites")
        sites.remove(2)
        for place in (2, 50, -1):
            with pytest.raises(IndexError, match=f"sites has no row at place {place}"):
                sites.remove(place)
            with pytest.raises(IndexError, match="sites"):
                sites.change(place, siteName="x")
        assert len(sites) == len(list(sites.rows())) == 5

    def test_filters_when_the_last_row_is_gone(self) -> None:
        client = Client(Sandbox())
        sites = client.box.studies[MAIN].table("sites")
        last = sites.row(5)["siteName"]
        sites.remove(5)
        assert client.rows("sites", filter=f'siteName=="{last}"') == []
        assert len(client.rows("sites", filter='siteName!="x"')) == 5

    def test_an_interceptor_must_answer(self, capsys: pytest.CaptureFixture[str]) -> None:
        silent: Any = lambda request, answer: None  # noqa: E731
        answer = Client(Sandbox(intercept=silent)).answer("sites")
        assert json.loads(answer.body) == {"message": "the sandbox failed: TypeError"}
        assert "intercept must return an Answer, not NoneType" in capsys.readouterr().err

    def test_control_withstands_nonsense(self, box: Sandbox) -> None:
        for body in (b"[" * 100_000, b'{"days": true}', b'{"days": 0.5}', b"\xff"):
            for name in ("switches", "advance", "faults"):
                assert box.answer(Request("POST", f"/_sandbox/{name}", KEYS, body)).status == 400

    def test_bodies_of_unknown_length_are_refused(self, box: Sandbox) -> None:
        """A chunked body must not be taken for the next request."""
        host, port = box.url.removeprefix("http://").split(":")
        for header in ("Transfer-Encoding: chunked", f"Content-Length: {'9' * 30}"):
            with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
                line.sendall(f"POST /x HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n5\r\nGET /\r\n0\r\n\r\n".encode())
                found = b""
                while part := line.recv(4096):
                    found += part
                assert found.count(b"HTTP/1.1 4") == 1
