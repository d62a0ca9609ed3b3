"""A study of the sandbox, built by every version of Python on this machine: the same to the last byte."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import imednet

PRINT = (
    "import hashlib, json, sys\n"
    "from imednet.sandbox.server.manifest import manifest_of\n"
    "from imednet.sandbox import build\n"
    "from imednet.sandbox.invent.sizes import SIZES\n"
    "found = manifest_of(build(SIZES[sys.argv[1]]))\n"
    "print(hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest())\n"
)


def pythons() -> dict[str, list[str]]:
    """Interpreters of the versions we support, as far as this machine has them; the sandbox needs nothing else."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": [sys.executable]}
    for version in ("3.11", "3.12", "3.13"):
        candidates = [shutil.which(f"python{version}")]
        roots = [os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv"]
        candidates += [
            str(path) for root in roots if root for path in Path(root).glob(f"versions/{version}.*/bin/python")
        ]
        for candidate in candidates:
            if candidate and version not in found:
                done = subprocess.run(
                    [candidate, "-c", "import sys; print(sys.version)"], capture_output=True, text=True
                )
                if done.returncode == 0 and done.stdout.startswith(version):
                    found[version] = [candidate]
    return found


def assert_same_everywhere(size: str, here: Any, interpreters: Mapping[str, list[str]], folder: Path) -> None:
    """A manifest of this process is that of every interpreter; a version that is not there is a skip that says so."""
    home = folder / "home"
    home.mkdir()
    (home / "imednet").symlink_to(Path(str(imednet.__file__)).parent)
    running = [
        subprocess.Popen(
            [*command, "-c", PRINT, size], env={"PYTHONPATH": str(home)}, stdout=subprocess.PIPE, text=True
        )
        for command in interpreters.values()
    ]
    printed = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    own = hashlib.sha256(json.dumps(here, sort_keys=True).encode()).hexdigest()
    assert {text.strip() for text in printed} <= {own}, dict(zip(interpreters, printed, strict=True))
    missing = {"3.11", "3.12", "3.13"} - set(pythons())
    if missing:
        pytest.skip(f"equal where it could be tried; not on this machine: Python {', '.join(sorted(missing))}")
