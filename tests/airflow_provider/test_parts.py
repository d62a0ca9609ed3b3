"""Parts of the provider, each for itself: hook, triggers, marks, targets, lineage."""

from __future__ import annotations

import asyncio
import json
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, TaskDeferred
from sqlalchemy.engine import make_url

import apache_airflow_providers_imednet.export as helpers
import imednet.integrations
from airflow_provider.runs import API, SECURITY, connection, served
from apache_airflow_providers_imednet import triggers
from apache_airflow_providers_imednet.assets import study_asset
from apache_airflow_providers_imednet.hooks import ImednetHook
from apache_airflow_providers_imednet.marks import changed, checked, marks, marks_async
from apache_airflow_providers_imednet.operators.export import (
    DATABASES,
    FILES,
    ImednetExportOperator,
    database_name,
    database_url,
)
from apache_airflow_providers_imednet.operators.records import ImednetRecordsOperator
from apache_airflow_providers_imednet.provider_info import get_provider_info
from apache_airflow_providers_imednet.sensors import ImednetJobSensor, ImednetStudyChangedSensor
from apache_airflow_providers_imednet.triggers import ImednetJobTrigger, ImednetStudyChangedTrigger
from imednet import ImednetSDK
from imednet.constants import DEFAULT_BASE_URL
from imednet.errors import ArgumentError, ConfigurationError, InvalidAnswerError
from imednet.sandbox import Answer

