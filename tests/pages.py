"""The pages of docs/, typed and run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from commands import HOME
from support import PATIENCE

PAGES = Path(__file__).resolve().parent.parent / "docs"


def blocks(page: str, kind: str) -> list[str]:
    """The blocks of one kind in a page, such as `sh`."""
    found = re.findall(rf"^```{kind}\n(.*?)^```", (PAGES / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return found


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of a page, typed in a folder."""
    return subprocess.run(
        [sys.executable, "-c", "from imednet.cli import main; main()", *shlex.split(line)[1:]], cwd=folder, check=False,
        capture_output=True, text=True, env={**HOME, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}, timeout=PATIENCE,
    )  # fmt: skip
