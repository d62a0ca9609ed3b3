"""Odd servers, odd values and odd surroundings: each of these once went wrong, or nearly did."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from imednet import AsyncImednetSDK, ImednetSDK
from imednet.core.client import Client
from imednet.core.filtering import grammar as filters
from imednet.core.retry import RetryState
from imednet.errors import (
    ApiError,
    ArgumentError,
    ConfigurationError,
    ExportConfigurationError,
    ExportError,
    ImednetError,
    InvalidAnswerError,
    LifecycleError,
    RequestError,
    ServerError,
    UnknownFilterError,
)
from imednet.integrations import export_to_csv, export_to_parquet
from imednet.sandbox import Answer, Request, Sandbox
from support import STUDY, Ways, built, served

Make = Callable[..., Sandbox]
KARACHI = timezone(timedelta(hours=5))


class TestReads:
    def test_a_filter_on_what_may_change_loses_no_row(self, own_box: Make, door: Ways) -> None:
        """One row leaves the filtered set, an older one enters: all counts agree, and pages would have shifted."""
        lock = threading.Lock()
        boxes: list[Sandbox] = []
        done: list[bool] = []
        stay: list[int] = []

        def drift(request: Request, answer: Callable[[Request], Answer]) -> Answer:
            with lock:
                query = dict(request.query)
                if ">" in query.get("filter", "") and not done:
                    done.append(True)
                    records = boxes[0].studies[STUDY].records
                    status = "Record Incomplete"
                    inside = [place for place, found in enumerate(records.values("recordStatus")) if found == status]
                    outside = [place for place in records.places() if place not in inside]
                    records.change(inside[3], recordStatus="Record Reopened")
                    records.change(outside[len(outside) // 2], recordStatus=status)
                    stay.extend(records.row(place)["recordId"] for place in inside if place != inside[3])
                return answer(request)

        box = own_box(intercept=drift)
        boxes.append(box)
        rows = door(box, max_in_flight=1).call("records.list", STUDY, record_status="Record Incomplete", page_size=100)
        assert (rows.proof.proven, rows.proof.rule) == (True, "intervals")
        assert set(stay) <= {row.record_id for row in rows}
        assert len(rows) == len({row.record_id for row in rows})
        plain = door(own_box()).call("records.list", STUDY, form_key="DIARY", page_size=100)
        assert (plain.proof.proven, plain.proof.rule) == (True, "intervals")
        answers = door(own_box()).call("records.list", STUDY, record_data_filter="VSND==Yes", page_size=20)
        assert (answers.proof.proven, answers.proof.rule) == (True, "intervals")

    def test_a_list_with_revisions_may_grow_in_the_middle(self, own_box: Make, door: Ways) -> None:
        """A term coded anew while codings are read shifts no page."""
        lock = threading.Lock()
        boxes: list[Sandbox] = []
        done: list[bool] = []

        def recode(request: Request, answer: Callable[[Request], Answer]) -> Answer:
            with lock:
                if "codingId>" in dict(request.query).get("filter", "") and not done:
                    done.append(True)
                    codings = boxes[0].studies[STUDY].table("codings")
                    *_, before, last = codings.rows()
                    codings.add({**before, "revision": 9, "codingId": last["codingId"]})
                return answer(request)

        box = own_box(intercept=recode)
        boxes.append(box)
        rows = door(box).call("codings.list", STUDY, page_size=100)
        start = [row for row in box.studies[STUDY].rows("codings") if row["revision"] != 9]
        read = {(row.coding_id, row.revision) for row in rows}
        assert {(row["codingId"], row["revision"]) for row in start} <= read
        assert (rows.proof.proven, rows.proof.rule) == (True, "intervals")

    def test_a_study_key_is_a_filter_of_studies(self, box: Sandbox, door: Ways) -> None:
        sdk = door(box)
        assert [one.study_key for one in sdk.call("studies.list", study_key=STUDY)] == [STUDY]
        assert sdk.call("studies.list", study_key="NOPE") == []
        assert sdk.call("studies.count", study_key="NOPE") == 0
        assert sdk.call("studies.get", item_id=STUDY) == sdk.call("studies.get", STUDY)

    def test_users_cannot_be_filtered_in_any_way(self, box: Sandbox, door: Ways) -> None:
        for arguments in ({"filters": {"login": "nobody"}}, {"filter": "login==x"}, {"login": "x"}):
            with pytest.raises((UnknownFilterError, ArgumentError), match="cannot filter users"):
                door(box).call("users.list", STUDY, **arguments)

    def test_rows_that_are_kept_cannot_be_changed_from_outside(self, box: Sandbox, door: Ways) -> None:
        sdk = door(box)
        for raw in (False, True):
            first = sdk.call("forms.list", STUDY, raw=raw)
            expected = [dict(row) if raw else row.to_dict() for row in first]
            if raw:
                first[0]["formName"] = "changed"
            else:
                first[0].form_name = "changed"
            again = sdk.call("forms.list", STUDY, raw=raw)
            assert [dict(row) if raw else row.to_dict() for row in again] == expected
            assert again.proof == first.proof
        assert pickle.loads(pickle.dumps(first)).proof == first.proof

    def test_an_async_sdk_says_that_it_belongs_to_one_loop(self, box: Sandbox) -> None:
        sdk = AsyncImednetSDK(**box.credentials)

        async def read(close: bool) -> None:
            await sdk.sites.list(STUDY)
            if close:
                await sdk.aclose()

        with asyncio.Runner() as first, asyncio.Runner() as second:
            first.run(read(close=False))
            with pytest.raises(LifecycleError, match="for each loop"):
                second.run(read(close=False))
            first.run(read(close=True))


class TestFilters:
    class Form(str, Enum):  # noqa: UP042  (its str() is not its value)
        AE = "AE"

    class Site(IntEnum):
        FIRST = 301

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ({"form_key": Form.AE}, "formKey==AE"), ({"site_id": Site.FIRST}, "siteId==301"),
            ({"site_id": 301.0}, "siteId==301"),
            ({"date_modified": ("<", datetime(2026, 1, 1, 0, 0, 0, 5, UTC))}, "dateModified<2026-01-01T00:00:01Z"),
            ({"date_modified": (">=", datetime(2026, 1, 1, 0, 0, 0, 5, UTC))}, "dateModified>=2026-01-01T00:00:01Z"),
            ({"date_modified": (">", datetime(2026, 1, 1, 0, 0, 0, 5, UTC))}, "dateModified>2026-01-01T00:00:00Z"),
            ({"date_modified": ("<=", datetime(2026, 1, 1, 0, 0, 0, 5, UTC))}, "dateModified<=2026-01-01T00:00:00Z"),
        ],
    )  # fmt: skip
    def test_values_of_any_kind_mean_themselves(self, given: dict[str, Any], sent: str) -> None:
        from imednet_api.api import operation

        assert built(operation("list_records"), given) == sent

    @pytest.mark.parametrize(
        "value",
        [
            float("nan"),
            float("inf"),
            datetime(2026, 1, 1, 0, 0, 0, 5, UTC),
            datetime.min.replace(tzinfo=KARACHI),
            b"AE",
        ],
    )
    def test_values_that_mean_nothing_are_refused(self, value: Any) -> None:
        with pytest.raises(ArgumentError):
            filters.clause("dateModified", value)

    @pytest.mark.parametrize(
        "expression",
        [
            """recordStatus=='5" open',recordType=='6" kind'""",
            'a=="x"or b=="y"',
            "a==1 OR b==2",
            """a=="it's",b=="it's\"""",
        ],
    )
    def test_an_or_between_odd_quotes_is_seen(self, expression: str) -> None:
        assert filters.clauses_if_conjunction(expression) is None

    def test_connectors_inside_quotes_are_text(self) -> None:
        filters.check_record_data_filter("AETERM=='a;b',AESER==Yes")
        with pytest.raises(ArgumentError):
            filters.check_record_data_filter("AETERM=='a;b',AESER==Yes;X==1")


