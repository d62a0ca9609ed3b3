"""Pages of the dashboard over a study of some 100,000 records: seconds of the first and of a later view, and memory.

Needs the dashboard (`pip install ./src/plugins/imednet-streamlit`). The server is a process of its own; pages run in
Streamlit's own test runner, so what the browser draws is not in the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

import imednet_streamlit
from imednet_streamlit.settings import Settings

STUDY = "TIDEWATER-201"
PAGES = (
    "home", "query_status", "subject_enrollment", "site_performance", "data_completeness", "subject_timeline",
    "review_workbench",
)  # fmt: skip
SERVER = """
import sys, time
from imednet.sandbox import Sandbox, Scale, build
with Sandbox(studies=build(Scale(60, int(sys.argv[1]), 150))) as box:
    print(box.url, flush=True)
    time.sleep(3600)
"""


def measured(url: str, state: Path) -> None:
    """Open each page twice, and print a line of JSON for each."""
    os.environ |= Settings(url, STUDY, state=state, sandbox=True).environment()
    app = AppTest.from_file(str(Path(imednet_streamlit.__file__).with_name("app.py")), default_timeout=600)
    app.run()
    app.sidebar.button[0].click()
    app.run()
    assert app.sidebar.success, "not connected"
    for page in PAGES:
        times = []
        for _ in range(3):
            app.query_params["page"] = page
            if "_imednet_linked" in app.session_state:
                del app.session_state["_imednet_linked"]
            began = time.monotonic()
            app.run()
            times.append(round(time.monotonic() - began, 2))
            assert not app.error
            assert not app.exception
        print(json.dumps({"page": page, "first": times[0], "later": max(times[1:])}), flush=True)
    print(json.dumps({"peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}), flush=True)


def main() -> None:
    """Serve a study and open its pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1820, help="55 records each")
    given = parser.parse_args()
    command = [sys.executable, "-c", SERVER, str(given.subjects)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        try:
            assert server.stdout is not None
            measured(server.stdout.readline().strip(), Path(folder))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
