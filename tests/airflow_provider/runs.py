"""A real Airflow in a folder of its own, with SQLite, connected to a sandbox."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apache_airflow_providers_imednet as provider
from imednet.sandbox import Sandbox

API, SECURITY = "planted-api-key-5417", "planted-security-key-9203"
"""Keys of the sandbox here: no other text has them, so that they are found wherever they leak."""
EXAMPLES = Path(provider.__file__).parent / "example_dags"
PATIENCE = 300


def settings(home: Path, dags: Path = EXAMPLES) -> dict[str, str]:
    """The environment of an Airflow."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


os.environ.update(settings(Path(tempfile.mkdtemp(prefix="imednet-airflow-"))))  # before anything imports Airflow


def connection(url: str, **more: Any) -> str:
    """The connection to a sandbox, as Airflow reads it from its environment."""
    extra = {"security_key_secret": SECURITY, **more.pop("extra", {})}
    return json.dumps({"conn_type": "imednet", "host": url, "password": API, "extra": extra, **more})


def served(**options: Any) -> Sandbox:
    """A sandbox that takes the planted keys."""
    box = Sandbox(size="demo", **options)
    box.api._visibility[API, SECURITY] = "all"
    return box.start()


@dataclass
class Airflow:
    """One Airflow.

    Attributes:
        home: its folder.
        box: the sandbox that its connection leads to.
        folder: where its Dags write.
    """

    home: Path
    box: Sandbox
    folder: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # its parts start `airflow` by name
        return {
            "PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **settings(self.home),
            "AIRFLOW_CONN_IMEDNET_DEFAULT": connection(self.box.url), "AIRFLOW_VAR_IMEDNET_FOLDER": str(self.folder),
            **self.more,
        }  # fmt: skip

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command `airflow`."""
        return subprocess.run(
            [sys.executable, "-m", "airflow", *words], capture_output=True, text=True, timeout=PATIENCE, check=False,
            env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def command(self, code: str, *words: str) -> list[str]:
        """A command that runs Python in a process of its own."""
        return [sys.executable, "-c", code, *words]

    def test(self, module: str, name: str, when: str = "2026-11-01T05:00:00+00:00") -> dict[str, Any]:
        """`dag.test()` of a Dag: state of the run, states and XComs of its tasks; and everything that was printed."""
        done = subprocess.run(
            self.command(TEST, module, name, when), capture_output=True, text=True, timeout=PATIENCE, check=False,
            env=self.environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "RESULT " in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout.rpartition("RESULT ")[2].splitlines()[0])
        return {**found, "printed": done.stdout + done.stderr}

    def kept(self) -> Iterator[tuple[str, str]]:
        """All that is on its disk: place, text."""
        for path in self.home.rglob("*"):
            if path.is_file() and path.suffix != ".db":
                yield str(path), path.read_text("utf-8", "replace")
        with sqlite3.connect(self.home / "airflow.db") as database:
            for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in database.execute(f'select * from "{table}"'):
                    yield table, repr(row)


TEST = """
import importlib.util, json, sys
from datetime import datetime
path, name, when = sys.argv[1:]
spec = importlib.util.spec_from_file_location("the_dag", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
run = getattr(module, name).test(logical_date=datetime.fromisoformat(when))
tasks = {}
for ti in run.get_task_instances():
    label = ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"
    tasks[label] = str(ti.state)
print("RESULT " + json.dumps({"state": str(run.state), "tasks": tasks, "run_id": run.run_id}))
"""
