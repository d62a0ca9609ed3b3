"""Peak memory of a Parquet export at several sizes: `memory.py`. Takes some minutes, most of them to make the pages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from imednet.sandbox import Sandbox
from imednet.sandbox.design import STUDY

HERE = Path(__file__).resolve().parent


def measured(box: Sandbox) -> str:
    """One export in a process of its own, while this one serves the pages."""
    command = [sys.executable, str(HERE / "contestants.py"), "ours_parquet", box.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost = json.loads(done.stdout)
    return f"| {len(box.studies[STUDY].records):,} | {cost['mb']:.0f} MB | {cost['user']:.1f} s |"


def main() -> None:
    print("| records | peak memory | user CPU |\n|---|---|---|")
    for options in ({"profile": "wide"}, {"size": "medium"}, {"size": "large"}):
        with Sandbox(**options) as box:  # type: ignore[arg-type]
            print(measured(box), options, flush=True)


if __name__ == "__main__":
    main()
