"""The example Dags in a real Airflow: what they do, what a retry does, and what is nowhere written down."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from airflow_provider.runs import API, EXAMPLES, PATIENCE, SECURITY, TEST, Airflow, served
from imednet import ImednetSDK
from imednet.sandbox import Answer, Request, Sandbox

STUDY = "TIDEWATER-201"
TWIN = f"{STUDY}-DEV"
TERM = "Planted cough 7731"


def coughs(box: Sandbox, term: str = "Cough") -> int:
    """Adverse events of the twin study with a term."""
    with ImednetSDK(API, SECURITY, box.url) as sdk:
        return len(sdk.records.list(TWIN, form_key="AE", record_data_filter=f'AETERM=="{term}"'))


def leaks(airflow: Airflow, *texts: str) -> list[str]:
    """Places on its disk that hold one of the texts."""
    return [place for place, text in airflow.kept() if any(one in text for one in texts)]


def test_the_daily_dag_looks_mirrors_and_exports(airflow: Airflow) -> None:
    done = airflow.test(str(EXAMPLES / "imednet_daily.py"), "daily")
    assert done["state"] == "success", done["printed"][-4000:]
    assert set(done["tasks"].values()) == {"success"}
    assert {"mirror[0]", "export[0]"} <= set(done["tasks"])
    table = pq.read_table(airflow.folder / "export-TIDEWATER-201" / "AE.parquet")
    with ImednetSDK(API, SECURITY, airflow.box.url) as sdk:
        assert table.num_rows == sdk.records.count(STUDY, form_key="AE")
    assert any(place == "xcom" and "proven" in text for place, text in airflow.kept()), "rows and proof are in the XCom"
    assert leaks(airflow, API, SECURITY) == []
    assert API not in done["printed"]
    assert SECURITY not in done["printed"]


def test_records_are_written_while_the_triggerer_waits(airflow: Airflow) -> None:
    done = airflow.test(str(EXAMPLES / "imednet_write.py"), "write")
    assert done["state"] == "success", done["printed"][-4000:]
    assert coughs(airflow.box) == 1
    again = airflow.test(str(EXAMPLES / "imednet_write.py"), "write")
    assert (again["state"], coughs(airflow.box)) == ("success", 1), "the same run again is the same write"
    other = airflow.test(str(EXAMPLES / "imednet_write.py"), "write", "2026-11-02T05:00:00+00:00")
    assert (other["state"], coughs(airflow.box)) == ("success", 2)
    assert leaks(airflow, API, SECURITY) == []


def test_answers_are_in_no_log_xcom_or_rendered_template(airflow: Airflow, tmp_path: Path) -> None:
    text = (EXAMPLES / "imednet_write.py").read_text().replace('"AETERM": "Cough"', f'"AETERM": "{TERM}"')
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "write.py").write_text(text.replace("imednet_write", "other_write"))
    airflow.more = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    assert airflow.run("dags", "reserialize").returncode == 0
    done = airflow.test(str(dags / "write.py"), "write")
    assert done["state"] == "success", done["printed"][-4000:]
    assert coughs(airflow.box, TERM) == 1
    assert TERM not in done["printed"]
    source = {"dag_code", "dag_version"}  # Airflow keeps the source of a Dag, and this one has the term in it
    assert set(leaks(airflow, TERM)) <= source


def test_a_killed_and_retried_task_writes_nothing_twice(airflow: Airflow) -> None:
    """Killed before the batch goes out, once it is stored, while its job runs, and while it is read back."""
    for number, moment in enumerate(("plan", "stored", "job", "readback", "late")):
        when = f"2026-11-{10 + number:02}T05:00:00+00:00"
        hit, free = threading.Event(), threading.Event()
        box = served(intercept=held(moment, hit, free), switches={"jobSeconds": "3"})
        airflow.box = box
        words = airflow.command(TEST, str(EXAMPLES / "imednet_write.py"), "write", when)
        with subprocess.Popen(
            words, env=airflow.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        ) as running:  # fmt: skip
            assert hit.wait(PATIENCE), moment
            time.sleep(0.2)
            running.send_signal(signal.SIGKILL)
            running.wait()
        free.set()
        before = coughs(box)
        done = airflow.test(str(EXAMPLES / "imednet_write.py"), "write", when)
        assert done["state"] == "success", (moment, done["printed"][-3000:])
        assert (moment, coughs(box)) == (moment, 1)
        assert before <= 1
        box.stop()


def held(moment: str, hit: threading.Event, free: threading.Event) -> Callable[..., Answer]:
    """Holds the answer to one request of a write until the test goes on."""

    def intercept(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        posted = request.method == "POST"
        seen.append(posted)
        wanted = {
            "plan": not any(seen) and request.path.endswith("/records"),
            "stored": posted,
            "job": "/jobs/" in request.path,
            "readback": any(seen) and not posted and request.path.endswith("/records"),
            "late": any(seen) and not posted and request.path.endswith("/records") and len(seen) > seen.index(True) + 3,
        }[moment]
        given = answer(request)
        if wanted and not hit.is_set():
            hit.set()
            free.wait(PATIENCE)
        return given

    seen: list[bool] = []
    return intercept


def test_a_read_that_is_not_whole_fails_the_task(airflow: Airflow, tmp_path: Path) -> None:
    def short(request: Request, answer: Callable[[Request], Answer]) -> Answer:
        import json

        given = answer(request)
        if request.path.endswith("/records") and given.status == 200 and ("size", "500") in request.query:
            body = json.loads(given.body)
            given.body = json.dumps({**body, "data": body["data"][:-1]}).encode()
        return given

    airflow.box.stop()
    airflow.box = served(intercept=short)
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "short.py").write_text(
        "from datetime import datetime\nfrom airflow.sdk import dag\n"
        "from apache_airflow_providers_imednet.operators.export import ImednetExportOperator\n"
        "@dag(schedule=None, start_date=datetime(2026, 1, 1))\ndef short():\n"
        f"    ImednetExportOperator(task_id='export', study_key='{STUDY}', target='csv', forms=['AE'],"
        f" path='{tmp_path}/csv')\n"
        "found = short()\n"
    )
    airflow.more = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    assert airflow.run("dags", "reserialize").returncode == 0
    done = airflow.test(str(dags / "short.py"), "found")
    assert (done["state"], done["tasks"]) == ("failed", {"export": "failed"})
    assert not (tmp_path / "csv" / "AE.csv").exists()


def test_the_command_line_of_airflow_knows_the_provider(airflow: Airflow) -> None:
    assert "imednet-airflow" in airflow.run("providers", "get", "imednet-airflow").stdout
    assert "imednet" in airflow.run("providers", "hooks").stdout
    good = airflow.run("connections", "test", "imednet_default")
    assert (good.returncode, "Connection success" in good.stdout) == (0, True), good.stdout + good.stderr
    wrong = airflow.run(
        "connections", "test", "imednet_default",
        AIRFLOW_CONN_IMEDNET_DEFAULT=airflow.environment["AIRFLOW_CONN_IMEDNET_DEFAULT"].replace(API, "other-key"),
    )  # fmt: skip
    assert "Connection failed" in wrong.stdout
    assert "HTTP 401" in wrong.stdout
    for text in (good.stdout, good.stderr, wrong.stdout, wrong.stderr):
        assert SECURITY not in text