class TestWrites:
    ITEM = {"formKey": "AE", "subjectKey": "301-001", "data": {"AETERM": "PLANTED"}}  # noqa: RUF012

    @pytest.mark.parametrize(
        "payload",
        [
            {"metadata": {"error": {"code": "1000", "description": "no"}}}, {"message": "Endpoint request timed out"},
            {}, [{}], ["x"], 5, None, "x",
        ],
    )  # fmt: skip
    def test_what_is_no_job_is_an_error(self, own_box: Make, door: Ways, payload: Any) -> None:
        box = own_box(intercept=lambda *_: Answer(200, json.dumps(payload).encode()))
        sdk = door(box, retries=0)
        for method, argument in (("records.create", [self.ITEM]), ("jobs.get", "b")):
            with pytest.raises((ApiError, InvalidAnswerError)):
                sdk.call(method, STUDY, argument)

    @pytest.mark.parametrize(
        "answer", [Answer(200, b'{"jobId"'), Answer(200, b"<html>"), Answer(504, b""), Answer(500, b"{}")]
    )
    def test_no_message_says_to_send_a_write_again(self, own_box: Make, door: Ways, answer: Answer) -> None:
        with pytest.raises((InvalidAnswerError, ServerError), match="read the records back") as caught:
            door(own_box(intercept=lambda *_: answer)).call("records.create", STUDY, [self.ITEM])
        assert "try again" not in str(caught.value)

    @pytest.mark.parametrize("value", [date(2026, 1, 1), {1}, b"x", float("nan"), "\ud800"])
    def test_answers_that_cannot_be_written_are_refused_unshown(self, own_box: Make, door: Ways, value: Any) -> None:
        box = own_box()
        items = [{**self.ITEM, "data": {"AETERM": "PLANTED", "X": value}}]
        with pytest.raises(ArgumentError) as caught:
            door(box).call("records.create", STUDY, items)
        assert "PLANTED" not in repr(caught.value) + repr(caught.value.__context__)
        assert box.requests == []

    @pytest.mark.parametrize("items", [["ab"], [5], 5, [None], b"x"])
    def test_items_that_are_no_mappings_are_refused(self, box: Sandbox, door: Ways, items: Any) -> None:
        with pytest.raises(ArgumentError):
            door(box).call("records.create", STUDY, items)

    @pytest.mark.parametrize("address", ["é@x.org", " ", "a\r\nb"])
    def test_addresses_that_no_header_can_carry_are_refused(self, box: Sandbox, door: Ways, address: str) -> None:
        with pytest.raises(ArgumentError, match="x-email-notify"):
            door(box).call("records.create", STUDY, [self.ITEM], email_notify=address)

    def test_the_server_s_words_do_not_repeat_what_was_written(self, own_box: Make, door: Ways) -> None:
        """Also where the envelope does not say which value it means, or spells it in another case."""
        body = {"metadata": {"error": {"code": "1000", "description": "Value 'planted' is not allowed for AETERM"}}}
        box = own_box(intercept=lambda *_: Answer(400, json.dumps(body).encode()))
        sdk = door(box)
        calls: list[tuple[str, list[Any], dict[str, str]]] = [
            ("records.create", [[self.ITEM]], {}),
            ("records.list", [], {"record_data_filter": "AETERM==PLANTED"}),
            ("records.list", [], {"subject_key": "PLANTED"}),
        ]
        for method, arguments, options in calls:
            with pytest.raises(ApiError, match=r"Value '\*\*\*' is not allowed") as caught:
                sdk.call(method, STUDY, *arguments, **options)
            assert b"planted" not in pickle.dumps(caught.value).lower()


