"""Peak memory of reading row by row and of a Parquet export at several sizes; prints JSON.

Takes some minutes, most of them to make the pages of a million records.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imednet.sandbox import Sandbox, Scale, build
from imednet.sandbox.invent.design import STUDY
from imednet.sandbox.server import lists

HERE = Path(__file__).resolve().parent
STUDIES: dict[str, Callable[[], dict[str, Any]]] = {
    "`wide`: 132 forms, 3,300 variables": lambda: {"profile": "wide"},
    "367 subjects": lambda: {"studies": build(Scale(subjects=367))},
    "`medium`": lambda: {"size": "medium"},
    "`large`": lambda: {"size": "large"},
}


def measured(box: Sandbox, how: str) -> Any:
    """One run in a process of its own, while this one serves the pages."""
    command = [sys.executable, str(HERE / "contestants.py"), box.url, how, "nothing", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    lists.PAGE_MEMORY = 16 << 30  # the second run of each study finds all pages made
    found = []
    for study, options in STUDIES.items():
        with Sandbox(**options()) as box:
            costs = {how: measured(box, how) for how in ("iterated", "parquet")}
            found.append({"study": study, "records": len(box.studies[STUDY].records), **costs})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
