"""The `imednet` command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from imednet.sandbox import Sandbox
from support import PATIENCE

HOME = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLUMNS": "120", "IMEDNET_CONFIG_HOME": os.devnull}


def imednet(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing of this environment but the path."""
    code = "from imednet.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env={**HOME, **environment},
        timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def keys(box: Sandbox) -> dict[str, str]:
    """The environment that leads the command to a sandbox."""
    found = box.credentials
    return {
        "IMEDNET_API_KEY": found["api_key"],
        "IMEDNET_SECURITY_KEY": found["security_key"],
        "IMEDNET_BASE_URL": found["base_url"],
    }
