"""How right answers look: every switch of the dialect, the trouble on the way, and the endpoint that turns both."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from asking import KEYS, MAIN, STUDIES, TWIN, Client
from imednet.sandbox import Fault, Sandbox, Switches
from imednet.sandbox.server.faults import KINDS
from imednet.sandbox.server.switches import SWITCHES
from support import LISTS, PATIENCE

Row = dict[str, Any]


def turned(**switches: str) -> Client:
    return Client(Sandbox(switches=switches))


@pytest.fixture(scope="module")
def plain(box: Sandbox) -> Client:
    return Client(box)


class TestDialect:
    def test_role_dates(self, plain: Client) -> None:
        arrays = [role for user in plain.rows("users") for role in user["roles"]]
        assert {len(role["dateCreated"]) for role in arrays} <= {5, 6, 7}
        assert {type(role["dateModified"]) for role in arrays} <= {list, type(None)}
        texts = [role for user in turned(roleDates="string").rows("users") for role in user["roles"]]
        for array, text in zip(arrays, texts, strict=True):
            numbers = [int(n) for n in text["dateCreated"].replace("T", "-").replace(":", "-").split(".")[0].split("-")]
            assert numbers[: len(array["dateCreated"])] == array["dateCreated"]
        assert any("." in (role["dateModified"] or "") for role in texts)
        assert not any((role["dateModified"] or "").endswith("0") and "." in role["dateModified"] for role in texts)
        mixed = [role for user in turned(roleDates="mixed").rows("users") for role in user["roles"]]
        assert {type(role["dateCreated"]) for role in mixed} == {list, str}
        assert {type(role["dateModified"]) for role in mixed} >= {str}

    @pytest.mark.parametrize(
        ("switch", "value", "name", "field", "words"),
        [("siteStatus", "token", "sites", "siteEnrollmentStatus", {"ENROLLMENT_OPEN", "READ_ONLY"}),
         ("formType", "SUBJECT", "forms", "formType", {"SUBJECT", "SITE"}),
         ("formType", "Patient", "forms", "formType", {"Patient", "Site"}),
         ("timeline", "sample", "intervals", "timeline", {"Start Date End Date", "None"}),
         ("statusWords", "german", "subjects", "subjectStatus", {"Registriert", "Eingeschlossen", "Abgeschlossen"})],
    )  # fmt: skip
    def test_words_are_those_filters_understand(
        self, switch: str, value: str, name: str, field: str, words: set[str]
    ) -> None:
        client = turned(**{switch: value})
        rows = client.rows(name)
        assert words <= {row[field] for row in rows}
        word = sorted(words)[0]
        assert client.rows(name, filter=f"{field}=={word}") == [row for row in rows if row[field] == word]

    def test_two_fields_of_forms(self) -> None:
        assert {str(row["otherForms"]) for row in turned(otherForms="list").rows("forms")} == {"[]"}
        absent = turned(subjectRecordReport="absent").rows("forms")
        assert not any("subjectRecordReport" in row for row in absent)

    def test_german_words_change_no_state(self, plain: Client) -> None:
        english, german = plain.rows("queries"), turned(statusWords="german").rows("queries")
        for one, other in zip(english, german, strict=True):
            assert [c["closed"] for c in one["queryComments"]] == [c["closed"] for c in other["queryComments"]]
        assert any("geschlossen" in c["annotationStatus"] for query in german for c in query["queryComments"])

    def test_what_stands_for_nothing(self, plain: Client) -> None:
        """Null, empty text or absence; numbers and lists are never empty text; answers stay as they are."""
        for name in ("records", "subjects", "recordRevisions", "intervals"):
            nulls = plain.rows(name)
            empty, absent, mixed = (turned(emptyStyle=style).rows(name) for style in ("empty", "absent", "mixed"))
            ways = set()
            for row, as_empty, as_absent, as_mixed in zip(nulls, empty, absent, mixed, strict=True):
                gone = {field for field, value in row.items() if value is None and field != "recordData"}
                assert set(as_absent) == set(row) - gone
                assert set(as_empty) == set(row)
                for field in gone:
                    number = field.endswith(("Id", "Slack", "Period", "In")) or field == "keywords"
                    assert as_empty[field] == (None if number else "")
                    ways.add(repr(as_mixed.get(field, "absent")))
                assert as_absent.get("recordData") == as_empty.get("recordData") == row.get("recordData")
            assert ways >= {"None", "'absent'"}

    def test_names_and_kinds_of_answers(self, plain: Client) -> None:
        lower = turned(recordDataCase="lower")
        for row, other in zip(plain.rows("records"), lower.rows("records"), strict=True):
            if row["recordData"]:
                meta = ("dateCreated", "dateModified", "unvnum")
                assert list(other["recordData"]) == [n if n in meta else n.lower() for n in row["recordData"]]
        assert lower.rows("records", recordDataFilter="aeser==Yes")
        assert not lower.rows("records", recordDataFilter="AESER==Yes")
        text, typed = plain.rows("records"), turned(valueTypes="typed").rows("records")
        kinds = set()
        choices = plain.box.studies[MAIN].design.codes("SEV")
        for one, other in zip(text, typed, strict=True):
            if one["formKey"] == "AE" and one["recordData"] and one["recordData"].get("AESEV") in choices:
                assert other["recordData"]["AESEV"] == choices.index(one["recordData"]["AESEV"]) + 1
            kinds |= {type(value).__name__ for value in (other["recordData"] or {}).values()}
            assert not [
                n for n, v in (other["recordData"] or {}).items() if v == "" and n.startswith(("SYSBP", "AESER"))
            ]
        assert {"int", "float", "str", "list"} <= kinds
        stored = [value for row in typed for value in (row["recordData"] or {}).values() if isinstance(value, str)]
        assert any("`" in value for value in stored)
        assert any(value.startswith("UN-") for value in stored)
        assert any(len(value) == 16 and value[10] == "T" for value in stored)

    def test_blinded_answers(self, plain: Client) -> None:
        arm = "subjectKey==304-003;formKey==RAND"
        assert "RANDARM" not in plain.rows("records", filter=arm)[0]["recordData"]
        unblinded = Client(plain.box, **{"x-api-key": "demo-unblinded-key"})
        shown = unblinded.rows("records", filter=arm)[0]["recordData"]["RANDARM"]
        assert shown in ("Treatment", "Sham control")
        assert turned(blindedValues="masked").rows("records", filter=arm)[0]["recordData"]["RANDARM"] == "***"
        assert turned(blindedValues="shown").rows("records", filter=arm)[0]["recordData"]["RANDARM"] == shown
        assert not plain.rows("records", recordDataFilter=f'RANDARM=="{shown}"')

    def test_pages(self) -> None:
        assert turned(codingsPage="404").answer("codings").status == 404
        empty = turned(emptyTotalPages="1").get("records", filter="recordId==1")["pagination"]
        assert (empty["totalPages"], empty["totalElements"]) == (1, 0)

    def test_many_studies(self) -> None:
        client = turned(manyStudies="yes")
        keys = []
        for page in range(5):
            body = json.loads(client.ask("GET", STUDIES, page=page).body)
            keys += [row["studyKey"] for row in body["data"]]
        assert body["pagination"]["totalPages"] == 5
        assert len(keys) == len(set(keys)) == 122
        client.study = "TIDEWATER-399"
        assert client.rows("records") == []
        assert len(client.rows("forms")) == 29

    def test_the_live_dialect_is_a_name_for_a_set(self) -> None:
        live = Switches(dialect="live")
        assert {name: value for name, value in live.items() if value != SWITCHES[name].values[0]} == {
            "roleDates": "string", "siteStatus": "token", "formType": "SUBJECT", "emptyStyle": "mixed",
            "jobStates": "upper", "postStatus": "202",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("chosen", "message"),
        [({"nothing": "x"}, "there is no switch 'nothing'; choose one of: roleDates"),
         ({"roleDates": "x"}, "switch roleDates has no value 'x'; choose one of: array, string, mixed")],
    )  # fmt: skip
    def test_wrong_switches_are_named(self, chosen: dict[str, str], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Switches({"roleDates": "mixed", **chosen} if "nothing" in chosen else chosen)
        wrongs: list[dict[str, Any]] = [{"dialect": "x"}, {"size": "x"}, {"profile": "x"}, {"host": "0.0.0.0"}]
        for wrong in wrongs:
            with pytest.raises(ValueError, match=r"choose one of|this machine only"):
                Sandbox(**wrong)


@pytest.fixture
def serve() -> Iterator[Callable[..., Sandbox]]:
    boxes: list[Sandbox] = []

    def make(*faults: Fault | str, **options: Any) -> Sandbox:
        boxes.append(Sandbox(faults=faults, **options).start())
        return boxes[-1]

    yield make
    for one in boxes:
        one.stop()


def fetch(box: Sandbox, path: str = "sites", study: str = MAIN, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request over a socket of its own: status, headers, body."""
    request = urllib.request.Request(f"{box.url}{STUDIES}/{study}/{path}", headers={**KEYS, **headers})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


