"""The container file: built where a builder is, else its steps run in a plain folder; the image exports the sandbox."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXPORT = ["--sandbox", "export", "parquet", "out", "--form", "AE"]
NOBODY = 10_001


def builder() -> str | None:
    """A program that builds images here: with a daemon that answers, and the base image within reach."""
    base = re.findall(r"^FROM (\S+)", (ROOT / "Containerfile").read_text("utf-8"), re.MULTILINE)[-1]
    for name in ("podman", "docker"):
        if shutil.which(name) and not subprocess.run([name, "pull", "-q", base], capture_output=True).returncode:
            return name
    return None


BUILDER = builder()


@pytest.mark.skipif(BUILDER is None, reason="no builder of containers with the base image; its steps run in a folder")
def test_the_image_exports_the_sandbox_without_a_writable_root(tmp_path: Path) -> None:
    assert BUILDER is not None
    subprocess.run([BUILDER, "build", "-q", "-f", "Containerfile", "-t", "imednet-test", "."], cwd=ROOT, check=True)
    tmp_path.chmod(0o777)
    run = [BUILDER, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "-v", f"{tmp_path}:/data", "imednet-test"]
    subprocess.run([*run, *EXPORT], check=True)
    assert pq.read_table(tmp_path / "out" / "AE.parquet").num_rows == 67


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the file and their words."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Containerfile").read_text("utf-8"))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest


@pytest.mark.skipif(BUILDER is not None, reason="the image itself is built here")
def test_the_steps_of_the_file_run_in_a_plain_folder(tmp_path: Path) -> None:
    """Its absolute paths below a folder, and then the export as a user that may write to /data and /tmp alone."""
    root = tmp_path / "root"
    for name in ("opt", "data", "tmp", "build"):
        (root / name).mkdir(parents=True)
    places = re.compile(r"(?<![\w/.])/(opt/imednet|data|tmp|build)\b")

    def here(text: str) -> str:
        return places.sub(lambda found: f"{root}/{found[1]}", text)

    environment = {"PATH": os.environ["PATH"], **{name: value for name, value in os.environ.items() if "PIP" in name}}
    user, work = None, root
    for name, rest in instructions():
        if name == "WORKDIR":
            work = Path(here(rest))
        elif name == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            for source in sources:
                found, place = ROOT / source, work / target
                if found.is_dir():
                    shutil.copytree(found, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(found, place / source)
        elif name == "ENV":
            environment.update(dict(word.split("=", 1) for word in shlex.split(here(rest))))
            environment["PATH"] += f":{os.environ['PATH']}"
        elif name == "RUN":
            words = shlex.split(here(rest))
            words = [sys.executable, *words[1:]] if words[0] == "python" else words
            subprocess.run(words, cwd=work, check=True, env=environment, capture_output=True)
        elif name == "USER":
            user = int(rest)
    assert user == NOBODY
    before = {path: path.lstat().st_mtime_ns for path in (root / "opt").rglob("*")}
    (root / "tmp").chmod(0o777)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)
    prefix = []
    reachable = os.access(Path(sys.executable).resolve(), os.X_OK) and not str(
        Path(sys.executable).resolve()
    ).startswith("/root")
    if os.geteuid() == 0 and reachable and shutil.which("setpriv"):
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    done = subprocess.run(
        [*prefix, str(root / "opt" / "imednet" / "bin" / "imednet"), *EXPORT], cwd=work, env=environment,
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert pq.read_table(root / "data" / "out" / "AE.parquet").num_rows == 67
    assert {path: path.lstat().st_mtime_ns for path in (root / "opt").rglob("*")} == before, "it writes to /data alone"