STUDY = "TIDEWATER-201"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sandbox behind the default connection."""
    with served() as box:
        monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection(box.url, extra={"study_key": STUDY}))
        yield box


def test_the_helpers_are_those_of_the_sdk_and_no_others() -> None:
    tabular = {name for name in imednet.integrations.__all__ if name.startswith("export_to_")}
    assert set(helpers.__all__) == tabular
    assert all(getattr(helpers, name) is getattr(imednet.integrations, name) for name in tabular)
    public = {name for name in vars(helpers) if not name.startswith("_")} - {"annotations"}
    assert public == tabular
    used = {work.__name__ for work in [*FILES.values(), *DATABASES.values()]}
    assert used == tabular - {"export_to_duckdb_by_form", "export_to_sql_by_form"}, "those two are other names"


def test_the_hook_opens_blocking_and_asynchronous_sdks(connected: Any) -> None:
    hook = ImednetHook()
    with hook.get_conn() as sdk:
        assert sdk.sites.count(hook.study_key()) == 6

    async def count() -> int:
        async with await hook.get_async_conn() as other:
            return await other.sites.count(STUDY)

    assert asyncio.run(count()) == 6
    assert hook.test_connection() == (True, "the keys may read 2 studies")


def test_no_key_is_in_what_is_shown_or_pickled(connected: Any) -> None:
    hook = ImednetHook()
    with hook.get_conn() as sdk:
        shown = [repr(hook), hook.description, repr(sdk), pickle.dumps(hook).decode("latin-1")]
        shown.append(pickle.dumps(sdk).decode("latin-1"))
    trigger = ImednetStudyChangedTrigger(STUDY)
    operator = ImednetExportOperator(task_id="x", path="out")
    shown += [repr(trigger.serialize()), pickle.dumps(trigger).decode("latin-1"), repr(operator)]
    for text in shown:
        assert API not in text
        assert SECURITY not in text
    assert connected.url.rpartition(":")[2] in hook.description


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"password": ""}, "no api_key"),
        ({"extra": {"security_key_secret": ""}}, "no security_key"),
        ({"extra": {"security_key": "x"}}, "shows in clear"),
        ({"host": "http://edc.example.org"}, "plain http"),
        ({"port": 8443}, "whole address into its host"),
        ({"schema": "edc"}, "whole address into its host"),
    ],
)
def test_a_connection_that_cannot_be_used_says_why(
    fields: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = json.loads(connection("https://edc.example.org", extra=fields.pop("extra", {})))
    monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", json.dumps({**given, **fields}))
    works, message = ImednetHook().test_connection()
    assert (works, reason in message) == (False, True), message
    assert API not in message


def test_no_study_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection("https://edc.example.org"))
    with pytest.raises(ConfigurationError, match="no study_key"):
        ImednetHook().study_key()


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_study_is_no_other_study(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a template whose parameter is not there."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_IMEDNET_DEFAULT", connection("https://edc.example.org", extra={"study_key": STUDY})
    )
    assert ImednetHook().study_key() == STUDY
    with pytest.raises(ConfigurationError, match="study_key is empty"):
        ImednetHook().study_key(empty)


def test_no_host_is_production_whatever_the_worker_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMEDNET_BASE_URL", "https://staging.example.org")
    monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection(""))
    with ImednetHook().get_conn() as sdk:
        assert sdk.client.base_url == DEFAULT_BASE_URL


def test_the_form_hides_both_keys() -> None:
    (kind,) = get_provider_info()["connection-types"]
    fields = kind["conn-fields"]
    assert fields["security_key_secret"]["schema"]["format"] == "password"
    assert "extra" in kind["ui-field-behaviour"]["hidden-fields"]
    assert get_provider_info()["package-name"] == "imednet-airflow"


def test_marks_tell_a_change_and_hold_no_row(connected: Any) -> None:
    with ImednetSDK(API, SECURITY, connected.url) as sdk:
        before = marks(sdk, STUDY, ("records", "queries", "record_revisions", "codings", "sites"))
        assert changed(before, marks(sdk, STUDY, list(before))) == []
        connected.advance(1)
        after = marks(sdk, STUDY, list(before))
        assert {"records", "record_revisions"} <= set(changed(before, after)) <= set(before)
        assert len(connected.requests) == 3 * len(before)

    async def same() -> dict[str, str]:
        async with await ImednetHook().get_async_conn() as other:
            return await marks_async(other, STUDY, list(before))

    assert asyncio.run(same()) == after
    assert all(len(mark) < 30 and mark.count(":") == 1 for mark in after.values())


@pytest.mark.parametrize("body", [b'{"metadata": {}, "data": []}', b"<html>Please sign in</html>", b""])
def test_an_answer_that_is_no_page_is_no_quiet_study(body: bytes) -> None:
    with served(intercept=lambda request, answer: Answer(200, body)) as box:
        with ImednetSDK(API, SECURITY, box.url) as sdk, pytest.raises(InvalidAnswerError):
            marks(sdk, STUDY, ("records",))


def test_lists_that_cannot_be_watched_are_refused() -> None:
    with pytest.raises(ArgumentError, match="users"):
        checked(["users"])
    with pytest.raises(ArgumentError):
        checked([])


@pytest.mark.parametrize("trigger", [ImednetStudyChangedTrigger(STUDY), ImednetJobTrigger(STUDY, ["b-1"])])
def test_triggers_come_back_as_they_were(trigger: Any) -> None:
    path, arguments = trigger.serialize()
    assert path == f"{type(trigger).__module__}.{type(trigger).__name__}"
    assert type(trigger)(**json.loads(json.dumps(arguments))).serialize() == (path, arguments)


def test_wrong_keys_end_a_task_without_a_retry(connected: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection(connected.url, password="other"))
    operator = ImednetExportOperator(task_id="x", study_key=STUDY, path=str(tmp_path / "out"))
    with pytest.raises(AirflowFailException, match="HTTP 401"):
        operator.execute({})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"target": "pdf"}, "there is no target"),
        ({"target": "csv"}, "needs path="),
        ({"target": "sql"}, "needs sql_conn_id="),
    ],
)
def test_a_target_that_cannot_be_written_ends_a_task(given: dict[str, Any], reason: str, connected: Any) -> None:
    with pytest.raises(AirflowFailException, match=reason):
        ImednetExportOperator(task_id="x", study_key=STUDY, **given).execute({})


@pytest.mark.parametrize("target", [*FILES, *DATABASES])
def test_every_target_is_written_and_has_a_lineage(
    target: str, connected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place: dict[str, Any] = {"path": str(tmp_path / "out")}
    if target in DATABASES:
        monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "x.db")}))
        place = {"sql_conn_id": "db", "home": str(tmp_path / "home")}
    endings = {"excel": ".xlsx", "duckdb": ".duckdb"}
    if "path" in place:
        place["path"] += endings.get(target, "")
    operator = ImednetExportOperator(task_id="x", target=target, forms=["AE"], **place)
    facts = operator.execute({"outlet_events": {}})
    assert (facts["rows"], facts["forms"], facts["proof"]) == (67, {"AE": 67}, "proven")
    lineage = operator.get_openlineage_facets_on_complete(None)
    assert [(one.namespace, one.name) for one in lineage.inputs] == [("imednet://127.0.0.1", STUDY)]
    assert lineage.outputs[0].outputFacets["outputStatistics"].rowCount == 67
    assert "Headache" not in repr(facts) + repr(lineage)


def test_urls_of_databases() -> None:
    given = {"conn_id": "db", "login": "app", "password": "p@ss/word", "host": "db.example.org", "schema": "trial"}
    url = database_url(Connection(conn_type="postgres", port=5433, **given))
    assert url == "postgresql+psycopg://app:p%40ss%2Fword@db.example.org:5433/trial"
    with pytest.raises(ArgumentError, match="of type 'http'"):
        database_url(Connection(conn_type="http", **given))
    safe = {"sslmode": "verify-full", "options": "-csearch_path=clin", "cursor": "dictcursor"}
    url = database_url(Connection(conn_type="postgres", extra=json.dumps(safe), **given))
    assert make_url(url).query == {"sslmode": "verify-full", "options": "-csearch_path=clin"}
    for extra in ({"iam": True}, {"ssl": {"ca": "x"}}):
        with pytest.raises(ArgumentError, match="is not understood here"):
            database_url(Connection(conn_type="mysql", extra=json.dumps(extra), **given))


@pytest.mark.parametrize("uri", ["sqlite:////srv/x.db", "sqlite://%2Fsrv%2Fx.db"])
def test_a_file_of_sqlite_is_found_however_it_is_given(uri: str) -> None:
    made = Connection(conn_id="db", uri=uri)
    assert (database_url(made), database_name(made)) == ("sqlite:////srv/x.db", ("file", "/srv/x.db"))
    with pytest.raises(ArgumentError, match="names no file"):
        database_url(Connection(conn_id="db", conn_type="sqlite"))


def test_a_list_that_is_not_proven_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though every form is: here the server refuses the filter by which lists are read."""
    with served(faults=["status GET visits after=1 times=1 status=400"]) as box:
        monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection(box.url))
        options = {"entities": ["visits"]}
        operator = ImednetExportOperator(
            task_id="x", study_key=STUDY, path=str(tmp_path / "out"), forms=["AE"], options=options
        )
        facts = operator.execute({"outlet_events": {}})
    (entry,) = [
        one for one in json.loads((tmp_path / "out" / "manifest.json").read_text())["forms"] if one["form"] == "_visits"
    ]
    assert (entry["proof"], facts["proof"]) == ("unproven", "unproven")


