"""Peak memory of a Parquet export at several sizes: `memory.py`. Takes some minutes, most of them to make the pages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imednet.sandbox import Sandbox, Scale, build
from imednet.sandbox.design import STUDY

HERE = Path(__file__).resolve().parent
STUDIES: dict[str, Callable[[], dict[str, Any]]] = {
    "`wide`: 132 forms, 3,300 variables": lambda: {"profile": "wide"},
    "367 subjects": lambda: {"studies": build(Scale(subjects=367))},
    "`medium`": lambda: {"size": "medium"},
    "`large`": lambda: {"size": "large"},
}


def measured(box: Sandbox) -> str:
    """One export in a process of its own, while this one serves the pages."""
    command = [sys.executable, str(HERE / "contestants.py"), "ours_parquet", box.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost = json.loads(done.stdout)
    return f"| {len(box.studies[STUDY].records):,} | {cost['mb']:.0f} MB | {cost['user']:.1f} s |"


def main() -> None:
    print("| study | records | peak memory | user CPU |\n|---|---|---|---|")
    for what, options in STUDIES.items():
        with Sandbox(**options()) as box:
            print(f"| {what} {measured(box)}", flush=True)


if __name__ == "__main__":
    main()