class TestSurroundings:
    def test_a_policy_is_not_asked_about_interrupts(self, own_box: Make) -> None:
        asked: list[Any] = []

        class Always:
            def should_retry(self, state: RetryState) -> bool:
                asked.append(state.exception)
                return True

        async def run(box: Sandbox) -> None:
            async with AsyncImednetSDK(**box.credentials, retry_policy=Always(), backoff_factor=0) as sdk:
                task = asyncio.create_task(sdk.sites.list(STUDY))
                await asyncio.sleep(0.2)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        release = threading.Event()

        def slow(request: Request, answer: Callable[[Request], Answer]) -> Answer:
            release.wait(5)
            return answer(request)

        box = own_box(intercept=slow)
        asyncio.run(run(box))
        release.set()
        assert asked == []

    def test_a_proxy_of_the_environment_never_sees_keys_for_this_machine(
        self, box: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
            with ImednetSDK(**box.credentials) as sdk:
                assert len(sdk.sites.list(STUDY)) == 6
            proxy.settimeout(0.2)
            with pytest.raises(TimeoutError):
                proxy.accept()

    @pytest.mark.parametrize(
        ("name", "value"),
        [("HTTPS_PROXY", "ftp://x"), ("HTTPS_PROXY", "http://127.0.0.1:x"), ("SSL_CERT_FILE", "/nonexistent")],
    )
    def test_a_broken_environment_is_named(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        with ImednetSDK("k", "s") as sdk, pytest.raises(ConfigurationError, match=name):
            sdk.sites.list(STUDY)

    def test_another_authentication_keeps_the_base_url_of_the_environment(
        self, box: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Own:
            def get_headers(self) -> dict[str, str]:
                return {"x-api-key": "demo-api-key", "x-imn-security-key": "demo-security-key"}

        monkeypatch.setenv("IMEDNET_BASE_URL", box.url)
        client = Client(auth=Own())
        assert client.base_url == box.url
        with ImednetSDK(client=client) as sdk:
            assert len(sdk.sites.list(STUDY)) == 6
        client.close()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"timeout": -1}, {"timeout": "abc"}, {"timeout": True}, {"retries": None}, {"retries": "3"},
            {"retries": -1},
            {"backoff_factor": None}, {"backoff_factor": float("nan")}, {"max_in_flight": "4"}, {"max_in_flight": 0},
            {"api_key": 123}, {"api_key": b"k"}, {"base_url": 5}, {"base_url": "nonsense"},
        ],
    )  # fmt: skip
    def test_settings_of_a_wrong_kind_are_refused_at_the_door(self, wrong: dict[str, Any]) -> None:
        for sdk in (ImednetSDK, AsyncImednetSDK):
            with pytest.raises(ConfigurationError):
                sdk(**{"api_key": "k", "security_key": "s", **wrong})

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            ("list", {"filters": "a==1"}), ("list", {"filters": [1]}), ("list", {"sort": 5}), ("list", {"sort": [5]}),
            ("list", {"filter": 5}), ("list", {"page_size": True}), ("list", {"page_size": "5"}),
            ("get", {"item_id": [1]}),
            ("get", {"item_id": None}), ("pages", {"sort": "recordId"}), ("count", {"page_size": 5}),
        ],
    )  # fmt: skip
    def test_arguments_of_a_wrong_kind_are_refused(
        self, box: Sandbox, door: Ways, method: str, arguments: dict[str, Any]
    ) -> None:
        with pytest.raises(ImednetError):
            door(box).call(f"records.{method}", STUDY, **arguments)

    def test_odd_answers_raise_nothing_foreign(self, own_box: Make, door: Ways) -> None:
        for answer in (
            Answer(500, b"\xff\xfe", {"Content-Type": "text/html; charset=undefined"}),
            Answer(429, b"", {"Retry-After": "Mon, 99999999999 Jan 2026 00:00:00 GMT"}),
            Answer(204, b""), Answer(206, b"{}"),
        ):  # fmt: skip
            with pytest.raises(ImednetError):
                door(own_box(intercept=lambda *_, sent=answer: sent), retries=0).call("sites.list", STUDY)

    def test_a_hook_of_the_caller_that_raises_becomes_our_error(self, box: Sandbox) -> None:
        def hook(_: httpx.Response) -> None:
            raise KeyError("PLANTED")

        with (
            httpx.Client(event_hooks={"response": [hook]}) as mine,
            ImednetSDK(**box.credentials, http_client=mine) as sdk,
        ):
            with pytest.raises(RequestError, match="KeyError") as caught:
                sdk.sites.list(STUDY)
            with pytest.raises(RequestError, match="do not send it again"):
                sdk.records.create(STUDY, [{"formKey": "AE", "subjectKey": "301-001", "data": {"AETERM": "x"}}])
        assert "PLANTED" not in str(caught.value)

    def test_a_transport_of_the_caller_sees_the_whole_address(self, box: Sandbox) -> None:
        """A cache that keys by the text of the address must not take one filter for another."""
        kept: dict[str, httpx.Response] = {}

        class Cache(httpx.HTTPTransport):
            def handle_request(self, request: httpx.Request) -> httpx.Response:
                if str(request.url) not in kept:
                    response = super().handle_request(request)
                    response.read()
                    kept[str(request.url)] = httpx.Response(200, content=response.content)
                found = kept[str(request.url)]
                return httpx.Response(200, content=found.content)

        with httpx.Client(transport=Cache()) as mine, ImednetSDK(**box.credentials, http_client=mine) as sdk:
            for form in ("AE", "PD"):
                assert {record.form_key for record in sdk.records.list(STUDY, form_key=form)} == {form}

    def test_local_variables_of_a_traceback_show_no_key(self, own_box: Make) -> None:
        code = (
            "import sys, traceback\nfrom imednet import ImednetSDK\n"
            "try:\n    with ImednetSDK('PLANTED-1', 'PLANTED-2', sys.argv[1], retries=0) as sdk:\n"
            "        sdk.records.list('TIDEWATER-201', record_data_filter='AETERM==PLANTED-3')\n"
            "except Exception as error:\n"
            "    trace = traceback.TracebackException.from_exception(error, capture_locals=True)\n"
            "    frames = [f for f in trace.stack if 'imednet' in f.filename]\n"
            "    print(''.join(trace.format_exception_only()))\n"
            "    for f in frames: print(f.name, {k: v for k, v in (f.locals or {}).items()})\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, own_box().url], capture_output=True, text=True, check=True,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert "UnauthorizedError" in done.stdout
        assert "PLANTED-1" not in done.stdout
        assert "PLANTED-2" not in done.stdout


class TestPickles:
    """A pickle carries settings and no keys; where it is loaded the keys come from the environment, or are missed."""

    @pytest.mark.parametrize("kind", [ImednetSDK, AsyncImednetSDK])
    def test_a_pickled_sdk_reads_its_keys_where_it_is_loaded(self, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        sdk = kind("PLANTED-1", "PLANTED-2", "http://127.0.0.1:9", retries=7, timeout=3.5, max_in_flight=2)
        for thing in (sdk, sdk.config, sdk._client.auth):
            assert b"PLANTED" not in pickle.dumps(thing)
            with pytest.raises(ConfigurationError, match="IMEDNET_API_KEY"):
                pickle.loads(pickle.dumps(thing))
        monkeypatch.setenv("IMEDNET_API_KEY", "other-1")
        monkeypatch.setenv("IMEDNET_SECURITY_KEY", "other-2")
        again = pickle.loads(pickle.dumps(sdk))
        client = again._client
        assert (client.retries, client.timeout.read, client.max_in_flight, client.base_url) == (
            7, 3.5, 2, "http://127.0.0.1:9",
        )  # fmt: skip
        assert (again.config.api_key, pickle.loads(pickle.dumps(sdk.config)).security_key) == ("other-1", "other-2")


class TestExports:
    def test_forms_with_one_key_stay_apart(self, own_box: Make, tmp_path: Path) -> None:
        box = own_box()
        forms = box.studies[STUDY].table("forms")
        forms.change(forms.find("formKey", "CM") or 0, formKey="AE")
        with ImednetSDK(**box.credentials) as sdk:
            report = export_to_csv(sdk, STUDY, tmp_path / "x")
        files = {file["formId"]: file for file in report.manifest["files"]}
        assert files[60118]["file"] != files[60120]["file"]
        assert (files[60118]["rows"], files[60120]["rows"]) == (67, 243)
        for number, variable in ((60118, "AETERM"), (60120, "CMTRT")):
            lines = (report.folder / files[number]["file"]).read_text("utf-8").splitlines()
            assert variable in lines[0].split(",")

    def test_blinded_answers_of_unlisted_forms_are_left_out(self, own_box: Make, tmp_path: Path) -> None:
        box = own_box()
        forms = box.studies[STUDY].table("forms")
        forms.remove(forms.find("formKey", "RAND") or 0)
        with ImednetSDK("demo-unblinded-key", box.credentials["security_key"], box.url) as sdk:
            report = export_to_csv(sdk, STUDY, tmp_path / "x")
        assert "RANDARM" not in (report.folder / "_unassigned.csv").read_text("utf-8")
        assert report.blinded == ["_unassigned.RANDARM"]

    @pytest.mark.parametrize(
        ("field", "value"), [("subjectId", 5.5), ("siteId", "C1"), ("visitId", True), ("siteId", 2**70)]
    )
    def test_an_identifier_that_is_no_whole_number_is_listed(
        self, own_box: Make, tmp_path: Path, field: str, value: Any
    ) -> None:
        box = own_box()
        row = box.studies[STUDY].records.change(7, **{field: value})
        with ImednetSDK(**box.credentials) as sdk:
            report = export_to_parquet(sdk, STUDY, tmp_path / "x", disabled=True)
        cells = pq.read_table(report.folder / f"{row['formKey']}.parquet").to_pylist()
        assert next(cell for cell in cells if cell["recordId"] == row["recordId"])[field] is None
        issues = pq.read_table(report.folder / "_issues.parquet").to_pylist()
        (issue,) = [one for one in issues if one["recordId"] == row["recordId"] and one["variable"] == field]
        assert (issue["reason"], issue["value"]) == ("not an integer", value if value == "C1" else json.dumps(value))

    @pytest.mark.parametrize(("field", "value"), [("formId", [1]), ("formKey", {}), ("formId", None)])
    def test_odd_forms_of_records_lose_nothing(self, own_box: Make, tmp_path: Path, field: str, value: Any) -> None:
        box = own_box()
        box.studies[STUDY].records.change(7, **{field: value})
        with ImednetSDK(**box.credentials) as sdk:
            report = export_to_csv(sdk, STUDY, tmp_path / "x", disabled=True)
        assert report.rows == len(served(box.studies[STUDY], "records"))

    @pytest.mark.parametrize("target", ["", "a\0b", None, 5, "x" * 300])
    def test_targets_that_are_no_folder_are_refused(
        self, box: Sandbox, target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with ImednetSDK(**box.credentials) as sdk, pytest.raises(ExportConfigurationError):
            export_to_csv(sdk, STUDY, target)

    @pytest.mark.parametrize("when", [0, 3, 40])
    def test_a_replacement_that_fails_brings_the_earlier_export_back(
        self, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
    ) -> None:
        target = tmp_path / "x"
        with ImednetSDK(**box.credentials) as sdk:
            export_to_csv(sdk, STUDY, target)
            before = {path.name: path.read_bytes() for path in target.iterdir()}
            replace, calls = Path.replace, iter(range(10_000))

            def failing(self: Path, other: Any) -> Path:
                if "out" in self.parts and next(calls) == when % 30:
                    raise OSError(5, "Input/output error")
                return replace(self, other)

            monkeypatch.setattr(Path, "replace", failing)
            with pytest.raises(ExportError, match="is as it was"):
                export_to_csv(sdk, STUDY, target, deleted="drop")
        assert {path.name: path.read_bytes() for path in target.iterdir()} == before
