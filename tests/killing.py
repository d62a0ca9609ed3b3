"""An export in a process of its own, `killing.py URL NAME FOLDER`, that is killed at some moment and started again.

In place of the name of a local target stands JSON for one on a server: the name of a sink, and its arguments.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from exporting import Target, forms_of, target
from imednet import ImednetSDK, integrations
from imednet.integrations import export_study
from imednet.sandbox import Sandbox
from support import STUDY


def main(url: str, name: str, folder: str) -> None:
    """Export into one target; say how many rows of an earlier run were used again."""
    if name.startswith("{"):
        facts, home = json.loads(name), Path(folder) / "home"
        sink = getattr(integrations, facts["sink"])(*facts["arguments"], **facts["options"])
    else:
        one = target(name, Path(folder))
        sink, home = one.make(), one.home
    with ImednetSDK("demo-api-key", "demo-security-key", url) as sdk:
        report = export_study(sdk, STUDY, sink, home=home)
    print("resumed", report.resumed, flush=True)


def command(box: Sandbox, name: str, folder: Path) -> list[str]:
    return [sys.executable, str(Path(__file__)), box.url, name, str(folder)]


def whole(box: Sandbox, name: str, folder: Path) -> float:
    """An undisturbed run; the seconds it took."""
    begun = time.monotonic()
    done = subprocess.run(command(box, name, folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


def killed_and_resumed(box: Sandbox, name: str, folder: Path, seconds: float) -> tuple[bool, int]:
    """Start, kill after so many seconds, start again. Whether it was killed, and how many rows were used again."""
    first = subprocess.Popen(command(box, name, folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.005)
    killed = first.poll() is None
    first.kill()
    first.communicate()
    done = subprocess.run(command(box, name, folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return killed, int(done.stdout.split()[-1])


def content(one: Target, box: Sandbox) -> dict[str, Any]:
    """All rows of all tables of a target."""
    return {table: one.read(table) for table in (*forms_of(box), "_issues", "_dictionary")}


def leftovers(one: Target) -> list[str]:
    """What no run should leave: hidden files and folders, tables half-made."""
    found = [path.name for path in (*one.home.parent.rglob(".*"), *one.home.parent.rglob("*.partial"))]
    if one.name == "sqlite":
        import sqlite3

        with closing(sqlite3.connect(one.home.parent / "study.db")) as db, db:
            found += [
                name
                for (name,) in db.execute("select name from sqlite_master where name like '%\\_\\_new' escape '\\'")
            ]
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
