"""Set up everything inside this checkout to try it, test it or work on it. Needs Python 3.11+ and nothing else.

python3 scripts/bootstrap.py try    the main job: an invented study as Parquet files, proven whole
python3 scripts/bootstrap.py test   the whole test suite against the built wheel
python3 scripts/bootstrap.py dev    the package for editing, with the tools and what tests need; then: nox -s fast
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
NOX = "nox>=2026.2,<2027"
COMMANDS = HOME / ("Scripts" if os.name == "nt" else "bin")


def python() -> str:
    """The interpreter of a virtual environment inside the checkout."""
    found = COMMANDS / ("python.exe" if os.name == "nt" else "python")
    works = found.exists() and not subprocess.run([found, "-m", "pip", "--version"], capture_output=True).returncode
    if not works:
        print("making a virtual environment in .venv", flush=True)
        venv.create(HOME, with_pip=True, clear=True)  # an interrupted one is made anew
    return str(found)


def install(*requirements: str) -> None:
    """Install into the virtual environment, quietly."""
    print(f"installing {' '.join(requirements)}", flush=True)
    command = [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    quiet = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if quiet.returncode:
        sys.exit(f"{quiet.stderr}\nthe installation failed: is a package index reachable?")


def try_it() -> int:
    """Export the sandbox study as Parquet."""
    install("-e", ".[export]")
    command = [str(COMMANDS / "imednet"), "--sandbox", "export", "parquet", "imednet-demo"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def test_it() -> int:
    """Run the suite as `nox -s tests` does."""
    install(NOX)
    return subprocess.run([python(), "-m", "nox", "-s", "tests"], cwd=ROOT, check=False).returncode


def develop() -> int:
    """Install the package for editing, with the tools and everything that tests need."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    install(
        "-e",
        ".[export,stats,polars,mirror,report]",
        NOX,
        "pre-commit>=4,<5",
        *groups["test"],
        *groups["lint"],
        *groups["typecheck"],
    )
    print("Next: activate .venv, then nox -s fast")
    return 0


def main() -> int:
    """Do one task."""
    if sys.version_info < (3, 11):  # noqa: UP036  (this script is what tells people with an older Python)
        sys.exit(f"this needs Python 3.11 or newer, and this is {sys.version.split()[0]}")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["try", "test", "dev"])
    return {"try": try_it, "test": test_it, "dev": develop}[parser.parse_args().task]()


if __name__ == "__main__":
    sys.exit(main())
