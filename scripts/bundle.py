"""Make a zip of the core and its pure-Python needs, and read the demo study with nothing else.

The reader runs in a process without site-packages, without HOME, in a folder nothing can be written to; the zip is its
whole path. The sandbox it reads from runs in this process.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

LIMIT = 1_000_000
NEEDS = ("httpx", "httpcore", "h11", "anyio", "idna", "certifi", "attr", "attrs", "tenacity")
MAYBE = ("sniffio", "typing_extensions")
"""Needs of the needs, in some of their versions."""
LEFT_OUT = (
    "imednet/sandbox/", "imednet/cli/", "imednet/integrations/", "imednet/mirror/", "imednet/reports/",
    "imednet/workflows/monitoring/",
    "anyio/pytest_plugin.py",
)  # fmt: skip

READER = """
import sys
from imednet import ImednetSDK
with ImednetSDK(sys.argv[1], sys.argv[2], sys.argv[3]) as sdk:
    rows = sdk.records.list(sys.argv[4])
    answers = sum(len(row.record_data or ()) for row in rows)
    assert rows.proof.proven
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & {"typer", "rich", "msgspec", "pandas", "pyarrow"}, loaded
homes = {getattr(sys.modules[name], "__file__", "") for name in ("imednet", "imednet_api", "httpx", "certifi", "attrs")}
assert all(".zip" in str(home) for home in homes), homes
import certifi
assert len(certifi.contents()) > 100_000
from imednet.core.transport.certificates import trusted
assert trusted() is not True
print(len(rows), answers)
"""


def sources(name: str) -> list[tuple[Path, str]]:
    """Files of an installed package or module, and where they go in the zip."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        sys.exit(f"{name} is not installed")
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        return [(origin, origin.name)]
    folder = origin.parent
    kept = (".py", ".pem", ".json")
    return [
        (file, str(Path(name) / file.relative_to(folder)))
        for file in sorted(folder.rglob("*"))
        if file.suffix in kept and "tests" not in file.parts and "_backends/_trio" not in file.as_posix()
    ]


def make(target: Path, wheel: Path) -> int:
    """Write the zip; gives its size in bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        with zipfile.ZipFile(wheel) as built:
            for entry in built.namelist():
                if not entry.startswith(LEFT_OUT):
                    out.writestr(entry, built.read(entry))
        for name in (*NEEDS, *[one for one in MAYBE if importlib.util.find_spec(one)]):
            for file, place in sources(name):
                out.write(file, place)
    return target.stat().st_size


def main() -> None:
    """Build, measure, read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="the built wheel")
    parser.add_argument("--keep", type=Path, help="also write the zip here")
    arguments = parser.parse_args()
    from imednet.sandbox import Sandbox

    with tempfile.TemporaryDirectory() as scratch, Sandbox() as box:
        zipped = Path(scratch) / "imednet.zip"
        size = make(zipped, arguments.wheel)
        if arguments.keep:
            arguments.keep.write_bytes(zipped.read_bytes())
        bare = Path(scratch) / "bare"
        bare.mkdir(mode=0o500)
        keys = box.credentials
        study = next(iter(box.studies))
        done = subprocess.run(
            [sys.executable, "-S", "-B", "-c", READER, keys["api_key"], keys["security_key"], keys["base_url"], study],
            env={"PYTHONPATH": str(zipped), "TMPDIR": str(bare / "none"), "PATH": os.environ["PATH"]},
            cwd=bare,
            capture_output=True,
            text=True,
            check=False,
        )
        sys.stderr.write(done.stderr)
        if done.returncode:
            sys.exit("the bundle does not read the demo study")
        read, answers = map(int, done.stdout.split())
        held = len(box.studies[study].table("records"))
    print(f"{size:,} bytes of at most {LIMIT:,}; {read:,} of {held:,} records read, {answers:,} answers")
    if size > LIMIT or read != held or not answers:
        sys.exit(1)


if __name__ == "__main__":
    main()