BROKEN = (ConnectionError, http.client.HTTPException, urllib.error.URLError, OSError)


class TestFaults:
    def test_the_third_get_of_records(self, serve: Callable[..., Sandbox]) -> None:
        box = serve("status GET records nth=3 status=429 retry_after=7")
        found = [fetch(box, "records?size=1") for _ in range(4)]
        assert [status for status, _, _ in found] == [200, 200, 429, 200]
        assert found[2][1]["Retry-After"] == "7"
        assert json.loads(found[2][2])["metadata"]["error"]["code"] == "9000"
        assert fetch(box, "sites")[0] == 200

    def test_retry_after_as_a_date_or_not_at_all(self, serve: Callable[..., Sandbox]) -> None:
        box = serve(
            Fault("status", endpoint="sites", status=429, retry_after=30, as_date=True), "status forms status=429"
        )
        when = parsedate_to_datetime(fetch(box)[1]["Retry-After"])
        assert 20 < (when - datetime.now(UTC)).total_seconds() <= 31
        assert "Retry-After" not in fetch(box, "forms")[1]

    def test_bursts_and_keys_that_are_refused_after_a_while(self, serve: Callable[..., Sandbox]) -> None:
        box = serve("status sites times=2 status=502", "status forms after=2 status=401")
        assert [fetch(box)[0] for _ in range(4)] == [502, 502, 200, 200]
        assert [fetch(box, "forms")[0] for _ in range(4)] == [200, 200, 401, 401]
        every = serve("status sites every=3")
        assert [fetch(every)[0] for _ in range(6)] == [200, 200, 503, 200, 200, 503]

    def test_a_rate_is_drawn_with_the_seed(self, serve: Callable[..., Sandbox]) -> None:
        runs = [[fetch(box)[0] for _ in range(60)] for box in (serve("status rate=0.3"), serve("status rate=0.3"))]
        assert runs[0] == runs[1]
        assert 8 <= runs[0].count(503) <= 30

    def test_resets_and_cut_bodies(self, serve: Callable[..., Sandbox]) -> None:
        for words in ("reset sites nth=1", "reset-inside sites nth=1", "cut sites nth=1"):
            box = serve(words)
            with pytest.raises(BROKEN):
                fetch(box)
            assert fetch(box)[0] == 200
        status, headers, body = fetch(serve("truncate sites"))
        assert (status, int(headers["Content-Length"])) == (200, len(body))
        with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
            json.loads(body)

    def test_wrong_bodies(self, serve: Callable[..., Sandbox]) -> None:
        assert fetch(serve("bad-gzip"))[1]["Content-Encoding"] == "gzip"
        status, headers, body = fetch(serve("html"))
        assert (status, headers["Content-Type"], b"<html>" in body) == (200, "text/html", True)
        _, headers, body = fetch(serve("content-type"))
        assert headers["Content-Type"] == "text/plain"
        assert json.loads(body)["data"]
        assert len(fetch(serve("huge"))[2]) > 60_000_000

    def test_slowness(self, serve: Callable[..., Sandbox]) -> None:
        start = time.monotonic()
        body = fetch(serve("slow sites bytes_per_second=2500"))[2]
        assert time.monotonic() - start >= len(body) / 2500 * 0.9
        box = serve("latency seconds=0.2")
        start = time.monotonic()
        fetch(box)
        assert time.monotonic() - start >= 0.2
        spread = Sandbox(faults=[Fault("latency", seconds=0.1, spread=0.5)])
        waits = [Client(spread).answer("sites").delay for _ in range(50)]
        assert len(set(waits)) == 50
        assert 0.06 < sorted(waits)[25] < 0.16

    def test_pages_that_lie(self) -> None:
        def pages(words: str) -> list[Row]:
            client = Client(Sandbox(faults=[words]))
            return [client.get("records", size=500, page=page) for page in range(3)]

        right = pages("status sites")
        assert pages("repeat-page nth=2")[1] == right[0]
        assert pages("empty-page nth=2")[1]["data"] == []
        assert pages("no-pagination nth=2")[1]["pagination"] is None
        for words, step in (("fewer-pages nth=2", -1), ("more-pages nth=2", 1)):
            found = pages(words)[1]["pagination"]
            assert found["totalPages"] == right[1]["pagination"]["totalPages"] + step
            assert found["totalElements"] == right[1]["pagination"]["totalElements"] + 500 * step
        assert pages("repeat-row nth=2")[1]["data"][0] == right[0]["data"][-1]
        moved = pages("remove-row nth=2")
        assert moved[1]["data"][0] == right[1]["data"][1]
        assert moved[1]["pagination"]["totalElements"] == right[1]["pagination"]["totalElements"] - 1

    def test_a_write_that_was_stored_although_nobody_heard(self, serve: Callable[..., Sandbox]) -> None:
        box = serve("drop-after-store POST records", "reset POST jobs", switches={"jobSeconds": "0"})
        before = len(box.studies[TWIN].records)
        item = [{"formKey": "AE", "subjectKey": "301-901", "data": {"AETERM": "x"}}]
        request = urllib.request.Request(
            f"{box.url}{STUDIES}/{TWIN}/records", json.dumps(item).encode(), headers=KEYS, method="POST"
        )
        with pytest.raises(BROKEN):
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert len(box.studies[TWIN].records) == before + 1
        assert box.stats()["requests"] == {"POST records": 1}

    @pytest.mark.parametrize(
        ("words", "message"),
        [("nothing", "choose one of: status, reset"), ("status nth=x", "nth=x"),
         ("status colour=1", "has no option 'colour'"),
         ("status status=200", "from 400 on"), ("status rate=2", "rate must be from 0 to 1")],
    )  # fmt: skip
    def test_wrong_faults_are_named(self, words: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Sandbox(faults=[words])

    def test_every_kind_is_tried_here(self) -> None:
        text = Path(__file__).read_text("utf-8")
        assert [kind for kind in KINDS if f'"{kind}' not in text] == []


class TestControl:
    def test_switches_faults_and_counters(self, serve: Callable[..., Sandbox]) -> None:
        box = serve()
        client = Client(box)
        assert client.control("GET", "switches")["siteStatus"] == "label"
        client.get("sites")
        assert client.control("POST", "switches", {"siteStatus": "token"})["siteStatus"] == "token"
        assert client.get("sites")["data"][0]["siteEnrollmentStatus"] == "ENROLLMENT_OPEN"
        client.control("POST", "faults", ["status sites status=500 nth=1", {"kind": "html", "endpoint": "forms"}])
        assert client.answer("sites").status == 500
        assert client.control("GET", "faults")[0]["done"] == 1
        client.control("DELETE", "faults")
        assert client.answer("forms").headers["Content-Type"] == "application/json"
        assert client.control("GET", "stats")["requests"] == {"GET forms": 1, "GET sites": 3}
        assert client.control("POST", "reset-stats")["requests"] == {}
        assert client.control("POST", "advance", {"days": 1})["days"] == 1
        assert client.control("GET", "stats")["clock"] == "2026-11-02 00:00:00"
        assert client.control("GET", "manifest")["study"][MAIN]["lists"]["sites"]["count"] == 6
        with urllib.request.urlopen(f"{box.url}/_sandbox/stats") as answer:
            assert json.load(answer)["most_at_once"] == 0

    @pytest.mark.parametrize(
        ("method", "name", "body"),
        [("POST", "switches", b'{"nothing": 1}'), ("POST", "switches", b"[1]"), ("POST", "faults", b'["nothing"]'),
         ("POST", "faults", b'[{"kind": "html", "colour": 1}]'), ("POST", "advance", b'{"days": -1}'),
         ("POST", "advance", b"{}"), ("POST", "advance", b"no json"), ("GET", "nothing", b"")],
    )  # fmt: skip
    def test_what_it_does_not_understand_it_names(self, box: Sandbox, method: str, name: str, body: bytes) -> None:
        answer = Client(box).ask(method, f"/_sandbox/{name}", body)
        assert answer.status in (400, 404)
        assert json.loads(answer.body)["error"]

    def test_the_highest_number_at_once(self, serve: Callable[..., Sandbox]) -> None:
        box = serve()
        gate = threading.Barrier(5)

        def wait(request: Any, answer: Any) -> Any:
            gate.wait(10)
            return answer(request)

        box._intercept = wait
        threads = [threading.Thread(target=fetch, args=(box,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert box.stats()["most_at_once"] == 5


def test_a_mistake_of_the_sandbox_is_no_empty_answer() -> None:
    def broken(request: Any, answer: Any) -> Any:
        raise ZeroDivisionError("PLANTED")

    answer = Client(Sandbox(intercept=broken)).answer("sites")
    assert (answer.status, json.loads(answer.body)) == (500, {"message": "the sandbox failed: ZeroDivisionError"})


def test_odd_requests_over_a_socket(serve: Callable[..., Sandbox]) -> None:
    """Methods nobody knows, wrong lengths, heads without bodies: always an answer."""
    box = serve()
    host, port = box.url.removeprefix("http://").split(":")
    for text in (
        "HEAD /x HTTP/1.1",
        "BREW /pot HTTP/1.1",
        "GET /x HTTP/1.1\r\nContent-Length: -5",
        "OPTIONS * HTTP/1.1",
    ):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
            line.sendall(f"{text}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            assert line.recv(1000).startswith(b"HTTP/1.1 4")


def test_the_fixture_for_pipelines(pytester: pytest.Pytester) -> None:
    """The plugin is found without being named, takes options from its marker, and gives each test its own server."""
    pytester.makepyfile(
        """
        import json, urllib.request
        import pytest

        def test_plain(imednet_sandbox):
            assert imednet_sandbox.api.switches["siteStatus"] == "label"
            assert imednet_sandbox.url.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(imednet_sandbox.url + "/_sandbox/stats") as answer:
                assert json.load(answer)["requests"] == {}

        @pytest.mark.imednet_sandbox(profile="empty", dialect="live", faults=["status sites nth=1"])
        def test_marked(imednet_sandbox):
            assert imednet_sandbox.api.switches["siteStatus"] == "token"
            assert len(imednet_sandbox.faults.planned) == 1
        """
    )
    result = pytester.runpytest_subprocess("--strict-markers", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)
    assert "imednet_sandbox" in "\n".join(pytester.runpytest_subprocess("--markers").outlines)


def test_every_list_fits_both_dialects() -> None:
    """The live dialect is served whole, page by page."""
    client = Client(Sandbox(dialect="live"))
    for name in LISTS.values():
        assert len(client.rows(name)) == client.get(name)["pagination"]["totalElements"]