def test_items_are_given_in_one_way() -> None:
    assert "items" not in ImednetRecordsOperator.template_fields, "Airflow keeps what it renders"
    for given in ({}, {"items": list, "items_file": "x.csv"}):
        with pytest.raises(ValueError, match="items or items_file"):
            ImednetRecordsOperator(task_id="x", journal_folder="j", **given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="takes a function"):
        ImednetRecordsOperator(task_id="x", journal_folder="j", items=[{"formKey": "AE"}])  # type: ignore[arg-type]


class Variables:
    """Variables of Airflow without its database."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.kept.get(key, default)

    def set(self, key: str, value: Any, **_: Any) -> None:
        self.kept[key] = value


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Variables:
    made = Variables()
    monkeypatch.setattr(triggers, "Variable", made)
    return made


def of(dag: str, task: str = "look") -> Any:
    """The context of a task."""
    return {"ti": SimpleNamespace(dag_id=dag, task_id=task, map_index=-1, run_id="r-1"), "outlet_events": {}}


async def first(trigger: Any, seconds: float = 20) -> Any:
    """The first event of a trigger."""
    events = trigger.run()
    try:
        return await asyncio.wait_for(anext(events), seconds)
    finally:
        await events.aclose()


def test_nobody_takes_a_change_from_another(connected: Any, variables: Variables) -> None:
    """Two sensors and a watcher of one study: each sees each change, and none twice."""
    sensors = {dag: ImednetStudyChangedSensor(task_id="look", study_key=STUDY) for dag in ("one", "two")}
    watcher = ImednetStudyChangedTrigger(STUDY, interval=0.1)

    async def watched() -> Any:
        async def change() -> None:
            await asyncio.sleep(1)
            connected.advance(1)

        changing = asyncio.ensure_future(change())
        event = await first(watcher)
        await changing
        return event.payload

    assert {dag: sensor.poke(of(dag)).is_done for dag, sensor in sensors.items()} == {"one": True, "two": True}
    assert {dag: sensor.poke(of(dag)).is_done for dag, sensor in sensors.items()} == {"one": False, "two": False}
    event = asyncio.run(watched())
    assert (event["status"], "records" in event["lists"]) == ("changed", True)
    for dag, sensor in sensors.items():
        found = sensor.poke(of(dag))
        assert (found.is_done, "records" in found.xcom_value) == (True, True)
        assert not sensor.poke(of(dag)).is_done
    assert all(API not in value for value in variables.kept.values())


def test_a_watcher_with_wrong_keys_does_not_knock_on_and_on(
    connected: Any, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection(connected.url, password="other"))
    trigger = ImednetStudyChangedTrigger(STUDY, interval=0.5)
    with pytest.raises(TimeoutError):
        asyncio.run(first(trigger, 4))
    assert len(connected.requests) <= 3, "half a second, one, two"
    once = ImednetStudyChangedTrigger(STUDY, interval=0.5, once=True)
    event = asyncio.run(first(once)).payload
    assert (event["status"], event["final"]) == ("error", True)
    sensor = ImednetStudyChangedSensor(task_id="look", study_key=STUDY)
    with pytest.raises(AirflowFailException, match="HTTP 401"):
        sensor.noticed(of("one"), event)


def test_a_job_that_does_not_end_is_a_timeout_of_the_sensor() -> None:
    sensor = ImednetJobSensor(task_id="job", batch_id="b-1", study_key=STUDY)
    with pytest.raises(AirflowSensorTimeout):
        sensor.ended(of("one"), {"status": "waiting", "states": {}})
    with pytest.raises(AirflowFailException):
        sensor.ended(of("one"), {"status": "error", "message": "HTTP 401", "final": True})
    assert sensor.ended(of("one"), {"status": "over", "states": {"b-1": "completed"}}) == "completed"


@pytest.mark.parametrize("state", ["failed", "CANCELLED"])
def test_a_job_that_failed_fails_its_sensor(state: str) -> None:
    sensor = ImednetJobSensor(task_id="job", batch_id="b-1", study_key=STUDY)
    with pytest.raises(AirflowFailException, match=f"ended as {state}"):
        sensor.ended(of("one"), {"status": "over", "states": {"b-1": state}})


def test_a_job_that_failed_fails_its_sensor_on_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(switches={"jobSeconds": "0", "jobOutcome": "none"}) as box:
        monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection(box.url))
        with ImednetSDK(API, SECURITY, box.url) as sdk:
            items = [{"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": 1, "AETERM": "Cough"}}]
            batch_id = str(sdk.records.create(f"{STUDY}-DEV", items).batch_id)
        with pytest.raises(AirflowFailException, match="ended as failed"):
            ImednetJobSensor(task_id="job", batch_id=batch_id, study_key=f"{STUDY}-DEV").poke(of("one"))


def writing(folder: Path, count: int = 1) -> ImednetRecordsOperator:
    items = [{"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": n, "AETERM": "Cough"}} for n in range(count)]
    return ImednetRecordsOperator(
        task_id="write", study_key=f"{STUDY}-DEV", items=lambda context: items, journal_folder=str(folder),
        deferrable=True, timeout=60,
    )  # fmt: skip


def coughs(box: Any) -> int:
    with ImednetSDK(API, SECURITY, box.url) as sdk:
        return len(sdk.records.list(f"{STUDY}-DEV", form_key="AE", record_data_filter='AETERM=="Cough"'))


def test_a_journal_that_is_gone_writes_nothing_again(connected: Any, tmp_path: Path) -> None:
    operator = writing(tmp_path / "journals")
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(of("dag"))
    event = asyncio.run(first(deferred.value.trigger)).payload
    shutil.rmtree(tmp_path / "journals")
    with pytest.raises(AirflowFailException, match="is gone"):
        operator.resume(of("dag"), event)
    assert coughs(connected) == 1


def test_a_journal_is_of_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in (0, 1):
        with served() as other:
            monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", connection(other.url))
            operator = writing(tmp_path / "journals")
            operator.deferrable = False
            assert operator.execute(of("dag"))["counts"] == {"stored": 1}
            assert (count, coughs(other)) == (count, 1)


def test_a_file_is_written_once_by_all_runs(connected: Any, tmp_path: Path) -> None:
    file = tmp_path / "items.json"
    file.write_text(json.dumps([{"formKey": "AE", "subjectKey": "301-901", "data": {"AENUM": 1, "AETERM": "Cough"}}]))

    def run(dag: str, **more: Any) -> Any:
        operator = ImednetRecordsOperator(
            task_id="write", study_key=f"{STUDY}-DEV", items_file=str(file), journal_folder=str(tmp_path / "j"), **more
        )
        return operator.execute(of(dag))

    assert run("one")["counts"] == run("one")["counts"] == {"stored": 1}
    with pytest.raises(AirflowFailException, match="nothing was sent"):
        run("two")
    assert coughs(connected) == 1
    assert run("two", write_again=True)["counts"] == {"stored": 1}
    assert coughs(connected) == 2


def test_many_batches_are_written_one_after_the_other(connected: Any, tmp_path: Path) -> None:
    operator = writing(tmp_path / "journals", count=101)
    rounds = 0
    call: Any = operator.execute
    arguments: tuple[Any, ...] = (of("dag"),)
    while True:
        try:
            facts = call(*arguments)
            break
        except TaskDeferred as deferred:
            rounds += 1
            event = asyncio.run(first(deferred.trigger, 60)).payload
            call, arguments = operator.resume, (of("dag"), event)
    assert (facts["counts"], coughs(connected)) == ({"stored": 101}, 101)
    assert 3 <= rounds <= 9
    lineage = operator.get_openlineage_facets_on_complete(None)
    assert lineage.outputs[0].outputFacets["outputStatistics"].rowCount == 101


def test_studies_of_two_servers_are_two_assets() -> None:
    names = {study_asset(STUDY).name, study_asset(STUDY, host="uat.example.org").name}
    assert len(names) == 2


@pytest.mark.parametrize(("extra", "refused"), [("false", True), ("0", True), ("true", False)])
def test_plain_http_is_allowed_by_name(extra: str, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"imednet://:{API}@http%3A%2F%2Fedc.example.org/?security_key_secret={SECURITY}&allow_http={extra}"
    monkeypatch.setenv("AIRFLOW_CONN_IMEDNET_DEFAULT", url)
    if refused:
        with pytest.raises(ConfigurationError, match="plain http"):
            ImednetHook().get_conn()
    else:
        ImednetHook().get_conn().close()
